"""The one evaluation: guidelines applied to a chart.

`evaluate(knowledge, chart)` answers for each measure which row decides, because of which facts, which rows were
tried before it and what failed, and which facts are missing. It reads no clock and knows no FHIR.
Rules: first match wins per measure; a comparison with a missing fact is false and, when the row could still
win, makes the answer provisional (guidelines.yaml, meta).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from careplan.domain.calendar import add_months
from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import Condition, FactValue, Term
from careplan.domain.guideline import (
    AllOf,
    AnyOf,
    CountOf,
    DecidedBy,
    EligibleFor,
    FromRecord,
    Knowledge,
    KnownAny,
    PlanType,
    Row,
)
from careplan.domain.measure import Measure, Reading
from careplan.domain.target import Standing, Target, standing


class Tried(NamedTuple):
    """A row that did not decide: the question that failed and the value it met, or the facts it lacked.

    facts  what is known of the question that failed, or of a row that could still win
    """

    row: Row
    failed: Term | None
    value: FactValue | None
    missing: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()

    @property
    def could_still_win(self) -> bool:
        return self.failed is None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What the rules say today for one measure, and why."""

    measure: str
    version: str
    row: Row
    because: tuple[Fact, ...]
    tried: tuple[Tried, ...]
    missing: tuple[str, ...]

    @property
    def target(self) -> Target:
        return self.row.target

    @property
    def provisional(self) -> bool:
        return bool(self.missing)

    @property
    def canonical(self) -> str:
        return f"{self.measure}|{self.version}"


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether a person should have a plan of a type, by which row, and the state of the plan there is.

    state       `new`, `maintained`, `overdue`; None when not eligible
    must_offer  True, False, or `allowed`
    """

    plan: str
    row: Row | None
    state: str | None
    must_offer: bool | str
    because: tuple[Fact, ...]
    tried: tuple[Tried, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The one evaluation: plans, recommendations, and measures that missing facts leave undecided.

    undecided  measure → what is missing; open: the rows of its table, each with what it lacks or failed on
    """

    on: date
    plans: Mapping[str, Eligibility]
    recommendations: Mapping[str, Recommendation]
    undecided: Mapping[str, tuple[str, ...]]
    open: Mapping[str, tuple[Tried, ...]] = field(default_factory=dict)

    @property
    def eligible(self) -> tuple[str, ...]:
        return tuple(name for name, plan in self.plans.items() if plan.row is not None)


class _Finding(NamedTuple):
    value: FactValue | None
    because: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()
    others: tuple[FactValue, ...] = ()  # what it might be instead, were the missing facts known
    comparator: str | None = None


class _Decision(NamedTuple):
    row: Row | None
    because: tuple[Fact, ...]
    tried: tuple[Tried, ...]
    missing: tuple[str, ...]


_Truth = tuple[bool | None, tuple[Fact, ...], tuple[str, ...]]


