"""Which readings a formula is given: the rule for inputs, and what is derived from one person's readings.

Numbers of one sample or one examination belong to one day (Danish), and best to one moment: of a day, the newest
moment that has all inputs, else each one's newest of that day. A steady input (height) need not be of that day:
the newest on or before it counts, else the first after it, both taken as an adult. A bound (`<40`) derives nothing.
Nothing is derived for a day on which a value of the measure was reported, and nothing reported is ever replaced.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from careplan.domain.calendar import years_between
from careplan.domain.formula import ADULT, FORMULAS, Formula
from careplan.domain.measure import Measure, Reading
from careplan.domain.quantity import exact_beside, rounded

DERIVED = "derived"
"""Source of a reading that was computed."""

Series = Sequence[Reading]


def derived_readings(
    measures: Iterable[Measure], readings: Mapping[str, Series], born: date | None, male: bool | None
) -> dict[str, tuple[Reading, ...]]:
    """What follows from readings (each series newest first), by measure, newest first; measures without any left out.

    born  None where the day is not known: then formulas for adults give nothing
    """
    found: dict[str, tuple[Reading, ...]] = {}
    for measure in measures:
        if measure.derived is None or any(name not in readings for name in measure.derived.inputs):
            continue
        series = [[one for one in readings[name] if _counts(one)] for name in measure.derived.inputs]
        reported = {one.on for one in readings.get(measure.id, ())}
        formula = FORMULAS[measure.derived.formula]
        made = (_derive(measure, formula, some, born, male) for some in _inputs(formula, series, reported, born))
        values = tuple(one for one in made if one is not None)
        if values:
            found[measure.id] = values
    return found


def newest_first(reported: Iterable[Reading], derived: Iterable[Reading]) -> tuple[Reading, ...]:
    """One series of both."""
    return tuple(sorted((*reported, *derived), key=lambda one: (one.at, one.reference), reverse=True))


def _counts(reading: Reading) -> bool:
    return reading.comparator is None and isinstance(reading.value, Decimal)


def _derive(measure: Measure, formula: Formula, inputs: Series, born: date | None, male: bool | None) -> Reading | None:
    moving = [one for one, named in zip(inputs, formula.inputs, strict=True) if not named.steady]
    at = max(one.at for one in moving)
    timed = any(one.timed for one in moving if one.at == at)
    age = None if born is None or not formula.adult else int(years_between(born, at.date()))
    found = formula.exact([Decimal(one.judged) for one in inputs], age, male)
    if found is None:
        return None
    references = tuple(dict.fromkeys(one.reference for one in inputs))
    value = rounded(found, formula.decimals)
    exact = exact_beside(value, found)
    by = formula.id
    return Reading(measure.id, value, at, "", DERIVED, derived_from=references, formula=by, exact=exact, timed=timed)


def _inputs(formula: Formula, series: Sequence[Series], reported: set[date], born: date | None) -> Iterator[Series]:
    """The readings of each day that the formula is given, newest day first, in the order of its inputs."""
    days = [None if one.steady else _by_day(some) for one, some in zip(formula.inputs, series, strict=True)]
    moving = [one for one in days if one is not None]
    for day in moving[0]:
        if day in reported or any(day not in one for one in moving):
            continue
        of_day = iter(_together([one[day] for one in moving]))
        chosen = [
            _steady(some, day, born) if one is None else next(of_day) for one, some in zip(days, series, strict=True)
        ]
        if None not in chosen:
            yield [one for one in chosen if one is not None]


def _by_day(series: Series) -> dict[date, list[Reading]]:
    found: dict[date, list[Reading]] = {}
    for reading in series:
        found.setdefault(reading.on, []).append(reading)
    return found


def _together(series: Sequence[Series]) -> Series:
    """Of one day: the newest moment that every input has, else each one's newest."""
    for first in series[0]:
        same = [next((one for one in some if one.at == first.at), None) for some in series]
        if None not in same:
            return [one for one in same if one is not None]
    return [some[0] for some in series]


def _steady(series: Series, day: date, born: date | None) -> Reading | None:
    """The newest on or before the day, else the first after it; only what was measured of an adult."""
    if born is None:
        return None
    adult = [one for one in series if years_between(born, one.on) >= ADULT]
    return next((one for one in adult if one.on <= day), adult[-1] if adult else None)
