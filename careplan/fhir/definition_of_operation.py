"""Operations → OperationDefinition: what each of ours is for, what it is asked and what it answers.

One table, beside which the registry says where each is offered. HL7's operations are defined by HL7 and only named
here. Not here: what an operation does (`careplan.interactions.operations`).
https://hl7.org/fhir/R4/operationdefinition.html · https://hl7.org/fhir/R4/operationslist.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from careplan.fhir import systems
from careplan.fhir.registry import ROWS, Row
from careplan.fhir.text import Json

_R4 = "http://hl7.org/fhir/OperationDefinition"
_BULK = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition"

STANDARD: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("", "export"): f"{_BULK}/export",
        ("Patient", "export"): f"{_BULK}/patient-export",
        ("Group", "export"): f"{_BULK}/group-export",
        ("PlanDefinition", "apply"): f"{_R4}/PlanDefinition-apply",
        ("Observation", "lastn"): f"{_R4}/Observation-lastn",
        ("Patient", "everything"): f"{_R4}/Patient-everything",
        ("ValueSet", "expand"): f"{_R4}/ValueSet-expand",
        ("CodeSystem", "lookup"): f"{_R4}/CodeSystem-lookup",
    }
)
"""HL7's operations by type (empty: the system) and name; `validate` is of every type."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One parameter: a data type of R4; `target` the types a Reference may lead to."""

    name: str
    type: str
    says: str
    min: int = 0
    max: str = "1"
    target: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Described:
    """One operation of ours. `answers`: the type of the resource it returns."""

    title: str
    says: str
    answers: str
    arguments: tuple[Argument, ...] = ()
    changes: bool = False


_ON = Argument("on", "date", "The day asked about; today where it is left out.")
_COUNT = Argument("_count", "integer", "Most patients on a page.")

