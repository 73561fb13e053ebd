"""Plan types as PlanDefinitions."""

from typing import Any

import pytest

from careplan.fhir import bindings, models, systems
from careplan.fhir.definition_of_plan import activity_definitions, plan_definition
from careplan.knowledge.load import load_knowledge

KNOWLEDGE = load_knowledge()


def definition(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = plan_definition(KNOWLEDGE.plans[kind], KNOWLEDGE)
    return found


@pytest.mark.parametrize("kind", KNOWLEDGE.plans)
def test_every_plan_type_is_a_valid_plan_definition(kind: str) -> None:
    assert models.faults(definition(kind)) + bindings.faults(definition(kind)) == []


@pytest.mark.parametrize("kind", KNOWLEDGE.plans)
def test_it_names_measures_and_activities_but_no_number(kind: str) -> None:
    resource, plan = definition(kind), KNOWLEDGE.plans[kind]
    assert (resource["url"], resource["version"]) == (f"{systems.CANONICAL}/PlanDefinition/{kind}", plan.version)
    goals = [name for name in plan.follows if KNOWLEDGE.measures[name].goal]
    assert [one["description"]["text"] for one in resource["goal"]] == [KNOWLEDGE.measures[name].name for name in goals]
    details = [target["detailQuantity"] for goal in resource["goal"] for target in goal["target"]]
    assert [one["code"] for one in details] == [KNOWLEDGE.measures[name].ucum for name in goals]
    assert not any({"value", "comparator"} & one.keys() for one in details)
    assert [one["code"][0]["coding"][0]["code"] for one in resource["action"]] == [one.id for one in plan.activities]


def test_an_action_says_who_does_it_and_how_often() -> None:
    actions = {one["code"][0]["coding"][0]["code"]: one for one in definition("diabetes")["action"]}
    assert actions["aarskontrol"]["participant"] == [{"type": "practitioner"}]
    assert actions["motion"]["participant"] == [{"type": "patient"}]
    assert actions["oejenkontrol"]["participant"] == [
        {"type": "patient"},
        {"type": "practitioner", "role": {"text": "Øjenlæge"}},
    ]
    assert actions["oejenkontrol"]["timingTiming"] == {"repeat": {"frequency": 1, "period": 24, "periodUnit": "mo"}}
    assert "timingTiming" not in actions["motion"]


def test_it_is_marked_as_not_for_care_yet_and_names_its_sources() -> None:
    resource = definition("diabetes")
    assert resource["experimental"] is True
    assert resource["reviewer"] == [{"name": "ikke godkendt af en kliniker endnu"}]
    assert resource["relatedArtifact"][0]["type"] == "justification"


@pytest.mark.parametrize("kind", KNOWLEDGE.plans)
def test_every_goal_says_what_it_is_for_and_on_what_it_rests(kind: str) -> None:
    for goal in definition(kind)["goal"]:
        assert goal["category"].keys() & {"coding", "text"}
        assert {one["coding"][0]["system"] for one in goal["addresses"]} <= {systems.ICPC2, systems.SKS_D}
        assert goal["addresses"] and goal["documentation"]


def test_rows_that_no_source_was_checked_against_stand_out() -> None:
    (hba1c,) = [one for one in definition("diabetes")["goal"] if one["id"] == "hba1c"]
    rows = {row.id: row.unverified for row in KNOWLEDGE.guidelines["hba1c"].rows if row.source is not None}
    told = {name: "unverified" in one["label"] for one in hba1c["documentation"] for name in one["label"].split(", ")}
    assert {name: flag for name, flag in told.items() if name in rows} == rows


def test_an_action_names_the_goals_it_is_for() -> None:
    resource = definition("diabetes")
    served = {one["code"][0]["coding"][0]["code"]: one.get("goalId") for one in resource["action"]}
    assert served["blodproeve"] == ["hba1c", "ldl"]
    assert served["hjemmeblodtryk"] == ["sbp", "dbp"]
    assert served["aarskontrol"] == [one["id"] for one in resource["goal"]]


def test_an_action_for_some_says_for_whom_in_words() -> None:
    actions = {one["code"][0]["coding"][0]["code"]: one for one in definition("kol")["action"]}
    (condition,) = actions["rygestop"]["condition"]
    assert condition["kind"] == "applicability"
    assert condition["expression"] == {
        "language": "text/plain",
        "expression": "Kun ved rygning, eller når det ikke vides.",
    }
    assert "condition" not in actions["motion"]


@pytest.mark.parametrize("kind", KNOWLEDGE.plans)
def test_every_activity_is_a_valid_definition_that_the_plan_names(kind: str) -> None:
    found = activity_definitions(KNOWLEDGE.plans[kind], KNOWLEDGE)
    assert [fault for one in found for fault in models.faults(one) + bindings.faults(one)] == []
    named = [one["definitionCanonical"] for one in definition(kind)["action"]]
    assert named == [f"{one['url']}|{one['version']}" for one in found]
    assert [one["code"] for one in found] == [one["code"][0] for one in definition(kind)["action"]]
    assert len({one["id"] for one in found}) == len(found)


def test_an_activity_says_who_does_what_and_how_often() -> None:
    found = {one["id"]: one for one in activity_definitions(KNOWLEDGE.plans["diabetes"], KNOWLEDGE)}
    eyes = found["diabetes-oejenkontrol"]
    assert (eyes["kind"], eyes["intent"], eyes["priority"]) == ("ServiceRequest", "plan", "routine")
    assert found["diabetes-aarskontrol"]["kind"] == "Task"
    assert eyes["timingTiming"] == {"repeat": {"frequency": 1, "period": 24, "periodUnit": "mo"}}
    assert "timingTiming" not in found["diabetes-motion"]
