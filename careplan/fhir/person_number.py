"""The numbers a person is known by to the public: CPR, and the substitutes regions and the state give.

Not here: whether a number can belong to anybody (`synthetic.cpr`). Never in an address, a log or an error.
https://hl7.dk/fhir/core/StructureDefinition-dk-core-cpr-identifier.html
"""

import re

from careplan.fhir.systems import CPR, D_ECPR, X_ECPR, normal_system
from careplan.fhir.text import Json

SYSTEMS = (CPR, X_ECPR, D_ECPR)

_TYPED = re.compile(r"([0-9]{6})[- ]?([0-9A-Z]{4})")


def numbers_of(person: Json) -> tuple[tuple[str, str], ...]:
    """(system, value) of a Patient or a RelatedPerson, as they stand."""
    found = ((normal_system(one.get("system", "")), str(one.get("value", ""))) for one in person.get("identifier", ()))
    return tuple((system, value) for system, value in found if system in SYSTEMS and value)


def find_number(typed: str) -> str | None:
    """What somebody typed, as «010203-1234» or in one: ten signs; None when it is no such number."""
    found = _TYPED.fullmatch(typed.strip().upper())
    return found[1] + found[2] if found else None


def written(number: str) -> tuple[str, str]:
    """The two ways a number of ten signs is written: in one, and with a hyphen."""
    return number, f"{number[:6]}-{number[6:]}"


def shown(person: Json) -> str:
    """«010203-1234», the CPR number before a substitute; empty where the person has no number."""
    found = sorted(numbers_of(person), key=lambda one: SYSTEMS.index(one[0]))
    bare = found[0][1].replace("-", "") if found else ""
    return f"{bare[:6]}-{bare[6:]}" if bare else ""
