"""What an operation is asked: the instance it is called on, and its parameters from Parameters or from the URL.

https://hl7.org/fhir/R4/operations.html#executing
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from careplan.domain.errors import CareplanError
from careplan.fhir.instant import find_whole_date
from careplan.fhir.reference import find_target
from careplan.fhir.text import Json

_YEARS = (1900, 2199)
"""First and last year of a day asked about; nobody is treated outside them."""

_DIGITS = 18
"""Before or after the decimal point; no quantity of care needs more."""


class ParameterFaulty(CareplanError):
    """An operation lacks a parameter, or one has a value it cannot have."""

    code = "parameter-invalid"


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of an operation: on which instance, with which parameters, each possibly several times.

    base    this server's FHIR base, by which absolute references to itself are known
    strict  the caller wants what is not supported refused
    expects  the version of the instance that the caller saw, by If-Match, or `precondition.ANY`; None: whatever stands
    """

    id: str | None = None
    values: Mapping[str, Sequence[Json]] = field(default_factory=dict)
    base: str | None = None
    strict: bool = False
    expects: int | None = None

    def all(self, name: str) -> Sequence[Json]:
        return self.values.get(name, ())

    def find(self, name: str) -> Json | None:
        given = self.all(name)
        if len(given) > 1:
            raise ParameterFaulty(f"parameter {name} may be given once")
        return given[0] if given else None

    def read(self, name: str) -> Json:
        value = self.find(name)
        if value is None or value == "":
            raise ParameterFaulty(f"parameter {name} is missing")
        return value

    def reference(self, name: str, type_name: str) -> str:
        """The logical id of a reference of this type, however it is given."""
        value = self.read(name)
        text = str(value.get("reference", "")) if isinstance(value, dict) else str(value)
        target = find_target(text if "/" in text else f"{type_name}/{text}", self.base)
        if target is None or target.type != type_name:
            raise ParameterFaulty(f"parameter {name} must name a {type_name} of this service, e.g. {type_name}/1")
        return target.id

    def find_day(self, name: str) -> date | None:
        value = self.find(name)
        if value is None:
            return None
        day = find_whole_date(value)
        if day is None or not _YEARS[0] <= day.year <= _YEARS[1]:
            raise ParameterFaulty(f"parameter {name} must be a date like 2026-11-22")
        return day

    def find_whole(self, name: str) -> int | None:
        """A whole number, 0 or more."""
        value = self.find(name)
        if value is None or value == "":
            return None
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 9):
            raise ParameterFaulty(f"parameter {name} must be a whole number, 0 or more")
        return int(text)

    def text(self, name: str) -> str:
        """A string, uri or code; "" when it is not given."""
        value = self.find(name)
        if value is not None and not isinstance(value, str):
            raise ParameterFaulty(f"parameter {name} must be a text")
        return value or ""

    def code(self, name: str) -> str:
        """The code of a code, a Coding or a CodeableConcept; "" when there is none."""
        value = self.find(name)
        codings = value.get("coding", [value]) if isinstance(value, dict) else [{"code": value}]
        first = codings[0] if isinstance(codings, list) and codings else None
        code = first.get("code") if isinstance(first, dict) else None
        return code if isinstance(code, str) else ""

    def find_number(self, name: str) -> Decimal | None:
        """A decimal, given as a number, as text or as a Quantity's value."""
        value = self.find(name)
        if isinstance(value, dict):
            value = value.get("value")
        if value is None or value == "":
            return None
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if isinstance(value, bool) or not number.is_finite() or abs(number.adjusted()) > _DIGITS:
            raise ParameterFaulty(f"parameter {name} must be a decimal number like 1.8")
        return number

    def flag(self, name: str) -> bool:
        value = self.find(name)
        if value not in (None, True, False, "true", "false"):
            raise ParameterFaulty(f"parameter {name} must be true or false")
        return value in (True, "true")


def asked_from_parameters(
    id: str | None,
    body: Json | None,
    pairs: Sequence[tuple[str, str]],
    *,
    base: str | None = None,
    strict: bool = False,
) -> Asked:
    """Parameters resource and URL together. Raises ParameterFaulty for a body that is no Parameters."""
    values: dict[str, list[Json]] = {}
    for name, text in pairs:
        values.setdefault(name, []).append(text)
    if body is not None:
        if body.get("resourceType") != "Parameters":
            raise ParameterFaulty("the body of an operation is a Parameters resource")
        for parameter in body.get("parameter", ()):
            if not isinstance(parameter, dict) or not isinstance(parameter.get("name"), str):
                raise ParameterFaulty("every parameter has a name")
            values.setdefault(parameter["name"], []).append(_value(parameter))
    return Asked(id, values, base, strict)


def _value(parameter: Json) -> Json:
    found = [value for name, value in parameter.items() if name.startswith("value") or name == "resource"]
    if len(found) != 1:
        raise ParameterFaulty(f"parameter {parameter['name']} has one value")
    return found[0]
