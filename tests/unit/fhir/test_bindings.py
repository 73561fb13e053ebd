"""Codes that R4 fixes are enforced wherever their type occurs."""

import json
from pathlib import Path
from typing import Any

import pytest

from careplan.fhir.bindings import bindings, faults
from careplan.fhir.models import TYPES

TABLE = Path(__file__).resolve().parents[4] / "shared" / "data" / "fhir-r4" / "required-bindings.json"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"


def found(resource: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((fault.expression, fault.code) for fault in faults(resource))


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        ({"resourceType": "Observation", "status": "nope"}, "Observation.status"),
        ({"resourceType": "CarePlan", "status": "nope"}, "CarePlan.status"),
        ({"resourceType": "CarePlan", "intent": "nope"}, "CarePlan.intent"),
        ({"resourceType": "Goal", "lifecycleStatus": "nope"}, "Goal.lifecycleStatus"),
        ({"resourceType": "Patient", "gender": "mand"}, "Patient.gender"),
        ({"resourceType": "Patient", "identifier": [{"use": "nope"}]}, "Patient.identifier[0].use"),
        ({"resourceType": "Patient", "name": [{"use": "nope"}]}, "Patient.name[0].use"),
        ({"resourceType": "Patient", "telecom": [{"system": "nope"}]}, "Patient.telecom[0].system"),
        ({"resourceType": "Patient", "text": {"status": "nope"}}, "Patient.text.status"),
        ({"resourceType": "Patient", "contact": [{"gender": "nope"}]}, "Patient.contact[0].gender"),
        (
            {"resourceType": "Observation", "component": [{"valueQuantity": {"comparator": "=<"}}]},
            "Observation.component[0].valueQuantity.comparator",
        ),
        (
            {"resourceType": "Patient", "extension": [{"url": "x", "valueQuantity": {"comparator": "~"}}]},
            "Patient.extension[0].valueQuantity.comparator",
        ),
        (
            {"resourceType": "CarePlan", "activity": [{"detail": {"status": "nope"}}]},
            "CarePlan.activity[0].detail.status",
        ),
        (
            {"resourceType": "Patient", "contained": [{"resourceType": "Goal", "lifecycleStatus": "nope"}]},
            "Patient.contained[0].lifecycleStatus",
        ),
        (
            {"resourceType": "Questionnaire", "item": [{"item": [{"type": "nope"}]}]},
            "Questionnaire.item[0].item[0].type",
        ),
        ({"resourceType": "Condition", "clinicalStatus": {"text": "aktiv"}}, "Condition.clinicalStatus"),
        (
            {"resourceType": "Condition", "clinicalStatus": {"coding": [{"system": "other", "code": "active"}]}},
            "Condition.clinicalStatus",
        ),
        (
            {"resourceType": "Condition", "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "aktiv"}]}},
            "Condition.clinicalStatus",
        ),
        ({"resourceType": "Condition", "clinicalStatus": {"coding": "x"}}, "Condition.clinicalStatus"),
    ],
)
def test_a_code_outside_its_set_is_named(resource: dict[str, Any], place: str) -> None:
    assert found(resource) == [(place, "code-invalid")]


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Observation", "status": "final"},
        {
            "resourceType": "Condition",
            "clinicalStatus": {"coding": [{"code": "x"}, {"system": CLINICAL, "code": "active"}]},
        },
        {"resourceType": "Condition", "clinicalStatus": {"extension": [{"url": "x", "valueCode": "unknown"}]}},
        {"resourceType": "Observation", "_status": {"extension": [{"url": "x", "valueCode": "unknown"}]}},
        {"resourceType": "Observation", "status": 7},
        {"resourceType": "Foo", "status": "nope"},
    ],
)
def test_a_code_of_the_set_and_what_is_no_code_pass(resource: dict[str, Any]) -> None:
    assert found(resource) == []


@pytest.mark.skipif(not TABLE.exists(), reason="the table of R4 is not beside this repository")
def test_the_table_is_that_of_r4_for_our_types_and_the_data_types() -> None:
    theirs = json.loads(TABLE.read_bytes())
    sets = {
        frozenset(theirs["valueSets"][b["valueSet"]]) for b in theirs["bindings"] if b["path"].split(".")[0] in TYPES
    }
    mine = bindings()
    assert sets <= {bound.codes for bound in mine.values()}
    assert len(mine) >= len({b["path"] for b in theirs["bindings"] if b["path"].split(".")[0] in TYPES})
    for bound in mine.values():
        assert bound.codes == frozenset(theirs["valueSets"][bound.value_set])
