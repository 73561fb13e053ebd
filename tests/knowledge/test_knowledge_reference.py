"""The files against the fact base they carry over: every row, fact, plan rule and code, digit by digit."""

import csv
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplan.domain.condition import Condition, Group
from careplan.domain.guideline import FromRecord, Knowledge, PlanType

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "reference"
if not REFERENCE.is_dir():
    pytest.skip("the fact base is not beside the repository", allow_module_level=True)

TABLES: dict[str, Any] = yaml.safe_load((REFERENCE / "guidelines.yaml").read_text(encoding="utf-8"))
COMPUTED = frozenset({"non_hdl", "egfr_2021", "cigarettes_day", "smoking_years"})
"""Measures that the fact base does not have: what is computed, and what it is computed from."""
WORDS = {"==": "is", "<": "below", "<=": "at-most", ">": "above", ">=": "at-least"}
PLANS = {"diabetes": "diabetes", "kol": "kol", "heart": "hjerte"}
MONITORED = {
    "hba1c": ["hba1c"],
    "blood pressure (home/24-h/unattended)": ["sbp", "dbp"],
    "blood pressure": ["sbp", "dbp"],
    "ldl": ["ldl"],
    "uacr": ["uacr"],
    "egfr": ["egfr"],
    "egfr, potassium": ["egfr", "potassium"],
    "eye screening": ["eye_exam"],
    "foot examination": ["foot_exam"],
    "bmi/weight": ["bmi", "weight"],
    "bmi/weight change": ["bmi", "weight"],
    "smoking, activity, alcohol": ["smoking", "activity", "alcohol"],
    "spirometry FEV1 %": ["fev1_pct"],
    "mrc / cat": ["mrc", "cat"],
    "exacerbations last 12 months": ["exacerbations"],
    "inhalation technique": ["inhalation_technique_checked"],
    "resting SpO2": ["spo2"],
    "vaccination status (influenza, pneumococcal, RSV, COVID-19)": [
        "vaccination_influenza",
        "vaccination_pneumococcal",
    ],
}


