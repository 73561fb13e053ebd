"""The case of a referral, worked on: a step taken, a question put to the clinic, what both sides see of it.

Each step is one commit on the version that was seen, so that of two who act at once one is told what stands. What the
steps are is `careplan.domain.referral`'s; that access ends with the case is `release`'s. A plain PUT is held to the
same table by `sent_case`. Not here: sending a referral (`handover`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from careplan.domain.referral import CLINIC, OPEN, RECEIVER, Case, Given, StepNotAllowed, deadline_of, moved
from careplan.fhir.agreed import due_of
from careplan.fhir.case import CASE, asked_on, case_from_task, receivers_of, request_of_task, task_with_case
from careplan.fhir.message import Message
from careplan.fhir.query import Criterion, Query, ReferenceIs
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.every import every_version
from careplan.interactions.message import messages_about, send_message
from careplan.interactions.open_task import open_tasks
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.read import read
from careplan.interactions.referral import active_referrals
from careplan.interactions.sent_case import SIDES, name_of
from careplan.store.protocol import NotFound, Past, Version, VersionConflict

TOPIC = "slice-question"
"""What a question of a receiver is about, in messages."""


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case with its referral, as they are stored."""

    version: Version
    task: Json
    request: Json

    @property
    def case(self) -> Case:
        return case_from_task(self.task)

    @property
    def patient(self) -> str:
        return str(self.version.patient)

    @property
    def due(self) -> date | None:
        """The day by which an answer is owed."""
        return due_of(self.task)

    def deadline(self, on: date) -> str:
        """How the deadline stands, in the words of `careplan.domain.referral`."""
        return deadline_of(self.case.status, asked_on(self.task), self.due, on)


@dataclass(frozen=True, slots=True)
class Tracked:
    """A referral that the clinic waits for, and the Patient it is about."""

    opened: CaseFile
    patient: Json


async def read_case(context: Context, task: str) -> CaseFile:
    """The case, for either side of its referral. Raises NotFound, Deleted, Forbidden."""
    version = await read(context, "Task", task)
    value = parse(version.body or b"")
    reference = request_of_task(value, context.base)
    if reference is None or version.patient is None:
        raise NotFound(f"Task/{task} is not the case of a referral")
    request = parse((await read(context, "ServiceRequest", reference.partition("/")[2])).body or b"")
    found = CaseFile(version, value, request)
    if side_of(context) == RECEIVER and f"Organization/{context.caller.organization}" not in receivers_of(request):
        raise access.Forbidden(f"no access to Task/{task}")
    return found


def side_of(context: Context) -> str:
    """Which side the caller is on. Raises Forbidden."""
    side = SIDES.get(context.caller.role)
    if side is None:
        raise access.Forbidden(f"role {context.caller.role} has no part in the cases of referrals")
    return side


async def move(
    context: Context,
    task: str,
    step: str,
    expects: int | None,
    *,
    reason: str = "",
    text: str = "",
    on: date | None = None,
    beside: Sequence[Change] = (),
) -> Version:
    """Take a step with a case; the Task as it then is.

    expects  the version of the Task that was seen; beside: what is written in the same commit
    Raises   StepNotAllowed, StepNeedsReason, PreconditionFailed when the case was changed meanwhile, NotFound,
    Forbidden
    """
    opened = await read_case(context, task)
    access.check_writes(context, "Task", "u")
    side = side_of(context)
    if side == RECEIVER:
        await check_receiving(context, opened)
    if expects is not None and opened.version.number != expects:
        raise PreconditionFailed(f"Task/{task} is at version {opened.version.number}; see what stands there now")
    given = Given(side, name_of(context), reason, text, on)
    case = moved(opened.case, step, given)
    value = task_with_case(opened.task, case, context.now)
    change = change_from_value(value, opened.version.id, opened.version)
    if side == CLINIC:
        await access.check_write(context, change.type, change.value, opened.patient, act="u")
    return await keep_case(context, change, beside, Activity(f"referral-{step}", reason))


