"""Guidelines as values: rows with sources, plan types, and the definitions of the facts they read.

`careplan.knowledge.load` makes these from files, `careplan.domain.evaluation` applies them to a chart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from careplan.domain.condition import Condition, FactValue, Term
from careplan.domain.measure import Measure, Span
from careplan.domain.questionnaire import Ask, Instrument
from careplan.domain.source import Source
from careplan.domain.target import NO_TARGET, Target


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a decision table. `says` is for the clinician, `patient` for the patient, both Danish."""

    id: str
    when: tuple[Term, ...]
    target: Target = NO_TARGET
    says: str = ""
    patient: str = ""
    source: Source | None = None
    unverified: bool = False
    note: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """Who wrote a knowledge file, who checked it, and when it must be looked at again."""

    author: str
    checked_by: str
    next: date

    @property
    def signed(self) -> bool:
        """Whether a clinician has put their name to it."""
        return not self.checked_by.startswith("ikke godkendt")


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example of a table; run by `careplan check` and by the tests."""

    says: str
    facts: Mapping[str, FactValue]
    expects: str


@dataclass(frozen=True, slots=True)
class Guideline:
    """One measure's decision table."""

    measure: str
    version: str
    rows: tuple[Row, ...]
    review: Review
    examples: tuple[Example, ...] = ()

    @property
    def canonical(self) -> str:
        return f"{self.measure}|{self.version}"


@dataclass(frozen=True, slots=True)
class Every:
    months: int


@dataclass(frozen=True, slots=True)
class Monitor:
    """What the yearly status follows of one measure, and how often."""

    label: str
    says: str
    measure: str | None = None
    every: Every | None = None
    source: Source | None = None
    unverified: bool = False


CONTROL = "aarskontrol"
"""The activity that is the årskontrol, in every plan type."""


@dataclass(frozen=True, slots=True)
class Activity:
    """Something the plan template makes: what somebody does (`Task`) or what is ordered (`ServiceRequest`).

    who        `clinic` or `patient`: whose turn it is
    goes_with  CONTROL: due with each årskontrol at the latest, as the blood samples a week before it; empty: by itself
    when       for whom: left out where this is known not to hold (an offer to stop smoking, to one who never did)
    serves     measures it is for, all of them followed by the plan
    performer  who does what is ordered, in Danish: «Øjenlæge»
    """

    id: str
    kind: str
    title: str
    who: str
    says: str = ""
    every: Every | None = None
    when: tuple[Term, ...] = ()
    serves: tuple[str, ...] = ()
    performer: str = ""
    goes_with: str = ""

    @property
    def review(self) -> bool:
        """Whether this is the årskontrol, whose interval the rules decide."""
        return self.id == CONTROL

    @property
    def ruled(self) -> bool:
        """Whether the rules' interval to the next årskontrol counts for this: for it, and for what goes with it."""
        return CONTROL in (self.id, self.goes_with)


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the årskontrol's tjekliste."""

    id: str
    says: str
    mandatory: bool = False


@dataclass(frozen=True, slots=True)
class CourseType:
    """A course that a municipality gives, and its tjekliste. offers: in words, what it is for; none: all the rest."""

    id: str
    version: str
    name: str
    offers: tuple[str, ...]
    checks: tuple[Check, ...]
    review: Review


@dataclass(frozen=True, slots=True)
class Offer:
    """Whether the practice must offer the plan (`must` all hold), or merely may (`allowed`)."""

    id: str
    says: str
    must: tuple[Term, ...] = ()
    allowed: bool = False
    source: Source | None = None
    note: str = ""
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class PlanType:
    """A disease's plan: who is eligible, what is followed, what is agreed by default.

    ahead_with  plan types beside which an overdue plan of this type comes first: together they are followed badly
    asks        questionnaires before the årskontrol, in their order
    """

    id: str
    version: str
    name: str
    title: str
    eligible: tuple[Row, ...]
    offer: Offer
    maintained_months: int
    follows: tuple[str, ...]
    review: Review
    addresses: tuple[str, ...] = ()
    monitors: tuple[Monitor, ...] = ()
    activities: tuple[Activity, ...] = ()
    checks: tuple[Check, ...] = ()
    ahead_with: tuple[str, ...] = ()
    asks: tuple[Ask, ...] = ()


# ── facts ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What a clinician's answer to a question is: its kind, its unit (UCUM) and range, or its words.

    kind  `flag`, `score` (whole number), `quantity` or `choice`
    """

    kind: str
    ucum: str = ""
    possible: Span = field(default_factory=Span)
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FromRecord:
    """A raw fact: `careplan.fhir.mapping` reads it. `how` is the kind of origin, `terms` what the file says of it."""

    how: str  # diagnosis, years_since, measure, answer, drug, person
    terms: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AnyOf:
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class CountOf:
    """How many of these hold; a missing fact leaves the number open upwards."""

    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class KnownAny:
    """True when any of these facts is on record; never itself unknown."""

    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EligibleFor:
    plans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecidedBy:
    """The value of the row that decides another table (kol_group)."""

    table: str


Definition = FromRecord | AnyOf | AllOf | CountOf | KnownAny | EligibleFor | DecidedBy


@dataclass(frozen=True, slots=True)
class FactDefinition:
    """What a fact is called in Danish, and where it comes from."""

    id: str
    says: str
    definition: Definition
    unverified: bool = False
    source: Source | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything the service knows about care, as read from its files.

    asks  table → for each of its rows, the facts of the record that it and the rows before it come down to
    questions  fact → every question that is put to it
    """

    measures: Mapping[str, Measure]
    facts: Mapping[str, FactDefinition]
    guidelines: Mapping[str, Guideline]
    plans: Mapping[str, PlanType]
    asks: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    questions: Mapping[str, tuple[Condition, ...]] = field(default_factory=dict)
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    courses: Mapping[str, CourseType] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return max(guideline.version for guideline in self.guidelines.values())

    @property
    def signed(self) -> bool:
        """Whether a clinician has put their name to every table and plan."""
        reviews = [one.review for one in self.guidelines.values()] + [one.review for one in self.plans.values()]
        return all(review.signed for review in reviews)

    def find_course(self, offer: str) -> CourseType | None:
        """The course of an offer, as a referral words it; None where there is none, not even for the rest."""
        said = offer.casefold()
        named = (one for one in self.courses.values() if any(each.casefold() in said for each in one.offers))
        rest = (one for one in self.courses.values() if not one.offers)
        return next(named, next(rest, None))

    def row(self, row_id: str) -> Row | None:
        rows = (row for guideline in self.guidelines.values() for row in guideline.rows)
        return next((row for row in rows if row.id == row_id), None)
