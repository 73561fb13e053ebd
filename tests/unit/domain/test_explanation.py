"""Explanations made from an evaluation: what decided, what was tried before it, what is missing and could change it."""

from dataclasses import replace
from decimal import Decimal

from ruled import ON, RAW, chart, known, row

from careplan.domain.chart import Chart
from careplan.domain.condition import Condition, Group
from careplan.domain.evaluation import evaluate
from careplan.domain.explanation import Explanation, Gap, explain, explanations
from careplan.domain.guideline import AllOf, CountOf, DecidedBy, Definition, EligibleFor, Row
from careplan.domain.target import Target

A, B = Condition("a"), Condition("b")
ABOVE = Condition("n", "above", Decimal(5))


def explained(rows: list[Row], derived: dict[str, Definition] | None = None, **values: bool | int) -> Explanation:
    knowledge, facts = known({"x": rows}, derived), chart(**values)
    found = explain(knowledge, facts, evaluate(knowledge, facts), "x")
    assert found is not None
    return found


def names(one: Explanation) -> list[str]:
    return [fact.name for fact in one.read]


def test_a_row_that_failed_is_told_with_the_question_and_what_is_known_of_it() -> None:
    one = explained([row("X1", Group("any", (A, ABOVE))), row("X2")], a=False, n=3)
    (tried,) = one.tried
    assert tried.failed == Group("any", (A, ABOVE))
    assert [(fact.name, fact.value) for fact in tried.facts] == [("a", False), ("n", Decimal(3))]


def test_a_row_that_fails_on_a_derived_fact_tells_the_facts_of_the_record_behind_it() -> None:
    one = explained([row("X1", Condition("both")), row("X2")], {"both": AllOf((A, ABOVE))}, a=True, n=3)
    assert [(fact.name, fact.value) for fact in one.tried[0].facts] == [("n", Decimal(3))]


def test_a_missing_fact_names_every_row_it_could_still_let_win() -> None:
    one = explained([row("X1", A, B), row("X2", ABOVE), row("X3", Condition("b", "is", False)), row("X4")], a=True)
    assert {gap.fact: [row.id for row in gap.rows] for gap in one.gaps} == {"b": ["X1", "X3"], "n": ["X2"]}
    assert one.provisional


def test_a_row_that_only_wins_where_one_before_it_does_is_not_named() -> None:
    one = explained([row("X1", A, B), row("X2", ABOVE), row("X3", B), row("X4")], a=True)
    assert one.row is not None
    assert one.row.id == "X4"
    assert {gap.fact: [row.id for row in gap.rows] for gap in one.gaps} == {"b": ["X1"], "n": ["X2"]}
    assert [tried.row.id for tried in one.could_win] == ["X1", "X2"]


def test_a_row_is_tried_with_all_its_missing_facts_at_once() -> None:
    both = Condition("both")
    one = explained([row("X1", A), row("X2", both), row("X3", B), row("X4")], {"both": AllOf((A, B))})
    assert [tried.row.id for tried in one.could_win] == ["X1", "X3"]


def test_a_missing_fact_that_no_row_within_reach_waits_for_is_still_told_missing() -> None:
    never = Group("all", (Condition("n", "below", Decimal(3)), Condition("n", "above", Decimal(5))))
    one = explained([row("X1", never), row("X2")])
    assert one.gaps == (Gap("n", ()),)


def test_a_fact_known_to_be_one_of_a_few_values_is_supposed_to_be_no_other() -> None:
    known_facts = chart(n=3).facts["n"]
    narrow = Chart(ON, {"n": replace(known_facts, others=(Decimal(6),))})
    knowledge = known({"x": [row("X1", Condition("n", "above", Decimal(9))), row("X2", ABOVE), row("X3")]})
    found = explain(knowledge, narrow, evaluate(knowledge, narrow), "x")
    assert found is not None
    assert [tried.row.id for tried in found.could_win] == ["X2"]


def test_a_row_with_too_many_ways_to_be_tried_counts_as_within_reach() -> None:
    many: dict[str, Definition] = {f"f{number}": RAW for number in range(12)}
    many["count"] = CountOf(tuple(Condition(name) for name in many))
    half = (Condition("count", "at-least", Decimal(7)), Condition("count", "below", Decimal(7)))
    one = explained([row("X1", *half), row("X2")], many)
    assert [tried.row.id for tried in one.could_win] == ["X1"]


def test_a_row_that_failed_already_is_not_what_a_missing_fact_could_change() -> None:
    one = explained([row("X1", A, B), row("X2")], a=False)
    assert one.gaps == ()


def test_a_measure_that_no_row_decides_yet_is_explained_by_what_is_missing() -> None:
    one = explained([row("X1", A), row("X2", B)], a=False)
    assert one.row is None
    assert one.because == ()
    assert [tried.row.id for tried in one.tried] == ["X1", "X2"]
    assert [gap.fact for gap in one.gaps] == ["b"]


def test_a_measure_the_rules_do_not_speak_of_has_no_explanation() -> None:
    knowledge = known({"x": [row("X1", A)]})
    facts = chart(a=False)
    assert explain(knowledge, facts, evaluate(knowledge, facts), "x") is None
    assert explanations(knowledge, facts, evaluate(knowledge, facts)) == {}


def test_what_was_read_holds_no_more_than_the_rows_up_to_the_deciding_one_ask_about() -> None:
    one = explained([row("X1", A), row("X2", B), row("X3", ABOVE)], a=False, b=True, n=9, c=True)
    assert names(one) == ["a", "b"]


def test_what_was_read_reaches_through_tables_and_plans() -> None:
    knowledge = known(
        {
            "x": [row("X1", Condition("y", "is", "high"), Condition("planned")), row("X2")],
            "y": [row("Y1", A, target=Target(value="low")), row("Y2", ABOVE, target=Target(value="high"))],
        },
        {"y": DecidedBy("y"), "planned": EligibleFor(("p",))},
        eligible=(Row("EL", (Condition("c"),)),),
    )
    facts = chart(a=False, n=9, c=True, m=1)
    one = explain(knowledge, facts, evaluate(knowledge, facts), "x")
    assert one is not None
    assert names(one) == ["a", "c", "n"]
    alone = Chart(facts.on, {fact.name: fact for fact in one.read})
    assert explain(knowledge, alone, evaluate(knowledge, alone), "x") == one
