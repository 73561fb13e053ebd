"""What a person has answered before the årskontrol, as the clinic reads it beside the values of C2."""

from dataclasses import dataclass

from careplan.interactions.answers import Answered, Answers, answers_of
from careplan.interactions.context import Context
from careplan.interactions.overview import Overview
from careplan.interactions.preparation import is_time, round_of
from careplan.views import wording
from careplan.views.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Line:
    """One questionnaire: its score with its day, or why there is none; the value before it."""

    name: str
    value: str
    change: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """All of it. `own`: whether the questions had other words than the official ones."""

    state: str
    by: str
    contact: bool
    scores: tuple[Line, ...]
    topics: tuple[str, ...]
    words: str
    own: bool


async def summary_of(context: Context, overview: Overview, t: Catalogue) -> Summary | None:
    """None where nothing is asked yet, and nothing was answered since the last control."""
    asked = await round_of(context, overview.patient["id"], overview.plans, overview.tasks)
    if asked is None:
        return None
    answers = answers_of(context, asked, overview.observations)
    if answers.state == "none" and not is_time(asked.due, context.on):
        return None
    return Summary(
        state=_state(answers, t),
        by=t("preparation.summary.by") if answers.by else "",
        contact=answers.contact,
        scores=tuple(_line(one, t) for one in answers.answered) if answers.state != "none" else (),
        topics=tuple(t.danish(one) for one in answers.topics),
        words=t.danish(answers.words),
        own=any(one.form.own for one in answers.answered),
    )


def _state(answers: Answers, t: Catalogue) -> str:
    if answers.state == "sent" and answers.on is not None:
        return t("preparation.summary.sent", day=wording.danish_date(answers.on))
    return t("preparation.summary.begun" if answers.state == "begun" else "preparation.summary.none")


def _line(one: Answered, t: Catalogue) -> Line:
    name = one.measure.name
    if one.state != "sent" or one.on is None:
        return Line(
            name, t("preparation.summary.one-begun" if one.state == "begun" else "preparation.summary.one-none")
        )
    if one.score is None:
        return Line(name, t("preparation.summary.missing", count=one.missing))
    value = t("preparation.summary.value", score=one.score, day=wording.danish_date(one.on))
    return Line(name, value, _change(one, t))


def _change(one: Answered, t: Catalogue) -> str:
    if one.earlier is None:
        return ""
    score, day = wording.value_text(one.measure, one.earlier, t), wording.danish_date(wording.day_of(one.earlier))
    return t("preparation.summary.change", score=score, day=day)
