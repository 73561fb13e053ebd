"""What stands in `profiles/` is valid R4, wholly understood, and agrees with the code that names it."""

from pathlib import Path
from typing import Any

import pytest

from careplan.fhir import bindings, models, systems, xhtml
from careplan.fhir.invariant import INVARIANTS
from careplan.fhir.profile import load_definitions, unsupported, validate
from careplan.fhir.text import parse

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "profiles").glob("*.json"))
RESOURCES: dict[str, dict[str, Any]] = {path.stem: parse(path.read_bytes()) for path in FILES}


@pytest.mark.parametrize("name", RESOURCES)
def test_every_definition_is_valid_r4(name: str) -> None:
    resource = RESOURCES[name]
    assert models.faults(resource) + bindings.faults(resource) + xhtml.faults(resource) == []


@pytest.mark.parametrize("name", RESOURCES)
def test_a_file_is_named_after_what_it_holds(name: str) -> None:
    resource = RESOURCES[name]
    assert name == f"{resource['resourceType']}-{resource['id']}"
    assert resource["url"] == f"{systems.CANONICAL}/{resource['resourceType']}/{resource['id']}"


@pytest.mark.parametrize("name", [name for name in RESOURCES if name.startswith("StructureDefinition-")])
def test_every_profile_is_wholly_understood(name: str) -> None:
    definitions = load_definitions(RESOURCES.values())
    assert unsupported(RESOURCES[name], definitions) == []


@pytest.mark.parametrize("name", [name for name in RESOURCES if name.startswith("StructureDefinition-")])
def test_element_ids_and_paths_agree(name: str) -> None:
    for element in RESOURCES[name]["differential"]["element"]:
        assert element["path"] == ".".join(step.partition(":")[0] for step in element["id"].split("."))
        last = element["id"].split(".")[-1]
        assert element.get("sliceName", "") == last.partition(":")[2]


def test_every_system_and_profile_named_in_code_is_defined_here() -> None:
    defined = {resource["url"] for resource in RESOURCES.values()}
    named = {
        value
        for value in vars(systems).values()
        if isinstance(value, str) and value.startswith(systems.CANONICAL + "/")
    }
    made_at_start = {systems.MEASURE, systems.ACTIVITY, systems.CHECK, systems.ADVICE}  # fhir.vocabulary
    made_at_start |= {systems.REFERRAL_PHASE, systems.REFERRAL_REASON, systems.SPECIAL_NEED, systems.MESSAGE_TOPIC}
    made_at_start |= {systems.CONTACT}
    assert named - made_at_start <= defined


def test_every_code_system_is_a_value_set_of_the_same_name() -> None:
    definitions = load_definitions(RESOURCES.values())
    for resource in RESOURCES.values():
        if resource["resourceType"] == "CodeSystem":
            codes = {(resource["url"], concept["code"]) for concept in resource["concept"]}
            assert definitions.value_sets[resource["valueSet"]] == codes
            assert resource["count"] == len(resource["concept"])


def test_every_invariant_of_ours_is_used() -> None:
    used = {
        constraint["key"]
        for resource in RESOURCES.values()
        for element in resource.get("differential", {}).get("element", ())
        for constraint in element.get("constraint", ())
    }
    assert used == {key for key in INVARIANTS if key.startswith("fp-")}


def test_the_reasons_for_an_individual_target_are_danish() -> None:
    displays = {c["code"]: c["display"] for c in RESOURCES["CodeSystem-deviation-reason"]["concept"]}
    assert displays == {
        "hypoglycaemia": "Hypoglykæmi",
        "frailty": "Skrøbelighed",
        "side-effect": "Bivirkning",
        "patient-wish": "Patientens ønske",
        "pregnancy": "Graviditet",
        "other": "Andet",
    }


def test_the_example_of_the_design_keeps_to_the_goal_profile() -> None:
    unit = {"unit": "mmol/mol", "system": systems.UCUM, "code": "mmol/mol"}
    extension = f"{systems.CANONICAL}/StructureDefinition"
    reason = {"coding": [{"system": systems.DEVIATION_REASON, "code": "hypoglycaemia"}]}
    goal = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "HbA1c mellem 53 og 58"},
        "subject": {"reference": "Patient/p1"},
        "extension": [
            {
                "url": f"{extension}/deviation",
                "extension": [
                    {"url": "reason", "valueCodeableConcept": reason},
                    {"url": "author", "valueReference": {"reference": "PractitionerRole/dr1"}},
                    {"url": "validUntil", "valueDate": "2027-11-22"},
                ],
            }
        ],
        "target": [
            {
                "extension": [{"url": f"{extension}/target-kind", "valueCode": "agreed"}],
                "measure": {"coding": [{"system": systems.NPU, "code": "NPU27300"}]},
                "detailRange": {"low": {"value": 53, **unit}, "high": {"value": 58, **unit}},
                "dueDate": "2027-11-22",
            },
            {
                "extension": [
                    {"url": f"{extension}/target-kind", "valueCode": "recommended"},
                    {
                        "url": f"{extension}/recommendation",
                        "extension": [
                            {"url": "row", "valueCode": "HBA1C-11"},
                            {"url": "knowledge", "valueString": "hba1c|2026.1"},
                            {"url": "computedAt", "valueDateTime": "2026-11-22T10:03:00+01:00"},
                            {"url": "basis", "valueReference": {"reference": "Condition/c1"}},
                            {"url": "missing", "valueString": "egfr"},
                            {"url": "provisional", "valueBoolean": True},
                        ],
                    },
                ],
                "measure": {"coding": [{"system": systems.NPU, "code": "NPU27300"}]},
                "detailQuantity": {"value": 48, "comparator": "<", **unit},
            },
        ],
    }
    assert models.faults(goal) == []
    assert validate(goal, load_definitions(RESOURCES.values())) == []
