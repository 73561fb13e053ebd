"""$apply, $establish, $recommended-targets: what is shown, what is made, what is shared, and two clinics at once."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from recommended import said

from careplan.domain.errors import CareplanError
from careplan.fhir import systems
from careplan.fhir.agreed import activity_of, is_open
from careplan.fhir.goal import AGREED, RECOMMENDED, achievement_of, find_target
from careplan.fhir.mapping import plan_type_of
from careplan.interactions.access import Forbidden
from careplan.interactions.operations.asked import ParameterFaulty
from careplan.interactions.operations.establish import (
    ExcludeNeedsReason,
    NotEligible,
    PlanEmpty,
    make_plans,
    offered,
    preview,
)
from careplan.interactions.operations.individual_target import set_target
from careplan.interactions.operations.wanted import Wanted
from careplan.interactions.person import PLAN_TYPES, read_person
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.singular import GoalExists, PlanExists
from careplan.store.protocol import Deleted

from .conftest import Json, Town, concept, condition, hba1c, measured, patient

DIABETES = {"HbA1c", "Systolisk blodtryk", "Diastolisk blodtryk", "LDL-kolesterol", "BMI", "Rygning", "Alkohol"}


async def establish(town: Town, *types: str, of: str = "anna", who: str = "doctor", **more: Any) -> Json:
    definitions = [f"PlanDefinition/{one}" for one in types]
    return await town.call("CarePlan/$establish", who=who, subject=f"Patient/{of}", definition=definitions, **more)


async def plans(town: Town, of: str = "anna") -> list[str]:
    found = await town.find("CarePlan", patient=of, status="active")
    return sorted(str(plan_type_of(one)) for one in found)


async def open_tasks(town: Town) -> list[str]:
    """Activities of open Tasks and orders."""
    found = [*await town.find("Task", patient="anna"), *await town.find("ServiceRequest", patient="anna")]
    return sorted(str(activity_of(one)) for one in found if is_open(one))


# ── recommended-targets ──────────────────────────────────────────────────────────────────────────


async def test_recommendations_are_proposed_goals_with_why_and_store_nothing(town: Town) -> None:
    before = await town.everything()
    bundle = await town.call("Patient/$recommended-targets", "anna")
    goals = {entry["resource"]["target"][0]["measure"]["text"]: entry["resource"] for entry in bundle["entry"]}
    assert await town.everything() == before
    assert {one["lifecycleStatus"] for one in goals.values()} == {"proposed"}
    ldl = goals["LDL-kolesterol"]
    assert said(ldl, "row") == ["LDL-04"]
    assert {"reference": "Condition/anna-ihd"} in said(ldl, "basis")
    assert find_target(ldl, AGREED) is None
    assert "1,4" in ldl["note"][0]["text"]
    assert any(note["text"].startswith("Kilde: ") for note in ldl["note"])


async def test_what_is_not_verified_says_so(town: Town) -> None:
    await town.post(measured("NPU19661", 640, "mg/g", of="carl"), who="stranger")
    bundle = await town.call("Patient/$recommended-targets", "carl", who="stranger")
    (goal,) = [e["resource"] for e in bundle["entry"] if e["resource"]["target"][0]["measure"]["text"] == "HbA1c"]
    assert said(goal, "row") == ["HBA1C-05"]
    assert any("unverified" in note["text"] for note in goal["note"])


async def test_recommendations_as_of_a_day_know_only_what_was_known(town: Town) -> None:
    def row(bundle: Json) -> str:
        found = [str(row) for entry in bundle["entry"] for row in said(entry["resource"], "row")]
        return next(row for row in found if row.startswith("LDL"))

    assert row(await town.call("Patient/$recommended-targets", "anna", on="2026-11-22")) == "LDL-04"
    assert row(await town.call("Patient/$recommended-targets", "anna", on="2024-05-19")) == "LDL-08"


@pytest.mark.parametrize(("who", "error"), [("never", Forbidden), ("gone", Deleted), ("carl", Forbidden)])
async def test_a_person_who_is_not_there_or_not_ours(town: Town, who: str, error: type[CareplanError]) -> None:
    await town.put(patient("gone"))
    await town.delete("Patient/gone", "system")
    if who == "gone":
        with pytest.raises(error):
            await town.call("Patient/$recommended-targets", who, who="system")
    else:
        with pytest.raises(error):
            await town.call("Patient/$recommended-targets", who)


async def test_a_day_that_is_none_is_refused_by_name(town: Town) -> None:
    with pytest.raises(ParameterFaulty, match="parameter on must be a date like 2026-11-22"):
        await town.call("Patient/$recommended-targets", "anna", on="2026")


# ── apply ────────────────────────────────────────────────────────────────────────────────────────


async def test_apply_shows_the_plan_and_stores_nothing(town: Town) -> None:
    before = await town.everything()
    preview = await town.call("PlanDefinition/$apply", "diabetes", subject="Patient/anna")
    assert await town.everything() == before
    assert (preview["resourceType"], preview["status"]) == ("CarePlan", "draft")
    names = {one["target"][0]["measure"]["text"] for one in preview["contained"] if one["resourceType"] == "Goal"}
    assert names >= DIABETES
    assert preview["addresses"] == [{"reference": "Condition/anna-t2d"}]


async def test_apply_of_an_unknown_plan_names_those_there_are(town: Town) -> None:
    with pytest.raises(ParameterFaulty, match="diabetes, hjerte, kol"):
        await town.call("PlanDefinition/$apply", "gigt", subject="Patient/anna")
    with pytest.raises(ParameterFaulty, match="subject must name a Patient"):
        await town.call("PlanDefinition/$apply", "kol", subject="Group/1")


# ── establish ────────────────────────────────────────────────────────────────────────────────────


async def test_establish_makes_plan_goals_and_tasks_in_one_commit(town: Town) -> None:
    position = (await town.house.store.changes(0, 100_000))[-1].position
    answer = await establish(town, "diabetes")
    fresh = await town.house.store.changes(position)
    made = [one for one in fresh if one.type != "Provenance"]
    assert [one.type for one in fresh].count("Provenance") == 1
    assert answer["type"] == "transaction-response"
    assert {entry["response"]["status"] for entry in answer["entry"]} == {"201 Created"}
    assert len(answer["entry"]) == len(made)
    assert len({one.at for one in made}) == 1
    (plan,) = await town.find("CarePlan", patient="anna")
    assert plan["author"] == {"reference": "Organization/north"}
    assert {one["reference"] for one in plan["goal"]} == {f"Goal/{one['id']}" for one in (await town.goals()).values()}
    assert set(await town.goals()) >= DIABETES


async def test_a_new_goal_stands_by_the_values_there_are(town: Town) -> None:
    await town.post(hba1c(66))
    await establish(town, "diabetes")
    assert achievement_of((await town.goals())["HbA1c"]) == "not-achieved"
    assert achievement_of((await town.goals())["LDL-kolesterol"]) is None


async def test_a_second_plan_shares_goals_and_tasks(town: Town) -> None:
    await establish(town, "diabetes")
    before = {name: goal["id"] for name, goal in (await town.goals()).items()}
    await establish(town, "hjerte")
    after = {name: goal["id"] for name, goal in (await town.goals()).items()}
    assert after == before  # the heart plan needs nothing the diabetes plan does not follow
    assert len(await open_tasks(town)) == len(set(await open_tasks(town)))
    used = [{one["reference"] for one in plan["goal"]} for plan in await town.find("CarePlan", patient="anna")]
    assert used[0] & used[1] >= {f"Goal/{after['LDL-kolesterol']}"}


@pytest.mark.parametrize(
    "order", [("diabetes", "hjerte", "kol"), ("kol", "hjerte", "diabetes"), ("hjerte", "kol", "diabetes")]
)
async def test_the_order_of_establishing_does_not_matter_for_the_goals(town: Town, order: tuple[str, ...]) -> None:
    await town.put(condition("anna-kol", "R95", "2025-01-01"))
    for one in order:
        await establish(town, one)
        town.later(days=1)
    goals = await town.goals()
    assert set(goals) == DIABETES | {
        "Fysisk aktivitet",
        "Eksacerbationer seneste 12 måneder",
        "CAT-score",
        "Iltmætning",
    }
    bounds = {name: find_target(goal, AGREED) for name, goal in goals.items()}
    assert bounds["LDL-kolesterol"] is not None and str(bounds["LDL-kolesterol"].high) == "1.4"
    assert bounds["BMI"] is not None and str(bounds["BMI"].low) == "22"


async def test_an_active_plan_of_the_type_refuses_another_and_names_it(town: Town) -> None:
    await establish(town, "diabetes")
    (plan,) = await town.find("CarePlan", patient="anna")
    before = await town.everything()
    with pytest.raises(PlanExists, match=f"CarePlan/{plan['id']}"):
        await establish(town, "diabetes", "hjerte")
    assert await town.everything() == before


async def test_a_plan_that_ended_makes_room_for_a_new_one(town: Town) -> None:
    await establish(town, "diabetes")
    (plan,) = await town.find("CarePlan", patient="anna")
    await town.put({**plan, "status": "completed"})
    await establish(town, "diabetes")
    assert await plans(town) == ["diabetes"]


async def test_one_definition_named_twice_makes_one_plan(town: Town) -> None:
    await establish(town, "diabetes", "diabetes")
    assert await plans(town) == ["diabetes"]


async def test_two_definitions_at_once_make_two_plans_over_one_set_of_goals(town: Town) -> None:
    await establish(town, "diabetes", "hjerte")
    assert await plans(town) == ["diabetes", "hjerte"]
    assert len(await open_tasks(town)) == len(set(await open_tasks(town)))


def told(answer: Json, code: str) -> list[str]:
    """What the answer says of this kind, whichever plan it is said of."""
    outcomes = [entry["response"].get("outcome", {}) for entry in answer["entry"]]
    issues = [issue for one in outcomes for issue in one.get("issue", ())]
    return [issue["diagnostics"] for issue in issues if issue["details"]["text"] == code]


async def test_what_a_new_plan_shares_is_named_with_the_plans_that_use_it(town: Town) -> None:
    assert told(await establish(town, "diabetes"), "plans-share") == []
    said = told(await establish(town, "hjerte"), "plans-share")
    goal = (await town.goals())["LDL-kolesterol"]["id"]
    assert f"Goal/{goal} (ldl) is shared by the plans diabetes, hjerte" in said
    (blood,) = [one for one in said if "(blodproeve)" in one]
    assert "one order of samples for HbA1c, LDL-kolesterol" in blood and "Kalium" in blood
    assert told(await establish(town, "kol", reason="Mistanke"), "targets-differ") == []


async def test_two_plans_made_at_once_say_what_they_share(town: Town) -> None:
    said = told(await establish(town, "diabetes", "hjerte"), "plans-share")
    assert len([one for one in said if "(ldl)" in one]) == 2  # of each plan
    assert len([one for one in said if "(ldl)" in one and "diabetes, hjerte" in one]) == 2


async def test_an_agreement_the_rules_would_not_make_today_is_told_and_stands(town: Town) -> None:
    await establish(town, "diabetes")
    goal = (await town.goals())["LDL-kolesterol"]
    wish = Wanted(None, Decimal("2.6"), False, "side-effect", None, None)
    await set_target(town.as_("doctor"), goal["id"], wish)
    agreed = await town.get(f"Goal/{goal['id']}")
    (said,) = told(await establish(town, "hjerte"), "targets-differ")
    assert said.startswith(f"Goal/{goal['id']} (ldl)") and "the agreed one stands" in said
    assert await town.get(f"Goal/{goal['id']}") == agreed


async def test_what_is_excluded_is_not_made(town: Town) -> None:
    await establish(town, "diabetes", exclude=["alcohol", "motion"], reason="Drikker ikke")
    assert "Alkohol" not in await town.goals()
    assert "motion" not in await open_tasks(town)


async def test_excluding_what_nobody_knows_is_refused_by_name(town: Town) -> None:
    with pytest.raises(ParameterFaulty, match="alkohol"):
        await establish(town, "diabetes", exclude=["alkohol"])


@pytest.mark.parametrize("reason", ["", " \u200b"])
async def test_what_is_left_out_takes_a_reason(town: Town, reason: str) -> None:
    with pytest.raises(ExcludeNeedsReason):
        await establish(town, "diabetes", exclude=["alcohol"], reason=reason)
    assert await plans(town) == []


async def test_a_plan_of_which_nothing_is_kept_is_not_made(town: Town) -> None:
    plan = town.house.knowledge.plans["hjerte"]
    every = [*plan.follows, *(one.id for one in plan.activities)]
    with pytest.raises(PlanEmpty, match="hjerte"):
        await establish(town, "hjerte", exclude=every, reason="Efter samtale")
    assert await plans(town) == []


async def test_another_plan_than_was_looked_at_is_not_made(town: Town) -> None:
    context, hjerte = town.as_("doctor"), [town.house.knowledge.plans["hjerte"]]
    seen = offered(preview(context, await read_person(context, "anna", PLAN_TYPES), hjerte))
    assert "ldl/LDL-04/2026.1/new" in seen
    await town.put({**condition("anna-t2d", "T90"), "clinicalStatus": concept(systems.CONDITION_CLINICAL, "resolved")})
    await town.delete("Condition/anna-ihd")
    with pytest.raises(PreconditionFailed):
        await make_plans(context, "anna", hjerte, reason="Efter samtale", seen=seen)
    assert await plans(town) == []


async def test_who_is_not_eligible_gets_a_plan_only_with_a_reason(town: Town) -> None:
    with pytest.raises(NotEligible, match="Patient/birthe is not eligible for kol"):
        await establish(town, "kol", of="birthe")
    await establish(town, "kol", of="birthe", reason="spirometri bestilt, stærk mistanke")
    assert await plans(town, "birthe") == ["kol"]
    (proof,) = await town.find("Provenance", patient="birthe")
    assert proof["reason"] == [{"text": "spirometri bestilt, stærk mistanke"}]


@pytest.mark.parametrize(
    "definition",
    [
        "diabetes",
        "PlanDefinition/diabetes",
        f"{systems.CANONICAL}/PlanDefinition/diabetes|2026.1",
        {"reference": "PlanDefinition/diabetes"},
    ],
)
async def test_a_definition_is_named_by_id_reference_or_canonical(town: Town, definition: Any) -> None:
    await town.call("CarePlan/$establish", subject="Patient/anna", definition=definition)
    assert await plans(town) == ["diabetes"]


@pytest.mark.parametrize(
    "definition",
    [
        f"{systems.CANONICAL}/PlanDefinition/diabetes|2019.1",
        "https://elsewhere.example/fhir/PlanDefinition/diabetes",
        "Basic/diabetes",
        "PlanDefinition/diabetes/_history/7",
        "",
    ],
)
async def test_a_definition_of_another_version_or_server_is_not_taken_for_ours(town: Town, definition: str) -> None:
    with pytest.raises(ParameterFaulty, match="parameter definition"):
        await town.call("CarePlan/$establish", subject="Patient/anna", definition=definition)


async def test_establishing_nothing_is_refused(town: Town) -> None:
    with pytest.raises(ParameterFaulty, match="definition is missing"):
        await town.call("CarePlan/$establish", subject="Patient/anna")


@pytest.mark.parametrize("who", ["stranger", "visitator", "anna", "birthe", "lps", "statistics"])
async def test_only_the_patient_s_own_clinic_makes_plans(town: Town, who: str) -> None:
    before = await town.everything()
    with pytest.raises(Forbidden):
        await establish(town, "diabetes", who=who)
    assert await town.everything() == before


# ── two at once ──────────────────────────────────────────────────────────────────────────────────


async def test_of_many_who_establish_one_plan_at_once_one_makes_it(town: Town) -> None:
    tried = await asyncio.gather(*(establish(town, "diabetes") for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(one, dict) for one in tried) == 1
    assert all(isinstance(one, dict | PlanExists) for one in tried)
    assert await plans(town) == ["diabetes"]
    assert set(await town.goals()) >= DIABETES


@pytest.mark.parametrize("order", [("diabetes", "hjerte"), ("hjerte", "diabetes")])
@pytest.mark.parametrize("exclude", [(), ("hba1c", "sbp", "dbp", "ldl", "bmi", "smoking", "activity", "alcohol")])
async def test_two_plans_established_at_once_share_goals_and_tasks(
    town: Town, order: tuple[str, str], exclude: tuple[str, ...]
) -> None:
    await asyncio.gather(*(establish(town, one, exclude=list(exclude), reason="Efter samtale") for one in order))
    assert await plans(town) == ["diabetes", "hjerte"]
    await town.goals()  # never two active ones for a measure
    assert len(await open_tasks(town)) == len(set(await open_tasks(town)))


async def test_a_second_active_goal_for_a_measure_is_refused_however_it_comes(town: Town) -> None:
    await establish(town, "diabetes")
    goal = (await town.goals())["HbA1c"]
    copy = {name: part for name, part in goal.items() if name not in ("id", "meta")}
    with pytest.raises(GoalExists, match=f"Goal/{goal['id']}"):
        await town.post(copy)
    assert find_target(goal, AGREED) == find_target(goal, RECOMMENDED)


async def test_no_plan_is_made_for_the_dead_whatever_the_reason(town: Town) -> None:
    await town.put(patient("anna", deceasedDateTime="2026-06-01"))
    with pytest.raises(NotEligible, match="has died"):
        await establish(town, "diabetes", reason="Efter aftale")
    assert await plans(town) == []