class _Case:
    """One evaluation in progress; remembers what it has already found."""

    def __init__(self, knowledge: Knowledge, chart: Chart) -> None:
        self.knowledge = knowledge
        self.chart = chart
        self.found: dict[str, _Finding] = {}
        self.decided: dict[str, _Decision] = {}
        self.answered: dict[int, _Truth] = {}

    def find(self, name: str) -> _Finding:
        finding = self.found.get(name)
        if finding is None:
            finding = self.found[name] = self._look(name)
        return finding

    def _look(self, name: str) -> _Finding:
        fact = self.chart.facts.get(name)
        if fact is not None:
            return _Finding(fact.judged, (fact,), (name,) if fact.others else (), fact.others, fact.comparator)
        definition = self.knowledge.facts[name].definition
        match definition:
            case FromRecord():
                return _Finding(None, missing=(name,))
            case AnyOf(terms):
                return self._finding(self._any(terms))
            case AllOf(terms):
                return self._finding(self._all(terms))
            case CountOf(terms):
                return self._count(terms)
            case KnownAny(facts):
                known = tuple(f for one in facts for f in self.find(one).because)
                return _Finding(bool(known), known, () if known else facts, () if known else (True,))
            case EligibleFor(plans):
                return self._finding(self._any_truth([self._eligible(plan) for plan in plans]))
            case DecidedBy(table):
                decision = self.decide(table, self.knowledge.guidelines[table].rows)
                others = tuple(
                    t.row.target.value for t in decision.tried if t.could_still_win and t.row.target.value is not None
                )
                value = decision.row.target.value if decision.row else None
                return _Finding(value, decision.because, decision.missing, others)

    @staticmethod
    def _finding(truth: _Truth) -> _Finding:
        return _Finding(truth[0], truth[1], truth[2])

    def _eligible(self, plan: str) -> _Truth:
        decision = self.decide(f"plan:{plan}", self.knowledge.plans[plan].eligible)
        if decision.row is not None:
            return True, decision.because, ()
        return (None if decision.missing else False), decision.because, decision.missing

    def _count(self, terms: tuple[Term, ...]) -> _Finding:
        because: tuple[Fact, ...] = ()
        missing: tuple[str, ...] = ()
        count = open_ = 0
        for term in terms:
            truth, facts, lacks = self.truth(term)
            because += facts
            if truth:
                count += 1
            elif truth is None:
                open_ += 1
                missing += lacks
        others = tuple(Decimal(count + more) for more in range(1, open_ + 1))
        return _Finding(Decimal(count), _unique(because), _named(missing), others)

    def truth(self, term: Term) -> _Truth:
        """Whether a question holds: True, False or None, the facts that say so, and the facts it lacks."""
        if not isinstance(term, Condition):
            return self._all(term.terms) if term.needs == "all" else self._any(term.terms)
        finding = self.found.get(term.fact) or self.find(term.fact)
        value, because, missing, others, comparator = finding
        if value is None:
            if term.or_unknown and not others:
                return True, because, ()
            if not missing:  # a table that has no row for this person: known, and not what is asked
                return False, because, ()
            return None, because, missing
        if term.limit is True and value is True and term.word == "is" and not others:
            return True, because, ()
        holds = term.holds(value, comparator)
        if others and any(term.holds(other) != holds for other in others):
            return None, because, missing
        return holds, because, ()

    def _all(self, terms: tuple[Term, ...]) -> _Truth:
        because: tuple[Fact, ...] = ()
        missing: tuple[str, ...] = ()
        for term in terms:
            truth, facts, lacks = self.truth(term)
            if truth is False:
                return False, facts, ()
            because += facts
            missing += lacks
        return (None if missing else True), _unique(because), _named(missing)

    def _any(self, terms: tuple[Term, ...]) -> _Truth:
        return self._any_truth([self.truth(term) for term in terms])

    @staticmethod
    def _any_truth(truths: list[_Truth]) -> _Truth:
        """True by all that say yes; else open where anything is missing."""
        yes: tuple[Fact, ...] = ()
        known: tuple[Fact, ...] = ()
        missing: tuple[str, ...] = ()
        holds = False
        for truth, facts, lacks in truths:
            if truth:
                holds, yes = True, yes + facts
            else:
                known, missing = known + facts, missing + lacks
        if holds:
            return True, _unique(yes), ()
        return (None if missing else False), _unique(known), _named(missing)

    def decide(self, table: str, rows: tuple[Row, ...]) -> _Decision:
        """First row whose conditions all hold; rows before it that lack facts make the decision provisional."""
        decision = self.decided.get(table)
        if decision is None:
            decision = self.decided[table] = self._first(rows)
        return decision

    def _first(self, rows: tuple[Row, ...]) -> _Decision:
        tried: list[Tried] = []
        missing: dict[str, None] = {}
        for row in rows:
            failed, lacks, because = self._test(row)
            if failed is None and not lacks:
                return _Decision(row, because, tuple(tried), tuple(missing))
            if failed is None:
                lacks = _named(lacks)
                missing.update(dict.fromkeys(lacks))
                tried.append(Tried(row, None, None, lacks, because))
            else:
                value = self.find(failed.fact).value if isinstance(failed, Condition) else False
                tried.append(Tried(row, failed, value, (), because))
        return _Decision(None, (), tuple(tried), tuple(missing))

    def _test(self, row: Row) -> tuple[Term | None, tuple[str, ...], tuple[Fact, ...]]:
        lacks: tuple[str, ...] = ()
        because: tuple[Fact, ...] = ()
        for term in row.when:
            known = self.answered.get(id(term))  # one question opens many rows: `question.prepared` made it one object
            if known is None:
                known = self.answered[id(term)] = self.truth(term)
            truth, facts, missing = known
            if truth is False:
                return term, (), facts
            if truth is None:
                lacks += missing
            because = because + facts if because else facts
        return None, lacks, _unique(because)


