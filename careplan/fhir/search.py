"""A search as a value: what a query string asks, parsed once, the same for every store.

https://hl7.org/fhir/R4/search.html · checklist I–K. `parse` checks against the registry; stores translate `Query`.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

# ── the query ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TokenIs:
    """system None: any system; "" : only without a system; code None: any code of the system."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class DateIs:
    """A comparison with the range [low, high) of instants that the value given stands for (UTC)."""

    prefix: str  # eq ne gt lt ge le sa eb ap
    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class NumberIs:
    """A number or quantity: [low, high) is the precision range of the value, `value` the exact one.

    system, code  as given for a quantity; None: any unit. `value`, `low`, `high` and `code` are in the normal unit
    of `careplan.domain.quantity.normal_unit` when the unit is known
    """

    prefix: str
    value: Decimal
    low: Decimal
    high: Decimal
    system: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class StringIs:
    """match: `starts` and `contains` compare folded text (`careplan.fhir.index.folded`), `exact` the text as it is."""

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


Alternative = TokenIs | DateIs | NumberIs | StringIs | ReferenceIs | UriIs | IdIs


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter of the query: any of its alternatives. Several criteria of a query must all hold.

    parameter  name in the registry (`code`, `_id`, `_lastUpdated`)
    kind       token date number quantity string reference uri id
    negated    `:not`: none of the alternatives; resources without the element match too
    missing    `:missing`: True/False instead of alternatives
    """

    parameter: str
    kind: str
    alternatives: tuple[Alternative, ...] = ()
    negated: bool = False
    missing: bool | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key: `_id`, `_lastUpdated`, or a parameter of the registry. Missing values come last either way."""

    parameter: str
    kind: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """`_include` (or `_revinclude` when `reverse`) of source:parameter, optionally only this target type."""

    source: str
    parameter: str
    target: str | None = None
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What to find.

    patient  restrict to one patient's compartment (logical id); filled by access and by compartment search
    patients restrict to these compartments; None: no restriction. Empty: nothing matches
    listed_with  restrict to patients whose current Patient.generalPractitioner is this Organization (logical id)
             Both restrictions leave resources that are in no compartment alone
    after    the store's opaque position from an earlier Page
    total    whether the number of matches is wanted
    used     the parameters as they go into the self link, in order
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
    includes: tuple[Include, ...] = ()
    elements: tuple[str, ...] = ()
    summary: str = "false"
    used: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = field(default=())

    def within(self, patients: frozenset[str]) -> "Query":
        """The same search, restricted to these patients' compartments."""
        return replace(self, patients=patients if self.patients is None else self.patients & patients)
