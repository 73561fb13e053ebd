"""One person's record → the facts that rules read (design §3): diagnoses, durations and age, medicine."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from recorded import (
    KNOWLEDGE,
    ON,
    READER,
    Resource,
    concept,
    condition,
    found,
    medicine,
    patient,
    says,
    since,
)

from careplan.domain.evaluation import evaluate
from careplan.fhir import systems

# ── diagnoses ────────────────────────────────────────────────────────────────────────────────────

DIAGNOSES = [
    ("t2d", ["T90"], ["DE11", "DE119"], ["T89"], ["DE10"]),
    ("kol_code", ["R95"], ["DJ44", "DJ449", "DJ439"], ["R96"], ["DJ45"]),
    ("ihd_code", ["K74", "K75", "K76"], ["DI209", "DI219", "DI252", "DI259"], ["K77"], ["DI250", "DI26"]),
    ("coronary_revascularisation", [], ["DZ951", "DZ955", "DZ9551"], ["K74"], ["DZ950", "DZ95"]),
    ("ischaemic_stroke_or_tia", ["K89", "K90"], ["DI639", "DG459", "DI693"], ["K91"], ["DI619", "DI691"]),
    ("pad", ["K92"], ["DI702", "DI739"], ["K93"], ["DI71"]),
    ("hf", ["K77"], ["DI509"], ["K78"], ["DI51"]),
    ("af", ["K78"], ["DI489"], ["K79"], ["DI49"]),
    ("hypertension", ["K86", "K87"], ["DI109", "DI15"], ["K85"], ["DI16"]),
    ("dementia", ["P70"], ["DF009", "DG309"], ["P71"], ["DF04"]),
    ("risk_code_adult", ["K86", "K87", "T93"], [], ["K85"], ["DI109", "DE785"]),
]


@pytest.mark.parametrize(("fact", "icpc", "sks", "not_icpc", "not_sks"), DIAGNOSES, ids=[one[0] for one in DIAGNOSES])
def test_a_diagnosis_counts_by_exact_icpc_and_by_sks_prefix(
    fact: str, icpc: list[str], sks: list[str], not_icpc: list[str], not_sks: list[str]
) -> None:
    assert all(says(fact, condition(code)) is True for code in icpc)
    assert all(says(fact, condition(code, systems.SKS_D)) is True for code in sks)
    assert all(says(fact, condition(code)) is False for code in not_icpc)
    assert all(says(fact, condition(code, systems.SKS_D)) is False for code in not_sks)


def test_icpc_is_no_prefix_and_no_sks() -> None:
    assert says("t2d", condition("T901")) is False
    assert says("t2d", condition("DE119", systems.ICPC2)) is False
    assert says("t2d", condition("T90", systems.SKS_D)) is False


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (systems.ICD10, "E11.9"),
        (systems.ICD10, "E119"),
        (systems.SKS, "DE119"),
        ("http://hl7.org/fhir/sid/icpc-2", "T90"),
        (systems.ICPC2, "t90"),
    ],
)
def test_other_names_and_spellings_of_a_diagnosis_count(system: str, code: str) -> None:
    assert says("t2d", condition(code, system)) is True


def test_no_code_on_the_problem_list_means_no() -> None:
    assert says("t2d") is False
    assert found("t2d_duration_years") is None


@pytest.mark.parametrize("clinical", ["active", "recurrence", "relapse", None])
def test_a_diagnosis_counts_when_active_or_unstated(clinical: str | None) -> None:
    assert says("t2d", condition("T90", clinical=clinical)) is True


@pytest.mark.parametrize("clinical", ["inactive", "remission", "resolved"])
def test_a_diagnosis_that_is_over_does_not_count(clinical: str) -> None:
    assert says("t2d", condition("T90", clinical=clinical)) is False


def test_a_disease_that_is_over_counted_until_it_abated() -> None:
    over = condition("K77", clinical="resolved", **since("2018-01-01"), abatementDateTime="2024-01-01")
    assert says("hf", over, on=date(2023, 12, 31)) is True
    assert says("hf", over, on=date(2024, 1, 1)) is False
    assert says("hf", over, on=date(2017, 12, 31)) is False


@pytest.mark.parametrize(
    ("verification", "counts"),
    [
        ("confirmed", True),
        ("provisional", True),
        ("unconfirmed", True),
        ("refuted", False),
        ("entered-in-error", False),
    ],
)
def test_a_refuted_diagnosis_does_not_count(verification: str, counts: bool) -> None:
    code = condition("T90") | {"verificationStatus": concept(systems.CONDITION_VERIFICATION, verification)}
    assert says("t2d", code) is counts


def test_a_refuted_code_leaves_another_of_the_same_disease() -> None:
    wrong = condition(
        "T90", verificationStatus=concept(systems.CONDITION_VERIFICATION, "refuted"), **since("2010-01-01")
    )
    right = condition("DE119", systems.SKS_D, **since("2020-11-22"))
    fact = found("t2d_duration_years", wrong, right)
    assert fact is not None
    assert (fact.value, fact.references) == (6, (f"Condition/{right['id']}",))


def test_a_diagnosis_dated_later_than_the_day_is_not_known_yet() -> None:
    assert says("t2d", condition("T90", **since("2026-11-23"))) is False
    assert says("t2d", condition("T90", **since("2026-11-22"))) is True


# ── durations and age ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("dates", "years"),
    [
        (since("2021-11-22"), 5),
        ({"onsetPeriod": {"start": "2021-11-22"}}, 5),
        ({"recordedDate": "2021-11-22"}, 5),
        ({"onsetDateTime": "2016-11-22", "recordedDate": "2021-11-22"}, 10),
        ({"onsetDateTime": "2021-11-21T23:30:00Z"}, 5),
    ],
)
def test_duration_runs_from_onset_else_from_when_it_was_recorded(dates: Resource, years: int) -> None:
    assert says("t2d_duration_years", condition("T90", **dates)) == years


def test_duration_runs_from_the_first_dated_code() -> None:
    codes = [condition("T90", **since("2020-01-01")), condition("T90", **since("2016-11-22")), condition("T90")]
    fact = found("t2d_duration_years", *codes)
    assert fact is not None
    assert (fact.value, fact.on, fact.references) == (10, date(2016, 11, 22), (f"Condition/{codes[1]['id']}",))


def test_duration_is_five_on_the_anniversary_and_less_the_day_before() -> None:
    code = condition("T90", **since("2020-02-29"))
    assert says("t2d_duration_years", code, on=date(2025, 2, 28)) == 5
    assert says("t2d_duration_years", code, on=date(2025, 2, 27)) < 5


@pytest.mark.parametrize(
    ("onset", "adult"), [("1984-11-21", False), ("1984-11-22", True), ("2020-01-01", True), (None, True)]
)
def test_a_code_is_an_adult_s_from_the_eighteenth_birthday_or_when_undated(onset: str | None, adult: bool) -> None:
    code = condition("T90", **(since(onset) if onset else {}))
    assert says("t2d_adult", code) is adult
    assert says("t2d", code) is True


@pytest.mark.parametrize(
    ("onset", "value", "others"), [("1984", True, (False,)), ("1983", False, ()), ("1985", True, ())]
)
def test_a_code_dated_by_the_year_of_the_eighteenth_birthday_is_open(
    onset: str, value: bool, others: tuple[bool, ...]
) -> None:
    fact = found("t2d_adult", condition("T90", **since(onset)))
    assert fact is not None and (fact.value, fact.others) == (value, others)


def test_a_date_is_kept_as_precisely_as_it_is_known() -> None:
    for onset, day in (("2015", "2015"), ("2015-03", "2015-03"), ("2015-03-14", "2015-03-14")):
        fact = found("t2d", condition("T90", **since(onset)))
        assert fact is not None and fact.day == day


def test_the_first_of_two_codes_is_no_later_than_the_later_one() -> None:
    fact = found("t2d_duration_years", condition("T90", **since("2021")), condition("T90", **since("2021-02-22")))
    assert fact is not None and [round(one, 2) for one in fact.others] == [Decimal("5.75")]


def test_an_undated_code_has_no_duration() -> None:
    assert found("t2d_duration_years", condition("T90")) is None
    assert found("kol_duration_years", condition("R95")) is None


def test_a_code_from_childhood_does_not_spoil_one_from_adult_life() -> None:
    assert says("t2d_adult", condition("T90", **since("1980-01-01")), condition("T90", **since("2000-01-01"))) is True


def test_age_is_in_years_with_decimals_and_needs_a_whole_birth_date() -> None:
    assert says("age") == 60
    assert 59 < says("age", on=date(2026, 11, 21)) < 60
    assert found("age", patient(birthDate="1966")) is None
    assert found("age", patient(birthDate="2027-01-01")) is None


@pytest.mark.parametrize(("gender", "male"), [("male", True), ("female", False), ("unknown", None), ("other", None)])
def test_sex_is_known_or_unknown(gender: str, male: bool | None) -> None:
    assert says("male", patient(gender=gender)) is male


def test_own_gp_is_the_practice_asked_for() -> None:
    assert READER.chart([patient()], ON, "Organization/clinic-own").facts["own_gp"].value is True
    assert READER.chart([patient()], ON, "Organization/clinic-other").facts["own_gp"].value is False
    assert READER.chart([patient()], ON).facts["own_gp"].value is True
    assert "own_gp" not in READER.chart([patient(generalPractitioner=[])], ON).facts


@pytest.mark.parametrize(
    ("death", "alive"),
    [
        ({}, True),
        ({"deceasedBoolean": False}, True),
        ({"deceasedBoolean": True}, False),
        ({"deceasedDateTime": "2026-11-22"}, False),
        ({"deceasedDateTime": "2026-11-23"}, True),
        ({"deceasedDateTime": "2025"}, False),
        ({"deceasedDateTime": "ukendt"}, False),
    ],
)
def test_a_person_lives_until_the_day_of_death_and_stays_listed(death: Resource, alive: bool) -> None:
    assert says("alive", patient(**death)) is alive
    assert says("own_gp", patient(**death)) is True


def test_a_death_of_this_month_is_open_within_it() -> None:
    fact = found("alive", patient(deceasedDateTime="2026-11"))
    assert fact is not None and (fact.value, fact.others) == (False, (True,))


def test_the_dead_are_offered_no_plan_and_were_before() -> None:
    dead = [patient(deceasedDateTime="2026-06-01"), condition("T90", **since("2015-01-01"))]
    for on, row in ((date(2025, 1, 1), "ELIG-D"), (ON, None)):
        plan = evaluate(KNOWLEDGE, READER.chart(dead, on)).plans["diabetes"]
        assert (plan.row.id if plan.row else None) == row


# ── medicine ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fact", "counts", "does_not"),
    [
        ("hypo_risk_drug", ["A10AE04", "A10BB12", "A10BX02", "A10BX03", "A10BD02"], ["A10BA02", "A10BK03", "A10BX04"]),
        ("lipid_drug", ["C10AA05", "C10BA02"], ["C09AA02", "A10BA02"]),
        ("bp_drug", ["C09AA02", "C07AB02", "C03CA01"], ["C10AA05", "C01AA05"]),
    ],
)
def test_a_drug_counts_by_the_beginning_of_its_atc_code(fact: str, counts: list[str], does_not: list[str]) -> None:
    assert all(says(fact, medicine(atc)) is True for atc in counts)
    assert all(says(fact, medicine(atc)) is False for atc in does_not)


def test_no_drug_on_the_list_means_no() -> None:
    assert says("hypo_risk_drug") is False


@pytest.mark.parametrize(
    ("time", "takes"),
    [
        ({}, True),
        ({"effectivePeriod": {"start": "2026-11-22"}}, True),
        ({"effectivePeriod": {"start": "2026-11-23"}}, False),
        ({"effectivePeriod": {"start": "2020-01-01", "end": "2026-11-22"}}, True),
        ({"effectivePeriod": {"start": "2020-01-01", "end": "2026-11-21"}}, False),
        ({"effectivePeriod": {"start": "2020-01-01", "end": "2026"}}, True),
        ({"effectivePeriod": {"start": "2020-01-01", "end": "2026-11"}}, True),
        ({"effectivePeriod": {"start": "2020-01-01", "end": "2026-10"}}, False),
        ({"effectiveDateTime": "2026-11-23"}, False),
    ],
)
def test_a_drug_counts_from_its_first_day_to_its_last(time: Resource, takes: bool) -> None:
    assert says("hypo_risk_drug", medicine("A10AE04", **time)) is takes


@pytest.mark.parametrize("status", ["completed", "entered-in-error", "stopped", "on-hold", "not-taken", "intended"])
def test_only_an_active_drug_counts(status: str) -> None:
    assert says("hypo_risk_drug", medicine("A10AE04", status)) is False


@pytest.mark.parametrize("status", ["completed", "stopped"])
def test_a_drug_that_is_over_now_counted_until_its_last_day(status: str) -> None:
    past = medicine("A10AE04", status, effectivePeriod={"start": "2018-07-01", "end": "2024-01-01"})
    assert says("hypo_risk_drug", past, on=date(2023, 1, 1)) is True
    assert says("hypo_risk_drug", past, on=date(2024, 1, 1)) is False
    assert says("hypo_risk_drug", past, on=date(2018, 6, 30)) is False


def without_concept(**more: Any) -> Resource:
    return {"resourceType": "MedicationStatement", "id": "without-concept", "status": "active", **more}


def test_a_drug_is_read_from_the_medication_it_holds_or_names() -> None:
    insulin = {"resourceType": "Medication", "id": "m", "code": concept(systems.ATC, "A10AE04")}
    held = without_concept(contained=[insulin], medicationReference={"reference": "#m"})
    assert says("hypo_risk_drug", held) is True
    assert says("hypo_risk_drug", insulin, without_concept(medicationReference={"reference": "Medication/m"})) is True


def test_a_drug_whose_code_cannot_be_read_leaves_open_what_is_not_known_to_be_taken() -> None:
    unread = without_concept(medicationReference={"reference": "Medication/elsewhere"})
    assert says("hypo_risk_drug", unread, medicine("A10AE04")) is True
    assert found("lipid_drug", unread, medicine("A10AE04")) is None
    assert found("lipid_drug", without_concept(medicationCodeableConcept={"text": "Insulin"})) is None
