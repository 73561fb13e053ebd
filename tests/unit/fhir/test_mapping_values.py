"""One person's record → the facts that rules read (design §3): values, answers, plans, and what is computed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from recorded import (
    KNOWLEDGE,
    ON,
    READER,
    Resource,
    answer,
    concept,
    condition,
    found,
    patient,
    says,
    since,
    value,
)

from careplan.domain.chart import Fact
from careplan.domain.evaluation import find_fact
from careplan.fhir import systems
from careplan.fhir.mapping import listed_with, plan_type_of, saved_plans

# ── values ───────────────────────────────────────────────────────────────────────────────────────


def test_the_newest_value_on_or_before_the_day_wins() -> None:
    some = [
        value("NPU01568", "2.9", "mmol/L", "2026-11-01"),
        value("NPU01568", "2.1", "mmol/L", "2026-11-22T23:30:00+01:00"),
        value("NPU01568", "1.1", "mmol/L", "2026-11-23"),
    ]
    for order in (some, some[::-1]):
        fact = found("ldl", *order)
        assert fact is not None
        assert (fact.value, fact.on, fact.references) == (
            Decimal("2.1"),
            date(2026, 11, 22),
            (f"Observation/{some[1]['id']}",),
        )
    assert says("ldl", *some, on=date(2026, 11, 21)) == Decimal("2.9")


def test_a_withdrawn_value_gives_way_to_the_one_before() -> None:
    old = value("NPU01568", "2.9", "mmol/L", "2026-10-01")
    assert says("ldl", old, value("NPU01568", "1.1", "mmol/L", "2026-11-01", status="entered-in-error")) == Decimal(
        "2.9"
    )
    assert says("ldl", old, value("NPU01568", "1.1", "mmol/L", "2026-11-01", status="cancelled")) == Decimal("2.9")


def test_a_value_given_as_a_bound_counts_at_the_bound() -> None:
    bound = value("DNK35302", "90", "mL/min/{1.73_m2}", "2026-11-01")
    bound["valueQuantity"]["comparator"] = ">"
    fact = found("egfr", bound)
    assert fact is not None and (fact.value, fact.comparator) == (90, ">")


@pytest.mark.parametrize(("number", "severe"), [("30", True), ("31", False), ("15", True)])
def test_a_bound_lies_beyond_its_number(number: str, severe: bool) -> None:
    bound = value("DNK35302", number, "mL/min/{1.73_m2}", "2026-11-01")
    bound["valueQuantity"]["comparator"] = "<"
    assert derived("very_high_risk_other", bound) is severe


@pytest.mark.parametrize(
    ("fact", "code", "system", "unit", "number"),
    [
        ("hba1c", "NPU27300", systems.NPU, "mmol/mol", "51"),
        ("ldl", "NPU01568", systems.NPU, "mmol/L", "2.1"),
        ("uacr_mg_g", "NPU19661", systems.NPU, "mg/g", "30"),
        ("egfr", "DNK35302", systems.NPU, "mL/min/{1.73_m2}", "58"),
        ("bmi", "NPU27281", systems.NPU, "kg/m2", "28.4"),
        ("fev1_fvc", "MCS88017", systems.MCS, "{ratio}", "0.62"),
        ("fev1_pct", "MCS88184", systems.MCS, "%", "57"),
        ("spo2", "59408-5", systems.LOINC, "%", "94"),
        ("mrc", "MCS88021", systems.MCS, "{score}", "3"),
        ("cat", "MCS88137", systems.MCS, "{score}", "14"),
        ("exacerbations_12m", "MCS88022", systems.MCS, "{number}", "1"),
    ],
)
def test_each_measured_fact_is_read_from_its_code(fact: str, code: str, system: str, unit: str, number: str) -> None:
    assert says(fact, value(code, number, unit, "2026-11-01", system)) == Decimal(number)


@pytest.mark.parametrize(
    ("days", "at_diagnosis"),
    [
        ({"2020-05-20": "62"}, 62),
        ({"2020-08-18": "60"}, 60),
        ({"2020-08-19": "60"}, None),
        ({"2020-02-20": "58"}, 58),
        ({"2020-05-10": "70", "2020-05-25": "65"}, 65),
        ({"2020-05-15": "70", "2020-05-25": "65"}, 70),
    ],
)
def test_hba1c_at_diagnosis_is_the_nearest_within_ninety_days(days: dict[str, str], at_diagnosis: int | None) -> None:
    values = [value("NPU27300", number, "mmol/mol", day) for day, number in days.items()]
    assert says("hba1c_at_diagnosis", condition("T90", **since("2020-05-20")), *values) == at_diagnosis


def test_hba1c_at_diagnosis_is_open_where_the_day_of_the_diagnosis_decides_which_it_is() -> None:
    first, last = (value("NPU27300", "96", "mmol/mol", "2024-02-01"), value("NPU27300", "60", "mmol/mol", "2024-05-01"))
    year = condition("T90", **since("2024"))
    both = found("hba1c_at_diagnosis", condition("T90", **since("2024-03")), first, last)
    assert both is not None and (both.value, both.others) == (96, (60,))
    one = found("hba1c_at_diagnosis", condition("T90", **since("2024-03")), first)
    assert one is not None and (one.value, one.others) == (96, ())
    assert found("hba1c_at_diagnosis", year, first) is None  # more than 90 days from its last months


def test_hba1c_at_diagnosis_is_unknown_without_a_date_of_diagnosis() -> None:
    assert found("hba1c_at_diagnosis", condition("T90"), value("NPU27300", "62", "mmol/mol", "2020-05-20")) is None


# ── answers of clinicians ────────────────────────────────────────────────────────────────────────


def test_the_newest_answer_wins_and_a_withdrawn_one_is_none() -> None:
    old, new = (
        answer("clinical-frailty-scale", "2025-01-01", valueInteger=4),
        answer("clinical-frailty-scale", valueInteger=6),
    )
    assert says("cfs", new, old) == 6
    assert says("cfs", old, new | {"status": "entered-in-error"}) == 4
    assert found("cfs") is None


def test_an_answer_may_be_a_quantity_a_flag_or_a_code() -> None:
    drop = {"value": Decimal(30), "system": systems.UCUM, "code": "mm[Hg]"}
    assert says("orthostatic_drop_mmhg", answer("orthostatic-drop", valueQuantity=drop)) == 30
    assert says("family_history_premature_cvd", answer("family-history-premature-cvd", valueBoolean=False)) is False
    category = concept(systems.FACT + "-answer", "very-high")
    assert says("score2_category", answer("score2-category", valueCodeableConcept=category)) == "very_high"


FRAIL, FALL, HYPO = "clinical-frailty-scale", "orthostatic-drop", "severe-hypoglycaemia"


def pressure(number: int, unit: str) -> Resource:
    return {"valueQuantity": {"value": Decimal(number), "system": systems.UCUM, "code": unit}}


@pytest.mark.parametrize(
    ("fact", "code", "said"),
    [
        ("cfs", FRAIL, {"valueBoolean": True}),
        ("cfs", FRAIL, {"valueCodeableConcept": concept("x", "severely-frail")}),
        ("cfs", FRAIL, {"valueCodeableConcept": concept(systems.SNOMED, "445414007")}),
        ("cfs", FRAIL, {"valueInteger": 77}),
        ("cfs", FRAIL, {"valueInteger": -3}),
        ("cfs", FRAIL, {"valueQuantity": {"value": Decimal("6.5")}}),
        ("orthostatic_drop_mmhg", FALL, pressure(5000, "mm[Hg]")),
        ("orthostatic_drop_mmhg", FALL, pressure(20, "kg")),
        ("orthostatic_drop_mmhg", FALL, {"valueString": "20"}),
        ("severe_hypoglycaemia_12m", HYPO, {"valueCodeableConcept": concept("x", "yes")}),
        ("severe_hypoglycaemia_12m", HYPO, {"valueInteger": 1}),
        ("score2_category", "score2-category", {"valueCodeableConcept": concept("x", "severe")}),
        ("score2_category", "score2-category", {"valueBoolean": True}),
    ],
)
def test_an_answer_of_another_form_than_the_question_asks_for_is_none(fact: str, code: str, said: Resource) -> None:
    assert found(fact, answer(code, **said)) is None


def test_an_answer_is_converted_into_the_unit_of_its_question() -> None:
    assert round(says("orthostatic_drop_mmhg", answer(FALL, **pressure(4, "kPa"))), 1) == 30


@pytest.mark.parametrize(("day", "known"), [("2025-11-22", True), ("2025-11-21", None)])
def test_severe_hypoglycaemia_is_asked_about_again_after_twelve_months(day: str, known: bool | None) -> None:
    assert says("severe_hypoglycaemia_12m", answer("severe-hypoglycaemia", day, valueBoolean=True)) is known


def test_marks_nobody_records_the_absence_of_are_no_until_set() -> None:
    assert says("treatment_resistant_ht") is False
    assert says("limited_life_expectancy") is False
    assert says("limited_life_expectancy", answer("limited-life-expectancy", valueBoolean=True)) is True
    assert found("family_history_premature_cvd") is None


# ── derived facts, from the record to the rule ───────────────────────────────────────────────────


def derived(name: str, *resources: Resource) -> Any:
    return find_fact(KNOWLEDGE, READER.chart([patient(), *resources], ON), name)


@pytest.mark.parametrize(
    ("name", "resources", "expected"),
    [
        ("ihd", [condition("DZ955", systems.SKS_D)], True),
        ("ihd", [condition("K90")], False),
        ("ascvd", [condition("K92")], True),
        ("ascvd", [condition("K77")], False),
        ("cvd_for_hba1c", [condition("K77")], True),
        ("very_high_risk_other", [], None),
        ("very_high_risk_other", [condition("K90")], True),
        ("very_high_risk_other", [value("DNK35302", "29", "mL/min/{1.73_m2}", "2026-11-01")], True),
        ("very_high_risk_other", [value("DNK35302", "30", "mL/min/{1.73_m2}", "2026-11-01")], False),
        ("ckd", [value("NPU19661", "30", "mg/g", "2026-11-01")], True),
        ("bp_high_risk", [condition("K78")], True),
        ("frail", [condition("P70")], True),
        ("frail", [answer("clinical-frailty-scale", valueInteger=6)], True),
        ("frail", [answer("clinical-frailty-scale", valueInteger=5)], False),
        ("frail", [], None),
        ("kol", [condition("R95")], True),
        ("kol", [condition("R95"), value("MCS88017", "0.70", "{ratio}", "2026-11-01", systems.MCS)], False),
        ("kol_new_diagnosis", [condition("R95", **since("2025-11-23"))], True),
        ("kol_new_diagnosis", [condition("R95", **since("2025-11-22"))], False),
        ("kol_new_diagnosis", [condition("R95")], None),
        ("lipid_plan", [condition("K74", **since("2020-01-01"))], True),
        ("lipid_plan", [condition("R95")], False),
        ("bp_plan", [condition("R95")], None),
        ("bp_plan", [condition("R95"), condition("DI109", systems.SKS_D)], True),
        ("any_plan", [], False),
    ],
)
def test_derived_facts_follow_from_the_record(name: str, resources: list[Resource], expected: Any) -> None:
    assert derived(name, *resources) is expected


# ── plans ────────────────────────────────────────────────────────────────────────────────────────


def plan(
    kind: str, status: str = "active", updated: str = "2026-01-10T12:00:00Z", reviewed: str | None = None
) -> Resource:
    more = {"extension": [{"url": systems.EXT_LAST_REVIEWED, "valueDateTime": reviewed}]} if reviewed else {}
    return {
        "resourceType": "CarePlan",
        "status": status,
        "category": [concept("http://snomed.info/sct", "734163000"), concept(systems.PLAN_TYPE, kind)],
        "meta": {"lastUpdated": updated},
        **more,
    }


def test_a_plan_was_saved_when_it_says_it_was_reviewed_else_when_it_was_written() -> None:
    assert saved_plans([plan("kol")], ON) == {"kol": date(2026, 1, 10)}
    assert saved_plans([plan("kol", reviewed="2025-06-01T23:30:00Z")], ON) == {"kol": date(2025, 6, 2)}


def test_a_plan_saved_later_was_not_there_yet() -> None:
    assert saved_plans([plan("kol")], date(2026, 1, 10)) == {"kol": date(2026, 1, 10)}
    assert saved_plans([plan("kol")], date(2026, 1, 9)) == {}


def test_only_active_plans_of_our_types_count_and_the_latest_of_two() -> None:
    plans = [plan("kol", "completed"), plan("diabetes", updated="2025-01-01T12:00:00Z"), plan("diabetes"), plan("")]
    assert saved_plans([*plans, {"resourceType": "CarePlan", "status": "active"}], ON)["diabetes"] == date(2026, 1, 10)
    assert "kol" not in saved_plans(plans, ON)
    assert saved_plans([plan("kol", updated="")], ON) == {}


def test_the_type_of_a_plan_is_its_category() -> None:
    assert plan_type_of(plan("hjerte")) == "hjerte"
    assert plan_type_of({"category": [concept("http://snomed.info/sct", "734163000")]}) is None


def test_a_patient_is_listed_with_the_first_organisation_named() -> None:
    both = [{"reference": "PractitionerRole/x"}, {"reference": "Organization/clinic-own"}]
    assert listed_with({"generalPractitioner": both}) == "clinic-own"
    assert listed_with({}) is None


# ── computed where nothing was reported ──────────────────────────────────────────────────────────


def test_a_computed_fact_names_the_observations_behind_it() -> None:
    weight = value("NPU03804", "81.8", "kg", "2026-11-01") | {"id": "w"}
    height = value("NPU03794", "1.72", "m", "2019-01-01") | {"id": "h"}
    exact = Decimal("27.6500811249")
    assert found("bmi", weight, height) == Fact(
        "bmi", Decimal("27.7"), date(2026, 11, 1), ("Observation/w", "Observation/h"), exact=exact, formula="bmi"
    )


@pytest.mark.parametrize(("first", "kol"), [("1.98", True), ("1.981", False)])
def test_a_computed_ratio_is_not_rounded_out_of_kol(first: str, kol: bool) -> None:
    first_second, whole = (
        value("20150-9", first, "L", "2026-11-01", systems.LOINC),
        value("19868-9", "2.83", "L", "2026-11-01", systems.LOINC),
    )
    assert derived("kol", condition("R95"), first_second, whole) is kol


@pytest.mark.parametrize(("number", "raised"), [("3.39", False), ("3.40", True)])
def test_a_converted_value_is_not_rounded_over_a_limit(number: str, raised: bool) -> None:
    fine = value("DNK35302", "90", "mL/min/{1.73_m2}", "2026-11-01")
    assert derived("ckd", fine, value("NPU19661", number, "mg/mmol", "2026-11-01")) is raised


def test_a_withdrawn_number_withdraws_what_was_computed_from_it() -> None:
    creatinine = value("NPU18016", "150", "umol/L", "2026-11-01")
    assert says("egfr", creatinine) == 43
    assert found("egfr", creatinine | {"status": "entered-in-error"}) is None


def test_a_reported_value_of_the_day_is_never_computed_over_and_the_newest_day_counts() -> None:
    creatinine = value("NPU18016", "150", "umol/L", "2026-11-01")
    assert says("egfr", creatinine, value("DNK35302", "58", "mL/min/{1.73_m2}", "2026-11-01")) == 58
    assert says("egfr", creatinine, value("DNK35302", "58", "mL/min/{1.73_m2}", "2026-10-31")) == 43


def test_a_person_of_unknown_sex_has_no_computed_egfr() -> None:
    creatinine = value("NPU18016", "150", "umol/L", "2026-11-01")
    assert found("egfr", patient(gender="unknown"), creatinine) is None


def test_an_old_percentage_of_hba1c_becomes_a_value_in_today_s_unit() -> None:
    assert says("hba1c", value("NPU03835", "7.5", "%", "2026-11-01")) == 58


# ── too old to count ─────────────────────────────────────────────────────────────────────────────


def test_an_answer_too_old_to_count_is_kept_aside_with_its_day() -> None:
    old = answer("severe-hypoglycaemia", "2023-05-01", valueBoolean=True) | {"id": "old"}
    chart = READER.chart([patient(), old], ON)
    assert "severe_hypoglycaemia_12m" not in chart.facts
    lapsed = chart.lapsed["severe_hypoglycaemia_12m"]
    assert (lapsed.value, lapsed.on, lapsed.references) == (True, date(2023, 5, 1), ("Observation/old",))


def test_what_counts_still_and_what_was_never_asked_is_not_kept_aside() -> None:
    assert READER.chart([patient(), answer("severe-hypoglycaemia", valueBoolean=False)], ON).lapsed == {}
    assert READER.chart([patient()], ON).lapsed == {}
