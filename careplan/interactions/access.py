"""May this caller do this to that? Every interaction asks; only this answers (design §7).

The answer for searches is a restriction of the query itself, so that totals and includes cannot leak.
Not here: who the caller is (a door), and consent, audit and tokens.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from careplan.domain.errors import CareplanError
from careplan.fhir import registry
from careplan.fhir.agreed import is_order
from careplan.fhir.exclusion import is_offer
from careplan.fhir.goal import is_personal
from careplan.fhir.query import Criterion, Link, Query, ReferenceIs, TokenIs
from careplan.fhir.reference import Target, find_target
from careplan.fhir.span import find_span
from careplan.fhir.systems import FACT, normal_system
from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.grant import is_granted, is_narrowed, is_within, narrowed
from careplan.store.protocol import Version


class LoginRequired(CareplanError):
    """Nobody is signed in."""

    code = "login-required"


class Forbidden(CareplanError):
    """The caller may not see or do this; the message does not say what there is."""

    code = "forbidden"


@dataclass(frozen=True, slots=True)
class Rights:
    """Types a role reads and writes; None stands for every type."""

    reads: frozenset[str] | None
    writes: frozenset[str] | None


OPEN = frozenset(
    "Organization Practitioner PractitionerRole HealthcareService Location Device Questionnaire PlanDefinition "
    "ActivityDefinition StructureDefinition CodeSystem ValueSet SearchParameter OperationDefinition".split()
)
"""Types without personal data of patients: everybody signed in may read them."""

SLICE = OPEN | frozenset("Patient CarePlan Goal Observation ServiceRequest Task CareTeam".split())
"""What a referral opens, type by type. Of the diagnoses it opens some: those come with `$overview`."""

RIGHTS: Mapping[str, Rights] = {
    "system": Rights(None, None),
    "clinic": Rights(None, None),
    "patient": Rights(None, frozenset({"Observation", "Goal", "QuestionnaireResponse", "Consent", "Communication"})),
    "municipality": Rights(SLICE, frozenset({"Observation", "Task"})),
    "hospital": Rights(SLICE, frozenset({"Observation", "Task"})),
    "lps": Rights(
        None,
        frozenset("Patient Observation Condition MedicationStatement Encounter Immunization DiagnosticReport".split()),
    ),
    "statistics": Rights(frozenset(), frozenset()),
}


OWN: Mapping[str, str] = {
    "Observation": "performer",
    "QuestionnaireResponse": "author",
    "Consent": "performer",
    "Communication": "sender",
}
"""Where what a patient writes names the patient as the one who speaks."""

GUESTS = frozenset({"patient", "municipality", "hospital"})
"""Roles that add to a record without answering for it."""

CLINICAL = frozenset({"system", "clinic", "lps"})
"""Roles that treat, or call for somebody who does."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose records a caller may see: everyone's, a set of patients', or those listed with a clinic."""

    everyone: bool = False
    patients: frozenset[str] = frozenset()
    listed_with: str | None = None


EVERYONE = Scope(everyone=True)


async def scope_of(context: Context, patient: str | None = None) -> Scope:
    """The patients this caller has a relation to, now.

    patient  the only one that is asked about; None: whoever it may be
    """
    caller = context.caller
    match caller.role:
        case "system":
            return EVERYONE
        case "patient" if caller.patient:
            return Scope(patients=frozenset({caller.patient}))
        case "clinic" | "lps" if caller.organization:
            return Scope(listed_with=caller.organization)
        case "municipality" | "hospital" if caller.organization:
            return Scope(patients=await referred_patients(context, caller.organization, patient))
        case _:
            return Scope()


async def restrict(context: Context, query: Query) -> Query:
    """The query as this caller may ask it, and what it asks of other resources too.

    Raises Forbidden when the type, or every type that a chain or `_has` leads to, is not the role's to read.
    """
    check_type(context, query.type, "s")
    for one in query.beside:
        check_whole_type(context, one.type)
    query = narrowed(context, query)
    if query.type in OPEN and not query.links:
        return query
    scope = await scope_of(context, None if query.links else query.patient)
    return query if scope.everyone else _restricted(context, query, scope)


def _restricted(context: Context, query: Query, scope: Scope) -> Query:
    if query.links:
        query = replace(query, links=tuple(_restricted_link(context, link, scope) for link in query.links))
    if query.type in OPEN:
        return query
    if scope.listed_with is not None:
        return replace(query, listed_with=scope.listed_with)
    return query.within(scope.patients)


