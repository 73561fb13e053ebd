"""May this caller do this to that? Every interaction asks; only this answers (design §7).

The answer for searches is a restriction of the query itself, so that totals and includes cannot leak.
Who is blocked and who is let in by a patient's Consent comes from `consent`, by a referral from `referral`.
Not here: who the caller is (a door), what a guest may write (`guest`), and the audit. docs/access.md is the table.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from careplan.domain.errors import CareplanError
from careplan.fhir import registry
from careplan.fhir.consent import is_emergency, left_out
from careplan.fhir.query import Link, Query
from careplan.fhir.reference import Target, find_target
from careplan.fhir.text import Json, parse
from careplan.interactions.consent import consents, is_relative
from careplan.interactions.context import Context
from careplan.interactions.grant import is_granted, is_narrowed, is_within, narrowed
from careplan.interactions.guest import find_refusal, references_of
from careplan.interactions.referral import referred_patients
from careplan.interactions.slice import PARTLY, RECEIVERS, Shown, receiver_of, shown_of
from careplan.store.protocol import Hidden, Past, Version


class LoginRequired(CareplanError):
    """Nobody is signed in."""

    code = "login-required"


class Forbidden(CareplanError):
    """The caller may not see or do this; the message does not say what there is."""

    code = "forbidden"


class ScopeMissing(Forbidden):
    """The client's token gives less than this asks for."""


_UNGUESSABLE = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Rights:
    """Types a role reads and writes; None stands for every type."""

    reads: frozenset[str] | None
    writes: frozenset[str] | None


OPEN = frozenset(
    "Organization Practitioner PractitionerRole HealthcareService Location Questionnaire PlanDefinition "
    "ActivityDefinition StructureDefinition CodeSystem ValueSet SearchParameter OperationDefinition".split()
)
"""Types without personal data of patients: everybody signed in may read them."""

SLICE = OPEN | frozenset("Patient CarePlan Goal Observation ServiceRequest Task CareTeam".split())
"""What a referral opens, type by type; of Tasks and ServiceRequests what `slice` says. Of the diagnoses it opens some:
those come with `$overview`."""

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


GUESTS = frozenset({"patient", "municipality", "hospital"})
"""Roles that add to a record without answering for it."""

CLINICAL = frozenset({"system", "clinic", "lps"})
"""Roles that treat, or call for somebody who does."""

KEEPERS = frozenset({"clinic"})
"""Roles whose forms are kept before they are sent, for colleagues to go on with."""

READERS: Mapping[str, frozenset[str]] = {registry.LOG: frozenset({"system", "patient"})}
"""Types that no other roles read: who has looked is for the person it is about."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose records a caller may see: everyone's, a set of patients', or those listed with a clinic and that set."""

    everyone: bool = False
    patients: frozenset[str] = frozenset()
    listed_with: str | None = None


EVERYONE = Scope(everyone=True)


async def scope_of(context: Context, patient: str | None = None, *, emergency: bool = True) -> Scope:
    """The patients this caller has a relation to, now.

    patient    the only one that is asked about; None: whoever it may be
    emergency  whether those count whose record the caller has opened in an emergency: to read, not to write
    """
    caller = context.caller
    match caller.role:
        case "system":
            return EVERYONE
        case "patient":
            return Scope(patients=await own_patients(context))
        case "clinic" | "lps" if caller.organization:
            opened = (await consents(context, emergency=emergency)).opened
            return Scope(listed_with=caller.organization, patients=opened)
        case "municipality" | "hospital" if caller.organization:
            opened = (await consents(context, emergency=emergency)).opened
            referred = await referred_patients(context, caller.organization, patient, emergency=emergency)
            return Scope(patients=opened | referred)
        case _:
            return Scope()


async def own_patients(context: Context) -> frozenset[str]:
    """Whom a caller in the role patient acts for: themselves, or as a relative the one who has agreed to it."""
    own = context.caller.patient
    if not is_relative(context):
        return frozenset({own} if own else ())
    trusted = frozenset((await consents(context)).trusted)
    return trusted & {own} if own else trusted


