"""What a person of the demo has asked the clinic, and what was answered.

Not for what a message is: `careplan.fhir.message`.
"""

from datetime import date, datetime, timedelta

from careplan.fhir.instant import COPENHAGEN
from careplan.fhir.message import (
    Message,
    Said,
    answered,
    communication_from_answer,
    communication_from_question,
    task_from_message,
)
from careplan.synthetic.observation import Record
from careplan.synthetic.person import Person

NURSE = "Lars Test Krogh"


def write_messages(record: Record, person: Person, on: date) -> None:
    """Write each question, the Task of the clinic, and the answer where there is one: the next morning."""
    clinic = record.organization["reference"]
    for nth, (text, answer, days) in enumerate(person.asks, 1):
        day = on - timedelta(days=days)
        at = datetime(day.year, day.month, day.day, 19, 20, tzinfo=COPENHAGEN)
        said = Said(text, f"Patient/{person.id}", f"{person.given} Test {person.family}", at)
        message = Message(f"{person.id}-spoergsmaal-{nth}", person.id, "question", said)
        question = {"id": message.id, **communication_from_question(message, [clinic])}
        task = {"id": f"{person.id}-besked-{nth}", **task_from_message(message, clinic.partition("/")[2], at)}
        record.resources.append(question)
        if answer:
            later, id = at + timedelta(hours=14), f"{person.id}-svar-{nth}"
            reply = Said(answer, record.nurse["reference"], NURSE, later)
            record.resources.append({"id": id, **communication_from_answer(question, reply)})
            task = answered(task, id, later)
        record.resources.append(task)
