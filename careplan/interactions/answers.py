"""What somebody has answered before the årskontrol, as it is read: scores with what they mean, and what to talk about.

A score that cannot be counted is missing, and says how many questions were passed over. Nothing is filled in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from careplan.domain.measure import Measure, Reading
from careplan.domain.questionnaire import Band, Instrument, find_band, find_score, needs_contact
from careplan.fhir.instant import day_of
from careplan.fhir.questionnaire import Form
from careplan.fhir.questionnaire_response import SENT, answered_at, points_of, replies_of
from careplan.fhir.reading import readings_from_observations
from careplan.fhir.text import Json
from careplan.interactions.context import Context
from careplan.interactions.preparation import TALK, TOPICS, WORDS, Round


@dataclass(frozen=True, slots=True)
class Answered:
    """How far one questionnaire is, and what it came to.

    state     `sent`, `begun` or `none`
    on        the day it was answered
    score     None where there is none; `missing`: how many questions were passed over
    earlier   the value before it
    """

    measure: Measure
    form: Form
    state: str
    on: date | None = None
    score: int | None = None
    band: Band | None = None
    missing: int = 0
    earlier: Reading | None = None
    contact: bool = False


@dataclass(frozen=True, slots=True)
class Answers:
    """All that one person has answered before one control.

    state   `sent` once something is, else `begun` or `none`
    topics  what the person wants to talk about, and `words` of their own
    by      reference of who answered, where it is not the person
    """

    state: str
    on: date | None
    answered: tuple[Answered, ...]
    topics: tuple[str, ...] = ()
    words: str = ""
    by: str = ""

    @property
    def contact(self) -> bool:
        """Whether the clinic is to ring."""
        return any(one.contact for one in self.answered)


def answers_of(context: Context, asked: Round, observations: Iterable[Json]) -> Answers:
    """What a round has come to. `observations`: of the person, for the value before each score."""
    readings = readings_from_observations(observations, context.house.reader.codes)
    by_url = {one.url: one for one in context.knowledge.instruments.values()}
    counted = [(form, by_url[form.url]) for form in asked.forms if form.url in by_url]
    answered = tuple(
        _answered(asked, form, one, context.knowledge.measures[one.measure], readings.get(one.measure, ()))
        for form, one in counted
    )
    talk = asked.responses.get(TALK, {})
    topics, words = _talk(asked, talk) if talk.get("status") in SENT else ((), "")
    sent = [one for one in asked.responses.values() if one.get("status") in SENT]
    state = "sent" if sent else "begun" if asked.begun else "none"
    days = [day for one in sent if (day := _day(one)) is not None]
    return Answers(state, max(days, default=None), answered, topics, words, _other(asked, sent))


def _answered(
    asked: Round, form: Form, instrument: Instrument, measure: Measure, readings: tuple[Reading, ...]
) -> Answered:
    response = asked.responses.get(form.url)
    if response is None:
        return Answered(measure, form, "none")
    on = _day(response)
    points = points_of(form, response)
    sent = response.get("status") in SENT
    contact = needs_contact(instrument, points, sent=sent)
    if not sent:
        return Answered(measure, form, "begun", on, contact=contact)
    score, missing = find_score(instrument, points.values()), sum(one is None for one in points.values())
    at = answered_at(response)
    earlier = next((one for one in readings if at is not None and one.at < at), None)
    return Answered(measure, form, "sent", on, score, find_band(instrument, score), missing, earlier, contact)


def _day(response: Json) -> date | None:
    at = answered_at(response)
    return None if at is None else day_of(at)


def _talk(asked: Round, talk: Json) -> tuple[tuple[str, ...], str]:
    form = next(form for form in asked.forms if form.url == TALK)
    replies = replies_of(form, talk)
    topics = replies[TOPICS].options if TOPICS in replies else ()
    return tuple(one.says for one in topics), replies[WORDS].text if WORDS in replies else ""


def _other(asked: Round, sent: Iterable[Json]) -> str:
    speakers = {str((one.get("source") or one.get("author") or {}).get("reference", "")) for one in sent}
    return next(iter(sorted(speakers - {f"Patient/{asked.patient}", ""})), "")
