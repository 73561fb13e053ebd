"""An explanation in Danish words: what was asked, what it met, what is missing and what it would change."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from ruled import ON, chart, known, row

from careplan.domain.account import Account, account_of, known_of
from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import Condition, FactValue, Group, Term
from careplan.domain.danish import danish_list, fact_text, question_text, target_text, value_text
from careplan.domain.evaluation import evaluate
from careplan.domain.explanation import explain
from careplan.domain.guideline import (
    AllOf,
    AnswerForm,
    AnyOf,
    CountOf,
    DecidedBy,
    Definition,
    FactDefinition,
    FromRecord,
    Knowledge,
    KnownAny,
    Row,
)
from careplan.domain.measure import Answer, Derivation, Measure
from careplan.domain.source import Source
from careplan.domain.target import Target

A, B, D = Condition("a"), Condition("b"), Decimal
HIGH = Condition("n", "at-least", Decimal(30))
NONE = Target(why="Intet talmål: det gavner næppe.")
LAPSED = {"n": Fact("n", Decimal(40), date(2023, 5, 2))}


def told(
    rows: list[Row],
    derived: dict[str, Definition] | None = None,
    lapsed: dict[str, Fact] | None = None,
    **values: object,
) -> Account:
    knowledge, facts = known({"x": rows}, derived), chart(**values)  # type: ignore[arg-type]
    found = explain(knowledge, facts, evaluate(knowledge, facts), "x")
    assert found is not None
    return account_of(found, knowledge, ON, lapsed or {})


def account(knowledge: Knowledge, facts: Chart) -> Account:
    found = explain(knowledge, facts, evaluate(knowledge, facts), "x")
    assert found is not None
    return account_of(found, knowledge, ON, {})


def why(account: Account) -> list[str]:
    return [f"{one.row}: {one.why}" for one in account.passed]


def changes(account: Account) -> list[str]:
    return [said for lack in account.lacks for said in lack.changes]


def test_a_decided_measure_names_row_table_sentence_source_and_facts_with_their_days() -> None:
    source = Source("T", "P", "https://example.org", 2024, "S")
    decided = replace(row("X1", A), says="Fordi.", source=source, unverified=True)
    one = told([decided], a=True)
    assert (one.row, one.knowledge, one.says, one.source, one.unverified) == ("X1", "x 1", "Fordi.", source, True)
    assert [fact.says for fact in one.facts] == ["a: ja (22.11.2026)"]
    assert (one.facts[0].on, one.facts[0].reference) == (ON, "Observation/a")
    assert (one.undecided, one.missing) == ("", "")


def test_a_raw_question_meets_its_value() -> None:
    assert why(told([row("X1", HIGH), row("X2")], n=11)) == ["X1: Passer ikke: n ≥ 30 (her: 11 (22.11.2026))"]


def test_a_derived_question_meets_its_answer_and_the_facts_behind_it() -> None:
    one = told([row("X1", Condition("frail")), row("X2")], {"frail": AnyOf((HIGH, A))}, n=3, a=False)
    assert why(one) == ["X1: Passer ikke: frail (her: nej: n 3 (22.11.2026), a nej (22.11.2026))"]


def test_a_count_meets_the_number_and_what_was_counted() -> None:
    many = Condition("count", "at-least", Decimal(2))
    one = told([row("X1", many), row("X2")], {"count": CountOf((A, B))}, a=True, b=False)
    assert why(one) == ["X1: Passer ikke: count ≥ 2 (her: 1: a ja (22.11.2026), b nej (22.11.2026))"]


def test_a_table_without_an_answer_meets_what_it_rested_on() -> None:
    knowledge = known(
        {"x": [row("X1", Condition("y", "is", "high")), row("X2")], "y": [row("Y1", A, target=Target(value="high"))]},
        {"y": DecidedBy("y")},
    )
    facts = chart(a=False)
    found = explain(knowledge, facts, evaluate(knowledge, facts), "x")
    assert found is not None
    assert why(account_of(found, knowledge, ON, {})) == ["X1: Passer ikke: y = høj"]


def test_a_group_tells_each_question_with_the_value_it_met() -> None:
    group = Group("any", (A, Group("all", (HIGH, Condition("both"))), Condition("m")))
    one = told([row("X1", Group("all", (group, B))), row("X2")], {"both": AllOf((A, B))}, a=False, n=3, b=False)
    (said,) = why(one)
    assert said.startswith("X1: Passer ikke: a eller n ≥ 30 og both eller m og b (her: (a: nej (22.11.2026); ")
    assert "(n ≥ 30: 3 (22.11.2026); both: nej); m: ukendt); b: nej (22.11.2026)" in said


def test_a_row_that_is_open_names_what_it_waits_for_and_since_when_it_is_too_old() -> None:
    one = told([row("X1", HIGH, B), row("X2")], lapsed=LAPSED)
    assert [(open_.row, open_.why) for open_ in one.open] == [("X1", "Kan ikke afgøres: mangler n (sidst 2023) og b")]
    assert one.missing == "n (sidst 2023) og b"


def test_a_measure_no_row_could_decide_says_so_and_since_when() -> None:
    one = told([row("X1", HIGH)], lapsed=LAPSED)
    assert (one.row, one.undecided) == ("", "Målet kan ikke beregnes: n (sidst 2023) mangler")
    assert changes(one) == ["Var n 30 eller mere, ville målet være højst 1 u (X1)."]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (HIGH, "Var n 30 eller mere, ville målet være højst 2 u (X1)."),
        (Condition("n", "above", Decimal(30)), "Var n over 30, ville målet være højst 2 u (X1)."),
        (Condition("n", "below", Decimal(30)), "Var n under 30, ville målet være højst 2 u (X1)."),
        (Condition("n", "at-most", Decimal(30)), "Var n 30 eller mindre, ville målet være højst 2 u (X1)."),
        (Condition("n", "is", Decimal(30)), "Var n 30, ville målet være højst 2 u (X1)."),
        (A, "Var der a, ville målet være højst 2 u (X1)."),
        (Condition("a", "is", False), "Var der ikke a, ville målet være højst 2 u (X1)."),
        (Condition("a", "is", "very_high"), "Var a meget høj, ville målet være højst 2 u (X1)."),
        (
            Group("all", (HIGH, Condition("n", "below", Decimal(60)))),
            "Var n fra 30 til under 60, ville målet være højst 2 u (X1).",
        ),
        (
            Group("all", (Condition("n", "above", Decimal(30)), Condition("n", "at-most", Decimal(60)))),
            "Var n over 30 til og med 60, ville målet være højst 2 u (X1).",
        ),
    ],
)
def test_a_missing_fact_says_what_it_would_have_to_be_and_what_it_would_give(question: Term, says: str) -> None:
    first = row("X1", question, target=Target(high=Decimal(2)))
    assert changes(told([first, row("X2")])) == [says]


def test_a_fact_that_is_asked_for_at_all_is_told_by_the_values_that_are_asked_of_it() -> None:
    first = row("X1", HIGH, target=Target(high=Decimal(2)))
    second = row("X2", Condition("seen"), target=Target(high=Decimal(3)))
    one = told([first, second, row("X3")], {"seen": KnownAny(("n",))})
    assert changes(one) == [
        "Var n under 30, ville målet være højst 3 u (X2).",
        "Var n 30 eller mere, ville målet være højst 2 u (X1).",
    ]


def test_what_would_give_the_same_target_is_said_not_to_change_the_number() -> None:
    assert changes(told([row("X1", A), row("X2")])) == ["Var der a, ville X1 afgøre det. Det ville ikke ændre tallet."]


def test_what_would_take_the_number_away_says_so() -> None:
    one = told([row("X1", A, target=NONE), row("X2")])
    assert changes(one) == ["Var der a, ville der ikke være et mål i tal (X1)."]


def test_a_row_that_would_win_while_another_is_open_is_called_provisional() -> None:
    one = told([row("X1", B, target=NONE), row("X2", A, target=Target(high=Decimal(2))), row("X3")])
    assert "Var der a, ville målet være højst 2 u (X2, stadig foreløbigt)." in changes(one)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (Target(high=Decimal(2)), "Sammen med b kunne målet blive højst 2 u (X1)."),
        (Target(high=Decimal(1)), "Sammen med b kunne X1 afgøre det. Det ville ikke ændre tallet."),
        (NONE, "Sammen med b kunne målet i tal falde bort (X1)."),
    ],
)
def test_a_row_that_takes_more_than_one_missing_fact_names_the_others(target: Target, says: str) -> None:
    assert changes(told([row("X1", A, B, target=target), row("X2")]))[0] == says


def test_a_fact_that_no_value_of_could_change_anything_says_so() -> None:
    one = told([row("X1", A), row("X2", Group("all", (A, B))), row("X3")], b=True)
    assert changes(one) == ["Var der a, ville X1 afgøre det. Det ville ikke ændre tallet."]
    never = Group("all", (Condition("n", "below", Decimal(3)), Condition("n", "above", Decimal(5))))
    assert changes(told([row("X1", never), row("X2")])) == ["N ville ikke ændre tallet."]


def test_a_row_that_one_before_it_always_forestalls_is_not_called_open() -> None:
    one = told([row("X1", A), row("X2", A), row("X3")])
    assert [open_.row for open_ in one.open] == ["X1"]
    assert why(one) == ["X2: Kan ikke komme til at gælde, uanset a"]


def test_the_sentence_of_a_provisional_row_begins_with_what_is_not_known() -> None:
    last = replace(row("X2"), says="Ingen kendt a.")
    assert told([row("X1", HIGH, A), last], lapsed=LAPSED).sentence == (
        "Foreløbigt: n (sidst 2023) og a er ikke kendt. Ingen kendt a."
    )
    assert told([row("X1", A), last], a=False).sentence == "Ingen kendt a."


def test_a_yes_or_no_is_missing_as_a_piece_of_information_and_never_called_so_when_it_is_known() -> None:
    knowledge = known({"x": [row("X1", A), row("X2")]})
    flag = FactDefinition("a", "svær hypoglykæmi", FromRecord("answer", {"form": AnswerForm("flag")}))
    knowledge = replace(knowledge, facts={**knowledge.facts, "a": flag})
    lacking, no = (account(knowledge, facts) for facts in (chart(), chart(a=False)))
    assert lacking.missing == "oplysning om svær hypoglykæmi"
    assert changes(lacking) == ["Var der svær hypoglykæmi, ville X1 afgøre det. Det ville ikke ændre tallet."]
    assert why(no) == ["X1: Passer ikke: svær hypoglykæmi (her: nej (22.11.2026))"]


def test_what_no_source_defines_is_marked_where_a_row_asks_about_it_and_where_it_failed() -> None:
    knowledge = known({"x": [row("X1", Condition("frail")), row("X2")]}, {"frail": AnyOf((A, B))})
    facts = {name: replace(one, unverified=name in ("frail", "b")) for name, one in knowledge.facts.items()}
    knowledge = replace(knowledge, facts=facts)
    decided, passed = account(knowledge, chart(a=False, b=True)), account(knowledge, chart(a=False, b=False))
    assert decided.unverified_facts == ("b", "frail")
    assert decided.unchecked == "Ikke efterprøvet i kilden: b og frail"
    assert [fact.says for fact in decided.facts] == ["b: ja (22.11.2026), ikke efterprøvet"]
    assert (passed.unverified_facts, passed.unchecked) == ((), "")
    assert why(passed)[0].endswith(", ikke efterprøvet")


def test_what_a_table_decides_is_not_called_a_target() -> None:
    knowledge = known({"x": [row("X1", A, target=Target(value=D(4))), row("X2", target=Target(value="unknown"))]})
    graded = replace(knowledge, measures={"x": replace(knowledge.measures["x"], kind="group", unit="grade")})
    assert changes(account(graded, chart())) == ["Var der a, ville det være grad 4 (X1)."]
    assert target_text(Target(value="unknown"), graded.measures["x"]) == "ukendt"


# ── words ────────────────────────────────────────────────────────────────────────────────────────


def measured() -> Knowledge:
    knowledge = known({"x": [row("X1")]})
    kidney = Measure("kidney", "Nyre", "", "quantity", "mL/min/1.73 m2", "mL/min/{1.73_m2}", 0)
    smoke = Measure("smoke", "Røg", "", "choice", "", "", answers=(Answer("never", "aldrig røget"),))
    facts = dict(knowledge.facts)
    for name in ("kidney", "smoke"):
        facts[name] = FactDefinition(name, name, FromRecord("measure", {"measure": name}))
    return replace(knowledge, facts=facts, measures={**knowledge.measures, "kidney": kidney, "smoke": smoke})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("kidney", Decimal(52), "52 mL/min/1,73 m²"),
        ("smoke", "never", "aldrig røget"),
        ("age", Decimal("71.9"), "71"),
        ("n", Decimal("5.25"), "5,2"),
        ("n", Decimal(5), "5"),
        ("a", True, "ja"),
        ("a", "very_high", "meget høj"),
        ("a", "else", "else"),
    ],
)
def test_a_value_is_written_as_danes_do(name: str, value: FactValue, says: str) -> None:
    assert value_text(name, value, measured()) == says


@pytest.mark.parametrize(
    ("term", "says"),
    [
        (Condition("kidney", "below", Decimal(60)), "kidney < 60 mL/min/1,73 m²"),
        (Condition("a", "is", False), "ikke a"),
        (Condition("a", "is-not", False), "a"),
        (Condition("n", "below", Decimal(1), or_unknown=True), "n < 1 eller ukendt"),
        (Group("any", (A, B)), "a eller b"),
    ],
)
def test_a_question_is_written_as_danes_do(term: Term, says: str) -> None:
    assert question_text(term, measured()) == says


@pytest.mark.parametrize(
    ("value", "question", "says"),
    [
        ("4.986", Condition("n", "at-least", Decimal(5)), "4,9"),
        ("4.996", Condition("n", "below", Decimal("4.95")), "4,99"),
        ("5.02", Condition("n", "above", Decimal(5)), "5,02"),
        ("5.0027", Condition("n", "above", Decimal(5)), "5,002"),
        ("5.9", Condition("n", "at-least", Decimal(5)), "5,9"),
    ],
)
def test_a_number_is_cut_down_and_never_to_the_other_side_of_a_limit(
    value: str, question: Condition, says: str
) -> None:
    assert value_text("n", Decimal(value), known({"x": [row("X1", question)]})) == says


@pytest.mark.parametrize(("age", "says"), [("60.3", "fyldt 60"), ("61.9", "61"), ("60", "60"), ("59.99", "59")])
def test_an_age_is_whole_years_that_answer_the_rule_as_it_was(age: str, says: str) -> None:
    older = row("X1", Condition("age", "above", Decimal(60)))
    assert value_text("age", Decimal(age), known({"x": [older]}, {"age": FromRecord("person", {})})) == says


def test_a_value_judged_more_exactly_than_it_is_shown_is_shown_on_its_side_of_the_limit() -> None:
    knowledge = measured()
    rows = (row("X1", Condition("kidney", "below", Decimal(60))),)
    knowledge = replace(knowledge, guidelines={"x": replace(knowledge.guidelines["x"], rows=rows)})
    said = [fact_text(Fact("kidney", Decimal(60), exact=Decimal(one)), knowledge) for one in ("59.6", "60.2")]
    assert said == ["59 mL/min/1,73 m²", "60 mL/min/1,73 m²"]


def test_a_computed_value_says_what_it_was_computed_of() -> None:
    knowledge = measured()
    formula = Derivation("f", ("creatinine", "fev1"), Source("T", "P", "https://example.org"))
    kidney = replace(knowledge.measures["kidney"], derived=formula)
    names = {"creatinine": "Kreatinin", "fev1": "FEV1"}
    inputs = {id: Measure(id, name, "", "quantity", "u", "u") for id, name in names.items()}
    knowledge = replace(knowledge, measures={**knowledge.measures, "kidney": kidney, **inputs})
    fact = Fact("kidney", Decimal(52), ON, ("Observation/1",), formula="f")
    assert known_of(fact, knowledge).says == ("kidney: 52 mL/min/1,73 m² (22.11.2026, beregnet af kreatinin og FEV1)")


def test_the_numbers_of_a_target_have_no_trailing_noughts() -> None:
    fine = replace(measured().measures["kidney"], decimals=1)
    assert target_text(Target(low=Decimal(20), high=Decimal("25.0")), fine) == "mellem 20 og 25 mL/min/1,73 m²"


def test_a_fact_the_files_do_not_know_goes_by_its_name() -> None:
    assert question_text(Condition("unheard"), measured()) == "unheard"
    assert value_text("unheard", Decimal(3), measured()) == "3"


def test_a_target_has_its_unit_once_and_no_unit_without_a_number() -> None:
    measures = measured().measures
    assert target_text(Target(low=Decimal(60)), measures["kidney"]) == "mindst 60 mL/min/1,73 m²"
    assert target_text(Target(value=True), measures["smoke"]) == "ja"
    assert target_text(Target(high=Decimal(1)), measures["smoke"]) == "højst 1"


def test_names_are_listed_as_danes_do() -> None:
    assert [danish_list(list(words)) for words in ("a", "ab", "abc")] == ["a", "a og b", "a, b og c"]


def test_a_fact_without_a_day_stands_without_one() -> None:
    knowledge = known({"x": [row("X1", A)]})
    facts = Chart(ON, {"a": Fact("a", True)})
    found = explain(knowledge, facts, evaluate(knowledge, facts), "x")
    assert found is not None
    (fact,) = account_of(found, knowledge, ON, {}).facts
    assert (fact.says, fact.reference) == ("a: ja", "")


def test_whichever_answer_would_do_is_told_of_both() -> None:
    either = Group("any", (A, Condition("a", "is", False)))
    assert changes(told([row("X1", either, target=Target(high=Decimal(2))), row("X2")])) == [
        "Var der a, ville målet være højst 2 u (X1).",
        "Var der ikke a, ville målet være højst 2 u (X1).",
    ]


def test_a_fact_known_to_be_one_of_a_few_values_is_told_by_the_limits_of_the_rules() -> None:
    rows = [row("X1", Condition("n", "above", Decimal(9)), target=NONE), row("X2", Condition("n", "at-least", D(5)))]
    knowledge = known({"x": [*rows, row("X3", target=Target(high=Decimal(2)))]})
    facts = Chart(ON, {"n": replace(chart(n=4).facts["n"], others=(Decimal(6),))})
    assert changes(account(knowledge, facts)) == ["Var n fra 5 til og med 9, ville målet være højst 1 u (X2)."]


def test_a_limit_of_zero_has_nothing_under_it() -> None:
    some = row("X1", Condition("n", "above", Decimal(0)), target=Target(high=Decimal(2)))
    none = row("X2", Condition("n", "at-most", Decimal(0)), target=Target(high=Decimal(3)))
    assert changes(told([some, none])) == [
        "Var n 0, ville målet være højst 3 u (X2).",
        "Var n over 0, ville målet være højst 2 u (X1).",
    ]
