"""A Consent as staff send it, by PUT, POST, a patch, a Bundle or a deletion: what the patient has said stands.

Staff write down what is agreed (a referral, a block that the patient asks for) and may end a permit that the patient
has given; whom the patient lets act, whom the patient denies the record and what the patient has taken back is the
patient's to say. Systems load history, and referrals are sent and ended by forms of their own (`handover`, `release`).
Not here: what a patient writes (`guest`), and emergency accesses (`access`). https://hl7.org/fhir/R4/consent.html
"""

from careplan.fhir.text import Json, parse
from careplan.fhir.trust import ACTIVE, ENDED
from careplan.interactions.access import Forbidden
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.guest import references_of

_SPEAK = frozenset({"system", "patient"})
"""Roles that are not held to this: `access` says what they write."""

_OVER = frozenset({ENDED, "rejected", "entered-in-error"})
"""What a Consent is once it says nothing any more."""

_WRONG = "entered-in-error"
_PLANNED = frozenset({"draft", "proposed"})
"""What a Consent is before anybody has said it."""


def check_sent_consent(context: Context, change: Change) -> None:
    """Raises Forbidden. Neither what stands nor what is sent need be valid."""
    if change.type != "Consent" or context.caller.role in _SPEAK:
        return
    value = change.value
    if value is not None and _is_attorney(value) and value.get("status") == ACTIVE:
        raise Forbidden("whom a patient lets act is the patient's to say: a power of attorney is given by the patient")
    if change.previous is not None and change.previous.body is not None:
        _check_standing(change, parse(change.previous.body), value)


def _check_standing(change: Change, before: Json, value: Json | None) -> None:
    said, over = _is_patients(before) and before.get("status") not in _PLANNED, before.get("status") in _OVER
    if value is not None and _says_the_same(before, value, over):
        return
    if over and value is not None and value.get("status") not in _OVER:
        raise Forbidden(f"{change.reference} has ended, and does not hold again: the patient agrees anew")
    if said and (over or _denies(before)):
        raise Forbidden(f"{change.reference} is the patient's word, and the patient's to take back")
    if said and value is not None and not _is_ended_alone(before, value):
        raise Forbidden(f"{change.reference} is the patient's word: end it, or leave it as it is")
    if value is not None and references_of(before, "patient") != references_of(value, "patient"):
        raise Forbidden(f"{change.reference} stays in the record of whom it was written for")


def _says_the_same(before: Json, value: Json, over: bool) -> bool:
    """Whether what was sent before is sent again, or what has ended is said to have been a mistake."""
    status = value.get("status")
    return _words(before) == _words(value) and (status == before.get("status") or (over and status == _WRONG))


def _is_attorney(consent: Json) -> bool:
    """Whether it permits a relative something."""
    provision = consent.get("provision")
    actors = provision.get("actor") if isinstance(provision, dict) else None
    named = [one for one in actors if isinstance(one, dict)] if isinstance(actors, list) else []
    relatives = any("RelatedPerson/" in name for one in named for name in references_of(one, "reference"))
    return relatives and not _denies(consent)


def _denies(consent: Json) -> bool:
    provision = consent.get("provision")
    return isinstance(provision, dict) and provision.get("type") == "deny"


def _is_patients(consent: Json) -> bool:
    """Whether the patient said it, or somebody for the patient; what names nobody is counted so."""
    performers = references_of(consent, "performer")
    return not performers or any("Patient/" in one or "RelatedPerson/" in one for one in performers)


def _is_ended_alone(before: Json, value: Json) -> bool:
    """Whether nothing changes, or only that it holds no longer."""
    ends = value.get("status") in _OVER or value.get("status") == before.get("status")
    return bool(ends and _words(before) == _words(value))


def _words(consent: Json) -> Json:
    return {name: part for name, part in consent.items() if name not in ("id", "meta", "status", "text")}
