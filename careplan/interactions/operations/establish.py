"""`PlanDefinition/[id]/$apply` shows what a plan would be; `CarePlan/$establish` makes it, in one transaction.

What a new plan shares with others, and where an earlier agreement and today's recommendation differ, is said in the
answer (`merging`). Nothing is picked: what was agreed stands. https://hl7.org/fhir/R4/plandefinition-operation-apply.html
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

from careplan.domain.errors import CareplanError, Fault
from careplan.domain.evaluation import holds
from careplan.domain.guideline import PlanType
from careplan.domain.words import is_blank
from careplan.fhir.applied import contained
from careplan.fhir.draft import Draft, DraftGoal, Occasion, drafts, existing_from_resources
from careplan.fhir.mapping import listed_with
from careplan.fhir.merging import Merged, conflicts, merged
from careplan.fhir.outcome import outcome
from careplan.fhir.reference import find_target
from careplan.fhir.text import Json, dump
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.person import (
    PLAN_TYPES,
    Person,
    addresses,
    basis_guards,
    read_person,
    seen_guard,
    with_standing,
)
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.singular import GoalExists, PlanExists
from careplan.store.protocol import GuardFailed, Version, VersionConflict

SHARED = ("Goal", "Task", "ServiceRequest")
"""Types of which nothing may have come or changed since a plan was drafted: what it shares might have ended."""


class NotEligible(CareplanError):
    """The rules do not find the patient eligible, and no reason was given for making the plan all the same."""

    code = "not-eligible"


class PlanEmpty(CareplanError):
    """Everything that a plan would have is left out."""

    code = "plan-empty"


class ExcludeNeedsReason(CareplanError):
    """What a plan would have is left out only with a reason."""

    code = "exclude-needs-reason"


@dataclass(frozen=True, slots=True)
class Made:
    """The versions stored, the drafts they were made from, and what these share with one another and with others."""

    versions: tuple[Version, ...]
    drafts: tuple[Draft, ...]
    merged: tuple[Merged, ...]


async def apply(context: Context, asked: Asked) -> bytes:
    """The CarePlan with its Goals and Tasks contained; nothing is stored."""
    access.check_whole_record(context)
    patient = asked.reference("subject", "Patient")
    person = await read_person(context, patient, PLAN_TYPES)
    return dump(contained(preview(context, person, [plan_type(context, asked.id or "")])[0], context.knowledge))


async def establish(context: Context, asked: Asked) -> bytes:
    """A transaction-response Bundle naming what was made. Raises what `make_plans` raises, and ParameterFaulty."""
    named = dict.fromkeys(_definition(context, value).id for value in asked.all("definition"))
    definitions = [plan_type(context, name) for name in named]
    if not definitions:
        raise ParameterFaulty("parameter definition is missing: a PlanDefinition, e.g. PlanDefinition/diabetes")
    exclude = frozenset(str(value) for value in asked.all("exclude"))
    _check_known(context, exclude)
    reason = str(asked.find("reason") or "")
    patient = asked.reference("subject", "Patient")
    made = await make_plans(context, patient, definitions, exclude, reason)
    entries = [_entry(context, version, made) for version in made.versions]
    return dump({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})


def _entry(context: Context, version: Version, made: Made) -> Json:
    """What became of one resource; of a plan also what it shares, and where targets differ."""
    response: dict[str, Any] = {
        "status": "201 Created" if version.number == 1 else "200 OK",
        "location": f"{context.base}/{version.reference}/_history/{version.number}",
        "etag": f'W/"{version.number}"',
    }
    plan = next((one for one in made.drafts if f"CarePlan/{one.id}" == version.reference), None)
    faults = _said(plan, made) if plan is not None else []
    if faults:
        response["outcome"] = outcome(faults)
    return {"fullUrl": f"{context.base}/{version.reference}", "response": response}


def _said(draft: Draft, made: Made) -> list[Fault]:
    """What one new plan shares with which plans, and the goals of it whose agreed target the rules would not give."""
    said = []
    for one in made.merged:
        if draft.plan.id in one.plans:
            samples = f"; one order of samples for {', '.join(one.samples)}" if one.samples else ""
            message = f"{one.reference} ({one.id}) is shared by the plans {', '.join(one.plans)}{samples}"
            said.append(Fault("CarePlan", "plans-share", message, "information"))
    own = {goal.measure.id for goal in draft.goals}
    for conflict in conflicts(made.drafts):
        if conflict.measure.id in own:
            message = (
                f"Goal/{conflict.goal} ({conflict.measure.id}): what was agreed earlier is another target than the "
                "rules recommend today; the agreed one stands until somebody chooses"
            )
            said.append(Fault("CarePlan", "targets-differ", message, "warning"))
    return said


async def make_plans(
    context: Context,
    patient: str,
    plans: Sequence[PlanType],
    exclude: frozenset[str] = frozenset(),
    reason: str = "",
    seen: frozenset[str] | None = None,
) -> Made:
    """Make the plans, their new Goals, Tasks and orders in one commit, or nothing.

    seen    what somebody was shown before they said yes, as `offered` says it; None: nobody looked
    Raises  PlanExists, NotEligible, PlanEmpty, ExcludeNeedsReason, PreconditionFailed, Forbidden
    """
    if exclude and is_blank(reason):
        raise ExcludeNeedsReason("parameter exclude leaves something out, so parameter reason says why")

    async def make() -> Made:
        person = await read_person(context, patient, PLAN_TYPES)
        for plan in plans:
            _check_possible(person, plan, reason)
        if seen is not None and offered(preview(context, person, plans)) != seen:
            raise PreconditionFailed(f"what the rules say of Patient/{patient} was changed meanwhile; look at it again")
        made = preview(context, person, plans, exclude)
        _check_filled(made, exclude)
        changes = _changes(context, person, made)
        for change in changes:
            await access.check_write(context, change.type, change.value, patient, act=change.act)
        guards = [*basis_guards(person), *(seen_guard(person, name) for name in SHARED)]
        versions = await commit(context, changes, guards, Activity("establish", reason))
        return Made(versions, made, merged(made, person.active_plans, context.knowledge))

    return await again(make, GoalExists, GuardFailed, VersionConflict)


def preview(
    context: Context, person: Person, plans: Sequence[PlanType], exclude: frozenset[str] = frozenset()
) -> tuple[Draft, ...]:
    """What making these plans would create, and what it would share."""
    reader, knowledge = context.house.reader, context.knowledge
    existing = existing_from_resources(person.resources["Goal"], person.agreed, reader.codes, knowledge.measures)
    clinic = context.caller.organization or listed_with(person.patient)
    unsuited = frozenset(
        activity.id
        for plan in plans
        for activity in plan.activities
        if holds(knowledge, person.chart, activity.when) is False
    )
    occasion = Occasion(person.id, context.now, person.on, clinic, context.new_id, exclude, unsuited)
    addressed = {plan.id: addresses(context, person, plan) for plan in plans}
    return drafts(plans, knowledge, person.answer, addressed, existing, occasion)


def offered(made: Sequence[Draft]) -> frozenset[str]:
    """What drafts offer, to be compared with what somebody saw: each goal by the row and version of the table that
    recommends it, and each activity; of what there is already, which it is.
    """
    goals = {one.id: one for draft in made for one in draft.goals if not one.shared}
    found = {_goal_text(one, goals) for draft in made for one in draft.goals}
    tasks = {one.id for draft in made for one in draft.tasks if not one.shared}
    return frozenset(found | {f"{one.activity.id}/{_standing(one.id, tasks)}" for draft in made for one in draft.tasks})


def _goal_text(one: DraftGoal, fresh: Container[str]) -> str:
    """`ldl/LDL-04/2026.1/new`"""
    row, version = (one.recommendation.row.id, one.recommendation.version) if one.recommendation else ("", "")
    return f"{one.measure.id}/{row}/{version}/{_standing(one.id, fresh)}"


def _standing(id: str, fresh: Container[str]) -> str:
    return "new" if id in fresh else id


def _check_filled(made: Sequence[Draft], exclude: frozenset[str]) -> None:
    for draft in made:
        if exclude and not draft.goals and not draft.tasks:
            raise PlanEmpty(f"nothing is left of {draft.plan.id}: keep a goal or an activity, or leave the plan out")


def plan_type(context: Context, name: str) -> PlanType:
    """The plan type of a name. Raises ParameterFaulty naming those there are."""
    plan = context.knowledge.plans.get(name)
    if plan is None:
        known = ", ".join(context.knowledge.plans)
        raise ParameterFaulty(f"there is no plan type of that name; there are {known}")
    return plan


def _definition(context: Context, value: Json) -> PlanType:
    """What `hjerte`, `PlanDefinition/hjerte`, our canonical with or without version, or a Reference names.

    Raises ParameterFaulty for what is another server's, or another version than the one in use
    """
    text = str(value.get("reference", "")) if isinstance(value, dict) else str(value)
    name, _, version = text.partition("|")
    target = find_target(name if "/" in name else f"PlanDefinition/{name}", context.base)
    if target is None or target.type != "PlanDefinition" or "/_history/" in name:
        raise ParameterFaulty("parameter definition names a PlanDefinition of this service, e.g. PlanDefinition/hjerte")
    plan = plan_type(context, target.id)
    if version not in ("", plan.version):
        raise ParameterFaulty(f"parameter definition: PlanDefinition/{plan.id} is in use as version {plan.version}")
    return plan


def _check_known(context: Context, exclude: frozenset[str]) -> None:
    """What is left out must be something: a misspelt name would make the goal it was to leave out."""
    activities = {activity.id for plan in context.knowledge.plans.values() for activity in plan.activities}
    unknown = sorted(exclude - set(context.knowledge.measures) - activities)
    if unknown:
        raise ParameterFaulty(f"parameter exclude names no measure or activity: {', '.join(unknown)}")


def has_died(person: Person) -> bool:
    """Whether the person no longer lives on the day: no plan is offered then, whatever the reason."""
    alive = person.chart.facts.get("alive")
    return alive is not None and alive.value is False


def _check_possible(person: Person, plan: PlanType, reason: str) -> None:
    if plan.id in person.active_plans:
        raise PlanExists(
            f"Patient/{person.id} has an active plan of type {plan.id}: CarePlan/{person.active_plans[plan.id]['id']}"
        )
    if has_died(person):
        raise NotEligible(f"Patient/{person.id} has died; no plan is made")
    if person.answer.plans[plan.id].row is None and not reason:
        raise NotEligible(
            f"Patient/{person.id} is not eligible for {plan.id} by the rules; give a reason to make the plan anyway"
        )


def _changes(context: Context, person: Person, made: Sequence[Draft]) -> list[Change]:
    changes: list[Change] = []
    for draft in made:
        for goal in draft.goals:
            if not goal.shared:
                value = with_standing(context, person, goal.value, goal.measure)
                changes.append(change_from_value(value, goal.id))
        changes += [change_from_value(task.value, task.id) for task in draft.tasks if not task.shared]
        changes.append(change_from_value(draft.care_plan, draft.id))
    return changes
