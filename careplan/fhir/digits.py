"""JSON numbers that keep their digits, and JSON written so that they do.

Not for reading: `careplan.fhir.text` does that.
Follows https://hl7.org/fhir/R4/datatypes.html#decimal: precision is part of a decimal.
"""

import math
from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Self, TypeAlias

Json: TypeAlias = Any
"""A parsed value: dict, list, str, int, Digits, bool or None."""


class Digits(Decimal):
    """A decimal that remembers the digits it was written with: `7.10` stays `7.10`."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


def dump(value: Json) -> bytes:
    """A value as compact JSON in UTF-8; Digits by their own text. Raises ValueError for NaN or infinity."""
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts).encode()


def _write(value: Json, put: Callable[[str], object]) -> None:
    match value:
        case str():
            put(encode_basestring(value))
        case dict():
            _write_object(value, put)
        case list() | tuple():
            _write_array(value, put)
        case None:
            put("null")
        case bool():
            put("true" if value else "false")
        case int():
            put(str(int(value)))
        case Digits():
            put(value.text)
        case Decimal() | float() if math.isfinite(value):
            put(str(value) if isinstance(value, Decimal) else repr(value))
        case _:
            raise ValueError(f"{type(value).__name__} cannot be written as JSON")


def _write_object(value: dict[str, Json], put: Callable[[str], object]) -> None:
    sign = "{"
    for name, item in value.items():
        put(sign + encode_basestring(name) + ":")
        _write(item, put)
        sign = ","
    put("}" if value else "{}")


def _write_array(value: list[Json] | tuple[Json, ...], put: Callable[[str], object]) -> None:
    sign = "["
    for item in value:
        put(sign)
        _write(item, put)
        sign = ","
    put("]" if value else "[]")
