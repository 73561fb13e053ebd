"""A clinic's numbers: how many have a plan that is kept up, and where the agreed targets of a measure stand.

Counted from the list (`worklist`) and from the active Goals: as `achievementStatus` is stored, and where none is, by
the newest value. No rule is run again, and behind each number are the patients that it counts. Not here: how it is
shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from careplan.domain.guideline import Knowledge
from careplan.domain.measure import Measure, Reading, newest
from careplan.domain.target import Standing, Target, standing
from careplan.fhir.goal import ACTIVE_GOAL, AGREED, achievement_of, find_target, measure_of_goal
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.reading import readings_from_observation
from careplan.fhir.stored import value_from_stored
from careplan.fhir.systems import normal_system
from careplan.interactions.cohort import of_clinic
from careplan.interactions.context import Context
from careplan.interactions.worklist import EXCLUDED, Worklist

STATES = ("maintained", "overdue", "new", EXCLUDED)
"""What a patient who is eligible for a plan type is counted as, one of these."""

UNSAID = "unsaid"
ACHIEVEMENTS = ("achieved", "not-achieved", UNSAID)
"""Goal.achievementStatus as the newest value has it; the last one where no value says anything."""

_REACHED: Mapping[Standing, str] = {
    Standing.IN: "achieved",
    Standing.NEAR: "not-achieved",
    Standing.OUT: "not-achieved",
}


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
    unsaid: dict[tuple[str, str], Target] = {}
    for version in goals:
        goal = value_from_stored(version.body or b"")
        measure = measure_of_goal(goal, reader.codes, context.knowledge.measures)
        if measure is not None and version.patient is not None:
            said, target = achievement_of(goal), find_target(goal, AGREED)
            counted.setdefault(measure.id, {})[version.patient] = said or UNSAID
            if said is None and target is not None and target.is_number:
                unsaid[measure.id, version.patient] = target
    for (name, patient), reached in (await _by_values(context, clinic, unsaid)).items():
        counted[name][patient] = reached
    named = (context.knowledge.measures[name] for name in counted)
    ordered = sorted(named, key=lambda measure: (measure.priority, measure.name))
    return tuple(GoalFigure(measure, _by_achievement(counted[measure.id].items())) for measure in ordered)


async def _by_values(
    context: Context, clinic: str | None, unsaid: Mapping[tuple[str, str], Target]
) -> dict[tuple[str, str], str]:
    """Whether targets whose Goals do not say so are reached, by measure and patient; without those never measured."""
    found: dict[tuple[str, str], str] = {}
    values = await _newest_values(context, clinic, {name for name, _ in unsaid})
    for (name, patient), target in unsaid.items():
        measure, value = context.knowledge.measures[name], values.get((name, patient))
        number = None if value is None else measure.number(value.judged)
        reached = _REACHED.get(standing(measure, target, number))
        below = number is not None and target.position(number) == "below"
        if reached is not None and not (below and measure.low_end_needs):
            found[name, patient] = reached
    return found


async def _newest_values(context: Context, clinic: str | None, names: Iterable[str]) -> dict[tuple[str, str], Reading]:
    """The newest reported value up to today, by measure and patient."""
    measures = [context.knowledge.measures[name] for name in sorted(names)]
    tokens = tuple(TokenIs(normal_system(code.system), code.code) for one in measures for code in one.codes)
    if not tokens:
        return {}
    readings: dict[tuple[str, str], list[Reading]] = {}
    for version in await of_clinic(context, Query("Observation", (Criterion("combo-code", "token", tokens),)), clinic):
        content = value_from_stored(version.body or b"")
        for one in readings_from_observation(content, context.house.reader.codes):
            readings.setdefault((one.measure, version.patient or ""), []).append(one)
    latest = {key: newest(some, context.on) for key, some in readings.items()}
    return {key: one for key, one in latest.items() if one is not None}


def _by_achievement(found: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
    patients: dict[str, list[str]] = {}
    for patient, achievement in found:
        patients.setdefault(achievement if achievement in ACHIEVEMENTS else UNSAID, []).append(patient)
    return {achievement: tuple(sorted(some)) for achievement, some in patients.items()}
