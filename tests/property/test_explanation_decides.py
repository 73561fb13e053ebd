"""An explanation holds what it takes to decide again: its own facts give the same row, from memory and from FHIR."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from test_evaluation import KNOWLEDGE, ON, charts

from careplan.domain.account import account_of
from careplan.domain.chart import Chart, Fact
from careplan.domain.evaluation import evaluate
from careplan.domain.explanation import Explanation, explain, explanations
from careplan.domain.supposition import Extent, suppositions
from careplan.fhir.explained import explanation_extension
from careplan.fhir.text import Json, dump, parse


@st.composite
def dated(draw: st.DrawFn) -> Chart:
    """A chart in which a duration may be known by its year alone, so that it has more values than one."""
    chart = draw(charts())
    facts = dict(chart.facts)
    for name in ("t2d_duration_years", "kol_duration_years"):
        if name in facts and draw(st.booleans()):
            facts[name] = replace(facts[name], others=(draw(st.sampled_from([Decimal("0.5"), Decimal("12.25")])),))
    return Chart(chart.on, facts)


def explained(chart: Chart) -> dict[str, Explanation]:
    return explanations(KNOWLEDGE, chart, evaluate(KNOWLEDGE, chart))


def again(facts: dict[str, Fact], measure: str) -> Explanation | None:
    """The measure decided by these facts alone."""
    chart = Chart(ON, facts)
    return explain(KNOWLEDGE, chart, evaluate(KNOWLEDGE, chart), measure)


@settings(deadline=None)
@given(dated())
def test_the_facts_an_explanation_read_give_the_same_row_the_same_rows_before_and_the_same_gaps(chart: Chart) -> None:
    for measure, one in explained(chart).items():
        other = again({fact.name: fact for fact in one.read}, measure)
        assert other is not None
        assert (other.row, other.because) == (one.row, one.because)
        assert other.tried == one.tried
        assert other.gaps == one.gaps


@settings(deadline=None)
@given(dated())
def test_the_fhir_form_of_an_explanation_decides_the_same_again(chart: Chart) -> None:
    for measure, one in explained(chart).items():
        sent = parse(dump(explanation_extension(one, KNOWLEDGE, {})))
        other = again({fact.name: fact for fact in facts_of(sent)}, measure)
        assert other is not None
        assert said(sent, "knowledge") == [other.canonical]
        assert said(sent, "row") == ([other.row.id] if other.row else [])
        assert [(said(row, "row"), said(row, "missing")) for row in parts(sent, "considered")] == [
            ([tried.row.id], list(tried.missing)) for tried in other.tried
        ]
        assert [said(row, "fact") for row in parts(sent, "considered")] == [
            [fact.name for fact in tried.facts] for tried in other.tried
        ]
        assert {
            said(gap, "fact")[0]: [said(row, "row")[0] for row in parts(gap, "couldWin")] for gap in gaps(sent)
        } == {gap.fact: [row.id for row in gap.rows] for gap in other.gaps}
        decided = {said(fact, "name")[0] for fact in parts(sent, "fact") if said(fact, "decided")}
        assert decided == {fact.name for fact in other.because}


@settings(deadline=None)
@given(dated())
def test_what_a_missing_fact_would_change_is_what_the_rules_do_once_it_is_known(chart: Chart) -> None:
    for measure, one in explained(chart).items():
        for gap in one.gaps:
            for supposed in suppositions(KNOWLEDGE, one, gap, ON):
                facts = dict(chart.facts) | {gap.fact: Fact(gap.fact, value_in(supposed.so))}
                then = again(facts, measure)
                assert then is not None and then.row == supposed.row, (measure, supposed)


@settings(deadline=None)
@given(dated())
def test_every_explanation_can_be_told_and_names_what_it_is_made_of(chart: Chart) -> None:
    for one in explained(chart).values():
        account = account_of(one, KNOWLEDGE, ON, {})
        assert bool(account.row) != bool(account.undecided)
        assert len(account.passed) + len(account.open) == len(one.tried)
        assert all(lack.changes for lack in account.lacks)
        assert [row.row for row in account.open] == [tried.row.id for tried in one.could_win]


def value_in(so: Any) -> Any:
    """A value that a supposition speaks of."""
    if not isinstance(so, Extent):
        return True if so is None else so
    if so.low is not None and so.high is not None:
        return so.low if so.with_low else so.high if so.with_high else (so.low + so.high) / 2
    if so.low is not None:
        return so.low if so.with_low else so.low + 1
    assert so.high is not None
    return so.high if so.with_high else so.high / 2


# ── the extension, read as a stranger would ──────────────────────────────────────────────────────


def parts(extension: Json, url: str) -> list[Json]:
    return [one for one in extension["extension"] if one["url"] == url]


def gaps(extension: Json) -> list[Json]:
    return parts(extension, "gap")


def said(extension: Json, url: str) -> list[Any]:
    """The values of its parts of that name."""
    return [value for part in parts(extension, url) for member, value in part.items() if member != "url"]


def facts_of(extension: Json) -> Iterator[Fact]:
    for part in parts(extension, "fact"):
        (name,), (value,), day = said(part, "name"), said(part, "value"), said(part, "date")
        references = tuple(one["reference"] for one in said(part, "reference"))
        others = tuple(known(one) for one in said(part, "mayBe"))
        yield Fact(name, known(value), date.fromisoformat(day[0]) if day else None, references, others)


def known(value: Any) -> Any:
    found = value["value"] if isinstance(value, dict) else value
    return found if isinstance(found, bool | str) else Decimal(found)
