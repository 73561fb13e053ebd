"""Which unit converts into which, and a value in any of them as one in the measure's own unit.

The factors in `units.json` are ucumvert's (https://ucum.org), made and checked by the tests: the library itself would
cost each worker more than 10 MB and a second. Units of one kind scale into each other; a power of ten keeps every
digit, after any other factor what is shown is rounded half up to the measure's decimals, and what is judged is not.
Between kinds only what the measure's file names with its source: a molar mass, or a formula. All else is refused,
never guessed. A unit that is no UCUM is read where Danish systems write it so: `kg/m²`, `ml/min/1,73 m2`.
"""

import json
import re
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

_SIGNS = str.maketrans({"²": "2", "³": "3", "μ": "u", "µ": "u", ",": ".", "·": "."})
_LOOSE = re.compile(r"[\s^{}_]")
_WORDS = {
    "ml/min/1.73m2": "mL/min/{1.73_m2}",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "in": "[in_i]",
    "ft": "[ft_i]",
    "mmHg": "mm[Hg]",
    "year": "a",
    "år": "a",
    "10-3": "10*-3",
}
"""What people write for units that UCUM writes otherwise; without spaces and raised signs."""


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


def is_unit(unit: str) -> bool:
    """Whether anything is known of a unit."""
    return unit in _units()


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


def unit_from_text(text: str) -> str:
    """The unit that is meant by what stands there: `kg/m²` is `kg/m2`. An unknown one stays as it is written."""
    return text if text in _units() else _spellings().get(_spelled(text), text)


@cache
def _spellings() -> Mapping[str, str]:
    """unit as it is spelled → UCUM; of two that are spelled alike the first, and they are equal."""
    found: dict[str, str] = {}
    for unit in _units():
        found.setdefault(_spelled(unit), unit)
    return {**found, **_WORDS}


def _spelled(text: str) -> str:
    return _LOOSE.sub("", text.translate(_SIGNS))


def value_in_measure(value: Decimal, unit: str, measure: Measure) -> Decimal:
    """A value in the measure's `ucum`, as it is shown. Raises as `exact_in_measure`."""
    return shown_in_measure(exact_in_measure(value, unit, measure), unit, measure)


def shown_in_measure(exact: Decimal, unit: str, measure: Measure) -> Decimal:
    """What `exact_in_measure` found, rounded where its unit leads to more digits than were measured."""
    if unit == measure.ucum or (measure.kind == "score" and _is_count(unit)):
        return exact
    if unit in units_like(measure.ucum) and power_of_ten(factor(unit, measure.ucum)) is not None:
        return exact
    return rounded(exact, measure.decimals)


def exact_in_measure(value: Decimal, unit: str, measure: Measure) -> Decimal:
    """A value in the measure's `ucum`, as it is judged: not rounded.

    Raises UnitMismatch where nothing converts, OutOfRange where the formula that converts does not hold
    """
    if unit == measure.ucum or (measure.kind == "score" and _is_count(unit)):
        return value
    if unit in units_like(measure.ucum):
        return scaled(value, factor(unit, measure.ucum))
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
        return scaled(value, molar_factor(unit, measure.ucum, conversion.molar_mass))
    found = FORMULAS[conversion.formula].exact([scaled(value, factor(unit, conversion.unit))])
    if found is None:
        raise OutOfRange(f"this value of {measure.id} in {conversion.unit} cannot be; see the value and its unit")
    return found


def _is_count(unit: str) -> bool:
    """Whether a score may come so: a plain number, or a word in braces."""
    return unit in ("1", "") or (unit.startswith("{") and unit.endswith("}"))
