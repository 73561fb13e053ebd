"""What a referral leaves with the clinic that sent it: a Task to see how it ended, and what it is asked to do then.

Both are the clinic's, and their focus is the Task of the case. The first is completed when somebody there has seen the
end, the second when it is done; neither is a case, whose focus is the referral itself. Not here: when they are made
(`careplan.interactions.follow_up`). https://hl7.org/fhir/R4/task.html
"""

from datetime import datetime
from typing import Any

from careplan.fhir import systems
from careplan.fhir.agreed import activity_of
from careplan.fhir.instant import instant_text
from careplan.fhir.text import Json

SEE, SEE_NAME = "henvisning-slut", "Se, hvordan henvisningen endte"
FOLLOW_UP, FOLLOW_UP_NAME = "opfoelgning", "Opfølgning på en henvisning"
"""The activities such Tasks are."""


def is_reply(task: Json) -> bool:
    """Whether a Task is one of these."""
    return activity_of(task) in (SEE, FOLLOW_UP)


def case_of_reply(task: Json) -> str:
    """The logical id of the Task of the case; empty where none is named."""
    type_name, _, id = str((task.get("focus") or {}).get("reference", "")).rpartition("/")
    return id if type_name.rpartition("/")[2] == "Task" else ""


def task_to_see(patient: str, request: str, case: str, owner: str, at: datetime) -> dict[str, Any]:
    """The Task to see how a case ended.

    request, case, owner  references; owner: empty where nobody is known
    """
    return {
        "resourceType": "Task",
        "basedOn": [{"reference": request}],
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": systems.ACTIVITY, "code": SEE, "display": SEE_NAME}], "text": SEE_NAME},
        "focus": {"reference": case},
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": instant_text(at),
        **({"owner": {"reference": owner}} if owner else {}),
    }


def as_follow_up(task: Json, case: str) -> dict[str, Any]:
    """A Task as what the clinic is asked to do after a case, `Task/17`; its words stay."""
    coding = {"system": systems.ACTIVITY, "code": FOLLOW_UP, "display": FOLLOW_UP_NAME}
    return {**task, "code": {"coding": [coding], **task["code"]}, "focus": {"reference": case}}
