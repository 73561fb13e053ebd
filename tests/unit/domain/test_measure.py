"""Readings and how values are said."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from careplan.domain.measure import Answer, Measure, Reading, Span, danish_number, is_old, newest


def reading(day: int, reference: str, value: str = "1", hour: int = 8) -> Reading:
    return Reading("ldl", Decimal(value), datetime(2026, 11, day, hour, tzinfo=UTC), reference)


SMOKING = Measure(
    "smoking",
    "Rygning",
    "",
    "choice",
    "cigarettes/day",
    "{cigarettes}/d",
    answers=(Answer("current", "ryger", number=Decimal(1)), Answer("never", "aldrig røget", number=Decimal(0))),
)


def test_newest_is_by_time_and_then_by_reference_whatever_the_order() -> None:
    some = [reading(3, "Observation/b"), reading(5, "Observation/a"), reading(5, "Observation/c"), reading(1, "x")]
    assert newest(some) == newest(reversed(some)) == some[2]


def test_newest_as_of_a_day_passes_over_what_came_later() -> None:
    some = [reading(3, "Observation/b"), reading(5, "Observation/a")]
    assert newest(some, date(2026, 11, 4)) == some[0]
    assert newest(some, date(2026, 11, 2)) is None
    assert newest([]) is None


@pytest.mark.parametrize(
    ("value", "decimals", "says"),
    [
        ("1.4", 1, "1,4"),
        ("1.40", 1, "1,4"),
        ("2", 1, "2,0"),
        ("1.85", 1, "1,85"),
        ("48", 0, "48"),
        ("1E+2", None, "100"),
    ],
)
def test_danish_number_has_a_comma_and_no_false_precision(value: str, decimals: int | None, says: str) -> None:
    assert danish_number(Decimal(value), decimals) == says


def test_span_is_closed_and_may_be_open_at_an_end() -> None:
    assert [Span(Decimal(0), Decimal(100)).holds(Decimal(v)) for v in (-1, 0, 100, 101)] == [False, True, True, False]
    assert Span().holds(Decimal(-5))


def test_a_choice_counts_as_the_number_its_answer_stands_for() -> None:
    assert SMOKING.number("never") == 0
    assert SMOKING.number("current") == 1
    assert SMOKING.number("ukendt") is None
    assert SMOKING.number(Decimal(7)) == 7


def test_a_value_is_said_in_danish() -> None:
    assert SMOKING.says("current") == "ryger"
    assert SMOKING.says("andet") == "andet"
    assert (SMOKING.says(True), SMOKING.says(False)) == ("ja", "nej")
    assert SMOKING.says(Decimal("1.5")) == "1,5"


@pytest.mark.parametrize(("day", "old"), [(date(2025, 8, 22), False), (date(2025, 8, 21), True)])
def test_value_is_old_the_day_after_fifteen_months(day: date, old: bool) -> None:
    assert is_old(day, date(2026, 11, 22)) is old
