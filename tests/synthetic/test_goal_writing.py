"""Goals written from proposals: bounds, deviations, achievement."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.synthetic.folder import write_people
from careplan.synthetic.goal import write_goals
from careplan.synthetic.observation import Record, Resource

AT = "2026-10-01T09:00:00+02:00"


def _target(kind: str, code: str, detail: Mapping[str, Any], *more: Resource) -> Resource:
    extension = [{"url": systems.EXT_TARGET_KIND, "valueCode": kind}, *more]
    return {"extension": extension, "measure": {"coding": [{"system": systems.NPU, "code": code}]}, **detail}


def _quantity(value: str, comparator: str, unit: str = "mmol/L") -> Resource:
    return {"detailQuantity": {"value": Decimal(value), "comparator": comparator, "code": unit}}


def _range(low: int, high: int, unit: str = "mmol/mol") -> Resource:
    return {"detailRange": {"low": {"value": low, "code": unit}, "high": {"value": high, "code": unit}}}


def _written(record: Record, *targets: Resource, deviation: str | None = None) -> Resource:
    proposal = {"resourceType": "Goal", "id": "x", "description": {"text": "Mål"}, "target": list(targets)}
    write_goals(record, [proposal], deviation=deviation, agreed_on="2026-10-01", due="2027-10-01", status="active")
    return record.resources[-1]


def _achieved(name: str, value: float, code: str, detail: Resource, *more: Resource) -> str | None:
    record = Record("p1", "own")
    record.measured(name, AT, value)
    goal = _written(record, _target("recommended", code, detail, *more))
    return goal["achievementStatus"]["coding"][0]["code"] if "achievementStatus" in goal else None


@pytest.mark.parametrize(
    ("value", "comparator", "expected"),
    [
        (1.3, "<", "achieved"),
        (1.4, "<", "not-achieved"),
        (1.4, "<=", "achieved"),
        (1.5, "<=", "not-achieved"),
        (1.4, ">", "not-achieved"),
        (1.5, ">", "achieved"),
        (1.4, ">=", "achieved"),
        (1.3, ">=", "not-achieved"),
    ],
)
def test_a_bound_holds_its_end_only_when_it_says_so(value: float, comparator: str, expected: str) -> None:
    assert _achieved("ldl", value, "NPU01568", _quantity("1.4", comparator)) == expected


def test_a_range_holds_both_ends_unless_the_upper_is_strict() -> None:
    strict = {"url": systems.EXT_HIGH_EXCLUSIVE, "valueBoolean": True}
    assert _achieved("hba1c", 53, "NPU27300", _range(53, 58)) == "achieved"
    assert _achieved("hba1c", 58, "NPU27300", _range(53, 58)) == "achieved"
    assert _achieved("hba1c", 58, "NPU27300", _range(53, 58), strict) == "not-achieved"
    assert _achieved("hba1c", 52, "NPU27300", _range(53, 58)) == "not-achieved"


def test_hours_of_exercise_count_against_a_target_in_minutes() -> None:
    assert _achieved("activity", 2.5, "MCS88001", _quantity("150", ">=", "min/wk")) == "achieved"
    assert _achieved("activity", 2.0, "MCS88001", _quantity("150", ">=", "min/wk")) == "not-achieved"


def test_a_value_in_another_unit_or_none_says_nothing_of_achievement() -> None:
    assert _achieved("ldl", 1.2, "NPU01568", _quantity("54", "<", "mg/dL")) is None
    assert _achieved("ldl", 1.2, "NPU27300", _range(53, 58)) is None
    assert _achieved("ldl", 1.2, "NPU01568", {"detailString": "Intet tal"}) is None


def test_a_home_pressure_counts_as_the_newest() -> None:
    record = Record("p1", "own")
    record.pressure("2026-09-01T09:00:00+02:00", 150, 90)
    record.pressure("2026-10-01T07:00:00+02:00", 124, 76, home=True)
    goal = _written(record, _target("recommended", "DNK05472", _range(120, 130, "mm[Hg]")))
    assert goal["achievementStatus"]["coding"][0]["code"] == "achieved"


def test_an_agreed_slice_that_is_proposed_is_kept_and_gets_its_date() -> None:
    agreed = _target("agreed", "NPU01568", _quantity("1.8", "<"))
    recommended = _target("recommended", "NPU01568", _quantity("1.8", "<"))
    goal = _written(Record("p1", "own"), agreed, recommended)
    assert goal["target"] == [{**agreed, "dueDate": "2027-10-01"}, recommended]


def test_a_proposal_without_recommended_slice_is_left_out() -> None:
    record = Record("p1", "own")
    agreed = {"target": [_target("agreed", "NPU01568", _quantity("1.8", "<"))]}
    assert write_goals(record, [agreed], deviation=None, agreed_on="", due="", status="active") == []
    assert record.resources == []


@pytest.mark.parametrize(
    ("deviation", "code", "detail", "words"),
    [
        ("hba1c", "NPU27300", _range(53, 58), "HbA1c mellem 58 og 63"),
        ("ldl", "NPU01568", _quantity("1.4", "<"), "LDL under 1,8"),
        ("systolic", "DNK05472", _quantity("130", "<=", "mm[Hg]"), "Blodtryk, systolisk højst 140"),
        ("ldl", "NPU01568", _quantity("1.4", ">="), "LDL mindst 1"),
    ],
)
def test_a_deviation_loosens_the_bound_and_says_so(deviation: str, code: str, detail: Resource, words: str) -> None:
    goal = _written(Record("p1", "own"), _target("recommended", code, detail), deviation=deviation)
    assert goal["description"]["text"] == words
    assert [one["url"] for one in goal["extension"]] == [systems.EXT_DEVIATION]


def test_a_target_without_number_has_nothing_to_deviate_from() -> None:
    target = _target("recommended", "NPU01568", {"detailString": "Intet tal"})
    goal = _written(Record("p1", "own"), target, deviation="ldl")
    assert "extension" not in goal
    assert goal["description"]["text"] == "Mål"


def test_what_is_not_json_is_refused(tmp_path: Any) -> None:
    bundle = {"entry": [{"resource": {"resourceType": "Patient", "id": "x", "birthDate": object()}}]}
    with pytest.raises(TypeError, match="object cannot be written"):
        write_people(tmp_path, [bundle])
