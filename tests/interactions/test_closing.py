"""A plan is closed: what only it needed ends with it, what another plan needs stays, whoever else writes meanwhile."""

from dataclasses import replace
from decimal import Decimal
from functools import partial

import pytest
from overtaken import Work, overtaken

from careplan.fhir.agreed import activity_of, is_open, reference_of
from careplan.fhir.goal import AGREED, find_target, is_active
from careplan.fhir.mapping import plan_type_of
from careplan.interactions.operations.individual_target import set_target
from careplan.interactions.operations.wanted import Wanted

from .conftest import Json, Town, condition, hba1c, referral


@pytest.fixture
async def planned(town: Town) -> Town:
    """Anna with a diabetes plan and a KOL plan."""
    await town.put(condition("anna-kol", "R95", "2025-01-01"))
    for kind in ("diabetes", "kol"):
        await town.call("CarePlan/$establish", subject="Patient/anna", definition=f"PlanDefinition/{kind}")
    return town


async def plan(town: Town, kind: str) -> Json:
    return next(one for one in await town.find("CarePlan", patient="anna") if plan_type_of(one) == kind)


async def to_do(town: Town) -> dict[str, Json]:
    """Open Tasks and orders by activity."""
    found = [*await town.find("Task", patient="anna"), *await town.find("ServiceRequest", patient="anna")]
    return {str(activity_of(one)): one for one in found if is_open(one)}


def wanted(plan: Json) -> set[str]:
    agreed = {str(one["reference"]["reference"]) for one in plan["activity"]}
    return agreed | {str(one["reference"]) for one in plan["goal"]}


async def alive(town: Town) -> set[str]:
    """References of active Goals, open Tasks and open orders."""
    goals = {f"Goal/{one['id']}" for one in await town.find("Goal", patient="anna") if is_active(one)}
    return goals | {reference_of(one) for one in (await to_do(town)).values()}


@pytest.mark.parametrize("status", ["completed", "revoked", "entered-in-error"])
async def test_what_only_the_closed_plan_needed_ends_and_the_rest_stays(planned: Town, status: str) -> None:
    diabetes, kol = await plan(planned, "diabetes"), await plan(planned, "kol")
    before = {one.reference: one.number for one in await planned.house.store.changes(0, 100_000)}
    await planned.put({**diabetes, "status": status}, who="doctor")
    assert await alive(planned) == wanted(kol)
    assert (await planned.goals()).keys() & {"HbA1c", "LDL-kolesterol"} == set()
    after = {one.reference: one.number for one in await planned.house.store.changes(0, 100_000)}
    assert {name: after[name] for name in wanted(kol)} == {name: before[name] for name in wanted(kol)}


async def test_goals_are_completed_tasks_cancelled_and_orders_revoked_with_a_word_on_why(planned: Town) -> None:
    await planned.put({**await plan(planned, "diabetes"), "status": "completed"}, who="doctor")
    goals = {one["target"][0]["measure"]["text"]: one for one in await planned.find("Goal", patient="anna")}
    assert (goals["HbA1c"]["lifecycleStatus"], goals["HbA1c"]["statusDate"]) == ("completed", "2026-11-22")
    tasks = {activity_of(one): one for one in await planned.find("Task", patient="anna")}
    assert tasks["hjemmeblodtryk"]["status"] == "cancelled"
    assert tasks["hjemmeblodtryk"]["statusReason"]["text"].startswith("Planen er afsluttet")
    orders = {activity_of(one): one for one in await planned.find("ServiceRequest", patient="anna")}
    assert (orders["oejenkontrol"]["status"], orders["spirometri"]["status"]) == ("revoked", "active")


async def test_it_is_one_commit_with_one_provenance(planned: Town) -> None:
    position = (await planned.house.store.changes(0, 100_000))[-1].position
    await planned.put({**await plan(planned, "diabetes"), "status": "completed"}, who="doctor")
    fresh = await planned.house.store.changes(position)
    assert [one.type for one in fresh].count("Provenance") == 1
    assert {"CarePlan", "Goal", "Task", "ServiceRequest"} <= {one.type for one in fresh}


