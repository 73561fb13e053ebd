"""Rows that could still win, over the whole knowledge: each that is named can be reached, and none is left out."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluation import FLAGS, KNOWLEDGE, ON, TAKEN_AS_MET_WHEN_UNKNOWN, WORDS, charts

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import FactValue
from careplan.domain.evaluation import evaluate
from careplan.domain.explanation import Explanation, explain, explanations
from careplan.domain.question import raw_facts

LIMITS = [*(Decimal(one) for one in ("0.5", "1", "1.9", "4", "6", "11", "25", "45", "55", "65", "75", "90", "300"))]
"""A number on either side of every limit that some rule has."""

NARROW = 4
"""So few missing facts that all assignments can be tried."""


def row_by(chart: Chart, measure: str) -> str | None:
    found = evaluate(KNOWLEDGE, chart).recommendations.get(measure)
    return found.row.id if found else None


def values(name: str) -> list[FactValue]:
    return list(WORDS.get(name, ())) or ([True, False] if name in FLAGS else list(LIMITS))


def missing_facts(chart: Chart, one: Explanation) -> list[str]:
    """Facts behind the open rows that are not on record."""
    terms = [term for tried in one.tried if tried.could_still_win for term in tried.row.when]
    names = {name for name, _ in raw_facts(KNOWLEDGE, terms)} - set(chart.facts) - TAKEN_AS_MET_WHEN_UNKNOWN
    return sorted(names)


def with_values(chart: Chart, values: dict[str, FactValue]) -> Chart:
    return Chart(ON, {**chart.facts, **{name: Fact(name, value) for name, value in values.items()}})


def assignments(names: list[str]) -> Iterator[dict[str, FactValue]]:
    for chosen in product(*(values(name) for name in names)):
        yield dict(zip(names, chosen, strict=True))


@st.composite
def nearly_known(draw: st.DrawFn) -> Chart:
    """A chart that lacks few facts, so that whatever they may be can be tried."""
    chart = draw(charts())
    fuller = dict(chart.facts)
    names = KNOWLEDGE.asks["ldl"][-1] + KNOWLEDGE.asks["sbp"][-1] + KNOWLEDGE.asks["hba1c"][-1]
    lacking = draw(st.sets(st.sampled_from(sorted(names)), max_size=NARROW))
    for name in names:
        if name not in lacking:
            fuller.setdefault(name, Fact(name, draw(st.sampled_from(values(name)))))
    return Chart(ON, {name: fact for name, fact in fuller.items() if name not in lacking})


@settings(max_examples=60, deadline=None)
@given(nearly_known())
def test_a_row_could_still_win_just_when_some_assignment_of_what_is_missing_lets_it(chart: Chart) -> None:
    for measure, one in explanations(KNOWLEDGE, chart, evaluate(KNOWLEDGE, chart)).items():
        lacking = missing_facts(chart, one) if one.gaps else []
        if not lacking or len(lacking) > NARROW:
            continue
        open_ = {tried.row.id for tried in one.tried if tried.could_still_win}
        reached = {row_by(with_values(chart, some), measure) for some in assignments(lacking)}
        assert {tried.row.id for tried in one.could_win} == open_ & reached, measure


@settings(deadline=None)
@given(charts(), st.data())
def test_no_row_that_comes_to_decide_was_left_out(chart: Chart, data: st.DataObject) -> None:
    for measure, one in explanations(KNOWLEDGE, chart, evaluate(KNOWLEDGE, chart)).items():
        lacking = missing_facts(chart, one)
        learnt = {name: data.draw(st.sampled_from(values(name))) for name in lacking}
        then = explain(KNOWLEDGE, later := with_values(chart, learnt), evaluate(KNOWLEDGE, later), measure)
        named = {row.id for gap in one.gaps for row in gap.rows} | ({one.row.id} if one.row else set())
        assert then is None or then.row is None or then.row.id in named, (measure, learnt)
