"""Values with units: exact conversion or none."""

from decimal import Decimal

import pytest

from careplan.domain.errors import UnitMismatch
from careplan.domain.quantity import Quantity, factor, in_unit, units_like


@pytest.mark.parametrize(
    ("value", "unit", "into", "becomes"),
    [
        ("0.95", "1", "%", "95"),
        ("1.72", "m", "cm", "172"),
        ("172.5", "cm", "m", "1.725"),
        ("2.5", "h/wk", "min/wk", "150"),
        ("88", "umol/L", "mmol/L", "0.088"),
        ("71500", "g", "kg", "71.5"),
        ("68", "/min", "1/min", "68"),
    ],
)
def test_conversion_is_exact(value: str, unit: str, into: str, becomes: str) -> None:
    assert in_unit(Quantity(Decimal(value), unit), into).value == Decimal(becomes)


def test_conversion_keeps_the_laboratory_s_bound() -> None:
    assert in_unit(Quantity(Decimal("0.9"), "1", ">"), "%") == Quantity(Decimal("90"), "%", ">")


@pytest.mark.parametrize(
    ("unit", "into"), [("mg/dL", "mmol/L"), ("%", "mmol/mol"), ("kg", "m"), ("stk", "kg"), ("mmol/L", "ukendt")]
)
def test_conversion_that_needs_a_molar_mass_or_a_guess_is_refused(unit: str, into: str) -> None:
    with pytest.raises(UnitMismatch, match="no exact conversion"):
        factor(unit, into)


def test_a_unit_nobody_knows_still_equals_itself() -> None:
    assert factor("stk", "stk") == 1
    assert units_like("stk") == ("stk",)


def test_units_of_one_dimension_are_alike() -> None:
    assert set(units_like("cm")) == {"m", "cm", "mm"}
