"""Why a target is as it is, in words a patient knows: every rule with every kind of fact reads easily."""

from datetime import date
from decimal import Decimal
from itertools import product

import pytest

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import FactValue
from careplan.domain.danish import fact_name
from careplan.domain.evaluation import evaluate
from careplan.domain.explanation import explanations
from careplan.domain.guideline import FromRecord
from careplan.domain.readability import readability, unexplained
from careplan.knowledge.load import load_knowledge
from careplan.views.basis import fact_sentence, rests_on, wanted, wanted_text
from careplan.views.frame import catalogue

DA = catalogue()
KNOWLEDGE = load_knowledge()
ON = date(2026, 3, 14)
ANSWERS = {
    "smoking": ("current", "former", "never", "not-current"),
    "score2_category": ("low", "moderate", "high", "very_high"),
}
YES_OR_NO = {
    "male",
    "own_gp",
    "alive",
    "limited_life_expectancy",
    "severe_hypoglycaemia_12m",
    "treatment_resistant_ht",
    "family_history_premature_cvd",
}
NEVER_MISSING = {
    name
    for name, one in KNOWLEDGE.facts.items()
    if isinstance(one.definition, FromRecord)
    and one.definition.how == "diagnosis"
    and "coded_at_age" not in one.definition.terms
}
"""A problem list is complete; only its dates, and the codes of drugs, may be hard to read."""

ROWS = [row for guideline in KNOWLEDGE.guidelines.values() for row in guideline.rows]


def values_of(name: str, how: str) -> tuple[FactValue, ...]:
    if name in ANSWERS:
        return ANSWERS[name]
    if how in ("diagnosis", "drug") or name in YES_OR_NO:
        return True, False
    if name == "fev1_fvc":
        return (Decimal("0.62"),)
    return Decimal(0), Decimal(1), Decimal("62.4")


FACTS = [
    Fact(name, value, ON, ("Observation/1",))
    for name, one in KNOWLEDGE.facts.items()
    if isinstance(one.definition, FromRecord)
    for value in values_of(name, one.definition.how)
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_rule_reads_easily_with_every_kind_of_fact(row: object) -> None:
    t = DA
    for fact, key in product(FACTS, ("measure.provisional", "measure.undecided")):
        told = fact_sentence(fact, KNOWLEDGE, DA)
        text = f"{row.patient} {t('measure.facts')} {told} {t(key)} {wanted_text(fact.name, KNOWLEDGE, DA)}."  # type: ignore[attr-defined]
        found = readability(text)
        assert found.easy, (text, found)
        assert unexplained(text) == (), text


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.name} {fact.value}")
def test_a_fact_is_one_short_sentence_without_the_name_the_trade_gives_it(fact: Fact) -> None:
    says = fact_sentence(fact, KNOWLEDGE, DA)
    assert says.endswith(".") and says[0].isupper()
    assert readability(says).length <= 12, says


@pytest.mark.parametrize("name", sorted({fact.name for fact in FACTS if fact.name not in NEVER_MISSING}))
def test_what_is_missing_is_not_called_what_the_trade_calls_it(name: str) -> None:
    assert wanted_text(name, KNOWLEDGE, DA) != fact_name(name, KNOWLEDGE)


def chart(**values: FactValue) -> Chart:
    return Chart(ON, {name: Fact(name, value, ON, (f"Observation/{name}",)) for name, value in values.items()})


def test_a_target_rests_on_the_facts_of_the_evaluation_each_told_once_with_its_day() -> None:
    facts = chart(age=Decimal(58), own_gp=True, ihd_adult=True, ihd_code=True, dementia=False, t2d=False)
    ldl = explanations(KNOWLEDGE, facts, evaluate(KNOWLEDGE, facts))["ldl"]
    told = rests_on(ldl, KNOWLEDGE, DA)
    assert ("Du har en sygdom i hjertets årer.", "14.03.2026") in told
    assert len({says for says, _ in told}) == len(told)
    assert "hvor stærk din krop er" in wanted(ldl, KNOWLEDGE, DA)


def test_how_frail_or_ill_somebody_is_stands_without_its_value() -> None:
    frail = {fact_sentence(Fact("cfs", Decimal(value)), KNOWLEDGE, DA) for value in (2, 7)}
    ill = {fact_sentence(Fact("limited_life_expectancy", value), KNOWLEDGE, DA) for value in (True, False)}
    assert (len(frail), len(ill)) == (1, 1)
