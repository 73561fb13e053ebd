"""A message to a patient's clinic: sent, found by who is to answer it, and answered, each in one commit.

Who may write of the record at all may ask about it; the Task that the question becomes is drawn from it, as a
consequence is. Not an emergency channel: the pages say so. What the resources look like is `careplan.fhir.message`'s.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from careplan.domain.errors import CareplanError
from careplan.domain.words import is_blank
from careplan.fhir import systems
from careplan.fhir.mapping import listed_with
from careplan.fhir.message import (
    MESSAGE,
    OPEN,
    TOPICS,
    Message,
    Said,
    answered,
    communication_from_answer,
    communication_from_question,
    is_message,
    messages_from_resources,
    question_of,
    task_from_message,
)
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.guest import speaker_of
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.read import read
from careplan.interactions.search import query_from_pairs, search
from careplan.store.protocol import Guard, GuardFailed, NotFound, Version, VersionConflict

LENGTH = 2000
"""Most characters of a message or an answer."""

MOST = 400
"""Open messages listed at once, the oldest first."""


class MessageFaulty(CareplanError):
    """A message that says nothing, says too much, or is about no known topic."""

    code = "message-faulty"


class ClinicMissing(CareplanError):
    """The patient is listed with no practice of this service: nobody is there to answer."""

    code = "clinic-missing"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that wants an answer, and the Patient it is about."""

    message: Message
    patient: Json


async def send_message(
    context: Context, patient: str, topic: str, text: str, about: Sequence[str] = (), *, mark: str = ""
) -> str:
    """Ask the patient's clinic; the logical id of the Task that the clinic answers.

    topic   a code of `careplan.fhir.message.TOPICS`
    about   references of what is asked about, which the caller may see
    mark    of the form it comes by: what was sent with a mark is not sent again, and its Task is the answer
    Raises  MessageFaulty, ClinicMissing, Forbidden, NotFound
    """
    check_text(text)
    if topic not in TOPICS:
        raise MessageFaulty(f"the topic of a message is one of {', '.join(TOPICS)}")
    clinic = await _clinic(context, patient)
    for reference in about:
        type_name, _, id = reference.partition("/")
        await read(context, type_name, id)

    async def work() -> str:
        sent, guards = await _sent(context, patient, mark)
        return sent or await _send(context, _message(context, patient, topic, text, about), clinic, mark, guards)

    return await again(work, GuardFailed)


def check_text(text: str) -> None:
    """Raises MessageFaulty."""
    if is_blank(text):
        raise MessageFaulty("the message says nothing that can be read")
    if len(text) > LENGTH:
        raise MessageFaulty(f"a message has at most {LENGTH} characters")


async def _clinic(context: Context, patient: str) -> str:
    """The practice the patient is listed with."""
    context.trail.met([patient])
    await access.check_patient(context, patient)
    found = listed_with(parse((await read(context, "Patient", patient)).body or b""))
    if found is None:
        raise ClinicMissing(f"Patient/{patient} is listed with no practice; nobody is there to answer")
    return found


async def _sent(context: Context, patient: str, mark: str) -> tuple[str, tuple[Guard, ...]]:
    """The Task of what this form has sent already, or none; and a guard that it is not sent meanwhile."""
    if not mark:
        return "", ()
    query = Query(
        "Communication", (Criterion("identifier", "token", (TokenIs(systems.URI, _key(mark)),)),), patient=patient
    )
    found = await every(context, query)
    seen = tuple(f"{version.id}@{version.number}" for version in found)
    guard = Guard(f"Patient/{patient}/Communication", query, seen)
    tasks = await _tasks(context, patient) if found else []
    ids = {version.id for version in found}
    return next((task["id"] for task in tasks if question_of(task) in ids), ""), (guard,)


def _key(mark: str) -> str:
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, mark)}"


async def _tasks(context: Context, patient: str) -> list[Json]:
    query = Query("Task", (Criterion("code", "token", (TokenIs(systems.ACTIVITY, MESSAGE),)),), patient=patient)
    return [parse(version.body or b"") for version in await every(context, await access.unblocked(context, query))]


def _message(context: Context, patient: str, topic: str, text: str, about: Sequence[str]) -> Message:
    return Message(context.new_id(), patient, topic, _said(context, text), tuple(about))


def _said(context: Context, text: str) -> Said:
    return Said(text.strip(), _speaker(context), context.caller.name, context.now)


def _speaker(context: Context) -> str:
    """Who speaks: the person, or of a system whom it speaks for."""
    caller = context.caller
    if caller.role == "patient":
        return speaker_of(context)
    return caller.reference or (f"Organization/{caller.organization}" if caller.organization else "")


