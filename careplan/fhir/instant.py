"""FHIR dates and instants as Python's: what a date text stands for, and how an instant is written.

https://hl7.org/fhir/R4/datatypes.html#date · local time without offset is Europe/Copenhagen (design §5).
"""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")

_EARLIEST = datetime(1, 1, 3, tzinfo=UTC)
_LATEST = datetime(9999, 12, 29, tzinfo=UTC)

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def instant_text(at: datetime) -> str:
    """An aware instant as FHIR writes it, UTC with milliseconds: `2026-11-22T09:03:00.000Z`."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def find_instant(text: object) -> datetime | None:
    """The first moment a date, dateTime or instant stands for, aware; None when it is not one.

    Moments within days of the ends of the calendar are moved inward, so that any zone can tell their day.
    """
    if not isinstance(text, str):
        return None
    partial = _DATE.fullmatch(text)
    try:
        if partial:
            year, month, day = (int(part) if part else 1 for part in partial.groups())
            at = datetime(year, month, day, tzinfo=COPENHAGEN)
        elif _TIME.fullmatch(text):
            at = datetime.fromisoformat(text)
        else:
            return None
    except ValueError:
        return None
    return min(max(at if at.tzinfo else at.replace(tzinfo=COPENHAGEN), _EARLIEST), _LATEST)


def find_date(text: object) -> date | None:
    """The day (in Copenhagen) on which a FHIR date or time begins; None when it is not one."""
    at = find_instant(text)
    return None if at is None else day_of(at)


def day_of(at: datetime) -> date:
    """The day of a moment in Copenhagen; close to the ends of the calendar a day or two inward."""
    return min(max(at, _EARLIEST), _LATEST).astimezone(COPENHAGEN).date()


def find_whole_date(text: object) -> date | None:
    """The day, only where the text names one: `1958` and `1958-03` give None."""
    return find_date(text) if isinstance(text, str) and len(text) >= 10 else None
