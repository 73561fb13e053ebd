"""The printed plan over HTTP: `/print/Patient/[id]/plan.pdf`. What stands on the sheet is `sheet`.

Only the short sheet in Danish is made so far; another edition or language is refused in words.
"""

import asyncio

from starlette.responses import Response

from careplan.domain.errors import CareplanError
from careplan.interactions.overview import read_overview
from careplan.store.protocol import NotFound
from careplan.views.closed import with_closed_plans
from careplan.views.page import Opened
from careplan.views.sheet import plan_pdf

EDITIONS, LANGUAGES = frozenset({"", "short"}), frozenset({"", "da"})


class EditionUnknown(CareplanError):
    """The sheet is not made in this edition or language."""

    code = "edition-unknown"


async def plan_sheet(opened: Opened) -> Response:
    """The PDF, never cached. Raises EditionUnknown, NotFound without a plan, Forbidden."""
    context, patient = opened.context, opened.path("id")
    if opened.asked.text("edition") not in EDITIONS or opened.asked.text("lang") not in LANGUAGES:
        raise EditionUnknown("the sheet is made as edition=short and lang=da")
    audience = "patient" if context.caller.role == "patient" else "clinic"
    overview = await with_closed_plans(context, await read_overview(context, patient, audience))
    if not overview.plans and not overview.closed:
        raise NotFound(f"Patient/{patient} has no plan to print")
    pdf = await asyncio.to_thread(plan_pdf, overview, printed_at=context.now)
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": 'inline; filename="forloebsplan.pdf"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(pdf, media_type="application/pdf", headers=headers)
