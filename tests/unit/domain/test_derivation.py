"""Which readings a formula is given: of one day, best of one moment; a steady height; never over what was reported."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.domain.derivation import derived_readings, newest_first
from careplan.domain.measure import Derivation, Measure, Reading
from careplan.domain.source import Source

SOURCE = Source("t", "p", "https://example.org")
BORN = date(1966, 5, 20)


def measure(name: str, formula: str, *inputs: str) -> Measure:
    return Measure(name, name, "", "quantity", "u", "u", derived=Derivation(formula, inputs, SOURCE))


BMI = measure("bmi", "bmi", "weight", "height")
EGFR = measure("egfr", "egfr-ckd-epi-2009", "creatinine")
NON_HDL = measure("non_hdl", "non-hdl", "total", "hdl")
ALL = (BMI, EGFR, NON_HDL)


def reading(name: str, value: str, at: str, comparator: str | None = None) -> Reading:
    when = datetime.fromisoformat(at)
    return Reading(name, Decimal(value), when, f"Observation/{name}-{at}", "lab", comparator)


def derive(*readings: Reading, born: date | None = BORN, male: bool | None = False) -> dict[str, tuple[Reading, ...]]:
    names = {one.measure for one in readings}
    series = {name: newest_first((one for one in readings if one.measure == name), ()) for name in names}
    return derived_readings(ALL, series, born, male)


# ── one sample ───────────────────────────────────────────────────────────────────────────────────


def test_a_computed_reading_says_when_from_what_and_by_what() -> None:
    found = derive(reading("creatinine", "88", "2026-03-01T08:00"))
    assert found == {
        "egfr": (
            Reading(
                "egfr",
                Decimal(62),
                datetime(2026, 3, 1, 8),
                "",
                "derived",
                derived_from=("Observation/creatinine-2026-03-01T08:00",),
                formula="egfr-ckd-epi-2009",
            ),
        )
    }


def test_a_computed_reading_has_an_hour_where_that_which_it_is_dated_by_has() -> None:
    (weight, height) = reading("weight", "80", "2026-03-01T00:00"), reading("height", "180", "2020-03-01T08:00")
    assert derive(weight, height)["bmi"][0].timed
    assert not derive(replace(weight, timed=False), height)["bmi"][0].timed


def test_age_is_that_of_the_day_of_the_sample() -> None:
    young = derive(reading("creatinine", "88", "1984-05-19T08:00"))
    adult = derive(reading("creatinine", "88", "1984-05-20T08:00"))
    assert young == {} and set(adult) == {"egfr"}


def test_both_numbers_are_of_one_day() -> None:
    apart = (reading("total", "5.0", "2026-03-01T08:00"), reading("hdl", "1.2", "2026-03-02T08:00"))
    assert derive(*apart) == {}
    (found,) = derive(*apart, reading("hdl", "1.5", "2026-03-01T15:00"))["non_hdl"]
    assert (found.value, found.at.hour) == (Decimal("3.5"), 15)


def test_of_a_day_the_newest_moment_with_all_numbers_is_one_sample() -> None:
    morning = (reading("total", "5.0", "2026-03-01T08:00"), reading("hdl", "1.2", "2026-03-01T08:00"))
    (found,) = derive(*morning, reading("total", "6.0", "2026-03-01T15:00"))["non_hdl"]
    assert (found.value, found.at.hour) == (Decimal("3.8"), 8)


def test_a_day_gives_one_value_and_the_newest_day_comes_first() -> None:
    some = [
        reading("creatinine", value, at)
        for value, at in [("90", "2026-03-01T08:00"), ("70", "2026-03-01T15:00"), ("80", "2026-05-01T08:00")]
    ]
    assert [(one.on.month, one.references[0][-5:]) for one in derive(*some)["egfr"]] == [(5, "08:00"), (3, "15:00")]


def test_a_bound_derives_nothing() -> None:
    assert derive(reading("creatinine", "40", "2026-03-01T08:00", "<")) == {}
    pair = (reading("total", "5.0", "2026-03-01T08:00"), reading("hdl", "0.5", "2026-03-01T08:00", "<"))
    assert derive(*pair) == {}


def test_unknown_sex_or_birth_leaves_out_what_asks_for_it() -> None:
    creatinine = reading("creatinine", "88", "2026-03-01T08:00")
    assert derive(creatinine, male=None) == {}
    assert derive(creatinine, born=None) == {}


# ── what was reported ────────────────────────────────────────────────────────────────────────────


def test_nothing_is_computed_for_a_day_with_a_reported_value() -> None:
    days = [reading("creatinine", "88", f"2026-0{month}-01T08:00") for month in (1, 3, 5)]
    reported = reading("egfr", "90", "2026-03-01T23:00", ">")
    assert [one.on.month for one in derive(*days, reported)["egfr"]] == [5, 1]


def test_the_newest_by_date_comes_first_reported_or_not() -> None:
    reported = reading("egfr", "70", "2026-03-01T08:00")
    derived = derive(reading("creatinine", "88", "2026-05-01T08:00"), reading("creatinine", "88", "2026-01-01T08:00"))
    assert [one.source for one in newest_first([reported], derived["egfr"])] == ["derived", "lab", "derived"]


# ── a steady height ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("heights", "used"),
    [
        (["2020-01-01", "2026-01-01", "2026-06-01"], "2026-01-01"),
        (["2026-03-01"], "2026-03-01"),
        (["2026-06-01", "2027-01-01"], "2026-06-01"),
        (["1980-01-01"], None),
        (["1980-01-01", "2026-06-01"], "2026-06-01"),
        ([], None),
    ],
)
def test_the_height_of_an_adult_counts_the_newest_before_the_weight_else_the_first_after(
    heights: list[str], used: str | None
) -> None:
    weight = reading("weight", "70", "2026-03-01T08:00")
    found = derive(weight, *(reading("height", "170", f"{day}T08:00") for day in heights)).get("bmi", ())
    assert [one.derived_from[1] for one in found] == ([] if used is None else [f"Observation/height-{used}T08:00"])
    assert all(one.at == weight.at and one.value == Decimal("24.2") for one in found)


# ── as a whole ───────────────────────────────────────────────────────────────────────────────────

MOMENTS = st.integers(0, 60).map(lambda hours: (datetime(2026, 1, 1) + timedelta(hours=6 * hours)).isoformat())
READINGS = st.lists(
    st.builds(
        reading,
        st.sampled_from(["weight", "height", "creatinine", "egfr", "total", "hdl"]),
        st.sampled_from(["1", "5", "60", "120", "170"]),
        MOMENTS,
        st.sampled_from([None, None, "<"]),
    ),
    max_size=25,
)


@given(READINGS, st.randoms())
def test_order_of_the_record_does_not_matter_and_no_day_has_two(readings: list[Reading], chance: Random) -> None:
    unique = list({one.reference: one for one in readings}.values())
    found = derive(*unique)
    chance.shuffle(unique)
    assert derive(*unique) == found
    for name, some in found.items():
        days = [one.on for one in some] + [one.on for one in unique if one.measure == name]
        assert len({one.on for one in some}) == len(some) and not set(days[: len(some)]) & set(days[len(some) :])
        assert [one.at for one in some] == sorted((one.at for one in some), reverse=True)


@given(READINGS)
def test_every_source_of_a_computed_value_is_a_number_on_record(readings: list[Reading]) -> None:
    whole = {one.reference for one in readings if one.comparator is None}
    for some in derive(*{one.reference: one for one in readings}.values()).values():
        assert all(set(one.derived_from) <= whole and one.source == "derived" for one in some)
