"""Indkaldelse: the clinic calls a patient in to the årskontrol. A Task that the patient does: book the time.

It is of the patient's active plans, so it stands among what is agreed, with its day, and is done once the årskontrol
is approved. Nothing is sent by it: there is no channel yet that it could go by. Not here: writing it
(`careplan.interactions.invitation`). https://hl7.org/fhir/R4/task.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from careplan.fhir import systems
from careplan.fhir.agreed import OPEN_TASK, activity_of
from careplan.fhir.instant import find_date, instant_text
from careplan.fhir.text import Json

INVITATION, INVITATION_NAME = "indkaldelse", "Bestil tid til årskontrol"
"""The activity that such a Task is."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who is called in, to the control of which plans, and until when.

    plans   references of the active CarePlans
    by      reference of whoever calls in
    """

    patient: str
    plans: Sequence[str]
    by: str | None
    until: date


def task_from_invitation(invitation: Invitation, at: datetime) -> dict[str, Any]:
    """The Task that says so."""
    patient = {"reference": f"Patient/{invitation.patient}"}
    coding = {"system": systems.ACTIVITY, "code": INVITATION, "display": INVITATION_NAME}
    task: dict[str, Any] = {
        "resourceType": "Task",
        "basedOn": [{"reference": one} for one in invitation.plans],
        "status": "requested",
        "intent": "order",
        "code": {"coding": [coding], "text": INVITATION_NAME},
        "description": INVITATION_NAME,
        "for": patient,
        "authoredOn": instant_text(at),
        "owner": patient,
        "restriction": {"period": {"end": invitation.until.isoformat()}},
    }
    return {**task, **({"requester": {"reference": invitation.by}} if invitation.by else {})}


def is_invitation(task: Json) -> bool:
    """Whether a Task calls somebody in."""
    return activity_of(task) == INVITATION


def invited_on(tasks: Iterable[Json]) -> date | None:
    """The day on which somebody was last called in and has not been since; None when nobody has called."""
    days = [find_date(one.get("authoredOn")) for one in tasks if is_invitation(one) and one.get("status") in OPEN_TASK]
    return max((day for day in days if day is not None), default=None)
