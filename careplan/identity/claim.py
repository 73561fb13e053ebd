"""Claims of an access token → the caller (design §7): role, organisation, person, patient, scopes.

A claim that is there and does not make sense refuses the token: a wrong organisation is worse than none.
Not here: whether the token counts (`token`), and what a caller may do (`interactions.access`).
"""

import re

from careplan.fhir.reference import ID
from careplan.identity.token import Claims
from careplan.interactions.access import RIGHTS
from careplan.interactions.caller import Caller, TokenRefused
from careplan.interactions.smart import scopes_from_text

_PEOPLE = frozenset({"Patient", "RelatedPerson", "Practitioner", "PractitionerRole"})
_ORGANIZED = frozenset({"clinic", "municipality", "hospital", "lps"})
_ROLES = frozenset(RIGHTS) - {"system"}
"""What a token may say; `system` is the installation itself."""
_ID = re.compile(ID)


def caller_from_claims(claims: Claims) -> Caller:
    """Raises TokenRefused naming the claim that is missing or wrong."""
    role = _text(claims, "role")
    if role not in _ROLES:
        raise TokenRefused(f"claim role must be one of {', '.join(sorted(_ROLES))}")
    organization = _reference(claims, "organization", frozenset({"Organization"}))
    if role in _ORGANIZED and organization is None:
        raise TokenRefused(f"claim organization is missing: role {role} acts for one, as Organization/[id]")
    person = _reference(claims, "fhirUser", _PEOPLE)
    patient = _text(claims, "patient")
    if patient and not _ID.fullmatch(patient):
        raise TokenRefused("claim patient must be a logical id")
    if role == "patient":
        patient = _own_patient(person, patient)
    return Caller(
        role=role,
        name=_text(claims, "name") or person or str(claims.get("client_id") or claims["sub"]),
        organization=organization and organization.partition("/")[2],
        patient=patient or None,
        reference=person,
        scopes=scopes_from_text(_text(claims, "scope")),
        purpose=_text(claims, "purpose"),
        level=_text(claims, "acr"),
        subject=str(claims["sub"]),
        client=_text(claims, "client_id") or _text(claims, "azp"),
    )


def _own_patient(person: str | None, launched: str) -> str:
    """A patient's own compartment: the launch context, else whom fhirUser names."""
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


def _reference(claims: Claims, name: str, types: frozenset[str]) -> str | None:
    """`Type/id` of a claim, relative or absolute."""
    text = _text(claims, name)
    if not text:
        return None
    type_name, _, id = "/".join(text.rstrip("/").split("/")[-2:]).partition("/")
    if type_name not in types or not _ID.fullmatch(id):
        raise TokenRefused(f"claim {name} must name one of {', '.join(sorted(types))}, as Type/[id]")
    return f"{type_name}/{id}"
