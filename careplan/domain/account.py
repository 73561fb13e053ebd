"""An explanation in Danish words for clinicians: the same for a page, the command line and FHIR.

Every sentence is made from the explanation, which is made from the evaluation; nothing is said that the rules did not
do. Not here: names, values and questions (`danish`), how a page looks (`views.why`), words for patients
(`views.basis`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import Group, Term
from careplan.domain.danish import (
    danish_list,
    decided_text,
    fact_name,
    fact_text,
    missing_text,
    question_text,
    target_text,
    value_text,
    when_text,
)
from careplan.domain.evaluation import Tried, find_fact
from careplan.domain.explanation import Explanation, Gap
from careplan.domain.guideline import Knowledge, Row
from careplan.domain.measure import Measure
from careplan.domain.possibility import Extent
from careplan.domain.question import unverified_facts
from careplan.domain.source import Source
from careplan.domain.supposition import Supposition, suppositions
from careplan.domain.target import same_target


@dataclass(frozen=True, slots=True)
class Known:
    """A fact in words.

    on          its day; `day`: in words, with what it was computed of where nobody reported it
    reference   the resource it stands in, empty where absence says no
    unverified  no source says that it is known like this
    """

    name: str
    value: str
    on: date | None
    reference: str
    day: str = ""
    unverified: bool = False

    @property
    def says(self) -> str:
        """«CFS (Clinical Frailty Scale): 3 (14.03.2026)», «eGFR: 52 (14.03.2026, beregnet af kreatinin)»."""
        checked = ", ikke efterprøvet" if self.unverified else ""
        return f"{self.name}: {self.value}{f' ({self.day})' if self.day else ''}{checked}"


@dataclass(frozen=True, slots=True)
class Passed:
    """A row that did not decide: what it asked, what it met; `missing` names what it still waits for.

    open  it could still win; a row that lacks facts and could not is forestalled by one before it whatever they are
    unverified  no source defines what it asked about as we do
    """

    row: str
    says: str
    question: str
    met: str
    missing: tuple[str, ...]
    open: bool
    unverified: bool = False

    @property
    def why(self) -> str:
        """«Passer ikke: skrøbelighed (her: CFS: 3 (14.03.2026))», «Kan ikke afgøres: mangler uACR»."""
        if self.open:
            return f"Kan ikke afgøres: mangler {danish_list(list(self.missing))}"
        if self.missing:
            return f"Kan ikke komme til at gælde, uanset {danish_list(list(self.missing), 'eller')}"
        checked = ", ikke efterprøvet" if self.unverified else ""
        return f"Passer ikke: {self.question}{f' (her: {self.met})' if self.met else ''}{checked}"


@dataclass(frozen=True, slots=True)
class Lack:
    """A missing fact, «eGFR (sidst 2023)», and what it would change."""

    says: str
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """One measure explained.

    row   empty where no row could decide
    open  rows that could still win
    unverified_facts  what the row asks about that no source defines as we do
    """

    row: str
    knowledge: str
    says: str
    facts: tuple[Known, ...]
    passed: tuple[Passed, ...]
    open: tuple[Passed, ...]
    lacks: tuple[Lack, ...]
    source: Source | None
    unverified: bool
    unverified_facts: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The row's sentence, after what it takes for certain: «Foreløbigt: CFS er ikke kendt. Type 2-diabetes …»."""
        return f"Foreløbigt: {self.missing} er ikke kendt. {self.says}" if self.lacks else self.says

    @property
    def unchecked(self) -> str:
        """«Ikke efterprøvet i kilden: skrøbelighed»; empty where every fact is."""
        return f"Ikke efterprøvet i kilden: {danish_list(list(self.unverified_facts))}" if self.unverified_facts else ""

    @property
    def missing(self) -> str:
        """«eGFR (sidst 2023) og uACR»; empty when nothing is."""
        return danish_list([one.says for one in self.lacks]) if self.lacks else ""

    @property
    def undecided(self) -> str:
        """«Målet kan ikke beregnes: eGFR (sidst 2023) mangler»; empty where a row decided."""
        return "" if self.row else f"Målet kan ikke beregnes: {self.missing} mangler"


