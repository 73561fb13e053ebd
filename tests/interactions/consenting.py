"""Short ways to write Consents: a block, a power of attorney, and who calls in their tests."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from careplan.fhir import systems
from careplan.interactions.caller import Caller
from careplan.interactions.context import Context

from .conftest import Json, Town, concept

RELATIVE = Caller("patient", "Anders", reference="RelatedPerson/anders")
SURGEON = Caller("hospital", "Ida Lund", "city", reference="PractitionerRole/surgeon")


def as_caller(town: Town, caller: Caller) -> Context:
    return replace(town.as_("system"), caller=caller)


def privacy(id: str, provision: Json, of: str = "anna", status: str = "active") -> Json:
    return {
        "resourceType": "Consent",
        "id": id,
        "status": status,
        "scope": concept(systems.CONSENT_SCOPE, "patient-privacy"),
        "category": [concept(systems.LOINC, "59284-0")],
        "patient": {"reference": f"Patient/{of}"},
        "performer": [{"reference": f"Patient/{of}"}],
        "policyRule": {"text": "Sundhedsloven § 42 a"},
        "provision": provision,
    }


def actors(*references: str) -> list[Json]:
    role = concept(systems.PARTICIPATION_TYPE, "IRCP")
    return [{"role": role, "reference": {"reference": one}} for one in references]


def block(*references: str, id: str = "block", of: str = "anna", status: str = "active", **more: Any) -> Json:
    """A spærring; with nothing more, of the whole record."""
    named = {"actor": actors(*references)} if references else {}
    return privacy(id, {"type": "deny", **named, **more}, of, status)


def kinds(*types: str) -> Sequence[Json]:
    return [{"system": systems.RESOURCE_TYPES, "code": one} for one in types]


def attorney(until: str = "2026-12-31", *actions: str, of: str = "anna", who: str = "anders", **more: Any) -> Json:
    """A fuldmagt, to read unless it says more."""
    named = [concept(systems.CONSENT_ACTION, one) for one in actions or ("access",)]
    period = {"start": "2026-11-01", "end": until}
    provision = {"type": "permit", "period": period, "actor": actors(f"RelatedPerson/{who}"), "action": named}
    return privacy("attorney", {**provision, **more}, of)


def relative(id: str = "anders", of: str = "anna", **more: Any) -> Json:
    return {"resourceType": "RelatedPerson", "id": id, "patient": {"reference": f"Patient/{of}"}, **more}
