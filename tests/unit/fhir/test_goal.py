"""Goals: the agreed and the recommended slice, what deviates, and how they are read back."""

import copy
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from recommended import said

from careplan.domain.chart import Fact
from careplan.domain.evaluation import Recommendation, Tried
from careplan.domain.guideline import Row
from careplan.domain.target import Standing, Target
from careplan.fhir import systems
from careplan.fhir.goal import (
    AGREED,
    RECOMMENDED,
    Deviation,
    achievement_of,
    because_json,
    find_deviation,
    find_entry,
    find_target,
    goal_from_recommendation,
    is_active,
    is_personal,
    measure_of_goal,
    recommended_entry,
    says_target,
    target_entry,
    with_achievement,
    with_deviation,
    with_target,
)
from careplan.fhir.reading import codes_from_knowledge
from careplan.fhir.text import parse
from careplan.knowledge.load import load_knowledge

KNOWLEDGE = load_knowledge()
CODES = codes_from_knowledge(KNOWLEDGE)
HBA1C, LDL, SPO2 = (KNOWLEDGE.measures[name] for name in ("hba1c", "ldl", "spo2"))
AT = datetime(2026, 11, 22, 9, 3, tzinfo=UTC)
EXAMPLE = parse((Path(__file__).resolve().parents[3] / "fixtures" / "Goal.json").read_bytes())
D = Decimal


def recommended(target: Target, *missing: str) -> Recommendation:
    facts = (
        Fact("t2d", True, date(2020, 5, 20), ("Condition/c1",)),
        Fact("t2d_duration_years", D("6.5"), date(2020, 5, 20), ("Condition/c1",)),
        Fact("age", D(60), None, ("Patient/p1",)),
    )
    return Recommendation("hba1c", "2026.1", Row("HBA1C-09", (), target), facts, (), missing)


def test_the_design_s_example_is_read() -> None:
    assert find_target(EXAMPLE, AGREED) == Target(D(53), D(58), "mmol/mol")
    assert find_target(EXAMPLE, RECOMMENDED) == Target(None, D(48), "mmol/mol", True)
    measure = measure_of_goal(EXAMPLE, CODES, KNOWLEDGE.measures)
    assert measure is not None and measure.id == "hba1c"
    assert [said(EXAMPLE, name) for name in ("row", "knowledge", "missing")] == [["HBA1C-11"], ["hba1c|2026.1"], []]
    deviation = find_deviation(EXAMPLE)
    assert deviation is not None
    assert (deviation.reason, deviation.valid_until) == ("hypoglycaemia", date(2027, 11, 22))


@pytest.mark.parametrize(
    ("target", "detail"),
    [
        (Target(high=D(48), strict=True), ("detailQuantity", "<")),
        (Target(high=D(58)), ("detailQuantity", "<=")),
        (Target(low=D(88), strict=True), ("detailQuantity", ">")),
        (Target(low=D(150)), ("detailQuantity", ">=")),
    ],
)
def test_one_bound_is_a_quantity_with_its_comparator(target: Target, detail: tuple[str, str]) -> None:
    entry = target_entry(target, LDL, AGREED)
    quantity = entry[detail[0]]
    assert quantity["comparator"] == detail[1]
    assert (quantity["unit"], quantity["system"], quantity["code"]) == ("mmol/L", systems.UCUM, "mmol/L")


def test_a_decided_number_is_read_back() -> None:
    assert find_target({"target": [target_entry(Target(value=D(2)), HBA1C, AGREED)]}, AGREED) == Target(value=D(2))
    assert find_target({"target": [target_entry(Target(value=True), HBA1C, AGREED)]}, AGREED) == Target(value=True)


def test_a_measure_without_unit_gives_a_quantity_without_unit() -> None:
    bare = replace(HBA1C, unit="", ucum="")
    assert target_entry(Target(high=D(3)), bare, AGREED)["detailQuantity"] == {"value": 3, "comparator": "<="}


