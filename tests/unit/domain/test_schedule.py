"""When activities are due."""

from datetime import date
from decimal import Decimal

import pytest

from careplan.domain.evaluation import Answer, Recommendation
from careplan.domain.guideline import Activity, Every, Row
from careplan.domain.schedule import first_due, is_late, next_control, review_months
from careplan.domain.target import Target

ON = date(2026, 11, 22)


def answer(months: int | None) -> Answer:
    if months is None:
        return Answer(ON, {}, {}, {})
    row = Row("INT", (), Target(high=Decimal(months)))
    return Answer(ON, {}, {"review_interval": Recommendation("review_interval", "1", row, (), (), ())}, {})


def activity(id: str, months: int | None, goes_with: str = "") -> Activity:
    return Activity(id, "Task", id, "clinic", every=None if months is None else Every(months), goes_with=goes_with)


@pytest.mark.parametrize(
    ("id", "every", "ruled", "due"),
    [
        ("aarskontrol", 12, 6, date(2027, 5, 22)),
        ("aarskontrol", 12, 12, date(2027, 11, 22)),
        ("aarskontrol", 12, None, date(2027, 11, 22)),
        ("oejenkontrol", 24, 6, date(2028, 11, 22)),
        ("motion", None, 6, None),
    ],
)
def test_the_rules_shorten_the_yearly_control_and_nothing_else(
    id: str, every: int | None, ruled: int | None, due: date | None
) -> None:
    assert first_due(activity(id, every), answer(ruled)) == due


@pytest.mark.parametrize(
    ("every", "ruled", "due"),
    [(12, 6, date(2027, 5, 22)), (3, 6, date(2027, 2, 22)), (12, None, date(2027, 11, 22))],
)
def test_what_goes_with_the_control_is_due_with_it_at_the_latest(every: int, ruled: int | None, due: date) -> None:
    assert first_due(activity("blodproeve", every, "aarskontrol"), answer(ruled)) == due


def test_interval_between_controls_is_the_longest_that_the_rules_allow() -> None:
    assert review_months(answer(6)) == 6
    assert review_months(answer(None)) is None


def test_late_is_the_day_after_it_was_due() -> None:
    assert not is_late(ON, ON)
    assert is_late(date(2026, 11, 21), ON)
    assert not is_late(None, ON)


def test_the_next_control_is_the_first_that_is_set_after_today() -> None:
    dues = [date(2027, 6, 1), ON, date(2027, 3, 1), date(2026, 1, 1)]
    assert next_control(answer(12), dues) == date(2027, 3, 1)


def test_without_a_control_set_the_next_one_is_as_late_as_the_rules_allow() -> None:
    assert next_control(answer(6), [ON]) == date(2027, 5, 22)
    assert next_control(answer(None), []) == date(2027, 11, 22)
