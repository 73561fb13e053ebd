"""An evaluation as `careplan targets --json` prints it."""

from datetime import date
from decimal import Decimal

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import FactValue
from careplan.domain.evaluation import evaluate
from careplan.fhir.answered import answer_json
from careplan.fhir.text import Json
from careplan.knowledge.load import load_knowledge

KNOWLEDGE = load_knowledge()
ON = date(2026, 11, 22)


def printed(**facts: FactValue) -> Json:
    chart = Chart(ON, {name: Fact(name, value, ON, (f"Condition/{name}",)) for name, value in facts.items()})
    return answer_json("x.json", evaluate(KNOWLEDGE, chart), KNOWLEDGE)


HEART = printed(age=Decimal(58), own_gp=True, ihd_adult=True, ihd_code=True, cfs=Decimal(2), dementia=False, t2d=False)


def test_the_heart_plan_goes_by_the_name_of_the_tables() -> None:
    assert HEART["bundle"] == "x.json"
    assert HEART["plans"] == {"heart": {"row": "ELIG-H1", "state": "new", "must_offer": "allowed"}}


def test_a_target_says_bounds_row_what_is_missing_and_because_of_what() -> None:
    ldl = HEART["targets"]["ldl"]
    assert {name: ldl[name] for name in ("low", "high", "unit", "strict", "row", "provisional", "missing")} == {
        "low": None,
        "high": Decimal("1.4"),
        "unit": "mmol/L",
        "strict": True,
        "row": "LDL-04",
        "provisional": True,
        "missing": ["limited_life_expectancy"],
    }
    assert "value" not in ldl
    assert {"fact": "ihd_code", "value": True, "date": "2026-11-22", "reference": "Condition/ihd_code"} in ldl[
        "because"
    ]


def test_a_decided_value_is_printed_as_one() -> None:
    kol = printed(age=Decimal(58), own_gp=True, kol_code=True, exacerbations_12m=Decimal(1))
    assert kol["targets"]["kol_group"]["value"] == "E"
    assert (kol["targets"]["kol_group"]["low"], kol["targets"]["kol_group"]["unit"]) == (None, "group")


def test_who_is_not_eligible_has_no_plans_and_no_targets() -> None:
    none = printed(age=Decimal(17), own_gp=True, t2d_adult=True)
    assert (none["plans"], none["targets"]) == ({}, {})
