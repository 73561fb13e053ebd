"""Registry → CapabilityStatement: what is listed works, and nothing works that is not listed.

https://hl7.org/fhir/R4/capabilitystatement.html · checklist R4-1
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from careplan.fhir.registry import ROWS, Parameter, Row
from careplan.fhir.systems import CANONICAL

Json: TypeAlias = Any

_ORDER = (*("read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type"),)
_STANDARD = {
    ("PlanDefinition", "apply"),
    ("Observation", "lastn"),
    ("Patient", "everything"),
    ("ValueSet", "expand"),
    ("CodeSystem", "lookup"),
}
"""Operations whose definition is HL7's; every other one is ours."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What stands above the single types.

    conditional_delete  `not-supported`, `single` or `multiple`
    conditional_read    `not-supported`, `modified-since`, `not-match` or `full-support`
    system              codes of system-restful-interaction
    security            plain words on who gets in, and how
    """

    conditional_create: bool = True
    conditional_update: bool = False
    conditional_delete: str = "not-supported"
    conditional_read: str = "full-support"
    system: tuple[str, ...] = ("transaction", "batch")
    formats: tuple[str, ...] = ("application/fhir+json", "json")
    security: str = ""


def capability_statement(
    base: str,
    *,
    version: str,
    date: str,
    offer: Offer | None = None,
    rows: Sequence[Row] = ROWS,
    profiles: Mapping[str, Sequence[str]] | None = None,
) -> Json:
    """The statement.

    base      absolute FHIR base
    version   of this software; `date`: when the statement last changed, a FHIR date
    profiles  by type, the canonical URLs that resources are checked against
    """
    offered = offer or Offer()
    return {
        "resourceType": "CapabilityStatement",
        "id": "careplan",
        "url": f"{CANONICAL}/CapabilityStatement/careplan",
        "version": version,
        "name": "Careplan",
        "title": "Forløbsplan",
        "status": "active",
        "date": date,
        "kind": "instance",
        "software": {"name": "careplan", "version": version},
        "implementation": {"description": "Forløbsplan service", "url": base},
        "fhirVersion": "4.0.1",
        "format": list(offered.formats),
        "rest": [_rest(rows, offered, profiles or {})],
    }


def operation_url(type_name: str, name: str) -> str:
    """Canonical URL of an operation's definition."""
    home = "http://hl7.org/fhir" if (type_name, name) in _STANDARD else CANONICAL
    return f"{home}/OperationDefinition/{type_name}-{name}"


def _rest(rows: Sequence[Row], offer: Offer, profiles: Mapping[str, Sequence[str]]) -> Json:
    rest: Json = {
        "mode": "server",
        **({"security": {"description": offer.security}} if offer.security else {}),
        "resource": [_resource(one, rows, offer, profiles.get(one.name, ())) for one in rows],
    }
    if offer.system:
        rest["interaction"] = [{"code": code} for code in offer.system]
    return rest


def _resource(row: Row, rows: Sequence[Row], offer: Offer, profiles: Sequence[str]) -> Json:
    return {
        "type": row.name,
        **({"supportedProfile": list(profiles)} if profiles else {}),
        "interaction": [{"code": code} for code in _ORDER if code in row.interactions],
        "versioning": "versioned" if row.read_only else "versioned-update",
        "readHistory": "vread" in row.interactions,
        "updateCreate": "update" in row.interactions,
        **_conditions(row, offer),
        **_searches(row, rows),
        **_operations(row),
    }


def _conditions(row: Row, offer: Offer) -> Json:
    writable = not row.read_only
    return {
        "conditionalCreate": offer.conditional_create and writable,
        "conditionalRead": offer.conditional_read,
        "conditionalUpdate": offer.conditional_update and writable,
        "conditionalDelete": offer.conditional_delete if writable else "not-supported",
    }


def _searches(row: Row, rows: Iterable[Row]) -> Json:
    if "search-type" not in row.interactions:
        return {}
    forward = [f"{row.name}:{name}" for name, one in row.parameters.items() if one.kind == "reference"]
    backward = [
        f"{other.name}:{name}" for other in rows for name, one in other.parameters.items() if one.leads_to(row.name)
    ]
    return {
        **({"searchInclude": ["*", *forward]} if forward else {}),
        **({"searchRevInclude": backward} if backward else {}),
        "searchParam": [_parameter(one) for one in row.parameters.values()],
    }


def _parameter(parameter: Parameter) -> Json:
    return {"name": parameter.name, "type": parameter.declared}


def _operations(row: Row) -> Json:
    names = dict.fromkeys(name for names in row.operations.values() for name in names)
    listed = [{"name": name, "definition": operation_url(row.name, name)} for name in names]
    return {"operation": listed} if listed else {}
