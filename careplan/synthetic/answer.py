"""What a person of the demo has answered before the årskontrol, and sent to the clinic.

What the answers come to, scores and whom to ring, is counted by whoever takes them in. Not for the questions
themselves: they are the Questionnaires in `profiles/`. https://hl7.org/fhir/R4/questionnaireresponse.html
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from careplan.fhir import systems
from careplan.fhir.instant import COPENHAGEN, instant_text
from careplan.synthetic.observation import Record, Resource
from careplan.synthetic.person import Person

_MRC = ("391120009", "391123006", "391124000", "391125004", "391126003")
"""The five answers of MRC, mildest first, by SNOMED CT."""

_STEP = f"{systems.CANONICAL}/CodeSystem/answer-step"
_TOPIC = f"{systems.CANONICAL}/CodeSystem/talk-topic"


def write_answers(record: Record, person: Person, on: date) -> None:
    """Write a QuestionnaireResponse for each questionnaire, sent in the evening so many days ago."""
    if not person.answers:
        return
    day = on - timedelta(days=person.answered)
    at = instant_text(datetime(day.year, day.month, day.day, 20, 5, tzinfo=COPENHAGEN))
    for name, points in person.answers.items():
        record.add("QuestionnaireResponse", f"q-{name}", _response(record, name, at, _counted(name, points)))
    talk = [_item("emner", (_coding(_TOPIC, one) for one in person.topics))]
    record.add("QuestionnaireResponse", "q-samtale", _response(record, "samtale", at, talk))


def _response(record: Record, name: str, at: str, items: Sequence[Resource]) -> Resource:
    return {
        "questionnaire": f"{systems.CANONICAL}/Questionnaire/{name}",
        "status": "completed",
        "subject": record.subject,
        "authored": at,
        "author": record.subject,
        "source": record.subject,
        "item": items,
    }


def _counted(name: str, points: Sequence[int]) -> list[Resource]:
    """One answer a question, in their order."""
    return [_item(str(nth), (_counting(name, one),)) for nth, one in enumerate(points, 1)]


def _counting(name: str, points: int) -> Resource:
    """The answer to a question that has so many points."""
    return _coding(systems.SNOMED, _MRC[points - 1]) if name == "mrc" else _coding(_STEP, str(points))


def _coding(system: str, code: str) -> Resource:
    return {"system": system, "code": code}


def _item(id: str, codings: Iterable[Resource]) -> Resource:
    return {"linkId": id, "answer": [{"valueCoding": one} for one in codings]}