def account_of(explained: Explanation, knowledge: Knowledge, on: date, lapsed: Mapping[str, Fact]) -> Account:
    """The words of one explanation on its day; `lapsed` as in the chart it was made from."""
    row = explained.row
    tried = [_passed(one, explained, knowledge, on, lapsed) for one in explained.tried]
    return Account(
        row=row.id if row else "",
        knowledge=explained.canonical.replace("|", " "),
        says=row.says if row else "",
        facts=tuple(known_of(fact, knowledge) for fact in explained.because),
        passed=tuple(one for one in tried if not one.open),
        open=tuple(one for one in tried if one.open),
        lacks=tuple(_lack(gap, explained, knowledge, on, lapsed) for gap in explained.gaps),
        source=row.source if row else None,
        unverified=row is not None and row.unverified,
        unverified_facts=tuple(fact_name(name, knowledge) for name in explained.unverified),
    )


# ── facts ────────────────────────────────────────────────────────────────────────────────────────


def known_of(fact: Fact, knowledge: Knowledge) -> Known:
    """A fact in words."""
    reference = fact.references[0] if fact.references else ""
    definition = knowledge.facts.get(fact.name)
    return Known(
        name=fact_name(fact.name, knowledge),
        value=fact_text(fact, knowledge),
        on=fact.on,
        reference=reference,
        day=when_text(fact, knowledge),
        unverified=definition is not None and definition.unverified,
    )


# ── rows that were passed ────────────────────────────────────────────────────────────────────────


def _passed(tried: Tried, explained: Explanation, knowledge: Knowledge, on: date, lapsed: Mapping[str, Fact]) -> Passed:
    failed = tried.failed
    return Passed(
        row=tried.row.id,
        says=tried.row.says,
        question=question_text(failed, knowledge) if failed is not None else "",
        met=_met(tried, failed, explained, knowledge, on) if failed is not None else "",
        missing=tuple(missing_text(name, knowledge, lapsed) for name in tried.missing),
        open=tried in explained.could_win,
        unverified=failed is not None and bool(unverified_facts(knowledge, (failed,))),
    )


def _met(tried: Tried, failed: Term, explained: Explanation, knowledge: Knowledge, on: date) -> str:
    """What the question that failed met: the value itself, and of a derived fact what is behind it."""
    if isinstance(failed, Group):
        return "; ".join(_inner(one, explained, knowledge, on) for one in failed.terms)
    raw = next((fact for fact in tried.facts if fact.name == failed.fact), None)
    if raw is not None:
        return f"{fact_text(raw, knowledge)}{_day(raw, knowledge)}"
    value = "" if tried.value is None else value_text(failed.fact, tried.value, knowledge)
    return _behind(value, tried.facts, knowledge)


def _inner(term: Term, explained: Explanation, knowledge: Knowledge, on: date) -> str:
    """One question of a group with the value it met."""
    question = question_text(term, knowledge)
    if isinstance(term, Group):
        return f"({'; '.join(_inner(one, explained, knowledge, on) for one in term.terms)})"
    known = {fact.name: fact for fact in explained.read}
    fact = known.get(term.fact)
    if fact is not None:
        return f"{question}: {fact_text(fact, knowledge)}{_day(fact, knowledge)}"
    value = find_fact(knowledge, Chart(on, known), term.fact)
    return f"{question}: {'ukendt' if value is None else value_text(term.fact, value, knowledge)}"


def _behind(value: str, facts: Iterable[Fact], knowledge: Knowledge) -> str:
    """The value of a derived fact and the facts it was worked out from; those of absence without a day."""
    raw = ", ".join(
        f"{fact_name(one.name, knowledge)} {fact_text(one, knowledge)}{_day(one, knowledge)}" for one in facts
    )
    return f"{value}: {raw}" if value and raw else value or raw


