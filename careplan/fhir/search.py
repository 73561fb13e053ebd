"""A query string → Query, checked against the registry.

Not here: the query itself (`query`), what one parameter's value means (`criterion`), and running it (stores).
https://hl7.org/fhir/R4/search.html · checklist I–L
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from careplan.domain.errors import CareplanError
from careplan.fhir import registry
from careplan.fhir.chain import asked_of, branches, is_chained
from careplan.fhir.criterion import ParameterInvalid, read_whole, split
from careplan.fhir.include import find_include
from careplan.fhir.page_link import PAGE
from careplan.fhir.query import (
    Criterion,
    Include,
    Link,
    Order,
    Query,
)

Pairs = Sequence[tuple[str, str]]

COUNT = 50
MAXIMUM = 1000
MOST_PARAMETERS = 200
MOST_VALUES = 2000
"""Of all parameters together: what one statement of a store bears."""
MOST_BRANCHES = 24
"""Types that all chains of a search together lead through, hop by hop: each is a search within the search."""
SUMMARIES = ("true", "text", "data", "count", "false")
TOTALS = ("none", "estimate", "accurate")


class ParameterUnsupported(CareplanError):
    """A search parameter, sort key or include that this service does not offer."""

    code = "parameter-unsupported"


def parse(
    type: str,
    pairs: Pairs,
    *,
    strict: bool,
    base: str,
    maximum: int = MAXIMUM,
    count: int = COUNT,
    parameters: int = MOST_PARAMETERS,
) -> Query:
    """What a search asks.

    pairs    (name, value) in order, percent-decoded once
    strict   refuse what is not supported; else it is left out and listed in `ignored`
    base     this server's absolute FHIR base, to recognise references to itself
    maximum  the most matches a page may have; `count`: when none is asked for; `parameters`: the most of these
    Raises   TypeUnknown, ParameterInvalid, ParameterUnsupported
    """
    if len(pairs) > parameters:
        raise ParameterInvalid(f"a search takes at most {parameters} parameters")
    draft = _Draft(registry.row(type), strict, base, maximum, count)
    for name, value in pairs:
        if value.strip():
            draft.read(name, value)
    draft.check_size()
    return draft.query()


def pairs_from_query(text: str) -> list[tuple[str, str]]:
    """The parameters of a query string, decoded once; `+` is a space.

    Raises ParameterInvalid for wrong UTF-8, and for more than any request takes
    """
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except UnicodeDecodeError:
        raise ParameterInvalid("the parameters are not percent-encoded UTF-8") from None
    except ValueError:
        raise ParameterInvalid(f"a request has at most {MOST_PARAMETERS} parameters") from None


def find_order(row: registry.Row, key: str) -> Order | None:
    """A sort key, `-` before it for descending; None for what a type is not sorted by."""
    parameter = row.parameter(key.removeprefix("-"))
    if parameter is None or parameter.kind == "composite":
        return None
    return Order(parameter.name, parameter.kind, key.startswith("-"))


@dataclass(slots=True)
class _Draft:
    """The query while its parameters are read. through: what its links lead through, however deep."""

    row: registry.Row
    strict: bool
    base: str
    maximum: int
    count: int
    criteria: list[Criterion] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    through: list[Query] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    elements: list[str] = field(default_factory=list)
    summary: str = "false"
    total: bool = False
    used: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def read(self, key: str, value: str) -> None:
        name, _, modifier = key.partition(":")
        steer = _STEERING.get(key)
        if steer is not None:
            steer(self, value)
        elif name in _STEERING:
            raise ParameterInvalid(f"{name} has no modifier :{modifier[:64]} here")
        elif name in self.row.parameters or is_chained(self.row, key):
            self.add(key, value)
        else:
            self.ignore(key)

    def add(self, key: str, value: str) -> None:
        """What a parameter asks; one whose value is nothing but separators counts as not sent."""
        if not any(part.strip() for part in value.split(",")):
            return
        match asked_of(self.row, key, value, self.base):
            case Criterion() as criterion:
                self.criteria.append(criterion)
            case Link() as link:
                self.add_link(link)
        self.used.append((key, value))

    def add_link(self, link: Link) -> None:
        self.links.append(link)
        self.through += branches(link)
        if len(self.through) > MOST_BRANCHES:
            raise ParameterInvalid(
                f"chains of a search go through at most {MOST_BRANCHES} types; name one, as in subject:Patient.name"
            )

    def check_size(self) -> None:
        asked = [*self.criteria, *(criterion for query in self.through for criterion in query.criteria)]
        if sum(len(criterion.alternatives) for criterion in asked) > MOST_VALUES:
            raise ParameterInvalid(f"a search takes at most {MOST_VALUES} values, those of all its parameters counted")

    def ignore(self, what: str) -> None:
        """Raises ParameterUnsupported when strict."""
        if self.strict:
            raise ParameterUnsupported(f"{self.row.name} has no search parameter {what[:64]} here")
        self.ignored.append(what[:64])

    def use_last(self, name: str, value: str) -> None:
        self.used = [pair for pair in self.used if pair[0] != name]
        self.used.append((name, value))

    # ── parameters that steer the answer ─────────────────────────────────────────────────────────

    def read_count(self, value: str) -> None:
        self.count = read_whole("_count", value, self.maximum)
        self.use_last("_count", str(self.count))

    def read_sort(self, value: str) -> None:
        kept = [key for key in split(value, ",") if key.strip() and self.add_order(key)]
        if kept:
            self.used.append(("_sort", ",".join(kept)))

    def add_order(self, key: str) -> bool:
        order = find_order(self.row, key)
        if order is None:
            self.ignore(f"_sort={key}")
            return False
        self.orders.append(order)
        return True

    def read_include(self, value: str) -> None:
        self.add_include("_include", value)

    def read_revinclude(self, value: str) -> None:
        self.add_include("_revinclude", value, reverse=True)

    def read_include_further(self, value: str) -> None:
        self.add_include("_include:iterate", value, iterate=True)

    def read_revinclude_further(self, value: str) -> None:
        self.add_include("_revinclude:iterate", value, reverse=True, iterate=True)

    def add_include(self, key: str, value: str, *, reverse: bool = False, iterate: bool = False) -> None:
        include = find_include(self.row, value, reverse=reverse, iterate=iterate)
        if include is None:
            self.ignore(f"{key}={value}")
        elif include not in self.includes:
            self.includes.append(include)
            self.used.append((key, value))

    def read_summary(self, value: str) -> None:
        self.summary = _one_of("_summary", value, SUMMARIES)
        self.use_last("_summary", value)

    def read_elements(self, value: str) -> None:
        self.elements = [name.strip() for name in value.split(",") if name.strip()]
        self.use_last("_elements", value)

    def read_total(self, value: str) -> None:
        self.total = _one_of("_total", value, TOTALS) != "none"
        self.use_last("_total", value)

    def query(self) -> Query:
        return Query(
            self.row.name,
            tuple(self.criteria),
            tuple(self.orders),
            0 if self.summary == "count" else self.count,
            total=self.total or self.count == 0 or self.summary == "count",
            links=tuple(self.links),
            includes=tuple(self.includes),
            elements=tuple(dict.fromkeys(self.elements)),
            summary=self.summary,
            used=tuple(self.used),
            ignored=tuple(dict.fromkeys(self.ignored)),
        )


def _pass(draft: _Draft, value: str) -> None:
    """Read elsewhere: by the door."""


_STEERING: Mapping[str, Callable[[_Draft, str], None]] = {
    "_count": _Draft.read_count,
    "_sort": _Draft.read_sort,
    "_include": _Draft.read_include,
    "_include:iterate": _Draft.read_include_further,
    "_revinclude": _Draft.read_revinclude,
    "_revinclude:iterate": _Draft.read_revinclude_further,
    "_summary": _Draft.read_summary,
    "_elements": _Draft.read_elements,
    "_total": _Draft.read_total,
    "_format": _pass,
    "_pretty": _pass,
    PAGE: _pass,
}


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ParameterInvalid(f"{name} is one of {', '.join(allowed)}")
    return value