def test_two_bounds_are_a_range_and_a_strict_high_end_says_so() -> None:
    closed, strict = (
        target_entry(Target(D(53), D(58)), HBA1C, AGREED),
        target_entry(Target(D(53), D(64), "", True), HBA1C, AGREED),
    )
    assert (closed["detailRange"]["low"]["value"], closed["detailRange"]["high"]["value"]) == (53, 58)
    assert "comparator" not in closed["detailRange"]["high"]
    assert [one["url"] for one in closed["extension"]] == [systems.EXT_TARGET_KIND]
    assert {"url": systems.EXT_HIGH_EXCLUSIVE, "valueBoolean": True} in strict["extension"]


@pytest.mark.parametrize(
    ("target", "detail"),
    [
        (Target(value=True), {"detailBoolean": True}),
        (Target(value=False), {"detailBoolean": False}),
        (Target(value=D(2)), {"detailInteger": 2}),
        (Target(value="B"), {"detailString": "B"}),
        (Target(why="et lavere tal gavner næppe"), {"detailString": "et lavere tal gavner næppe"}),
        (Target(), {"detailString": "Intet tal"}),
    ],
)
def test_a_decided_value_or_deliberately_no_number(target: Target, detail: dict[str, Any]) -> None:
    entry = target_entry(target, HBA1C, AGREED)
    assert {name: one for name, one in entry.items() if name.startswith("detail")} == detail


def test_each_slice_carries_medcom_s_code_of_its_kind() -> None:
    def codes(kind: str) -> list[str]:
        return [one["code"] for one in target_entry(Target(high=D(48)), HBA1C, kind)["measure"]["coding"]]

    assert codes(AGREED) == ["NPU27300", "MCS88025"]
    assert codes(RECOMMENDED) == ["NPU27300", "MCS88186"]
    assert [one["code"] for one in target_entry(Target(low=D(88)), SPO2, AGREED)["measure"]["coding"]] == ["2708-6"]


def test_the_recommended_slice_says_where_it_came_from() -> None:
    goal = {"target": [recommended_entry(recommended(Target(high=D(53)), "egfr", "cfs"), HBA1C, AT)]}
    assert said(goal, "row") == ["HBA1C-09"]
    assert said(goal, "knowledge") == ["hba1c|2026.1"]
    assert said(goal, "computedAt") == ["2026-11-22T09:03:00.000Z"]
    assert said(goal, "basis") == [{"reference": "Condition/c1"}, {"reference": "Patient/p1"}]
    assert said(goal, "missing") == ["egfr", "cfs"]
    assert said(goal, "provisional") == [True]
    sure = recommended_entry(recommended(Target(high=D(53))), HBA1C, AT)
    assert "provisional" not in str(sure)


def test_a_proposed_goal_agrees_on_nothing_by_itself() -> None:
    one = recommended(Target(high=D(53)))
    proposed = goal_from_recommendation(one, HBA1C, "p1", AT, agreed=False, status="proposed")
    assert (proposed["lifecycleStatus"], proposed["subject"]) == ("proposed", {"reference": "Patient/p1"})
    assert find_target(proposed, AGREED) is None
    agreed = goal_from_recommendation(one, HBA1C, "p1", AT, agreed=True, status="active")
    assert find_target(agreed, AGREED) == find_target(agreed, RECOMMENDED)
    assert agreed["description"] == {"text": "HbA1c højst 53"}


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (Target(D(53), D(58)), "HbA1c mellem 53 og 58"),
        (Target(why="det gavner ikke"), "HbA1c: det gavner ikke"),
        (Target(), "HbA1c: intet tal"),
        (Target(value=True), "HbA1c ja"),
    ],
)
def test_a_goal_is_said_in_danish(target: Target, says: str) -> None:
    assert says_target(HBA1C, target) == says


def test_changing_one_slice_leaves_the_other_to_the_letter() -> None:
    before = copy.deepcopy(EXAMPLE)
    for kind, other in ((AGREED, RECOMMENDED), (RECOMMENDED, AGREED)):
        changed = with_target(EXAMPLE, kind, target_entry(Target(high=D(70)), HBA1C, kind))
        assert find_target(changed, kind) == Target(None, D(70), "mmol/mol")
        assert find_entry(changed, other) == find_entry(EXAMPLE, other)
        assert len(changed["target"]) == 2
        assert find_entry(changed, AGREED) is changed["target"][0]
    assert before == EXAMPLE


