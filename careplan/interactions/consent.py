"""What patients' Consents say of this caller now: what is denied, whom a relative acts for, what an emergency opens.

Found by one look for the Consents that name the caller, the caller's organisation or one above it, and remembered for
a moment (`memory`). A patient's own access and that of the installation depend on no Consent, and cost no look.
Not here: what a Consent says (`fhir.consent`), and what follows for a read or a search (`access`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from careplan.fhir.consent import Rule, covers, left_out, rule_from_consent
from careplan.fhir.query import Criterion, Query, ReferenceIs, TokenIs, Without
from careplan.fhir.reference import find_target
from careplan.fhir.span import find_span
from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.store.protocol import Hidden, Version

ASKED = frozenset({"clinic", "municipality", "hospital", "lps"})
"""Roles whom a Consent may deny something."""

READ_HERE = frozenset({"Consent", "Organization", "PractitionerRole", "RelatedPerson"})
"""What the answer is made of: once one of these is written, it is found anew."""

_ABOVE = 5
"""Organisations above the caller's own that are looked for: a block of a hospital is one of its wards."""


@dataclass(frozen=True, slots=True)
class Consents:
    """What holds for one caller at one moment.

    denied   rules that leave something out, none of a patient whom an emergency has opened
    opened   patients whom an emergency access of this caller has opened
    trusted  the patient whom a relative acts for, and whether the relative writes, too
    """

    denied: tuple[Rule, ...] = ()
    opened: frozenset[str] = frozenset()
    trusted: Mapping[str, bool] = field(default_factory=dict)

    @property
    def blocked(self) -> frozenset[str]:
        """Patients of whom nothing is left."""
        return frozenset(rule.patient for rule in self.denied if rule.whole)

    @property
    def _partial(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.denied if not rule.whole)

    def partly(self, patient: str | None) -> tuple[Rule, ...]:
        """What is denied of a patient of whom something is left."""
        return tuple(rule for rule in self.denied if rule.patient == patient and not rule.whole)

    def without(self, type_name: str) -> tuple[Without, ...]:
        """What a search of a type leaves out."""
        found: dict[tuple[Criterion, ...], set[str]] = {(): set(blocked)} if (blocked := self.blocked) else {}
        for rule in self._partial:
            for criteria in left_out(rule, type_name):
                found.setdefault(criteria, set()).add(rule.patient)
        return tuple(Without(frozenset(patients), criteria) for criteria, patients in found.items())

    def hidden(self, types: Iterable[str]) -> tuple[Hidden, ...]:
        """What a history leaves out: of a type of which something is denied, all; nobody knows what it once was."""
        kinds = tuple(types)
        found = [Hidden(blocked)] if (blocked := self.blocked) else []
        for rule in self._partial:
            partly = frozenset(one for one in kinds if any(True for _ in left_out(rule, one)))
            found += [Hidden(frozenset({rule.patient}), partly)] if partly else []
        return tuple(found)

    def hides(self, version: Version) -> bool:
        """Whether a version is left out for this caller."""
        mine = [rule for rule in self.denied if rule.patient == version.patient]
        if not mine:
            return False
        body = None if version.body is None else parse(version.body)
        return any(rule.whole or covers(rule, version.type, version.id, body) for rule in mine)


NOTHING = Consents()


async def consents(context: Context, *, emergency: bool = True) -> Consents:
    """What holds for the caller now; without `emergency`, as if nobody had opened a record in one."""
    caller = context.caller
    if caller.role in ASKED or is_relative(context):
        key = (context.store, caller.role, caller.organization, caller.reference, context.base)
        rules = await context.house.consents.recall(key, context.now, lambda: _rules(context))
        return _holding(context, rules if emergency else [rule for rule in rules if not rule.emergency])
    return NOTHING


def is_relative(context: Context) -> bool:
    """Whether somebody acts for a patient, who is not the patient."""
    caller = context.caller
    return caller.role == "patient" and (caller.reference or "").startswith("RelatedPerson/")


