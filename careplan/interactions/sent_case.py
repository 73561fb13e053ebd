"""The case of a referral, or the referral, as somebody sends it, by PUT, POST, a patch or a Bundle: held to the table.

What `casework.move` allows is allowed here, and nothing else: the same steps by the same side, with the same reasons.
What the case is about stays: the referral, the patient, who asked, the deadline. What ended is not opened again. When
a referral was written stays too, and is no day to come: what the patient stops is what was written before.
Systems are let through: they load history. Not here: which step may follow which (`careplan.domain.referral`), what
ends with a case (`release`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from careplan.domain.attempt import attempt_fault
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
from careplan.fhir.attempt import find_attempt, organization_of, outputs_of
from careplan.fhir.case import case_from_task, receivers_of, request_of_consent, request_of_task
from careplan.fhir.instant import find_date
from careplan.fhir.query import Query
from careplan.fhir.questionnaire_response import LEEWAY
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
    before, value = _before(change), change.value
    if value is None:
        return
    refuse(change, list(_turned(before, value)))
    if is_order(value):
        return
    if change.previous is not None and change.previous.body is None:
        raise StepNotAllowed(f"{change.reference} was deleted, and is not sent again: make a new referral")
    refuse(change, list(_misdated(context, before, value)))
    if value.get("status") not in OPEN_ORDER:
        return
    over = before.get("status") in ("completed", "revoked", "entered-in-error")
    if over and not is_order(before):
        raise StepNotAllowed(f"{change.reference} has ended, and is not opened again: make a new referral")
    if before.get("status") in OPEN_ORDER and not is_order(before):
        await _check_extent(context, change, before, value)
    else:
        await _check_stopped(context, change, value)


def _turned(before: Json, value: Json) -> Iterator[Fault]:
    """An order of a plan opens nothing to who carries it out, a referral does: neither becomes the other."""
    if before and is_order(before) != is_order(value):
        message = "code: a referral stays one, and so does what a plan orders; make a new ServiceRequest"
        yield Fault("ServiceRequest.code", "referral-altered", message)


def _misdated(context: Context, before: Json, value: Json) -> Iterator[Fault]:
    """A referral says when it was written: not later than now, and never another moment than before."""
    written = _written(value)
    if before and _written(before) != written:
        message = "authoredOn: when a referral was written stays; send it as it is stored, or make a new one"
        yield Fault("ServiceRequest.authoredOn", "referral-altered", message)
    elif written > context.now + LEEWAY:
        message = "a referral is dated when it was written, not later than now; correct the date, or the clock"
        yield Fault("ServiceRequest.authoredOn", "value-invalid", message)


def _written(request: Json) -> datetime:
    """When a referral was written, to the first moment of what it says; what says nothing was written before all."""
    found = find_span(str(request.get("authoredOn", "")))
    return OPEN_LOW if found is None else found[0]


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
    since = _written(value)
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
    was, now = case_from_task(before), case_from_task(value)
    refuse(change, [*_altered(before, value), *_tried(context, was, before, value)])
    if replace(now, attempts=was.attempts) == was:
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


def _tried(context: Context, was: Case, before: Json, value: Json) -> Iterator[Fault]:
    """Attempts to reach the person: those that stand stay, new ones are the receiver's own, of a day that can be."""
    stood, stands = outputs_of(before), outputs_of(value)
    fresh = stands[len(stood) :]
    if stands[: len(stood)] != stood:
        yield Fault("Task.output", "referral-altered", "what was noted of attempts to reach the person stays")
    elif fresh and (SIDES[context.caller.role] == CLINIC or not was.is_trying):
        message = "attempts are noted by the receiver of a referral, from when it is taken to the first talk"
        yield Fault("Task.output", "referral-altered", message)
    for one in fresh:
        attempt, own = find_attempt(one), f"Organization/{context.caller.organization}"
        if attempt is None or organization_of(one) != own:
            message = f"an attempt is a code of CodeSystem/contact and an Annotation, with a day and the author {own}"
            yield Fault("Task.output", "value-invalid", message)
        elif fault := attempt_fault(attempt, find_date(before.get("authoredOn")), context.on):
            yield Fault("Task.output", "value-invalid", f"an attempt to reach the person: {fault}")
