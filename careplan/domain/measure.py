"""What we follow in a person: measures and the readings of them.

A measure is ours (glossary); FHIR's Measure is a quality measure and something else. Measures come from
`careplan/knowledge/measures/`, readings from Observations by `careplan.fhir.mapping`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from careplan.domain.calendar import add_months
from careplan.domain.source import Source

Value = bool | Decimal | str

OLD_MONTHS = 15
"""Values older than this many months are called old, and a gap longer than this is no trend."""


@dataclass(frozen=True, slots=True)
class Span:
    """A closed interval; None is open."""

    low: Decimal | None = None
    high: Decimal | None = None

    def holds(self, value: Decimal) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Code:
    """A code under which values of a measure arrive, and the unit values have under it."""

    system: str
    code: str
    display: str = ""
    ucum: str = ""
    verified: str = ""
    setting: str = "clinic"


@dataclass(frozen=True, slots=True)
class Answer:
    """A coded or spoken answer of a choice measure, e.g. SNOMED 77176002 → `current`, «ryger».

    number  what the answer counts as against a target, where it can: «aldrig røget» is 0 cigarettes a day
    """

    value: str
    says: str
    codes: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = ()
    number: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Derivation:
    """How values of a measure are computed where none was reported.

    formula  of `careplan.domain.formula`; inputs: measures, in the order in which it takes them
    beside   measure whose computed value this one is told beside, both of the same sample; empty: none
    """

    formula: str
    inputs: tuple[str, ...]
    source: Source
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a value in another kind of unit becomes one in the measure's: by the molar mass, or by a formula.

    unit        UCUM, as values arrive: `mg/dL`; every unit that scales into it converts as well
    molar_mass  g/mol of what is measured; None where `formula` (of `careplan.domain.formula`) converts
    """

    unit: str
    source: Source
    molar_mass: Decimal | None = None
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A quantity we follow: its codes, unit and the limits of belief.

    kind         `quantity`, `score` (whole number), `choice`, `flag`, `group` (a rule's result, not measured)
    unit, ucum   as people read it, and the UCUM normal form values are compared in
    plausible    outside: ask again; possible: outside is refused
    near         margin of «tæt på mål» in `ucum`
    safety       where any clinician may agree on a target; outside it takes a doctor. `safety_source` says what it
                 rests on, `safety_unverified` that no source draws the line and the clinic's doctors must
    low_end_needs  fact without which a value under a target's low end is no warning (guidelines.md, Bounds)
    sample       of a laboratory test, what is taken: `blood` or `urine`; empty where nothing is
    home         what people measure it with themselves: `scale`, `cuff`, `oximeter`; empty where they do not
    derived      how it is computed where nothing was reported; conversions: from other kinds of unit, each with source
    """

    id: str
    name: str
    patient: str
    kind: str
    unit: str
    ucum: str
    decimals: int = 0
    words: str = ""
    explain: str = ""
    goal: bool = False
    goal_codes: Mapping[str, str] = field(default_factory=dict)
    plausible: Span = Span()
    possible: Span = Span()
    chart: Span = Span()
    near: Decimal = Decimal(0)
    safety: Span = Span()
    safety_source: str = ""
    safety_unverified: bool = False
    low_end_needs: str | None = None
    sample: str = ""
    home: str = ""
    priority: int = 99
    codes: tuple[Code, ...] = ()
    panel: tuple[Code, ...] = ()
    answers: tuple[Answer, ...] = ()
    derived: Derivation | None = None
    conversions: tuple[Conversion, ...] = ()

    def number(self, value: Value) -> Decimal | None:
        """What a value counts as against a target; None where it is no number."""
        if isinstance(value, Decimal):
            return value
        return next((answer.number for answer in self.answers if answer.value == value), None)

    def says(self, value: Value) -> str:
        """The value as Danes write it, without unit: «1,4», «ryger», «ja»."""
        if isinstance(value, bool):
            return "ja" if value else "nej"
        if isinstance(value, Decimal):
            return danish_number(value, self.decimals)
        return next((answer.says for answer in self.answers if answer.value == value), value)


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a measure: when, from where, and the resource it stands in.

    value       in the measure's `ucum` unit, or a choice's `value`
    comparator  `<` or `>` where the laboratory gave a bound
    exact       as it is judged, where `value` is rounded to be shown
    until       last day it may be of, where its date says no day
    timed       whether its date says an hour; else `at` is where its day begins
    source      `lab`, `clinic`, `home`, `municipality`, `unknown`, or `derived`
    reference   `Observation/17`; empty where it was computed
    derived_from  references of the Observations it was computed from; empty: reported; formula: by which
    own_wording   a score of questions that were asked in other words than the official ones
    """

    measure: str
    value: Value
    at: datetime
    reference: str
    source: str = "unknown"
    comparator: str | None = None
    derived_from: tuple[str, ...] = ()
    formula: str = ""
    exact: Decimal | None = None
    until: date | None = None
    own_wording: bool = False
    timed: bool = True

    @property
    def judged(self) -> Value:
        """The value that questions and targets are held against."""
        return self.value if self.exact is None else self.exact

    @property
    def references(self) -> tuple[str, ...]:
        """The Observations this value stands in, or was computed from."""
        return self.derived_from or (self.reference,)

    @property
    def on(self) -> date:
        return self.at.date()


def is_old(taken: date, on: date) -> bool:
    """Whether a value taken on a day is old on another: it is told so, and nothing is concluded from it."""
    return add_months(taken, OLD_MONTHS) < on


def danish_number(value: Decimal, decimals: int | None = None) -> str:
    """«1,4» for 1.4; with `decimals` at least so many digits, never fewer than were measured."""
    text = f"{value:f}"
    whole, _, rest = text.partition(".")
    rest = rest.rstrip("0").ljust(decimals or 0, "0")
    return f"{whole},{rest}" if rest else whole


def newest(readings: Iterable[Reading], on: date | None = None) -> Reading | None:
    """The newest reading on or before `on`; of two at one instant, the one whose reference sorts last."""
    best: Reading | None = None
    for reading in readings:
        if on is not None and reading.on > on:
            continue
        if best is None or (reading.at, reading.reference) > (best.at, best.reference):
            best = reading
    return best
