"""Required bindings: where R4 fixes the codes an element may have, on resources and on data types alike.

Beside `models`, because fhir.resources lists these codes without enforcing them. Extensible and weaker
bindings are not checked; nor are those on sets too open to list (languages, media types, currencies).
The table `bindings.json` is R4's own, for the types of `models.TYPES` and every data type.
Follows https://hl7.org/fhir/R4/terminologies.html#required.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from careplan.domain.errors import Fault
from careplan.fhir.models import Node, Resource, expression, shape, survey


class Binding(NamedTuple):
    """The value set an element is bound to. `system` is there where more than the bare code is written."""

    value_set: str
    system: str
    codes: frozenset[str]
    pairs: frozenset[tuple[str, str]]


def faults(resource: Resource, noted: Iterable[Node] | None = None) -> list[Fault]:
    """Every code outside the value set that R4 requires at its place, contained resources included.

    noted  what `models.survey` noted of the resource, where that is known already
    """
    table = bindings()
    found = []
    for node in survey(resource).noted if noted is None else noted:
        bound = table.get((node.owner.name, node.element.name))
        if bound and not _holds(bound, node.value):
            message = f"not a code of {bound.value_set}"
            found.append(Fault(expression(node.place), "code-invalid", message))
    return found


@cache
def bindings() -> dict[tuple[str, str], Binding]:
    """(shape, element) → binding, e.g. ("CarePlanActivityDetail", "status")."""
    data = json.loads(files(__package__).joinpath("bindings.json").read_text("utf-8"))
    sets = {name: _binding(name, data["systems"].get(name, ""), codes.split()) for name, codes in data["codes"].items()}
    return {_owner(path): sets[name] for path, name in data["bindings"].items()}


def _binding(name: str, system: str, codes: list[str]) -> Binding:
    pairs = frozenset((system, code) for code in codes)
    return Binding(f"http://hl7.org/fhir/ValueSet/{name}", system, frozenset(codes), pairs)


def _owner(path: str) -> tuple[str, str]:
    """The shape and element a path leads to: `CarePlan.activity.detail.status`."""
    owner, *names = path.split(".")
    for name in names[:-1]:
        owner = shape(owner).elements[name].type
    return owner, names[-1]


def _holds(bound: Binding, value: Any) -> bool:
    """Whether a value has a code of the set; what is no code at all is for `models` to report.

    A primitive without value, and a concept that only says why it is absent, have extensions instead.
    """
    if isinstance(value, str):
        return value in bound.codes
    if not bound.system or not isinstance(value, dict) or set(value) <= {"id", "extension"}:
        return True
    return any((coding.get("system"), coding.get("code")) in bound.pairs for coding in _codings(value))


def _codings(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The codings of a CodeableConcept, or a Coding itself, as far as they have the form of one."""
    inside = value.get("coding", [value])
    for coding in inside if isinstance(inside, list) else ():
        if isinstance(coding, dict) and isinstance(coding.get("system"), str) and isinstance(coding.get("code"), str):
            yield coding
