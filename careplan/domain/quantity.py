"""What may be done to the number of a quantity: scaled exactly, or rounded as laboratories round.

Not here: which unit converts into which (`careplan.fhir.unit`), and what a substance weighs (the measures' files).
"""

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

_ONE = Decimal(1)
_TWELVE = Context(prec=12)


def power_of_ten(factor: Fraction) -> int | None:
    """The power that a factor is of ten: 2 for 100, −3 for 1/1000; None for any other factor."""
    many, one = max(factor.numerator, factor.denominator), min(factor.numerator, factor.denominator)
    digits = str(many)
    if one != 1 or digits.rstrip("0") != "1":
        return None
    return len(digits) - 1 if factor >= 1 else 1 - len(digits)


def scaled(value: Decimal, factor: Fraction) -> Decimal:
    """A value times a factor: to the digit where the factor is a power of ten, else in Decimal's 28 digits."""
    power = power_of_ten(factor)
    if power is not None:
        return value.scaleb(power)
    return value * factor.numerator / factor.denominator


def rounded(value: Decimal, decimals: int) -> Decimal:
    """To so many decimals, half up."""
    return value.quantize(_ONE.scaleb(-decimals), ROUND_HALF_UP)


def unrounded(value: Decimal) -> Decimal:
    """As it is judged: twelve digits, more than anything is measured in."""
    return _TWELVE.plus(value)


def exact_beside(shown: Decimal, value: Decimal) -> Decimal | None:
    """What is judged beside a number that is shown; None where they are the same."""
    return None if value == shown else unrounded(value)
