"""B8 «Udskriv» and the printed plan: which sheet, how it looks, the PDF, and that it was handed over.

Choosing and looking are GETs and change nothing. The button posts: it records the delivery (`interactions.delivery`)
and leads on to the PDF, so that a reload, a second look or whatever fetches links ahead records nothing. What stands
on the sheet is `sheet`, how it is set `typeset`.
"""

import asyncio
from dataclasses import replace

from starlette.responses import Response

from careplan.domain.errors import CareplanError
from careplan.interactions.delivery import deliver, find_delivery
from careplan.interactions.overview import Overview, read_overview
from careplan.store.protocol import NotFound
from careplan.views import wording
from careplan.views.catalogue import LANGUAGES
from careplan.views.closed import with_closed_plans
from careplan.views.form import Form
from careplan.views.frame import catalogue
from careplan.views.page import Opened, go
from careplan.views.person_number import ACT as SHOWN_NUMBER
from careplan.views.plan import own_patient
from careplan.views.printed import remember_print
from careplan.views.sheet import BLOCKS, Edition, sheet_of
from careplan.views.typeset import FontMissing, check_font, has_font, pdf_of_sheet


class EditionUnknown(CareplanError):
    """The sheet is not made in this edition or language."""

    code = "edition-unknown"


async def show(opened: Opened) -> Response:
    """The choices, and a preview of the sheet that is chosen, without the person number.

    Raises EditionUnknown, NotFound, Forbidden
    """
    context, patient = opened.context, await _patient(opened)
    edition = _edition(opened.asked, opened.t.language)
    overview = await _overview(opened, patient)
    texts, last = catalogue(edition.language), await find_delivery(context, patient)
    return opened.page(
        "print.html",
        opened.t("print.title"),
        patient=patient,
        chosen=edition,
        editions=tuple(BLOCKS),
        languages=tuple(LANGUAGES.values()),
        sheet=sheet_of(overview, replace(edition, cpr=False), texts, context.now),
        texts=texts,
        missing="" if has_font(edition.language) else FontMissing.package,
        last=wording.danish_date(last) if last else "",
        path=opened.request.url.path,
        back="/plan" if opened.context.caller.role == "patient" else f"/patient/{patient}/aarskontrol",
    )


async def hand_over(opened: Opened) -> Response:
    """Show the sheet that was chosen; or record that it was handed over, and on to its PDF.

    Raises FontMissing, EditionUnknown, NotFound, Forbidden
    """
    patient = await _patient(opened)
    edition = _edition(opened.form, opened.t.language)
    if opened.form.text("handling") == "vis":
        return go(opened.request.url.path, **fields_of(edition))
    check_font(edition.language)
    overview = await _overview(opened, patient)
    plans = [f"CarePlan/{one['id']}" for one in overview.plans or overview.closed]
    await deliver(opened.context, patient, edition.name, edition.language, plans)
    response = go(f"/print/Patient/{patient}/plan.pdf", **fields_of(edition))
    if opened.context.caller.role == "patient":
        remember_print(opened.request, response, patient, opened.context.on)
    return response


def fields_of(edition: Edition) -> dict[str, str]:
    """An edition as the address of its PDF names it."""
    return {"edition": edition.name, "lang": edition.language} | ({"cpr": "ja"} if edition.cpr else {})


async def plan_sheet(opened: Opened) -> Response:
    """The PDF, never cached. Raises EditionUnknown, FontMissing, NotFound without a plan, Forbidden."""
    edition = _edition(opened.asked, "da")
    check_font(edition.language)
    overview = await _overview(opened, opened.path("id"))
    sheet = sheet_of(overview, edition, catalogue(edition.language), opened.context.now)
    pdf = await asyncio.to_thread(pdf_of_sheet, sheet)
    if edition.cpr:
        opened.context.trail.part(SHOWN_NUMBER).met([opened.path("id")])
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": 'inline; filename="forloebsplan.pdf"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(pdf, media_type="application/pdf", headers=headers)


async def _patient(opened: Opened) -> str:
    """Whose plan: the address says so on pages for staff, else it is the patient's own."""
    return opened.path("id") if "id" in opened.request.path_params else await own_patient(opened.context)


def _edition(fields: Form, language: str) -> Edition:
    """What is asked for; short and in the page's language where nothing is. Raises EditionUnknown."""
    edition = Edition(fields.text("edition") or "short", fields.text("lang") or language, bool(fields.text("cpr")))
    if edition.name not in BLOCKS or edition.language not in LANGUAGES:
        names = f"edition={'|'.join(BLOCKS)} and lang={'|'.join(LANGUAGES)}"
        raise EditionUnknown(f"the sheet is made as {names}")
    return edition


async def _overview(opened: Opened, patient: str) -> Overview:
    context = opened.context
    audience = "patient" if context.caller.role == "patient" else "clinic"
    overview = await with_closed_plans(context, await read_overview(context, patient, audience))
    if not overview.plans and not overview.closed:
        raise NotFound(f"Patient/{patient} has no plan to print")
    return overview
