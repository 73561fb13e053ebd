"""Months and years as clinicians count them."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from careplan.domain.calendar import add_months, years_between


def test_years_are_whole_on_the_anniversary() -> None:
    assert years_between(date(2021, 11, 22), date(2026, 11, 22)) == Decimal(5)
    assert years_between(date(2021, 11, 22), date(2026, 11, 21)) < 5
    assert years_between(date(2021, 11, 22), date(2026, 11, 23)) > 5


def test_part_of_a_year_is_its_share_of_that_very_year() -> None:
    assert years_between(date(2025, 1, 1), date(2025, 7, 2)) == Decimal(182) / Decimal(365)
    assert years_between(date(2024, 1, 1), date(2024, 7, 1)) == Decimal(182) / Decimal(366)


def test_leap_day_has_its_anniversary_on_the_last_of_february() -> None:
    assert years_between(date(2020, 2, 29), date(2025, 2, 28)) == 5
    assert years_between(date(2020, 2, 29), date(2024, 2, 29)) == 4
    assert years_between(date(2020, 2, 29), date(2024, 2, 28)) < 4


def test_years_never_go_back_from_one_day_to_the_next() -> None:
    days = [date(2023, 12, 1) + timedelta(days=n) for n in range(500)]
    years = [years_between(date(2020, 2, 29), day) for day in days]
    assert all(a < b for a, b in pairwise(years))


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 3, 31), 1, date(2026, 4, 30)),
        (date(2026, 11, 22), 14, date(2028, 1, 22)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
    ],
)
def test_months_later_is_the_same_day_or_the_last_of_the_month(day: date, months: int, then: date) -> None:
    assert add_months(day, months) == then
