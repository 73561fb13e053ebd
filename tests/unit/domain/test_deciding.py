"""Rows applied to a chart: three-valued truth, first match wins, what is missing is named and never guessed.

The knowledge here is made up, so that each rule of evaluation is seen alone.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from ruled import ON, chart, known, row

from careplan.domain.condition import Condition, FactValue, Group
from careplan.domain.evaluation import Answer, Recommendation, evaluate, evaluate_plans, find_fact, plan_state, stands
from careplan.domain.guideline import (
    AllOf,
    AnyOf,
    CountOf,
    DecidedBy,
    Definition,
    EligibleFor,
    Knowledge,
    KnownAny,
    Offer,
)
from careplan.domain.measure import Measure, Reading
from careplan.domain.target import Standing, Target

D = Decimal


def answered(knowledge: Knowledge, **values: FactValue | int) -> Answer:
    return evaluate(knowledge, chart(**values))


def decided(knowledge: Knowledge, **values: FactValue | int) -> Recommendation:
    return answered(knowledge, **values).recommendations["x"]


A, B, C = Condition("a"), Condition("b"), Condition("c")
TWO = known({"x": [row("X1", A), row("X2")]})


# ── first match wins, and why ────────────────────────────────────────────────────────────────────


def test_first_row_whose_conditions_all_hold_decides() -> None:
    knowledge = known({"x": [row("X1", A, B), row("X2", A), row("X3")]})
    assert decided(knowledge, a=True, b=True).row.id == "X1"
    assert decided(knowledge, a=True, b=False).row.id == "X2"
    assert decided(knowledge, a=False, b=True).row.id == "X3"


def test_a_decision_says_because_of_what_and_which_rows_failed_on_what() -> None:
    knowledge = known({"x": [row("X1", Condition("n", "above", D(5))), row("X2", A, B)]})
    one = decided(knowledge, n=3, a=True, b=True)
    assert [(fact.name, fact.on, fact.references) for fact in one.because] == [
        ("a", ON, ("Observation/a",)),
        ("b", ON, ("Observation/b",)),
    ]
    (tried,) = one.tried
    assert (tried.row.id, tried.failed, tried.value) == ("X1", Condition("n", "above", D(5)), D(3))
    assert not tried.could_still_win
    assert not one.provisional


def test_a_fact_used_twice_is_named_once() -> None:
    knowledge = known({"x": [row("X1", Condition("n", "above", D(1)), Condition("n", "below", D(9)))]})
    assert [fact.name for fact in decided(knowledge, n=5).because] == ["n"]


# ── missing facts ────────────────────────────────────────────────────────────────────────────────


def test_missing_fact_of_an_earlier_row_makes_the_answer_provisional_and_is_named() -> None:
    one = decided(TWO)
    assert (one.row.id, one.provisional, one.missing) == ("X2", True, ("a",))
    assert one.tried[0].could_still_win
    assert one.tried[0].missing == ("a",)


def test_missing_fact_of_a_row_that_fails_anyway_is_no_matter() -> None:
    knowledge = known({"x": [row("X1", A, B), row("X2")]})
    assert decided(knowledge, b=False).missing == ()


def test_missing_fact_of_a_later_row_is_no_matter() -> None:
    knowledge = known({"x": [row("X1", A), row("X2", B), row("X3")]})
    assert not decided(knowledge, a=True).provisional


def test_every_missing_fact_is_named_once_in_the_order_of_the_rows() -> None:
    knowledge = known({"x": [row("X1", B, A), row("X2", A, C), row("X3")]})
    assert decided(knowledge).missing == ("b", "a", "c")


def test_no_row_for_want_of_facts_is_undecided_and_names_them() -> None:
    answer = answered(known({"x": [row("X1", A)], "y": [row("Y1", B)]}), b=False)
    assert answer.recommendations == {}
    assert answer.undecided == {"x": ("a",)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"a": True}, ("X1", ())),
        ({"a": False, "b": False}, ("X2", ())),
        ({"a": False}, ("X2", ("b",))),
        ({}, ("X2", ("a", "b"))),
    ],
)
def test_any_of_is_decided_by_one_yes_and_open_until_all_say_no(values: Any, expected: tuple[str, Any]) -> None:
    knowledge = known({"x": [row("X1", Condition("either")), row("X2")]}, {"either": AnyOf((A, B))})
    one = decided(knowledge, **values)
    assert (one.row.id, one.missing) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"a": True, "b": True}, ("X1", ())),
        ({"a": False}, ("X2", ())),
        ({"b": False}, ("X2", ())),
        ({"a": True}, ("X2", ("b",))),
    ],
)
def test_all_of_is_decided_by_one_no_and_open_until_all_say_yes(values: Any, expected: tuple[str, Any]) -> None:
    knowledge = known({"x": [row("X1", Condition("both")), row("X2")]}, {"both": AllOf((A, B))})
    one = decided(knowledge, **values)
    assert (one.row.id, one.missing) == expected


def test_negation_of_the_unknown_is_unknown() -> None:
    knowledge = known({"x": [row("X1", Condition("a", "is", False)), row("X2")]})
    assert decided(knowledge).row.id == "X2"
    assert decided(knowledge).missing == ("a",)


def test_groups_nest_in_a_row() -> None:
    knowledge = known({"x": [row("X1", Group("any", (A, Group("all", (B, C))))), row("X2")]})
    assert decided(knowledge, a=False, b=True, c=True).row.id == "X1"
    assert decided(knowledge, a=False, b=True).missing == ("c",)
    assert decided(knowledge, a=False, b=True, c=False).row.id == "X2"
    assert decided(knowledge, a=False, b=True, c=False).tried[0].value is False


def test_or_unknown_takes_a_missing_fact_for_yes_without_being_provisional() -> None:
    knowledge = known({"x": [row("X1", Condition("n", "below", D(1), or_unknown=True)), row("X2")]})
    assert decided(knowledge).row.id == "X1"
    assert not decided(knowledge).provisional
    assert decided(knowledge, n=1).row.id == "X2"


def test_a_stated_fact_goes_before_its_definition() -> None:
    knowledge = known({"x": [row("X1", Condition("either"))]}, {"either": AnyOf((A, B))})
    assert find_fact(knowledge, chart(either=False, a=True), "either") is False


# ── counts, tables, plans ────────────────────────────────────────────────────────────────────────

COUNTING = known({"x": [row("X1", Condition("count", "at-least", D(2))), row("X2")]}, {"count": CountOf((A, B, C))})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"a": True, "b": True}, ("X1", ())),
        ({"a": True, "b": False}, ("X2", ("c",))),
        ({"a": True, "b": False, "c": False}, ("X2", ())),
        ({"a": False, "b": False}, ("X2", ())),
        ({"a": False}, ("X2", ("b", "c"))),
    ],
)
def test_count_is_open_only_where_the_unknown_could_change_the_answer(values: Any, expected: tuple[str, Any]) -> None:
    one = decided(COUNTING, **values)
    assert (one.row.id, one.missing) == expected


def test_an_upper_limit_on_a_count_is_open_while_more_may_come() -> None:
    knowledge = known({"x": [row("X1", Condition("count", "below", D(2))), row("X2")]}, {"count": CountOf((A, B, C))})
    assert decided(knowledge, a=True, b=False).missing == ("c",)
    assert decided(knowledge, a=True, b=True).missing == ()


def test_known_any_is_true_once_one_is_on_record() -> None:
    knowledge = known({"x": [row("X1", Condition("scored")), row("X2")]}, {"scored": KnownAny(("n", "m"))})
    assert decided(knowledge, m=0).row.id == "X1"
    assert decided(knowledge).missing == ("n", "m")


GROUPED = known(
    {
        "group": [
            row("G1", A, target=Target(value="E")),
            row("G2", B, target=Target(value="B")),
            row("G3", target=Target(value="A")),
        ],
        "x": [row("X1", Condition("group", "is", "E")), row("X2")],
    },
    {"group": DecidedBy("group")},
)


def test_a_rule_may_ask_what_another_table_decided() -> None:
    assert decided(GROUPED, a=True).row.id == "X1"
    assert decided(GROUPED, a=False, b=True).row.id == "X2"
    assert [fact.name for fact in decided(GROUPED, a=True).because] == ["a"]


def test_what_another_table_may_still_decide_keeps_the_question_open() -> None:
    assert decided(GROUPED, b=True).missing == ("a",)
    assert decided(GROUPED, a=False).missing == ()  # B or A: neither is E


def test_a_table_that_has_no_row_for_the_person_answers_no() -> None:
    tables = {"group": [row("G1", A, target=Target(value="E"))], "x": [row("X1", Condition("grouped")), row("X2")]}
    derived: dict[str, Definition] = {
        "group": DecidedBy("group"),
        "grouped": AllOf((Condition("group", "is", "E"), B)),
    }
    assert decided(known(tables, derived), a=False, b=True).row.id == "X2"
    assert decided(known(tables, derived), a=False, b=True).missing == ()


def test_without_an_eligible_plan_no_rule_is_run() -> None:
    answer = answered(known({"x": [row("X1")]}, eligible=[row("EL", A)]), a=False)
    assert (answer.eligible, answer.recommendations, answer.undecided) == ((), {}, {})
    assert answer.plans["p"].tried[0].failed == A


def test_eligibility_that_facts_leave_open_names_them() -> None:
    knowledge = known({"x": [row("X1", Condition("planned")), row("X2")]}, {"planned": EligibleFor(("p",))})
    assert answered(knowledge).plans["p"].row is not None
    open_ = known({}, {"planned": EligibleFor(("p",))}, eligible=[row("EL", A)])
    assert answered(open_).plans["p"].missing == ("a",)
    assert find_fact(open_, chart(), "planned") is None
    assert find_fact(open_, chart(a=True), "planned") is True
    assert find_fact(open_, chart(a=False), "planned") is False


def test_worklists_evaluate_plans_as_the_whole_evaluation_does() -> None:
    knowledge = known({"x": [row("X1")]}, eligible=[row("E1", A), row("E2", B)])
    for values in ({"a": True}, {"b": True}, {}, {"a": False, "b": False}):
        assert evaluate_plans(knowledge, chart(**values)) == answered(knowledge, **values).plans


# ── plans: offer and state ───────────────────────────────────────────────────────────────────────


def offered(**values: FactValue | int) -> tuple[bool | str, tuple[str, ...]]:
    knowledge = known({}, offer=Offer("OFF", "", must=(Condition("n", "at-most", D(4)),)))
    plan = answered(knowledge, **values).plans["p"]
    return plan.must_offer, plan.missing


def test_offer_is_a_duty_up_to_its_limit_and_unknown_is_no_duty_but_named() -> None:
    assert offered(n=4) == (True, ())
    assert offered(n=D("4.01")) == (False, ())
    assert offered() == (False, ("n",))


def test_offer_may_be_allowed_without_being_a_duty() -> None:
    assert answered(TWO, a=True).plans["p"].must_offer == "allowed"


@pytest.mark.parametrize(
    ("saved", "state"),
    [
        (None, "new"),
        (date(2026, 11, 22), "maintained"),
        (date(2025, 11, 22), "maintained"),
        (date(2025, 11, 21), "overdue"),
    ],
)
def test_a_plan_is_maintained_to_the_very_day_twelve_months_after(saved: date | None, state: str) -> None:
    assert plan_state(saved, ON, 12) == state


def test_a_plan_saved_on_leap_day_is_maintained_to_the_end_of_february() -> None:
    assert plan_state(date(2024, 2, 29), date(2025, 2, 28), 12) == "maintained"
    assert plan_state(date(2024, 2, 29), date(2025, 3, 1), 12) == "overdue"


# ── standing ─────────────────────────────────────────────────────────────────────────────────────


def reading(value: Decimal | str) -> Reading:

    return Reading("x", value, datetime(2026, 11, 22, 8, tzinfo=UTC), "Observation/1")


@pytest.mark.parametrize(
    ("facts", "standing"), [({"a": True}, Standing.OUT), ({"a": False}, Standing.IN), ({}, Standing.IN)]
)
def test_low_end_counts_only_in_people_treated_for_it(facts: dict[str, bool], standing: Standing) -> None:
    measure = Measure("x", "X", "", "quantity", "u", "u", low_end_needs="a")
    band = Target(D(120), D(130))
    assert stands(known({}), chart(**facts), measure, band, reading(D(100))) is standing
    assert stands(known({}), chart(**facts), measure, band, None) is Standing.UNMEASURED
    assert stands(known({}), chart(**facts), measure, band, reading("ja")) is Standing.UNMEASURED
