"""A plan type applied to a person → the CarePlan, Goals, Tasks and orders it would make; nothing is stored here.

`PlanDefinition/$apply`, `CarePlan/$establish` and the page C3 all show or store this one draft. One active Goal a
measure and one open Task or order an activity: what another plan already has is shared, and listed as such
(design §2). What of the template is not for this person is named with the reason: nothing drops out unsaid.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from careplan.domain.evaluation import Answer, Recommendation
from careplan.domain.guideline import Activity, Knowledge, PlanType
from careplan.domain.measure import Measure
from careplan.domain.schedule import first_due, goal_due
from careplan.fhir import systems
from careplan.fhir.agreed import activity_of, is_open, reference_of
from careplan.fhir.definition_of_plan import activity_canonical
from careplan.fhir.goal import AGREED, goal_from_recommendation, is_active, measure_of_goal
from careplan.fhir.instant import instant_text
from careplan.fhir.reading import Codes
from careplan.fhir.text import Json


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
    """An activity of the plan: a new Task or order, or (`shared`) the open one there is."""

    activity: Activity
    id: str
    value: Json
    shared: bool


@dataclass(frozen=True, slots=True)
class Absent:
    """A goal or activity of the template that this person's plan does not get.

    why      `excluded` by the clinician, `unsuited` by its own condition, `undecided` for want of facts, `unruled`
    missing  undecided: the facts
    """

    id: str
    name: str
    activity: Activity | None
    why: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What one plan type would make of one person."""

    plan: PlanType
    id: str
    care_plan: Json
    goals: tuple[DraftGoal, ...]
    tasks: tuple[DraftTask, ...]
    absent: tuple[Absent, ...] = ()


@dataclass(frozen=True, slots=True)
class Existing:
    """What the person has already: active Goals by measure, open Tasks and orders by activity."""

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
    """Active Goals by measure, and open Tasks and orders by activity."""
    by_measure = {
        measure.id: goal for goal in goals if is_active(goal) and (measure := measure_of_goal(goal, codes, measures))
    }
    by_activity = {code: task for task in tasks if is_open(task) and (code := activity_of(task)) is not None}
    return Existing(by_measure, by_activity)


def drafts(
    plans: Sequence[PlanType],
    knowledge: Knowledge,
    answer: Answer,
    addresses: Mapping[str, Sequence[str]],
    existing: Existing,
    occasion: Occasion,
) -> tuple[Draft, ...]:
    """One draft a plan type, in order; later ones share the Goals, Tasks and orders of earlier ones.

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
        absent = _absent(plan, knowledge, answer, occasion)
        made.append(Draft(plan, id, care_plan, plan_goals, plan_tasks, absent))
    return tuple(_with_all_plans(one, made) for one in made)


def _with_all_plans(draft: Draft, made: Sequence[Draft]) -> Draft:
    """The draft with each new Task and order based on every plan of these that it is for."""
    tasks = tuple(one if one.shared else replace(one, value=_based_on_all(one, made)) for one in draft.tasks)
    return replace(draft, tasks=tasks)


def _based_on_all(task: DraftTask, made: Sequence[Draft]) -> Json:
    plans = [{"reference": f"CarePlan/{one.id}"} for one in made if any(other.id == task.id for other in one.tasks)]
    return {**task.value, "basedOn": plans}


def _absent(plan: PlanType, knowledge: Knowledge, answer: Answer, occasion: Occasion) -> tuple[Absent, ...]:
    """What of the template this person's plan does not get, goals first."""
    found: list[Absent] = []
    for name in plan.follows:
        measure = knowledge.measures[name]
        missing = answer.undecided.get(name, ())
        if measure.goal and name in occasion.exclude:
            found.append(Absent(name, measure.name, None, "excluded"))
        elif measure.goal and name not in answer.recommendations:
            found.append(Absent(name, measure.name, None, "undecided" if missing else "unruled", missing))
    for activity in plan.activities:
        if activity.id in occasion.exclude | occasion.unsuited:
            why = "excluded" if activity.id in occasion.exclude else "unsuited"
            found.append(Absent(activity.id, activity.title, activity, why))
    return tuple(found)


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
            goal = _new_goal(recommendation, measure, goal_due(plan, name, answer), occasion)
            found.append(DraftGoal(measure, occasion.new_id(), goal, recommendation, shared=False))
    return found


def _new_goal(recommendation: Recommendation, measure: Measure, due: date, occasion: Occasion) -> Json:
    goal = goal_from_recommendation(
        recommendation, measure, occasion.patient, occasion.at, agreed=True, status="active"
    )
    goal["startDate"] = occasion.on.isoformat()
    for entry in goal["target"]:
        kinds = [one.get("valueCode") for one in entry["extension"]]
        if AGREED in kinds:
            entry["dueDate"] = due.isoformat()
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
            task = agreed_from_activity(
                activity,
                occasion.patient,
                [f"CarePlan/{plan_id}"],
                occasion.at,
                due=first_due(activity, answer),
                clinic=occasion.clinic,
                definition=activity_canonical(plan, activity),
            )
            found.append(DraftTask(activity, occasion.new_id(), task, shared=False))
    return found


def agreed_from_activity(
    activity: Activity,
    patient: str,
    plans: Sequence[str],
    at: datetime,
    *,
    due: date | None,
    clinic: str | None,
    definition: str | None = None,
) -> dict[str, Any]:
    """The Task or the order of an activity, not yet begun.

    plans       references of the CarePlans it is of
    clinic      who owns or orders it where the clinic does; None: nobody is named
    definition  canonical of the ActivityDefinition it is made from
    """
    is_task = activity.kind == "Task"
    who, by = {"reference": f"Patient/{patient}"}, {"reference": f"Organization/{clinic}"} if clinic else None
    made: dict[str, Any] = {
        "resourceType": activity.kind,
        "basedOn": [{"reference": one} for one in plans],
        "intent": "plan",
        "code": {"coding": [{"system": systems.ACTIVITY, "code": activity.id}], "text": activity.title},
        "authoredOn": instant_text(at),
    }
    if definition:
        made["instantiatesCanonical"] = definition if is_task else [definition]
    return made | (_task if is_task else _order)(activity, who, by, due)


def _task(activity: Activity, patient: Json, clinic: Json | None, due: date | None) -> dict[str, Any]:
    owner = patient if activity.who == "patient" else clinic
    return {
        "status": "requested",
        "description": activity.says or activity.title,
        "for": patient,
        **({"owner": owner} if owner else {}),
        **({"restriction": {"period": {"end": due.isoformat()}}} if due else {}),
    }


def _order(activity: Activity, patient: Json, clinic: Json | None, due: date | None) -> dict[str, Any]:
    """Who does it is said in words and never named: an order opens nobody's access.

    With `patientInstruction` it is the patient's turn: to get it done.
    """
    said = {"patientInstruction": activity.says or activity.title}
    return {
        "status": "active",
        "priority": "routine",
        "subject": patient,
        **({"requester": clinic} if clinic else {}),
        "performerType": {"text": activity.performer},
        **({"occurrencePeriod": {"end": due.isoformat()}} if due else {}),
        **(said if activity.who == "patient" else {"note": [{"text": activity.says}]} if activity.says else {}),
    }


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
        care_plan["activity"] = [
            {"reference": {"reference": reference_of({**one.value, "id": one.id})}} for one in tasks
        ]
    return care_plan
