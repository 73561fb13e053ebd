"""A message to the clinic and its answer: two Communications, and the Task that keeps the question from being lost.

The Task (`CodeSystem/activity|besked`) is the clinic's to do, its focus the question. It holds no words of the
message: whoever sees a patient's Tasks by a referral sees that something was asked, not what. An answer is a
Communication of its own, `inResponseTo` the question, and the output of the Task: a Communication that only says it
answers is none. Not here: writing them (`careplan.interactions.message`).
https://hl7.org/fhir/R4/communication.html · https://hl7.org/fhir/R4/task.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from careplan.fhir import systems
from careplan.fhir.instant import find_instant, instant_text
from careplan.fhir.reading import coding_keys
from careplan.fhir.text import Json

MESSAGE, MESSAGE_NAME = "besked", "Besked til klinikken"
"""The activity that such a Task is."""

TOPICS: Mapping[str, str] = {
    "question": "Spørgsmål",
    "number-wrong": "Et tal er forkert",
    "access-question": "Spørgsmål om, hvem der har set planen",
    "slice-question": "Spørgsmål fra en modtager af en henvisning",
}
"""What a message is about: the codes of CodeSystem/message-topic."""


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody wrote: `by` a reference, `name` as it was shown when it was sent."""

    text: str
    by: str
    name: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Message:
    """A question to the clinic, and the answer once there is one.

    id     of the Communication; `task` of the Task that the clinic answers, `version` its number
    about  references of what is asked about, `Observation/17`
    """

    id: str
    patient: str
    topic: str
    asked: Said
    about: tuple[str, ...] = ()
    task: str = ""
    version: int = 0
    answer: Said | None = None


def communication_from_question(
    message: Message, to: Iterable[str], identifier: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The Communication by which somebody asks. `to`: references of its readers."""
    made = _communication(message.patient, message.topic, message.asked, to)
    if identifier is not None:
        made["identifier"] = [dict(identifier)]
    return {**made, **({"about": [{"reference": one} for one in message.about]} if message.about else {})}


def communication_from_answer(question: Json, said: Said) -> dict[str, Any]:
    """The Communication by which the clinic answers: to whoever asked, and to the patient."""
    message = message_from_communication(question)
    to = dict.fromkeys((message.asked.by, f"Patient/{message.patient}"))
    made = _communication(message.patient, message.topic, said, filter(None, to))
    return {**made, "inResponseTo": [{"reference": f"Communication/{message.id}"}]}


def _communication(patient: str, topic: str, said: Said, to: Iterable[str]) -> dict[str, Any]:
    coding = {"system": systems.MESSAGE_TOPIC, "code": topic}
    sender = {**({"reference": said.by} if said.by else {}), "display": said.name}
    return {
        "resourceType": "Communication",
        "status": "completed",
        "subject": {"reference": f"Patient/{patient}"},
        "topic": {"coding": [coding], "text": TOPICS[topic]},
        **({"sent": instant_text(said.at)} if said.at else {}),
        "recipient": [{"reference": one} for one in to],
        "sender": sender,
        "payload": [{"contentString": said.text}],
    }


def task_from_message(message: Message, clinic: str, at: datetime) -> dict[str, Any]:
    """The Task of the clinic to answer a message."""
    coding = {"system": systems.ACTIVITY, "code": MESSAGE, "display": MESSAGE_NAME}
    task: dict[str, Any] = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "proposal",
        "code": {"coding": [coding], "text": MESSAGE_NAME},
        "focus": {"reference": f"Communication/{message.id}"},
        "for": {"reference": f"Patient/{message.patient}"},
        "authoredOn": instant_text(at),
        "owner": {"reference": f"Organization/{clinic}"},
    }
    return {**task, **({"requester": {"reference": message.asked.by}} if message.asked.by else {})}


def is_message(task: Json) -> bool:
    """Whether a Task is to answer a message."""
    return (systems.ACTIVITY, MESSAGE) in coding_keys(task.get("code") or {})


def question_of(task: Json) -> str:
    """The logical id of the Communication that a Task is to answer."""
    return str((task.get("focus") or {}).get("reference", "")).rpartition("/")[2]


def answered(task: Json, answer: str, at: datetime) -> dict[str, Any]:
    """The Task, done: its output is the Communication that answers."""
    moment = instant_text(at)
    output = {"type": {"text": "Svar"}, "valueReference": {"reference": f"Communication/{answer}"}}
    return {**task, "status": "completed", "lastModified": moment, "output": [*task.get("output", ()), output]}


def message_from_communication(question: Json) -> Message:
    """What was asked."""
    about = tuple(str(one["reference"]) for one in question.get("about", ()) if "reference" in one)
    topic = next(
        (code for system, code in coding_keys(question.get("topic") or {}) if system == systems.MESSAGE_TOPIC), ""
    )
    patient = str((question.get("subject") or {}).get("reference", "")).rpartition("/")[2]
    return Message(str(question.get("id", "")), patient, topic, said_in(question), about)


def said_in(communication: Json) -> Said:
    """Who wrote it, when, and the words."""
    sender = communication.get("sender") or {}
    texts = [str(one["contentString"]) for one in communication.get("payload", ()) if "contentString" in one]
    at = find_instant(str(communication.get("sent", "")))
    return Said("\n".join(texts), str(sender.get("reference", "")), str(sender.get("display", "")), at)


def messages_from_resources(communications: Sequence[Json], tasks: Iterable[Json] = ()) -> tuple[Message, ...]:
    """Every question among the Communications with its answer and its Task, newest first."""
    answers = {str(one.get("id", "")): one for one in communications}
    held = {question_of(task): task for task in tasks if is_message(task)}
    asked = [one for one in communications if _is_question(one)]
    found = [_with_rest(message_from_communication(one), answers, held) for one in asked]
    return tuple(sorted(found, key=lambda one: (str(one.asked.at or ""), one.id), reverse=True))


def _with_rest(message: Message, answers: Mapping[str, Json], held: Mapping[str, Json]) -> Message:
    task = held.get(message.id, {})
    found = (answers[id] for id in _outputs(task) if id in answers)
    answer = next((said_in(one) for one in found if message.id in _answered_by(one)), None)
    version = int(task.get("meta", {}).get("versionId", 0))
    return replace(message, answer=answer, task=str(task.get("id", "")), version=version)


def _is_question(communication: Json) -> bool:
    """Whether a Communication is about a topic of ours, and no answer; withdrawn ones are none."""
    known = message_from_communication(communication).topic in TOPICS
    return known and communication.get("status") == "completed" and not communication.get("inResponseTo")


def _outputs(task: Json) -> Iterable[str]:
    """The logical ids of the Communications by which a Task was done."""
    return (
        str((one.get("valueReference") or {}).get("reference", "")).rpartition("/")[2] for one in task.get("output", ())
    )


def _answered_by(communication: Json) -> Iterable[str]:
    if communication.get("status") != "completed":
        return ()
    return (str(one.get("reference", "")).rpartition("/")[2] for one in communication.get("inResponseTo", ()))
