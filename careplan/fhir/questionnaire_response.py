"""What was answered to a Questionnaire of ours: read, checked, written, and what it comes to.

An item without an answer is a question that was passed over; an item that is not there was not come to. The score is an
Observation, `derivedFrom` the response; whom the clinic is to ring is a Task that says nothing of why.
https://hl7.org/fhir/R4/questionnaireresponse.html · https://hl7.org/fhir/R4/observation.html
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from careplan.domain.errors import Fault
from careplan.domain.measure import Measure
from careplan.fhir import systems
from careplan.fhir.instant import day_of, find_instant, instant_text
from careplan.fhir.questionnaire import Form, Option, Question
from careplan.fhir.text import Json

RING, RING_NAME = "kontakt", "Ring til patienten i dag"
"""The activity that the Task of an answer that needs contact is."""

SENT = frozenset({"completed", "amended"})
_MISTAKEN = "entered-in-error"
LEEWAY = timedelta(minutes=5)
"""How far ahead of ours the clock may be of whoever answers."""

NOTE = "Ordlyden i spørgsmålene er ikke den officielle."
_VALUES: Mapping[str, str] = {
    "choice": "valueCoding",
    "text": "valueString",
    "string": "valueString",
    "boolean": "valueBoolean",
    "integer": "valueInteger",
    "decimal": "valueDecimal",
    "date": "valueDate",
}
_NEVER = datetime.min.replace(tzinfo=UTC)
_NAMESPACE = uuid.UUID("8a1d1f0e-5a0b-5c7d-9d6e-2b63f0a42d3f")


@dataclass(frozen=True, slots=True)
class Reply:
    """What was said to one question: options chosen, or words; neither where it was passed over."""

    options: tuple[Option, ...] = ()
    text: str = ""

    @property
    def empty(self) -> bool:
        return not self.options and not self.text


def form_of(response: Json, forms: Mapping[str, Form]) -> Form | None:
    """The Questionnaire of ours that is answered, whichever its version; None where it is another's."""
    canonical = response.get("questionnaire")
    return forms.get(canonical.partition("|")[0]) if isinstance(canonical, str) else None


def replies_of(form: Form, response: Json) -> dict[str, Reply]:
    """The replies by question, in the order of the form; what was not come to is not there."""
    items = {item.get("linkId"): item for _, item in _items(response, "QuestionnaireResponse")}
    asked = [one for one in form.questions if one.id in items]
    return {one.id: _reply(one, items[one.id]) for one in asked}


def _reply(question: Question, item: Json) -> Reply:
    answers = item.get("answer", ())
    codings = [one["valueCoding"] for one in answers if "valueCoding" in one]
    found = (question.find_option(one.get("system", ""), one.get("code", "")) for one in codings)
    texts = [str(one["valueString"]) for one in answers if "valueString" in one]
    return Reply(tuple(one for one in found if one is not None), "\n".join(texts))


def points_of(form: Form, response: Json) -> dict[str, int | None]:
    """The points of every question that counts; None of one that was not answered."""
    replies = replies_of(form, response)
    return {one.id: _points(replies.get(one.id)) for one in form.counted}


def _points(reply: Reply | None) -> int | None:
    return None if reply is None or not reply.options else reply.options[0].points


def _items(holder: Json, place: str) -> Iterator[tuple[str, Json]]:
    """Every item at any depth, with its place."""
    for index, item in enumerate(holder.get("item", ())):
        here = f"{place}.item[{index}]"
        yield here, item
        yield from _items(item, here)
        for nth, answer in enumerate(item.get("answer", ())):
            yield from _items(answer, f"{here}.answer[{nth}]")


# ── against its questionnaire ────────────────────────────────────────────────────────────────────


def faults(response: Json, forms: Mapping[str, Form]) -> Iterator[Fault]:
    """Everything in a valid QuestionnaireResponse that its Questionnaire does not ask, or does not let be answered."""
    form = form_of(response, forms)
    if form is None or response.get("status") == _MISTAKEN:
        return
    seen: set[str] = set()
    for place, item in _items(response, "QuestionnaireResponse"):
        id = str(item.get("linkId"))
        question = form.question(id)
        if id in seen:
            yield Fault(f"{place}.linkId", "answer-invalid", f"a question of {form.url} is answered twice; keep one")
        elif question is not None:
            yield from _faults_of(question, item, place, form)
        elif id not in form.shown:
            yield Fault(f"{place}.linkId", "answer-invalid", f"{form.url} has no item of this linkId")
        seen.add(id)
    if response.get("status") in SENT:
        replies = replies_of(form, response)
        for one in form.questions:
            if one.required and (one.id not in replies or replies[one.id].empty):
                message = f"{one.id} of {form.url} is required and not answered"
                yield Fault("QuestionnaireResponse.item", "answer-invalid", message)


def _faults_of(question: Question, item: Json, place: str, form: Form) -> Iterator[Fault]:
    answers = item.get("answer", ())
    if len(answers) > question.most:
        message = f"{question.id} of {form.url} takes at most {question.most} answer(s)"
        yield Fault(f"{place}.answer", "answer-invalid", message)
    keys = [tuple(one.get("valueCoding", {}).get(name) for name in ("system", "code")) for one in answers]
    if question.type == "choice" and len(set(keys)) < len(keys):
        yield Fault(f"{place}.answer", "answer-invalid", f"{question.id} of {form.url} has one answer twice")
    wanted = _VALUES.get(question.type)
    for nth, answer in enumerate(answers):
        where = f"{place}.answer[{nth}]"
        if wanted is not None and wanted not in answer:
            yield Fault(where, "answer-invalid", f"{question.id} of {form.url} is answered by {wanted}")
        elif question.options and _is_no_option(question, answer):
            known = ", ".join(one.code for one in question.options)
            message = f"{question.id} of {form.url} is answered by one of the codes {known}, with their system"
            yield Fault(f"{where}.valueCoding", "answer-invalid", message)
        elif question.length and len(str(answer.get("valueString", ""))) > question.length:
            message = f"{question.id} of {form.url} has at most {question.length} characters"
            yield Fault(f"{where}.valueString", "answer-invalid", message)


