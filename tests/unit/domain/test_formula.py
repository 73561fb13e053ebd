"""Each formula against worked values, at its edges, and as a whole."""

from decimal import Decimal
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.domain.formula import FORMULAS


def value(name: str, *numbers: str, age: int | None = None, male: bool | None = None) -> Decimal | None:
    return FORMULAS[name].value([Decimal(one) for one in numbers], age, male)


# ── worked values ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("weight", "height", "expected"),
    [("70", "175", "22.9"), ("80", "160", "31.3"), ("61.25", "175", "20.0"), ("81.8", "172", "27.7")],
)
def test_bmi_is_weight_over_height_squared(weight: str, height: str, expected: str) -> None:
    assert str(value("bmi", weight, height, age=40)) == expected


@pytest.mark.parametrize(
    ("umol", "age", "male", "expected"),
    # Levey 2009, table 2, by hand: below the knot 141 · (Scr/0.9)^-0.411 · 0.993^age, 144 · (Scr/0.7)^-0.329 · …
    [
        ("88.4", 50, True, 87),
        ("88.4", 50, False, 66),
        ("70.72", 40, True, 112),
        ("53.04", 40, False, 114),
        ("176.8", 70, True, 33),
        ("176.8", 70, False, 25),
        ("79.56", 18, True, 124),
        ("61.88", 18, False, 126),
    ],
)
def test_egfr_is_that_of_ckd_epi_2009(umol: str, age: int, male: bool, expected: int) -> None:
    assert value("egfr-ckd-epi-2009", umol, age=age, male=male) == expected


@pytest.mark.parametrize(
    ("umol", "age", "male", "expected"),
    # Inker 2021, by hand, and as the calculator of the National Kidney Foundation gives them
    [("88.4", 50, True, 92), ("88.4", 50, False, 69), ("176.8", 70, True, 35), ("176.8", 70, False, 26)],
)
def test_egfr_2021_is_that_of_ckd_epi_2021(umol: str, age: int, male: bool, expected: int) -> None:
    assert value("egfr-ckd-epi-2021", umol, age=age, male=male) == expected


@pytest.mark.parametrize(
    ("ngsp", "ifcc"),
    [("4", 20), ("5", 31), ("6", 42), ("6.5", 48), ("7", 53), ("7.5", 58), ("8", 64), ("9", 75), ("10", 86)],
)
def test_hba1c_follows_the_published_table_of_the_master_equation(ngsp: str, ifcc: int) -> None:
    assert value("hba1c-ifcc", ngsp) == ifcc


def test_non_hdl_is_total_less_hdl() -> None:
    assert str(value("non-hdl", "5.2", "1.35")) == "3.9"
    assert str(value("non-hdl", "4.0", "1.2")) == "2.8"


def test_a_ratio_just_under_the_limit_of_obstruction_stays_under_it() -> None:
    assert str(value("fev1-fvc", "2.10", "3.00")) == "0.700"
    assert value("fev1-fvc", "2.09", "3.00") == D("0.697")


def test_pack_years_are_packs_of_twenty_times_years() -> None:
    assert value("pack-years", "20", "30") == 30
    assert value("pack-years", "10", "25") == 13
    assert value("pack-years", "0", "0") == 0


# ── the valid range ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["egfr-ckd-epi-2009", "egfr-ckd-epi-2021"])
def test_egfr_needs_an_adult_of_known_sex(name: str) -> None:
    assert value(name, "80", age=18, male=True) is not None
    assert value(name, "80", age=17, male=True) is None
    assert value(name, "80", age=None, male=True) is None
    assert value(name, "80", age=50, male=None) is None


def test_bmi_needs_an_adult() -> None:
    assert value("bmi", "70", "175", age=17) is None
    assert value("bmi", "70", "175", age=18) is not None


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("bmi", ["70", "1.75"]),
        ("bmi", ["700", "175"]),
        ("egfr-ckd-epi-2009", ["0.9"]),
        ("egfr-ckd-epi-2009", ["2001"]),
        ("non-hdl", ["1.2", "1.2"]),
        ("non-hdl", ["1.0", "1.2"]),
        ("fev1-fvc", ["3.1", "3.0"]),
        ("hba1c-ifcc", ["2.9"]),
        ("hba1c-ifcc", ["48"]),
        ("pack-years", ["20", "101"]),
    ],
)
def test_outside_its_range_a_formula_gives_nothing(name: str, numbers: list[str]) -> None:
    assert value(name, *numbers, age=50, male=True) is None


# ── as a whole ───────────────────────────────────────────────────────────────────────────────────

CREATININE = st.decimals("10", "2000", places=0)
AGES = st.integers(18, 110)


@given(CREATININE, CREATININE, AGES, st.booleans(), st.sampled_from(["egfr-ckd-epi-2009", "egfr-ckd-epi-2021"]))
def test_more_creatinine_is_never_a_better_kidney(
    one: Decimal, other: Decimal, age: int, male: bool, name: str
) -> None:
    low, high = sorted((one, other))
    first, second = (FORMULAS[name].value([each], age, male) for each in (low, high))
    assert first is not None and second is not None and first >= second >= 0


@given(CREATININE, AGES, AGES, st.booleans(), st.sampled_from(["egfr-ckd-epi-2009", "egfr-ckd-epi-2021"]))
def test_the_same_creatinine_is_never_better_in_later_years(
    umol: Decimal, one: int, other: int, male: bool, name: str
) -> None:
    young, old = sorted((one, other))
    first, second = (FORMULAS[name].value([umol], each, male) for each in (young, old))
    assert first is not None and second is not None and first >= second


@given(st.decimals("20", "350", places=1), st.decimals("100", "250", places=0))
def test_bmi_grows_with_weight_and_has_one_decimal(weight: Decimal, height: Decimal) -> None:
    found = FORMULAS["bmi"].value([weight, height], 40)
    more = FORMULAS["bmi"].value([min(weight + 5, D(350)), height], 40)
    assert found is not None and more is not None and found.as_tuple().exponent == -1
    assert D(3) <= found <= more <= D(350)


@given(st.decimals("0.2", "8", places=2), st.decimals("0.3", "10", places=2))
def test_a_ratio_of_lung_volumes_lies_between_nothing_and_one(first: Decimal, whole: Decimal) -> None:
    found = FORMULAS["fev1-fvc"].value([first, whole])
    assert (found is None) == (first > whole)
    assert found is None or 0 < found <= 1
