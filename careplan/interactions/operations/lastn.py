"""`Observation/$lastn?max=2&patient=1&category=…`: the newest values of each code.

Codes that stand for one measure are one code, whichever of its codings a value came with. A value with several codes
counts for each of them, or for those that are asked for, and is shown while one of them has room: what is newest of
any code is never hidden. Values that were withdrawn hide nobody's newest: they come only when `status` is asked for.
https://hl7.org/fhir/R4/observation-operation-lastn.html · checklist R4-111
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from careplan.domain.guideline import Knowledge
from careplan.fhir.bundle import searchset
from careplan.fhir.folding import folded
from careplan.fhir.query import Criterion, Order, Query, ReferenceIs, TokenIs
from careplan.fhir.reading import WITHDRAWN
from careplan.fhir.search import parse as parse_query
from careplan.fhir.systems import normal_code
from careplan.fhir.text import Json, parse
from careplan.fhir.veil import unveiled, veiled
from careplan.interactions.context import Context
from careplan.interactions.inclusion import brought
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.search import search
from careplan.store.protocol import TooCostly, Version

MOST = 100
"""Of one code."""

MOST_READ = 20_000
"""Values looked at for one answer."""

_PAGE = 200
_NEWEST = (Order("date", "date", True), Order("_id", "id", True))
_SUBJECTS = ("patient", "subject")
_CURRENT = Criterion("status", "token", tuple(TokenIs(None, code) for code in sorted(WITHDRAWN)), negated=True)

Key = tuple[str, str]


async def lastn(context: Context, asked: Asked) -> bytes:
    """A searchset, code after code as they were measured last, each newest first; of one instant the last id first.

    Raises ParameterFaulty without a patient or for a wrong `max`, TooCostly, and what a search raises
    """
    most = asked.find_whole("max")
    if most is not None and not 1 <= most <= MOST:
        raise ParameterFaulty(f"parameter max is a whole number from 1 to {MOST}")
    pairs = [(name, _text(name, one)) for name in asked.values if name != "max" for one in asked.all(name)]
    pairs = unveiled(pairs, context.house.secret)
    limit = context.house.limits.search_parameters
    query = parse_query("Observation", pairs, strict=asked.strict, base=context.base, parameters=limit)
    if not any(one.parameter in _SUBJECTS and _names_one(one) for one in query.criteria):
        raise ParameterFaulty("parameter patient names whose values: one patient, e.g. patient=1 or subject=Patient/1")
    found = await _newest(context, query, most or 1)
    steering = {"_sort", "_count"} if query.count else {"_sort"}
    used = (*([("max", str(most))] if most else []), *(pair for pair in query.used if pair[0] not in steering))
    along = await brought(context, query.includes, found)
    shown = replace(query, used=veiled(used, context.house.secret, openly=False))
    path = "Observation/$lastn"
    return searchset(shown, found, base=context.base, included=along.versions, faults=along.faults, path=path)


def _text(name: str, value: Json) -> str:
    """A parameter of Parameters as a search writes it."""
    match value:
        case str():
            return value
        case bool():
            return str(value).lower()
        case {"reference": str(reference)}:
            return reference
        case {"code": str(code)}:
            return f"{value['system']}|{code}" if isinstance(value.get("system"), str) else code
        case _:
            raise ParameterFaulty(f"parameter {name} is written as in a search")


def _names_one(criterion: Criterion) -> bool:
    """Whether it holds for the values of one person only: a chain or an identifier may lead to several."""
    one = len(criterion.alternatives) == 1 and isinstance(criterion.alternatives[0], ReferenceIs)
    return one and not criterion.negated


async def _newest(context: Context, query: Query, most: int) -> list[Version]:
    """Page after page, newest first; of codes that are asked for, those that are full are asked for no longer.

    All others are read to the end: an old value with a full code may be the newest of another code that it has too.
    """
    asks_status = any(one.parameter == "status" for one in query.criteria)
    criteria = query.criteria if asks_status else (*query.criteria, _CURRENT)
    page = replace(query, criteria=criteria, orders=_NEWEST, count=_PAGE, total=False, includes=())
    codes = _codes_asked(query)
    counted = _Counted(_keys_from_knowledge(context.knowledge), most, _tokens(codes))
    read = 0
    while True:
        found = (await search(context, page)).page
        for version in found.matches:
            counted.add(version)
        read += len(found.matches)
        left = tuple(token for token in _tokens(codes) if not counted.is_full(token))
        if found.next is None or (codes is not None and not left):
            return [version for some in counted.groups.values() for version in some]
        if read >= MOST_READ:
            raise TooCostly(f"more than {MOST_READ} values would have to be looked at; ask for fewer patients or codes")
        narrowed = (replace(one, alternatives=left) if one is codes else one for one in criteria)
        page = replace(page, criteria=tuple(narrowed), after=found.next)


def _codes_asked(query: Query) -> Criterion | None:
    """The criterion that names which codes are wanted, when one does so one by one."""
    about = [one for one in query.criteria if one.parameter == "code"]
    if len(about) != 1 or about[0].negated or len(_tokens(about[0])) < max(1, len(about[0].alternatives)):
        return None
    return about[0]


def _tokens(criterion: Criterion | None) -> tuple[TokenIs, ...]:
    """The codes that a criterion names."""
    alternatives = () if criterion is None else criterion.alternatives
    return tuple(one for one in alternatives if isinstance(one, TokenIs) and one.code is not None)


def _keys_from_knowledge(knowledge: Knowledge) -> dict[Key, Key]:
    """What each code of the measures and of their panels counts as."""
    measures = tuple(knowledge.measures.values())
    panels = {
        normal_code(code.system, code.code): ("panel", one.id) for one in reversed(measures) for code in one.panel
    }
    return panels | {normal_code(code.system, code.code): ("measure", one.id) for one in measures for code in one.codes}


@dataclass(slots=True)
class _Counted:
    """The values kept so far, each under the first of its codes that had room for it.

    same     what the codes of measures count as
    asked    the codes that are asked for; with none, all count
    numbers  how many values are kept of each code
    """

    same: Mapping[Key, Key]
    most: int
    asked: Sequence[TokenIs] = ()
    groups: dict[Key, list[Version]] = field(default_factory=dict)
    numbers: Counter[Key] = field(default_factory=Counter)

    def add(self, version: Version) -> None:
        """Keep a value while any of its codes has room; values come newest first."""
        keys = self._keys(parse(version.body or b"").get("code") or {})
        key = next((key for key in keys if self.numbers[key] < self.most), None)
        if key is not None:
            self.groups.setdefault(key, []).append(version)
            self.numbers.update(keys)

    def is_full(self, token: TokenIs) -> bool:
        """Whether there are enough of a code. One asked for without a system may be several, so nobody knows."""
        if token.system is None or token.code is None:
            return False
        code = (token.system, token.code)
        return self.numbers[self.same.get(code, code)] >= self.most

    def _keys(self, concept: Json) -> list[Key]:
        """What a CodeableConcept counts as; one without codes by its text."""
        codes = [normal_code(one.get("system", ""), one["code"]) for one in concept.get("coding", ()) if "code" in one]
        wanted = [(system, code) for system, code in codes if self._is_asked(system, code)]
        found = dict.fromkeys(self.same.get(code, code) for code in wanted or codes)
        return list(found) or [("text", folded(str(concept.get("text", ""))))]

    def _is_asked(self, system: str, code: str) -> bool:
        return any(one.code == code and one.system in (None, system) for one in self.asked)
