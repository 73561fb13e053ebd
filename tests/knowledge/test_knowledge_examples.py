"""The worked examples of the tables, and the definitions of facts, run through the engine."""

from datetime import date
from decimal import Decimal

import pytest

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import FactValue
from careplan.domain.evaluation import find_fact
from careplan.domain.guideline import Example, Knowledge
from careplan.knowledge.example import decided_row
from careplan.knowledge.load import load_knowledge

EXAMPLES = [(g.measure, e) for g in load_knowledge().guidelines.values() for e in g.examples]


def fact(knowledge: Knowledge, name: str, **facts: FactValue | int | float) -> FactValue | None:
    """One fact of a person of whom these are known."""
    values = {
        key: value if isinstance(value, bool | str | Decimal) else Decimal(str(value)) for key, value in facts.items()
    }
    chart = Chart(date(2026, 11, 22), {key: Fact(key, value) for key, value in values.items()})
    return find_fact(knowledge, chart, name)


@pytest.mark.parametrize(("measure", "example"), EXAMPLES, ids=lambda one: getattr(one, "says", one))
def test_example_comes_out_as_its_table_says(knowledge: Knowledge, measure: str, example: Example) -> None:
    assert decided_row(knowledge, measure, example) == example.expects


def test_every_row_has_an_example(knowledge: Knowledge) -> None:
    for guideline in knowledge.guidelines.values():
        assert {row.id for row in guideline.rows} == {one.expects for one in guideline.examples}


def test_ratio_of_exactly_070_is_not_kol(knowledge: Knowledge) -> None:
    assert fact(knowledge, "kol", kol_code=True, fev1_fvc=0.70) is False
    assert fact(knowledge, "kol", kol_code=True, fev1_fvc=0.69) is True


def test_kol_code_without_spirometry_counts(knowledge: Knowledge) -> None:
    assert fact(knowledge, "kol", kol_code=True) is True
    assert fact(knowledge, "kol", kol_code=False) is False


def test_unknown_egfr_leaves_very_high_risk_open(knowledge: Knowledge) -> None:
    without = {"ischaemic_stroke_or_tia": False, "pad": False}
    assert fact(knowledge, "very_high_risk_other", **without) is None
    assert fact(knowledge, "very_high_risk_other", **without, egfr=30) is False
    assert fact(knowledge, "very_high_risk_other", **without, egfr=29) is True
    assert fact(knowledge, "very_high_risk_other", ischaemic_stroke_or_tia=False, pad=True) is True


def test_kidney_disease_by_either_value(knowledge: Knowledge) -> None:
    assert fact(knowledge, "ckd", egfr=60, uacr_mg_g=29) is False
    assert fact(knowledge, "ckd", egfr=59) is True
    assert fact(knowledge, "ckd", uacr_mg_g=30) is True
    assert fact(knowledge, "ckd", egfr=90) is None


def test_frailty_begins_at_cfs_6(knowledge: Knowledge) -> None:
    rest = {"dementia": False, "limited_life_expectancy": False}
    assert fact(knowledge, "frail", cfs=5, **rest) is False
    assert fact(knowledge, "frail", cfs=6, **rest) is True
    assert fact(knowledge, "frail", **rest) is None
    assert fact(knowledge, "frail", dementia=True) is True


def test_ldl_counts_as_a_risk_factor_on_a_lipid_drug_only(knowledge: Knowledge) -> None:
    rest: dict[str, FactValue | int] = {
        "age": 60,
        "male": False,
        "family_history_premature_cvd": False,
        "hypertension": False,
        "smoking": "former",
    }
    assert fact(knowledge, "cv_risk_factor_count", **rest, ldl=1.9, lipid_drug=True) == 1
    assert fact(knowledge, "cv_risk_factor_count", **rest, ldl=1.9, lipid_drug=False) == 0
    assert fact(knowledge, "cv_risk_factor_count", **rest, ldl=1.8, lipid_drug=True) == 0


def test_all_six_risk_factors_are_counted(knowledge: Knowledge) -> None:
    everything: dict[str, FactValue | int] = {
        "age": 61,
        "male": True,
        "family_history_premature_cvd": True,
        "hypertension": True,
        "smoking": "current",
        "ldl": 2,
        "lipid_drug": True,
    }
    assert fact(knowledge, "cv_risk_factor_count", **everything) == 6


def test_kol_plan_gives_a_pressure_goal_with_hypertension_only(knowledge: Knowledge) -> None:
    rest = {"lipid_plan": False, "any_plan": True, "bp_high_risk": False}
    assert fact(knowledge, "bp_plan", **rest, hypertension=True) is True
    assert fact(knowledge, "bp_plan", **rest, hypertension=False) is False


def test_new_kol_is_less_than_a_year_old(knowledge: Knowledge) -> None:
    assert fact(knowledge, "kol_new_diagnosis", kol_code=True, kol_duration_years=0.99) is True
    assert fact(knowledge, "kol_new_diagnosis", kol_code=True, kol_duration_years=1) is False


def test_either_score_makes_the_symptoms_known(knowledge: Knowledge) -> None:
    assert fact(knowledge, "symptom_score_known", mrc=2) is True
    assert fact(knowledge, "symptom_score_known", cat=9) is True
    assert fact(knowledge, "symptom_score_known") is False


def test_example_without_a_deciding_row_names_none(knowledge: Knowledge) -> None:
    assert decided_row(knowledge, "hba1c", Example("ikke diabetes", {"t2d": False}, "")) is None
