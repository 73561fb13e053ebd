"""A message to a patient's clinic: sent, found by who is to answer it, and answered, each in one commit.

Who may write of the record at all may ask about it; the Task that the question becomes is drawn from it, as a
consequence is. Not an emergency channel: the pages say so. What the resources look like is `careplan.fhir.message`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from careplan.domain.errors import CareplanError
from careplan.domain.words import is_blank
from careplan.fhir import systems
from careplan.fhir.agreed import OPEN_TASK
from careplan.fhir.mapping import listed_with
from careplan.fhir.message import (
    MESSAGE,
    TOPICS,
    Message,
    Said,
    answered,
    communication_from_answer,
    communication_from_question,
    is_message,
    message_from_communication,
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
from careplan.interactions.mark import identifier_of, sent_with
from careplan.interactions.open_task import open_tasks
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.read import read
from careplan.store.protocol import Guard, GuardFailed, NotFound, Version, VersionConflict

LENGTH = 2000
"""Most characters of a message or an answer."""


class MessageFaulty(CareplanError):
    """A message that says nothing, says too much, or is about no known topic."""

    code = "message-faulty"


class OtherSent(CareplanError):
    """The form has sent another message already. `sent`: the words that stand."""

    code = "form-sent"

    def __init__(self, message: str, sent: str) -> None:
        super().__init__(message)
        self.sent = sent


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
    Raises  MessageFaulty, ClinicMissing, OtherSent where the mark stands on other words, Forbidden, NotFound
    """
    check_text(text)
    if topic not in TOPICS:
        raise MessageFaulty(f"the topic of a message is one of {', '.join(TOPICS)}")
    clinic = await _clinic(context, patient)
    for reference in about:
        type_name, _, id = reference.partition("/")
        await read(context, type_name, id)

    async def work() -> str:
        message = _message(context, patient, topic, text, about)
        sent, guards = await _sent(context, message, mark)
        return sent or await _send(context, message, clinic, mark, guards)

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


async def _sent(context: Context, message: Message, mark: str) -> tuple[str, tuple[Guard, ...]]:
    """The Task of what this form has sent already, or none; and a guard that it is not sent meanwhile."""
    found, guards = await sent_with(context, "Communication", message.patient, mark)
    for version in found:
        stands = message_from_communication(parse(version.body or b""))
        if (stands.topic, stands.asked.text, stands.about) != (message.topic, message.asked.text, message.about):
            said = "this form has sent another message; send this one with a mark of its own"
            raise OtherSent(said, stands.asked.text)
    tasks = await _tasks(context, message.patient) if found else []
    ids = {version.id for version in found}
    return next((task["id"] for task in tasks if question_of(task) in ids), ""), guards


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
    identifier = identifier_of(mark) if mark else None
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
    """What waits for an answer of the caller's clinic, oldest first. One search. Raises Forbidden."""
    found = await open_tasks(context, MESSAGE, "focus", "patient")
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
    return await messages_about(context, patient)


async def messages_about(context: Context, patient: str) -> tuple[Message, ...]:
    """The same, for one who was let in to this patient: what the role reads of the type is not asked."""
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
        if value.get("status") not in OPEN_TASK or expects not in (None, version.number):
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
