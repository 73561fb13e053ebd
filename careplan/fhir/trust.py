"""A power of attorney (fuldmagt) and a block (spærring) as Consents: how the pages write down what a patient says.

Not here: what a Consent means for whoever calls (`fhir.consent`), and who may write one (`interactions.access`).
https://hl7.org/fhir/R4/consent.html
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from careplan.fhir import systems
from careplan.fhir.consent import PRIVACY
from careplan.fhir.instant import instant_text
from careplan.fhir.text import Json

ACTIVE, ENDED = "active", "inactive"

KINDS: Mapping[str, tuple[str, ...]] = {
    "all": (),
    "values": ("Observation",),
    "answers": ("QuestionnaireResponse",),
    "diagnoses": ("Condition",),
    "medicine": ("MedicationStatement",),
    "messages": ("Communication",),
}
"""What a patient can block, by our word for it: the types it hides; none: the whole record."""

_POLICY = "Sundhedsloven § 42 a"
_CATEGORY = [{"coding": [{"system": systems.LOINC, "code": "59284-0"}]}]
"""Patient Consent."""


def power_of_attorney(patient: str, relative: str, start: date, until: date, at: datetime, *, writes: bool) -> Json:
    """A relative (logical id of a RelatedPerson) reads the record, or writes as well, to the end of a day."""
    actions = ("access", "collect", "correct") if writes else ("access",)
    provision = {
        "type": "permit",
        "period": {"start": start.isoformat(), "end": until.isoformat()},
        "actor": [_actor(f"RelatedPerson/{relative}")],
        "action": [{"coding": [{"system": systems.CONSENT_ACTION, "code": one}]} for one in actions],
    }
    return _consent(patient, provision, at)


def block(patient: str, actors: Iterable[str], at: datetime, kinds: Iterable[str] = (), only: str = "") -> Json:
    """Somebody is denied the record, some types of it, or one resource of it (`only`, a reference)."""
    provision: Json = {"type": "deny", "actor": [_actor(one) for one in actors]}
    if types := [{"system": systems.RESOURCE_TYPES, "code": one} for one in kinds]:
        provision["class"] = types
    if only:
        provision["data"] = [{"meaning": "instance", "reference": {"reference": only}}]
    return _consent(patient, provision, at)


def ended(consent: Json) -> Json:
    """The same Consent, which from now on says nothing any more."""
    return {**consent, "status": ENDED}


def is_ended(consent: Json) -> bool:
    """Whether it has stopped holding by somebody's word, not by its date."""
    return bool(consent.get("status") != ACTIVE)


def _actor(reference: str) -> Json:
    role = {"coding": [{"system": systems.PARTICIPATION_TYPE, "code": "IRCP"}]}
    return {"role": role, "reference": {"reference": reference}}


def _consent(patient: str, provision: Json, at: datetime) -> Json:
    own = {"reference": f"Patient/{patient}"}
    return {
        "resourceType": "Consent",
        "status": ACTIVE,
        "scope": {"coding": [{"system": systems.CONSENT_SCOPE, "code": PRIVACY}]},
        "category": _CATEGORY,
        "patient": own,
        "dateTime": instant_text(at),
        "performer": [own],
        "policyRule": {"text": _POLICY},
        "provision": provision,
    }
