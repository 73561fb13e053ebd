"""Registry → CapabilityStatement: what is listed works, and nothing works that is not listed.

https://hl7.org/fhir/R4/capabilitystatement.html · checklist R4-1
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from careplan.fhir.definition_of_operation import operation_url
from careplan.fhir.definition_of_parameter import parameter_url
from careplan.fhir.registry import ROWS, Parameter, Row
from careplan.fhir.systems import CANONICAL

Json: TypeAlias = Any

_ORDER = (*("read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type"),)
_COMMON = ("_id", "_lastUpdated", "_profile", "_security", "_source", "_tag")
"""What a search across types takes: the parameters that every type has."""

_OAUTH = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"


@dataclass(frozen=True, slots=True)
class Offer:
    """What stands above the single types.

    conditional_delete  `not-supported`, `single` or `multiple`
    system              codes of system-restful-interaction
    operations          names without `$`, called on the whole system
    patch_formats       media types of a patch
    compartments        types whose compartments are searched, e.g. Patient
    security            plain words on who gets in, and how
    smart               of SMART on FHIR, names and addresses where apps sign in; None: it is not offered
    """

    conditional_create: bool = True
    conditional_update: bool = False
    conditional_delete: str = "not-supported"
    system: tuple[str, ...] = ("transaction", "batch")
    operations: tuple[str, ...] = ()
    patch_formats: tuple[str, ...] = ()
    compartments: tuple[str, ...] = ()
    security: str = ""
    smart: tuple[tuple[str, str], ...] | None = None


def capability_statement(
    base: str,
    *,
    version: str,
    date: str,
    offer: Offer | None = None,
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
        "format": ["application/fhir+json", "json"],
        **({"patchFormat": list(offered.patch_formats)} if offered.patch_formats else {}),
        "rest": [_rest(offered, profiles or {})],
    }


def _rest(offer: Offer, profiles: Mapping[str, Sequence[str]]) -> Json:
    rest: Json = {
        "mode": "server",
        **({"security": _security(offer)} if offer.security else {}),
        "resource": [_resource(one, offer, profiles.get(one.name, ())) for one in ROWS],
    }
    if offer.system:
        rest["interaction"] = [{"code": code} for code in offer.system]
    if "search-system" in offer.system:
        rest["searchParam"] = [_parameter(ROWS[0], ROWS[0].parameters[name]) for name in _COMMON]
    if offer.operations:
        rest["operation"] = [_operation("", name) for name in offer.operations]
    if offer.compartments:
        homes = [f"http://hl7.org/fhir/CompartmentDefinition/{name.lower()}" for name in offer.compartments]
        rest["compartment"] = homes
    return rest


def _security(offer: Offer) -> Json:
    """Who gets in; with SMART where to sign in, as far as it is known now."""
    said = {"description": offer.security}
    if offer.smart is None:
        return said
    listed = [{"url": name, "valueUri": uri} for name, uri in offer.smart]
    return {
        **({"extension": [{"url": _OAUTH, "extension": listed}]} if listed else {}),
        "service": [{"coding": [{"system": _SERVICES, "code": "SMART-on-FHIR"}]}],
        **said,
    }


def _resource(row: Row, offer: Offer, profiles: Sequence[str]) -> Json:
    return {
        "type": row.name,
        **({"supportedProfile": list(profiles)} if profiles else {}),
        "interaction": [{"code": code} for code in _ORDER if code in row.interactions],
        "versioning": "versioned" if row.read_only else "versioned-update",
        "readHistory": "vread" in row.interactions,
        "updateCreate": "update" in row.interactions,
        **_conditions(row, offer),
        **_searches(row),
        **_operations(row),
    }


def _conditions(row: Row, offer: Offer) -> Json:
    writable = not row.read_only
    return {
        "conditionalCreate": offer.conditional_create and writable,
        "conditionalRead": "full-support",
        "conditionalUpdate": offer.conditional_update and writable,
        "conditionalDelete": offer.conditional_delete if writable else "not-supported",
    }


def _searches(row: Row) -> Json:
    forward = [f"{row.name}:{name}" for name, one in row.parameters.items() if one.kind == "reference"]
    backward = [
        f"{other.name}:{name}" for other in ROWS for name, one in other.parameters.items() if one.leads_to(row.name)
    ]
    return {
        **({"searchInclude": ["*", *forward]} if forward else {}),
        **({"searchRevInclude": backward} if backward else {}),
        "searchParam": [_parameter(row, one) for one in row.parameters.values()],
    }


def _parameter(row: Row, parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "definition": parameter_url(row.name, parameter.name),
        "type": parameter.declared,
    }


def _operations(row: Row) -> Json:
    names = dict.fromkeys(name for names in row.operations.values() for name in names)
    return {"operation": [_operation(row.name, name) for name in names]} if names else {}


def _operation(type_name: str, name: str) -> Json:
    return {"name": name, "definition": operation_url(type_name, name)}
