"""A plan that is turned down: the life of an exclusion, from the list and back to it."""

import asyncio
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.criterion import ParameterInvalid
from careplan.interactions.access import Forbidden
from careplan.interactions.exclusion import ExclusionNeedsReason
from careplan.interactions.operations.asked import ParameterFaulty
from careplan.interactions.singular import ExclusionExists, PlanExists
from careplan.store.protocol import NotFound

from .conftest import Json, Town, concept

WISH: dict[str, Any] = {"plan_type": "diabetes", "reason": concept(systems.EXCLUSION_REASON, "patient-wish")}


async def listed(town: Town, **asked: Any) -> list[tuple[str, str, str]]:
    """(patient, plan type, state) of everybody that `$eligible` lists."""
    bundle = await town.call("Patient/$eligible", **asked)
    return [
        (entry["resource"]["id"], *(part(one, url)["valueCode"] for url in ("plan", "state")))
        for entry in bundle.get("entry", ())
        for one in entry["search"]["extension"]
    ]


def part(extension: Json, url: str) -> Json:
    (found,) = [one for one in extension["extension"] if one["url"] == url]
    return dict(found)


async def exclude(town: Town, who: str = "doctor", of: str = "anna", **asked: Any) -> Json:
    return await town.call("Patient/$exclude", of, who, **{**WISH, **asked})


async def test_who_says_no_leaves_the_list_of_that_plan_alone(town: Town) -> None:
    assert await listed(town) == [("anna", "diabetes", "new"), ("anna", "hjerte", "new")]
    task = await exclude(town, text="Har talt om det i dag")
    assert (task["resourceType"], task["status"], task["focus"]) == (
        "Task",
        "rejected",
        {"reference": "PlanDefinition/diabetes"},
    )
    assert await listed(town) == [("anna", "hjerte", "new")]


async def test_the_excluded_are_told_with_the_reason_to_those_who_ask(town: Town) -> None:
    task = await exclude(town, text="Har talt om det i dag", until="2027-03-01")
    bundle = await town.call("Patient/$eligible", state="excluded")
    (entry,) = bundle["entry"]
    (why,) = entry["search"]["extension"]
    assert part(why, "state")["valueCode"] == "excluded"
    assert part(why, "excluded")["valueReference"] == {"reference": f"Task/{task['id']}"}
    assert part(why, "reason")["valueCodeableConcept"] == {**WISH["reason"], "text": "Har talt om det i dag"}
    assert part(why, "until")["valueDate"] == "2027-03-01"


@pytest.mark.parametrize(("days", "state"), [(0, "excluded"), (8, "excluded"), (9, "new"), (10, "new")])
async def test_on_the_day_to_ask_again_the_patient_is_back(town: Town, days: int, state: str) -> None:
    await exclude(town, until="2026-12-01")
    town.later(days=days)
    assert await listed(town, plan_type="diabetes", state=state) == [("anna", "diabetes", state)]


async def test_after_that_day_it_can_be_turned_down_again(town: Town) -> None:
    await exclude(town, until="2026-12-01")
    town.later(days=9)
    await exclude(town)
    assert await listed(town, state="excluded") == [("anna", "diabetes", "excluded")]
    assert len(await town.find("Task", patient="anna")) == 2


async def test_it_can_be_taken_back_and_stays_on_record(town: Town) -> None:
    task = await exclude(town)
    ended = await town.call("Patient/$end-exclusion", "anna", plan_type="diabetes")
    assert (ended["id"], ended["status"]) == (task["id"], "cancelled")
    assert ended["statusReason"] == task["statusReason"]
    assert ("anna", "diabetes", "new") in await listed(town)
    with pytest.raises(NotFound):
        await town.call("Patient/$end-exclusion", "anna", plan_type="diabetes")


async def test_making_the_plan_ends_the_exclusion_in_the_same_commit(town: Town) -> None:
    task = await exclude(town)
    before = len(await town.everything())
    await town.call("CarePlan/$establish", subject="Patient/anna", definition=["PlanDefinition/diabetes"])
    assert (await town.get(f"Task/{task['id']}"))["status"] == "completed"
    made = (await town.everything())[before:]
    proof = await town.find("Provenance", target=f"Task/{task['id']}")
    assert (f"Task/{task['id']}", 2) in made and len([one for one in made if one[0].startswith("Provenance")]) == 1
    assert proof
    assert await listed(town, state="excluded") == []


