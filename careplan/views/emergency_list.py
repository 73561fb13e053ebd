"""«Gennemgang af værdispring»: every emergency access of the own clinic or hospital, and what was found about each.

Who, when, why and whose record; gone through by somebody else than it was. Not here: what is kept of a review
(`interactions.emergency_review`).
"""

from dataclasses import dataclass

from starlette.responses import Response

from careplan.interactions.context import Context
from careplan.interactions.emergency_review import (
    LENGTH,
    Inspected,
    ReviewExists,
    inspected,
    may_review,
    read_inspected,
    review,
)
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.contact import hidden_cpr, person_name
from careplan.views.emergency import PAGE
from careplan.views.page import Opened, go

LIST = f"{PAGE}/gennemgang"


@dataclass(frozen=True, slots=True)
class Row:
    """One emergency access. `open`: whether the caller may go through it."""

    id: str
    at: str
    until: str
    who: str
    patient: str
    cpr: str
    reason: str
    reviewed: str
    note: str
    open: bool


async def show(opened: Opened) -> Response:
    """The list, those first that nobody has gone through."""
    found = await inspected(opened.context)
    opened.context.trail.met(one.emergency.patient for one in found)
    rows = [_row(opened.context, one, opened.t) for one in found]
    rows.sort(key=lambda one: bool(one.reviewed))
    waiting = sum(not one.reviewed for one in rows)
    return opened.page("emergency_list.html", opened.t("btg.list"), rows=rows, waiting=waiting)


async def one(opened: Opened) -> Response:
    """One of them, with a field for what was found. Raises NotFound, Forbidden."""
    return _form(opened, await read_inspected(opened.context, opened.path("id")))


async def close(opened: Opened) -> Response:
    """It has been gone through, and back to the list; gone through meanwhile, it says so and shows both."""
    found, note = await read_inspected(opened.context, opened.path("id")), opened.form.text("note")
    shortest, longest = LENGTH
    if not shortest <= len(note) <= longest:
        return _form(opened, found, note, opened.t("btg.no-note", least=shortest, most=longest), 422)
    try:
        await review(opened.context, opened.path("id"), note)
    except ReviewExists:
        found = await read_inspected(opened.context, opened.path("id"))
        return _form(opened, found, note, opened.t("btg.reviewed-meanwhile"), 409)
    return go(LIST, besked="gennemgaaet")


def _row(context: Context, found: Inspected, t: Catalogue) -> Row:
    one, review_ = found.emergency, found.review
    reviewed = ""
    if review_ is not None and review_.at is not None:
        reviewed = t("btg.reviewed-by", who=review_.name, at=wording.time_text(review_.at, t))
    return Row(
        id=found.id,
        at=wording.time_text(one.at, t),
        until=wording.time_text(one.until, t),
        who=one.name,
        patient=person_name(found.patient),
        cpr=hidden_cpr(found.patient),
        reason=one.reason,
        reviewed=reviewed,
        note="" if review_ is None else review_.note,
        open=review_ is None and may_review(context, found),
    )


def _form(opened: Opened, found: Inspected, note: str = "", error: str = "", status: int = 200) -> Response:
    row = _row(opened.context, found, opened.t)
    values = {"row": row, "note": note, "error": error, "length": LENGTH[1]}
    return opened.page("emergency_review.html", opened.t("btg.review"), status, **values)
