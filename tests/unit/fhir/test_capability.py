"""The CapabilityStatement says what the registry says."""

import pytest

from careplan.fhir import registry
from careplan.fhir.capability import Offer, capability_statement
from careplan.fhir.definition_of_operation import operation_url
from careplan.fhir.search import parse

BASE = "https://us.example/fhir"


def statement(**options):
    return capability_statement(BASE, version="0.1.0", date="2026-11-22", **options)


def listed(name, **options):
    return next(one for one in statement(**options)["rest"][0]["resource"] if one["type"] == name)


def test_it_is_an_instance_of_r4():
    found = statement()
    assert (found["kind"], found["fhirVersion"], found["status"]) == ("instance", "4.0.1", "active")
    assert found["implementation"]["url"] == BASE
    assert [one["code"] for one in found["rest"][0]["interaction"]] == ["transaction", "batch"]
    assert "interaction" not in statement(offer=Offer(system=()))["rest"][0]


def test_every_row_is_listed_once_with_its_interactions():
    resources = statement()["rest"][0]["resource"]
    assert [one["type"] for one in resources] == [row.name for row in registry.ROWS]
    for one in resources:
        assert {entry["code"] for entry in one["interaction"]} == registry.row(one["type"]).interactions


@pytest.mark.parametrize("row", registry.ROWS, ids=lambda row: row.name)
def test_everything_listed_is_understood_by_search(row):
    resource = listed(row.name)
    for parameter in resource["searchParam"]:
        parse(row.name, [(f"{parameter['name']}:missing", "true")], strict=True, base=BASE)
    for include in resource.get("searchInclude", ()):
        parse(row.name, [("_include", include)], strict=True, base=BASE)
    for include in resource.get("searchRevInclude", ()):
        parse(row.name, [("_revinclude", include)], strict=True, base=BASE)


def test_parameters_have_their_type_of_r4():
    types = {one["name"]: one["type"] for one in listed("CarePlan")["searchParam"]}
    assert types["_id"] == "token"
    assert types["instantiates-canonical"] == "reference"
    assert types["date"] == "date"
    assert "CarePlan:instantiates-canonical" not in listed("CarePlan")["searchInclude"]


def test_what_is_read_only_is_said_to_be():
    found = listed("PlanDefinition", offer=Offer(conditional_update=True, conditional_delete="single"))
    assert (found["versioning"], found["updateCreate"], found["conditionalCreate"]) == ("versioned", False, False)
    assert (found["conditionalUpdate"], found["conditionalDelete"]) == (False, "not-supported")


def test_conditions_are_those_offered():
    found = listed("Goal", offer=Offer(conditional_update=True, conditional_delete="single"))
    assert (found["conditionalCreate"], found["conditionalUpdate"], found["conditionalDelete"]) == (
        True,
        True,
        "single",
    )
    assert (found["versioning"], found["updateCreate"], found["readHistory"]) == ("versioned-update", True, True)
    assert listed("Goal")["conditionalUpdate"] is False


def test_operations_have_a_definition():
    assert {"name": "establish", "definition": operation_url("CarePlan", "establish")} in listed("CarePlan")[
        "operation"
    ]
    assert [one["name"] for one in listed("Task")["operation"]] == ["validate"]
    assert "operation" not in statement()["rest"][0]
    (export,) = statement(offer=Offer(operations=("export",)))["rest"][0]["operation"]
    assert export == {"name": "export", "definition": "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"}


def test_parameters_have_the_definition_of_hl7():
    found = {one["name"]: one["definition"].rpartition("/")[2] for one in listed("Task")["searchParam"]}
    assert (found["patient"], found["_id"]) == ("Task-patient", "Resource-id")
    assert {one["name"]: one["definition"] for one in listed("Goal")["searchParam"]}["patient"] == (
        "http://hl7.org/fhir/SearchParameter/clinical-patient"
    )


def test_what_stands_above_the_types_is_said_where_it_is_offered():
    (rest,) = statement(offer=Offer(system=("search-system",), compartments=("Patient",)))["rest"]
    assert {one["name"] for one in rest["searchParam"]} == set(registry._DATA["common"])
    assert rest["compartment"] == ["http://hl7.org/fhir/CompartmentDefinition/patient"]
    assert not {"searchParam", "operation", "compartment"} & statement()["rest"][0].keys()
    assert statement(offer=Offer(patch_formats=("application/json-patch+json",)))["patchFormat"] == [
        "application/json-patch+json"
    ]
    assert "patchFormat" not in statement()


def test_profiles_are_taken_as_given():
    assert listed("Goal", profiles={"Goal": ["http://p"]})["supportedProfile"] == ["http://p"]
    assert "supportedProfile" not in listed("Goal")