def test_a_deviation_is_put_read_replaced_and_taken_away() -> None:
    full = Deviation("other", "rejser meget", "PractitionerRole/dr1", date(2027, 5, 22))
    bare = Deviation("frailty", None, None, None)
    assert find_deviation(with_deviation(EXAMPLE, full)) == full
    assert find_deviation(with_deviation(with_deviation(EXAMPLE, full), bare)) == bare
    without = with_deviation(EXAMPLE, None)
    assert find_deviation(without) is None
    assert "extension" not in without
    other = {**EXAMPLE, "extension": [*EXAMPLE["extension"], {"url": "https://elsewhere.example", "valueCode": "x"}]}
    assert with_deviation(other, None)["extension"] == [{"url": "https://elsewhere.example", "valueCode": "x"}]


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        (Standing.IN, "achieved"),
        (Standing.NEAR, "not-achieved"),
        (Standing.OUT, "not-achieved"),
        (Standing.UNMEASURED, None),
        (Standing.UNRULED, None),
    ],
)
def test_achievement_is_said_only_where_something_can_be_said(standing: Standing, code: str | None) -> None:
    moved = with_achievement(EXAMPLE, standing)
    assert achievement_of(moved) == code
    assert ("achievementStatus" in moved) == (code is not None)


def test_goals_that_count_and_goals_that_are_the_person_s_own() -> None:
    counting = {"active", "accepted", "planned", "on-hold"}
    assert {
        s
        for s in (*counting, "completed", "cancelled", "entered-in-error", "rejected", "proposed")
        if is_active({"lifecycleStatus": s})
    } == counting
    assert is_personal({"description": {"text": "Gå ture med børnebørnene"}})
    assert not is_personal(EXAMPLE)


def test_a_measure_without_any_code_goes_by_our_own() -> None:
    own = {"target": [{"measure": {"coding": [{"system": systems.MEASURE, "code": "ldl"}]}}]}
    assert measure_of_goal(own, CODES, KNOWLEDGE.measures) is LDL
    assert measure_of_goal({"target": [{"measure": {"text": "?"}}]}, CODES, KNOWLEDGE.measures) is None
    assert measure_of_goal({"target": []}, CODES, KNOWLEDGE.measures) is None


def test_facts_are_printed_with_value_date_and_reference() -> None:
    facts = (Fact("ihd", True, date(2020, 1, 1), ("Condition/a", "Condition/b")), Fact("frail", False))
    assert because_json(facts) == [
        {
            "fact": "ihd",
            "value": True,
            "date": "2020-01-01",
            "reference": "Condition/a",
            "references": ["Condition/a", "Condition/b"],
            "formula": None,
        },
        {"fact": "frail", "value": False, "date": None, "reference": None, "references": [], "formula": None},
    ]


def test_a_computed_fact_is_printed_unrounded_with_its_formula_and_a_bound_with_its_comparator() -> None:
    ratio = Fact("fev1_fvc", Decimal("0.700"), exact=Decimal("0.69965"), formula="fev1-fvc")
    (computed,) = because_json([ratio])
    assert (computed["value"], computed["formula"]) == (Decimal("0.69965"), "fev1-fvc")
    assert because_json([Fact("egfr", Decimal(30), comparator="<")])[0]["comparator"] == "<"


def test_a_date_is_printed_no_more_precisely_than_it_is_known() -> None:
    year = Fact("t2d", True, date(2015, 1, 1), until=date(2015, 12, 31))
    month = Fact("t2d", True, date(2015, 3, 1), until=date(2015, 3, 31))
    assert [one["date"] for one in because_json([year, month])] == ["2015", "2015-03"]


def test_a_row_that_lacked_facts_could_still_win() -> None:
    assert Tried(Row("X", ()), None, None, ("egfr",)).could_still_win