async def may_add(context: Context, patient: str) -> bool:
    """Whether somebody in the role patient may add to this record: the patient, or a relative trusted to write."""
    if patient not in await own_patients(context):
        return False
    return not is_relative(context) or (await consents(context)).trusted.get(patient, False)


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
    if scope.everyone:
        return query
    return _restricted(context, query, scope, await shown_of(context, query, scope.patients))


def _restricted(context: Context, query: Query, scope: Scope, shown: Shown) -> Query:
    if query.links:
        query = replace(query, links=tuple(_restricted_link(context, link, scope, shown) for link in query.links))
    if query.type in OPEN:
        return query
    beside = tuple(replace(one, without=shown.without(one.type)) for one in query.beside)
    query = replace(query, without=shown.without(query.type), beside=beside)
    if context.caller.within is not None:
        query = query.within(frozenset({context.caller.within}))
    if scope.listed_with is not None:
        return replace(query, listed_with=scope.listed_with, besides=scope.patients)
    return query.within(scope.patients)


async def unblocked(context: Context, query: Query) -> Query:
    """A query about patients whom the caller was let in to, without what is denied of them."""
    return replace(query, without=(await consents(context)).without(query.type))


async def sliced(context: Context, query: Query) -> Query:
    """The same, of one patient, for a role that may see a slice alone: without what of it is not the receiver's."""
    patients = frozenset() if query.patient is None else frozenset({query.patient})
    return replace(query, without=(await shown_of(context, query, patients)).without(query.type))


async def unblocked_past(context: Context, past: Past, patients: frozenset[str] = frozenset()) -> Past:
    """The same of a history. Of a type of which something is denied of a patient, it shows nothing of that patient;
    of one resource it shows all (`read.history` refuses the whole).

    patients  whose slices the caller sees, where it sees no more: of the types that `slice` cuts it shows nothing
    """
    types = () if past.id is not None else (past.type,) if past.type is not None else tuple(registry.TYPES)
    hidden = (await consents(context)).hidden(types)
    cut = PARTLY & set(types) if context.caller.role in RECEIVERS else frozenset()
    return replace(past, without=(*hidden, *([Hidden(patients, cut)] if cut else [])))


def _restricted_link(context: Context, link: Link, scope: Scope, shown: Shown) -> Link:
    """A chain through several types goes by those that the role reads."""
    readable = types_read(context, [query.type for query in link.queries])
    open_to = tuple(query for query in link.queries if query.type in readable)
    if not open_to:
        check_type(context, link.queries[0].type)
    return replace(
        link, queries=tuple(_restricted(context, narrowed(context, query), scope, shown) for query in open_to)
    )


def types_read(context: Context, types: Sequence[str], act: str = "s") -> tuple[str, ...]:
    """Of these types, those that the caller's role reads and its client may read (`r`) or search (`s`)."""
    return tuple(one for one in types if _reads(context, one) and is_granted(context, one, act))


def _reads(context: Context, type_name: str) -> bool:
    reads, role = RIGHTS[context.caller.role].reads, context.caller.role
    return (reads is None or type_name in reads) and role in READERS.get(type_name, (role,))


def types_whole(context: Context) -> frozenset[str] | None:
    """The types that the caller reads all of, as far as the people go whom it sees; None: every type."""
    reads = RIGHTS[context.caller.role].reads
    if context.caller.scopes is None:
        return reads
    found = registry.TYPES if reads is None else reads
    return frozenset(one for one in found if is_granted(context, one, "r") and not is_narrowed(context, one))


def check_type(context: Context, type_name: str, act: str = "r") -> None:
    """Raises Forbidden when the role never reads this type, or its client has no scope for it."""
    if not _reads(context, type_name):
        raise Forbidden(f"role {context.caller.role} does not read {type_name}")
    _check_granted(context, type_name, act)


def check_whole_type(context: Context, type_name: str) -> None:
    """Raises Forbidden unless the caller reads this type without a query that narrows it."""
    check_type(context, type_name)
    check_scopes(context, (type_name,))


def check_versions(context: Context, type_name: str) -> None:
    """Raises Forbidden where a type is narrowed by a query: an older version may be what it does not find."""
    if is_narrowed(context, type_name):
        raise ScopeMissing(f"the scopes of the token give only some of {type_name}, as it is now; not its versions")