async def check_receiving(context: Context, opened: CaseFile) -> None:
    """Raises Forbidden unless the receiver sees the patient by this very referral now: no emergency access writes."""
    await access.check_patient(context, opened.patient, emergency=False)
    organization = str(context.caller.organization)
    open_now = await active_referrals(context, organization, opened.patient, emergency=False)
    if all(request["id"] != opened.request["id"] for _, request in open_now):
        raise access.Forbidden(f"no access to {opened.version.reference}")


async def keep_case(context: Context, task: Change, beside: Sequence[Change], activity: Activity) -> Version:
    """A case and what is written with it, in one commit on the version that was seen; the Task as it then is.

    Raises PreconditionFailed when the case was changed meanwhile, and what a commit raises
    """
    try:
        made = await commit(context, [task, *beside], (), activity)
    except VersionConflict as conflict:
        if conflict.reference != task.reference:
            raise
        raise PreconditionFailed(f"{task.reference} was changed meanwhile; see what stands there now") from None
    return made[0]


# ── who waits for what ───────────────────────────────────────────────────────────────────────────


async def open_referrals(context: Context) -> tuple[Tracked, ...]:
    """What the caller's clinic waits for, the nearest deadline first, then those that were answered. Raises Forbidden.

    A referral that has no answer by its deadline is late (`CaseFile.deadline`): that is computed, and changes nothing.
    """
    found = await open_tasks(context, CASE, "focus", "patient", states=OPEN)
    beside = {version.reference: parse(version.body or b"") for version in found.included}
    tracked = []
    for version in found.page.matches:
        task = parse(version.body or b"")
        request = beside.get(request_of_task(task, context.base) or "")
        person = beside.get(f"Patient/{version.patient}")
        if request is not None and person is not None:
            tracked.append(Tracked(CaseFile(version, task, request), person))
    return tuple(sorted(tracked, key=lambda one: _urgency(one.opened)))


def _urgency(opened: CaseFile) -> tuple[bool, date, str]:
    waits = opened.deadline(date.min) != "answered"
    return not waits, opened.due or date.max, opened.version.id


async def case_of(context: Context, request: str, patient: str) -> CaseFile | None:
    """The newest case of a referral, `ServiceRequest/17`, that the caller may see; None where there is none."""
    focus = Criterion("focus", "reference", (ReferenceIs("ServiceRequest", request.partition("/")[2]),))
    query = await access.restrict(context, Query("Task", (focus,), patient=patient))
    page = await context.store.search(query)
    tasks = [version for version in page.matches if version.body is not None]
    if not tasks:
        return None
    newest = max(tasks, key=lambda one: (parse(one.body or b"").get("status") in OPEN, one.at))
    found = parse((await read(context, "ServiceRequest", request.partition("/")[2])).body or b"")
    return CaseFile(newest, parse(newest.body or b""), found)


async def course_of(context: Context, opened: CaseFile) -> tuple[Json, ...]:
    """The Task of a case as it has been, oldest first. Raises Forbidden."""
    await access.check_patient(context, opened.patient)
    past = Past("Task", opened.version.id, count=context.house.limits.page_maximum)
    versions = await every_version(context, past)
    return tuple(parse(one.body) for one in reversed(versions) if one.body is not None)


# ── questions to the clinic ──────────────────────────────────────────────────────────────────────


async def ask(context: Context, task: str, text: str, mark: str = "") -> str:
    """«Bed om oplysninger»: ask the clinic, and tell the patient; the logical id of the Task that the clinic answers.

    Raises MessageFaulty, ClinicMissing, StepNotAllowed when the case has ended, NotFound, Forbidden
    """
    opened = await read_case(context, task)
    if side_of(context) != RECEIVER or not opened.case.open:
        raise StepNotAllowed("the receiver of a referral asks, while its case is open")
    await check_receiving(context, opened)
    return await send_message(context, opened.patient, TOPIC, text, [f"Task/{task}"], mark=mark)


async def questions_of(context: Context, opened: CaseFile) -> tuple[Message, ...]:
    """What the receiver has asked in a case, with the clinic's answers, newest first: for both sides of it."""
    side_of(context)
    await access.check_patient(context, opened.patient)
    found = await messages_about(context, opened.patient)
    return tuple(one for one in found if opened.version.reference in one.about)
