"""`Patient/[id]/$exclude` records that a plan is not to be offered now, and why; `$end-exclusion` takes that back."""

from collections.abc import Sequence

from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.exclusion import (
    Declined,
    check_reason,
    exclusion_change,
    exclusions_of,
    taken_back,
)
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.operations.establish import plan_type
from careplan.interactions.person import Person, read_person, seen_guard
from careplan.interactions.singular import PlanExists
from careplan.store.protocol import GuardFailed, NotFound, Version, VersionConflict


async def exclude(context: Context, asked: Asked) -> bytes:
    """The Task that records it. Raises ExclusionExists, PlanExists, ExclusionNeedsReason."""
    plan = plan_type(context, str(asked.read("plan-type")))
    declined = Declined(plan.id, asked.code("reason"), asked.text("text"), asked.find_day("until"))
    return (await turn_down(context, asked.id or "", [declined]))[0].body or b""


async def end_exclusion(context: Context, asked: Asked) -> bytes:
    """The Task as it then is. Raises NotFound where the plan type is not excluded."""
    plan = plan_type(context, str(asked.read("plan-type")))
    return (await take_back(context, asked.id or "", plan.id)).body or b""


async def turn_down(context: Context, patient: str, declined: Sequence[Declined]) -> tuple[Version, ...]:
    """Record that these plans are not to be offered, all or none of them; the Tasks.

    Raises ExclusionExists, PlanExists, ExclusionNeedsReason, ParameterFaulty, Forbidden
    """
    for one in declined:
        check_reason(one)
        if one.until is not None and one.until <= context.on:
            raise ParameterFaulty("parameter until must be a day after today")
    access.check_whole_record(context)

    async def work() -> tuple[Version, ...]:
        person = await read_person(context, patient, ("CarePlan",))
        changes = [exclusion_change(context, patient, one) for one in declined]
        for one, change in zip(declined, changes, strict=True):
            _check_no_plan(person, one.plan)
            await access.check_write(context, change.type, change.value, patient, act=change.act)
        reason = " · ".join(dict.fromkeys(one.reason for one in declined))
        return await commit(context, changes, [seen_guard(person, "CarePlan")], Activity("exclude", reason))

    return await again(work, GuardFailed, VersionConflict)


async def take_back(context: Context, patient: str, plan: str) -> Version:
    """End the exclusion from a plan type: it may be offered again. Raises NotFound, Forbidden."""
    access.check_whole_record(context)
    access.check_scopes(context, ("Patient", "Task"))
    access.check_writes(context, "Task", "u")

    async def work() -> Version:
        await access.check_patient(context, patient)
        context.trail.met([patient])
        found, guard = await exclusions_of(context, patient)
        held = next((one for one in found if one.exclusion.plan == plan and one.exclusion.holds(context.on)), None)
        if held is None:
            raise NotFound(f"Patient/{patient} is not excluded from {plan}")
        change = taken_back(context, held)
        await access.check_write(context, change.type, change.value, patient, act=change.act)
        return (await commit(context, [change], [guard], Activity("end-exclusion")))[0]

    return await again(work, GuardFailed, VersionConflict)


def _check_no_plan(person: Person, plan: str) -> None:
    if plan in person.active_plans:
        reference = f"CarePlan/{person.active_plans[plan]['id']}"
        raise PlanExists(f"Patient/{person.id} has an active plan of type {plan}: {reference}; end that first")