def check_scopes(context: Context, types: Iterable[str]) -> None:
    """Raises Forbidden unless a client may read all of these types: what is reasoned from them would tell of them."""
    for type_name in types:
        _check_granted(context, type_name, "r")
        if is_narrowed(context, type_name):
            raise ScopeMissing(f"the scopes of the token give only some of {type_name}; this needs all of it")


def _check_granted(context: Context, type_name: str, act: str) -> None:
    if not is_granted(context, type_name, act):
        raise ScopeMissing(f"the token has no scope for {type_name}.{act}")


async def check_read(context: Context, version: Version) -> None:
    """Raises Forbidden unless the caller may see this resource."""
    check_type(context, version.type)
    if not await is_within(context, version):
        raise Forbidden(f"no access to {version.reference}")
    if version.type not in OPEN:
        value = parse(version.body) if version.type in registry.SHARED and version.body is not None else None
        for patient in _whose(context, value, version.patient):
            await _check_patient(context, patient, version.reference)
        await _check_shown(context, version)


def _whose(context: Context, value: Json | None, patient: str | None) -> tuple[str | None, ...]:
    """Whose record it is; of what is about several alike, each of them, and the log names them."""
    if value is None or patient is not None:
        return (patient,)
    several = registry.patients_of(value, context.base)
    context.trail.met(several)
    return several or (patient,)


async def _check_shown(context: Context, version: Version) -> None:
    """Raises Forbidden for what is left out of a record that is open otherwise, as it was then or as it is now."""
    said, cut = await consents(context), _is_cut(context, version.type)
    if not cut and not said.partly(version.patient):
        return
    now = await context.store.read(version.type, version.id)
    stands = [one for one in (version, now) if one is not None]
    if any(said.hides(one) for one in stands) or (cut and not await _is_receivers(context, stands)):
        raise Forbidden(f"no access to {version.reference}")


def _is_cut(context: Context, type_name: str) -> bool:
    """Whether the caller sees a slice, and some of a type in it."""
    return context.caller.role in RECEIVERS and type_name in PARTLY


async def _is_receivers(context: Context, versions: Sequence[Version]) -> bool:
    """Whether the receiver of a referral sees these of the slice; a deletion as what was deleted."""
    receiver = await receiver_of(context, frozenset(one.patient for one in versions if one.patient is not None))
    for version in versions:
        last = version if version.body else await context.store.vread(version.type, version.id, version.number - 1)
        if last is None or last.body is None or not receiver.sees(parse(last.body), context.base):
            return False
    return True


async def hides_some(context: Context, type_name: str, patient: str | None) -> bool:
    """Whether something of a type may be left out of a record that is open otherwise."""
    rules = (await consents(context)).partly(patient)
    return _is_cut(context, type_name) or any(True for rule in rules for _ in left_out(rule, type_name))


def check_absent(context: Context, reference: str) -> None:
    """Raises Forbidden for what is not there, as for what is there and not the caller's to see: neither is told."""
    if context.caller.role != "system" and reference.partition("/")[0] not in OPEN:
        raise Forbidden(f"no access to {reference}")


def check_new(context: Context, type_name: str, id: str) -> None:
    """Raises Forbidden for a person under an id that others may hit upon, as for one that is taken.

    Whoever puts a resource under a new id learns whether that id is taken: of a Patient, that somebody is known here.
    Ids that tell nothing that way are those that nobody can guess: UUIDs, as ours are.
    """
    if type_name == "Patient" and not _UNGUESSABLE.fullmatch(id):
        check_writes(context, type_name, "c")
        check_absent(context, f"{type_name}/{id}")


def check_whole_record(context: Context) -> None:
    """Raises Forbidden for roles that see a slice: what is reasoned from the whole record would tell of it."""
    if RIGHTS[context.caller.role].reads is not None:
        raise Forbidden(f"role {context.caller.role} sees a slice, not what is worked out from the whole record")


def check_clinical(context: Context) -> None:
    """Raises Forbidden for roles that do not treat: advice for clinicians is not for them."""
    if context.caller.role not in CLINICAL:
        raise Forbidden(f"role {context.caller.role} is not given advice for clinicians")


