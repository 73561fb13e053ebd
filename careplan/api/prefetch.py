"""Prefetch of the hook: what a client is asked to bring along, and reading what it brought.

A key that is null was looked for and not found; one that is left out, or holds an OperationOutcome, was not looked for
or failed, and then our own record stands alone. https://cds-hooks.hl7.org/2.0/#prefetch-template
"""

import re
from collections.abc import Iterator, Mapping

from careplan.domain.errors import CareplanError, Fault
from careplan.domain.guideline import Knowledge
from careplan.domain.question import raw_facts
from careplan.fhir.text import Json
from careplan.interactions.brought import Brought, PatientMismatch
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

_PATIENT = re.compile(r"(?:.*/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/.*)?", re.DOTALL)


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


def brought_from_prefetch(
    patient: str, prefetch: Mapping[str, Json], validate: Validator, *, ours: bool | None, most: int
) -> Brought:
    """What a client brought of this patient.

    validate  every fault of a resource
    ours      whether it comes from this server; None: not said
    most      resources that are looked at
    Raises    HookFaulty with every fault; PatientMismatch for a resource about somebody else
    """
    known = {key: value for key, value in prefetch.items() if key in KEYS and not _failed(value)}
    found = {key: tuple(_resources(key, value)) for key, value in known.items()}
    for key, some in found.items():
        if len(some) > most:
            raise _fault(f"prefetch.{key}", f"must hold {most} resources or fewer")
    faults = [fault for key, some in found.items() for place, one in some for fault in _faults(place, one, validate)]
    if faults:
        raise HookFaulty(f"{len(faults)} fault(s) in what was prefetched", tuple(faults))
    for some in found.values():
        for place, one in some:
            _check_subject(place, one, patient)
    people = [one for _, one in found.pop("patient", ())]
    resources = {KEYS[key]: tuple(one for _, one in some) for key, some in found.items()}
    return Brought(patient, ours, people[0] if people else None, resources)


def _failed(value: Json) -> bool:
    """Whether the client looked and failed, rather than found nothing."""
    return isinstance(value, dict) and value.get("resourceType") == "OperationOutcome"


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


def _faults(place: str, resource: Json, validate: Validator) -> Iterator[Fault]:
    """Every error of a resource, placed in the request."""
    for fault in validate(resource):
        if fault.severity == "error":
            inner = fault.expression.partition(".")[2]
            yield Fault(f"{place}.{inner}" if inner else place, fault.code, fault.message)


def _check_subject(place: str, resource: Json, patient: str) -> None:
    """Raises PatientMismatch for a resource that says it is about somebody else."""
    if resource["resourceType"] == "Patient":
        about = resource.get("id")
    else:
        found = _PATIENT.fullmatch(str((resource.get("subject") or {}).get("reference", "")))
        about = found[1] if found else patient
    if about != patient:
        fault = Fault(place, "patient-mismatch", "is about somebody else than context.patientId")
        raise PatientMismatch("what was prefetched is about somebody else than context.patientId", (fault,))


def _fault(place: str, says: str) -> HookFaulty:
    return HookFaulty(f"{place} {says}", (Fault(place, "value-invalid", says),))
