"""One active CarePlan a plan type, one active Goal a measure and one exclusion a plan type for each patient (design
§2), whoever writes it.

So one measure has one target however many diseases. Guards keep it true when two clinics write at once.
"""

from collections.abc import Callable, Iterable, Sequence

from careplan.domain.errors import CareplanError
from careplan.fhir.exclusion import find_exclusion
from careplan.fhir.goal import is_active, measure_of_goal
from careplan.fhir.mapping import plan_type_of
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.store.protocol import Guard, guard_of


class PlanExists(CareplanError):
    """The patient has an active plan of this type already."""

    code = "plan-exists"


class GoalExists(CareplanError):
    """The patient has an active goal for this measure already."""

    code = "goal-exists"


class ExclusionExists(CareplanError):
    """The patient is excluded from this plan type already."""

    code = "exclusion-exists"


async def keep_singular(context: Context, changes: Sequence[Change]) -> tuple[Guard, ...]:
    """Guards against plans, goals and exclusions that were not seen here.

    Raises PlanExists, GoalExists, ExclusionExists
    """

    def measure(goal: Json) -> str | None:
        found = measure_of_goal(goal, context.house.reader.codes, context.knowledge.measures)
        return found.id if found is not None and is_active(goal) else None

    guards = await _one_each(context, changes, "CarePlan", _active_type, PlanExists)
    guards += await _one_each(context, changes, "Goal", measure, GoalExists)

    def excluded(task: Json) -> str | None:
        found = find_exclusion(task)
        return found.plan if found is not None and found.holds(context.on) else None

    return (*guards, *await _one_each(context, changes, "Task", excluded, ExclusionExists))


def _active_type(plan: Json) -> str | None:
    return plan_type_of(plan) if plan.get("status") == "active" else None


async def _one_each(
    context: Context,
    changes: Sequence[Change],
    type_name: str,
    kind_of: Callable[[Json], str | None],
    refusal: type[CareplanError],
) -> list[Guard]:
    """Of each kind at most one, stored or about to be; only patients whose changes bring one are looked at."""
    ours = [change for change in changes if change.type == type_name]
    patients = dict.fromkeys(c.patient for c in ours if c.patient and c.value is not None and kind_of(c.value))
    guards: list[Guard] = []
    for patient in patients:
        stored = await every(context, Query(type_name, patient=patient))
        replaced = {change.id for change in ours}
        standing = [(v.reference, kind_of(parse(v.body or b""))) for v in stored if v.id not in replaced]
        coming = [(c.reference, kind_of(c.value)) for c in ours if c.patient == patient and c.value is not None]
        _check([*standing, *coming], patient, refusal)
        guards.append(guard_of(f"Patient/{patient}/{type_name}", Query(type_name, patient=patient), stored))
    return guards


def _check(found: Iterable[tuple[str, str | None]], patient: str, refusal: type[CareplanError]) -> None:
    first: dict[str, str] = {}
    for reference, kind in found:
        if kind is not None and kind in first:
            raise refusal(
                f"Patient/{patient} has an active {reference.partition('/')[0]} for {kind} already: {first[kind]}; "
                "change that one, or end it first"
            )
        if kind is not None:
            first[kind] = reference
