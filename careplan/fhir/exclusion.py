"""An offer of a plan that is turned down, with a reason: a rejected Task, and the value it stands for.

The Task is the offer (`CodeSystem/activity|tilbud-plan`), its focus the PlanDefinition. While it is `rejected` the
patient is off the clinic's list for that plan type, until the day to ask again, which is where `restriction.period`
begins. Taken back it is `cancelled`; when the plan is made after all it is `completed`. Nothing of it is deleted.
Not here: writing it (`careplan.interactions.exclusion`). https://hl7.org/fhir/R4/task.html#statemachine
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from careplan.fhir import systems
from careplan.fhir.instant import find_date, instant_text
from careplan.fhir.reading import coding_keys
from careplan.fhir.text import Json

OFFER, OFFER_NAME = "tilbud-plan", "Tilbud om forløbsplan"
"""The activity that such a Task is."""

EXCLUDED, TAKEN_BACK, TAKEN_UP = "rejected", "cancelled", "completed"

REASONS = ("patient-wish", "not-now", "unsuited", "followed-elsewhere", "diagnosis-unsure", "other")
"""The codes of CodeSystem/exclusion-reason, in the order they are offered."""


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A plan type that is not offered to a person now.

    on     the day it was decided
    until  the day to ask again; None: not before somebody takes it back
    task   logical id of the Task
    """

    plan: str
    reason: str
    text: str
    by: str | None
    on: date | None
    until: date | None
    task: str = ""

    def holds(self, on: date) -> bool:
        """Whether it keeps the person off the lists on a day; on the day to ask again it does not."""
        return (self.on is None or self.on <= on) and (self.until is None or on < self.until)


def task_from_exclusion(exclusion: Exclusion, patient: str, at: datetime) -> Json:
    """The Task that says so."""
    coding = {"system": systems.EXCLUSION_REASON, "code": exclusion.reason}
    task: dict[str, Any] = {
        "resourceType": "Task",
        "status": EXCLUDED,
        "statusReason": {"coding": [coding], **({"text": exclusion.text} if exclusion.text else {})},
        "intent": "proposal",
        "code": {"coding": [{"system": systems.ACTIVITY, "code": OFFER, "display": OFFER_NAME}]},
        "focus": {"reference": f"PlanDefinition/{exclusion.plan}"},
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": instant_text(at),
    }
    if exclusion.by:
        task["requester"] = {"reference": exclusion.by}
    if exclusion.until:
        task["restriction"] = {"period": {"start": exclusion.until.isoformat()}}
    return task


def is_offer(task: Json) -> bool:
    """Whether a Task is about offering a plan. The Task need not be valid yet."""
    code = task.get("code")
    return isinstance(code, dict) and (systems.ACTIVITY, OFFER) in _keys(code)


def _keys(concept: Json) -> set[tuple[str, str]]:
    there = concept.get("coding")
    codings = [one for one in there if isinstance(one, dict)] if isinstance(there, list) else []
    return {(str(one.get("system")), str(one.get("code"))) for one in codings}


def find_exclusion(task: Json) -> Exclusion | None:
    """What a Task that turns an offer down says; None for any other Task, and once it is taken back or taken up."""
    if task.get("status") != EXCLUDED or not is_offer(task):
        return None
    why = task.get("statusReason") or {}
    period = (task.get("restriction") or {}).get("period") or {}
    return Exclusion(
        plan=str((task.get("focus") or {}).get("reference", "")).rpartition("/")[2],
        reason=next((code for system, code in coding_keys(why) if system == systems.EXCLUSION_REASON), ""),
        text=str(why.get("text", "")),
        by=(task.get("requester") or {}).get("reference"),
        on=find_date(task.get("authoredOn")),
        until=find_date(period.get("start")),
        task=str(task.get("id", "")),
    )
