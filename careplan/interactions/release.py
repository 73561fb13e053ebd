"""A referral ends: its case, the request and the patient's agreement end in the same commit, and with them the access.

Whichever of the three somebody ends, by whichever way, the other two follow: no municipality sees a patient by a
referral that was returned, and no case stays open that nobody may see. Whoever
referred is left a Task to see how it ended, and one more where nobody reached the person. Not here: who may end which
(`sent_case`), and access itself (`referral`). https://hl7.org/fhir/R4/task.html · https://hl7.org/fhir/R4/servicerequest.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from careplan.domain.referral import ANSWER_WITHIN, NO_CONTACT_REASONS, OPEN
from careplan.domain.workday import add_workdays
from careplan.fhir.agreed import OPEN_ORDER, is_order
from careplan.fhir.case import case_from_task, request_of_consent, request_of_task, task_with_case
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.context import Context
from careplan.interactions.drawn import Drawn
from careplan.interactions.every import every
from careplan.interactions.follow_up import follow_up, to_see

NOT_REACHED = "Tal om henvisningen igen. Modtageren har ikke fået kontakt."
"""What whoever referred is asked to do, as it stands among what is agreed with the patient."""

TOLD_OF = frozenset({"municipality", "hospital", "patient"})
"""Roles that end a referral without the clinic: it is told of that."""

_WHY: Mapping[str, str] = {"ServiceRequest": "request-ended", "Consent": "sharing-stopped"}
"""Why a case ends that did not end by itself, by what ended: codes of CodeSystem/referral-reason."""


@dataclass(frozen=True, slots=True)
class _End:
    """The end of one referral, `ServiceRequest/17`, by a change."""

    request: str
    patient: str
    change: Change

    @property
    def status(self) -> str:
        """What the ServiceRequest becomes."""
        completed = self.change.type == "Task" and (self.change.value or {}).get("status") == "completed"
        return "completed" if completed else "revoked"


async def release(context: Context, changes: Sequence[Change]) -> Drawn:
    """What ends with the referrals that `changes` end."""
    ends = [end for change in changes if (end := _find_end(context, change)) is not None]
    known = {change.reference for change in changes}
    drawn = Drawn()
    for end in ends:
        following = [one for one in await _following(context, end) if one.reference not in known]
        known |= {one.reference for one in following}
        drawn += Drawn((*following, *await _left(context, end, following)))
    return drawn


def _find_end(context: Context, change: Change) -> _End | None:
    previous, value = change.previous, change.value or {}
    if previous is None or previous.body is None or previous.patient is None:
        return None
    before, request = parse(previous.body), None
    match change.type:
        case "Task" if before.get("status") in OPEN and value.get("status") not in OPEN:
            request = request_of_task(before, context.base)
        case "Consent" if before.get("status") == "active" and value.get("status") != "active":
            request = request_of_consent(before, context.base)
        case "ServiceRequest" if before.get("status") in OPEN_ORDER and value.get("status") not in OPEN_ORDER:
            request = None if is_order(before) else change.reference
    return None if request is None else _End(request, previous.patient, change)


async def _left(context: Context, end: _End, following: Sequence[Change]) -> tuple[Change, ...]:
    """What whoever referred is left with: to see how it ended, unless the clinic ended it; and to talk with a person
    who could not be reached. Nothing of the history that a system loads.
    """
    version = await context.store.read("ServiceRequest", end.request.partition("/")[2])
    cases = [one for one in (end.change, *following) if one.type == "Task"]
    if context.caller.role not in TOLD_OF or not cases or version is None or version.body is None:
        return ()
    request, case = parse(version.body), cases[0].reference
    left = [await to_see(context, end.patient, request, case)]
    if case_from_task(end.change.value or {}).reason in NO_CONTACT_REASONS:
        due = add_workdays(context.on, ANSWER_WITHIN)
        left.append(await follow_up(context, end.patient, request, case, NOT_REACHED, due))
    return tuple(left)


async def _following(context: Context, end: _End) -> list[Change]:
    """The request, its cases and its agreements that are open still; nothing where a plan ordered the request."""
    found = []
    for version in await every(context, Query("ServiceRequest", patient=end.patient)):
        request = parse(version.body or b"")
        if version.reference == end.request and is_order(request):
            return []
        if version.reference == end.request and request.get("status") in OPEN_ORDER:
            found.append(change_from_value({**request, "status": end.status}, version.id, version))
    for version in await every(context, Query("Task", patient=end.patient)):
        task = parse(version.body or b"")
        if request_of_task(task, context.base) == end.request and task.get("status") in OPEN:
            found.append(change_from_value(_cancelled(context, task, end), version.id, version))
    for version in await every(context, Query("Consent", patient=end.patient)):
        consent = parse(version.body or b"")
        if request_of_consent(consent, context.base) == end.request and consent.get("status") == "active":
            found.append(change_from_value({**consent, "status": "inactive"}, version.id, version))
    return found


def _cancelled(context: Context, task: Json, end: _End) -> Json:
    case, why = case_from_task(task), _WHY.get(end.change.type, "request-ended")
    ended = replace(case, status="cancelled", phase="withdrawn", reason=why, text="", next_on=None)
    return task_with_case(task, ended, context.now)