async def test_a_plan_that_is_put_there_ends_it_too_and_one_of_another_type_does_not(town: Town) -> None:
    task = await exclude(town)
    plan: Json = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "period": {"start": "2026-11-22"}}
    plan["subject"] = {"reference": "Patient/anna"}
    await town.put({**plan, "id": "h", "category": [concept(systems.PLAN_TYPE, "hjerte")]})
    assert (await town.get(f"Task/{task['id']}"))["status"] == "rejected"
    await town.put({**plan, "id": "d", "category": [concept(systems.PLAN_TYPE, "diabetes")]})
    assert (await town.get(f"Task/{task['id']}"))["status"] == "completed"


async def test_one_exclusion_of_a_plan_at_a_time_however_it_is_written(town: Town) -> None:
    task = await exclude(town)
    with pytest.raises(ExclusionExists):
        await exclude(town, reason="unsuited")
    with pytest.raises(ExclusionExists):
        await town.post({name: value for name, value in task.items() if name not in ("id", "meta")})
    await exclude(town, plan_type="hjerte")


async def test_of_two_at_the_same_moment_one_is_kept(town: Town) -> None:
    both = await asyncio.gather(*(exclude(town) for _ in range(2)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in both) == ["ExclusionExists", "dict"]
    assert len(await town.find("Task", patient="anna", status="rejected")) == 1


async def test_at_the_moment_a_plan_is_made_no_exclusion_is_left_open(town: Town) -> None:
    made = town.call("CarePlan/$establish", subject="Patient/anna", definition=["PlanDefinition/diabetes"])
    results = await asyncio.gather(made, exclude(town), return_exceptions=True)
    assert not isinstance(results[0], BaseException)
    assert isinstance(results[1], dict | PlanExists)
    assert await town.find("Task", patient="anna", status="rejected") == []


async def test_a_plan_that_there_is_cannot_be_turned_down(town: Town) -> None:
    await town.call("CarePlan/$establish", subject="Patient/anna", definition=["PlanDefinition/diabetes"])
    with pytest.raises(PlanExists):
        await exclude(town)


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"reason": "because"}, ExclusionNeedsReason),
        ({"reason": {}}, ExclusionNeedsReason),
        ({"reason": {"coding": "odd"}}, ExclusionNeedsReason),
        ({"reason": "other", "text": "  "}, ExclusionNeedsReason),
        ({"plan_type": "gigt"}, ParameterFaulty),
        ({"until": "2026-11-22"}, ParameterFaulty),
    ],
)
async def test_what_lacks_a_reason_or_makes_no_sense_is_refused(
    town: Town, asked: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await exclude(town, **asked)
    assert await town.find("Task", patient="anna") == []


@pytest.mark.parametrize("who", ["stranger", "anna", "lps", "visitator", "statistics"])
async def test_only_the_clinic_of_the_patient_turns_a_plan_down_or_takes_it_back(town: Town, who: str) -> None:
    with pytest.raises(Forbidden):
        await exclude(town, who)
    await exclude(town)
    with pytest.raises(Forbidden):
        await town.call("Patient/$end-exclusion", "anna", who, plan_type="diabetes")


async def test_a_municipality_writes_no_such_task_itself(open_town: Town) -> None:
    task = await exclude(open_town)
    bare = {name: value for name, value in task.items() if name not in ("id", "meta")}
    with pytest.raises(Forbidden, match="entered by the clinic"):
        await open_town.post({**bare, "owner": {"reference": "Organization/town"}}, who="visitator")


async def test_the_list_of_a_day_before_knows_nothing_of_it(town: Town) -> None:
    await exclude(town)
    assert ("anna", "diabetes", "new") in await listed(town, on="2026-11-21")


async def test_pages_of_the_excluded_go_on_where_the_last_one_ended(town: Town) -> None:
    await exclude(town)
    with pytest.raises(ParameterInvalid):
        await town.call("Patient/$eligible", state="excluded", _page="bm90LW91cnM")
