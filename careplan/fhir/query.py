"""A search as a value: what is asked, the same for every store, which only translates it.

Not here: how a query string becomes one (`search`). https://hl7.org/fhir/R4/search.html · checklist I–L.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TokenIs:
    """system None: any system; "" : only without a system; code None: any code of the system.

    below  the code is how they begin, as SKS nests its diagnoses: `DE11` stands for `DE119`
    """

    system: str | None
    code: str | None
    below: bool = False


@dataclass(frozen=True, slots=True)
class DateIs:
    """A comparison with the range [low, high) of instants that the value given stands for (UTC).

    For `ap` the range is as wide again on either side: what overlaps it is near enough.
    """

    prefix: str  # eq ne gt lt ge le sa eb ap
    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class NumberIs:
    """A number or quantity.

    low, high     [low, high) is the range that the digits of the value leave; for `ap`, a tenth either way
    value         exact
    system, code  of a quantity's unit; system None: `code` is a code or the unit as written; both None: any unit.
                  A unit with others of its dimension (`%` and `1`) is asked for in each, as alternatives
    """

    prefix: str
    value: Decimal
    low: Decimal
    high: Decimal
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class StringIs:
    """match: `starts` and `contains` are folded (`careplan.fhir.index.folded`) and compare so, `exact` is as it is."""

    match: str
    text: str


@dataclass(frozen=True, slots=True)
class ReferenceIs:
    """type None: any type; an absolute URL of another server stands in `id` with type "" ."""

    type: str | None
    id: str


@dataclass(frozen=True, slots=True)
class UriIs:
    """match: `exact` or `below`."""

    match: str
    uri: str


@dataclass(frozen=True, slots=True)
class IdIs:
    """`_id`: the logical id."""

    id: str


@dataclass(frozen=True, slots=True)
class CompositeIs:
    """Both parts of a composite, in one and the same element: `8480-6$gt140`.

    token  the part that is coded (of `relatesto$relation` the second one), never without a code
    value  the other part
    """

    token: TokenIs
    value: "TokenIs | DateIs | NumberIs | StringIs | ReferenceIs"


Alternative = TokenIs | DateIs | NumberIs | StringIs | ReferenceIs | UriIs | IdIs | CompositeIs


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter of the query: any of its alternatives. Several criteria of a query must all hold.

    parameter  name in the registry (`code`, `_id`, `_lastUpdated`), or that of values kept beside it for a modifier
               (`identifier:of-type`)
    kind       token date number quantity string reference uri id composite. A reference with TokenIs
               (`subject:identifier`) looks at the identifier of the reference
    negated    `:not`: none of the alternatives; resources without the element match too
    missing    `:missing`: True/False instead of alternatives
    """

    parameter: str
    kind: str
    alternatives: tuple[Alternative, ...] = ()
    negated: bool = False
    missing: bool | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Another resource must be there: a chain (`subject:Patient.name`), or `_has` when `reverse`.

    parameter  the reference parameter that ties the two: of the type searched; of the other one when `reverse`
    queries    what the other resource fulfils, one Query for each type that it may be; any of them is enough.
               Of these only type, criteria, links and the restrictions of access count
    """

    parameter: str
    queries: tuple["Query", ...]
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key: `_id`, `_lastUpdated`, or a parameter of the registry. Missing values come last either way."""

    parameter: str
    kind: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """`_include` (or `_revinclude` when `reverse`) of source:parameter, optionally only this target type.

    source     `*` stands for every type, only when it iterates with parameter `*`
    parameter  `*` stands for every reference of the source, never when `reverse`
    iterate    follow it from what includes brought, too
    """

    source: str
    parameter: str
    target: str | None = None
    reverse: bool = False
    iterate: bool = False


@dataclass(frozen=True, slots=True)
class Without:
    """What in the compartments of some patients is left out, as if it were not there.

    criteria  only what fulfils all of them; none: everything of the type searched
    """

    patients: frozenset[str]
    criteria: tuple[Criterion, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """What to find.

    patient  restrict to one patient's compartment (logical id); filled by access and by compartment search
    patients restrict to these compartments; None: no restriction. Empty: nothing matches
    listed_with  restrict to patients whose current Patient.generalPractitioner is this Organization (logical id)
             Both restrictions leave out what is in no compartment: a type without patients is asked without them
    besides  patients whom `listed_with` lets in too
    without  what is left out of what the restrictions let in
    either   several sets of criteria, of which one at least is fulfilled whole; none: no restriction
    after    the store's opaque position from an earlier Page
    total    whether the number of matches is wanted
    links    other resources that must be there; all of them
    beside   what comes with a page: of each query what is in the compartments of the page's matches, one state of the
             store with them. Of these queries only type, criteria and `without` count
    used     the parameters as they go into the self link, in order
    ignored  what was asked and is not supported, left out
    """

    type: str
    criteria: tuple[Criterion, ...] = ()
    orders: tuple[Order, ...] = ()
    count: int = 50
    after: str | None = None
    total: bool = False
    patient: str | None = None
    patients: frozenset[str] | None = None
    listed_with: str | None = None
    besides: frozenset[str] = frozenset()
    without: tuple[Without, ...] = ()
    either: tuple[tuple[Criterion, ...], ...] = ()
    links: tuple[Link, ...] = ()
    beside: tuple["Query", ...] = ()
    includes: tuple[Include, ...] = ()
    elements: tuple[str, ...] = ()
    summary: str = "false"
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()

    def within(self, patients: frozenset[str]) -> "Query":
        """The same search, restricted to these patients' compartments."""
        return replace(self, patients=patients if self.patients is None else self.patients & patients)