def _unique(facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    return facts if len(facts) < 2 else tuple({fact.name: fact for fact in facts}.values())


def _named(missing: tuple[str, ...]) -> tuple[str, ...]:
    return missing if len(missing) < 2 else tuple(dict.fromkeys(missing))


def evaluate(knowledge: Knowledge, chart: Chart) -> Answer:
    """All plans and all recommended targets of one person on a day; the order of facts does not matter.

    Where no plan is eligible no rule is run (guidelines.yaml, meta.no_plan).
    """
    case = _Case(knowledge, chart)
    plans = {name: _eligibility(case, plan) for name, plan in knowledge.plans.items()}
    recommendations: dict[str, Recommendation] = {}
    undecided: dict[str, tuple[str, ...]] = {}
    open_: dict[str, tuple[Tried, ...]] = {}
    if any(plan.row is not None for plan in plans.values()):
        for measure, guideline in knowledge.guidelines.items():
            decision = case.decide(measure, guideline.rows)
            if decision.row is not None:
                recommendations[measure] = Recommendation(
                    measure,
                    guideline.version,
                    decision.row,
                    decision.because,
                    decision.tried,
                    decision.missing,
                )
            elif decision.missing:
                undecided[measure], open_[measure] = decision.missing, decision.tried
    return Answer(chart.on, plans, recommendations, undecided, open_)


def holds(knowledge: Knowledge, chart: Chart, terms: tuple[Term, ...]) -> bool | None:
    """Whether all these questions hold of a person; None where missing facts leave it open."""
    return _Case(knowledge, chart)._all(terms)[0]


def truths(knowledge: Knowledge, chart: Chart, rows: Iterable[Row]) -> Iterator[bool | None]:
    """Whether all questions of each of these rows hold of a person, one row after another as it is asked for."""
    case = _Case(knowledge, chart)
    return (case._all(row.when)[0] for row in rows)


def find_fact(knowledge: Knowledge, chart: Chart, name: str) -> FactValue | None:
    """One fact, raw or derived, as the rules would read it; None when it is missing."""
    return _Case(knowledge, chart).find(name).value


def evaluate_plans(knowledge: Knowledge, chart: Chart) -> dict[str, Eligibility]:
    """Eligibility alone, for worklists: no target table is run."""
    case = _Case(knowledge, chart)
    return {name: _eligibility(case, plan) for name, plan in knowledge.plans.items()}


def stands(
    knowledge: Knowledge, chart: Chart, measure: Measure, target: Target | None, reading: Reading | None
) -> Standing:
    """Where a reading stands against a target; a value under the low end counts only in people treated for it."""
    needs = measure.low_end_needs
    counts = needs is None or find_fact(knowledge, chart, needs) is True
    number = None if reading is None else measure.number(reading.judged)
    return standing(measure, target, number, low_end_counts=counts)


def _eligibility(case: _Case, plan: PlanType) -> Eligibility:
    decision = case.decide(f"plan:{plan.id}", plan.eligible)
    if decision.row is None:
        return Eligibility(plan.id, None, None, False, (), decision.tried, decision.missing)
    offered: bool | str = "allowed"
    missing = decision.missing
    if not plan.offer.allowed:
        truth, _, lacks = case._all(plan.offer.must)
        offered, missing = truth is True, (*missing, *lacks)
    state = plan_state(case.chart.saved.get(plan.id), case.chart.on, plan.maintained_months)
    return Eligibility(plan.id, decision.row, state, offered, decision.because, decision.tried, missing)


def plan_state(saved: date | None, on: date, months: int) -> str:
    """`new` without a plan, `maintained` when saved at most `months` ago, else `overdue`."""
    if saved is None:
        return "new"
    return "maintained" if on <= add_months(saved, months) else "overdue"
