"""What a caller brings along of a patient, evaluated together with what only we hold; nothing of it is stored.

Facts they bring are read in place of ours, being newer where both have them; plans, Goals and what is agreed are kept
here, so there ours count. Nobody learns from this who is in the store: a patient whom the caller may not see counts as
one who is not there. https://cds-hooks.hl7.org/2.0/#providing-fhir-resources-to-a-cds-service
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from careplan.domain.errors import CareplanError, Fault
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.reading import coding_keys
from careplan.fhir.systems import CPR, D_ECPR, X_ECPR, normal_system
from careplan.fhir.text import Json
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.match import MultipleMatches
from careplan.interactions.person import PLAN_TYPES, Held, Person, person_from_held, read_held
from careplan.store.protocol import Deleted, NotFound

NEEDED = ("Patient", "Condition", "Observation", "MedicationStatement")
"""What must be brought of a patient who is not known here: a list that is not there would count as an empty one."""

_PERSONS = frozenset({CPR, X_ECPR, D_ECPR})


class RecordNeeded(CareplanError):
    """What the rules read of this patient is neither brought along nor known here."""

    code = "record-needed"


class PatientMismatch(CareplanError):
    """What is brought along is about somebody else than the patient who is named."""

    code = "patient-mismatch"


@dataclass(frozen=True, slots=True)
class Brought:
    """What a caller brings along of one patient.

    id         of the patient on the server it comes from
    ours       whether that server is this one; None where nothing says so
    patient    the Patient; None: not brought
    resources  the rest by type; a type that is not there was not brought, an empty one means that there is none
    """

    id: str
    ours: bool | None = None
    patient: Json | None = None
    resources: Mapping[str, Sequence[Json]] = field(default_factory=dict)


async def read_brought(context: Context, brought: Brought) -> Person:
    """The person by what is brought and what we hold, evaluated once.

    Raises PatientMismatch; MultipleMatches; RecordNeeded when the patient is not known here (or the caller may not see
    them) and too little is brought; Forbidden for roles that treat nobody
    """
    access.check_clinical(context)
    held = await _find_held(context, brought)
    if held is None:
        return person_from_held(context, _brought_alone(brought))
    return person_from_held(context, _together(held, brought))


async def _find_held(context: Context, brought: Brought) -> Held | None:
    """What we hold of the patient: by the id where it may be ours, else by person numbers."""
    held = None if brought.ours is False else await _find_by_id(context, brought.id)
    if held is None and not brought.ours:
        id = await _find_id(context, brought.patient)
        return None if id is None else await _find_by_id(context, id)
    if held is not None and _are_others(held.patient, brought.patient):
        raise PatientMismatch(
            "the Patient brought along is another person than the one of this id here",
            (Fault("prefetch.patient", "patient-mismatch", "the Patient is another person than the one of this id"),),
        )
    return held


async def _find_by_id(context: Context, id: str) -> Held | None:
    try:
        return await read_held(context, id, PLAN_TYPES)
    except (NotFound, Deleted, access.Forbidden):
        context.trail.turned_away(id)
        return None


async def _find_id(context: Context, patient: Json | None) -> str | None:
    """Our id of the person with the same number, among those whom the caller may see. Raises MultipleMatches."""
    numbers = _numbers(patient or {})
    if not numbers:
        return None
    written = ((system, text) for system, value in sorted(numbers) for text in (value, f"{value[:6]}-{value[6:]}"))
    tokens = tuple(TokenIs(system, text) for system, text in written)
    asked = Query("Patient", (Criterion("identifier", "token", tokens),), count=2)
    page = await context.store.search(await access.restrict(context, asked))
    if len(page.matches) > 1:
        raise MultipleMatches("several Patients here have the identifiers of the one brought along")
    return page.matches[0].id if page.matches else None


def _numbers(patient: Json) -> set[tuple[str, str]]:
    """A patient's person numbers, by normal system."""
    return {key for key in identifiers_of(patient) if key[0] in _PERSONS}


def _are_others(ours: Json, theirs: Json | None) -> bool:
    """Whether both have a person number of one kind, or a day of birth, and none in common."""
    theirs = theirs or {}
    mine, other = _numbers(ours), _numbers(theirs)
    if mine & other:
        return False
    born = {one["birthDate"] for one in (ours, theirs) if "birthDate" in one}
    return len(born) > 1 or bool({system for system, _ in mine} & {system for system, _ in other})


def _brought_alone(brought: Brought) -> Held:
    """Raises RecordNeeded."""
    there = {*brought.resources, *(("Patient",) if brought.patient else ())}
    missing = [name for name in NEEDED if name not in there]
    if brought.patient is None or missing:
        raise RecordNeeded(
            f"the patient is not known here, and these are not brought along: {', '.join(missing)}",
            tuple(
                Fault("prefetch", "record-needed", f"{name} is needed of a patient not known here") for name in missing
            ),
        )
    resources = {name: tuple(_once(brought.resources.get(name, ()), ())) for name in PLAN_TYPES}
    return Held(brought.id, brought.patient, resources, {})


def _together(held: Held, brought: Brought) -> Held:
    """Ours and theirs, each resource once; of the Patient, what they do not say is as we have it."""
    alike = brought.ours is not False and brought.id == held.id
    resources: dict[str, Sequence[Json]] = {}
    for name, ours in held.resources.items():
        theirs = brought.resources.get(name, ())
        first, second = (theirs, ours) if name in NEEDED else (ours, theirs)
        resources[name] = tuple(_once(first, second, alike=alike))
    patient = {**held.patient, **(brought.patient or {}), "id": held.id}
    return Held(held.id, patient, resources, held.versions)


def _once(first: Sequence[Json], second: Sequence[Json], *, alike: bool = True) -> Iterator[Json]:
    """Each resource once: the same by an identifier, or by id where both come from one server (alike)."""
    seen: set[tuple[str, ...]] = set()
    for number, some in enumerate((first, second)):
        server = "" if alike else str(number)
        for one in some:
            keys = _keys(one, server)
            if not keys & seen:
                seen |= keys
                yield one


def _keys(resource: Json, server: str) -> set[tuple[str, ...]]:
    """What a resource is known again by. Values of one blood test may share its number, so the code goes with it."""
    codes = tuple(sorted(code for _, code in coding_keys(resource.get("code"))))
    keys: set[tuple[str, ...]] = {(*key, *codes) for key in identifiers_of(resource)}
    return keys | ({("id", server, resource["id"])} if "id" in resource else set())


def identifiers_of(resource: Json) -> set[tuple[str, str]]:
    """(normal system, value) of each business identifier; one without a system says too little."""
    found = ((one.get("system"), one.get("value")) for one in resource.get("identifier", ()))
    return {
        (normal, value.replace("-", "") if normal in _PERSONS else value)
        for system, value in found
        if isinstance(system, str) and isinstance(value, str) and (normal := normal_system(system))
    }
