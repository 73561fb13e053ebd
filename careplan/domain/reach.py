"""Which rows could still win: those that some assignment of their missing facts really lets decide.

A row that lacks facts is open to the evaluation, which looks at rows one by one. Together with the rows before it, it
may be out of reach: «skrøbelig uden diabetes» in one who has diabetes, as frailty lets the row before it decide.
So the table is decided again, with the missing facts of the row set to every value that rules tell apart, one fact
after another; a branch ends as soon as the row fails or a row before it holds. Facts the row does not lack stay
missing, as what is decided with a gap stays decided without it (`evaluation`).
"""

from collections.abc import Mapping, Sequence
from datetime import date

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import FactValue
from careplan.domain.evaluation import Tried, truths
from careplan.domain.guideline import Knowledge, Row
from careplan.domain.possibility import values_told_apart

MOST = 200
"""Assignments looked at for one row; past so many the row counts as within reach, as nothing has shown it is not."""


def within_reach(knowledge: Knowledge, on: date, read: Mapping[str, Fact], tried: Sequence[Tried]) -> tuple[Tried, ...]:
    """Those of the rows before the deciding one that could still win.

    read  the known facts that these rows ask about, by name
    """
    rows = tuple(one.row for one in tried)
    found = (place for place, one in enumerate(tried) if one.could_still_win)
    return tuple(
        tried[place] for place in found if _Search(knowledge, on, rows[: place + 1], tried[place], read).wins()
    )


class _Search:
    """One row of a table, and the rows before it; a depth-first search through what its missing facts may be."""

    def __init__(
        self, knowledge: Knowledge, on: date, rows: Sequence[Row], tried: Tried, read: Mapping[str, Fact]
    ) -> None:
        self.knowledge = knowledge
        self.on = on
        self.rows = (rows[-1], *rows[:-1])  # the row itself first: it fails oftenest
        self.read = read
        self.missing = tried.missing
        self.values: dict[str, tuple[FactValue, ...]] = {}
        self.left = MOST

    def wins(self) -> bool:
        return self._from(dict(self.read), 0)

    def _from(self, facts: dict[str, Fact], place: int) -> bool:
        """Whether some value of the facts from this place on lets the row decide."""
        self.left -= 1
        if self.left < 0:
            return True
        asked = truths(self.knowledge, Chart(self.on, facts), self.rows)
        own = next(asked)
        if own is False or any(asked):
            return False
        if own:
            return True
        if place == len(self.missing):
            return False
        name = self.missing[place]
        return any(self._from(facts | {name: Fact(name, value)}, place + 1) for value in self._values(name))

    def _values(self, name: str) -> tuple[FactValue, ...]:
        """One value for each way in which the questions of these rows can be answered."""
        if name not in self.values:
            terms = [term for row in self.rows for term in row.when]
            self.values[name] = values_told_apart(self.knowledge, name, terms, self.read.get(name))
        return self.values[name]
