"""What a plan has agreed to be done: its Tasks, and the ServiceRequests that order something, read alike.

Somebody does a Task; an order (`ServiceRequest` with a code of our activities) has something done: blood samples,
a look at the eyes. A referral to a municipality is a ServiceRequest too and never one of these: it carries no
activity of ours, opens the plan to whom it names, and is the business of `interactions.access`.
https://hl7.org/fhir/R4/task.html · https://hl7.org/fhir/R4/servicerequest.html
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from careplan.fhir import systems
from careplan.fhir.instant import find_date, instant_text
from careplan.fhir.text import Json

OPEN_TASK = frozenset({"draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold"})
OPEN_ORDER = frozenset({"draft", "active", "on-hold"})


def activity_of(agreed: Json) -> str | None:
    """Which activity of a plan type a Task or ServiceRequest is."""
    codings = (agreed.get("code") or {}).get("coding", ())
    return next((one.get("code") for one in codings if one.get("system") == systems.ACTIVITY), None)


def is_order(resource: Json) -> bool:
    """Whether a ServiceRequest is ordered by a plan; a referral is not."""
    return resource.get("resourceType") == "ServiceRequest" and activity_of(resource) is not None


def plan_activities(tasks: Iterable[Json], requests: Iterable[Json]) -> tuple[Json, ...]:
    """The Tasks, and those of the ServiceRequests that are orders of a plan."""
    return (*tasks, *(one for one in requests if is_order(one)))


def referrals(requests: Iterable[Json]) -> tuple[Json, ...]:
    """The ServiceRequests that plans did not order."""
    return tuple(one for one in requests if not is_order(one))


def is_open(agreed: Json) -> bool:
    """Whether it is still to be done."""
    return agreed.get("status") in (OPEN_ORDER if agreed.get("resourceType") == "ServiceRequest" else OPEN_TASK)


def is_of_plan(agreed: Json) -> bool:
    """Whether it is based on a CarePlan: the case of a referral is a Task too, and is not."""
    return any(str(one.get("reference", "")).startswith("CarePlan/") for one in agreed.get("basedOn", ()))


def due_of(agreed: Json) -> date | None:
    """The day by which it is to be done."""
    period = agreed.get("occurrencePeriod") or (agreed.get("restriction") or {}).get("period") or {}
    return find_date(period.get("end"))


def reference_of(agreed: Json) -> str:
    """`Task/17`, `ServiceRequest/17`."""
    return f"{agreed['resourceType']}/{agreed['id']}"


def key_of(agreed: Json) -> str:
    """What a list of agreements knows it by: a Task's id; an order's reference, as ids are unique within a type."""
    return str(agreed["id"]) if agreed["resourceType"] == "Task" else reference_of(agreed)


def completed(agreed: Json, at: datetime) -> dict[str, Any]:
    """The same, done now."""
    if agreed["resourceType"] != "Task":
        return {**agreed, "status": "completed"}
    moment = instant_text(at)
    period = {**agreed.get("executionPeriod", {}), "end": moment}
    return {**agreed, "status": "completed", "lastModified": moment, "executionPeriod": period}


def cancelled(agreed: Json, at: datetime, why: str) -> dict[str, Any]:
    """The same, no longer to be done; a Task says why, a ServiceRequest has no place for it but a note."""
    if agreed["resourceType"] != "Task":
        note = {"time": instant_text(at), "text": why}
        return {**agreed, "status": "revoked", "note": [*agreed.get("note", ()), note]}
    return {**agreed, "status": "cancelled", "statusReason": {"text": why}, "lastModified": instant_text(at)}