def _restricted_link(context: Context, link: Link, scope: Scope) -> Link:
    """A chain through several types goes by those that the role reads."""
    readable = types_read(context, [query.type for query in link.queries])
    open_to = tuple(query for query in link.queries if query.type in readable)
    if not open_to:
        check_type(context, link.queries[0].type)
    return replace(link, queries=tuple(_restricted(context, narrowed(context, query), scope) for query in open_to))


def types_read(context: Context, types: Sequence[str], act: str = "s") -> tuple[str, ...]:
    """Of these types, those that the caller's role reads and its client may read (`r`) or search (`s`)."""
    reads = RIGHTS[context.caller.role].reads
    return tuple(one for one in types if (reads is None or one in reads) and is_granted(context, one, act))


def types_whole(context: Context) -> frozenset[str] | None:
    """The types that the caller reads all of, as far as the people go whom it sees; None: every type."""
    reads = RIGHTS[context.caller.role].reads
    if context.caller.scopes is None:
        return reads
    found = registry.TYPES if reads is None else reads
    return frozenset(one for one in found if is_granted(context, one, "r") and not is_narrowed(context, one))


def check_type(context: Context, type_name: str, act: str = "r") -> None:
    """Raises Forbidden when the role never reads this type, or its client has no scope for it."""
    reads = RIGHTS[context.caller.role].reads
    if reads is not None and type_name not in reads:
        raise Forbidden(f"role {context.caller.role} does not read {type_name}")
    _check_granted(context, type_name, act)


def check_whole_type(context: Context, type_name: str) -> None:
    """Raises Forbidden unless the caller reads this type without a query that narrows it."""
    check_type(context, type_name)
    check_scopes(context, (type_name,))


def check_scopes(context: Context, types: Iterable[str]) -> None:
    """Raises Forbidden unless a client may read all of these types: what is reasoned from them would tell of them."""
    for type_name in types:
        _check_granted(context, type_name, "r")
        if is_narrowed(context, type_name):
            raise Forbidden(f"the scopes of the token give only some of {type_name}; this needs all of it")


def _check_granted(context: Context, type_name: str, act: str) -> None:
    if not is_granted(context, type_name, act):
        raise Forbidden(f"the token has no scope for {type_name}.{act}")


async def check_read(context: Context, version: Version) -> None:
    """Raises Forbidden unless the caller may see this resource."""
    check_type(context, version.type)
    if not await is_within(context, version):
        raise Forbidden(f"no access to {version.reference}")
    if version.type not in OPEN:
        await _check_patient(context, version.patient, version.reference)


def check_whole_record(context: Context) -> None:
    """Raises Forbidden for roles that see a slice: what is reasoned from the whole record would tell of it."""
    if RIGHTS[context.caller.role].reads is not None:
        raise Forbidden(f"role {context.caller.role} sees a slice, not what is worked out from the whole record")


def check_clinical(context: Context) -> None:
    """Raises Forbidden for roles that do not treat: advice for clinicians is not for them."""
    if context.caller.role not in CLINICAL:
        raise Forbidden(f"role {context.caller.role} is not given advice for clinicians")


async def check_patient(context: Context, patient: str) -> None:
    """Raises Forbidden unless the caller has a relation to this patient."""
    await _check_patient(context, patient, f"Patient/{patient}")


async def check_write(
    context: Context,
    type_name: str,
    value: Json | None,
    patient: str | None,
    arriving: frozenset[str] = frozenset(),
    act: str = "cud",
) -> None:
    """Raises Forbidden unless the caller may write this resource (None: delete it).

    arriving  patients whom the same transaction registers, and who are checked by that
    act       create, update or delete (`c`, `u`, `d`), of which a client needs a scope; any of these where several
    """
    check_writes(context, type_name, act)
    if context.caller.role == "system":
        return
    if type_name == "Patient" and value is not None:
        await _check_listing(context, value)
        return
    if patient is None or patient not in arriving:
        await _check_patient(context, patient, type_name)
    if value is not None and context.caller.role in GUESTS:
        _check_guest(context, type_name, value)


def check_writes(context: Context, type_name: str, act: str = "cud") -> None:
    """Raises Forbidden when the role never writes this type, or its client has no scope for it."""
    if not any(is_granted(context, type_name, one) for one in act):
        _check_granted(context, type_name, act[0])
    role = context.caller.role
    writes = RIGHTS[role].writes
    if (writes is not None and type_name not in writes) or (type_name in OPEN and role != "system"):
        raise Forbidden(f"role {role} does not write {type_name}")


def check_replaced(context: Context, version: Version) -> None:
    """Raises Forbidden unless what stands is the caller's to replace or delete: nobody undoes what others decided."""
    if version.body is None or context.caller.role == "system":
        return
    if version.type == "Provenance":
        raise Forbidden(f"{version.reference} says who did what, and stands")
    if context.caller.role in GUESTS:
        _check_guest(context, version.type, parse(version.body))


