"""Working days, as deadlines between clinic and municipality count them: Monday to Friday, but for public holidays.

Store bededag is none from 2024 on. Grundlovsdag, 24 and 31 December are no public holidays, and count: an answer may
then be asked for a day earlier, never later, than an office expects. Not for calendar months and years (`calendar`).
https://www.retsinformation.dk/eli/lta/2023/214 · Easter: J.-M. Oudin's form of the Gregorian computus.
"""

from datetime import date, timedelta
from functools import cache

_AFTER_EASTER = (-3, -2, 0, 1, 39, 49, 50)
"""Skærtorsdag, langfredag, påskedag, 2. påskedag, Kristi himmelfartsdag, pinsedag, 2. pinsedag."""

FAR = 3653
"""Most days that are counted through: ten years. A deadline beyond that is far away, however far."""

_PRAYER_DAY, _LAST_PRAYER_YEAR = 26, 2023


def easter(year: int) -> date:
    """Easter Sunday of a Gregorian year."""
    century, golden = year // 100, year % 19
    moon = (century - century // 4 - (century - (century - 17) // 25) // 3 + 19 * golden + 15) % 30
    moon -= moon // 28 * (1 - 29 // (moon + 1) * ((21 - golden) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    since = moon - weekday
    month = 3 + (since + 40) // 44
    return date(year, month, since + 28 - 31 * (month // 4))


@cache
def holidays(year: int) -> frozenset[date]:
    """The public holidays of a year, those on a Saturday or Sunday among them."""
    days = (*_AFTER_EASTER, *((_PRAYER_DAY,) if year <= _LAST_PRAYER_YEAR else ()))
    movable = {easter(year) + timedelta(days=one) for one in days}
    return frozenset(movable | {date(year, 1, 1), date(year, 12, 25), date(year, 12, 26)})


def is_workday(day: date) -> bool:
    return day.weekday() < 5 and day not in holidays(day.year)


def add_workdays(day: date, count: int) -> date:
    """The last of so many working days after a day; the day itself is not counted. count: 0 or more."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_workday(day)
    return day


def workdays_between(start: date, end: date) -> int:
    """Working days after `start` up to `end`, that day counted; 0 where `end` is no later; at most of `FAR` days."""
    span = min((end - start).days, FAR)
    return sum(is_workday(start + timedelta(days=one)) for one in range(1, span + 1))
