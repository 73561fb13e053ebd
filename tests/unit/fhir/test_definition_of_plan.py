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
    assert not any("detail" in name for goal in resource["goal"] for target in goal["target"] for name in target)
    assert [one["code"][0]["coding"][0]["code"] for one in resource["action"]] == [one.id for one in plan.activities]


def test_an_action_says_who_does_it_and_how_often() -> None:
    actions = {one["code"][0]["coding"][0]["code"]: one for one in definition("diabetes")["action"]}
    assert actions["aarskontrol"]["participant"] == [{"type": "practitioner"}]
    assert actions["blodproeve"]["participant"] == [{"type": "patient"}]
    assert actions["oejenkontrol"]["timingTiming"] == {"repeat": {"frequency": 1, "period": 24, "periodUnit": "mo"}}
    assert "timingTiming" not in actions["motion"]


def test_it_is_marked_as_not_for_care_yet_and_names_its_sources() -> None:
    resource = definition("diabetes")
    assert resource["experimental"] is True
    assert resource["reviewer"] == [{"name": "ikke godkendt af en kliniker endnu"}]
    assert resource["relatedArtifact"][0]["type"] == "justification"


@pytest.mark.parametrize("kind", KNOWLEDGE.plans)
def test_every_activity_is_a_valid_definition_that_the_plan_names(kind: str) -> None:
    found = activity_definitions(KNOWLEDGE.plans[kind])
    assert [fault for one in found for fault in models.faults(one) + bindings.faults(one)] == []
    named = [one["definitionCanonical"] for one in definition(kind)["action"]]
    assert named == [f"{one['url']}|{one['version']}" for one in found]
    assert [one["code"] for one in found] == [one["code"][0] for one in definition(kind)["action"]]
    assert len({one["id"] for one in found}) == len(found)


def test_an_activity_says_who_does_what_and_how_often() -> None:
    found = {one["id"]: one for one in activity_definitions(KNOWLEDGE.plans["diabetes"])}
    eyes = found["diabetes-oejenkontrol"]
    assert (eyes["kind"], eyes["intent"], eyes["participant"]) == ("Task", "plan", [{"type": "patient"}])
    assert eyes["timingTiming"] == {"repeat": {"frequency": 1, "period": 24, "periodUnit": "mo"}}
    assert "timingTiming" not in found["diabetes-motion"]
