"""A Task by which a plan is turned down, sent as it is: it obeys what `Patient/[id]/$exclude` obeys.

Systems are let through: they load history, whose plans and reasons may be gone. Not here: one exclusion a plan
(`singular`), the Task's shape (`careplan.fhir.exclusion`).
"""

from collections.abc import Iterator

from careplan.domain.errors import Fault
from careplan.fhir.exclusion import Exclusion, find_exclusion
from careplan.fhir.mapping import plan_type_of
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.exclusion import Declined, check_reason
from careplan.interactions.refusal import refuse


async def check_sent_offer(context: Context, change: Change) -> None:
    """Raises ResourceInvalid, ExclusionNeedsReason; what is not valid passes, as the commit refuses it."""
    value = change.value
    if change.type != "Task" or value is None or context.caller.role == "system" or _is_faulty(context, value):
        return
    exclusion = find_exclusion(value)
    if exclusion is None or exclusion == _before(change):
        return
    check_reason(Declined(exclusion.plan, exclusion.reason, exclusion.text, exclusion.until))
    active = await _active_types(context, change.patient)
    refuse(change, _faults(context, value, exclusion, active))


def _is_faulty(context: Context, value: Json) -> bool:
    return any(fault.severity == "error" for fault in context.house.validate(value))


def _before(change: Change) -> Exclusion | None:
    body = None if change.previous is None else change.previous.body
    return None if body is None else find_exclusion(parse(body))


async def _active_types(context: Context, patient: str | None) -> set[str | None]:
    plans = [] if patient is None else await every(context, Query("CarePlan", patient=patient))
    read = [parse(plan.body or b"") for plan in plans]
    return {plan_type_of(plan) for plan in read if plan.get("status") == "active"}


def _faults(context: Context, task: Json, exclusion: Exclusion, active: set[str | None]) -> Iterator[Fault]:
    focus = str((task.get("focus") or {}).get("reference", ""))
    if exclusion.plan not in context.knowledge.plans or focus.split("/")[-2:-1] != ["PlanDefinition"]:
        known = ", ".join(f"PlanDefinition/{plan}" for plan in context.knowledge.plans)
        yield Fault("Task.focus", "value-invalid", f"a plan that is turned down is one of {known}")
    if exclusion.plan in active:
        message = f"the patient has an active plan of type {exclusion.plan}; end that first"
        yield Fault("Task.focus", "plan-exists", message)
    if exclusion.on is not None and exclusion.on > context.on:
        yield Fault("Task.authoredOn", "value-invalid", "a plan is turned down today or was before, not later")
    if exclusion.until is not None and exclusion.until <= context.on:
        message = "the day to ask again is a day after today, or is left out"
        yield Fault("Task.restriction.period", "value-invalid", message)