def _is_no_option(question: Question, answer: Json) -> bool:
    coding = answer.get("valueCoding", {})
    return question.find_option(coding.get("system", ""), coding.get("code", "")) is None


def future_faults(response: Json, now: datetime) -> Iterator[Fault]:
    """Answers that are dated after now, as they are written: they would count for controls to come."""
    at = find_instant(response.get("authored"))
    if response.get("status") != _MISTAKEN and at is not None and at > now + LEEWAY:
        message = "answers are dated when they were given, not later than now; correct the date, or the clock"
        yield Fault("QuestionnaireResponse.authored", "answer-invalid", message)


def answered_at(response: Json) -> datetime | None:
    """When it was answered: no later than it was stored, whatever it says. None where it does not say."""
    said, kept = find_instant(response.get("authored")), find_instant((response.get("meta") or {}).get("lastUpdated"))
    return said if said is None or kept is None else min(said, kept)


# ── writing ──────────────────────────────────────────────────────────────────────────────────────


def new_response(form: Form, patient: str, speaker: str, at: datetime, key: str) -> dict[str, Any]:
    """A response that is begun. `speaker`: reference of who answers; `key`: one for each round of questions."""
    return {
        "resourceType": "QuestionnaireResponse",
        "identifier": {"system": systems.URI, "value": key},
        "questionnaire": form.canonical,
        "status": "in-progress",
        "subject": {"reference": f"Patient/{patient}"},
        "authored": instant_text(at),
        "author": {"reference": speaker},
        "source": {"reference": speaker},
    }


def with_reply(form: Form, response: Json, question: Question, reply: Reply, at: datetime) -> dict[str, Any]:
    """The response with one question answered now, or passed over."""
    replies = {**replies_of(form, response), question.id: reply}
    items = [_item(one, replies[one.id]) for one in form.questions if one.id in replies]
    return {**response, "authored": instant_text(at), "item": items}


def _item(question: Question, reply: Reply) -> dict[str, Any]:
    answers: list[dict[str, Any]] = [{"valueCoding": one.coding} for one in reply.options]
    answers += [{"valueString": reply.text}] if reply.text else []
    return {"linkId": question.id, "text": question.says, **({"answer": answers} if answers else {})}


def sent_response(form: Form, response: Json, at: datetime) -> dict[str, Any]:
    """The response as it is sent now."""
    return {**response, "questionnaire": form.canonical, "status": "completed", "authored": instant_text(at)}


def score_id(reference: str, measure: str) -> str:
    """The logical id of the Observation that a response comes to: the same each time."""
    return str(uuid.uuid5(_NAMESPACE, f"{reference}|{measure}"))


def ring_id(reference: str) -> str:
    """The logical id of the Task to ring because of a response."""
    return str(uuid.uuid5(_NAMESPACE, f"{reference}|{RING}"))


def observation_from_score(
    response: Json, reference: str, form: Form, measure: Measure, score: int, now: datetime
) -> dict[str, Any]:
    """The score as an Observation, dated when it was answered."""
    answered = find_instant(response.get("authored"))
    at = response["authored"] if answered is not None and answered <= now else instant_text(now)
    speaker = response.get("source") or response.get("author") or response["subject"]
    mark = {"extension": [{"url": systems.EXT_OWN_WORDING, "valueBoolean": True}]} if form.own else {}
    return {
        "resourceType": "Observation",
        **mark,
        "status": "final",
        "category": [{"coding": [{"system": systems.OBSERVATION_CATEGORY, "code": "survey"}]}],
        "code": {"coding": _codings(measure), "text": measure.name},
        "subject": response["subject"],
        "effectiveDateTime": at,
        "performer": [speaker],
        "valueInteger": score,
        **({"note": [{"text": NOTE}]} if form.own else {}),
        "derivedFrom": [{"reference": reference}],
    }


def _codings(measure: Measure) -> list[dict[str, str]]:
    own = [code for code in measure.codes if code.setting == "clinic"]
    return [{"system": one.system, "code": one.code, "display": one.display} for one in own[:1]]


def task_from_contact(response: Json, reference: str, clinic: str | None, now: datetime) -> dict[str, Any]:
    """The clinic's Task to ring to the person the same day."""
    coding = {"system": systems.ACTIVITY, "code": RING, "display": RING_NAME}
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "proposal",
        "priority": "urgent",
        "code": {"coding": [coding], "text": RING_NAME},
        "focus": {"reference": reference},
        "for": response["subject"],
        "authoredOn": instant_text(now),
        **({"owner": {"reference": f"Organization/{clinic}"}} if clinic else {}),
        "restriction": {"period": {"end": day_of(now).isoformat()}},
    }


def newest_first(responses: Iterable[Json]) -> list[Json]:
    """Responses by when they were answered; those that do not say come last."""
    return sorted(responses, key=lambda one: (answered_at(one) or _NEVER, str(one.get("id", ""))), reverse=True)


def options_from_codes(question: Question, codes: Sequence[str]) -> tuple[Option, ...]:
    """The options of these codes, in the order of the question; what is none of them is left out."""
    return tuple(one for one in question.options if one.code in codes)
