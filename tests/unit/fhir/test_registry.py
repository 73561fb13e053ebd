"""Rows of the registry, the paths of their expressions, and whose record a resource is part of."""

import pytest

from careplan.fhir import registry
from careplan.fhir.path import Path, PathUnsupported, Step, paths, values


def test_every_expression_of_every_type_carried_over_is_understood():
    for type_name, entries in registry._DATA["types"].items():
        for name, entry in entries.items():
            assert registry._parameter(name, entry).paths, f"{type_name}.{name}"


def test_every_compartment_parameter_is_a_parameter_of_its_type():
    for row in registry.ROWS:
        assert set(row.compartment) <= set(row.parameters), row.name


def test_an_unknown_type_is_named():
    with pytest.raises(registry.TypeUnknown, match="Foo is not a resource type") as caught:
        registry.row("Foo")
    assert caught.value.code == "type-unknown"
    assert not registry.known("patient")


@pytest.mark.parametrize("name", ["PlanDefinition", "StructureDefinition", "CodeSystem", "ValueSet"])
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


@pytest.mark.parametrize("name", ["_text", "_content", "phonetic", "code-value-quantity", "near"])
def test_what_is_not_offered_is_not_registered(name):
    assert all(name not in row.parameters for row in registry.ROWS)


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
        ({"resourceType": "Group", "member": [{"entity": PATIENT}, {"entity": {"reference": "Patient/p2"}}]}, "p1"),
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
    assert path == Path((Step("relatedArtifact", ("type", "depends-on")), Step("resource")))
    resource = {
        "relatedArtifact": [{"type": "depends-on", "resource": "a"}, {"type": "successor", "resource": "b"}, None, "x"]
    }
    assert values(path, resource) == ["a"]


def test_a_where_on_the_type_of_a_reference_is_kept_with_the_path():
    (path,) = paths("Task.for.where(resolve() is Patient)", "reference")
    assert path == Path((Step("for"),), points_to="Patient")


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
