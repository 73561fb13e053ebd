"""Rows of the registry, the paths of their expressions, and whose record a resource is part of."""

import json
from pathlib import Path

import pytest

from careplan.fhir import registry
from careplan.fhir.path import Path as MemberPath
from careplan.fhir.path import PathUnsupported, Step, paths, values

STANDARD = Path(__file__).resolve().parents[4] / "shared" / "data" / "fhir-r4" / "search-parameters.json"


def test_every_expression_of_every_type_carried_over_is_understood():
    for type_name, entries in registry._DATA["types"].items():
        for name, entry in entries.items():
            assert registry._parameter(name, entry, entries).paths, f"{type_name}.{name}"


def test_every_compartment_parameter_is_a_parameter_of_its_type():
    for row in registry.ROWS:
        assert set(row.compartment) <= set(row.parameters), row.name


def test_the_page_of_types_tells_every_row():
    page = (Path(__file__).resolve().parents[3] / "docs" / "types.md").read_text("utf-8")
    told = [[part.strip() for part in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    assert told[1:] == [
        [
            row.name,
            told[number][1],
            "no" if row.read_only else "yes",
            "itself" if row.name == "Patient" else ", ".join(row.compartment),
            "yes" if row.clinical else "",
        ]
        for number, row in enumerate(registry.ROWS, 1)
    ]


def test_an_unknown_type_is_named():
    with pytest.raises(registry.TypeUnknown, match="Foo is not a resource type") as caught:
        registry.row("Foo")
    assert caught.value.code == "type-unknown"
    assert not registry.known("patient")


@pytest.mark.parametrize(
    "name",
    [
        *("PlanDefinition", "ActivityDefinition", "StructureDefinition", "CodeSystem", "ValueSet"),
        *("SearchParameter", "OperationDefinition"),
    ],
)
def test_published_types_are_read_only(name):
    assert registry.row(name).read_only
    assert {"read", "search-type"} <= registry.row(name).interactions


def test_clinical_types_are_written_and_known_by_their_rows():
    assert registry.row("Observation").clinical
    assert not registry.row("Observation").read_only
    assert not registry.row("Provenance").clinical


def test_a_canonical_is_searched_as_uri_and_declared_as_reference():
    parameter = registry.row("CarePlan").parameters["instantiates-canonical"]
    assert (parameter.kind, parameter.declared) == ("uri", "reference")
    assert not parameter.leads_to("PlanDefinition")


def test_a_reference_leads_only_to_its_targets():
    subject = registry.row("CarePlan").parameter("subject")
    assert subject is not None
    assert subject.leads_to("Patient")
    assert not subject.leads_to("Device")
    assert registry.row("Task").parameters["focus"].leads_to("Goal")


@pytest.mark.parametrize("name", ["_text", "_content", "_list", "_query", "near"])
def test_what_is_not_offered_is_not_registered(name):
    """R4-102."""
    assert all(name not in row.parameters for row in registry.ROWS)


@pytest.mark.skipif(not STANDARD.is_file(), reason="the search parameters of R4 are not beside the repository")
def test_every_standard_parameter_of_our_types_is_offered_but_those_named():
    """But for text, lists and named queries of any type, and distance."""
    left_out = {"_text", "_content", "_list", "_query", "_has", "_type", "_filter", "near"}
    missing = {
        f"{one['type']}.{one['name']}"
        for one in json.loads(STANDARD.read_bytes())
        if registry.known(one["type"]) and one["name"] not in registry.row(one["type"]).parameters
    }
    assert {one for one in missing if one.partition(".")[2] not in left_out} == set()


@pytest.mark.skipif(not STANDARD.is_file(), reason="the search parameters of R4 are not beside the repository")
def test_a_parameter_is_of_the_kind_and_leads_to_the_types_that_the_standard_says():
    for one in json.loads(STANDARD.read_bytes()):
        parameter = registry.known(one["type"]) and registry.row(one["type"]).parameter(one["name"])
        if parameter:
            assert parameter.declared == one["kind"], f"{one['type']}.{one['name']}"
            assert set(parameter.targets) <= set(one["target"]), f"{one['type']}.{one['name']}"


def test_the_parts_of_a_composite_are_parameters_of_its_type_and_one_is_coded():
    for row in registry.ROWS:
        for parameter in row.parameters.values():
            assert (len(parameter.parts) == 2) == (parameter.kind == "composite"), f"{row.name}.{parameter.name}"
            assert {part.name for part in parameter.parts} <= set(row.parameters), f"{row.name}.{parameter.name}"
            if parameter.parts:
                assert "token" in {part.kind for part in parameter.parts}, f"{row.name}.{parameter.name}"


PATIENT = {"reference": "Patient/p1"}


@pytest.mark.parametrize(
    ("resource", "patient"),
    [
        ({"resourceType": "Patient", "id": "p1", "link": [{"other": {"reference": "Patient/p2"}}]}, "p1"),
        ({"resourceType": "Observation", "subject": PATIENT}, "p1"),
        ({"resourceType": "Observation", "subject": {"reference": "Group/g"}, "performer": [PATIENT]}, "p1"),
        ({"resourceType": "Observation", "subject": {"reference": "Group/g"}}, None),
        ({"resourceType": "Observation", "subject": {"reference": "Patient/p1/_history/3"}}, "p1"),
        ({"resourceType": "Observation", "subject": {"reference": "https://us.example/fhir/Patient/p1"}}, "p1"),
        ({"resourceType": "Observation", "subject": {"reference": "https://them.example/fhir/Patient/p1"}}, None),
        ({"resourceType": "Observation", "subject": {"identifier": {"value": "x"}}}, None),
        ({"resourceType": "Observation", "subject": "Patient/p1"}, None),
        ({"resourceType": "CarePlan", "activity": ["odd", {"detail": {"performer": [PATIENT]}}]}, "p1"),
        ({"resourceType": "Task", "for": PATIENT}, "p1"),
        ({"resourceType": "Provenance", "target": [{"reference": "Goal/g"}, PATIENT]}, "p1"),
        (
            {
                "resourceType": "Appointment",
                "participant": [{"actor": {"reference": "Location/l"}}, {"actor": PATIENT}],
            },
            "p1",
        ),
        ({"resourceType": "Communication", "subject": PATIENT, "sender": {"reference": "Patient/p2"}}, "p1"),
        ({"resourceType": "Communication", "sender": {"reference": "Organization/o"}, "recipient": [PATIENT]}, "p1"),
        ({"resourceType": "Consent", "patient": PATIENT}, "p1"),
        ({"resourceType": "DocumentReference", "subject": PATIENT}, "p1"),
        ({"resourceType": "DocumentReference", "author": [{"reference": "Practitioner/x"}, PATIENT]}, "p1"),
        ({"resourceType": "Immunization", "patient": PATIENT}, "p1"),
        ({"resourceType": "QuestionnaireResponse", "author": PATIENT}, "p1"),
        ({"resourceType": "MeasureReport", "subject": PATIENT}, "p1"),
        ({"resourceType": "MeasureReport", "subject": {"reference": "Group/g"}}, None),
        ({"resourceType": "HealthcareService", "providedBy": {"reference": "Organization/o"}}, None),
        ({"resourceType": "Group", "member": [{"entity": PATIENT}, {"entity": {"reference": "Patient/p2"}}]}, None),
        ({"resourceType": "Group", "member": [{"entity": PATIENT}, {"entity": PATIENT}]}, "p1"),
        ({"resourceType": "Organization", "id": "o"}, None),
        ({"resourceType": ["odd"]}, None),
        ({}, None),
    ],
)
def test_a_resource_is_in_the_compartment_of_the_patient_it_names(resource, patient):
    assert registry.patient_of(resource, "https://us.example/fhir") == patient


@pytest.mark.parametrize(
    ("expression", "kind", "expected"),
    [
        ("Goal.target.due[x]", "date", ["target.due" + x for x in ("DateTime", "Period", "Date", "Instant", "Timing")]),
        ("(Goal.start as date)", "date", ["startDate"]),
        ("Condition.onset.as(Age) | Condition.onset.as(Range)", "quantity", ["onsetAge", "onsetRange"]),
        ("(Observation.value as CodeableConcept).text", "string", ["valueCodeableConcept.text"]),
        ("A.b | A.b", "token", ["b"]),
    ],
)
def test_an_expression_becomes_member_paths(expression, kind, expected):
    assert [".".join(step.name for step in path.steps) for path in paths(expression, kind)] == expected


def test_a_where_follows_only_the_items_that_fit():
    (path,) = paths("Library.relatedArtifact.where(type='depends-on').resource", "uri")
    assert path == MemberPath((Step("relatedArtifact", ("type", "depends-on")), Step("resource")))
    resource = {
        "relatedArtifact": [{"type": "depends-on", "resource": "a"}, {"type": "successor", "resource": "b"}, None, "x"]
    }
    assert values(path, resource) == ["a"]


def test_a_where_on_the_type_of_a_reference_is_kept_with_the_path():
    (path,) = paths("Task.for.where(resolve() is Patient)", "reference")
    assert path == MemberPath((Step("for"),), points_to="Patient")


@pytest.mark.parametrize(
    "expression",
    [
        "Bundle.entry[0].resource",
        "Patient",
        "A.b.where(c > 1)",
        "A.value[x].code",
        "A.b[x]",
        "A.b.where(resolve() is B).c",
    ],
)
def test_an_expression_beyond_the_registry_is_refused(expression):
    with pytest.raises(PathUnsupported):
        paths(expression, "token")