async def test_a_transaction_and_a_deletion_close_a_plan_too(planned: Town) -> None:
    diabetes, kol = await plan(planned, "diabetes"), await plan(planned, "kol")
    closed = {**kol, "status": "completed"}
    request = {"method": "PUT", "url": f"CarePlan/{kol['id']}"}
    await planned.bundle({"resource": closed, "request": request})
    assert await alive(planned) == wanted(diabetes)
    await planned.delete(f"CarePlan/{diabetes['id']}")
    assert await alive(planned) == set()


async def test_a_plan_on_hold_keeps_what_it_needs(planned: Town) -> None:
    diabetes, kol = await plan(planned, "diabetes"), await plan(planned, "kol")
    await planned.put({**diabetes, "status": "on-hold"}, who="doctor")
    await planned.put({**kol, "status": "completed"}, who="doctor")
    assert await alive(planned) == wanted(diabetes)


async def test_another_change_of_a_plan_ends_nothing(planned: Town) -> None:
    before = await alive(planned)
    await planned.put({**await plan(planned, "diabetes"), "title": "Annas plan"}, who="doctor")
    assert await alive(planned) == before


async def test_what_the_same_transaction_writes_is_left_to_it(planned: Town) -> None:
    diabetes = await plan(planned, "diabetes")
    goal = (await planned.goals())["HbA1c"]
    kept = {**goal, "note": [{"text": "Følges uden plan"}]}
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in ({**diabetes, "status": "completed"}, kept)
    ]
    await planned.bundle(*entries)
    assert (await planned.goals())["HbA1c"]["note"] == kept["note"]


async def test_a_plan_replaced_in_one_transaction_keeps_the_goals_the_new_one_names(planned: Town) -> None:
    diabetes = await plan(planned, "diabetes")
    fresh = {name: part for name, part in diabetes.items() if name not in ("id", "meta")}
    put = {"method": "PUT", "url": f"CarePlan/{diabetes['id']}"}
    before = await alive(planned)
    await planned.bundle(
        {"resource": {**diabetes, "status": "completed"}, "request": put},
        {"resource": fresh, "request": {"method": "POST", "url": "CarePlan"}},
    )
    assert await alive(planned) == before


async def test_a_value_that_comes_with_the_closing_does_not_bring_its_goal_back(planned: Town) -> None:
    diabetes = await plan(planned, "diabetes")
    put = {"method": "PUT", "url": f"CarePlan/{diabetes['id']}"}
    await planned.bundle(
        {"resource": {**diabetes, "status": "completed"}, "request": put},
        {"resource": hba1c(66), "request": {"method": "POST", "url": "Observation"}},
    )
    assert "HbA1c" not in await planned.goals()


async def test_an_individual_target_that_another_plan_needs_stays_as_it_is(planned: Town) -> None:
    goal = (await planned.goals())["BMI"]
    wish = Wanted(None, Decimal(32), False, "patient-wish", "Vil ikke tabe sig", None)
    stored = await set_target(planned.as_("doctor"), goal["id"], wish)
    await planned.put({**await plan(planned, "diabetes"), "status": "completed"}, who="doctor")
    after = (await planned.goals())["BMI"]
    assert int(after["meta"]["versionId"]) == stored.number
    assert (find_target(after, AGREED) or pytest.fail("nothing is agreed")).high == 32


