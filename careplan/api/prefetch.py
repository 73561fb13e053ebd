"""Prefetch of the hook: what a client is asked to bring along, and reading what it brought.

A key that is null was looked for and not found; one that is left out, or holds an OperationOutcome, was not looked for
or failed, and then our own record stands alone. https://cds-hooks.hl7.org/2.0/#prefetch-template
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from careplan.domain.errors import CareplanError, Fault
from careplan.domain.guideline import Knowledge
from careplan.domain.question import raw_facts
from careplan.fhir.text import Json
from careplan.interactions.brought import Brought, PatientMismatch, identifiers_of
from careplan.interactions.context import Validator

MOST = 1000
"""Observations asked for; the newest first."""

KEYS: Mapping[str, str] = {
    "patient": "Patient",
    "conditions": "Condition",
    "observations": "Observation",
    "medications": "MedicationStatement",
    "careplans": "CarePlan",
    "goals": "Goal",
}
"""What each key holds."""

UNLIKELY = "value-implausible"


class HookFaulty(CareplanError):
    """A CDS Hooks request says something it cannot say; the faults name the fields."""

    code = "hook-invalid"


def templates(knowledge: Knowledge) -> dict[str, str]:
    """The prefetch templates: what the rules read, and no more.

    Codes stand without their systems, which go by several names in Denmark.
    """
    of = "patient={{context.patientId}}"
    codes = ",".join(sorted(_codes(knowledge)))
    return {
        "patient": "Patient/{{context.patientId}}",
        "conditions": f"Condition?{of}",
        "observations": f"Observation?{of}&code={codes}&_sort=-date&_count={MOST}",
        "medications": f"MedicationStatement?{of}&status=active",
        "careplans": f"CarePlan?{of}&status=active",
        "goals": f"Goal?{of}&lifecycle-status=active",
    }


def _codes(knowledge: Knowledge) -> set[str]:
    """The codes of every measure that a plan follows, a rule reads or another is computed from, and of the questions
    that clinicians answer.
    """
    tables = (*(one.rows for one in knowledge.guidelines.values()), *(one.eligible for one in knowledge.plans.values()))
    terms = [term for rows in tables for row in rows for term in row.when]
    terms += [term for plan in knowledge.plans.values() for term in plan.offer.must]
    origins = [origin for _, origin in raw_facts(knowledge, terms)]
    names = {name for plan in knowledge.plans.values() for name in plan.follows} & knowledge.measures.keys()
    names |= {str(one.terms["measure"]) for one in origins if one.how == "measure"}
    names |= {one for name in names if (by := knowledge.measures[name].derived) is not None for one in by.inputs}
    measures = [knowledge.measures[name] for name in names]
    answers = {str(one.terms["answer"]) for one in origins if one.how == "answer"}
    return answers | {code.code for one in measures for code in (*one.codes, *one.panel)}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sent a prefetch, and what is asked of it.

    server    the FHIR base of the client; empty: not said
    ours      whether that is this server; None: not said
    validate  every fault of a resource
    doubt     why the values of an Observation cannot be taken as they are
    most      resources that are looked at
    """

    server: str
    ours: bool | None
    validate: Validator
    doubt: Callable[[Json], Iterable[Fault]]
    most: int


def brought_from_prefetch(patient: str, prefetch: Mapping[str, Json], sender: Sender) -> Brought:
    """What a client brought of this patient; a value that is unlikely and not confirmed is not used.

    Raises  HookFaulty with every fault; PatientMismatch for a resource about somebody else
    """
    known = {key: value for key, value in prefetch.items() if key in KEYS and not _failed(key, value)}
    found = {key: tuple(_resources(key, value)) for key, value in known.items()}
    for key, some in found.items():
        if len(some) > sender.most:
            raise _fault(f"prefetch.{key}", f"must hold {sender.most} resources or fewer")
    every = [(place, one) for some in found.values() for place, one in some]
    faults = [fault for place, one in every for fault in _faults(place, one, sender)]
    if faults:
        raise HookFaulty(f"{len(faults)} fault(s) in what was prefetched", tuple(faults))
    people = [one for _, one in found.pop("patient", ())]
    numbers = {key for one in people for key in identifiers_of(one)}
    for place, one in every:
        _check_subject(place, one, patient, sender.server, numbers)
    resources = {KEYS[key]: tuple(one for _, one in some if not _unlikely(one, sender)) for key, some in found.items()}
    return Brought(patient, sender.ours, people[0] if people else None, resources)


def _failed(key: str, value: Json) -> bool:
    """Whether the client looked and failed, or found more than it sent: then it is not the whole list."""
    if not isinstance(value, dict):
        return False
    links = value.get("link") if value.get("resourceType") == "Bundle" and key != "observations" else None
    more = any(isinstance(one, dict) and one.get("relation") == "next" for one in links or ())
    return more or value.get("resourceType") == "OperationOutcome"


def _resources(key: str, value: Json) -> Iterator[tuple[str, Json]]:
    """(place, resource) of what a key holds: the resource itself, or those of a Bundle. Raises HookFaulty."""
    place, wanted = f"prefetch.{key}", KEYS[key]
    if value is None:
        return
    if isinstance(value, dict) and value.get("resourceType") == wanted:
        yield place, value
        return
    entries = value.get("entry", []) if isinstance(value, dict) and value.get("resourceType") == "Bundle" else None
    if key == "patient" or not isinstance(entries, list):
        raise _fault(place, f"must be a {wanted}" if key == "patient" else f"must be a Bundle of {wanted}, or null")
    for number, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            raise _fault(f"{place}.entry[{number}]", "must hold a resource")
        if resource.get("resourceType") == wanted:
            yield f"{place}.entry[{number}].resource", resource


def _faults(place: str, resource: Json, sender: Sender) -> Iterator[Fault]:
    """Every error of a resource, placed in the request: what it cannot say, and values that cannot be."""
    found = [fault for fault in sender.validate(resource) if fault.severity == "error"]
    if not found and resource["resourceType"] == "Observation":
        found = [fault for fault in sender.doubt(resource) if fault.code != UNLIKELY]
    for fault in found:
        inner = fault.expression.partition(".")[2]
        yield Fault(f"{place}.{inner}" if inner else place, fault.code, fault.message)


def _unlikely(resource: Json, sender: Sender) -> bool:
    return resource["resourceType"] == "Observation" and any(one.code == UNLIKELY for one in sender.doubt(resource))


def _check_subject(place: str, resource: Json, patient: str, server: str, numbers: set[tuple[str, str]]) -> None:
    """Raises PatientMismatch for a resource that does not say it is about this patient.

    numbers  the patient's, as brought: what a subject without a reference is known by
    """
    if resource["resourceType"] == "Patient":
        about = resource.get("id") == patient
    else:
        subject = resource.get("subject") or {}
        reference = subject.get("reference")
        own = (f"Patient/{patient}", f"{server.rstrip('/')}/Patient/{patient}")
        numbered = bool(identifiers_of({"identifier": [subject.get("identifier") or {}]}) & numbers)
        about = str(reference).partition("/_history/")[0] in own if reference is not None else numbered
    if not about:
        fault = Fault(place, "patient-mismatch", "is about somebody else than context.patientId")
        raise PatientMismatch("what was prefetched is about somebody else than context.patientId", (fault,))


def _fault(place: str, says: str) -> HookFaulty:
    return HookFaulty(f"{place} {says}", (Fault(place, "value-invalid", says),))