def _check_guest(context: Context, type_name: str, value: Json) -> None:
    """What patients and those referred to write is their own, and never a fact that a clinician answers for."""
    if type_name == "Observation" and FACT in _systems(value.get("code")):
        raise Forbidden("what a clinician judges, such as frailty, is entered by the clinic")
    if type_name == "Task" and is_offer(value):
        raise Forbidden("whether a plan is offered is entered by the clinic")
    if context.caller.role == "patient":
        _check_own(context, type_name, value)
    elif not _names_caller(context, value):
        who = f"Organization/{context.caller.organization}"
        raise Forbidden(f"{who} writes and changes what names it as performer, owner or requester")


def _names_caller(context: Context, value: Json) -> bool:
    """Whether a value or a task is of the caller's organisation or of the caller: its performer, owner or requester."""
    ours = {f"Organization/{context.caller.organization}", context.caller.reference}
    return any(one in ours for name in ("performer", "owner", "requester") for one in _references(value, name))


def _systems(concept: Json) -> set[str]:
    """The systems of the codings of a CodeableConcept that need not be valid yet."""
    there = concept.get("coding") if isinstance(concept, dict) else None
    codings = there if isinstance(there, list) else [there]
    found = [one.get("system") for one in codings if isinstance(one, dict)]
    return {normal_system(one) for one in found if isinstance(one, str)}


def _references(value: Json, name: str) -> list[str]:
    """The references of a member, in a resource that need not be valid yet."""
    there = value.get(name)
    listed = there if isinstance(there, list) else [there]
    found = [one.get("reference") for one in listed if isinstance(one, dict)]
    return [one for one in found if isinstance(one, str)]


async def _check_listing(context: Context, patient: Json) -> None:
    """Staff register and change people of their own practice; who moves away is passed on by the other side."""
    organization = context.caller.organization
    if organization is None or not _lists(context, patient, organization):
        raise Forbidden(f"a Patient written by Organization/{organization} names it as generalPractitioner")


def _lists(context: Context, patient: Json, organization: str) -> bool:
    """Whether a patient is listed with a practice of this server; one of the same id elsewhere is another."""
    listed = (find_target(one, context.base) for one in _references(patient, "generalPractitioner"))
    return Target("Organization", organization) in listed


def _check_own(context: Context, type_name: str, value: Json) -> None:
    """A patient writes home values, answers, questions, consent and personal goals, nothing a clinician decides."""
    own, member = f"Patient/{context.caller.patient}", OWN.get(type_name)
    if member is not None and _references(value, member) != [own]:
        raise Forbidden(f"a {type_name} that a patient writes names {own} as {member}, and nobody else")
    if type_name == "Goal" and not is_personal(value):
        raise Forbidden("a patient writes personal goals; targets are agreed with the clinic")


async def _check_patient(context: Context, patient: str | None, what: str) -> None:
    scope = await scope_of(context, patient)
    if scope.everyone:
        return
    if patient is not None and patient in scope.patients:
        return
    if patient is not None and scope.listed_with is not None and await _listed(context, patient, scope.listed_with):
        return
    raise Forbidden(f"no access to {what}")


async def _listed(context: Context, patient: str, organization: str) -> bool:
    version = await context.store.read("Patient", patient)
    if version is None or version.body is None:
        return False
    return _lists(context, parse(version.body), organization)


async def referred_patients(context: Context, organization: str, patient: str | None = None) -> frozenset[str]:
    """Patients with an active referral to the organisation whose period has not ended; of one, whether that one is."""
    referrals = await active_referrals(context, organization, patient)
    return frozenset(patient for patient, _ in referrals)


async def active_referrals(
    context: Context, organization: str, patient: str | None = None
) -> tuple[tuple[str, Json], ...]:
    """(patient, ServiceRequest) of each referral to the organisation that is open now; of one patient, of that one.

    What a plan has ordered is a ServiceRequest too, and opens nothing, whoever it names.
    """
    performer = Criterion("performer", "reference", (ReferenceIs("Organization", organization),))
    status = Criterion("status", "token", (TokenIs(None, "active"),))
    values = [
        (version.patient, parse(version.body or b""))
        for version in await every(context, Query("ServiceRequest", (performer, status), patient=patient))
    ]
    return tuple(
        (whose, value)
        for whose, value in values
        if whose is not None and not is_order(value) and not _ended(value, context.now)
    )


def _ended(referral: Json, now: datetime) -> bool:
    """Whether the last moment of its period is past: an end of `2026-11-22` holds all that day."""
    end = find_span(str((referral.get("occurrencePeriod") or {}).get("end", "")))
    return end is not None and end[1] <= now