async def _send(context: Context, message: Message, clinic: str, mark: str, guards: Sequence[Guard]) -> str:
    identifier = {"system": systems.URI, "value": _key(mark)} if mark else None
    question = communication_from_question(message, _readers(message, clinic), identifier)
    changes = [
        change_from_value(question, message.id),
        change_from_value(task_from_message(message, clinic, context.now), context.new_id()),
    ]
    await _check_asking(context, changes)
    await commit(context, changes, guards, Activity("send-message"))
    return changes[1].id


def _readers(message: Message, clinic: str) -> list[str]:
    """Whom it is for: the clinic, and the patient of whom somebody else asks for more."""
    to = [f"Organization/{clinic}"]
    return [*to, f"Patient/{message.patient}"] if message.topic == "slice-question" else to


async def _check_asking(context: Context, changes: Sequence[Change]) -> None:
    """Who may write either, the words or the request, may ask; the other follows. Raises Forbidden."""
    writes = access.RIGHTS[context.caller.role].writes
    own = [one for one in changes if writes is None or one.type in writes]
    if not own:
        raise access.Forbidden(f"role {context.caller.role} does not write messages")
    for change in own:
        await access.check_write(context, change.type, change.value, change.patient, act="c")


# ── answering ────────────────────────────────────────────────────────────────────────────────────


async def open_messages(context: Context) -> tuple[Waiting, ...]:
    """What waits for an answer of the caller's clinic, oldest first, at most `MOST`. One search. Raises Forbidden."""
    access.check_clinical(context)
    asked = (
        ("code", f"{systems.ACTIVITY}|{MESSAGE}"),
        ("status", ",".join(OPEN)),
        ("_sort", "authored-on"),
        ("_include", "Task:focus"),
        ("_include", "Task:patient"),
        ("_count", str(MOST)),
    )
    found = await search(context, query_from_pairs(context, "Task", asked, strict=True))
    tasks = [parse(version.body or b"") for version in found.page.matches]
    brought = [parse(version.body or b"") for version in found.included]
    people = {one["id"]: one for one in brought if one["resourceType"] == "Patient"}
    messages = messages_from_resources([one for one in brought if one["resourceType"] == "Communication"], tasks)
    return tuple(Waiting(one, people[one.patient]) for one in reversed(messages) if one.patient in people)


async def read_message(context: Context, task: str) -> Message:
    """What a Task asks, with its answer. Raises NotFound, Forbidden."""
    version = await read(context, "Task", task)
    value = parse(version.body or b"")
    if not is_message(value) or version.patient is None:
        raise NotFound(f"Task/{task} is no message")
    found = await messages_of_patient(context, version.patient)
    message = next((one for one in found if one.task == task), None)
    if message is None:
        raise NotFound(f"what Task/{task} asks is no longer there")
    return message


async def messages_of_patient(context: Context, patient: str) -> tuple[Message, ...]:
    """Every message about one patient with its answer, newest first; not words that nobody was asked to answer.

    Raises Forbidden
    """
    context.trail.met([patient])
    await access.check_patient(context, patient)
    access.check_whole_type(context, "Communication")
    query = await access.unblocked(context, Query("Communication", patient=patient))
    said = [parse(version.body or b"") for version in await every(context, query)]
    return tuple(one for one in messages_from_resources(said, await _tasks(context, patient)) if one.task)


async def answer_message(context: Context, task: str, text: str, expects: int | None = None) -> Version:
    """The Communication that answers; the Task is completed with it.

    expects  version of the Task that was read
    Raises   MessageFaulty, PreconditionFailed once somebody has answered, NotFound, Forbidden
    """
    access.check_clinical(context)
    check_text(text)

    async def work() -> Version:
        version = await read(context, "Task", task)
        value = parse(version.body or b"")
        if not is_message(value):
            raise NotFound(f"Task/{task} is no message")
        if value.get("status") not in OPEN or expects not in (None, version.number):
            raise PreconditionFailed(f"Task/{task} is at version {version.number}; read the answer that stands there")
        return await _answer(context, version, value, text)

    return await again(work, VersionConflict)


async def _answer(context: Context, version: Version, task: Json, text: str) -> Version:
    question = parse((await read(context, "Communication", question_of(task))).body or b"")
    if not messages_from_resources([question]):
        raise NotFound(f"what Task/{version.id} asks is no longer there")
    id = context.new_id()
    changes = [
        change_from_value(communication_from_answer(question, _said(context, text)), id),
        change_from_value(answered(task, id, context.now), version.id, version),
    ]
    for change in changes:
        await access.check_write(context, change.type, change.value, version.patient, act=change.act)
    made, _ = await commit(context, changes, (), Activity("answer-message"))
    return made