def _day(fact: Fact, knowledge: Knowledge) -> str:
    said = when_text(fact, knowledge)
    return f" ({said})" if said else ""


# ── what is missing ──────────────────────────────────────────────────────────────────────────────


def _lack(gap: Gap, explained: Explanation, knowledge: Knowledge, on: date, lapsed: Mapping[str, Fact]) -> Lack:
    name = fact_name(gap.fact, knowledge)
    found = suppositions(knowledge, explained, gap, on)
    says = [_change(one, explained, knowledge) for one in found]
    decided = {one.row.id for one in found}
    says += [
        _together(row, gap, explained, knowledge)
        for row in gap.rows
        if row.id not in decided and _others(row, gap, explained)
    ]
    nothing = f"{name[:1].upper()}{name[1:]} ville ikke ændre tallet."
    return Lack(missing_text(gap.fact, knowledge, lapsed), tuple(says) or (nothing,))


def _change(one: Supposition, explained: Explanation, knowledge: Knowledge) -> str:
    """«Var uACR 30 mg/g eller mere, ville målet være under 1,8 mmol/L (LDL-06).»"""
    supposed, measure = _supposed(one, knowledge), knowledge.measures[explained.measure]
    still = ", stadig foreløbigt" if one.open else ""
    if explained.row is not None and same_target(one.row.target, explained.row.target):
        return f"{supposed}, ville {one.row.id} afgøre det. Det ville ikke ændre tallet."
    if one.row.target.why is not None:
        return f"{supposed}, ville der ikke være et mål i tal ({one.row.id}{still})."
    return f"{supposed}, ville {_given(one.row, 'være', measure)} ({one.row.id}{still})."


def _given(row: Row, verb: str, measure: Measure) -> str:
    """«målet være under 1,8 mmol/L», «det være grad 4»."""
    if row.target.value is not None:
        return f"det {verb} {decided_text(row.target, measure)}"
    return f"målet {verb} {target_text(row.target, measure)}"


def _supposed(one: Supposition, knowledge: Knowledge) -> str:
    name = fact_name(one.fact, knowledge)
    match one.so:
        case Extent():
            return f"Var {name} {_extent(one.so, one.fact, knowledge)}"
        case bool():
            return f"Var der {name}" if one.so else f"Var der ikke {name}"
    return f"Var {name} {value_text(one.fact, one.so, knowledge)}"


def _extent(one: Extent, fact: str, knowledge: Knowledge) -> str:
    low, high = (None if end is None else value_text(fact, end, knowledge) for end in (one.low, one.high))
    if low is not None and high is not None:
        if low == high:
            return low
        return f"{'fra' if one.with_low else 'over'} {low} {'til og med' if one.with_high else 'til under'} {high}"
    if low is not None:
        return f"{low} eller mere" if one.with_low else f"over {low}"
    if high is None:
        return "kendt"
    return f"{high} eller mindre" if one.with_high else f"under {high}"


def _together(row: Row, gap: Gap, explained: Explanation, knowledge: Knowledge) -> str:
    """What it takes more than this fact for: «Sammen med CFS kunne målet blive under 1,8 mmol/L (LDL-02).»"""
    others = danish_list([fact_name(name, knowledge) for name in _others(row, gap, explained)])
    if explained.row is not None and same_target(row.target, explained.row.target):
        return f"Sammen med {others} kunne {row.id} afgøre det. Det ville ikke ændre tallet."
    if row.target.why is not None:
        return f"Sammen med {others} kunne målet i tal falde bort ({row.id})."
    return f"Sammen med {others} kunne {_given(row, 'blive', knowledge.measures[explained.measure])} ({row.id})."


def _others(row: Row, gap: Gap, explained: Explanation) -> list[str]:
    tried = next(one for one in explained.tried if one.row is row)
    return [name for name in tried.missing if name != gap.fact]