def _holding(context: Context, rules: Sequence[Rule]) -> Consents:
    """What of these rules holds now."""
    if not rules:
        return NOTHING
    now = [rule for rule in rules if rule.holds(context.now)]
    opened = frozenset(rule.patient for rule in now if rule.emergency and context.caller.role in EMERGENCY_ROLES)
    denied = tuple(rule for rule in now if rule.denies and rule.patient not in opened)
    if not is_relative(context):
        return Consents(denied, opened)
    permits = [rule for rule in now if not rule.denies and context.caller.reference in rule.actors]
    trusted = {patient: any(one.writes for one in permits) for patient in {one.patient for one in permits}}
    return Consents(denied, trusted=trusted)


EMERGENCY_ROLES = frozenset({"clinic", "hospital"})
"""Roles of clinicians who may open a record in an emergency."""


async def _rules(context: Context) -> tuple[Rule, ...]:
    """What Consents say of the caller, at any time."""
    names = await _names(context)
    actors = tuple(ReferenceIs(*name.split("/")) for name in sorted(names))
    found = await _active(context, Criterion("actor", "reference", actors)) if actors else []
    if context.caller.role in ASKED:
        found += await _active(context, Criterion("actor", "reference", missing=True))
    rules = [rule for one in found if (rule := rule_from_consent(one, context.base)) is not None]
    kept = tuple(rule for rule in rules if _counts(context, rule, names))
    if not is_relative(context):
        return kept
    own = await _patient_of_relative(context)
    return tuple(rule for rule in kept if rule.patient == own)


def _counts(context: Context, rule: Rule, names: frozenset[str]) -> bool:
    """A denial of the caller or of everybody; an emergency access of the person; a relative's power of attorney."""
    if rule.denies:
        return not rule.actors or bool(rule.actors & names)
    return context.caller.reference in rule.actors and (rule.emergency or is_relative(context))


async def _active(context: Context, actor: Criterion) -> list[Json]:
    status = Criterion("status", "token", (TokenIs(None, "active"),))
    return [parse(one.body or b"") for one in await every(context, Query("Consent", (actor, status)))]


async def _names(context: Context) -> frozenset[str]:
    """What the caller goes by: the person, in every role of theirs, the organisation, and those above it."""
    above = {f"Organization/{context.caller.organization}"} if context.caller.organization else set()
    return await names_of_caller(context) | await _with_those_above(context, above)


async def names_of_caller(context: Context) -> frozenset[str]:
    """What the caller goes by as a person: the reference, the Practitioner, and every role of theirs."""
    name = context.caller.reference
    if not name:
        return frozenset()
    person = await _practitioner(context, name)
    return frozenset({name} if person is None else {name, person, *await _roles(context, person)})


async def _practitioner(context: Context, name: str) -> str | None:
    if name.startswith("Practitioner/"):
        return name
    role = await _read(context, name) if name.startswith("PractitionerRole/") else None
    return None if role is None else _named(context, role.get("practitioner"))


async def _roles(context: Context, person: str) -> set[str]:
    whose = Criterion("practitioner", "reference", (ReferenceIs("Practitioner", person.partition("/")[2]),))
    return {one.reference for one in await every(context, Query("PractitionerRole", (whose,)))}


async def _with_those_above(context: Context, organizations: set[str]) -> set[str]:
    found, fresh = set(organizations), set(organizations)
    for _ in range(_ABOVE):
        read = [await _read(context, name) for name in sorted(fresh)]
        parents = {name for one in read if one is not None and (name := _named(context, one.get("partOf")))}
        fresh = parents - found
        found |= fresh
    return found


async def _patient_of_relative(context: Context) -> str | None:
    """Whose relative the caller is, today."""
    relative = await _read(context, context.caller.reference or "")
    if relative is None or relative.get("active") is False or _is_over(context.now, relative):
        return None
    name = _named(context, relative.get("patient"))
    return name.partition("/")[2] if name else None


def _is_over(now: datetime, relative: Json) -> bool:
    end = find_span(str((relative.get("period") or {}).get("end", "")))
    return end is not None and end[1] <= now


async def _read(context: Context, name: str) -> Json | None:
    type_name, _, id = name.partition("/")
    version = await context.store.read(type_name, id)
    return None if version is None or version.body is None else parse(version.body)


def _named(context: Context, reference: Json | None) -> str | None:
    target = find_target(str((reference or {}).get("reference", "")), context.base)
    return f"{target.type}/{target.id}" if target is not None and target.type else None
