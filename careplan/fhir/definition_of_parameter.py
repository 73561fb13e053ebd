"""Search parameters → SearchParameter: what may be asked of which type, in R4's own words.

HL7 defines some parameters once for many types (`clinical-patient`) and the others type by type (`Task-patient`).
One resource is published for each of HL7's definitions that is offered, derived from it and cut to the types served
here, and one for each parameter of our own. Not here: which parameters there are (`registry`), and how they are asked
(`criterion`).
https://hl7.org/fhir/R4/searchparameter.html · https://hl7.org/fhir/R4/searchparameter-registry.html
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from careplan.fhir import systems
from careplan.fhir.criterion import MODIFIERS, PREFIXES, sort_of
from careplan.fhir.registry import ROWS, TYPES, Parameter, Row
from careplan.fhir.text import Json

HL7 = "http://hl7.org/fhir/SearchParameter"
OURS = f"{systems.CANONICAL}/SearchParameter"

_CONFORMANCE = "StructureDefinition CodeSystem ValueSet SearchParameter OperationDefinition"
_PEOPLE = "Patient RelatedPerson Practitioner PractitionerRole"
_COURSE = "CareTeam CarePlan Encounter Observation DiagnosticReport Immunization Consent"
_RECORD = (
    "CareTeam Condition Observation Goal CarePlan MedicationStatement Encounter ServiceRequest DiagnosticReport "
    "Immunization Consent DocumentReference"
)

_SHARED: tuple[tuple[str, str, str], ...] = (
    ("clinical", "code", "Condition Observation MedicationStatement ServiceRequest DiagnosticReport"),
    ("clinical", "date", _COURSE),
    ("clinical", "encounter", "Observation ServiceRequest DiagnosticReport DocumentReference"),
    ("clinical", "identifier patient", _RECORD),
    ("clinical", "type", "Encounter DocumentReference"),
    (
        "conformance",
        "context context-quantity context-type context-type-quantity context-type-value date description identifier "
        "jurisdiction name publisher status title url version",
        _CONFORMANCE,
    ),
    (
        "individual",
        "address address-city address-country address-postalcode address-state address-use birthdate email family "
        "gender given phone phonetic telecom",
        _PEOPLE,
    ),
    ("medications", "medication status", "MedicationStatement"),
)
"""What HL7 defines for several types at once: family, parameters, types of ours."""

_FAMILIES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (type_name, name): family
        for family, names, types in _SHARED
        for name in names.split()
        for type_name in types.split()
    }
)

_COMPARED = ("date", "number", "quantity")
"""Kinds whose values take a prefix."""


def parameter_id(type_name: str, name: str) -> str:
    """The last part of the canonical URL: `clinical-patient`, `Task-patient`, `Resource-id`."""
    if name.startswith("_"):
        return f"Resource-{name[1:]}"
    return f"{_FAMILIES.get((type_name, name), type_name)}-{name}"


def parameter_url(type_name: str, name: str) -> str:
    """Canonical URL of the definition of a parameter: HL7's, or ours where HL7 has none."""
    known = TYPES[type_name].parameter(name)
    return f"{OURS if known is not None and known.ours else HL7}/{parameter_id(type_name, name)}"


def search_parameters(version: str) -> tuple[Json, ...]:
    """Every search parameter offered, once for each of HL7's definitions, in the order of the registry."""
    found: dict[str, list[tuple[Row, Parameter]]] = {}
    for row in ROWS:
        for parameter in row.parameters.values():
            found.setdefault(parameter_id(row.name, parameter.name), []).append((row, parameter))
    return tuple(_search_parameter(id, version, uses) for id, uses in found.items())


def _search_parameter(id: str, version: str, uses: Sequence[tuple[Row, Parameter]]) -> Json:
    parameter = uses[0][1]
    types = [row.name for row, _ in uses]
    resource: dict[str, Any] = {
        "resourceType": "SearchParameter",
        "id": id,
        "url": f"{OURS}/{id}",
        "version": version,
        "name": parameter.name,
        **({} if parameter.ours else {"derivedFrom": f"{HL7}/{id}"}),
        "status": "active",
        "experimental": False,
        "description": parameter.ours or f"{parameter.name}, as HL7 defines it, of {', '.join(types)}",
        "code": parameter.name,
        "base": types,
        "type": parameter.declared,
        "expression": _expression(uses),
        "multipleOr": True,
        "multipleAnd": True,
        "modifier": modifiers_of(parameter),
    }
    targets = dict.fromkeys(target for _, one in uses for target in one.targets)
    if targets:
        resource["target"] = list(targets)
    if parameter.kind in _COMPARED:
        resource["comparator"] = sorted(PREFIXES)
    if parameter.parts:
        resource["component"] = [
            {"definition": parameter_url(types[0], part.name), "expression": _below(part)} for part in parameter.parts
        ]
    return resource


def _expression(uses: Sequence[tuple[Row, Parameter]]) -> str:
    """Where the values stand in each type; a choice element is named as FHIRPath names it."""
    return " | ".join(dict.fromkeys(one.expression.replace("[x]", "") for _, one in uses))


def modifiers_of(parameter: Parameter) -> list[str]:
    """What may follow a parameter, by code of search-modifier-code: `type` stands for every type it may lead to."""
    found = set(MODIFIERS[sort_of(parameter)])
    if parameter.kind == "reference":
        found.add("type")
    if parameter.worded:
        found.add("text")
    if parameter.identifies:
        found.add("ofType")
    return sorted(found)


def _below(part: Parameter) -> str:
    return part.expression.replace("$this.", "")
