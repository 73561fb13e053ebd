"""An explanation as an extension: what the property tests do not show, because today's knowledge has no case of it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from ruled import ON, chart, known, row

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import Condition, Group
from careplan.domain.evaluation import evaluate
from careplan.domain.explanation import explain
from careplan.domain.guideline import AnyOf, Knowledge
from careplan.domain.source import Source
from careplan.fhir.explained import explanation_extension
from careplan.fhir.text import Json
from careplan.knowledge.load import load_knowledge

A, B = Condition("a"), Condition("b")
HIGH = Condition("n", "at-least", Decimal(30), or_unknown=True)


def extension(knowledge: Knowledge, facts: Chart) -> Json:
    found = explain(knowledge, facts, evaluate(knowledge, facts), "x")
    assert found is not None
    return explanation_extension(found, knowledge, facts.lapsed)


def parts(holder: Json, url: str) -> list[Json]:
    return [one for one in holder["extension"] if one["url"] == url]


def said(holder: Json, url: str) -> list[Any]:
    return [value for part in parts(holder, url) for member, value in part.items() if member != "url"]


def test_a_group_that_failed_is_told_question_by_question_with_the_values_met() -> None:
    group = Group("all", (A, Group("any", (HIGH, B))))
    (passed,) = parts(extension(known({"x": [row("X1", group), row("X2")]}), chart(a=True, n=3, b=False)), "considered")
    tests = parts(passed, "test")
    assert [said(one, "fact") for one in tests] == [["a"], ["n"], ["b"]]
    assert [said(one, "met") for one in tests] == [[], [Decimal(3)], [False]]
    assert [said(one, "orUnknown") for one in tests] == [[], [True], []]
    assert said(passed, "question") == ["a og n ≥ 30 eller ukendt eller b"]


def test_a_row_without_a_source_says_none_and_one_that_was_not_checked_says_so() -> None:
    bare = extension(known({"x": [row("X1")]}), chart())
    assert (parts(bare, "source"), parts(bare, "unverified")) == ([], [])
    source = Source("T", "P", "https://example.org", None, "S")
    full = extension(known({"x": [replace(row("X1"), source=source, unverified=True)]}), chart())
    assert said(full, "source") == [
        {"type": "citation", "display": "T", "citation": "P, S", "url": "https://example.org"}
    ]
    assert said(full, "unverified") == [True]


def test_a_coded_answer_is_a_code_and_a_number_of_no_measure_a_decimal() -> None:
    facts = chart(a="very_high", n=7)
    rows = [row("X1", Condition("a", "is", "low")), row("X2", Condition("n", "above", Decimal(5)))]
    told = parts(extension(known({"x": rows}), facts), "fact")
    assert {key for fact in told for part in fact["extension"] for key in part} >= {"valueCode", "valueDecimal"}


def test_a_fact_that_is_too_old_to_count_tells_its_day_with_the_gap() -> None:
    facts = replace(chart(), lapsed={"a": Fact("a", True, date(2023, 5, 2)), "b": Fact("b", True)})
    gaps = parts(extension(known({"x": [row("X1", A, B), row("X2")]}), facts), "gap")
    assert [(said(gap, "fact"), said(gap, "last")) for gap in gaps] == [(["a"], ["2023-05-02"]), (["b"], [])]
    assert ON.isoformat() not in str(gaps)


def test_a_computed_fact_tells_its_formula_and_what_no_source_defines_is_marked() -> None:
    knowledge = known({"x": [row("X1", Condition("frail"))]}, {"frail": AnyOf((A, B))})
    facts = {name: replace(one, unverified=name in ("frail", "a")) for name, one in knowledge.facts.items()}
    told = extension(
        replace(knowledge, facts=facts), Chart(ON, {"a": Fact("a", True, formula="f"), "b": Fact("b", True)})
    )
    assert [said(one, "name") + said(one, "says") for one in parts(told, "unverifiedFact")] == [
        ["a", "Ikke efterprøvet i kilden: a"],
        ["frail", "Ikke efterprøvet i kilden: frail"],
    ]
    assert [(said(one, "formula"), said(one, "computed"), said(one, "unverified")) for one in parts(told, "fact")] == [
        (["f"], ["beregnet"], [True]),
        ([], [], []),
    ]


def test_a_bound_stands_in_the_extension_with_its_comparator() -> None:
    knowledge = load_knowledge()
    eligible = {name: Fact(name, True) for name in ("own_gp", "t2d_adult", "t2d")}
    facts = eligible | {"age": Fact("age", Decimal(60)), "egfr": Fact("egfr", Decimal(30), comparator="<")}
    of = Chart(ON, facts)
    explained = explain(knowledge, of, evaluate(knowledge, of), "ldl")
    assert explained is not None
    told = explanation_extension(explained, knowledge, {})["extension"]
    parts = [one["extension"] for one in told if one["url"] == "fact"]
    (egfr,) = (one for one in parts if one[0]["valueCode"] == "egfr")
    (quantity,) = (one["valueQuantity"] for one in egfr if one["url"] == "value")
    assert (quantity["comparator"], quantity["value"]) == ("<", 30)
