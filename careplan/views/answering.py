"""The clinic's side of messages: what waits for an answer, and answering it.

An answer goes out once: when somebody else has answered meanwhile, both answers stand side by side and nothing is sent.
The tab «Mangler svar» of C1 lists the same messages (`open_messages`).
"""

from dataclasses import dataclass

from starlette.responses import Response

from careplan.fhir.message import Message
from careplan.fhir.reading import readings_from_observation
from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context
from careplan.interactions.message import LENGTH, MessageFaulty, answer_message, open_messages, read_message
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.read import find_version, read
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.contact import age, person_name
from careplan.views.message import TEXT, moment_text
from careplan.views.origin import origin
from careplan.views.page import Opened, go

PLACE = "/beskeder"


@dataclass(frozen=True, slots=True)
class Row:
    """A message that waits: whom it is about, what it is about, who wrote it, and when."""

    task: str
    name: str
    age: int | None
    topic: str
    sender: str
    at: str


async def listed(opened: Opened) -> Response:
    """Every message that waits for an answer of the caller's clinic."""
    context, t = opened.context, opened.t
    rows = [_row(one.message, one.patient, context, t) for one in await open_messages(context)]
    return opened.page("answering.html", t("answering.title"), rows=rows)


def _row(message: Message, patient: Json, context: Context, t: Catalogue) -> Row:
    return Row(
        message.task,
        person_name(patient),
        age(patient, context.on),
        t(f"message.topic.{message.topic}"),
        t("word.patient") if message.asked.by == f"Patient/{message.patient}" else message.asked.name,
        moment_text(message.asked, t),
    )


async def answer(opened: Opened) -> Response:
    """One message, and the form to answer it. Raises NotFound, Forbidden."""
    context, task = opened.context, opened.path("id")
    message = await read_message(context, task)
    if not opened.posted:
        return await _page(opened, message, "")
    text = opened.form.text(TEXT)
    try:
        await answer_message(context, task, text, opened.form.whole("version"))
    except MessageFaulty:
        return await _page(opened, message, text, 422)
    except PreconditionFailed:
        return await _page(opened, await read_message(context, task), text, 409)
    return go(PLACE, besked="besvaret")


async def _page(opened: Opened, message: Message, text: str, status: int = 200) -> Response:
    context, t = opened.context, opened.t
    patient = parse((await read(context, "Patient", message.patient)).body or b"")
    said = message.answer
    return opened.page(
        "answer.html",
        t("answering.title-one"),
        status,
        task=message.task,
        version=message.version,
        patient=message.patient,
        row=_row(message, patient, context, t),
        question=message.asked.text,
        about=await _about(context, message, t),
        answered=t("answering.answered", who=said.name, at=moment_text(said, t)) if said else "",
        answer=said.text if said else "",
        text=text,
        error=t("answering.error", most=LENGTH) if status == 422 else "",
        conflict=status == 409,
        length=LENGTH,
    )


async def _about(context: Context, message: Message, t: Catalogue) -> list[str]:
    """The values that the message is about, as the record has them now."""
    found: list[str] = []
    for reference in message.about:
        type_name, _, id = reference.partition("/")
        version = await find_version(context, type_name, id) if type_name == "Observation" else None
        if version is not None:
            found += _values(context, parse(version.body or b""), t)
    return found


def _values(context: Context, observation: Json, t: Catalogue) -> list[str]:
    measures = context.knowledge.measures
    return [
        t(
            "answering.about-number",
            name=measures[one.measure].name,
            value=wording.value_with_unit(measures[one.measure], one, t),
            day=wording.danish_date(wording.day_of(one)),
            source=origin(one, t),
        )
        for one in readings_from_observation(observation, context.house.reader.codes)
    ]
