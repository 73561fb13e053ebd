"""The case of a referral, or the referral, as somebody sends it, by PUT, POST, a patch or a Bundle: held to the table.

What `casework.move` allows is allowed here, and nothing else: the same steps by the same side, with the same reasons.
What the case is about stays: the referral, the patient, who asked, the deadline. What ended is not opened again.
Systems are let through: they load history. Not here: which step may follow which (`careplan.domain.referral`), what
ends with a case (`release`).
"""

from collections.abc import Iterator, Sequence

from careplan.domain.errors import Fault
from careplan.domain.referral import (
    CLINIC,
    OPEN,
    RECEIVER,
    Case,
    Given,
    Step,
    StepNeedsReason,
    StepNotAllowed,
    allowed,
    moved,
    steps_between,
)
from careplan.fhir.agreed import OPEN_ORDER, is_order
from careplan.fhir.case import case_from_task, request_of_task
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.refusal import refuse

SIDES = {"municipality": RECEIVER, "hospital": RECEIVER, "clinic": CLINIC}

_STAYS = ("focus", "for", "basedOn", "requester", "authoredOn", "restriction", "intent", "code", "input")
"""Members of a case that nobody changes by sending it; the next meeting (`input`) comes by a step of its own."""


def name_of(context: Context) -> str:
    """Whom a step makes the owner: the person who takes it, else the organisation."""
    return context.caller.reference or f"Organization/{context.caller.organization}"


async def check_sent_case(context: Context, change: Change) -> None:
    """Raises StepNotAllowed, StepNeedsReason, ResourceInvalid. What is not valid passes: the commit refuses it."""
    if change.type not in ("Task", "ServiceRequest") or context.caller.role not in SIDES:
        return
    if change.value is not None and any(one.severity == "error" for one in context.house.validate(change.value)):
        return
    if change.type == "ServiceRequest":
        _check_request(change)
        return
    before = _before(change)
    stood, stands = (request_of_task(one, context.base) for one in (before, change.value or {}))
    if (stood or stands) is None or await _is_ordered(context, stood or stands or ""):
        return
    if stood is None:
        await _check_new(context, change, stands or "")
    else:
        _check_step(context, change, before)


def _before(change: Change) -> Json:
    return parse(change.previous.body) if change.previous is not None and change.previous.body is not None else {}


def _check_request(change: Change) -> None:
    """A referral that ended stays so: the receiver would see the patient again without a new agreement."""
    before, value = _before(change), change.value or {}
    over = before.get("status") in ("completed", "revoked", "entered-in-error")
    if over and not is_order(before) and value.get("status") in OPEN_ORDER:
        raise StepNotAllowed(f"{change.reference} has ended, and is not opened again: make a new referral")


async def _is_ordered(context: Context, request: str) -> bool:
    """Whether a plan ordered it: a Task about that is no case of ours."""
    version = await context.store.read("ServiceRequest", request.partition("/")[2])
    return version is not None and version.body is not None and is_order(parse(version.body))


async def _check_new(context: Context, change: Change, request: str) -> None:
    """A case is made by who refers, once, and begins at the beginning."""
    if SIDES[context.caller.role] == RECEIVER:
        raise StepNotAllowed("the case of a referral is made by who refers; send a Task that is about something else")
    if (change.value or {}).get("status") not in ("draft", "requested"):
        raise StepNotAllowed("the case of a referral begins as requested; the receiver takes it from there")
    for version in await every(context, Query("Task", patient=change.patient)):
        task = parse(version.body or b"")
        if request_of_task(task, context.base) == request and task.get("status") in OPEN:
            raise StepNotAllowed(f"{request} has an open case: {version.reference}")


def _check_step(context: Context, change: Change, before: Json) -> None:
    side, value = SIDES[context.caller.role], change.value
    if value is None:
        if side == RECEIVER:
            raise StepNotAllowed(f"{change.reference} is the case of a referral: end it, it is not deleted")
        return
    refuse(change, list(_altered(before, value)))
    was, now = case_from_task(before), case_from_task(value)
    if now == was:
        return
    steps = steps_between(was.status, now.status, side)
    if not steps:
        raise StepNotAllowed(f"a case that is {was.status} allows {allowed(was.status, side)}")
    given = Given(side, name_of(context), now.reason, now.text, now.next_on)
    _check_reached(was, now, steps, given)


def _check_reached(was: Case, now: Case, steps: Sequence[Step], given: Given) -> None:
    """That one of these steps leads there, with what was sent. What stays of an earlier reason is nobody's step."""
    missing: StepNeedsReason | None = None
    for step in steps:
        try:
            reached = moved(was, step.id, given)
        except StepNeedsReason as error:
            missing = missing or error
        else:
            if (reached.status, reached.owner, reached.phase) == (now.status, now.owner, now.phase):
                return
    message = (
        f"from {was.status} to {now.status}: owner and businessStatus are those of the step, or are left as they were"
    )
    raise missing or StepNotAllowed(f"{message}; a businessStatus may be left out")


def _altered(before: Json, value: Json) -> Iterator[Fault]:
    for name in _STAYS:
        if before.get(name) != value.get(name):
            message = f"{name} of a referral's case stays as it was sent"
            yield Fault(f"Task.{name}", "referral-altered", message)
