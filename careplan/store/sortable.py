"""Instants and decimals as plain numbers and texts that sort as they do, the same in every store.

Not here: what is compared with what (`condition.py`).
Exactness is asked by https://hl7.org/fhir/R4/datatypes.html#decimal (precision counts) and checklist R4-81..85, R4-94.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NINES = str.maketrans("0123456789", "9876543210")


def milliseconds_from_at(at: datetime) -> int:
    """Milliseconds since 1970 UTC, rounded down; negative before. Years 1 to 9999 fit in 64 bits."""
    since = at - _EPOCH
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def span_from_range(low: datetime, high: datetime) -> tuple[int, int]:
    """A half-open range widened to whole milliseconds, never empty."""
    start = milliseconds_from_at(low)
    return start, max(-((_EPOCH - high) // _MILLISECOND), start + 1)


def at_from_milliseconds(number: int) -> datetime:
    """The instant, UTC."""
    return _EPOCH + timedelta(milliseconds=number)


@lru_cache(maxsize=4096)
def text_from_decimal(number: Decimal) -> str:
    """A text that sorts, code point by code point, as the number does; exact, whatever its size and digits.

    The first character is the class: `0` minus infinity, `1` negative, `2` zero, `3` positive, `4` infinity. Then the
    exponent, its length first, then the digits without trailing zeros; mirrored for a negative number.
    5.4 and 5.40 give the same text: they are the same number.
    """
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return "0" if sign else "4"
    text = "".join(map(str, digits)).strip("0")
    if not text:
        return "2"
    if sign:
        return "1" + _exponent(-number.adjusted()) + text.translate(_NINES) + "~"
    return "3" + _exponent(number.adjusted()) + text


def _exponent(exponent: int) -> str:
    digits = str(abs(exponent))
    if exponent < 0:
        return chr(ord("Z") - len(digits)) + digits.translate(_NINES)
    return chr(ord("a") + len(digits)) + digits


def after_prefix(prefix: str) -> str | None:
    """The least text above every text that starts with `prefix`; None when there is none."""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return None
    following = ord(kept[-1]) + 1
    return kept[:-1] + chr(0xE000 if following == 0xD800 else following)
