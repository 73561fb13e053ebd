"""The small flags over a trend: the days on which a target was agreed or ended, each in a row where it has room."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from careplan.views import wording
from careplan.views.axis import TimeAxis
from careplan.views.caption import Series
from careplan.views.catalogue import Catalogue
from careplan.views.label import Box, clamped, width

SIZE, POLE = 13.0, 10.0
ROWS = 4


@dataclass(frozen=True, slots=True)
class Flag:
    """A day and what happened on it.

    row   from the top
    side  where the words stand: 1 to the right of the pole, -1 to the left, 0 over it
    """

    on: date
    words: str
    row: int = 0
    side: int = 1


def flags_of(series: Iterable[Series], days: TimeAxis, t: Catalogue) -> tuple[Flag, ...]:
    """«Nyt mål aftalt 14.03.2025», «Mål slut 14.03.2026»; each once, though two measures share it; oldest first."""
    found = {flag.on: flag for one in series for flag in _flags(one, t)}
    return tuple(found[on] for on in sorted(found) if days.first < on <= days.last)


def _flags(series: Series, t: Catalogue) -> Iterable[Flag]:
    bands = sorted(series.bands, key=lambda band: band.start)
    starts = {band.start for band in bands}
    for band in bands:
        if band.end is not None and band.end not in starts:
            yield Flag(band.end, t("chart.flag-end", day=wording.danish_date(band.end)))
    for nth, band in enumerate(bands):
        key = "chart.flag-new" if nth else "chart.flag-first"
        yield Flag(band.start, t(key, day=wording.danish_date(band.start)))


def rows_of(flags: Sequence[Flag], days: TimeAxis, unit: Box, wide: float) -> tuple[Flag, ...]:
    """Each flag in the first row where its words cover no others and no pole; without words where there is none.

    unit  the box of the unit's words, in the first row
    """
    placed: list[tuple[Flag, Box]] = [(Flag(days.first, ""), Box(unit.left, 0, unit.right, 1))]
    for flag in reversed(flags):
        tries = (replace(flag, row=row, side=side) for row in range(ROWS) for side in (1, -1, 0))
        boxed = ((one, _box(one, days, wide)) for one in tries)
        fits = (pair for pair in boxed if pair[1].left >= 0 and pair[1].right <= wide and _is_free(pair, placed, days))
        placed.append(next(fits, (replace(flag, words=""), Box(0, 0, 0, 0))))
    return tuple(flag for flag, _ in placed[1:])


def _box(flag: Flag, days: TimeAxis, wide: float) -> Box:
    x, long = days.place(flag.on), width(flag.words, SIZE) + 2
    if not flag.side:
        middle = clamped(x, flag.words, SIZE, (2, wide - 2))
        left, right = middle - long / 2, middle + long / 2
    else:
        left, right = (x - 1, x + POLE + long) if flag.side > 0 else (x - POLE - long, x + 1)
    return Box(left, flag.row, right, flag.row + 1)


def _is_free(pair: tuple[Flag, Box], placed: Iterable[tuple[Flag, Box]], days: TimeAxis) -> bool:
    flag, box = pair
    pole = days.place(flag.on)
    for other, taken in placed:
        if not other.words:
            if box.meets(taken):
                return False
            continue
        crossed = box.left < days.place(other.on) < box.right and other.row < flag.row
        crossing = taken.left < pole < taken.right and other.row > flag.row
        if crossed or crossing or box.meets(taken):
            return False
    return True
