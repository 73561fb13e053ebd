"""«Vis CPR»: the whole person number, shown once to staff who may see the person, and logged as an act of its own.

By POST, so that no address, history or link opens it. Not here: how a number is hidden elsewhere (`contact`).
"""

from starlette.responses import Response

from careplan.fhir.person_number import shown
from careplan.fhir.text import parse
from careplan.interactions.read import read
from careplan.views.contact import person_name
from careplan.views.page import Opened

ACT = "page/CPR"
"""What it is called in the audit log."""


async def show(opened: Opened) -> Response:
    """The number on a page of its own. Raises NotFound, Forbidden."""
    opened.context.trail.act = ACT
    patient = parse((await read(opened.context, "Patient", opened.path("id"))).body or b"")
    back = f"/patient/{patient['id']}/aarskontrol" if opened.context.caller.role == "clinic" else None
    return opened.page(
        "person_number.html",
        opened.t("cpr.title"),
        person=person_name(patient),
        number=shown(patient),
        back=back or f"/borger/{patient['id']}",
    )
