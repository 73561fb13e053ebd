"""Plans, goals, tasks and provenance written as they are: they stay whose they are, ended, and true of who did it."""

from datetime import timedelta
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.mapping import plan_type_of
from careplan.fhir.outcome import ResourceInvalid
from careplan.interactions.chronicle import read_chronicle
from careplan.interactions.exclusion import ExclusionNeedsReason
from careplan.interactions.sent_plan import PlanEnded
from careplan.interactions.timeline import events

from .conftest import Json, Town, concept


@pytest.fixture
async def planned(town: Town) -> Town:
    await town.call("CarePlan/$establish", subject="Patient/anna", definition="PlanDefinition/diabetes")
    return town


async def plan(town: Town) -> Json:
    return next(one for one in await town.find("CarePlan", patient="anna") if plan_type_of(one) == "diabetes")


async def faults(work: Any) -> list[tuple[str, str]]:
    with pytest.raises(ResourceInvalid) as caught:
        await work
    return [(fault.code, fault.expression) for fault in caught.value.faults]


# ── an ended plan ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ended", ["completed", "revoked", "entered-in-error", "draft", "unknown"])
@pytest.mark.parametrize("status", ["active", "on-hold"])
async def test_a_plan_that_ended_is_not_opened_again_without_its_goals(planned: Town, ended: str, status: str) -> None:
    before = await plan(planned)
    await planned.put({**before, "status": ended}, who="doctor")
    assert await planned.goals() == {}, "whatever it is called, it does not go on"
    with pytest.raises(PlanEnded, match="make a new plan"):
        await planned.put({**before, "status": status}, who="doctor")
    await planned.put({**before, "status": status})


async def test_a_deleted_plan_does_not_come_back_either(planned: Town) -> None:
    before = await plan(planned)
    await planned.delete(f"CarePlan/{before['id']}")
    with pytest.raises(PlanEnded):
        await planned.put(before, who="doctor")


async def test_a_plan_on_hold_goes_on_and_a_draft_begins(planned: Town) -> None:
    before = await plan(planned)
    await planned.put({**before, "status": "on-hold"}, {**before, "status": "active"}, who="doctor")
    other = {**before, "id": "new", "status": "draft", "category": [concept(systems.PLAN_TYPE, "hjerte")]}
    await planned.put(other, {**other, "status": "active"}, who="doctor")


# ── whose it is ──────────────────────────────────────────────────────────────────────────────────


async def test_nothing_agreed_is_moved_to_another_patient(planned: Town) -> None:
    other = {"reference": "Patient/birthe"}
    goal = next(iter((await planned.goals()).values()))
    task = (await planned.find("Task", patient="anna"))[0]
    for value, member in ((await plan(planned), "subject"), (goal, "subject"), (task, "for")):
        moved = planned.put({**value, member: other}, who="doctor")
        assert await faults(moved) == [("patient-altered", f"{value['resourceType']}.{member}")]


async def test_a_plan_names_no_goal_or_activity_of_another_patient(planned: Town) -> None:
    base = {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/birthe"},
    }
    base |= {"category": [concept(systems.PLAN_TYPE, "diabetes")], "period": {"start": "2026-11-22"}}
    goals, activities = (await plan(planned))["goal"][:1], (await plan(planned))["activity"][:1]
    sent = {**base, "goal": goals, "activity": activities}
    places = [("patient-other", "CarePlan.goal[0]"), ("patient-other", "CarePlan.activity[0].reference")]
    assert await faults(planned.post(sent)) == places
    await planned.post(base)


# ── who did it ───────────────────────────────────────────────────────────────────────────────────


def provenance(target: str, who: str = "PractitionerRole/doctor", **more: Any) -> Json:
    agent = {"who": {"reference": who}} | more
    base: Json = {"resourceType": "Provenance", "recorded": "2026-11-22T10:00:00+01:00", "agent": [agent]}
    return base | {"target": [{"reference": target}, {"reference": "Patient/anna"}]}


async def test_everybody_speaks_for_themselves(planned: Town) -> None:
    goal = next(iter((await planned.goals()).values()))
    where = "Provenance.agent[0]"
    other = planned.post(provenance(f"Goal/{goal['id']}", "PractitionerRole/nurse"))
    assert await faults(other) == [("agent-other", f"{where}.who")]
    behalf = planned.post(provenance(f"Goal/{goal['id']}", onBehalfOf={"reference": "Organization/south"}))
    assert await faults(behalf) == [("agent-other", f"{where}.onBehalfOf")]
    await planned.post(provenance(f"Goal/{goal['id']}", onBehalfOf={"reference": "Organization/north"}))


async def test_who_made_a_version_is_the_service_s_to_say(planned: Town) -> None:
    goal = next(iter((await planned.goals()).values()))
    for reference in (f"Goal/{goal['id']}/_history/1", f"https://plan.example/fhir/Goal/{goal['id']}/_history/1"):
        assert await faults(planned.post(provenance(reference))) == [("agent-other", "Provenance.target[0]")]


async def test_the_provenance_of_the_same_commit_tells_who_did_it(planned: Town) -> None:
    goal = next(iter((await planned.goals()).values()))
    planned.now += timedelta(minutes=1)
    await planned.post(provenance(f"Goal/{goal['id']}/_history/1", "PractitionerRole/nurse"), who="system")
    context = planned.as_("doctor")
    told = events(context, await read_chronicle(context, "anna"))
    assert {one.author.reference for one in told if one.reference == f"Goal/{goal['id']}"} == {
        "PractitionerRole/doctor"
    }


# ── plans turned down ────────────────────────────────────────────────────────────────────────────


def declined(plan: str = "PlanDefinition/hjerte", reason: str = "patient-wish", text: str = "", **more: Any) -> Json:
    why = concept(systems.EXCLUSION_REASON, reason) | ({"text": text} if text else {})
    base: Json = {"resourceType": "Task", "status": "rejected", "intent": "proposal", "statusReason": why}
    base |= {"code": concept(systems.ACTIVITY, "tilbud-plan"), "focus": {"reference": plan}}
    return base | {"for": {"reference": "Patient/anna"}, "authoredOn": "2026-11-22T10:00:00+01:00"} | more


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        (declined("PlanDefinition/gigt"), "Task.focus"),
        (declined("ActivityDefinition/hjerte"), "Task.focus"),
        (declined("PlanDefinition/diabetes"), "Task.focus"),
        (declined(authoredOn="2026-11-23T10:00:00+01:00"), "Task.authoredOn"),
        (declined(restriction={"period": {"start": "2026-11-22"}}), "Task.restriction.period"),
    ],
)
async def test_a_task_that_turns_a_plan_down_obeys_what_the_operation_obeys(
    planned: Town, sent: Json, where: str
) -> None:
    assert [place for _, place in await faults(planned.post(sent))] == [where]
    await planned.post(sent, who="system")


@pytest.mark.parametrize(
    ("reason", "text"), [("whim", "x"), ("other", ""), ("other", "\u200b"), ("not-now", "x" * 601)]
)
async def test_a_task_that_turns_a_plan_down_says_why(planned: Town, reason: str, text: str) -> None:
    with pytest.raises(ExclusionNeedsReason):
        await planned.post(declined(reason=reason, text=text))


async def test_what_stands_may_be_sent_back_when_its_day_has_passed(planned: Town) -> None:
    version = await planned.post(declined(restriction={"period": {"start": "2026-12-01"}}))
    planned.later(days=20)
    task = await planned.get(version.reference)
    await planned.put({**task, "note": [{"text": "Set."}]}, who="doctor")
