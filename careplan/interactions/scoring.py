"""What follows from answers that are sent: their score as an Observation, and a Task where somebody must ring.

Whichever door they come by, in the same commit, so that nobody sees answers without their score. An answer that is
corrected moves the score; one that is withdrawn, or no longer whole, takes it back. A Task that was made stays: the
clinic closes it. Not here: how answers are counted (`careplan.domain.questionnaire`).
"""

from collections.abc import Iterator, Sequence

from careplan.domain.questionnaire import Instrument, find_score, needs_contact
from careplan.fhir.mapping import listed_with
from careplan.fhir.questionnaire import Form
from careplan.fhir.questionnaire_response import (
    SENT,
    form_of,
    observation_from_score,
    points_of,
    ring_id,
    score_id,
    task_from_contact,
)
from careplan.fhir.text import Json, dump, parse, read_text
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.context import Context
from careplan.interactions.drawn import Drawn
from careplan.interactions.precondition import same_content
from careplan.store.protocol import Version


async def score_answers(context: Context, changes: Sequence[Change]) -> Drawn:
    """The Observations and Tasks that the QuestionnaireResponses among `changes` come to."""
    found: list[Change] = []
    written = {change.reference for change in changes}
    for change in changes:
        if change.type == "QuestionnaireResponse":
            found += [one for one in await _followed(context, change) if one.reference not in written]
    return Drawn(tuple(found))


async def _followed(context: Context, change: Change) -> list[Change]:
    counted = {instrument.id: (form, instrument) for form, instrument in _counted(context, change)}
    found = [await _scored(context, change, form, instrument) for form, instrument in counted.values()]
    if change.value is not None and change.patient is not None:
        form = form_of(change.value, context.house.questionnaires)
        found += [await _ringing(context, change, form, one) for one in _instruments(context, form) if form is not None]
    return [one for one in found if one is not None]


def _counted(context: Context, change: Change) -> Iterator[tuple[Form, Instrument]]:
    """What the answers are to, and what they were to before."""
    before = None if change.previous is None or change.previous.body is None else parse(change.previous.body)
    for value in (change.value, before):
        form = None if value is None else form_of(value, context.house.questionnaires)
        for instrument in _instruments(context, form):
            if form is not None:
                yield form, instrument


def _instruments(context: Context, form: Form | None) -> list[Instrument]:
    if form is None:
        return []
    return [one for one in context.knowledge.instruments.values() if one.url == form.url]


async def _scored(context: Context, change: Change, form: Form, instrument: Instrument) -> Change | None:
    """The Observation as it is to be; None where it is so already."""
    id = score_id(change.reference, instrument.measure)
    previous = await context.store.read("Observation", id)
    score = _score(context, change, form, instrument)
    if score is None or change.value is None:
        return _withdrawn(previous)
    measure = context.knowledge.measures[instrument.measure]
    made = observation_from_score(change.value, change.reference, form, measure, score, change.at(context.now))
    if previous is not None and not previous.deleted and same_content(read_text(dump(made)), previous):
        return None
    return change_from_value(made, id, previous)


def _score(context: Context, change: Change, form: Form, instrument: Instrument) -> int | None:
    """None of what is not sent, not of a patient, or now answers something else."""
    value = change.value
    if value is None or change.patient is None or value.get("status") not in SENT:
        return None
    if form_of(value, context.house.questionnaires) != form or not _is_of_patient(value):
        return None
    return find_score(instrument, points_of(form, value).values())


def _is_of_patient(response: Json) -> bool:
    return "Patient/" in str((response.get("subject") or {}).get("reference", ""))


def _withdrawn(previous: Version | None) -> Change | None:
    """A score that no longer stands."""
    if previous is None or previous.body is None:
        return None
    value = parse(previous.body)
    if value.get("status") == "entered-in-error":
        return None
    return change_from_value({**value, "status": "entered-in-error"}, previous.id, previous)


async def _ringing(context: Context, change: Change, form: Form, instrument: Instrument) -> Change | None:
    """The Task to ring, once: for an answer as soon as it is kept, for a score when it is sent."""
    value = change.value
    if value is None or not _is_of_patient(value) or value.get("status") not in (*SENT, "in-progress"):
        return None
    if not needs_contact(instrument, points_of(form, value), sent=value.get("status") in SENT):
        return None
    id = ring_id(change.reference)
    if await context.store.read("Task", id) is not None:
        return None
    patient = await context.store.read("Patient", change.patient or "")
    clinic = None if patient is None or patient.body is None else listed_with(parse(patient.body))
    return change_from_value(task_from_contact(value, change.reference, clinic, context.now), id)