async def test_what_matters_to_the_patient_and_a_referral_with_its_case_are_not_the_plan_s_to_end(
    planned: Town,
) -> None:
    wish: Json = {
        "resourceType": "Goal",
        "id": "wish",
        "lifecycleStatus": "active",
        "description": {"text": "Gå til vandet med mine børnebørn"},
        "subject": {"reference": "Patient/anna"},
    }
    case: Json = {
        "resourceType": "Task",
        "id": "case",
        "status": "accepted",
        "intent": "order",
        "basedOn": [{"reference": "ServiceRequest/r1"}],
        "focus": {"reference": "ServiceRequest/r1"},
        "for": {"reference": "Patient/anna"},
    }
    await planned.put(wish, referral("r1"), case)
    diabetes = await plan(planned, "diabetes")
    diabetes = {
        **diabetes,
        "goal": [*diabetes["goal"], {"reference": "Goal/wish"}],
        "activity": [
            *diabetes["activity"],
            {"reference": {"reference": "ServiceRequest/r1"}},
            {"reference": {"reference": "Task/case"}},
        ],
    }
    await planned.put(diabetes, who="doctor")
    await planned.put({**await plan(planned, "diabetes"), "status": "completed"}, who="doctor")
    assert (await planned.get("Goal/wish"))["lifecycleStatus"] == "active"
    assert (await planned.get("ServiceRequest/r1"))["status"] == "active"
    assert (await planned.get("Task/case"))["status"] == "accepted"


def late(town: Town, work: Work) -> Town:
    """The town for one whose first commit comes just after somebody else's work."""
    return replace(town, house=overtaken(town.house, work))


async def close(town: Town, plan: Json) -> None:
    await town.put({**plan, "status": "completed"}, who="doctor")


async def make_heart(town: Town) -> None:
    await town.call("CarePlan/$establish", subject="Patient/anna", definition="PlanDefinition/hjerte")


async def test_two_plans_closed_at_once_leave_nothing_that_each_thought_the_other_needed(planned: Town) -> None:
    diabetes, kol = await plan(planned, "diabetes"), await plan(planned, "kol")
    await close(late(planned, partial(close, planned, kol)), diabetes)
    assert await alive(planned) == set()


async def test_a_closing_that_another_plan_overtakes_keeps_what_that_one_shares(planned: Town) -> None:
    diabetes = await plan(planned, "diabetes")
    await close(late(planned, partial(make_heart, planned)), diabetes)
    assert await alive(planned) == wanted(await plan(planned, "hjerte")) | wanted(await plan(planned, "kol"))


async def test_a_plan_that_a_closing_overtakes_has_every_goal_and_order_it_names(planned: Town) -> None:
    diabetes = await plan(planned, "diabetes")
    await make_heart(late(planned, partial(close, planned, diabetes)))
    assert await alive(planned) == wanted(await plan(planned, "hjerte")) | wanted(await plan(planned, "kol"))


@pytest.mark.parametrize(
    ("type_name", "ended"),
    [
        ("Goal", {"lifecycleStatus": "completed"}),
        ("Task", {"status": "completed"}),
        ("ServiceRequest", {"status": "completed"}),
    ],
)
async def test_a_plan_made_while_something_it_shares_is_ended_gets_its_own(
    planned: Town, type_name: str, ended: Json
) -> None:
    shared = [one for one in wanted(await plan(planned, "diabetes")) if one.startswith(f"{type_name}/")]
    gone = [{**await planned.get(one), **ended} for one in shared]
    await make_heart(late(planned, partial(planned.put, *gone)))
    assert wanted(await plan(planned, "hjerte")) <= await alive(planned)


async def test_a_goal_that_is_agreed_anew_while_its_plan_is_closed_ends_as_it_then_is(planned: Town) -> None:
    diabetes, goal = await plan(planned, "diabetes"), (await planned.goals())["LDL-kolesterol"]
    wish = Wanted(None, Decimal(2), False, "patient-wish", "Vil have færre piller", None)
    await close(late(planned, partial(set_target, planned.as_("doctor"), goal["id"], wish)), diabetes)
    ended = await planned.get(f"Goal/{goal['id']}")
    assert ended["lifecycleStatus"] == "completed"
    assert (find_target(ended, AGREED) or pytest.fail("nothing is agreed")).high == 2
