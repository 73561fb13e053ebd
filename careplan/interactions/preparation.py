"""«Forbered din årskontrol»: what a person is asked before the control, answered one question at a time, sent once.

Each answer is kept in the record as it is given (a QuestionnaireResponse in progress), so that it goes on from another
device. Sending completes every response in one commit; their scores follow from it, whichever door they come by
(`scoring`). Nobody's answer is overwritten unseen. Not here: what is asked of whom (the plan types' `ask`), and what
the pages show.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from careplan.domain.calendar import add_months
from careplan.domain.errors import CareplanError
from careplan.domain.guideline import CONTROL, Knowledge
from careplan.fhir import systems
from careplan.fhir.agreed import activity_of, due_of, is_of_plan, is_open
from careplan.fhir.instant import day_of, find_instant
from careplan.fhir.mapping import last_reviewed, plan_type_of
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.questionnaire import Form, Question
from careplan.fhir.questionnaire_response import (
    SENT,
    Reply,
    answered_at,
    form_of,
    new_response,
    newest_first,
    replies_of,
    sent_response,
    with_reply,
)
from careplan.fhir.text import Json, dump, parse, read_text
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.guest import speaker_of
from careplan.interactions.mark import identifier_of
from careplan.interactions.person import read_held
from careplan.interactions.precondition import PreconditionFailed, check_change
from careplan.interactions.write import create, update
from careplan.store.protocol import Guard, GuardFailed, NotFound, Version, VersionConflict, guard_of

AHEAD = timedelta(days=14)
"""How long before the årskontrol it is prepared."""

TALK = f"{systems.CANONICAL}/Questionnaire/samtale"
"""What the person wants to talk about: asked of everybody, last."""

TOPICS, WORDS = "emner", "ord"
"""Its questions."""

_YEAR = 12


class ReplyChanged(CareplanError):
    """The question was answered otherwise, on another device, since it was shown. `theirs`: the answer that stands."""

    code = "reply-changed"

    def __init__(self, message: str, theirs: Reply | None) -> None:
        super().__init__(message)
        self.theirs = theirs


class AnswersSent(CareplanError):
    """The answers are with the clinic already; what came after is not among them."""

    code = "answers-sent"


class AnswersChanged(CareplanError):
    """Some answer is no longer as it was seen when it was sent."""

    code = "answers-changed"


@dataclass(frozen=True, slots=True)
class Step:
    """One question to answer, of a form."""

    form: Form
    question: Question


@dataclass(frozen=True, slots=True)
class Round:
    """What one person is asked before one årskontrol.

    due        the day of the control
    since      the moment of the last control; what was answered before it counts for that one
    forms      what is asked, in order, the talk last
    responses  by url: what is sent, else what is begun by whoever asks
    seen       every response there is, as it was read; found by `query`
    """

    patient: str
    due: date
    since: datetime | None
    forms: tuple[Form, ...]
    responses: Mapping[str, Json] = field(default_factory=dict)
    seen: tuple[Version, ...] = ()
    query: Query = field(default_factory=lambda: Query("QuestionnaireResponse"))

    def is_sent(self, form: Form) -> bool:
        return self.responses.get(form.url, {}).get("status") in SENT

    @property
    def sent(self) -> bool:
        return all(self.is_sent(form) for form in self.forms)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The questions that are still to be sent."""
        return tuple(Step(form, one) for form in self.forms if not self.is_sent(form) for one in form.questions)

    def reply(self, step: Step) -> Reply | None:
        """What was said; None where the question was not come to."""
        response = self.responses.get(step.form.url)
        return None if response is None else replies_of(step.form, response).get(step.question.id)

    @property
    def begun(self) -> bool:
        return any(self.reply(step) is not None for step in self.steps)

    @property
    def mark(self) -> str:
        """What all the answers are, in a few characters."""
        return _digest("|".join(reply_mark(self.reply(step)) for step in self.steps))


