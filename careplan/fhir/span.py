"""The stretch of time a FHIR date text covers, by its precision: `2024-05` is all of May.

Local times without offset and plain dates are Europe/Copenhagen (design §5). Not for writing instants (`instant`).
https://hl7.org/fhir/R4/search.html#date
"""

import re
from datetime import UTC, datetime, timedelta

from careplan.fhir.instant import COPENHAGEN

OPEN_LOW = datetime.min.replace(tzinfo=UTC)
OPEN_HIGH = datetime.max.replace(tzinfo=UTC)

Span = tuple[datetime, datetime]
"""[low, high) in UTC; an open end is OPEN_LOW or OPEN_HIGH."""

_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)
_MICROSECOND = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_MILLISECOND = timedelta(milliseconds=1)


def find_span(text: str) -> Span | None:
    """What a date, dateTime or instant covers; None when it is none. An hour without minutes is none."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    try:
        return _moment(match) if match[4] else _days(match)
    except ValueError:
        return None


def _days(match: re.Match[str]) -> Span:
    year, month, day = int(match[1]), match[2], match[3]
    if day:
        low = datetime(year, int(month), int(day))
        return _utc(low), OPEN_HIGH if low.date() == OPEN_HIGH.date() else _utc(low + timedelta(days=1))
    last = int(month) if month else 12
    high = (year + 1, 1) if last == 12 else (year, last + 1)
    low = datetime(year, int(month) if month else 1, 1)
    return _utc(low), OPEN_HIGH if high[0] > OPEN_HIGH.year else _utc(datetime(*high, 1))


def _moment(match: re.Match[str]) -> Span:
    second, fraction = match[6] or "00", match[7] or ""
    leap = second == "60"
    text = f"{match[1]}-{match[2]}-{match[3]}T{match[4]}:{match[5]}:{'59' if leap else second}{match[8] or ''}"
    if fraction and not leap:
        start = datetime.fromisoformat(text).replace(microsecond=int(fraction[:6].ljust(6, "0")))
    else:
        start = datetime.fromisoformat(text)
    low = _utc(start)
    if leap:
        low = _later(low, _SECOND)
    width = _MINUTE if match[6] is None else _SECOND if not fraction else _fine(len(fraction))
    return low, _later(low, width)


def _fine(digits: int) -> timedelta:
    """A fraction of a second counts as a millisecond, or finer where it is written finer."""
    return _MILLISECOND if digits <= 3 else _MICROSECOND * 10 ** max(0, 6 - digits)


def _utc(at: datetime) -> datetime:
    """In UTC; what falls out of the calendar on the way is its end."""
    try:
        return (at if at.tzinfo else at.replace(tzinfo=COPENHAGEN)).astimezone(UTC)
    except OverflowError:
        return OPEN_LOW if at.year == 1 else OPEN_HIGH


def _later(at: datetime, by: timedelta) -> datetime:
    return OPEN_HIGH if at >= OPEN_HIGH - by else at + by
