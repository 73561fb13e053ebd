"""The årskontrol is held: every active plan is saved anew, what was done is done, and the next control has its day.

One commit: no reader sees a plan reviewed and its next control missing. What is approved is what was seen: an
årskontrol that was held meanwhile is not held again. Nothing agreed with the patient changes here; individual
targets have their own operation. Design §2; https://hl7.org/fhir/R4/task.html.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from careplan.domain.errors import StatusInvalid
from careplan.domain.guideline import Activity as PlanActivity
from careplan.domain.guideline import Knowledge
from careplan.domain.schedule import first_due
from careplan.fhir import systems
from careplan.fhir.agreed import activity_of, completed, is_of_plan, is_open, key_of, reference_of
from careplan.fhir.check import check_of, outputs_from_checks
from careplan.fhir.draft import agreed_from_activity
from careplan.fhir.instant import instant_text
from careplan.fhir.invitation import is_invitation
from careplan.fhir.mapping import listed_with, plan_type_of
from careplan.fhir.query import Query
from careplan.fhir.text import Json
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.kept_form import Filled, Writes, writes
from careplan.interactions.overview import lines_of
from careplan.interactions.person import PLAN_TYPES, Person, read_person, seen_guard
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.shown import Overtaken, Shown, find_newer
from careplan.store.protocol import Guard, GuardFailed, Version, VersionConflict, guard_of

FORM = "aarskontrol"
"""The page whose form this is, where it was kept before it is sent (`kept_form`)."""


@dataclass(frozen=True, slots=True)
class Review:
    """What was gone through: results by line of the tjekliste, and keys of what else was done (`agreed.key_of`).

    until    to which day lines are postponed; reasons: why they are not relevant
    """

    checks: Mapping[str, str] = field(default_factory=dict)
    done: frozenset[str] = frozenset()
    until: Mapping[str, date] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def reviewed_from(knowledge: Knowledge, plans: Iterable[Json], tasks: Iterable[Json]) -> frozenset[str]:
    """What an approval rests on, each as `CarePlan/17@3`: the active plans, and the årskontrol that is open.

    plans, tasks  any of one patient's, as stored
    """
    active = [plan for plan in plans if plan.get("status") == "active"]
    activities = _activities(knowledge, filter(None, map(plan_type_of, active)))
    reviews = {activity.id for activity in activities.values() if activity.review}
    controls = [task for task in tasks if _is_open(task) and activity_of(task) in reviews]
    return frozenset(f"{one['resourceType']}/{one['id']}@{one['meta']['versionId']}" for one in (*active, *controls))


NOTHING_ELSE = Shown()


async def guards_of_shown(context: Context, patient: str, shown: Shown) -> tuple[Guard, ...]:
    """That nothing newer comes before what a form brings is stored. Raises Overtaken when it has come, Forbidden."""
    person = await read_person(context, patient, PLAN_TYPES)
    await _check_shown(context, person, shown)
    return tuple(seen_guard(person, name) for name in ("Observation", "Goal", "CarePlan", "Task"))


async def _check_shown(context: Context, person: Person, shown: Shown) -> None:
    rests = reviewed_from(context.knowledge, person.resources["CarePlan"], person.agreed)
    observations = person.resources["Observation"]
    if await find_newer(context, lines_of(context, person), rests, observations, shown):
        raise Overtaken(f"something newer of Patient/{person.id} is stored than the form has seen")


async def approve_review(
    context: Context,
    patient: str,
    review: Review,
    seen: frozenset[str],
    kept: Iterable[int] = (),
    mark: str = "",
    shown: Shown = NOTHING_ELSE,
) -> tuple[Version, ...]:
    """Save the plans as reviewed now; the årskontrol is completed and set again, as are the Tasks that were done.

    What was kept of the form is removed in the same commit.

    seen    what the approval rests on, as `reviewed_from` told it to the clinician
    kept    what was kept of the form and seen; mark: of the form
    shown   what else the form was filled in on
    Raises  PreconditionFailed when something else stands now, StatusInvalid when no plan is active, Forbidden
    """

    async def work() -> tuple[Version, ...]:
        person = await read_person(context, patient, PLAN_TYPES)
        if not person.active_plans:
            raise StatusInvalid(f"Patient/{patient} has no active plan to review")
        if reviewed_from(context.knowledge, person.resources["CarePlan"], person.agreed) != seen:
            raise PreconditionFailed(f"the plans of Patient/{patient} or their control are no longer as they were seen")
        await _check_shown(context, person, shown)
        changes = _changes(context, person, review)
        for change in changes:
            await access.check_write(context, change.type, change.value, patient, act=change.act)
        gone = await _kept_form_gone(context, patient, frozenset(kept), mark)
        return await commit(context, changes, _guards(person, shown), Activity("review"), gone)

    return await again(work, GuardFailed, VersionConflict)


async def _kept_form_gone(context: Context, patient: str, kept: frozenset[int], mark: str) -> Writes:
    if context.caller.role not in access.KEEPERS:
        return ()
    return await writes(context, FORM, patient, Filled(mark), kept, sent=True)


def _guards(person: Person, shown: Shown) -> list[Guard]:
    """No other plan, and no other target or value where the form says what it saw of them."""
    told = [name for name, some in (("Goal", shown.goals), ("Observation", shown.newest)) if some]
    return [_no_other_plan(person), *(seen_guard(person, name) for name in told)]


def _no_other_plan(person: Person) -> Guard:
    """No plan may come meanwhile, which nobody has gone through."""
    plans = [person.versions[f"CarePlan/{plan['id']}"] for plan in person.resources["CarePlan"]]
    return guard_of(f"Patient/{person.id}/review", Query("CarePlan", patient=person.id), plans)


def _changes(context: Context, person: Person, review: Review) -> list[Change]:
    activities = _activities(context.knowledge, person.active_plans)
    held = [task for task in _open(person) if _is_held(task, activities, review)]
    following: dict[str, Json] = {}
    for task in held:
        activity = activities.get(activity_of(task) or "")
        if activity is not None and activity.every is not None and activity.id not in following:
            following[activity.id] = _next(context, person, activity, task)
    for activity in activities.values():
        scheduled = any(activity_of(task) == activity.id for task in _open(person))
        if activity.review and activity.id not in following and not scheduled:
            following[activity.id] = _next(context, person, activity, None)
    ids = {name: context.new_id() for name in following}
    changes = [_change(person, _completed(context, task, activities, review)) for task in held]
    changes += [change_from_value(task, ids[name]) for name, task in following.items()]
    for plan in person.active_plans.values():
        own = [f"{task['resourceType']}/{ids[name]}" for name, task in following.items() if _belongs(plan, task)]
        changes.append(_change(person, _reviewed(context, plan, own)))
    return changes


def _activities(knowledge: Knowledge, kinds: Iterable[str]) -> dict[str, PlanActivity]:
    """What plans of these types make, by id."""
    types = [knowledge.plans[kind] for kind in kinds if kind in knowledge.plans]
    return {activity.id: activity for plan in types for activity in plan.activities}


def _open(person: Person) -> list[Json]:
    return [task for task in person.agreed if _is_open(task)]


def _is_open(task: Json) -> bool:
    """Whether a Task or order of a plan is still to be done."""
    return is_of_plan(task) and is_open(task)


def _is_held(task: Json, activities: Mapping[str, PlanActivity], review: Review) -> bool:
    """What was done, what the review is, and what called the patient in to it."""
    activity = activities.get(activity_of(task) or "")
    return key_of(task) in review.done or is_invitation(task) or (activity is not None and activity.review)


def _completed(context: Context, task: Json, activities: Mapping[str, PlanActivity], review: Review) -> dict[str, Any]:
    """The Task or order as done now; the årskontrol keeps the results of its tjekliste."""
    changed = completed(task, context.now)
    activity = activities.get(activity_of(task) or "")
    if activity is not None and activity.review and review.checks:
        kept = [one for one in task.get("output", ()) if check_of(one) is None]
        changed["output"] = [*kept, *outputs_from_checks(review.checks, review.until, review.reasons)]
    return changed


def _next(context: Context, person: Person, activity: PlanActivity, task: Json | None) -> dict[str, Any]:
    """The same activity, due again, for the active plans it was of; of the one before it keeps who does it."""
    plans = [f"CarePlan/{plan['id']}" for plan in person.active_plans.values() if task is None or _has(plan, task)]
    plans = plans or [one["reference"] for one in (task or {}).get("basedOn", ())]
    due, clinic = first_due(activity, person.answer), context.caller.organization or listed_with(person.patient)
    made = agreed_from_activity(activity, person.id, plans, context.now, due=due, clinic=clinic)
    if task is None or task["resourceType"] != made["resourceType"]:
        return made
    return made | {name: task[name] for name in ("owner", "instantiatesCanonical") if name in task}


def _has(plan: Json, task: Json) -> bool:
    """Whether a plan has this Task or order among its activities, or is named by it."""
    listed = [one.get("reference", {}).get("reference") for one in plan.get("activity", ())]
    return reference_of(task) in listed or _belongs(plan, task)


def _belongs(plan: Json, task: Json) -> bool:
    return any(one.get("reference") == f"CarePlan/{plan['id']}" for one in task["basedOn"])


def _reviewed(context: Context, plan: Json, tasks: Iterable[str]) -> dict[str, Any]:
    """The CarePlan as saved now, with the Tasks that were set again."""
    kept = [one for one in plan.get("extension", ()) if one.get("url") != systems.EXT_LAST_REVIEWED]
    reviewed = {"url": systems.EXT_LAST_REVIEWED, "valueDateTime": instant_text(context.now)}
    activities = [*plan.get("activity", ()), *({"reference": {"reference": one}} for one in tasks)]
    return {**plan, "extension": [*kept, reviewed], **({"activity": activities} if activities else {})}


def _change(person: Person, value: dict[str, Any]) -> Change:
    reference = f"{value['resourceType']}/{value['id']}"
    return change_from_value(value, value["id"], person.versions[reference])