def reply_mark(reply: Reply | None) -> str:
    """What an answer is, in a few characters: what a form that shows it sends back."""
    if reply is None:
        return "none"
    return _digest("/".join((*(f"{one.system}#{one.code}" for one in reply.options), reply.text)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


# ── when, and what ───────────────────────────────────────────────────────────────────────────────


def control_due(plans: Iterable[Json], tasks: Iterable[Json]) -> date | None:
    """The day of the next årskontrol: of its open Task, else a year after the last; None without an active plan."""
    active = [plan for plan in plans if plan.get("status") == "active" and plan_type_of(plan)]
    if not active:
        return None
    open_tasks = [task for task in tasks if is_of_plan(task) and is_open(task) and activity_of(task) == CONTROL]
    days = [day for task in open_tasks if (day := due_of(task)) is not None]
    last = control_held(active)
    return min(days, default=None if last is None else add_months(last.date(), _YEAR))


def control_held(plans: Iterable[Json]) -> datetime | None:
    """The moment at which the active plans were last gone through."""
    moments = [find_instant(last_reviewed(plan)) for plan in plans if plan.get("status") == "active"]
    return max((one for one in moments if one is not None), default=None)


def is_time(due: date | None, on: date) -> bool:
    """Whether the control is so near that it is prepared, or overdue."""
    return due is not None and on >= due - AHEAD


def forms_of(knowledge: Knowledge, kinds: Iterable[str], forms: Mapping[str, Form]) -> tuple[Form, ...]:
    """What people with plans of these types are asked, each once, the talk last."""
    having = set(kinds)
    plans = [plan for kind, plan in knowledge.plans.items() if kind in having]
    asked = dict.fromkeys(ask.questionnaire for plan in plans for ask in plan.asks)
    urls = [*(knowledge.instruments[name].url for name in asked), TALK]
    return tuple(forms[url] for url in urls if url in forms)


async def read_round(context: Context, patient: str) -> Round | None:
    """What the person is asked now; None where no control is near. Raises NotFound, Deleted, Forbidden."""
    found = await read_next_round(context, patient)
    return found if found is not None and is_time(found.due, context.on) else None


async def read_next_round(context: Context, patient: str) -> Round | None:
    """The questions of the next control, near or not. Raises NotFound, Deleted, Forbidden."""
    held = await read_held(context, patient, ("CarePlan", "Task"))
    return await round_of(context, patient, held.resources["CarePlan"], held.resources["Task"])


async def round_of(context: Context, patient: str, plans: Iterable[Json], tasks: Iterable[Json]) -> Round | None:
    """The questions of the next control, near or not, as they stand; None without an active plan. One search.

    plans, tasks  of a patient whose record the caller was let into
    """
    active = [plan for plan in plans if plan.get("status") == "active"]
    due = control_due(active, tasks)
    if due is None:
        return None
    query = await access.unblocked(context, Query("QuestionnaireResponse", patient=patient))
    seen = await every(context, query)
    since = control_held(active)
    responses = [one for one in newest_first(parse(one.body or b"") for one in seen) if is_after(one, since)]
    kinds = (kind for plan in active if (kind := plan_type_of(plan)))
    forms = forms_of(context.knowledge, kinds, context.house.questionnaires)
    chosen = {form.url: _chosen(context, form, responses) for form in forms}
    found = {url: one for url, one in chosen.items() if one is not None}
    return Round(patient, due, since, forms, found, tuple(seen), query)


def is_after(response: Json, since: datetime | None) -> bool:
    """Whether it was answered after the last control."""
    at = answered_at(response)
    return since is None or (at is not None and at > since)


def _chosen(context: Context, form: Form, responses: Sequence[Json]) -> Json | None:
    """The newest that is sent, else the newest that is begun: by whoever asks, where that is no clinician."""
    ours = [one for one in responses if form_of(one, context.house.questionnaires) == form]
    sent = (one for one in ours if one.get("status") in SENT)
    begun = (one for one in ours if one.get("status") == "in-progress" and _is_mine(context, one))
    return next(sent, next(begun, None))


def _is_mine(context: Context, response: Json) -> bool:
    if context.caller.role != "patient":
        return True
    return bool((response.get("author") or {}).get("reference") == speaker_of(context))


# ── answering ────────────────────────────────────────────────────────────────────────────────────


async def keep_replies(context: Context, patient: str, replies: Sequence[tuple[Step, Reply, str]]) -> None:
    """Keep answers to questions of one form.

    replies  question, what is said now, and the mark of what was shown (`reply_mark`)
    Raises   ReplyChanged, AnswersSent, NotFound where nothing is asked now, ResourceInvalid, Forbidden
    """

    async def work() -> None:
        asked = await _asked(context, patient)
        form = replies[0][0].form
        if asked.is_sent(form):
            raise AnswersSent("the answers are sent already")
        for step, reply, mark in replies:
            stands = asked.reply(step)
            if reply_mark(stands) != mark and stands != reply:
                raise ReplyChanged("the question was answered otherwise since it was shown", stands)
        await _keep(context, asked, form, [(step.question, reply) for step, reply, _ in replies])

    await again(work, VersionConflict, GuardFailed, PreconditionFailed)


async def _asked(context: Context, patient: str) -> Round:
    found = await read_round(context, patient)
    if found is None:
        raise NotFound("nothing is asked now")
    return found


async def _keep(context: Context, asked: Round, form: Form, said: Iterable[tuple[Question, Reply]]) -> None:
    stands = asked.responses.get(form.url)
    made = stands or _begun(context, asked, form)
    for question, reply in said:
        made = with_reply(form, made, question, reply, context.now)
    source = read_text(dump({name: part for name, part in made.items() if name != "meta"}))
    if stands is not None:
        await update(context, "QuestionnaireResponse", stands["id"], source, expects=int(stands["meta"]["versionId"]))
    elif not (await create(context, "QuestionnaireResponse", source, _same_round(asked, made))).changed:
        raise PreconditionFailed("the response was begun meanwhile")


def _begun(context: Context, asked: Round, form: Form) -> Json:
    speaker, since = speaker_of(context), asked.since.isoformat() if asked.since else ""
    key = identifier_of(f"{asked.patient} {speaker} {form.url} {since}")["value"]
    return new_response(form, asked.patient, speaker, context.now, key)


def _same_round(asked: Round, made: Json) -> Query:
    """The same response, begun already."""
    identifier = made["identifier"]
    token = Criterion("identifier", "token", (TokenIs(identifier["system"], identifier["value"]),))
    begun = Criterion("status", "token", (TokenIs("", "in-progress"),))
    return Query("QuestionnaireResponse", (token, begun), patient=asked.patient)


async def send_answers(context: Context, patient: str, mark: str) -> Round:
    """Send all that is asked, in one commit; what is sent already is not sent again.

    mark    of the answers as they were seen (`Round.mark`)
    Raises  AnswersChanged, NotFound, ResourceInvalid, Forbidden
    """

    async def work() -> Round:
        asked = await _asked(context, patient)
        if asked.sent:
            return asked
        if asked.mark != mark:
            raise AnswersChanged("an answer is no longer as it was seen")
        changes = [_sending(context, asked, form) for form in asked.forms if not asked.is_sent(form)]
        for change in changes:
            await check_change(context, change)
        await commit(context, changes, [_guard(asked)], Activity("send-preparation"))
        return asked

    return await again(work, VersionConflict, GuardFailed)


def _sending(context: Context, asked: Round, form: Form) -> Change:
    stands = asked.responses.get(form.url)
    made = sent_response(form, stands or _begun(context, asked, form), context.now)
    if stands is None:
        return change_from_value(made, context.new_id())
    previous = next(one for one in asked.seen if one.id == stands["id"])
    bare = {name: part for name, part in made.items() if name != "meta"}
    return change_from_value(bare, stands["id"], previous)


def _guard(asked: Round) -> Guard:
    """No response may have come or changed since these were read."""
    return guard_of(f"Patient/{asked.patient}/preparation", asked.query, asked.seen)


# ── what the clinic sees ─────────────────────────────────────────────────────────────────────────


async def prepared(context: Context, patients: Collection[str]) -> dict[str, date]:
    """Of these patients, who has sent answers since their last control, and the day of it. Two searches.

    Raises Forbidden
    """
    sent = Criterion("status", "token", tuple(TokenIs("", one) for one in sorted(SENT)))
    answered = await _of(context, Query("QuestionnaireResponse", (sent,)), frozenset(patients))
    ours = [(who, one) for who, one in answered if form_of(one, context.house.questionnaires) is not None]
    active = Criterion("status", "token", (TokenIs("", "active"),))
    plans: dict[str, list[Json]] = {}
    for who, plan in await _of(context, Query("CarePlan", (active,)), frozenset(who for who, _ in ours)):
        plans.setdefault(who, []).append(plan)
    found: dict[str, date] = {}
    for who, response in ours:
        at = answered_at(response)
        if at is not None and who in plans and is_after(response, control_held(plans[who])):
            found[who] = max(day_of(at), found.get(who, date.min))
    return found


async def _of(context: Context, query: Query, patients: frozenset[str]) -> list[tuple[str, Json]]:
    if not patients:
        return []
    versions = await every(context, await access.restrict(context, query.within(patients)))
    return [(one.patient, parse(one.body or b"")) for one in versions if one.patient is not None]
