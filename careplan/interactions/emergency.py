"""Værdispring: a clinician opens, with a reason and for a short while, a record that is otherwise closed to them.

What is written down is a Consent that permits this one person, purpose BTG, until some hours from now: the patient
reads it, the organisation reviews it, and nobody changes it. It opens what the clinician's role sees of any patient,
and what the patient has denied them. Not here: how it opens it (`consent`, `access`).
https://terminology.hl7.org/CodeSystem-v3-ActReason.html · design §7
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careplan.domain.errors import CareplanError
from careplan.fhir import systems
from careplan.fhir.consent import EMERGENCY, PRIVACY, emergency_provision, is_emergency
from careplan.fhir.instant import find_instant, instant_text
from careplan.fhir.query import Criterion, Order, Query, ReferenceIs, TokenIs
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.change import change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.consent import EMERGENCY_ROLES
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.grant import is_granted
from careplan.store.protocol import Version

PEOPLE = ("Practitioner/", "PractitionerRole/")
ALIKE = 20
"""Patients of one person number that are opened together at most."""
LENGTH = (10, 1000)
"""Characters of a reason."""


class EmergencyNeedsReason(CareplanError):
    """An emergency access without a reason that the patient and a reviewer can read."""

    code = "emergency-needs-reason"


class EmergencyReads(CareplanError):
    """An emergency access opens a record to be read, and this would write in it."""

    code = "emergency-reads"


@dataclass(frozen=True, slots=True)
class Emergency:
    """One emergency access, for the patient's pages and for review.

    person, organization  references of who opened the record, and for whom they worked
    """

    reference: str
    patient: str
    person: str
    organization: str
    name: str
    at: datetime
    until: datetime
    reason: str


async def open_in_emergency(context: Context, patient: str, reason: str) -> Version:
    """The Consent that lets the caller see this patient until some hours from now.

    Raises Forbidden for anybody but clinicians of a clinic or hospital, and for a patient who is not there;
    EmergencyNeedsReason
    """
    check_clinician(context)
    shortest, longest = LENGTH
    if not shortest <= len(reason.strip()) <= longest:
        raise EmergencyNeedsReason(f"an emergency access says why, in {shortest} to {longest} characters")
    version = await context.store.read("Patient", patient)
    if version is None or version.body is None or context.caller.within not in (None, patient):
        raise access.Forbidden(f"no access to Patient/{patient}")
    change = change_from_value(_consent(context, patient, reason.strip()), context.new_id())
    (made,) = await commit(context, [change], activity=Activity("emergency-access", reason.strip()))
    return made


async def patients_of_identifier(context: Context, identifiers: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The patients of a person number, by any of the (system, value) it may be written as, at most `ALIKE`.

    One as a rule; a person who is registered by two practices is two here, and neither may shut the other's door.
    Raises Forbidden for anybody but clinicians of a clinic or hospital, and where it is nobody's
    """
    check_clinician(context)
    tokens = tuple(TokenIs(system, value) for system, value in identifiers)
    query = Query("Patient", (Criterion("identifier", "token", tokens),), count=ALIKE)
    matches = (await context.store.search(query)).matches
    if not matches:
        context.trail.missed = True
        raise access.Forbidden("no access to a Patient of this identifier")
    return tuple(one.id for one in matches)


def check_clinician(context: Context) -> None:
    """Raises Forbidden unless the caller is a person who treats: no system, no municipality, no patient."""
    caller = context.caller
    if caller.role not in EMERGENCY_ROLES or not (caller.reference or "").startswith(PEOPLE):
        raise access.Forbidden("emergency access is for clinicians of a clinic or hospital, in person")
    if not is_granted(context, "Consent", "c"):
        raise access.Forbidden("the token has no scope for Consent.c")


