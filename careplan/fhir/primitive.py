"""The primitive types of R4: which JSON values each may have.

Not for what a value means, nor for codes of a value set. A faulty value is never repeated in a message.
Follows https://hl7.org/fhir/R4/datatypes.html#primitive, its regular expressions included.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

_YEAR = r"(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_MONTH = r"-(?:0[1-9]|1[0-2])"
_DAY = r"-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

_LINK = r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}"
"""What a transaction puts in the place of a temporary `urn:uuid:…` or `urn:oid:…` (http.html#trules)."""

_FORMS = {
    "code": re.compile(r"[^\s]+(?:\s[^\s]+)*"),
    "id": re.compile(r"[A-Za-z0-9\-.]{1,64}"),
    "uri": re.compile(r"\S+"),
    "url": re.compile(r"\S+"),
    "canonical": re.compile(r"\S+"),
    "oid": re.compile(rf"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+|{_LINK}"),
    "uuid": re.compile(rf"urn:uuid:[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}|{_LINK}"),
    "time": re.compile(_CLOCK),
}
_DATES = {
    "date": re.compile(f"{_YEAR}(?:{_MONTH}(?:{_DAY})?)?"),
    "dateTime": re.compile(f"{_YEAR}(?:{_MONTH}(?:{_DAY}(?:T{_CLOCK}{_ZONE})?)?)?"),
    "instant": re.compile(f"{_YEAR}{_MONTH}{_DAY}T{_CLOCK}{_ZONE}"),
}
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_WHITE = re.compile(r"\s+")
_LOWEST = {"integer": -(2**31), "unsignedInt": 0, "positiveInt": 1}
_HIGHEST = 2**31 - 1
_LONGEST = 1024 * 1024
_WIDEST = 400


def _fault_of_text(type_name: str, value: Any) -> tuple[str, str] | None:
    if type(value) is not str:
        return "type-wrong", f"a {type_name} is a JSON string"
    if not value or value.isspace():
        return "element-empty", f"a {type_name} is not empty"
    if len(value) > _LONGEST:
        return "value-invalid", f"a {type_name} has at most {_LONGEST} characters"
    return None


def _fault_of_form(type_name: str, value: Any) -> tuple[str, str] | None:
    if type(value) is str and _FORMS[type_name].fullmatch(value):
        return None
    return _fault_of_text(type_name, value) or ("value-invalid", f"not a {type_name} of R4")


def _fault_of_date(type_name: str, value: Any) -> tuple[str, str] | None:
    if type(value) is not str:
        return "type-wrong", f"a {type_name} is a JSON string"
    if not _DATES[type_name].fullmatch(value):
        return "value-invalid", f"not a {type_name} of R4"
    if len(value) >= len("2026-11-22"):
        try:
            date.fromisoformat(value[:10])
        except ValueError:
            return "value-invalid", "no such day in the calendar"
    return None


def _fault_of_boolean(type_name: str, value: Any) -> tuple[str, str] | None:
    return None if type(value) is bool else ("type-wrong", f"a {type_name} is true or false")


def _fault_of_integer(type_name: str, value: Any) -> tuple[str, str] | None:
    if type(value) is not int:
        return "type-wrong", f"a {type_name} is a JSON number without decimals"
    if not _LOWEST[type_name] <= value <= _HIGHEST:
        return "value-invalid", f"a {type_name} lies between {_LOWEST[type_name]} and {_HIGHEST}"
    return None


def _fault_of_decimal(type_name: str, value: Any) -> tuple[str, str] | None:
    if type(value) is int:
        return None if -(10**_WIDEST) < value < 10**_WIDEST else ("value-invalid", "a number out of range")
    if not isinstance(value, Decimal | float):
        return "type-wrong", f"a {type_name} is a JSON number"
    number = Decimal(value)
    if not number.is_finite() or (number and abs(number.adjusted()) > _WIDEST):
        return "value-invalid", "a number out of range"
    return None


def _fault_of_base64(type_name: str, value: Any) -> tuple[str, str] | None:
    if type(value) is not str:
        return "type-wrong", f"a {type_name} is a JSON string"
    if not value or not _BASE64.fullmatch(_WHITE.sub("", value)):
        return "value-invalid", f"not a {type_name} of R4"
    return None


CHECKS: dict[str, Callable[[str, Any], tuple[str, str] | None]] = {
    "base64Binary": _fault_of_base64,
    "boolean": _fault_of_boolean,
    "decimal": _fault_of_decimal,
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), _fault_of_integer),
    **dict.fromkeys(("date", "dateTime", "instant"), _fault_of_date),
    **dict.fromkeys(("string", "markdown", "xhtml"), _fault_of_text),
    **dict.fromkeys(_FORMS, _fault_of_form),
}
"""The check of each primitive type of R4: (type, value) → (our code, what is wrong), or None when the value is good."""
