"""Claims of an access token → the caller (design §7): role, organisation, person, patient, scopes.

A claim that is there and does not make sense refuses the token: a wrong organisation is worse than none.
Not here: whether the token counts (`token`), and what a caller may do (`interactions.access`).
"""

import re

from careplan.fhir.reference import ID, find_target
from careplan.identity.token import Claims
from careplan.interactions.access import RIGHTS
from careplan.interactions.caller import Caller, TokenRefused
from careplan.interactions.smart import Scope, scopes_from_text

_PEOPLE = frozenset({"Patient", "RelatedPerson", "Practitioner", "PractitionerRole"})
_ORGANIZED = frozenset({"clinic", "municipality", "hospital", "lps"})
_ROLES = frozenset(RIGHTS) - {"system"}
"""What a token may say; `system` is the installation itself."""
_ID = re.compile(ID)


def caller_from_claims(claims: Claims, base: str = "") -> Caller:
    """Raises TokenRefused naming the claim that is missing or wrong.

    base  this server's FHIR base, under which absolute references are ours; empty: only relative ones are
    """
    role = _text(claims, "role")
    if role not in _ROLES:
        raise TokenRefused(f"claim role must be one of {', '.join(sorted(_ROLES))}")
    organization = _reference(claims, "organization", frozenset({"Organization"}), base)
    if role in _ORGANIZED and organization is None:
        raise TokenRefused(f"claim organization is missing: role {role} acts for one, as Organization/[id]")
    person = _reference(claims, "fhirUser", _PEOPLE, base)
    patient = _text(claims, "patient")
    if patient and not _ID.fullmatch(patient):
        raise TokenRefused("claim patient must be a logical id")
    if role == "patient":
        patient = _own_patient(person, patient)
    scopes, within = _in_context(scopes_from_text(_text(claims, "scope")), role, patient)
    return Caller(
        role=role,
        name=_text(claims, "name") or person or str(claims.get("client_id") or claims["sub"]),
        organization=organization and organization.partition("/")[2],
        patient=patient or None,
        reference=person,
        scopes=scopes,
        within=within,
        purpose=_text(claims, "purpose"),
        level=_text(claims, "acr"),
        subject=str(claims["sub"]),
        client=_text(claims, "client_id") or _text(claims, "azp"),
    )


def _in_context(scopes: tuple[Scope, ...], role: str, patient: str) -> tuple[tuple[Scope, ...], str | None]:
    """The scopes that count, and the one patient they are about where they are all of level `patient`.

    Scopes of level `patient` are about the patient in context and give nothing without one; beside others, which are
    about more people, they give nothing either: less than was given, never more. Level `system` is for systems.
    """
    fitting = tuple(one for one in scopes if one.level != "system" or role in ("lps", "statistics"))
    if role == "patient":
        return fitting, None
    wide = tuple(one for one in fitting if one.level != "patient")
    if wide or not patient:
        return wide, None
    return fitting, patient


def _own_patient(person: str | None, launched: str) -> str:
    """A patient's own compartment: the launch context, else whom fhirUser names.

    A relative sees the one record whose patient has agreed to it (`interactions.consent`), so none need be named.
    """
    if person is not None and person.startswith("RelatedPerson/"):
        return launched
    if person is not None and not person.startswith(("Patient/", "RelatedPerson/")):
        raise TokenRefused("claim fhirUser of role patient names a Patient, or a RelatedPerson who acts for one")
    named = person.partition("/")[2] if person is not None and person.startswith("Patient/") else ""
    if launched and named and launched != named:
        raise TokenRefused("claims patient and fhirUser name two people")
    if not (launched or named):
        raise TokenRefused("claim patient is missing: role patient sees one record")
    return launched or named


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise TokenRefused(f"claim {name} must be text")
    return value


def _reference(claims: Claims, name: str, types: frozenset[str], base: str) -> str | None:
    """`Type/id` of a claim; one of the same id on another server is somebody else."""
    text = _text(claims, name)
    if not text:
        return None
    target = find_target(text, base or None)
    if target is None or target.type not in types:
        raise TokenRefused(f"claim {name} must name one of {', '.join(sorted(types))} of this server, as Type/[id]")
    return f"{target.type}/{target.id}"
