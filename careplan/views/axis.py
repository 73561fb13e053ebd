"""The two axes of a chart: values upward or along, days along; both only turn a number into a place.

A measure's span is fixed, so that its charts compare across visits (brief E). Not here: what is drawn at the place.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careplan.domain.calendar import add_months
from careplan.domain.measure import Measure, Reading
from careplan.domain.target import Target
from careplan.views.catalogue import Catalogue

_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_FEWEST_DAYS, _SHORT = 28, 500
_QUARTERS = (1, 4, 7, 10)


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """From `low` to `high`, drawn from place `start` to place `stop`; upward where `stop` is the smaller."""

    low: Decimal
    high: Decimal
    start: float
    stop: float

    def place(self, value: Decimal) -> float:
        """Where a value is drawn; one beyond the axis at its end."""
        within = min(max(value, self.low), self.high)
        return self.start + float((within - self.low) / (self.high - self.low)) * (self.stop - self.start)

    def holds(self, value: Decimal) -> bool:
        return self.low <= value <= self.high

    def zone(self, target: Target) -> tuple[float, float]:
        """The places of a target's two ends; an open end is the axis's own."""
        low = self.low if target.low is None else target.low
        high = self.high if target.high is None else target.high
        return self.place(min(low, high)), self.place(max(low, high))

    def ticks(self, most: int = 5) -> tuple[Decimal, ...]:
        """Round values to write at the axis, at most so many."""
        step = round_step((self.high - self.low) / most)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return tuple(nth * step for nth in range(first, last + 1))


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """From one day to another; as far between two days as there are days between them."""

    first: date
    last: date
    start: float
    stop: float

    def place(self, on: date) -> float:
        """Where a day is drawn; one beyond the axis at its end."""
        within = min(max(on, self.first), self.last)
        return self.start + (within - self.first).days / (self.last - self.first).days * (self.stop - self.start)

    def holds(self, on: date) -> bool:
        return self.first <= on <= self.last

    def ticks(self, t: Catalogue, most: int = 6) -> tuple[tuple[date, str], ...]:
        """Days to write at the axis, and how: New Year's Days, on a short axis the quarters; at most so many."""
        years = range(self.first.year, self.last.year + 1)
        if (self.last - self.first).days <= _SHORT:
            days = [
                (date(year, month, 1), t(f"chart.quarter.{month}", year=year)) for year in years for month in _QUARTERS
            ]
        else:
            days = [(date(year, 1, 1), str(year)) for year in years]
        found = [(day, words) for day, words in days if self.holds(day)]
        every = max(1, -(-len(found) // most))
        return tuple(found[nth] for nth in range((len(found) - 1) % every if found else 0, len(found), every))


def round_step(width: Decimal) -> Decimal:
    """The nearest of 1, 2, 2.5, 5 and 10 times a power of ten that is not smaller."""
    power = Decimal(1).scaleb(width.adjusted())
    return next(step * power for step in _STEPS if step * power >= width)


def value_axis(span: tuple[Decimal, Decimal], start: float, stop: float) -> ValueAxis:
    return ValueAxis(*span, start, stop)


def time_axis(on: date, years: int, start: float, stop: float, also: date | None = None) -> TimeAxis:
    """The years until a day, longer where `also` lies before them."""
    first = add_months(on, -12 * years)
    first = first if also is None else min(first, also)
    if (on - first).days < _FEWEST_DAYS:
        first = add_months(on, -1)
    return TimeAxis(first, on, start, stop)


def span_of(measure: Measure, readings: Iterable[Reading], targets: Iterable[Target | None]) -> tuple[Decimal, Decimal]:
    """The measure's fixed span; where its file names none, round values around what there is to show."""
    low, high = measure.chart.low, measure.chart.high
    if low is not None and high is not None and low < high:
        return low, high
    return _around([*_numbers(measure, readings), *_bounds(targets)], low, high)


def _numbers(measure: Measure, readings: Iterable[Reading]) -> list[Decimal]:
    return [value for one in readings if (value := measure.number(one.value)) is not None]


def _bounds(targets: Iterable[Target | None]) -> list[Decimal]:
    return [end for one in targets if one is not None for end in (one.low, one.high) if end is not None]


def _around(shown: list[Decimal], low: Decimal | None, high: Decimal | None) -> tuple[Decimal, Decimal]:
    least, most = min(shown, default=Decimal(0)), max(shown, default=Decimal(1))
    room = (most - least) / 4 or abs(most) / 4 or Decimal(1)
    step = round_step(room)
    under = math.floor((least - room) / step) * step
    bottom = low if low is not None else max(under, Decimal(0)) if least >= 0 else under
    top = math.ceil((most + room) / step) * step if high is None else high
    return (bottom, top) if bottom < top else (bottom, bottom + step)
