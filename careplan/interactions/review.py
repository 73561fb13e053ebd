"""The årskontrol is held: every active plan is saved anew, what was done is done, and the next control has its day.

One commit: no reader sees a plan reviewed and its next control missing. Nothing agreed with the patient changes
here; individual targets have their own operation. Design §2; https://hl7.org/fhir/R4/task.html.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from careplan.domain.errors import StatusInvalid
from careplan.domain.guideline import Activity as PlanActivity
from careplan.domain.schedule import first_due
from careplan.fhir import systems
from careplan.fhir.draft import OPEN_TASK, activity_of
from careplan.fhir.instant import instant_text
from careplan.fhir.mapping import listed_with
from careplan.fhir.text import Json
from careplan.interactions import access
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.person import PLAN_TYPES, Person, read_person
from careplan.store.protocol import GuardFailed, Version, VersionConflict

CHECK = f"{systems.CANONICAL}/CodeSystem/check"
"""Lines of the tjekliste, by the ids of the plan files."""

RESULTS = ("done", "not-relevant", "postponed")
"""Udført, ikke relevant, udsat."""

TRIES = 12


@dataclass(frozen=True, slots=True)
class Review:
    """What was gone through: results by line of the tjekliste, and ids of the Tasks that were done besides."""

    checks: Mapping[str, str] = field(default_factory=dict)
    done: frozenset[str] = frozenset()


async def approve_review(context: Context, patient: str, review: Review) -> tuple[Version, ...]:
    """Save the plans as reviewed now; the årskontrol is completed and set again, as are the Tasks that were done.

    Raises StatusInvalid when no plan is active, Forbidden
    """
    for attempt in range(1, TRIES + 1):
        person = await read_person(context, patient, PLAN_TYPES)
        if not person.active_plans:
            raise StatusInvalid(f"Patient/{patient} has no active plan to review")
        changes = _changes(context, person, review)
        for change in changes:
            await access.check_write(context, change.type, change.value, patient)
        try:
            return await commit(context, changes, (), Activity("review"))
        except (GuardFailed, VersionConflict):
            if attempt == TRIES:
                raise
    raise AssertionError("the last try returns or raises")


def _changes(context: Context, person: Person, review: Review) -> list[Change]:
    activities = _activities(context, person)
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
        own = [ids[name] for name, task in following.items() if _belongs(plan, task)]
        changes.append(_change(person, _reviewed(context, plan, own)))
    return changes


def _activities(context: Context, person: Person) -> dict[str, PlanActivity]:
    """What the active plans' types make, by id."""
    types = [context.knowledge.plans[kind] for kind in person.active_plans if kind in context.knowledge.plans]
    return {activity.id: activity for plan in types for activity in plan.activities}


def _open(person: Person) -> list[Json]:
    return [task for task in person.resources["Task"] if task.get("status") in OPEN_TASK and _of_plan(task)]


def _of_plan(task: Json) -> bool:
    return any(str(one.get("reference", "")).startswith("CarePlan/") for one in task.get("basedOn", ()))


def _is_held(task: Json, activities: Mapping[str, PlanActivity], review: Review) -> bool:
    activity = activities.get(activity_of(task) or "")
    return task["id"] in review.done or (activity is not None and activity.review)


def _completed(context: Context, task: Json, activities: Mapping[str, PlanActivity], review: Review) -> dict[str, Any]:
    """The Task as done now; the årskontrol keeps the results of its tjekliste."""
    at = instant_text(context.now)
    changed = {**task, "status": "completed", "lastModified": at}
    changed["executionPeriod"] = {**task.get("executionPeriod", {}), "end": at}
    activity = activities.get(activity_of(task) or "")
    if activity is not None and activity.review and review.checks:
        kept = [one for one in task.get("output", ()) if not _is_check(one)]
        changed["output"] = [*kept, *_outputs(review.checks)]
    return changed


def _is_check(output: Json) -> bool:
    return any(one.get("system") == CHECK for one in output.get("type", {}).get("coding", ()))


def _outputs(checks: Mapping[str, str]) -> Iterable[Json]:
    for id, result in checks.items():
        yield {"type": {"coding": [{"system": CHECK, "code": id}]}, "valueCode": result}


def _next(context: Context, person: Person, activity: PlanActivity, task: Json | None) -> dict[str, Any]:
    """The same activity, due again; of the one before it keeps who does it and the plans it is of."""
    due = first_due(activity, person.answer)
    plans = [{"reference": f"CarePlan/{plan['id']}"} for plan in person.active_plans.values()]
    clinic = context.caller.organization or listed_with(person.patient)
    own = f"Patient/{person.id}" if activity.who == "patient" else f"Organization/{clinic}"
    made: dict[str, Any] = {
        "resourceType": "Task",
        "basedOn": task["basedOn"] if task else plans,
        "status": "requested",
        "intent": "plan",
        "code": {"coding": [{"system": systems.ACTIVITY, "code": activity.id}], "text": activity.title},
        "description": activity.says or activity.title,
        "for": {"reference": f"Patient/{person.id}"},
        "authoredOn": instant_text(context.now),
        "owner": task["owner"] if task and "owner" in task else {"reference": own},
    }
    return made | ({"restriction": {"period": {"end": due.isoformat()}}} if due else {})


def _belongs(plan: Json, task: Json) -> bool:
    return any(one.get("reference") == f"CarePlan/{plan['id']}" for one in task["basedOn"])


def _reviewed(context: Context, plan: Json, tasks: Iterable[str]) -> dict[str, Any]:
    """The CarePlan as saved now, with the Tasks that were set again."""
    kept = [one for one in plan.get("extension", ()) if one.get("url") != systems.EXT_LAST_REVIEWED]
    reviewed = {"url": systems.EXT_LAST_REVIEWED, "valueDateTime": instant_text(context.now)}
    activities = [*plan.get("activity", ()), *({"reference": {"reference": f"Task/{id}"}} for id in tasks)]
    return {**plan, "extension": [*kept, reviewed], **({"activity": activities} if activities else {})}


def _change(person: Person, value: dict[str, Any]) -> Change:
    reference = f"{value['resourceType']}/{value['id']}"
    return change_from_value(value, value["id"], person.versions[reference])