def number(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def condition(line: str) -> Condition:
    fact, word, literal = line.split(" ", 2)
    if literal in ("true", "false"):
        return Condition(fact, WORDS[word], literal == "true")
    plain = re.fullmatch(r"-?\d+(\.\d+)?", literal)
    return Condition(fact, WORDS[word], Decimal(literal) if plain else literal)


@pytest.mark.parametrize("rule", TABLES["rules"], ids=lambda rule: rule["id"])
def test_row_is_carried_over_exactly(knowledge: Knowledge, rule: dict[str, Any]) -> None:
    row, target = knowledge.row(rule["id"]), rule["target"]
    assert row is not None
    assert list(row.when) == [condition(line) for line in rule["when"]]
    assert (row.target.low, row.target.high) == (number(target["low"]), number(target["high"]))
    assert (row.target.unit, row.target.strict) == (target["unit"], target["strict"])
    value = target.get("value")
    assert row.target.value == (number(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    no_number = target["low"] is None and target["high"] is None and "value" not in target
    assert bool(row.target.why) == no_number
    assert row.unverified == rule["unverified"]
    assert row.source is not None and row.source.url == rule["source"]["url"]
    assert row.source.year == rule["source"]["year"]
    assert list(row.also) == rule.get("also", [])


def test_rows_stand_in_the_order_of_the_fact_base(knowledge: Knowledge) -> None:
    wanted: dict[str, list[str]] = {}
    for rule in TABLES["rules"]:
        wanted.setdefault(rule["measure"], []).append(rule["id"])
    assert {name: [row.id for row in one.rows] for name, one in knowledge.guidelines.items()} == wanted


def test_notes_say_it_in_other_words(knowledge: Knowledge) -> None:
    for rule in TABLES["rules"]:
        row = knowledge.row(rule["id"])
        assert row is not None and (not row.note or len(rule["note"]) < 60 or row.note != rule["note"]), rule["id"]


@pytest.mark.parametrize("fact", TABLES["facts"], ids=lambda fact: fact["fact"])
def test_fact_is_there_under_its_name(knowledge: Knowledge, fact: dict[str, Any]) -> None:
    found = knowledge.facts[fact["fact"]]
    assert found.unverified == fact["unverified"]
    assert (found.source.url if found.source else None) == fact["source"]


@pytest.mark.parametrize("rule", TABLES["eligibility"], ids=lambda rule: rule["id"])
def test_eligibility_is_carried_over(knowledge: Knowledge, rule: dict[str, Any]) -> None:
    plan = knowledge.plans[PLANS[rule["plan"]]]
    row = next(row for row in plan.eligible if row.id == rule["id"])
    assert row.unverified == rule["unverified"] and row.source is not None and row.source.url == rule["source"]["url"]
    asked = [term for term in row.when if term != Condition("alive", or_unknown=True)]  # the fact base is of the living
    for term, line in zip(asked, rule["when"], strict=True):
        assert isinstance(term, Condition)
        if match := re.fullmatch(r"has_code (\S+?)(?: coded_at_age >= (\d+))?", line):
            definition = knowledge.facts[term.fact].definition
            assert isinstance(definition, FromRecord)
            codes: Any = definition.terms["diagnosis"]
            assert list(codes["icpc"]) == match[1].split("|")
            assert definition.terms.get("coded_at_age") == (int(match[2]) if match[2] else None)
        elif " or " in line:
            assert term == Condition("fev1_fvc", "below", Decimal("0.70"), or_unknown=True)
        else:
            assert term == condition(line)


def test_hypertension_and_lipid_codes_open_the_heart_plan_by_icpc_alone(knowledge: Knowledge) -> None:
    definition = knowledge.facts["risk_code_adult"].definition
    assert isinstance(definition, FromRecord) and "sks" not in definition.terms["diagnosis"]  # type: ignore[operator]


def test_offers_are_carried_over(knowledge: Knowledge) -> None:
    urls = {rule["id"]: (rule["source"]["url"], rule["unverified"]) for rule in TABLES["offer"]}
    for plan in knowledge.plans.values():
        assert plan.offer.source is not None
        assert (plan.offer.source.url, plan.offer.unverified) == urls[plan.offer.id]
    four = Decimal(4)
    assert knowledge.plans["diabetes"].offer.must == (Condition("t2d_duration_years", "at-most", four),)
    assert knowledge.plans["kol"].offer.must == (Condition("kol_duration_years", "at-most", four),)
    assert knowledge.plans["hjerte"].offer.allowed
    assert {plan.maintained_months for plan in knowledge.plans.values()} == {12}


@pytest.mark.parametrize("rule", TABLES["monitoring"], ids=lambda rule: f"{rule['disease']} {rule['measure']}")
def test_monitoring_is_carried_over(knowledge: Knowledge, rule: dict[str, Any]) -> None:
    diseases = re.sub(r" \(.*", "", rule["disease"])
    plans = list(PLANS) if diseases == "all" else diseases.split(", ")
    for plan in (knowledge.plans[PLANS[name]] for name in plans):
        for measure in MONITORED[rule["measure"]]:
            found = next(one for one in plan.monitors if one.measure == measure)
            assert found.source is not None and found.source.url == rule["source"]["url"], measure
            assert found.unverified == rule["unverified"], measure


def test_nothing_is_monitored_that_the_fact_base_does_not_name(knowledge: Knowledge) -> None:
    def count(plan: PlanType) -> int:
        mine = {theirs for theirs, ours in PLANS.items() if ours == plan.id}
        rules = (
            rule
            for rule in TABLES["monitoring"]
            if rule["disease"] == "all" or mine & set(re.sub(r" \(.*", "", rule["disease"]).split(", "))
        )
        return sum(len(MONITORED[rule["measure"]]) for rule in rules)

    for plan in knowledge.plans.values():
        assert len(plan.monitors) == count(plan), plan.id


def test_every_code_is_carried_over_with_its_unit(knowledge: Knowledge) -> None:
    with (REFERENCE / "codes.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    goals = {code for one in knowledge.measures.values() for code in one.goal_codes.values()}
    mcs = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-observation-codes"
    carried = [one for one in knowledge.measures.values() if one.id not in COMPUTED]
    units = {(c.system, c.code): c.ucum for one in carried for c in (*one.codes, *one.panel)}
    answers = {pair for one in knowledge.measures.values() for answer in one.answers for pair in answer.codes}
    displays = {(c.system, c.code): c.display for one in knowledge.measures.values() for c in (*one.codes, *one.panel)}
    assert len(rows) == 195
    for row in rows:
        pair = row["system"], row["code"]
        if "_goal_" in row["measure"]:
            assert pair[0] == mcs and pair[1] in goals, pair
        elif row["measure"].endswith("_answer"):
            assert pair in answers, pair
        else:
            assert units[pair] == row["ucum"] and displays[pair] == row["display_da"], pair
    pairs = {(row["system"], row["code"]) for row in rows}
    assert set(units) | answers | {(mcs, code) for code in goals} == pairs


def test_plausible_limits_are_those_of_the_code_list(knowledge: Knowledge) -> None:
    with (REFERENCE / "codes.csv").open(encoding="utf-8", newline="") as lines:
        limits = {(row["system"], row["code"]): row for row in csv.DictReader(lines)}
    for measure in (one for one in knowledge.measures.values() if one.id not in COMPUTED):
        for code in measure.codes:
            row = limits[code.system, code.code]
            if measure.kind not in ("quantity", "score") or code.ucum != measure.ucum or measure.ucum == "a":
                continue
            low, high = number(row["low_plausible"] or None), number(row["high_plausible"] or None)
            assert (measure.plausible.low, measure.plausible.high) == (low, high), measure.id


def test_no_condition_nests_in_the_rows(knowledge: Knowledge) -> None:
    rows = (row for one in knowledge.guidelines.values() for row in one.rows)
    assert not [row.id for row in rows if any(isinstance(term, Group) for term in row.when)]
