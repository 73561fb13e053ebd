"""Our operations as OperationDefinitions: each described, each valid."""

from typing import Any

from careplan.fhir import bindings, models
from careplan.fhir.definition_of_operation import DESCRIBED, STANDARD, operation_definitions, operation_url
from careplan.fhir.registry import ROWS

FOUND: dict[str, dict[str, Any]] = {one["id"]: one for one in operation_definitions("1")}


def test_every_operation_of_the_registry_is_described_or_hl7_s() -> None:
    named = {(row.name, name) for row in ROWS for names in row.operations.values() for name in names}
    ours = {one for one in named if one not in STANDARD and one[1] != "validate"}
    assert ours == set(DESCRIBED)
    assert {f"{type_name}-{name}" for type_name, name in ours} == set(FOUND)


def test_every_operation_definition_is_valid_r4() -> None:
    assert [fault for one in FOUND.values() for fault in models.faults(one) + bindings.faults(one)] == []


def test_it_says_at_which_level_and_whether_the_record_changes() -> None:
    establish, overview = FOUND["CarePlan-establish"], FOUND["Patient-overview"]
    assert (establish["type"], establish["instance"], establish["affectsState"]) == (True, False, True)
    assert (overview["type"], overview["instance"], overview["affectsState"]) == (False, True, False)
    assert [one["name"] for one in establish["parameter"]] == ["subject", "definition", "exclude", "reason", "return"]
    assert establish["parameter"][0]["targetProfile"] == ["http://hl7.org/fhir/StructureDefinition/Patient"]


def test_canonicals_are_ours_or_those_of_hl7() -> None:
    assert operation_url("Goal", "validate") == "http://hl7.org/fhir/OperationDefinition/Resource-validate"
    assert operation_url("PlanDefinition", "apply") == "http://hl7.org/fhir/OperationDefinition/PlanDefinition-apply"
    assert operation_url("Group", "export") == "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export"
    assert operation_url("Patient", "eligible") == FOUND["Patient-eligible"]["url"]
