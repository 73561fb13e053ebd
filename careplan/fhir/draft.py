"""A plan type applied to a person → the CarePlan, Goals and Tasks it would make; nothing is stored here.

`PlanDefinition/$apply`, `CarePlan/$establish` and the page C3 all show or store this one draft. One active Goal a
measure and one open Task an activity: what another plan already has is shared, and listed as such (design §2).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from careplan.domain.calendar import add_months
from careplan.domain.evaluation import Answer, Recommendation
from careplan.domain.guideline import Activity, Knowledge, PlanType
from careplan.domain.measure import Measure
from careplan.domain.schedule import first_due
from careplan.fhir import systems
from careplan.fhir.goal import AGREED, goal_from_recommendation, is_active, measure_of_goal
from careplan.fhir.instant import instant_text
from careplan.fhir.reading import Codes
from careplan.fhir.text import Json

OPEN_TASK = frozenset({"draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold"})


@dataclass(frozen=True, slots=True)
class DraftGoal:
    """A Goal the plan needs: a new one, or (`shared`) the active one there is."""

    measure: Measure
    id: str
    value: Json
    recommendation: Recommendation | None
    shared: bool


@dataclass(frozen=True, slots=True)
class DraftTask:
    """An activity of the plan: a new Task, or (`shared`) the open one there is."""

    activity: Activity
    id: str
    value: Json
    shared: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """What one plan type would make of one person."""

    plan: PlanType
    id: str
    care_plan: Json
    goals: tuple[DraftGoal, ...]
    tasks: tuple[DraftTask, ...]


@dataclass(frozen=True, slots=True)
class Existing:
    """What the person has already: active Goals by measure, open Tasks by activity."""

    goals: Mapping[str, Json]
    tasks: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Occasion:
    """For whom, when and by whom a plan is drafted.

    exclude   measures and activities the clinician leaves out
    unsuited  activities that are not for this person, by their own conditions
    """

    patient: str
    at: datetime
    on: date
    clinic: str | None
    new_id: Callable[[], str]
    exclude: frozenset[str] = frozenset()
    unsuited: frozenset[str] = frozenset()


def existing_from_resources(
    goals: Sequence[Json], tasks: Sequence[Json], codes: Codes, measures: Mapping[str, Measure]
) -> Existing:
    """Active Goals by measure and open Tasks by activity."""
    by_measure = {
        measure.id: goal for goal in goals if is_active(goal) and (measure := measure_of_goal(goal, codes, measures))
    }
    by_activity = {
        code: task for task in tasks if task.get("status") in OPEN_TASK and (code := activity_of(task)) is not None
    }
    return Existing(by_measure, by_activity)


def activity_of(task: Json) -> str | None:
    """Which activity of a plan type a Task is."""
    codings = task.get("code", {}).get("coding", ())
    return next((one.get("code") for one in codings if one.get("system") == systems.ACTIVITY), None)


def drafts(
    plans: Sequence[PlanType],
    knowledge: Knowledge,
    answer: Answer,
    addresses: Mapping[str, Sequence[str]],
    existing: Existing,
    occasion: Occasion,
) -> tuple[Draft, ...]:
    """One draft a plan type, in order; later ones share the Goals and Tasks of earlier ones.

    addresses  plan type → references of the Conditions it is for
    """
    goals, tasks = dict(existing.goals), dict(existing.tasks)
    made: list[Draft] = []
    for plan in plans:
        id = occasion.new_id()
        plan_goals = tuple(_goals(plan, knowledge, answer, goals, occasion))
        plan_tasks = tuple(_tasks(plan, id, answer, tasks, occasion))
        goals |= {one.measure.id: {**one.value, "id": one.id} for one in plan_goals}
        tasks |= {one.activity.id: {**one.value, "id": one.id} for one in plan_tasks}
        care_plan = _care_plan(plan, plan_goals, plan_tasks, addresses.get(plan.id, ()), occasion)
        made.append(Draft(plan, id, care_plan, plan_goals, plan_tasks))
    return tuple(made)


def _goals(
    plan: PlanType, knowledge: Knowledge, answer: Answer, taken: Mapping[str, Json], occasion: Occasion
) -> list[DraftGoal]:
    found: list[DraftGoal] = []
    for name in plan.follows:
        measure, recommendation = knowledge.measures[name], answer.recommendations.get(name)
        if not measure.goal or recommendation is None or name in occasion.exclude:
            continue
        if name in taken:
            goal = taken[name]
            found.append(DraftGoal(measure, goal["id"], goal, recommendation, shared=True))
        else:
            goal = _new_goal(recommendation, measure, occasion)
            found.append(DraftGoal(measure, occasion.new_id(), goal, recommendation, shared=False))
    return found


def _new_goal(recommendation: Recommendation, measure: Measure, occasion: Occasion) -> Json:
    goal = goal_from_recommendation(
        recommendation, measure, occasion.patient, occasion.at, agreed=True, status="active"
    )
    due = add_months(occasion.on, 12).isoformat()
    goal["startDate"] = occasion.on.isoformat()
    for entry in goal["target"]:
        kinds = [one.get("valueCode") for one in entry["extension"]]
        if AGREED in kinds:
            entry["dueDate"] = due
    return goal


def _tasks(
    plan: PlanType, plan_id: str, answer: Answer, taken: Mapping[str, Json], occasion: Occasion
) -> list[DraftTask]:
    found: list[DraftTask] = []
    for activity in plan.activities:
        if activity.id in occasion.exclude | occasion.unsuited:
            continue
        if activity.id in taken:
            task = taken[activity.id]
            found.append(DraftTask(activity, task["id"], task, shared=True))
        else:
            task = task_of(
                activity,
                occasion.patient,
                [f"CarePlan/{plan_id}"],
                occasion.at,
                due=first_due(activity, answer),
                clinic=occasion.clinic,
            )
            found.append(DraftTask(activity, occasion.new_id(), task, shared=False))
    return found


def task_of(
    activity: Activity, patient: str, plans: Sequence[str], at: datetime, *, due: date | None, clinic: str | None
) -> dict[str, Any]:
    """The Task of an activity, not yet begun; without an owner where the clinic is to do it and none is known.

    plans  references of the CarePlans it is of
    """
    task: dict[str, Any] = {
        "resourceType": "Task",
        "basedOn": [{"reference": one} for one in plans],
        "status": "requested",
        "intent": "plan",
        "code": {"coding": [{"system": systems.ACTIVITY, "code": activity.id}], "text": activity.title},
        "description": activity.says or activity.title,
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": instant_text(at),
    }
    if activity.who == "patient":
        task["owner"] = {"reference": f"Patient/{patient}"}
    elif activity.who == "clinic" and clinic:
        task["owner"] = {"reference": f"Organization/{clinic}"}
    if due:
        task["restriction"] = {"period": {"end": due.isoformat()}}
    return task


def _care_plan(
    plan: PlanType, goals: Sequence[DraftGoal], tasks: Sequence[DraftTask], addresses: Sequence[str], occasion: Occasion
) -> Json:
    at = instant_text(occasion.at)
    category = {"coding": [{"system": systems.PLAN_TYPE, "code": plan.id, "display": plan.name}]}
    care_plan: dict[str, Any] = {
        "resourceType": "CarePlan",
        "meta": {"profile": [systems.PROFILE_CAREPLAN]},
        "extension": [{"url": systems.EXT_LAST_REVIEWED, "valueDateTime": at}],
        "instantiatesCanonical": [f"{systems.CANONICAL}/PlanDefinition/{plan.id}|{plan.version}"],
        "status": "active",
        "intent": "plan",
        "category": [category],
        "title": plan.title,
        "subject": {"reference": f"Patient/{occasion.patient}"},
        "period": {"start": occasion.on.isoformat()},
        "created": at,
    }
    if occasion.clinic:
        care_plan["author"] = {"reference": f"Organization/{occasion.clinic}"}
    if addresses:
        care_plan["addresses"] = [{"reference": one} for one in addresses]
    if goals:
        care_plan["goal"] = [{"reference": f"Goal/{one.id}"} for one in goals]
    if tasks:
        care_plan["activity"] = [{"reference": {"reference": f"Task/{one.id}"}} for one in tasks]
    return care_plan


def contained(draft: Draft) -> Json:
    """The draft as one CarePlan with its Goals and Tasks contained, as `$apply` answers (nothing stored)."""
    parts = [{**goal.value, "id": goal.id} for goal in draft.goals]
    parts += [{**task.value, "id": task.id} for task in draft.tasks]
    names = {f"{part['resourceType']}/{part['id']}": f"#{part['id']}" for part in parts}
    bare = [{name: value for name, value in part.items() if name not in ("meta", "basedOn")} for part in parts]
    plan = {**draft.care_plan, "status": "draft", "contained": bare}
    plan["goal"] = [{"reference": names[one["reference"]]} for one in draft.care_plan.get("goal", ())]
    plan["activity"] = [
        {"reference": {"reference": names[one["reference"]["reference"]]}}
        for one in draft.care_plan.get("activity", ())
    ]
    return {name: value for name, value in plan.items() if value not in ([], {})}
