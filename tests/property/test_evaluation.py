"""The whole knowledge over any chart: one answer whatever the order, at most one row a measure, honest about gaps."""

import random
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import FactValue
from careplan.domain.evaluation import Answer, evaluate, find_fact
from careplan.domain.guideline import FromRecord
from careplan.domain.measure import Measure
from careplan.domain.target import Target, standing
from careplan.fhir.goal import AGREED, target_entry, target_from_entry
from careplan.knowledge.load import load_knowledge

KNOWLEDGE = load_knowledge()
ON = date(2026, 11, 22)
RAW = sorted(name for name, one in KNOWLEDGE.facts.items() if isinstance(one.definition, FromRecord))
TAKEN_AS_MET_WHEN_UNKNOWN = {"fev1_fvc", "alive"}
"""An unknown ratio is accepted as KOL (guidelines.md, fact `kol`), and who is not known to be dead lives."""

LIMITS = ["0", "0.2", "0.69", "0.7", "1", "1.8", "3", "5", "6", "10", "12", "18", "20", "29", "30", "48", "59", "60"]
NUMBERS = st.sampled_from([Decimal(text) for text in [*LIMITS, "64", "65", "70", "71", "79", "80", "88", "299", "300"]])
WORDS = {
    "score2_category": ["low", "moderate", "high", "very_high"],
    "smoking": ["current", "former", "never", "not-current"],
}
FLAGS = {
    name
    for name in RAW
    if isinstance(KNOWLEDGE.facts[name].definition, FromRecord)
    and (
        KNOWLEDGE.facts[name].definition.how in ("diagnosis", "drug")  # type: ignore[union-attr]
        or name
        in ("male", "own_gp", "alive", "limited_life_expectancy", "severe_hypoglycaemia_12m", "treatment_resistant_ht")
        or name == "family_history_premature_cvd"
    )
}


def value_of(name: str) -> st.SearchStrategy[FactValue]:
    if name in WORDS:
        return st.sampled_from(WORDS[name])
    return st.booleans() if name in FLAGS else NUMBERS


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    """Anything that may be known of a person; most are adults of the clinic, so that rules run."""
    names = draw(st.sets(st.sampled_from(RAW)))
    values = {name: draw(value_of(name)) for name in sorted(names)}
    if draw(st.integers(0, 9)):
        values |= {"age": draw(st.sampled_from([Decimal(18), Decimal(65), Decimal(80)])), "own_gp": True}
        values[draw(st.sampled_from(["t2d_adult", "kol_code", "ihd_adult", "risk_code_adult"]))] = True
    return Chart(ON, {name: Fact(name, value, ON, (f"Observation/{name}",)) for name, value in values.items()})


def named(answer: Answer, measure: str) -> set[str]:
    """Every fact whose absence the answer admits where it speaks, or fails to speak, of a measure."""
    recommendation = answer.recommendations.get(measure)
    if recommendation is not None:
        return set(recommendation.missing)
    if answer.eligible:
        return set(answer.undecided.get(measure, ()))
    return {name for plan in answer.plans.values() for name in plan.missing}


@given(charts(), st.randoms(use_true_random=False))
def test_the_same_facts_in_any_order_give_the_same_answer(chart: Chart, order: random.Random) -> None:
    facts = list(chart.facts.items())
    order.shuffle(facts)
    assert evaluate(KNOWLEDGE, Chart(chart.on, dict(facts))) == evaluate(KNOWLEDGE, chart)


@given(charts())
def test_a_measure_gets_at_most_one_row_and_the_row_is_of_its_table(chart: Chart) -> None:
    answer = evaluate(KNOWLEDGE, chart)
    for measure, one in answer.recommendations.items():
        assert one.row in KNOWLEDGE.guidelines[measure].rows
        assert [tried.row for tried in one.tried] == list(KNOWLEDGE.guidelines[measure].rows[: len(one.tried)])
    assert not set(answer.recommendations) & set(answer.undecided)


@given(charts())
def test_an_answer_rests_on_facts_of_the_chart_and_misses_only_facts_it_lacks(chart: Chart) -> None:
    answer = evaluate(KNOWLEDGE, chart)
    for measure, one in answer.recommendations.items():
        assert all(fact is chart.facts[fact.name] for fact in one.because)
        assert not named(answer, measure) & set(chart.facts)
        assert named(answer, measure) <= set(RAW)
        assert one.provisional == bool(one.missing)


@settings(max_examples=150)
@given(charts())
def test_a_removed_fact_changes_nothing_or_is_named(chart: Chart) -> None:
    before = evaluate(KNOWLEDGE, chart)
    for gone in sorted(set(chart.facts) - TAKEN_AS_MET_WHEN_UNKNOWN):
        facts = {name: fact for name, fact in chart.facts.items() if name != gone}
        after = evaluate(KNOWLEDGE, Chart(chart.on, facts))
        for measure in KNOWLEDGE.guidelines:
            old, new = before.recommendations.get(measure), after.recommendations.get(measure)
            if (old and old.row) != (new and new.row):
                assert gone in named(after, measure), f"{measure}: {gone} is gone and nothing says so"


@given(charts())
def test_an_answer_without_gaps_survives_learning_more(chart: Chart) -> None:
    answer = evaluate(KNOWLEDGE, chart)
    fuller = dict(chart.facts)
    for name in RAW:
        if name not in TAKEN_AS_MET_WHEN_UNKNOWN:
            fuller.setdefault(name, Fact(name, "low" if name == "score2_category" else name in FLAGS or Decimal(3)))
    after = evaluate(KNOWLEDGE, Chart(chart.on, fuller))
    for measure, one in answer.recommendations.items():
        if not one.provisional:
            assert after.recommendations[measure].row == one.row


@given(charts())
def test_every_derived_fact_has_a_value_or_what_it_lacks(chart: Chart) -> None:
    for name in KNOWLEDGE.facts:
        value = find_fact(KNOWLEDGE, chart, name)
        assert value is None or isinstance(value, bool | Decimal | str)


@given(charts(), st.integers(-4000, 4000))
def test_only_the_chart_s_day_says_when_it_is(chart: Chart, days: int) -> None:
    later = evaluate(KNOWLEDGE, Chart(chart.on + timedelta(days=days), chart.facts))
    assert later.recommendations == evaluate(KNOWLEDGE, chart).recommendations


BOUNDS = st.none() | st.decimals(0, 300, places=1)
MEASURES = st.sampled_from([one for one in KNOWLEDGE.measures.values() if one.goal])


@given(MEASURES, BOUNDS, BOUNDS, st.booleans())
def test_a_target_of_numbers_is_read_back_from_its_goal(
    measure: Measure, low: Decimal | None, high: Decimal | None, strict: bool
) -> None:
    if low is not None and high is not None and low > high:
        low, high = high, low
    target = Target(low, high, measure.unit, strict)
    if target.is_number:
        assert target_from_entry(target_entry(target, measure, AGREED)) == target


@given(MEASURES, st.decimals(0, 300, places=1), st.decimals(0, 300, places=1), st.booleans())
def test_a_better_value_never_stands_worse(measure: Measure, value: Decimal, high: Decimal, strict: bool) -> None:
    order = ["out", "near", "in"]
    target = Target(high=high, strict=strict)
    here, lower = standing(measure, target, value), standing(measure, target, value - 1)
    assert order.index(lower) >= order.index(here)
