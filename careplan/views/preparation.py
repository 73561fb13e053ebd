"""B5, «Forbered din årskontrol»: one question a page, kept after each answer, looked through, sent once.

The questions are those of the Questionnaires, in Danish; what is asked of whom, and what is kept, is
`interactions.preparation`'s. A score is never shown without the sentence that says what it means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from careplan.domain.questionnaire import Alarm
from careplan.fhir.mapping import listed_with
from careplan.fhir.questionnaire import Form as Questionnaire
from careplan.fhir.questionnaire import Question
from careplan.fhir.questionnaire_response import Reply, options_from_codes
from careplan.fhir.text import parse
from careplan.interactions.access import may_add
from careplan.interactions.answers import Answered, answers_of
from careplan.interactions.context import Context
from careplan.interactions.preparation import (
    AHEAD,
    TALK,
    AnswersChanged,
    AnswersSent,
    ReplyChanged,
    Round,
    Step,
    is_time,
    keep_replies,
    read_next_round,
    reply_mark,
    send_answers,
)
from careplan.interactions.read import read
from careplan.interactions.ringing import is_to_be_rung
from careplan.store.protocol import NotFound
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.contact import Contact, contact_of
from careplan.views.page import Opened, go
from careplan.views.plan import own_patient

PLACE, REVIEW, HELP = "/plan/forbered", "/plan/forbered/svar", "/plan/forbered/hjaelp"
ANSWER, SEEN, BACK, PASS = "svar-", "set-", "fra", "spring"


@dataclass(frozen=True, slots=True)
class Stop:
    """One page of questions: of a questionnaire one, of the talk both. `slug`: its place in the address."""

    slug: str
    form: Questionnaire
    questions: tuple[Question, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(Step(self.form, one) for one in self.questions)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as a page shows it. `mark`: of the answer that stands; `theirs`: that answer, where it differs."""

    question: Question
    chosen: frozenset[str]
    text: str
    mark: str
    error: str = ""
    theirs: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A score as the person is told it: the number, what the measure is, what the score means."""

    name: str
    score: str
    explain: str
    says: str
    missing: int


def stops_of(forms: Sequence[Questionnaire]) -> tuple[Stop, ...]:
    """The pages of these questionnaires, in order."""
    found: list[Stop] = []
    for form in forms:
        if form.url == TALK:
            found.append(Stop(form.id, form, form.questions))
        else:
            found += [Stop(f"{form.id}-{one.id}", form, (one,)) for one in form.questions]
    return tuple(found)


def _open_stops(asked: Round) -> tuple[Stop, ...]:
    return stops_of([form for form in asked.forms if not asked.is_sent(form)])


def _next_unanswered(asked: Round) -> str:
    """Where to go on: the first page nobody came to, else the answers."""
    waiting = (stop for stop in _open_stops(asked) if any(asked.reply(step) is None for step in stop.steps))
    found = next(waiting, None)
    return REVIEW if found is None else f"{PLACE}/{found.slug}"


# ── the first page, and the last ─────────────────────────────────────────────────────────────────


async def show(opened: Opened) -> Response:
    """What is to be answered; once it is sent, what it came to; a plain page where there is nothing to do."""
    context, t = opened.context, opened.t
    patient = await own_patient(context)
    asked = await read_next_round(context, patient)
    if asked is None or not is_time(asked.due, context.on):
        return _nothing(opened, asked)
    if asked.sent:
        return await _sent(opened, asked)
    return opened.page(
        "preparation.html",
        t("preparation.title"),
        due=asked.due,
        late=asked.due < context.on,
        titles=[t.danish(form.title) for form in asked.forms if not asked.is_sent(form)],
        count=len(_open_stops(asked)),
        begun=asked.begun,
        place=_next_unanswered(asked),
        may=await may_add(context, patient),
        own=_is_own(asked.forms),
    )


def _nothing(opened: Opened, asked: Round | None) -> Response:
    t = opened.t
    says = [t("preparation.not-now")]
    if asked is not None:
        from_day, due = wording.danish_date(asked.due - AHEAD), wording.danish_date(asked.due)
        says.append(t("preparation.later", day=from_day, due=due))
    return opened.page("preparation_none.html", t("preparation.title"), says=says)


async def _sent(opened: Opened, asked: Round) -> Response:
    context, t = opened.context, opened.t
    answers = answers_of(context, asked, ())
    return opened.page(
        "preparation_sent.html",
        t("preparation.sent"),
        told=[told_of(one, t) for one in answers.answered],
        topics=[t.danish(one) for one in answers.topics],
        words=t.danish(answers.words),
        own=_is_own(asked.forms),
        contact=answers.contact,
        clinic=await _clinic(context, asked.patient) if answers.contact else Contact(),
        rings=answers.contact and await is_to_be_rung(context, asked.patient),
    )


def told_of(one: Answered, t: Catalogue) -> Told:
    """The score in words; where a question was passed over, that there is none."""
    measure = one.measure
    band = one.band
    return Told(
        name=wording.measure_name(measure, t),
        score="" if one.score is None or band is None else str(one.score),
        explain=t.danish(measure.explain),
        says=t.danish(band.says) if band is not None else "",
        missing=one.missing,
    )


def _is_own(forms: Sequence[Questionnaire]) -> bool:
    """Whether some of them are asked in other words than the official ones."""
    return any(form.own for form in forms)


# ── one question ─────────────────────────────────────────────────────────────────────────────────


async def question(opened: Opened) -> Response:
    """One page of questions: shown by a GET, kept by a POST. Raises Forbidden for who may only read."""
    context = opened.context
    patient = await own_patient(context)
    asked = await read_next_round(context, patient)
    if asked is None or not is_time(asked.due, context.on):
        return go(PLACE)
    stop = next((one for one in stops_of(asked.forms) if one.slug == opened.path("step")), None)
    if stop is None:
        raise NotFound("no such question is asked")
    if opened.posted:
        return await _keep(opened, asked, stop)
    if asked.is_sent(stop.form):
        return go(PLACE)
    return _question_page(opened, asked, stop, [_shown(asked, step) for step in stop.steps])


def _shown(asked: Round, step: Step) -> Asked:
    reply = asked.reply(step)
    said = reply or Reply()
    return Asked(step.question, frozenset(one.code for one in said.options), said.text, reply_mark(reply))


def _question_page(opened: Opened, asked: Round, stop: Stop, shown: Sequence[Asked], status: int = 200) -> Response:
    t, stops = opened.t, _open_stops(asked)
    at = next((n for n, one in enumerate(stops) if one.slug == stop.slug), 0)
    fields = opened.form if opened.posted else opened.asked
    return opened.page(
        "preparation_question.html",
        t("preparation.question", number=at + 1, count=len(stops)),
        status,
        stop=stop,
        title=t.danish(stop.form.title),
        lead=t.danish(stop.questions[0].lead),
        shown=shown,
        errors=[one for one in shown if one.error],
        conflict=any(one.theirs for one in shown),
        back=f"{PLACE}/{stops[at - 1].slug}" if at else PLACE,
        place=f"{PLACE}/{stop.slug}",
        came_from=REVIEW if fields.text(BACK) == "svar" else "",
    )


async def _keep(opened: Opened, asked: Round, stop: Stop) -> Response:
    context, form, t = opened.context, opened.form, opened.t
    passed = form.text("handling") == PASS
    said = {one.id: Reply() if passed else _reply(opened, one) for one in stop.questions}
    shown = [_as_sent(opened, one, said[one.id], passed) for one in stop.questions]
    if any(one.error for one in shown):
        return _question_page(opened, asked, stop, shown, 422)
    replies = [(step, said[step.question.id], form.text(SEEN + step.question.id)) for step in stop.steps]
    try:
        await keep_replies(context, asked.patient, replies)
    except ReplyChanged:
        return await _conflict(opened, stop, said)
    except AnswersSent:
        return opened.page(
            "preparation_late.html",
            t("preparation.late"),
            409,
            mine=[(t.danish(one.says), t.danish(_says(said[one.id], t))) for one in stop.questions],
        )
    return go(_after(opened, asked, stop, said))


def _reply(opened: Opened, one: Question) -> Reply:
    if one.options:
        return Reply(options_from_codes(one, opened.form.all(ANSWER + one.id)))
    return Reply(text=opened.form.text(ANSWER + one.id))


def _as_sent(opened: Opened, one: Question, reply: Reply, passed: bool) -> Asked:
    """The question as it came back, with what is wrong about the answer."""
    t, error = opened.t, ""
    if len(reply.options) > one.most:
        error = t("preparation.too-many", count=one.most)
    elif one.length and len(reply.text) > one.length:
        error = t("preparation.too-long", count=one.length)
    elif one.counts and reply.empty and not passed:
        error = t("preparation.choose")
    codes = frozenset(option.code for option in reply.options)
    return Asked(one, codes, reply.text, opened.form.text(SEEN + one.id), error)


async def _conflict(opened: Opened, stop: Stop, said: Mapping[str, Reply]) -> Response:
    """Both answers side by side; sending again keeps the one that is chosen now."""
    asked = await read_next_round(opened.context, await own_patient(opened.context))
    if asked is None:
        return go(PLACE)
    shown = []
    for step in stop.steps:
        stands, mine = asked.reply(step), said[step.question.id]
        theirs = "" if stands in (None, mine) else _says(stands, opened.t)
        codes = frozenset(one.code for one in mine.options)
        shown.append(Asked(step.question, codes, mine.text, reply_mark(stands), theirs=theirs))
    return _question_page(opened, asked, stop, shown, 409)


def _says(reply: Reply | None, t: Catalogue) -> str:
    """An answer in words."""
    if reply is None or reply.empty:
        return t("preparation.unanswered")
    return ", ".join(one.says for one in reply.options) or reply.text


def _after(opened: Opened, asked: Round, stop: Stop, said: Mapping[str, Reply]) -> str:
    """The page that comes next: help first, where an answer needs it."""
    stops = _open_stops(asked)
    at = next((n for n, one in enumerate(stops) if one.slug == stop.slug), len(stops))
    following = stops[at + 1].slug if at + 1 < len(stops) and opened.form.text(BACK) != "svar" else "svar"
    if any(_rings(alarm, said) for alarm in _alarms(opened.context, stop.form)):
        return f"{HELP}?til={following}"
    return f"{PLACE}/{following}"


def _alarms(context: Context, form: Questionnaire) -> tuple[Alarm, ...]:
    instruments = (one for one in context.knowledge.instruments.values() if one.url == form.url)
    return tuple(alarm for one in instruments for alarm in one.alarms)


def _rings(alarm: Alarm, said: Mapping[str, Reply]) -> bool:
    reply = said.get(alarm.question)
    return reply is not None and bool(reply.options) and alarm.rings(reply.options[0].points)


# ── the answers, and sending them ────────────────────────────────────────────────────────────────


async def review(opened: Opened) -> Response:
    """Every answer with «Ret»; a POST sends them, as they were seen."""
    context = opened.context
    patient = await own_patient(context)
    asked = await read_next_round(context, patient)
    if asked is None or not is_time(asked.due, context.on) or asked.sent:
        return go(PLACE)
    if not opened.posted:
        return _review_page(opened, asked)
    try:
        await send_answers(context, patient, opened.form.text("mark"))
    except AnswersChanged:
        now = await read_next_round(context, patient)
        return _review_page(opened, now or asked, 409, changed=True)
    return go(PLACE)


def _review_page(opened: Opened, asked: Round, status: int = 200, *, changed: bool = False) -> Response:
    t, stops = opened.t, _open_stops(asked)
    rows = [
        (f"{PLACE}/{stop.slug}?{BACK}=svar", t.danish(step.question.says), _answer(asked.reply(step), t))
        for stop in stops
        for step in stop.steps
    ]
    return opened.page(
        "preparation_review.html",
        t("preparation.review"),
        status,
        rows=rows,
        mark=asked.mark,
        changed=changed,
        unanswered=any(step.question.counts and _is_open(asked.reply(step)) for step in asked.steps),
        back=f"{PLACE}/{stops[-1].slug}",
        own=_is_own(asked.forms),
    )


def _answer(reply: Reply | None, t: Catalogue) -> str:
    return t("preparation.unanswered") if _is_open(reply) else t.danish(_says(reply, t))


def _is_open(reply: Reply | None) -> bool:
    return reply is None or reply.empty


async def help_page(opened: Opened) -> Response:
    """Whom to ring, for an answer that needs it."""
    context, t = opened.context, opened.t
    patient = await own_patient(context)
    slug, asked = opened.asked.text("til"), await read_next_round(context, patient)
    known = {"svar", *(one.slug for one in stops_of(asked.forms))} if asked is not None else set()
    return opened.page(
        "preparation_help.html",
        t("preparation.help.title"),
        clinic=await _clinic(context, patient),
        rings=await is_to_be_rung(context, patient),
        place=f"{PLACE}/{slug}" if slug in known else PLACE,
    )


async def _clinic(context: Context, patient: str) -> Contact:
    """The practice the person is listed with; nothing where it is not known here."""
    clinic = listed_with(parse((await read(context, "Patient", patient)).body or b""))
    if clinic is None:
        return Contact()
    try:
        organization = parse((await read(context, "Organization", clinic)).body or b"")
    except NotFound:
        return Contact()
    reference = f"Organization/{clinic}"
    return contact_of({reference: organization}, reference)
