"""The case of a referral, or the referral, as somebody sends it, by PUT, POST, a patch or a Bundle: held to the table.

What `casework.move` allows is allowed here, and nothing else: the same steps by the same side, with the same reasons.
What the case is about stays: the referral, the patient, who asked, the deadline. What ended is not opened again.
Systems are let through: they load history. Not here: which step may follow which (`careplan.domain.referral`), what
ends with a case (`release`).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

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
from careplan.fhir.case import case_from_task, receivers_of, request_of_consent, request_of_task
from careplan.fhir.query import Query
from careplan.fhir.reference import find_target
from careplan.fhir.span import OPEN_HIGH, OPEN_LOW, find_span
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
        await _check_request(context, change)
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


async def _check_request(context: Context, change: Change) -> None:
    """A referral that ended stays so, and an open one opens no more than it did: neither was agreed to anew."""
    before, value = _before(change), change.value or {}
    if is_order(value) or value.get("status") not in OPEN_ORDER:
        return
    over = before.get("status") in ("completed", "revoked", "entered-in-error")
    if over and not is_order(before):
        raise StepNotAllowed(f"{change.reference} has ended, and is not opened again: make a new referral")
    if before.get("status") in OPEN_ORDER and not is_order(before):
        await _check_extent(context, change, before, value)
    else:
        await _check_stopped(context, change, value)


async def _check_extent(context: Context, change: Change, before: Json, value: Json) -> None:
    """To whom and until when a referral opens the record stays as the patient agreed, or becomes less."""
    faults = list(_widened(context, before, value))
    if faults and await _is_agreed(context, change, change.previous.patient if change.previous else None):
        refuse(change, faults)


def _widened(context: Context, before: Json, value: Json) -> Iterator[Fault]:
    changed = before.get("subject") != value.get("subject")
    wider = not _receivers(context, value) <= _receivers(context, before)
    for name, is_wider in (
        ("subject", changed),
        ("performer", wider),
        ("occurrencePeriod", _end(before) < _end(value)),
    ):
        if is_wider:
            message = f"{name}: the patient has not agreed that this referral opens more; make a new one"
            yield Fault(f"ServiceRequest.{name}", "referral-altered", message)


def _end(request: Json) -> datetime:
    """The first moment in which a referral opens nothing any more."""
    end = find_span(str((request.get("occurrencePeriod") or {}).get("end", "")))
    return OPEN_HIGH if end is None else end[1]


async def _is_agreed(context: Context, change: Change, patient: str | None) -> bool:
    """Whether a referral has a Consent, or a case."""
    for version in await every(context, Query("Consent", patient=patient)):
        if request_of_consent(parse(version.body or b""), context.base) == change.reference:
            return True
    tasks = [parse(version.body or b"") for version in await every(context, Query("Task", patient=patient))]
    return any(request_of_task(one, context.base) == change.reference for one in tasks)


async def _check_stopped(context: Context, change: Change, value: Json) -> None:
    """A referral from before the patient stopped sharing with its receiver is not sent again after that."""
    written = find_span(str(value.get("authoredOn", "")))
    since = OPEN_LOW if written is None else written[0]
    receivers = _receivers(context, value)
    for version in await every(context, Query("Consent", patient=change.patient)):
        if since < version.at and receivers & _stopped(context, parse(version.body or b"")):
            message = "the patient has stopped sharing with its receiver since it was written; ask, and write a new one"
            refuse(change, [Fault("ServiceRequest.authoredOn", "referral-altered", message)])


def _stopped(context: Context, consent: Json) -> frozenset[str]:
    """With whom the sharing of a referral has ended by this Consent: one that ended, or one that denies a referral."""
    provision = consent.get("provision") or {}
    denied = [str((one.get("reference") or {}).get("reference", "")) for one in provision.get("data", ())]
    denies = provision.get("type") == "deny" and any("ServiceRequest/" in one for one in denied)
    ended = consent.get("status") != "active" and request_of_consent(consent, context.base) is not None
    actors = (str((one.get("reference") or {}).get("reference", "")) for one in provision.get("actor", ()))
    return _named(context, actors) if ended or (denies and consent.get("status") == "active") else frozenset()


def _receivers(context: Context, request: Json) -> frozenset[str]:
    return _named(context, receivers_of(request))


def _named(context: Context, references: Iterable[str]) -> frozenset[str]:
    """References as this server writes its own, however they are written."""
    found = ((one, find_target(one, context.base)) for one in references)
    return frozenset(one if target is None else f"{target.type}/{target.id}" for one, target in found)


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
