"""When an invented person came to the clinic: yearly årskontrol, quarterly diabetes visits, before that now and then.

Only working days, only working hours. Times carry the Danish offset.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random

from careplan.synthetic.medicine import years_with
from careplan.synthetic.person import Person

BEFORE_DISEASE_YEARS = 2.4
"""How far apart visits lie while a person has no chronic disease."""


CLOSED = frozenset({(1, 1), (12, 24), (12, 25), (12, 26), (12, 31)})
"""Month and day of holidays on which no clinic is open."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit and the blood test some days before it.

    time    years before the day of the run, 0 or less
    at      the visit, ISO 8601 with offset
    lab     the blood test, likewise
    annual  whether all is gone through, as at an årskontrol
    """

    on: date
    time: float
    at: str
    lab: str
    annual: bool


def draw_visits(rng: Random, person: Person, on: date, years: int) -> tuple[Visit, ...]:
    """The visits of the last so many years, oldest first; the newest årskontrol is there even if it is older."""
    days: dict[date, bool] = {}
    for day, annual in _days(rng, person, on, years):
        days[day] = days.get(day, False) or annual
    return tuple(_visit(rng, day, on, annual) for day, annual in sorted(days.items()))


def _days(rng: Random, person: Person, on: date, years: int) -> Iterator[tuple[date, bool]]:
    ill = max((years_with(person, on, one.icpc) or 0 for one in person.diagnoses), default=0.0)
    diabetic = years_with(person, on, "T90") or 0.0
    recent = person.since_review / 365.25
    keen = rng.uniform(0.2, 0.9)
    ago = recent
    while ago < years or ago == recent:
        yield _working_day(on, ago), True
        for quarter in (0.25, 0.5, 0.75):
            near = ago - quarter + rng.uniform(-0.05, 0.05)
            if 0.01 < near < diabetic and rng.random() < keen:
                yield _working_day(on, near), False
        missed = rng.random() < 0.06
        ago += rng.gauss(1, 0.06) + missed if ago < ill else rng.uniform(0.7, 1.3) * BEFORE_DISEASE_YEARS


def _working_day(on: date, ago: float) -> date:
    """The working day at or before so many years ago."""
    return working_day(on - timedelta(days=max(1, round(ago * 365.25))))


def working_day(day: date) -> date:
    """The day, or the last working day before it; holidays that move with Easter are not known here."""
    while day.weekday() > 4 or (day.month, day.day) in CLOSED:
        day -= timedelta(days=1)
    return day


def _visit(rng: Random, day: date, on: date, annual: bool) -> Visit:
    drawn = _working_day(day, rng.randrange(2, 9) / 365.25)
    minutes = 8 * 60 + 5 * int(rng.random() * 90)
    return Visit(
        day, (day - on).days / 365.25, local_time(day, minutes), local_time(drawn, minutes % 120 + 450), annual
    )


def local_time(day: date, minutes: int) -> str:
    """A time of day in Denmark, in minutes after midnight, as ISO 8601 with its offset."""
    spring, autumn = _summer_time(day.year)
    offset = "+02:00" if spring <= day < autumn else "+01:00"
    return f"{day.isoformat()}T{minutes // 60:02}:{minutes % 60:02}:00{offset}"


@cache
def _summer_time(year: int) -> tuple[date, date]:
    """The last Sundays of March and October: summer time of the European Union (directive 2000/84/EC)."""
    march, october = date(year, 3, 31), date(year, 10, 31)
    return (
        march - timedelta(days=(march.weekday() + 1) % 7),
        october - timedelta(days=(october.weekday() + 1) % 7),
    )
