"""Observations as readings: aliases, units, panels, answers, withdrawal."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from careplan.domain.measure import Reading
from careplan.fhir import systems
from careplan.fhir.reading import (
    Codes,
    codes_from_knowledge,
    effective_at,
    readings_from_observation,
    readings_from_observations,
)
from careplan.knowledge.load import load_knowledge

CODES: Codes = codes_from_knowledge(load_knowledge())


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def observation(system: str, code: str, **more: Any) -> dict[str, Any]:
    base = {"resourceType": "Observation", "id": "o", "status": "final", "effectiveDateTime": "2026-11-15"}
    return {**base, "code": concept(system, code), **more}


def measured(value: str, unit: str | None = None, text: str | None = None) -> dict[str, Any]:
    coded = {"system": systems.UCUM, "code": unit} if unit else {}
    return {"valueQuantity": {"value": Decimal(value), **({"unit": text} if text else {}), **coded}}


def read(resource: dict[str, Any]) -> Reading:
    (reading,) = readings_from_observation(resource, CODES)
    return reading


# ── codes ────────────────────────────────────────────────────────────────────────────────────────


def names_of(system: str) -> list[str]:
    return [system, *(alias for alias, name in systems.ALIASES.items() if name == system)]


@pytest.mark.parametrize("system", names_of(systems.NPU))
def test_every_name_of_npu_is_npu(system: str) -> None:
    assert read(observation(system, "NPU27300", **measured("51", "mmol/mol"))).measure == "hba1c"


@pytest.mark.parametrize("system", names_of(systems.MCS))
def test_every_name_of_medcom_s_codes_is_one(system: str) -> None:
    reading = read(observation(system, "MCS88021", valueInteger=3))
    assert (reading.measure, reading.value) == ("mrc", 3)


def test_a_code_of_another_system_is_no_measure() -> None:
    assert readings_from_observation(observation("http://elsewhere.example", "NPU27300", **measured("51")), CODES) == ()


def test_the_first_coding_that_we_know_decides() -> None:
    codings = [{"code": "NPU27300"}, {"system": "x", "code": "y"}, {"system": systems.LOINC, "code": "22748-8"}]
    resource = observation("", "", **measured("2.1", "mmol/L")) | {"code": {"coding": codings}}
    assert read(resource).measure == "ldl"


def test_an_observation_without_coding_says_nothing_of_our_measures() -> None:
    resource = observation("", "", **measured("2.1")) | {"code": {"text": "LDL", "coding": [{"display": "LDL"}]}}
    assert readings_from_observation(resource, CODES) == ()


@pytest.mark.parametrize(
    ("when", "timed"),
    [
        ({"effectiveDateTime": "2026-11-15T09:12:00+01:00"}, True),
        ({"effectiveDateTime": "2026-11-15"}, False),
        ({"effectiveDateTime": "2026"}, False),
        ({"effectivePeriod": {"start": "2026-11-14T09:12:00Z", "end": "2026-11-15"}}, False),
        ({"issued": "2026-11-15T09:12:00Z"}, True),
    ],
)
def test_a_reading_knows_whether_its_date_says_an_hour(when: dict[str, Any], timed: bool) -> None:
    resource = observation(systems.NPU, "NPU27300", **measured("51", "mmol/mol"))
    del resource["effectiveDateTime"]
    assert read(resource | when).timed is timed


# ── units ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "value", "unit", "text", "becomes"),
    [
        ("NPU03011", "0.95", "1", None, "95"),
        ("NPU03011", "95", "1", None, "95"),
        ("NPU03011", "95", "%", None, "95"),
        ("NPU03011", "0.95", None, None, "95"),
        ("NPU03011", "95", None, "%", "95"),
        ("NPU03011", "1", "1", None, "100"),
        ("NPU03794", "1.72", "m", "m", "172"),
        ("NPU03794", "1.72", None, None, "172"),
        ("NPU03794", "172", None, "cm", "172"),
        ("NPU03794", "172", "cm", "cm", "172"),
        ("NPU03804", "71.5", None, "kg", "71.5"),
        ("NPU03804", "71500", "g", None, "71.5"),
        ("DNK35302", "58", None, "mL/min/1.73 m2", "58"),
        ("DNK35302", "58", None, "ml/min/1,73 m2", "58"),
        ("NPU27281", "28.4", None, "kg/m²", "28.4"),
        ("NPU27281", "28.4", None, "kg/m^2", "28.4"),
        ("NPU18016", "80", None, "µmol/l", "80"),
        ("NPU18016", "80", None, "μmol/l", "80"),
        ("NPU01568", "2.1", None, "mmol/l", "2.1"),
        ("NPU03804", "160", None, "lb", "72.6"),
        ("NPU27300", "53", "10*-3", None, "53"),
        ("NPU19661", "3400", "ug/mmol", None, "30"),
    ],
)
def test_a_value_is_converted_into_the_measure_s_unit(
    code: str, value: str, unit: str | None, text: str | None, becomes: str
) -> None:
    assert read(observation(systems.NPU, code, **measured(value, unit, text))).value == Decimal(becomes)


@pytest.mark.parametrize(("unit", "text"), [("g/mol", None), (None, "stk"), ("%", None)])
def test_a_value_in_a_unit_that_does_not_convert_is_left_out(unit: str | None, text: str | None) -> None:
    assert readings_from_observation(observation(systems.NPU, "NPU01568", **measured("100", unit, text)), CODES) == ()


@pytest.mark.parametrize(
    ("system", "code", "value", "unit", "becomes"),
    [
        (systems.MCS, "MCS88184", "1.05", "1", "105"),  # no size tells a fraction here: it may be more than 1
        (systems.LOINC, "2708-6", "0.95", "1", "95"),
        (systems.LOINC, "19926-5", "0.68", None, None),
        (systems.LOINC, "19926-5", "68", None, "0.68"),
        (systems.NPU, "NPU03835", "0.075", None, None),
        (systems.NPU, "NPU03835", "7.5", None, "7.5"),
    ],
)
def test_a_fraction_is_told_from_a_percentage_by_its_unit_and_without_one_by_what_can_be(
    system: str, code: str, value: str, unit: str | None, becomes: str | None
) -> None:
    found = readings_from_observation(observation(system, code, **measured(value, unit)), CODES)
    assert [one.value for one in found] == ([] if becomes is None else [Decimal(becomes)])


def test_a_converted_value_is_shown_rounded_and_judged_as_it_is() -> None:
    reading = read(observation(systems.NPU, "NPU19661", **measured("33.9", "mg/mmol")))
    assert (reading.value, reading.judged) == (300, Decimal("299.681753890"))


def test_a_percentage_of_hba1c_is_judged_in_whole_numbers_as_it_is_reported() -> None:
    reading = read(observation(systems.NPU, "NPU27300", **measured("7.0", "%")))
    assert (reading.value, reading.exact) == (53, None)


def test_a_reading_dated_by_its_year_may_be_of_any_day_of_it() -> None:
    year = observation(systems.NPU, "NPU01568", **measured("2.1", "mmol/L")) | {"effectiveDateTime": "2024"}
    assert (read(year).on, read(year).until) == (date(2024, 1, 1), date(2024, 12, 31))


def test_a_quantity_without_value_is_no_reading() -> None:
    assert (
        readings_from_observation(observation(systems.NPU, "NPU01568", valueQuantity={"unit": "mmol/L"}), CODES) == ()
    )
    assert readings_from_observation(observation(systems.NPU, "NPU01568", dataAbsentReason={}), CODES) == ()


def test_digits_survive_into_the_reading() -> None:
    assert str(read(observation(systems.NPU, "NPU01568", **measured("1.40", "mmol/L"))).value) == "1.40"


def test_a_comparator_stays_with_the_value_at_its_bound() -> None:
    quantity = {"value": Decimal(90), "comparator": ">", "system": systems.UCUM, "code": "mL/min/{1.73_m2}"}
    reading = read(observation(systems.NPU, "DNK35302", valueQuantity=quantity))
    assert (reading.value, reading.comparator) == (90, ">")


# ── panels and answers ───────────────────────────────────────────────────────────────────────────


def pressure(code: tuple[str, str], **more: Any) -> dict[str, Any]:
    parts = [
        {"code": concept(systems.LOINC, "8480-6"), **measured("128", "mm[Hg]")},
        {"code": concept(systems.LOINC, "8462-4"), **measured("76", "mm[Hg]")},
    ]
    return observation(*code, component=parts, **more)


def test_a_panel_holds_several_readings_of_one_moment() -> None:
    found = readings_from_observation(pressure((systems.LOINC, "85354-9")), CODES)
    assert [(one.measure, one.value, one.source) for one in found] == [
        ("sbp", 128, "unknown"),
        ("dbp", 76, "unknown"),
    ]
    assert {one.reference for one in found} == {"Observation/o"}


@pytest.mark.parametrize(
    ("resource", "source"),
    [
        (pressure((systems.LOINC, "96607-7")), "home"),
        (observation(systems.MCS, "MCS88019", **measured("128", "mm[Hg]")), "home"),
        (pressure((systems.LOINC, "85354-9"), performer=[{"reference": "Patient/p"}]), "home"),
        (pressure((systems.LOINC, "85354-9"), performer=[{"reference": "RelatedPerson/r"}]), "home"),
        (pressure((systems.LOINC, "85354-9"), performer=[{"reference": "PractitionerRole/n"}]), "clinic"),
        (
            pressure((systems.LOINC, "85354-9"), category=[concept(systems.OBSERVATION_CATEGORY, "laboratory")]),
            "lab",
        ),
    ],
)
def test_a_reading_says_where_it_was_taken(resource: dict[str, Any], source: str) -> None:
    assert {one.source for one in readings_from_observation(resource, CODES)} == {source}


@pytest.mark.parametrize(
    ("code", "value", "answer"),
    [
        ("MCS88011", {"valueCodeableConcept": concept(systems.SNOMED, "77176002")}, "current"),
        ("MCS88011", {"valueCodeableConcept": concept(systems.SNOMED, "8517006")}, "former"),
        ("MCS88011", {"valueString": "Aldrig røget"}, "never"),
        ("MCS88011", {"valueCodeableConcept": {"text": " lejlighedsvis "}}, "current"),
        ("MCS88174", {"valueString": "nej"}, "not-current"),
    ],
)
def test_a_choice_is_read_by_code_or_by_its_danish_words(code: str, value: dict[str, Any], answer: str) -> None:
    assert read(observation(systems.MCS, code, **value)).value == answer


def test_a_flag_is_read_as_yes_or_no() -> None:
    assert read(observation(systems.MCS, "MCS88159", valueBoolean=True)).value is True


@pytest.mark.parametrize(
    ("system", "code", "value"),
    [
        (systems.NPU, "DNK35302", {"valueBoolean": True}),
        (systems.NPU, "DNK35302", {"valueString": "55"}),
        (systems.MCS, "MCS88021", {"valueBoolean": True}),
        (systems.MCS, "MCS88011", {"valueBoolean": True}),
        (systems.MCS, "MCS88011", {"valueInteger": 3}),
        (systems.MCS, "MCS88159", {"valueInteger": 1}),
        (systems.MCS, "MCS88159", {"valueString": "ja"}),
        (systems.MCS, "MCS88021", measured("2.5")),
    ],
)
def test_a_value_of_another_type_than_the_measure_has_is_left_out(
    system: str, code: str, value: dict[str, Any]
) -> None:
    assert readings_from_observation(observation(system, code, **value), CODES) == ()


def test_an_answer_nobody_has_heard_of_is_left_out() -> None:
    assert readings_from_observation(observation(systems.MCS, "MCS88011", valueString="måske"), CODES) == ()


# ── time and withdrawal ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_observation_is_no_reading(status: str) -> None:
    resource = observation(systems.NPU, "NPU01568", **measured("2.1", "mmol/L")) | {"status": status}
    assert readings_from_observation(resource, CODES) == ()


@pytest.mark.parametrize("status", ["final", "amended", "corrected", "preliminary"])
def test_any_other_status_counts(status: str) -> None:
    resource = observation(systems.NPU, "NPU01568", **measured("2.1", "mmol/L")) | {"status": status}
    assert read(resource).value == Decimal("2.1")


@pytest.mark.parametrize(
    "time",
    [
        {"effectiveDateTime": "2026-11-15"},
        {"effectiveInstant": "2026-11-15T08:00:00+01:00"},
        {"effectivePeriod": {"start": "2026-11-13", "end": "2026-11-15"}},
        {"effectivePeriod": {"start": "2026-11-15"}},
        {"issued": "2026-11-15T08:00:00+01:00"},
    ],
)
def test_the_day_of_a_reading_is_when_it_was_taken_else_issued(time: dict[str, Any]) -> None:
    resource = observation(systems.NPU, "NPU01568", **measured("2.1", "mmol/L"))
    del resource["effectiveDateTime"]
    assert read(resource | time).on == date(2026, 11, 15)


def test_the_day_of_a_reading_is_the_danish_one_however_the_time_was_written() -> None:
    late = measured("2.1", "mmol/L") | {"effectiveDateTime": "2026-11-14T23:30:00Z"}
    assert read(observation(systems.NPU, "NPU01568", **late)).on == date(2026, 11, 15)


def test_an_observation_without_time_is_no_reading() -> None:
    resource = observation(systems.NPU, "NPU01568", **measured("2.1", "mmol/L")) | {"effectiveDateTime": "2026-99"}
    assert effective_at(resource) is None
    assert readings_from_observation(resource, CODES) == ()


def test_readings_of_a_measure_come_newest_first() -> None:
    days = {"a": "2026-01-05", "b": "2026-11-05T08:00:00+01:00", "c": "2026-11-05T08:00:00+01:00", "d": "2025-02-01"}
    some = [
        observation(systems.NPU, "NPU01568", **measured("2", "mmol/L")) | {"id": id, "effectiveDateTime": day}
        for id, day in days.items()
    ]
    found = readings_from_observations(some, CODES)
    assert [one.reference[-1] for one in found["ldl"]] == ["c", "b", "a", "d"]
    assert readings_from_observations(reversed(some), CODES) == found


# ── conversion of substances ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "value", "unit", "becomes"),
    [("NPU01568", "100", "mg/dL", "2.6"), ("NPU27300", "7.0", "%", "53"), ("NPU18016", "1.00", "mg/dL", "88")],
)
def test_a_value_in_another_kind_of_unit_is_read_by_the_measure_s_own_conversion(
    code: str, value: str, unit: str, becomes: str
) -> None:
    assert str(read(observation(systems.NPU, code, **measured(value, unit))).value) == becomes


def test_a_percentage_no_blood_can_have_is_left_out() -> None:
    assert readings_from_observation(observation(systems.NPU, "NPU27300", **measured("48", "%")), CODES) == ()
