"""One row per resource type: what it can be found by, what may be done with it, whose record it is part of.

A new type is one row here; routes, search, index and capabilities read the rows. The search parameters and the
Patient compartment are carried over in `search-parameters.json`; those about the text of a resource (`_text`,
`_content`), about distance (`near`) and about lists (`_list`) are not offered. Not here: how a value is taken out of
a resource (`index`).
https://hl7.org/fhir/R4/searchparameter-registry.html · https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from careplan.domain.errors import CareplanError
from careplan.fhir.path import Path, paths, values
from careplan.fhir.reference import find_target


class TypeUnknown(CareplanError):
    """No resource type of this name is served here."""

    code = "type-unknown"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter of one type.

    kind      how it is searched: token date number quantity string reference uri id composite
    declared  its type in R4; differs from `kind` for canonicals (reference, searched as uri) and `_id` (token)
    targets   types a reference may lead to; empty: any type, or not a reference
    system    implied by the required binding of a code element, e.g. http://hl7.org/fhir/administrative-gender
    parts     of a composite: the parameters it is made of, in order, with expressions below its own element `$this`
    phonetic  a string is found by how it sounds
    worded    the text and displays of its concepts are kept, for `:text`
    ours      what it finds, where HL7 has no such parameter and we define it; empty: it is HL7's
    """

    name: str
    kind: str
    expression: str
    declared: str
    targets: tuple[str, ...] = ()
    system: str = ""
    parts: tuple["Parameter", ...] = ()
    phonetic: bool = False
    worded: bool = False
    ours: str = ""

    @property
    def paths(self) -> tuple[Path, ...]:
        return paths(self.expression, self.kind)

    @property
    def identifies(self) -> bool:
        """Whether its values are Identifiers, which have a type."""
        return self.kind == "token" and self.expression.endswith(("dentifier", ".requisition"))

    def leads_to(self, type_name: str) -> bool:
        """Whether this is a reference that may lead to that type."""
        return self.kind == "reference" and (not self.targets or type_name in self.targets)


@dataclass(frozen=True, slots=True)
class Row:
    """One resource type.

    interactions  codes of type-restful-interaction
    clinical      a write leaves a Provenance
    operations    names without `$`, by level: `type`, `instance`; every type has `validate` on both
    parameters    by name, those of every resource (`_id` …) included
    compartment   parameters that put it into a Patient compartment, the deciding one first
    """

    name: str
    interactions: frozenset[str]
    clinical: bool
    operations: Mapping[str, tuple[str, ...]]
    parameters: Mapping[str, Parameter] = field(repr=False)
    compartment: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        return "create" not in self.interactions

    def parameter(self, name: str) -> Parameter | None:
        return self.parameters.get(name)


READ_ONLY = frozenset({"read", "vread", "history-instance", "history-type", "search-type"})
WRITABLE = READ_ONLY | {"create", "update", "patch", "delete"}

LOG = "AuditEvent"
"""The type that is in a patient's compartment and no part of the record: it is asked for by its name alone."""

_DATA: dict[str, Any] = json.loads(files("careplan.fhir").joinpath("search-parameters.json").read_bytes())


def _parameter(name: str, entry: Mapping[str, Any], siblings: Mapping[str, Any] = MappingProxyType({})) -> Parameter:
    declared = entry["kind"]
    kind = "id" if name == "_id" else "uri" if entry.get("canonical") else declared
    parts = tuple(_part(siblings[one], one, below) for one, below in entry.get("parts", {}).items())
    return Parameter(
        name,
        kind,
        entry["expression"],
        declared,
        tuple(entry.get("targets", ())),
        entry.get("system", ""),
        parts,
        phonetic=entry.get("phonetic", False),
        worded=entry.get("text", False),
        ours=entry.get("ours", ""),
    )


def _part(entry: Mapping[str, Any], name: str, below: str) -> Parameter:
    """A part of a composite: a parameter of the same type, read from the composite's own element."""
    expression = " | ".join(f"$this.{one}" for one in below.split(" | "))
    return _parameter(name, {**entry, "expression": expression})


