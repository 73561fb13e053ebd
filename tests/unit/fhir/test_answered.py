"""An evaluation as `careplan targets --json` prints it."""

from datetime import date
from decimal import Decimal

from ruled import known, row

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
    return answer_json("x.json", chart, evaluate(KNOWLEDGE, chart), KNOWLEDGE)


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
    said = {"fact": "ihd_code", "value": True, "date": "2026-11-22", "reference": "Condition/ihd_code"}
    assert any(one.items() >= said.items() for one in ldl["because"])


def test_a_decided_value_is_printed_as_one() -> None:
    kol = printed(age=Decimal(58), own_gp=True, kol_code=True, exacerbations_12m=Decimal(1))
    assert kol["targets"]["kol_group"]["value"] == "E"
    assert (kol["targets"]["kol_group"]["low"], kol["targets"]["kol_group"]["unit"]) == (None, "group")


def test_who_is_not_eligible_has_no_plans_and_no_targets() -> None:
    none = printed(age=Decimal(17), own_gp=True, t2d_adult=True)
    assert (none["plans"], none["targets"]) == ({}, {})


def test_a_target_says_its_sentence_its_source_and_the_version_of_its_table() -> None:
    ldl = HEART["targets"]["ldl"]
    row = KNOWLEDGE.row("LDL-04")
    assert row is not None and row.source is not None
    assert (ldl["says"], ldl["knowledge"], ldl["unverified"]) == (row.says, "ldl|2026.1", False)
    assert {name: ldl["source"][name] for name in ("title", "publisher", "year", "url")} == {
        "title": row.source.title,
        "publisher": row.source.publisher,
        "year": row.source.year,
        "url": row.source.url,
    }


def test_every_row_before_says_what_it_asked_and_what_it_met() -> None:
    considered = HEART["targets"]["ldl"]["considered"]
    assert [one["row"] for one in considered] == ["LDL-01", "LDL-02", "LDL-03"]
    failed = considered[1]
    assert (failed["failed"], failed["fact"], failed["value"]) == ("type 2-diabetes", "t2d", False)
    assert (failed["date"], failed["reference"], failed["missing"]) == ("2026-11-22", "Condition/t2d", [])
    open_ = considered[2]
    assert (open_["failed"], open_["fact"], open_["missing"]) == (None, None, ["limited_life_expectancy"])


def test_a_missing_fact_names_the_rows_that_could_win_and_what_they_would_give() -> None:
    (gap,) = HEART["targets"]["ldl"]["gaps"]
    assert (gap["fact"], gap["last"]) == ("limited_life_expectancy", None)
    assert [(row["row"], row["high"], row["strict"]) for row in gap["rows"]] == [("LDL-01", Decimal("1.8"), True)]
    assert gap["says"] == ["Var der begrænset restlevetid, ville målet være under 1,8 mmol/L (LDL-01)."]


def test_a_measure_that_cannot_be_decided_is_named_with_what_it_lacks() -> None:
    none = printed(age=Decimal(58), own_gp=True, kol_code=True, t2d=False, ihd_code=False, hypertension=False)
    open_ = {name: one["missing"] for name, one in none["undecided"].items()}
    assert "egfr" in open_["sbp"] and "sbp" not in none["targets"]
    assert none["undecided"]["sbp"]["says"].startswith("Målet kan ikke beregnes: ")
    assert all(row["row"] for gap in none["undecided"]["sbp"]["gaps"] for row in gap["rows"])


def test_a_plan_that_is_not_for_this_person_says_why() -> None:
    assert HEART["eligibility"]["heart"]["row"] == "ELIG-H1"
    diabetes = printed(age=Decimal(58), own_gp=True, t2d_adult=False)["eligibility"]["diabetes"]
    assert (diabetes["row"], diabetes["considered"][0]["fact"], diabetes["considered"][0]["value"]) == (
        None,
        "t2d_adult",
        False,
    )


def test_a_row_without_a_source_says_none() -> None:
    knowledge, chart = known({"x": [row("X1")]}), Chart(ON, {})
    assert answer_json("x.json", chart, evaluate(knowledge, chart), knowledge)["targets"]["x"]["source"] is None


def test_a_plan_that_cannot_be_decided_says_what_is_missing() -> None:
    chart = Chart(ON, {name: Fact(name, True) for name in ("own_gp", "t2d_adult", "t2d")})
    plan = answer_json("x", chart, evaluate(KNOWLEDGE, chart), KNOWLEDGE)["eligibility"]["diabetes"]
    assert (plan["row"], plan["says"], plan["missing"]) == (None, "planen kan ikke afgøres, mangler: alder", ["age"])
