"""Outside which targets it takes a doctor: every span says what it rests on, and the rules keep to it themselves."""

import re

import pytest

from careplan.domain.guideline import Knowledge
from careplan.domain.measure import Span
from careplan.domain.target import is_safe

DANGEROUS = ("hba1c", "ldl", "sbp", "dbp", "bmi", "spo2")
"""Measures with goals where a target may do harm; of the others (habits, scores) any target may be agreed on."""


def test_every_measure_whose_target_may_do_harm_has_its_span(knowledge: Knowledge) -> None:
    guarded = {name for name, measure in knowledge.measures.items() if measure.safety != Span()}
    assert guarded == set(DANGEROUS)
    assert all(knowledge.measures[name].goal for name in guarded)


@pytest.mark.parametrize("name", DANGEROUS)
def test_no_rule_recommends_what_only_a_doctor_may_agree_on(knowledge: Knowledge, name: str) -> None:
    measure = knowledge.measures[name]
    for row in knowledge.guidelines[name].rows:
        assert is_safe(measure, row.target, row.target), row.id


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_span_names_the_rows_it_rests_on_or_says_that_it_is_ours(knowledge: Knowledge, name: str) -> None:
    measure = knowledge.measures[name]
    named = re.findall(r"[A-Z0-9]+-\d\d", measure.safety_source)
    known = {row.id for row in knowledge.guidelines[name].rows}
    assert named and set(named) <= known
    assert measure.safety_unverified == ("is ours" in measure.safety_source)


@pytest.mark.parametrize("name", DANGEROUS)
def test_a_span_lies_within_what_can_be_believed(knowledge: Knowledge, name: str) -> None:
    measure = knowledge.measures[name]
    ends = [end for end in (measure.safety.low, measure.safety.high) if end is not None]
    assert all(map(measure.plausible.holds, ends))
