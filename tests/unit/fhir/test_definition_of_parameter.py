"""Search parameters as SearchParameters: valid, one for each definition of HL7, and true to how they are asked."""

from typing import Any

import pytest

from careplan.fhir import bindings, models
from careplan.fhir.definition_of_parameter import parameter_url, search_parameters
from careplan.fhir.registry import ROWS
from careplan.fhir.systems import CANONICAL

FOUND: dict[str, dict[str, Any]] = {one["id"]: one for one in search_parameters("1")}


def test_every_search_parameter_is_valid_r4() -> None:
    assert [fault for one in FOUND.values() for fault in models.faults(one) + bindings.faults(one)] == []


@pytest.mark.parametrize(
    ("type_name", "name", "id"),
    [
        ("Patient", "_id", "Resource-id"),
        ("Patient", "name", "Patient-name"),
        ("Patient", "gender", "individual-gender"),
        ("RelatedPerson", "patient", "RelatedPerson-patient"),
        ("Organization", "phonetic", "Organization-phonetic"),
        ("PractitionerRole", "email", "individual-email"),
        ("CarePlan", "patient", "clinical-patient"),
        ("Task", "patient", "Task-patient"),
        ("Condition", "encounter", "Condition-encounter"),
        ("Encounter", "date", "clinical-date"),
        ("Goal", "target-date", "Goal-target-date"),
        ("Immunization", "date", "clinical-date"),
        ("MedicationStatement", "status", "medications-status"),
        ("ValueSet", "url", "conformance-url"),
        ("PlanDefinition", "url", "PlanDefinition-url"),
        ("Questionnaire", "title", "Questionnaire-title"),
    ],
)
def test_a_parameter_has_the_canonical_that_hl7_gave_it(type_name: str, name: str, id: str) -> None:
    assert parameter_url(type_name, name) == f"http://hl7.org/fhir/SearchParameter/{id}"
    assert type_name in FOUND[id]["base"]
    assert FOUND[id]["derivedFrom"] == f"http://hl7.org/fhir/SearchParameter/{id}"


def test_every_parameter_of_every_row_is_in_exactly_one() -> None:
    published = [(base, one["code"]) for one in FOUND.values() for base in one["base"]]
    assert len(published) == len(set(published))
    assert set(published) == {(row.name, name) for row in ROWS for name in row.parameters}


def test_one_of_many_types_says_where_each_has_its_values() -> None:
    shared = FOUND["clinical-patient"]
    assert shared["target"] == ["Patient"]
    assert "CarePlan.subject.where(resolve() is Patient) | " in shared["expression"]
    assert "Immunization.patient" in shared["expression"].split(" | ")


def test_comparators_and_modifiers_are_those_of_the_kind() -> None:
    assert {"ge", "sa", "ap"} <= set(FOUND["Patient-death-date"]["comparator"])
    assert "comparator" not in FOUND["Patient-name"]
    assert FOUND["Patient-name"]["modifier"] == ["contains", "exact", "missing"]
    assert "type" in FOUND["CarePlan-goal"]["modifier"]
    assert "ofType" in FOUND["Patient-identifier"]["modifier"]


def test_a_composite_names_the_definitions_of_its_parts() -> None:
    parts = FOUND["Observation-code-value-quantity"]["component"]
    assert [one["definition"].rpartition("/")[2] for one in parts] == ["clinical-code", "Observation-value-quantity"]
    assert parts[1]["expression"] == "value.as(Quantity)"


def test_a_parameter_of_our_own_is_derived_from_none_and_says_what_it_finds() -> None:
    own = FOUND["Goal-deviation-until"]
    assert own["url"] == parameter_url("Goal", "deviation-until") == f"{CANONICAL}/SearchParameter/Goal-deviation-until"
    assert "derivedFrom" not in own and "individual target" in own["description"]
    assert (own["type"], own["base"]) == ("date", ["Goal"])