def _row(
    name: str,
    interactions: frozenset[str] = WRITABLE,
    *,
    clinical: bool = False,
    on_type: tuple[str, ...] = (),
    on_instance: tuple[str, ...] = (),
) -> Row:
    entries = {**_DATA["common"], **_DATA["types"][name]}
    operations = {"type": (*on_type, "validate"), "instance": (*on_instance, "validate")}
    return Row(
        name,
        interactions,
        clinical,
        MappingProxyType(operations),
        MappingProxyType({key: _parameter(key, entry, entries) for key, entry in entries.items()}),
        tuple(_DATA["compartment"].get(name, ())),
    )


ROWS: tuple[Row, ...] = (
    _row(
        "Patient",
        on_type=("eligible", "export", "emergency-access"),
        on_instance=(
            "recommended-targets",
            "overview",
            "everything",
            "exclude",
            "end-exclusion",
            "emergency-access",
        ),
    ),
    _row("RelatedPerson"),
    _row("Practitioner"),
    _row("PractitionerRole"),
    _row("Organization", on_instance=("emergency-accesses",)),
    _row("CareTeam", clinical=True),
    _row("Condition", clinical=True),
    _row("Observation", clinical=True, on_type=("lastn",)),
    _row("Goal", clinical=True, on_instance=("set-individual-target", "follow-recommendation")),
    _row("CarePlan", clinical=True, on_type=("establish",)),
    _row("MedicationStatement", clinical=True),
    _row("Encounter", clinical=True),
    _row("ServiceRequest", clinical=True),
    _row("Task", clinical=True),
    _row("Provenance"),
    _row("Device"),
    _row("DiagnosticReport", clinical=True),
    _row("Group", on_instance=("export",)),
    _row("Location"),
    _row("HealthcareService"),
    _row("Immunization", clinical=True),
    _row("Appointment", clinical=True),
    _row("Communication", clinical=True),
    _row("Questionnaire"),
    _row("QuestionnaireResponse", clinical=True),
    _row("Consent", clinical=True),
    _row("DocumentReference", clinical=True),
    _row("MeasureReport"),
    _row(LOG, READ_ONLY),
    _row("PlanDefinition", READ_ONLY, on_instance=("apply",)),
    _row("StructureDefinition", READ_ONLY),
    _row("CodeSystem", READ_ONLY, on_type=("lookup",), on_instance=("lookup",)),
    _row("ValueSet", READ_ONLY, on_type=("expand",), on_instance=("expand",)),
    _row("ActivityDefinition", READ_ONLY),
    _row("SearchParameter", READ_ONLY),
    _row("OperationDefinition", READ_ONLY),
)

TYPES: Mapping[str, Row] = MappingProxyType({one.name: one for one in ROWS})


def known(type_name: str) -> bool:
    """Whether the type is served."""
    return type_name in TYPES


def row(type_name: str) -> Row:
    """The row of a type. Raises TypeUnknown."""
    found = TYPES.get(type_name)
    if found is None:
        shown = type_name[:64] if type_name.isalpha() else "this"
        raise TypeUnknown(f"{shown} is not a resource type of this service")
    return found


SHARED = frozenset({"Group", "Appointment"})
"""Types that may be about several patients alike."""

_COMPARTMENT: Mapping[str, tuple[Path, ...]] = {
    one.name: tuple(path for name in one.compartment for path in one.parameters[name].paths) for one in ROWS
}


def patient_of(resource: Mapping[str, Any], base: str | None = None) -> str | None:
    """Logical id of the patient whose compartment a resource is in; None when in none.

    A Patient is in its own. Where several patients are named, the first of the deciding parameter counts; but a Group
    or an Appointment of several is in nobody's record, since whoever found it there would see the others too: it is
    for those who may see every one of them, and by its id.
    """
    type_name = str(resource.get("resourceType"))
    if type_name == "Patient":
        return resource.get("id")
    named = _patients_named(resource, type_name, base)
    first = next(named, None)
    if type_name in SHARED and any(other != first for other in named):
        return None
    return first


def patients_of(resource: Mapping[str, Any], base: str | None = None) -> tuple[str, ...]:
    """Every patient whom a resource that may be about several is about, each once."""
    return tuple(dict.fromkeys(_patients_named(resource, str(resource.get("resourceType")), base)))


def _patients_named(resource: Mapping[str, Any], type_name: str, base: str | None) -> Iterator[str]:
    for path in _COMPARTMENT.get(type_name, ()):
        for value in values(path, resource):
            text = value.get("reference") if isinstance(value, dict) else None
            target = find_target(text, base) if isinstance(text, str) else None
            if target is not None and target.type == "Patient":
                yield target.id
