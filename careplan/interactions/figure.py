"""A clinic's numbers: how many have a plan that is kept up, and where the agreed targets of a measure stand.

Counted from the list (`worklist`) and from the active Goals as they are stored; nothing is worked out by rules again,
and behind each number are the patients that it counts. Not here: how it is shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from careplan.domain.guideline import Knowledge
from careplan.domain.measure import Measure
from careplan.fhir.goal import ACTIVE_GOAL, achievement_of, measure_of_goal
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.stored import value_from_stored
from careplan.interactions.cohort import of_clinic
from careplan.interactions.context import Context
from careplan.interactions.worklist import EXCLUDED, Worklist

STATES = ("maintained", "overdue", "new", EXCLUDED)
"""What a patient who is eligible for a plan type is counted as, one of these."""

UNSAID = "unsaid"
ACHIEVEMENTS = ("achieved", "not-achieved", UNSAID)
"""Goal.achievementStatus as the newest value has it; the last one where no value says anything."""


@dataclass(frozen=True, slots=True)
class PlanFigure:
    """Patients of one plan type, by state."""

    plan: str
    counts: Mapping[str, int]

    @property
    def eligible(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class GoalFigure:
    """Patients with an active agreed target of one measure, by whether it is reached; each patient once."""

    measure: Measure
    patients: Mapping[str, tuple[str, ...]]

    @property
    def total(self) -> int:
        return sum(len(some) for some in self.patients.values())

    def count(self, achievement: str) -> int:
        return len(self.patients.get(achievement, ()))


def plan_figures(knowledge: Knowledge, found: Worklist) -> tuple[PlanFigure, ...]:
    """One a plan type, in the order of the knowledge; types nobody is eligible for too."""
    return tuple(
        PlanFigure(plan, {state: len(found.of_state(state, plan)) for state in STATES}) for plan in knowledge.plans
    )


async def goal_figures(context: Context, clinic: str | None) -> tuple[GoalFigure, ...]:
    """One a measure that somebody has an active target for, the measures in order of priority. Raises Forbidden."""
    status = Criterion("lifecycle-status", "token", tuple(TokenIs("", code) for code in sorted(ACTIVE_GOAL)))
    goals = await of_clinic(context, Query("Goal", (status,)), clinic)
    reader, counted = context.house.reader, dict[str, dict[str, str]]()
    for version in goals:
        goal = value_from_stored(version.body or b"")
        measure = measure_of_goal(goal, reader.codes, context.knowledge.measures)
        if measure is not None and version.patient is not None:
            counted.setdefault(measure.id, {})[version.patient] = achievement_of(goal) or UNSAID
    named = (context.knowledge.measures[name] for name in counted)
    ordered = sorted(named, key=lambda measure: (measure.priority, measure.name))
    return tuple(GoalFigure(measure, _by_achievement(counted[measure.id].items())) for measure in ordered)


def _by_achievement(found: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    patients: dict[str, list[str]] = {}
    for patient, achievement in found:
        patients.setdefault(achievement if achievement in ACHIEVEMENTS else UNSAID, []).append(patient)
    return {achievement: tuple(sorted(some)) for achievement, some in patients.items()}