DESCRIBED: Mapping[tuple[str, str], Described] = MappingProxyType(
    {
        ("Patient", "eligible"): Described(
            "Patients who should have a plan",
            "Finds the patients whom the rules find eligible, most urgent first, each with why; paged.",
            "Bundle",
            (
                Argument("clinic", "Reference", "Only patients listed with this practice.", target=("Organization",)),
                Argument("plan-type", "code", "Only this plan type: diabetes, kol or hjerte."),
                Argument("state", "code", "Only these: new, overdue, maintained, or excluded: else left out."),
                _ON,
                _COUNT,
            ),
        ),
        ("Patient", "recommended-targets"): Described(
            "Targets the rules recommend",
            "Works out one proposed Goal a measure from the facts of the record, each with row, source and facts used.",
            "Bundle",
            (_ON,),
        ),
        ("Patient", "overview"): Described(
            "All that a view needs",
            "Gives the patient, the active plans, goals, values and agreements that an audience may see.",
            "Bundle",
            (Argument("audience", "code", "patient, clinic or referral; the caller's own where it is left out."), _ON),
        ),
        ("Patient", "exclude"): Described(
            "Do not offer a plan now",
            "Records that a plan is turned down, with the reason: the patient leaves the list of those to be offered "
            "it until the day to ask again. Ends when it is taken back, or when the plan is made.",
            "Task",
            (
                Argument("plan-type", "code", "The plan type: diabetes, kol or hjerte.", min=1),
                Argument("reason", "CodeableConcept", "A code of CodeSystem/exclusion-reason.", min=1),
                Argument("text", "string", "The reason in words; needed for `other`."),
                Argument("until", "date", "The day to ask again; left out: not before it is taken back."),
            ),
            changes=True,
        ),
        ("Patient", "end-exclusion"): Described(
            "Offer a plan again",
            "Takes back that a plan is not to be offered: the patient is listed again.",
            "Task",
            (Argument("plan-type", "code", "The plan type: diabetes, kol or hjerte.", min=1),),
            changes=True,
        ),
        ("Patient", "emergency-access"): Described(
            "Open a record in an emergency",
            "Lets a clinician of a clinic or hospital see, for some hours, a record that is closed to them. The "
            "patient reads who did and why; the organisation reviews it.",
            "Consent",
            (
                Argument("reason", "string", "Why, in words the patient can read.", min=1),
                Argument("identifier", "Identifier", "Whose record, where it is called on the type."),
            ),
            changes=True,
        ),
        ("Organization", "emergency-accesses"): Described(
            "Emergency accesses by an organisation's people",
            "Lists the Consents that record them, newest first, for the organisation's reviewer.",
            "Bundle",
        ),
        ("CarePlan", "establish"): Described(
            "Make plans for a patient",
            "Makes the plans, their Goals and their Tasks in one transaction; refused where one of them is active.",
            "Bundle",
            (
                Argument("subject", "Reference", "For whom.", min=1, target=("Patient",)),
                Argument("definition", "canonical", "The plan types, by PlanDefinition.", min=1, max="*"),
                Argument("exclude", "code", "Measures and activities to leave out.", max="*"),
                Argument("reason", "string", "Why, for a patient whom the rules do not find eligible."),
            ),
            changes=True,
        ),
        ("Goal", "set-individual-target"): Described(
            "Agree on another target than the recommended",
            "Sets the agreed target and keeps the recommended one beside it, with the reason for the difference.",
            "Goal",
            (
                Argument("low", "decimal", "Lowest value inside the target."),
                Argument("high", "decimal", "Highest value inside the target."),
                Argument("unit", "string", "UCUM unit of both; the measure's own where it is left out."),
                Argument("comparator", "code", "For one bound: <, <=, > or >=."),
                Argument("strict", "boolean", "Whether the upper bound itself is outside."),
                Argument("reason", "code", "A code of CodeSystem/deviation-reason.", min=1),
                Argument("text", "string", "The reason in words; needed for `other`."),
                Argument("valid-until", "date", "The day to look at it again; the next yearly control if left out."),
                Argument("author", "string", "Who answers for it, by reference, where the caller is no person."),
                Argument("instruction", "string", "What the patient does when a value is outside it, as Goal.note."),
            ),
            changes=True,
        ),
        ("Goal", "follow-recommendation"): Described(
            "Agree on the recommended target",
            "Sets the agreed target to what the rules recommend today and ends an individual one.",
            "Goal",
            changes=True,
        ),
    }
)
"""Every operation of ours, by type and name."""


def operation_url(type_name: str, name: str) -> str:
    """Canonical URL of an operation's definition; `type_name` is empty at the system's level."""
    if name == "validate":
        return f"{_R4}/Resource-validate"
    return STANDARD.get((type_name, name)) or f"{systems.CANONICAL}/OperationDefinition/{type_name}-{name}"


def operation_definitions(version: str) -> tuple[Json, ...]:
    """The definitions of our operations, in the order of the registry."""
    return tuple(
        _operation_definition(row, name, version, DESCRIBED[row.name, name])
        for row in ROWS
        for name in dict.fromkeys(name for names in row.operations.values() for name in names)
        if (row.name, name) in DESCRIBED
    )


def _operation_definition(row: Row, name: str, version: str, described: Described) -> Json:
    return {
        "resourceType": "OperationDefinition",
        "id": f"{row.name}-{name}",
        "url": operation_url(row.name, name),
        "version": version,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "title": described.title,
        "status": "active",
        "kind": "operation",
        "experimental": False,
        "description": described.says,
        "affectsState": described.changes,
        "code": name,
        "resource": [row.name],
        "system": False,
        "type": name in row.operations.get("type", ()),
        "instance": name in row.operations.get("instance", ()),
        "parameter": [
            *(_parameter(argument) for argument in described.arguments),
            {"name": "return", "use": "out", "min": 1, "max": "1", "type": described.answers},
        ],
    }


def _parameter(argument: Argument) -> Json:
    found: Json = {
        "name": argument.name,
        "use": "in",
        "min": argument.min,
        "max": argument.max,
        "documentation": argument.says,
        "type": argument.type,
    }
    if argument.target:
        found["targetProfile"] = [f"http://hl7.org/fhir/StructureDefinition/{one}" for one in argument.target]
    return found