def _consent(context: Context, patient: str, reason: str) -> Json:
    caller, until = context.caller, context.now + context.house.emergency
    provision = emergency_provision(str(caller.reference), instant_text(context.now), instant_text(until))
    organization = {"reference": f"Organization/{caller.organization}"} if caller.organization else None
    return {
        "resourceType": "Consent",
        "extension": [{"url": systems.EXT_EMERGENCY_REASON, "valueString": reason}],
        "status": "active",
        "scope": {"coding": [{"system": systems.CONSENT_SCOPE, "code": PRIVACY}], "text": "Værdispring"},
        "category": [{"coding": [{"system": systems.ACT_REASON, "code": EMERGENCY}], "text": "Værdispring"}],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": instant_text(context.now),
        "performer": [{"reference": str(caller.reference), "display": caller.name}],
        **({"organization": [organization]} if organization else {}),
        "policyRule": {"text": "Sundhedsloven § 42 a: indhentning uden om patientens spærring eller en henvisning"},
        "provision": provision,
    }


async def emergencies_of_patient(context: Context, patient: str) -> tuple[Emergency, ...]:
    """Every emergency access to a patient's record, newest first, for «Siden sidst» and «Hvem har set min plan?».

    Raises Forbidden
    """
    await access.check_patient(context, patient)
    return _listed(await every(context, await access.unblocked(context, _query(patient=patient))))


async def find_end(context: Context, patient: str) -> datetime | None:
    """Until when the caller may read a record that an emergency alone opens; None where they have it anyway.

    Raises Forbidden for a record that is closed to them
    """
    try:
        await access.check_patient(context, patient, emergency=False)
    except access.Forbidden:
        found = await emergencies_of_patient(context, patient)
        own = (one.until for one in found if one.person == context.caller.reference)
        return max(own, default=context.now)
    return None


async def check_writes(context: Context, patient: str) -> None:
    """Raises EmergencyReads for a clinician to whom an emergency alone opens the record.

    Of a record that is closed to them nothing is said here: what they ask for says so itself.
    """
    if context.caller.role not in EMERGENCY_ROLES:
        return
    try:
        ends = await find_end(context, patient)
    except access.Forbidden:
        return
    if ends is not None:
        raise EmergencyReads("an emergency access opens a record to be read, not to be written in")


async def emergency_consents(context: Context, organization: str) -> tuple[Version, ...]:
    """The Consents of every emergency access by an organisation's people, newest first, for its reviewer.

    Raises Forbidden for everybody outside it: it names patients whom only the review is about
    """
    caller = context.caller
    inside = caller.role in EMERGENCY_ROLES and caller.organization == organization and caller.within is None
    if not (inside or caller.role == "system"):
        raise access.Forbidden(f"no access to the emergency accesses of Organization/{organization}")
    access.check_scopes(context, ("Consent",))
    found = await every(context, _query(organization=organization))
    return tuple(one for one in found if is_emergency(parse(one.body or b"")))


async def emergencies_of_organization(context: Context, organization: str) -> tuple[Emergency, ...]:
    """The same, told. Raises Forbidden."""
    return _listed(list(await emergency_consents(context, organization)))


def _query(patient: str | None = None, organization: str | None = None) -> Query:
    criteria = [Criterion("purpose", "token", (TokenIs(systems.ACT_REASON, EMERGENCY),))]
    if organization is not None:
        criteria.append(Criterion("organization", "reference", (ReferenceIs("Organization", organization),)))
    newest = (Order("date", "date", True), Order("_id", "id", True))
    return Query("Consent", tuple(criteria), newest, patient=patient)


def _listed(versions: list[Version]) -> tuple[Emergency, ...]:
    values = ((one, parse(one.body or b"")) for one in versions)
    return tuple(_emergency(version, value) for version, value in values if is_emergency(value))


def _emergency(version: Version, consent: Json) -> Emergency:
    performer: Json = next(iter(consent.get("performer", ())), {})
    organization: Json = next(iter(consent.get("organization", ())), {})
    end = find_instant(str(consent["provision"].get("period", {}).get("end", "")))
    reasons = (one.get("valueString") for one in consent.get("extension", ()))
    return Emergency(
        reference=version.reference,
        patient=version.patient or "",
        person=str(performer.get("reference", "")),
        organization=str(organization.get("reference", "")),
        name=str(performer.get("display", "")),
        at=version.at,
        until=end or version.at,
        reason=next((str(one) for one in reasons if one), ""),
    )
