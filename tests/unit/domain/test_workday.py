"""Working days and Danish public holidays."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.domain.workday import FAR, add_workdays, easter, holidays, is_workday, workdays_between

days = st.dates(date(1900, 1, 1), date(2200, 1, 1))


@pytest.mark.parametrize(
    "sunday",
    [
        date(1818, 3, 22),
        date(1943, 4, 25),
        date(2000, 4, 23),
        date(2024, 3, 31),
        date(2025, 4, 20),
        date(2026, 4, 5),
        date(2027, 3, 28),
        date(2038, 4, 25),
        date(2285, 3, 22),
    ],
)
def test_easter_falls_where_the_almanac_has_it(sunday: date) -> None:
    assert easter(sunday.year) == sunday


def test_the_public_holidays_of_2026() -> None:
    assert sorted(holidays(2026)) == [
        date(2026, 1, 1),
        date(2026, 4, 2),
        date(2026, 4, 3),
        date(2026, 4, 5),
        date(2026, 4, 6),
        date(2026, 5, 14),
        date(2026, 5, 24),
        date(2026, 5, 25),
        date(2026, 12, 25),
        date(2026, 12, 26),
    ]


def test_store_bededag_is_a_working_day_from_2024_on() -> None:
    assert not is_workday(date(2023, 5, 5)) and is_workday(date(2024, 4, 26))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2026, 11, 22), date(2026, 11, 27)),  # from a Sunday
        (date(2026, 11, 23), date(2026, 11, 30)),  # over a weekend
        (date(2026, 3, 31), date(2026, 4, 10)),  # over Easter
        (date(2026, 12, 23), date(2026, 12, 31)),  # over Christmas
    ],
)
def test_five_working_days(start: date, end: date) -> None:
    assert add_workdays(start, 5) == end


@given(days, st.integers(0, 60))
def test_so_many_working_days_lie_between(start: date, count: int) -> None:
    end = add_workdays(start, count)
    assert workdays_between(start, end) == count
    assert count == 0 or is_workday(end)


@given(days, st.integers(0, 90), st.integers(0, 90))
def test_working_days_add_up(start: date, first: int, second: int) -> None:
    middle, end = start + timedelta(days=first), start + timedelta(days=first + second)
    assert workdays_between(start, middle) + workdays_between(middle, end) == workdays_between(start, end)


def test_there_are_none_backwards() -> None:
    assert workdays_between(date(2026, 12, 1), date(2026, 11, 1)) == 0


def test_a_deadline_at_the_end_of_the_calendar_is_ten_years_away() -> None:
    start = date(2026, 11, 22)
    assert workdays_between(start, date.max) == workdays_between(start, start + timedelta(days=FAR))
