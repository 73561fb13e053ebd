"""A value with its unit, and the few exact conversions that our measures need.

Nothing converts by itself: `in_unit` does it, or refuses. Units are UCUM codes
(https://ucum.org). Not here: molar and formula conversions, which need a source each.
"""

from dataclasses import dataclass
from decimal import Decimal

from careplan.domain.errors import UnitMismatch

# unit → (dimension, factor to the dimension's first unit); exact by definition, UCUM table 2 and prefixes
_FACTORS: dict[str, tuple[str, Decimal]] = {
    "1": ("ratio", Decimal(1)),
    "{ratio}": ("ratio", Decimal(1)),
    "{fraction}": ("ratio", Decimal(1)),
    "%": ("ratio", Decimal("0.01")),
    "m": ("length", Decimal(1)),
    "cm": ("length", Decimal("0.01")),
    "mm": ("length", Decimal("0.001")),
    "kg": ("mass", Decimal(1)),
    "g": ("mass", Decimal("0.001")),
    "min/wk": ("time-a-week", Decimal(1)),
    "h/wk": ("time-a-week", Decimal(60)),
    "L": ("volume", Decimal(1)),
    "mL": ("volume", Decimal("0.001")),
    "mmol/L": ("substance", Decimal(1)),
    "umol/L": ("substance", Decimal("0.001")),
    "/min": ("rate", Decimal(1)),
    "1/min": ("rate", Decimal(1)),
    "{Number}": ("count", Decimal(1)),
    "{score}": ("count", Decimal(1)),
    "{number}": ("count", Decimal(1)),
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, its UCUM unit, and FHIR's comparator where the laboratory gave a bound (`>90`)."""

    value: Decimal
    unit: str
    comparator: str | None = None


def factor(unit: str, into: str) -> Decimal:
    """What a value in `unit` is multiplied by to be in `into`; raises UnitMismatch when no exact factor exists."""
    if unit == into:
        return Decimal(1)
    have, want = _FACTORS.get(unit), _FACTORS.get(into)
    if have is None or want is None or have[0] != want[0]:
        raise UnitMismatch(f"no exact conversion from {unit!r} to {into!r}")
    return have[1] / want[1]


def in_unit(quantity: Quantity, unit: str) -> Quantity:
    """The same quantity in another unit, exact; raises UnitMismatch."""
    if quantity.unit == unit:
        return quantity
    return Quantity(quantity.value * factor(quantity.unit, unit), unit, quantity.comparator)


def units_like(unit: str) -> tuple[str, ...]:
    """Every unit that converts exactly into this one, itself included; an unknown unit stands alone."""
    have = _FACTORS.get(unit)
    return (unit,) if have is None else tuple(name for name, (dimension, _) in _FACTORS.items() if dimension == have[0])
