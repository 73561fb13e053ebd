"""What a missing fact would change: the measure's table decided again, as if the fact were known.

Every value that some row asks about is tried, and the span around it (`possibility`), so that nothing is claimed that
the rules would not do. Not here: the words for it (`account`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import FactValue
from careplan.domain.evaluation import holds
from careplan.domain.explanation import Explanation, Gap
from careplan.domain.guideline import Knowledge, Row
from careplan.domain.possibility import Extent, possibilities


@dataclass(frozen=True, slots=True)
class Supposition:
    """Were the missing fact so, this row would decide.

    so    its value, or the numbers it lies among
    open  whether other facts would still be missing then
    """

    fact: str
    so: FactValue | Extent
    row: Row
    open: bool


def suppositions(knowledge: Knowledge, explained: Explanation, gap: Gap, on: date) -> tuple[Supposition, ...]:
    """Every way in which one missing fact alone would let another row decide, in the order of its values."""
    table = knowledge.guidelines[explained.measure].rows
    rows = table if explained.row is None else table[: table.index(explained.row) + 1]
    known = {fact.name: fact for fact in explained.read}
    terms = [term for row in rows for term in row.when]
    found: list[Supposition] = []
    for so, value in possibilities(knowledge, gap.fact, terms, known.get(gap.fact)):
        chart = Chart(on, known | {gap.fact: Fact(gap.fact, value)})
        row, open_ = _decided(knowledge, chart, rows)
        if row is None or row is explained.row:
            continue
        before = found[-1] if found else None
        if before is not None and before.row is row and _adjoin(before.so, so):
            found[-1] = Supposition(gap.fact, _joined(before.so, so), row, before.open or open_)
        else:
            found.append(Supposition(gap.fact, so, row, open_))
    return tuple(found)


def _decided(knowledge: Knowledge, chart: Chart, rows: Iterable[Row]) -> tuple[Row | None, bool]:
    """The row that decides, and whether a row before it is still open."""
    open_ = False
    for row in rows:
        truth = holds(knowledge, chart, row.when)
        if truth:
            return row, open_
        open_ = open_ or truth is None
    return None, open_


def _adjoin(one: FactValue | Extent, other: FactValue | Extent) -> bool:
    if not isinstance(one, Extent) or not isinstance(other, Extent):
        return False
    return one.high == other.low and one.with_high != other.with_low


def _joined(one: FactValue | Extent, other: FactValue | Extent) -> Extent:
    assert isinstance(one, Extent) and isinstance(other, Extent)
    return Extent(one.low, other.high, one.with_low, other.with_high)
