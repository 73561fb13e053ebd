"""FHIR dates and instants as Python's, by the clock of Copenhagen."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from careplan.fhir.instant import COPENHAGEN, find_date, find_instant, find_whole_date, instant_text


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026", datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ("2026-07", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 21, 23, tzinfo=UTC)),
        ("2026-11-22T10:03:00+01:00", datetime(2026, 11, 22, 9, 3, tzinfo=UTC)),
        ("2026-11-22T10:03:00.250Z", datetime(2026, 11, 22, 10, 3, 0, 250000, tzinfo=UTC)),
        ("2026-07-01T10:00:00", datetime(2026, 7, 1, 8, tzinfo=UTC)),
        ("2026-13-01", None),
        ("2026-02-30", None),
        ("i går", None),
        ("2026\n", None),
        ("2026-11-22\n", None),
        ("٢٠٢٦", None),
        ("2026-W47", None),
        ("2026-W47-7", None),
        ("20261122", None),
        ("2026-11-22 10:03:00", None),
        ("2026-11-22T10", None),
        ("2026-11-22T100300Z", None),
        ("2026-11-22T10:03:00,5Z", None),
        ("2026-11-22T10:03:00+0100", None),
        ("2026-11-22T10:03:00Z\n", None),
        ("2026-11-22T10:03Z", datetime(2026, 11, 22, 10, 3, tzinfo=UTC)),
        ("2026-11-22T10:03:00.1234567Z", datetime(2026, 11, 22, 10, 3, 0, 123456, tzinfo=UTC)),
        ("", None),
        (20261122, None),
        (None, None),
    ],
)
def test_a_text_stands_for_its_first_moment(text: object, instant: datetime | None) -> None:
    assert find_instant(text) == instant


def test_every_instant_knows_its_offset() -> None:
    assert find_instant("2026-11-22T10:03:00") == datetime(2026, 11, 22, 10, 3, tzinfo=COPENHAGEN)


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-11-21T23:30:00Z", date(2026, 11, 22)), ("2026-11-22T00:30:00+02:00", date(2026, 11, 21))],
)
def test_the_day_is_the_danish_one(text: str, day: date) -> None:
    assert find_date(text) == day


def test_a_whole_date_is_not_guessed_from_a_part() -> None:
    assert find_whole_date("1958-03-01") == date(1958, 3, 1)
    assert find_whole_date("1958-03") is None
    assert find_whole_date("1958") is None
    assert find_whole_date(None) is None


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    at = datetime(2026, 11, 22, 10, 3, 0, 123999, tzinfo=timezone(timedelta(hours=1)))
    assert instant_text(at) == "2026-11-22T09:03:00.123Z"
