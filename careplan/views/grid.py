"""The grid of the årskontrol: one row for each measure, with its newest value, its targets and a field to type in.

Not here: the page around it (`control`), and what is typed (`measured`).
"""

from dataclasses import dataclass
from datetime import date

from careplan.domain.account import Account
from careplan.domain.guideline import Knowledge
from careplan.domain.measure import is_old
from careplan.interactions.overview import Line, Overview
from careplan.views import chart, wording
from careplan.views.conflict import Choice, choice_of
from careplan.views.goalrow import differs
from careplan.views.measured import Typed, is_typed
from careplan.views.origin import origin_of_newest
from careplan.views.page import Opened
from careplan.views.status import status_of_line
from careplan.views.why import why_of


@dataclass(frozen=True, slots=True)
class Cell:
    """One measure of the grid.

    recommended  words with unit; empty where the rules say nothing; `undecided` says what they lack then
    individual   the agreed target where it differs from the recommended one, `expired` when its day has passed
    choice       the two targets where they do not fit together
    """

    id: str
    name: str
    plans: tuple[str, ...]
    value: str
    day: str
    source: str
    old: bool
    sparkline: str
    recommended: str
    provisional: bool
    undecided: str
    individual: str
    reason: str
    until: date | None
    expired: bool
    icon: str
    word: str
    standing: str
    goal: str
    why: Account | None
    choice: Choice | None
    field: Typed | None
    unit: str


def cell_of(line: Line, overview: Overview, knowledge: Knowledge, typed: Typed | None, opened: Opened) -> Cell:
    """One row of the grid."""
    measure, newest, t = line.measure, line.newest, opened.t
    icon, word, status = status_of_line(line, overview.on, t)
    individual = line.deviation is not None or differs(line)
    until = line.deviation.valid_until if line.deviation else None
    drawn = [one for one in line.readings if measure.number(one.value) is not None]
    reason = f"reason.{line.deviation.reason}" if line.deviation else "control.earlier"
    why = why_of(line, knowledge, overview.on)
    return Cell(
        id=measure.id,
        name=measure.name,
        plans=tuple(knowledge.plans[kind].name for kind in line.plans),
        value=wording.value_with_unit(measure, newest, t) if newest else "",
        day=wording.danish_date(wording.day_of(newest)) if newest else "",
        source=origin_of_newest(line, t),
        old=newest is not None and is_old(wording.day_of(newest), overview.on),
        sparkline=chart.sparkline(
            measure, drawn, line.agreed, overview.on, name=f"udvikling-{measure.id}", t=t, staff=True
        )
        if len(drawn) > 1 and measure.kind in ("quantity", "score")
        else "",
        recommended=wording.target_with_unit(measure, line.recommendation.target, t) if line.recommendation else "",
        provisional=line.recommendation is not None and line.recommendation.provisional,
        undecided=why.undecided if why else "",
        individual=wording.target_with_unit(line.measure, line.agreed, t) if individual else "",
        reason=t(reason) if reason and t.has(reason) else "",
        until=until,
        expired=until is not None and until < overview.on,
        icon=icon,
        word=word,
        standing=status,
        goal=line.goal["id"] if line.goal and measure.kind in ("quantity", "score", "choice") else "",
        why=why,
        choice=choice_of(line, overview, t),
        field=(typed or Typed(measure, "")) if is_typed(measure) else None,
        unit=wording.unit_text(measure, t),
    )
