"""D6 «Teamtavle»: the open cases of a municipality or hospital by phase, with age and deadline.

Cases that ended are not here: their slices are closed, and with them all that was known of the person. «Ingen kontakt»
are those whom somebody has tried to reach in vain, however often.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from careplan.domain.referral import LATE, OPEN, PHASE_OF, PHASES
from careplan.views.page import Opened
from careplan.views.referral import Row, rows_of

FILTERS = ("alle", "uden-ansvarlig", "overskredet", "ingen-kontakt")
_SHOWN = tuple(one for one in PHASES if one in {*(PHASE_OF[status] for status in OPEN), "booked"})


@dataclass(frozen=True, slots=True)
class Column:
    """One phase: its cases with their age in days, oldest first."""

    phase: str
    cases: tuple[tuple[Row, int | None], ...]


async def show(opened: Opened) -> Response:
    """The board, whole or filtered; the filter stands in the address."""
    t, on = opened.t, opened.context.on
    rows = await rows_of(opened.context, t)
    chosen = opened.asked.text("vis")
    chosen = chosen if chosen in FILTERS else FILTERS[0]
    columns = []
    for phase in _SHOWN:
        name = t(f"case.phase.{phase}")
        mine = [row for row in _filtered(rows, chosen) if row.case is not None and row.case.phase == name]
        aged = [(row, (on - row.received).days if row.received else None) for row in mine]
        columns.append(Column(name, tuple(sorted(aged, key=lambda one: -(one[1] or 0)))))
    counts = {one: sum(row.case is not None for row in _filtered(rows, one)) for one in FILTERS}
    return opened.page("board.html", t("board.title"), columns=columns, chosen=chosen, counts=counts, filters=FILTERS)


def _filtered(rows: Sequence[Row], chosen: str) -> list[Row]:
    return [
        row
        for row in rows
        if row.case is not None
        and (chosen != "uden-ansvarlig" or not row.case.named)
        and (chosen != "overskredet" or row.case.deadline == LATE)
        and (chosen != "ingen-kontakt" or row.case.tried > 0)
    ]