async def check_patient(context: Context, patient: str, *, emergency: bool = True) -> None:
    """Raises Forbidden unless the caller has a relation to this patient.

    emergency  whether an emergency access is one: to read, not to write
    """
    await _check_patient(context, patient, f"Patient/{patient}", emergency=emergency)


async def check_kept_form(context: Context, patient: str) -> None:
    """Raises Forbidden unless the caller may keep a form about this patient, and see what colleagues have kept.

    It is for those who may send it: an emergency access is one to read.
    """
    caller = context.caller
    if caller.role not in KEEPERS or caller.organization is None or caller.scopes is not None:
        raise Forbidden(f"role {caller.role} keeps no forms")
    await check_patient(context, patient, emergency=False)


async def check_write(
    context: Context,
    type_name: str,
    value: Json | None,
    patient: str | None,
    arriving: frozenset[str] = frozenset(),
    act: str = "cud",
    *,
    emergency: bool = False,
) -> None:
    """Raises Forbidden unless the caller may write this resource (None: delete it).

    arriving  patients whom the same transaction registers, and who are checked by that
    act       create, update or delete (`c`, `u`, `d`), of which a client needs a scope; any of these where several
    emergency  whether this is how an emergency access is written down
    """
    check_writes(context, type_name, act)
    if context.caller.role == "system":
        return
    if type_name == "Patient" and value is not None:
        await _check_listed(context, value, patient)
        return
    for one in _whose(context, value if type_name in registry.SHARED else None, patient):
        if one is None or one not in arriving:
            await _check_patient(context, one, type_name, emergency=False)
    if is_relative(context):
        await _check_attorney(context, type_name, patient)
    if type_name == "Consent" and value is not None and is_emergency(value) and not emergency:
        raise Forbidden("an emergency access is made by Patient/[id]/$emergency-access, with its reason")
    if value is not None and context.caller.role in GUESTS:
        _check_guest(context, type_name, value)


async def _check_attorney(context: Context, type_name: str, patient: str | None) -> None:
    """A relative writes where the patient has said so, and never a Consent: nobody widens their own powers."""
    said = await consents(context)
    if type_name == "Consent" or patient is None or not said.trusted.get(patient):
        raise Forbidden(f"this power of attorney lets nobody write {type_name}")


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
    if version.type == "Consent" and is_emergency(parse(version.body)):
        raise Forbidden(f"{version.reference} says who opened the record in an emergency, and stands")
    if context.caller.role in GUESTS:
        _check_guest(context, version.type, parse(version.body))


def _check_guest(context: Context, type_name: str, value: Json) -> None:
    refused = find_refusal(context, type_name, value)
    if refused is not None:
        raise Forbidden(refused)


async def _check_listed(context: Context, value: Json, patient: str | None) -> None:
    """Who is known here already is changed by their own practice: an emergency access lists nobody elsewhere."""
    if patient is not None and await context.store.read("Patient", patient) is not None:
        await _check_patient(context, patient, "Patient", emergency=False)
    _check_listing(context, value)


def _check_listing(context: Context, patient: Json) -> None:
    """Staff register and change people of their own practice; who moves away is passed on by the other side."""
    organization = context.caller.organization
    if organization is None or not _lists(context, patient, organization):
        raise Forbidden(f"a Patient written by Organization/{organization} names it as generalPractitioner")


def _lists(context: Context, patient: Json, organization: str) -> bool:
    """Whether a patient is listed with a practice of this server; one of the same id elsewhere is another."""
    listed = (find_target(one, context.base) for one in references_of(patient, "generalPractitioner"))
    return Target("Organization", organization) in listed


async def _check_patient(context: Context, patient: str | None, what: str, *, emergency: bool = True) -> None:
    scope = await scope_of(context, patient, emergency=emergency)
    if scope.everyone:
        return
    if context.caller.within not in (None, patient):
        raise Forbidden(f"no access to {what}")
    if patient in (await consents(context, emergency=emergency)).blocked:
        raise Forbidden(f"no access to {what}")
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
