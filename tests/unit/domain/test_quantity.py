"""The number of a quantity: scaled to the digit, rounded half up."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.domain.quantity import power_of_ten, rounded, scaled


@pytest.mark.parametrize(
    ("factor", "power"),
    [
        ("1", 0),
        ("100", 2),
        ("1/1000", -3),
        ("60", None),
        ("127/5000", None),
        ("10/3", None),
        ("2", None),
        ("1/2", None),
    ],
)
def test_a_factor_is_a_power_of_ten_or_is_not(factor: str, power: int | None) -> None:
    assert power_of_ten(Fraction(factor)) == power


@pytest.mark.parametrize(
    ("value", "factor", "becomes"),
    [("1.720", "100", "172.0"), ("6.50", "1", "6.50"), ("88", "1/1000", "0.088"), ("1.40", "1/10", "0.140")],
)
def test_a_power_of_ten_keeps_every_digit(value: str, factor: str, becomes: str) -> None:
    assert str(scaled(Decimal(value), Fraction(factor))) == becomes


def test_any_other_factor_is_exact_where_the_result_ends() -> None:
    assert scaled(Decimal("2.5"), Fraction(60)) == 150
    assert scaled(Decimal(10), Fraction(127, 5000)) == Decimal("0.254")


@pytest.mark.parametrize(
    ("value", "decimals", "becomes"), [("2.585", 2, "2.59"), ("47.5", 0, "48"), ("47.49", 0, "47"), ("1", 1, "1.0")]
)
def test_rounding_is_half_up(value: str, decimals: int, becomes: str) -> None:
    assert str(rounded(Decimal(value), decimals)) == becomes


@given(st.decimals("-1e9", "1e9", places=4), st.integers(-12, 12))
def test_scaling_there_and_back_gives_the_same_number(value: Decimal, power: int) -> None:
    factor = Fraction(10) ** power
    assert scaled(scaled(value, factor), 1 / factor) == value
