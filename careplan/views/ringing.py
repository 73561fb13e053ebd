"""Ringing to a patient because of what was answered before the control: whom, why, and what came of it.

Once it is written down, the task is done; what somebody else wrote meanwhile is shown, and nothing is lost.
"""

from starlette.responses import Response

from careplan.domain.words import LENGTH
from careplan.fhir.agreed import OPEN_TASK
from careplan.fhir.instant import find_date
from careplan.interactions.overview import read_overview
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.ringing import CallUnsaid, read_call, rung, words_of
from careplan.views.answers import summary_of
from careplan.views.banner import banner_of
from careplan.views.contact import phone_of
from careplan.views.page import Opened, go


async def call(opened: Opened) -> Response:
    """The page; sent, the call is written down."""
    if not opened.posted:
        return await _page(opened)
    try:
        await rung(opened.context, opened.path("task"), opened.form.text("tekst"))
    except CallUnsaid:
        return await _page(opened, 422)
    except PreconditionFailed:
        return await _page(opened, 409)
    patient = (await read_call(opened.context, opened.path("task")))[0].patient
    return go(f"/patient/{patient}/aarskontrol", besked="ringet")


async def _page(opened: Opened, status: int = 200) -> Response:
    context, t = opened.context, opened.t
    version, task = await read_call(context, opened.path("task"))
    overview = await read_overview(context, str(version.patient), "clinic")
    done = task.get("status") not in OPEN_TASK
    return opened.page(
        "ringing.html",
        t("ringing.title"),
        status,
        banner=banner_of(overview, context.knowledge),
        patient=overview.patient["id"],
        task=version.id,
        since=find_date(task.get("authoredOn")),
        phone=phone_of(overview.patient),
        preparation=await summary_of(context, overview, t),
        done=done,
        said=words_of(task),
        text=opened.form.text("tekst"),
        error=t("ringing.error", most=LENGTH) if status == 422 else "",
        conflict=status == 409,
    )
