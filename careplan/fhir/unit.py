"""Which unit converts into which, and a value in any of them as one in the measure's own unit.

The factors in `units.json` are ucumvert's (https://ucum.org), made and checked by the tests: the library itself would
cost each worker more than 10 MB and a second. Units of one kind scale into each other; a power of ten keeps every
digit, any other factor is rounded half up to the measure's decimals. Between kinds only what the measure's file names
with its source: a molar mass, or a formula; such results are rounded likewise. All else is refused, never guessed.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cache
from importlib.resources import files

from careplan.domain.errors import OutOfRange, UnitMismatch
from careplan.domain.formula import FORMULAS
from careplan.domain.measure import Conversion, Measure
from careplan.domain.quantity import power_of_ten, rounded, scaled

_MOLAR = {
    ("mass concentration", "substance concentration"): Fraction(1000),
    ("mass by substance", "mass ratio"): Fraction(1),
}
"""Kinds between which a molar mass in g/mol leads, and its share where both are counted in their first units."""


@cache
def _units() -> Mapping[str, tuple[str, Fraction]]:
    """unit → its kind, and how many of the kind's first unit it is."""
    kinds = json.loads(files(__package__).joinpath("units.json").read_text("utf-8"))
    return {unit: (kind, Fraction(factor)) for kind, some in kinds.items() for unit, factor in some.items()}


@cache
def _alike() -> Mapping[str, tuple[str, ...]]:
    """kind → its units."""
    found: dict[str, list[str]] = {}
    for unit, (kind, _) in _units().items():
        found.setdefault(kind, []).append(unit)
    return {kind: tuple(some) for kind, some in found.items()}


def factor(unit: str, into: str) -> Fraction:
    """What a value in `unit` is multiplied by to be in `into`; raises UnitMismatch where they are not of one kind."""
    if unit == into:
        return Fraction(1)
    have, want = _units().get(unit), _units().get(into)
    if have is None or want is None or have[0] != want[0]:
        raise UnitMismatch(f"no exact conversion from {unit!r} to {into!r}")
    return have[1] / want[1]


def units_like(unit: str) -> tuple[str, ...]:
    """Every unit of the same kind, itself included; an unknown unit stands alone."""
    have = _units().get(unit)
    return (unit,) if have is None else _alike()[have[0]]


def molar_factor(unit: str, into: str, mass: Decimal) -> Fraction:
    """From a mass of a substance to its amount, by g/mol; raises UnitMismatch for other kinds of units."""
    have, want = _units().get(unit), _units().get(into)
    share = None if have is None or want is None else _MOLAR.get((have[0], want[0]))
    if have is None or want is None or share is None:
        raise UnitMismatch(f"a molar mass does not lead from {unit!r} to {into!r}")
    return have[1] * share / Fraction(mass) / want[1]


def value_in_measure(value: Decimal, unit: str, measure: Measure) -> Decimal:
    """A value in the measure's `ucum`.

    Raises UnitMismatch where nothing converts, OutOfRange where the formula that converts does not hold
    """
    if unit == measure.ucum or (measure.kind == "score" and _is_count(unit)):
        return value
    if unit in units_like(measure.ucum):
        by = factor(unit, measure.ucum)
        return scaled(value, by) if power_of_ten(by) is not None else rounded(scaled(value, by), measure.decimals)
    for conversion in measure.conversions:
        if unit in units_like(conversion.unit):
            return _converted(value, unit, measure, conversion)
    units = ", ".join(units_of(measure))
    raise UnitMismatch(f"{measure.id} is measured in {measure.ucum}, and converts from: {units}; send one of these")


def units_of(measure: Measure) -> tuple[str, ...]:
    """Every unit in which values of a measure may come."""
    kinds = (measure.ucum, *(one.unit for one in measure.conversions))
    return tuple(unit for kind in kinds for unit in units_like(kind))


def _converted(value: Decimal, unit: str, measure: Measure, conversion: Conversion) -> Decimal:
    if conversion.molar_mass is not None:
        by = molar_factor(unit, measure.ucum, conversion.molar_mass)
        return rounded(scaled(value, by), measure.decimals)
    found = FORMULAS[conversion.formula].value([scaled(value, factor(unit, conversion.unit))])
    if found is None:
        raise OutOfRange(f"this value of {measure.id} in {conversion.unit} cannot be; see the value and its unit")
    return rounded(found, measure.decimals)


def _is_count(unit: str) -> bool:
    """Whether a score may come so: a plain number, or a word in braces."""
    return unit in ("1", "") or (unit.startswith("{") and unit.endswith("}"))
