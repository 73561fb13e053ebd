"""Gennemgang: the organisation goes through the emergency accesses of its people, each by somebody else than it was.

Who it was is the person whose role it was then, whoever has that role today. What is written down is a Provenance of
the Consent that the access made: who has gone through it, when, and what they found. The Consent itself stands as it
is. Not here: how a record is opened (`emergency`).
https://hl7.org/fhir/R4/provenance.html · design §7
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from careplan.domain.errors import CareplanError
from careplan.fhir.consent import REVIEW
from careplan.fhir.instant import find_instant, instant_text
from careplan.fhir.query import Criterion, Query, ReferenceIs
from careplan.fhir.reference import find_target
from careplan.fhir.text import Json, parse
from careplan.interactions.change import change_from_value
from careplan.interactions.commit import commit
from careplan.interactions.consent import names_of_caller
from careplan.interactions.context import Context
from careplan.interactions.emergency import (
    PEOPLE,
    Emergency,
    check_clinician,
    emergencies_of_organization,
    emergencies_of_patient,
)
from careplan.interactions.every import every, every_version
from careplan.store.protocol import GuardFailed, NotFound, Past, guard_of

LENGTH = (3, 1000)
"""Characters of a note."""


class ReviewOwn(CareplanError):
    """Somebody goes through an access of their own."""

    code = "review-own"


class ReviewNeedsNote(CareplanError):
    """A review that does not say what was found."""

    code = "review-needs-note"


class ReviewExists(CareplanError):
    """The access has been gone through already; that stands."""

    code = "review-exists"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One review: who (reference and name), when, and what was found."""

    by: str
    name: str
    at: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class Inspected:
    """An emergency access, the Patient whose record it opened, and its review, if there is one.

    own  whether the caller opened it, in whichever role of theirs, today or then
    """

    emergency: Emergency
    patient: Json
    review: Reviewed | None
    own: bool

    @property
    def id(self) -> str:
        return self.emergency.reference.partition("/")[2]


async def inspected(context: Context) -> tuple[Inspected, ...]:
    """Every emergency access of the caller's organisation, newest first. Raises Forbidden."""
    found = await emergencies_of_organization(context, context.caller.organization or "")
    patients = {one.patient: await _patient(context, one.patient) for one in found}
    reviews, names = await _reviews(context, found), await names_of_caller(context)
    own = {one.reference for one in found if not names.isdisjoint(await _openers(context, one))}
    return tuple(
        Inspected(one, patients[one.patient], reviews.get(one.reference), one.reference in own) for one in found
    )


async def read_inspected(context: Context, id: str) -> Inspected:
    """One of them. Raises NotFound, Forbidden."""
    found = next((one for one in await inspected(context) if one.id == id), None)
    if found is None:
        raise NotFound(f"Consent/{id} is no emergency access of this organisation")
    context.trail.met([found.emergency.patient])
    return found


def may_review(context: Context, one: Inspected) -> bool:
    """Whether the caller is a person, and another than the one who opened the record."""
    return (context.caller.reference or "").startswith(PEOPLE) and not one.own


async def review(context: Context, id: str, note: str) -> None:
    """It has been gone through. Raises NotFound, ReviewOwn, ReviewNeedsNote, ReviewExists, Forbidden."""
    check_clinician(context)
    query = _about([f"Consent/{id}"])
    seen = await every(context, query)  # before the access is read: what comes between is found by the guard
    one = await read_inspected(context, id)
    if not may_review(context, one):
        raise ReviewOwn("somebody else than who opened the record goes through the access")
    shortest, longest = LENGTH
    if not shortest <= len(note.strip()) <= longest:
        raise ReviewNeedsNote(f"a review says what was found, in {shortest} to {longest} characters")
    if one.review is not None:
        raise ReviewExists("the access has been gone through already")
    change = change_from_value(_provenance(context, one, note.strip()), context.new_id())
    guard = guard_of(f"{one.emergency.reference}/{REVIEW}", query, seen)
    try:
        await commit(context, [change], [guard])
    except GuardFailed:
        raise ReviewExists("the access has been gone through meanwhile") from None


async def reviewed_of_patient(context: Context, patient: str) -> frozenset[str]:
    """References of the emergency accesses to a patient's record that have been gone through. Raises Forbidden."""
    return frozenset(await _reviews(context, await emergencies_of_patient(context, patient)))


async def _openers(context: Context, one: Emergency) -> set[str]:
    """Who opened the record: the reference they called by, and the Practitioner whose role that was at the time.

    Of a role that was put on record later, the first it says.
    """
    type_name, _, id = one.person.partition("/")
    if type_name != "PractitionerRole":
        return {one.person}
    versions = await every_version(context, Past(type_name, id, count=context.house.limits.page_maximum))
    then = next((version for version in versions if version.at <= one.at), versions[-1] if versions else None)
    role = {} if then is None or then.body is None else parse(then.body)
    target = find_target(str((role.get("practitioner") or {}).get("reference", "")), context.base)
    return {one.person} | ({f"{target.type}/{target.id}"} if target is not None else set())


async def _patient(context: Context, id: str) -> Json:
    """The person the review is about: known to the reviewer by that, and by nothing else."""
    version = await context.store.read("Patient", id)
    return {"resourceType": "Patient", "id": id} if version is None or version.body is None else parse(version.body)


async def _reviews(context: Context, emergencies: Sequence[Emergency]) -> dict[str, Reviewed]:
    """The review of each that has been gone through, by its reference."""
    if not emergencies:
        return {}
    about = {one.reference: one for one in emergencies}
    values = [parse(one.body or b"") for one in await every(context, _about(list(about)))]
    return {_target(one): _reviewed(one) for one in values if _is_review(one, about.get(_target(one)))}


def _about(references: list[str]) -> Query:
    targets = tuple(ReferenceIs(*one.split("/", 1)) for one in references)
    return Query("Provenance", (Criterion("target", "reference", targets),))


def _is_review(provenance: Json, emergency: Emergency | None) -> bool:
    """Whether it is by somebody else than who opened the record, for the organisation whose emergency it was."""
    if emergency is None or provenance.get("activity", {}).get("text") != REVIEW:
        return False
    agent = _first(provenance, "agent")
    who, behalf = ((agent.get(name) or {}).get("reference", "") for name in ("who", "onBehalfOf"))
    return bool(who != emergency.person and behalf == emergency.organization)


def _target(provenance: Json) -> str:
    return str(_first(provenance, "target").get("reference", "")).partition("/_history")[0]


def _first(provenance: Json, name: str) -> Json:
    return next(iter(provenance.get(name, ())), {})


def _reviewed(provenance: Json) -> Reviewed:
    who: Json = _first(provenance, "agent").get("who", {})
    note = str(_first(provenance, "reason").get("text", ""))
    at = find_instant(str(provenance.get("recorded", "")))
    return Reviewed(str(who.get("reference", "")), str(who.get("display", "")), at, note)


def _provenance(context: Context, one: Inspected, note: str) -> Json:
    caller = context.caller
    agent: Json = {"who": {"reference": str(caller.reference), "display": caller.name}}
    agent["onBehalfOf"] = {"reference": f"Organization/{caller.organization}"}
    return {
        "resourceType": "Provenance",
        "target": [{"reference": one.emergency.reference}, {"reference": f"Patient/{one.emergency.patient}"}],
        "recorded": instant_text(context.now),
        "activity": {"text": REVIEW},
        "reason": [{"text": note}],
        "agent": [agent],
    }
