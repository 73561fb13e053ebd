"""A Goal's versions as the bands of its agreed target."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from careplan.domain.target import Band, Target
from careplan.fhir.band import bands_from_goals
from careplan.fhir.systems import EXT_TARGET_KIND


def goal(high: int | None, written: str, start: str | None = None, status: str = "active") -> dict[str, Any]:
    entry = {
        "extension": [{"url": EXT_TARGET_KIND, "valueCode": "agreed"}],
        "detailQuantity": {"value": high, "comparator": "<=", "unit": "mmol/mol"},
    }
    made: dict[str, Any] = {"lifecycleStatus": status, "meta": {"lastUpdated": f"{written}T10:00:00Z"}}
    return made | ({"target": [entry]} if high else {}) | ({"startDate": start} if start else {})


def under(high: int) -> Target:
    return Target(high=Decimal(high), unit="mmol/mol")


def test_bands_step_where_the_agreed_target_changes() -> None:
    versions = [goal(53, "2025-03-01", "2024-01-10"), goal(53, "2025-06-01"), goal(58, "2025-09-01", "2024-01-10")]
    assert bands_from_goals(versions) == (
        Band(date(2024, 1, 10), date(2025, 9, 1), under(53)),
        Band(date(2025, 9, 1), None, under(58)),
    )


def test_last_band_ends_where_the_goal_did_and_a_new_one_may_begin() -> None:
    versions = [goal(53, "2025-03-01"), goal(53, "2025-06-01", status="completed"), goal(53, "2025-09-01")]
    assert bands_from_goals(versions) == (
        Band(date(2025, 3, 1), date(2025, 6, 1), under(53)),
        Band(date(2025, 9, 1), None, under(53)),
    )


def test_goal_that_had_ended_when_it_came_has_the_band_it_was_valid_in() -> None:
    ended = goal(53, "2026-10-01", "2024-01-10", "completed") | {"statusDate": "2026-03-07"}
    assert bands_from_goals([ended]) == (Band(date(2024, 1, 10), date(2026, 3, 7), under(53)),)
    assert bands_from_goals([ended, ended]) == bands_from_goals([ended])


@pytest.mark.parametrize(
    "ended",
    [
        goal(53, "2026-10-01", "2024-01-10", "completed"),
        goal(53, "2026-10-01", "2024-01-10", "entered-in-error") | {"statusDate": "2026-03-07"},
        goal(53, "2026-10-01", "2026-03-07", "completed") | {"statusDate": "2026-03-07"},
        goal(53, "2026-10-01", None, "completed") | {"statusDate": "2026-03-07"},
    ],
)
def test_goal_of_which_it_is_not_known_from_when_until_when_it_was_valid_has_no_band(ended: dict[str, Any]) -> None:
    assert bands_from_goals([ended]) == ()


def test_goal_without_an_agreed_target_has_no_band() -> None:
    assert bands_from_goals([goal(None, "2025-03-01")]) == ()
    assert bands_from_goals([goal(53, "2025-03-01", status="proposed")]) == ()
