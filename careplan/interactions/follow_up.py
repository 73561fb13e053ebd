"""What the clinic that referred is asked to do when a referral comes back to it: one Task, its owner whoever referred.

It stands in the patient's active plans, where there are any; beside it is the Task to see how the referral ended. Not
here: when that is (`coursework`, `release`), and how they are found and done (`reply`).
https://hl7.org/fhir/R4/task.html
"""

from datetime import date

from careplan.fhir.instant import instant_text
from careplan.fhir.mapping import listed_with
from careplan.fhir.query import Query
from careplan.fhir.reply import as_follow_up, task_to_see
from careplan.fhir.text import Json, parse
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.sent_case import name_of


async def follow_up(context: Context, patient: str, request: Json, case: str, words: str, due: date | None) -> Change:
    """The Task: whoever referred is its owner, else the clinic that the patient is listed with.

    case  the reference of the case that it comes from
    """
    task = as_follow_up(await task_of_course(context, patient, request, words, "requested"), case)
    owner = await _owner(context, patient, request)
    task |= {"owner": {"reference": owner}} if owner else {}
    task |= {"restriction": {"period": {"end": due.isoformat()}}} if due else {}
    return change_from_value(task, context.new_id())


async def to_see(context: Context, patient: str, request: Json, case: str) -> Change:
    """The Task to see how a case ended, `Task/17`: the same owner's."""
    owner = await _owner(context, patient, request)
    task = task_to_see(patient, f"ServiceRequest/{request['id']}", case, owner, context.now)
    return change_from_value(task, context.new_id())


async def _owner(context: Context, patient: str, request: Json) -> str:
    person = await context.store.read("Patient", patient)
    clinic = listed_with(parse(person.body)) if person is not None and person.body is not None else None
    return (request.get("requester") or {}).get("reference") or (f"Organization/{clinic}" if clinic else "")


async def task_of_course(context: Context, patient: str, request: Json, words: str, status: str) -> Json:
    """A Task that a course leaves behind, of the patient's active plans and of its referral; nobody's yet."""
    return {
        "resourceType": "Task",
        "basedOn": [*await _plans(context, patient), {"reference": f"ServiceRequest/{request['id']}"}],
        "status": status,
        "intent": "plan",
        "code": {"text": words},
        "description": words,
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": instant_text(context.now),
        "requester": {"reference": name_of(context)},
    }


async def _plans(context: Context, patient: str) -> list[Json]:
    """References of the patient's active plans: what an agreement stands in."""
    plans = [parse(one.body or b"") for one in await every(context, Query("CarePlan", patient=patient))]
    return [{"reference": f"CarePlan/{one['id']}"} for one in plans if one.get("status") == "active"]
