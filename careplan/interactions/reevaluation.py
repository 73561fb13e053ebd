"""Every patient evaluated under two knowledges, once each: who gets another recommendation, who becomes eligible.

Read-only: nothing agreed changes, and a run that is stopped leaves nothing behind. What differs between the files
themselves is `careplan.knowledge.difference`.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from careplan.domain.chart import Chart
from careplan.domain.evaluation import Answer, Recommendation, evaluate
from careplan.domain.guideline import Knowledge
from careplan.domain.target import Target
from careplan.fhir.mapping import ChartReader
from careplan.interactions.cohort import Member, members, patients_of
from careplan.interactions.context import Context

Tell = Callable[[int, int], None]
"""Hears how many patients are done, of how many."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A measure for which a patient gets another recommendation; None: none."""

    patient: str
    measure: str
    before: Recommendation | None
    after: Recommendation | None

    @property
    def rows(self) -> tuple[str | None, str | None]:
        return _row(self.before), _row(self.after)

    @property
    def targets(self) -> tuple[Target | None, Target | None]:
        return _target(self.before), _target(self.after)


@dataclass(frozen=True, slots=True)
class Eligible:
    """A plan type that a patient becomes eligible for, or no longer is; the rows that say so, None: no row."""

    patient: str
    plan: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Reevaluation:
    """What another knowledge means for these patients, in the order of their ids."""

    on: date
    patients: int
    moved: tuple[Moved, ...]
    eligible: tuple[Eligible, ...]

    @property
    def touched(self) -> int:
        """How many patients something changes for."""
        return len({one.patient for one in self.moved} | {one.patient for one in self.eligible})

    @property
    def by_measure(self) -> dict[str, int]:
        return dict(Counter(one.measure for one in self.moved))

    @property
    def by_rows(self) -> dict[tuple[str, str | None, str | None], int]:
        """Patients by measure, row before and row after."""
        return dict(Counter((one.measure, *one.rows) for one in self.moved))


async def reevaluate(
    context: Context,
    old: Knowledge,
    new: Knowledge,
    clinic: str | None = None,
    on: date | None = None,
    tell: Tell | None = None,
) -> Reevaluation:
    """Evaluate every patient of a clinic under both; None: every patient the caller may see. Raises Forbidden."""
    day = on or context.on
    patients = await patients_of(context, clinic)
    moved: list[Moved] = []
    eligible: list[Eligible] = []
    both, done = _Both(old, new), 0
    async for member in members(context, patients, (old, new)):
        before, after = both.answers(member, day)
        moved += _moved(member.id, before, after)
        eligible += _eligible(member.id, before, after)
        done += 1
        if tell is not None:
            tell(done, len(patients))
    return Reevaluation(day, len(patients), tuple(moved), tuple(eligible))


class _Both:
    """The readers of two knowledges; one does for both where they read a record alike."""

    def __init__(self, old: Knowledge, new: Knowledge) -> None:
        self._old, self._new = old, new
        self._first = ChartReader(old)
        alike = old.facts == new.facts and old.measures == new.measures
        self._second = None if alike else ChartReader(new)

    def answers(self, member: Member, on: date) -> tuple[Answer, Answer]:
        chart: Chart = self._first.chart(member.facts, on)
        other = chart if self._second is None else self._second.chart(member.facts, on)
        return evaluate(self._old, chart), evaluate(self._new, other)


def _moved(patient: str, before: Answer, after: Answer) -> Iterator[Moved]:
    for measure in dict.fromkeys((*before.recommendations, *after.recommendations)):
        one = Moved(patient, measure, before.recommendations.get(measure), after.recommendations.get(measure))
        if one.rows[0] != one.rows[1] or one.targets[0] != one.targets[1]:
            yield one


def _eligible(patient: str, before: Answer, after: Answer) -> Iterator[Eligible]:
    for plan in dict.fromkeys((*before.plans, *after.plans)):
        rows = [_eligible_row(answer, plan) for answer in (before, after)]
        if (rows[0] is None) != (rows[1] is None):
            yield Eligible(patient, plan, *rows)


def _eligible_row(answer: Answer, plan: str) -> str | None:
    found = answer.plans.get(plan)
    return None if found is None or found.row is None else found.row.id


def _row(recommendation: Recommendation | None) -> str | None:
    return None if recommendation is None else recommendation.row.id


def _target(recommendation: Recommendation | None) -> Target | None:
    return None if recommendation is None else recommendation.target
