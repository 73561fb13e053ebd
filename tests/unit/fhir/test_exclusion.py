"""An exclusion and the Task it is kept as: one says what the other does, and the day to ask again ends it."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from careplan.fhir import bindings, models, systems
from careplan.fhir.exclusion import OFFER, REASONS, Exclusion, find_exclusion, is_offer, task_from_exclusion

PROFILES = Path(__file__).resolve().parents[3] / "profiles"
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
ON = date(2026, 11, 22)
FULL = Exclusion("kol", "other", "Flytter til udlandet", "PractitionerRole/1", ON, date(2027, 3, 1))


@pytest.mark.parametrize("exclusion", [FULL, Exclusion("kol", "patient-wish", "", None, ON, None)])
def test_the_task_says_all_of_it(exclusion: Exclusion) -> None:
    task = task_from_exclusion(exclusion, "p", AT)
    assert models.faults(task) + bindings.faults(task) == []
    assert find_exclusion(task) == exclusion


@pytest.mark.parametrize(
    "change",
    [
        {"status": "cancelled"},
        {"status": "completed"},
        {"code": {"coding": [{"system": systems.ACTIVITY, "code": "aarskontrol"}]}},
        {"code": {"coding": [{"system": "https://other.example", "code": OFFER}]}},
    ],
)
def test_other_tasks_and_ended_ones_are_none(change: dict[str, Any]) -> None:
    assert find_exclusion({**task_from_exclusion(FULL, "p", AT), **change}) is None


@pytest.mark.parametrize("code", [None, "tilbud-plan", [], {"coding": OFFER}, {"coding": [OFFER]}, {"coding": [{}]}])
def test_what_is_no_valid_code_is_no_offer(code: Any) -> None:
    assert not is_offer({"resourceType": "Task", "code": code})


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        (date(2026, 11, 21), False),
        (date(2026, 11, 22), True),
        (date(2027, 2, 28), True),
        (date(2027, 3, 1), False),
    ],
)
def test_it_holds_from_its_day_until_the_day_to_ask_again(day: date, holds: bool) -> None:
    assert FULL.holds(day) is holds


def test_the_reasons_are_those_of_the_code_system() -> None:
    system = json.loads((PROFILES / "CodeSystem-exclusion-reason.json").read_text("utf-8"))
    assert system["url"] == systems.EXCLUSION_REASON
    assert tuple(one["code"] for one in system["concept"]) == REASONS
