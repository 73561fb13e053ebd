"""Writing to the clinic: a question, or that a number is wrong; and what was asked and answered (B2, B3).

No place for what is urgent, and every page says so. The clinic's side is `answering`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.responses import Response

from careplan.fhir.message import Message, Said
from careplan.interactions.access import may_add
from careplan.interactions.context import Context
from careplan.interactions.guest import speaker_of
from careplan.interactions.message import (
    LENGTH,
    ClinicMissing,
    MessageFaulty,
    OtherSent,
    messages_of_patient,
    send_message,
)
from careplan.interactions.overview import Line, read_overview
from careplan.interactions.representation import OnlyReads
from careplan.store.protocol import NotFound
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.closed import with_closed_plans
from careplan.views.contact import contact_of
from careplan.views.directory import directory_of
from careplan.views.measured import MARK
from careplan.views.origin import origin
from careplan.views.page import Opened, go
from careplan.views.plan import own_patient

PLACE = "/plan/beskeder"
TEXT = "tekst"


@dataclass(frozen=True, slots=True)
class Shown:
    """One message as a page tells it: what it is about, who wrote what, and the answer."""

    topic: str
    head: str
    text: str
    answer_head: str
    answer: str


async def ask(opened: Opened) -> Response:
    """«Skriv til klinikken»: a question about anything. Raises OnlyReads."""
    return await _form(opened, "question", opened.t("message.title"), (), "")


async def ask_about(opened: Opened) -> Response:
    """«Er tallet forkert?»: about the newest value of a measure in the plan. Raises NotFound, OnlyReads."""
    context, t = opened.context, opened.t
    patient = await own_patient(context)
    overview = await with_closed_plans(context, await read_overview(context, patient, "patient"))
    line = next((one for one in overview.lines if one.measure.id == opened.path("measure")), None)
    if line is None or line.newest is None:
        raise NotFound("the plan has no value of this measure")
    return await _form(opened, "number-wrong", t("message.wrong-title"), line.newest.references, _number(line, t))


def _number(line: Line, t: Catalogue) -> str:
    """«Langtidsblodsukker: 58 mmol/mol, 14.03.2026, lab.kort»."""
    assert line.newest is not None
    day = wording.danish_date(wording.day_of(line.newest))
    value = wording.value_with_unit(line.measure, line.newest, t)
    return f"{wording.measure_name(line.measure, t)}: {value}, {day}, {origin(line.newest, t)}"


async def _form(opened: Opened, topic: str, title: str, about: Sequence[str], number: str) -> Response:
    context, text = opened.context, opened.form.text(TEXT)
    patient = await own_patient(context)
    if not await may_add(context, patient):
        raise OnlyReads("this power of attorney lets read, not write")
    if not opened.posted:
        return _page(opened, topic, title, number, "")
    try:
        await send_message(context, patient, topic, text, about, mark=opened.form.text(MARK))
    except (MessageFaulty, ClinicMissing) as error:
        return _page(opened, topic, title, number, text, error)
    except OtherSent as other:
        return _page(opened, topic, title, number, text, sent=other.sent)
    return go(PLACE, besked="besked-sendt")


def _page(
    opened: Opened,
    topic: str,
    title: str,
    number: str,
    text: str,
    error: MessageFaulty | ClinicMissing | None = None,
    sent: str = "",
) -> Response:
    """`sent`: the other words that this form has sent; it gets a mark of its own for these."""
    t, new = opened.t, opened.view.new_id()
    says = t("message.error", most=LENGTH) if isinstance(error, MessageFaulty) else t("message.no-clinic")
    return opened.page(
        "message_form.html",
        title,
        422 if error else 409 if sent else 200,
        theirs=[sent] if sent else [],
        mine=[text],
        place=opened.request.url.path,
        number=number,
        hint=t("message.wrong-hint" if topic == "number-wrong" else "message.hint"),
        text=text,
        error=says if error else "",
        length=LENGTH,
        mark=new if sent else opened.form.text(MARK) or new,
    )


async def listed(opened: Opened) -> Response:
    """«Mine beskeder»: every question and its answer, newest first."""
    context, t = opened.context, opened.t
    patient = await own_patient(context)
    messages = [await _by_directory(context, one) for one in await messages_of_patient(context, patient)]
    found = [_shown(context, one, t) for one in messages]
    return opened.page("messages.html", t("message.mine"), messages=found, may=await may_add(context, patient))


async def _by_directory(context: Context, message: Message) -> Message:
    """The answer by the name that is on record of who wrote it; as it was signed where nothing is."""
    if message.answer is None:
        return message
    by = message.answer.by
    name = contact_of(await directory_of(context, [by]), by).name or message.answer.name
    return replace(message, answer=replace(message.answer, name=name))


def _shown(context: Context, message: Message, t: Catalogue) -> Shown:
    answer = message.answer
    return Shown(
        t(f"message.topic.{message.topic}"),
        _head(message.asked, t, own=message.asked.by == speaker_of(context)),
        message.asked.text,
        "" if answer is None else t("message.answered", who=answer.name, at=moment_text(answer, t)),
        "" if answer is None else answer.text,
    )


def _head(said: Said, t: Catalogue, *, own: bool) -> str:
    at = moment_text(said, t)
    return t("message.you-wrote", at=at) if own else t("message.wrote", who=said.name, at=at)


def moment_text(said: Said, t: Catalogue) -> str:
    """When it was written; empty where nobody says."""
    return "" if said.at is None else wording.time_text(said.at, t)
