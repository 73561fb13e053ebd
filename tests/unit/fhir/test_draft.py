"""What making a plan would create and what it would share."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count, permutations
from typing import Any

import pytest

from careplan.domain.chart import Chart, Fact
from careplan.domain.evaluation import Answer, evaluate
from careplan.fhir import systems
from careplan.fhir.agreed import activity_of, is_order
from careplan.fhir.applied import contained
from careplan.fhir.draft import Draft, Existing, Occasion, drafts, existing_from_resources
from careplan.fhir.goal import AGREED, RECOMMENDED, find_target
from careplan.fhir.reading import codes_from_knowledge
from careplan.knowledge.load import load_knowledge

KNOWLEDGE = load_knowledge()
CODES = codes_from_knowledge(KNOWLEDGE)
ON = date(2026, 11, 22)
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
NOTHING = Existing({}, {})
FACTS: dict[str, Any] = {
    "age": Decimal(68),
    "own_gp": True,
    "male": True,
    "t2d": True,
    "t2d_adult": True,
    "t2d_duration_years": Decimal(3),
    "kol_code": True,
    "kol_duration_years": Decimal(5),
    "exacerbations_12m": Decimal(1),
    "ihd_code": True,
    "ihd_adult": True,
    "fev1_fvc": Decimal("0.6"),
}
ANSWER = evaluate(KNOWLEDGE, Chart(ON, {name: Fact(name, value) for name, value in FACTS.items()}))


def drafted(
    *types: str,
    answer: Answer = ANSWER,
    existing: Existing = NOTHING,
    exclude: Sequence[str] = (),
    clinic: str | None = "own",
    unsuited: Sequence[str] = (),
) -> tuple[Draft, ...]:
    ids = count(1)
    occasion = Occasion("p1", AT, ON, clinic, lambda: f"n{next(ids)}", frozenset(exclude), frozenset(unsuited))
    addresses = {"diabetes": ["Condition/c1"]}
    return drafts([KNOWLEDGE.plans[one] for one in types], KNOWLEDGE, answer, addresses, existing, occasion)


def measures(draft: Draft) -> set[str]:
    return {goal.measure.id for goal in draft.goals}


def test_a_plan_has_a_goal_for_each_measure_it_follows_that_the_rules_speak_of() -> None:
    (diabetes,) = drafted("diabetes")
    assert measures(diabetes) == {"hba1c", "sbp", "dbp", "ldl", "bmi", "smoking", "activity", "alcohol"}
    assert not any(goal.shared for goal in diabetes.goals)
    assert {goal.value["lifecycleStatus"] for goal in diabetes.goals} == {"active"}


def test_a_new_goal_agrees_on_what_is_recommended_until_the_rules_ask_again() -> None:
    (diabetes,) = drafted("diabetes")
    for goal in diabetes.goals:
        assert find_target(goal.value, AGREED) == find_target(goal.value, RECOMMENDED)
        agreed, recommended = goal.value["target"]
        assert (goal.value["startDate"], agreed["dueDate"]) == ("2026-11-22", "2027-05-22")  # KOL group E: half a year
        assert "dueDate" not in recommended


def test_a_later_plan_shares_the_goals_and_tasks_of_an_earlier_one() -> None:
    diabetes, kol, heart = drafted("diabetes", "kol", "hjerte")
    every = [goal for one in (diabetes, kol, heart) for goal in one.goals]
    fresh = [goal.measure.id for goal in every if not goal.shared]
    assert len(fresh) == len(set(fresh))
    ids = {measure: {g.id for g in every if g.measure.id == measure} for measure in fresh}
    assert all(len(some) == 1 for some in ids.values())
    tasks = [task for one in (diabetes, kol, heart) for task in one.tasks]
    made = [task.activity.id for task in tasks if not task.shared]
    assert len(made) == len(set(made))
    assert all({"aarskontrol"} <= {task.activity.id for task in one.tasks} for one in (diabetes, kol, heart))


def test_the_order_of_plans_does_not_matter_for_which_measures_have_goals() -> None:
    expected = [
        {g.measure.id for one in drafted(*order) for g in one.goals}
        for order in permutations(["diabetes", "kol", "hjerte"])
    ]
    assert all(one == expected[0] for one in expected)
    by_type = {one.plan.id: measures(one) for one in drafted("diabetes", "kol", "hjerte")}
    assert {one.plan.id: measures(one) for one in drafted("hjerte", "kol", "diabetes")} == by_type


def test_goals_and_tasks_there_are_already_are_shared_unchanged() -> None:
    goal = drafted("diabetes")[0].goals[0]
    task = drafted("diabetes")[0].tasks[0]
    have = Existing({goal.measure.id: {**goal.value, "id": "g-old"}}, {task.activity.id: {**task.value, "id": "t-old"}})
    (again,) = drafted("diabetes", existing=have)
    (shared,) = [one for one in again.goals if one.shared]
    (kept,) = [one for one in again.tasks if one.shared]
    assert (shared.id, shared.measure.id, kept.id) == ("g-old", goal.measure.id, "t-old")
    assert {"reference": "Goal/g-old"} in again.care_plan["goal"]
    assert {"reference": {"reference": "Task/t-old"}} in again.care_plan["activity"]


def test_what_is_excluded_is_neither_goal_nor_task() -> None:
    (one,) = drafted("diabetes", exclude=["alcohol", "motion"])
    assert "alcohol" not in measures(one)
    assert "motion" not in {task.activity.id for task in one.tasks}
    assert "aarskontrol" in {task.activity.id for task in one.tasks}


def test_a_measure_the_rules_are_silent_on_gets_no_goal() -> None:
    (kol,) = drafted("kol", answer=Answer(ON, ANSWER.plans, {}, {}))
    assert kol.goals == ()
    assert "goal" not in kol.care_plan


def test_the_care_plan_says_what_it_is_for_whom_and_by_whom() -> None:
    (diabetes,) = drafted("diabetes")
    plan = diabetes.care_plan
    assert plan["instantiatesCanonical"] == [f"{systems.CANONICAL}/PlanDefinition/diabetes|2026.1"]
    assert (plan["status"], plan["intent"], plan["period"]) == ("active", "plan", {"start": "2026-11-22"})
    assert plan["category"][0]["coding"][0]["code"] == "diabetes"
    assert plan["addresses"] == [{"reference": "Condition/c1"}]
    assert plan["author"] == {"reference": "Organization/own"}
    assert plan["extension"] == [{"url": systems.EXT_LAST_REVIEWED, "valueDateTime": "2026-11-22T09:00:00.000Z"}]
    assert "author" not in drafted("diabetes", clinic=None)[0].care_plan


@pytest.mark.parametrize(
    ("activity", "owner", "due"),
    [
        ("aarskontrol", "Organization/own", "2027-05-22"),  # KOL group E: half a year
        ("hjemmeblodtryk", "Patient/p1", "2027-05-22"),  # with the control
        ("motion", "Patient/p1", None),
    ],
)
def test_a_task_has_its_owner_and_its_day(activity: str, owner: str, due: str | None) -> None:
    (diabetes,) = drafted("diabetes")
    (task,) = [one.value for one in diabetes.tasks if one.activity.id == activity]
    assert task["owner"] == {"reference": owner}
    assert task.get("restriction", {}).get("period", {}).get("end") == due
    assert task["basedOn"] == [{"reference": f"CarePlan/{diabetes.id}"}]
    assert activity_of(task) == activity


def test_an_order_says_what_for_whom_by_when_and_names_nobody_it_would_open_the_plan_to() -> None:
    (diabetes,) = drafted("diabetes")
    (eyes,) = [one.value for one in diabetes.tasks if one.activity.id == "oejenkontrol"]
    assert (eyes["resourceType"], eyes["status"], eyes["intent"]) == ("ServiceRequest", "active", "plan")
    assert (eyes["subject"], eyes["requester"]) == ({"reference": "Patient/p1"}, {"reference": "Organization/own"})
    assert (eyes["priority"], eyes["occurrencePeriod"]) == ("routine", {"end": "2028-11-22"})
    assert eyes["performerType"] == {"text": "Øjenlæge"}
    assert eyes["patientInstruction"].startswith("Bestil tid")
    assert is_order(eyes) and "performer" not in eyes
    assert "requester" not in next(
        one.value for one in drafted("diabetes", clinic=None)[0].tasks if one.activity.id == "oejenkontrol"
    )


def test_what_the_clinic_orders_of_itself_is_no_instruction_to_the_patient() -> None:
    (kol,) = drafted("kol")
    (spirometry,) = [one.value for one in kol.tasks if one.activity.id == "spirometri"]
    assert spirometry["resourceType"] == "ServiceRequest"
    assert "patientInstruction" not in spirometry


@pytest.mark.parametrize("order", [("diabetes", "hjerte"), ("hjerte", "diabetes")])
def test_what_is_made_for_two_plans_at_once_is_based_on_both(order: tuple[str, str]) -> None:
    one, other = drafted(*order)
    (blood,) = [task.value for task in one.tasks if task.activity.id == "blodproeve"]
    assert blood["basedOn"] == [{"reference": f"CarePlan/{one.id}"}, {"reference": f"CarePlan/{other.id}"}]


def test_a_goal_is_looked_at_again_as_often_as_the_plan_follows_its_measure_where_the_rules_ask_no_sooner() -> None:
    (diabetes,) = drafted("diabetes", answer=replace(ANSWER, recommendations=without(ANSWER, "review_interval")))
    assert {goal.value["target"][0]["dueDate"] for goal in diabetes.goals} == {"2027-11-22"}


def without(answer: Answer, name: str) -> dict[str, Any]:
    return {measure: one for measure, one in answer.recommendations.items() if measure != name}


def test_what_is_not_for_this_person_is_said_and_why() -> None:
    answer = replace(
        ANSWER,
        recommendations=without(replace(ANSWER, recommendations=without(ANSWER, "ldl")), "bmi"),
        undecided={"ldl": ("frail", "egfr")},
    )
    (diabetes,) = drafted("diabetes", answer=answer, exclude=["alcohol", "motion"], unsuited=["rygestop"])
    preview = contained(diabetes, KNOWLEDGE)
    assert {one.id: one.why for one in diabetes.absent} == {
        "ldl": "undecided",
        "bmi": "unruled",
        "alcohol": "excluded",
        "motion": "excluded",
        "rygestop": "unsuited",
    }
    notes = [one["text"] for one in preview["note"]]
    facts = " og ".join(KNOWLEDGE.facts[name].says for name in ("frail", "egfr"))
    assert f"LDL-kolesterol: intet mål endnu, fordi oplysninger mangler: {facts}" in notes
    assert "Alkohol: valgt fra af klinikken" in notes
    said = {activity_of(one["detail"]): one["detail"] for one in preview["activity"] if "detail" in one}
    assert said["rygestop"]["statusReason"] == {"text": "gælder ikke denne person"}
    assert all((one["status"], one["doNotPerform"]) == ("cancelled", True) for one in said.values())
    assert said.keys() == {"motion", "rygestop"}


def test_only_active_goals_and_open_tasks_are_there_already() -> None:
    goal, task = drafted("diabetes")[0].goals[0], drafted("diabetes")[0].tasks[0]
    goals = [{**goal.value, "id": "g1"}, {**goal.value, "id": "g2", "lifecycleStatus": "completed"}]
    tasks = [{**task.value, "id": "t1", "status": "completed"}, {**task.value, "id": "t2", "status": "in-progress"}]
    have = existing_from_resources(goals, [*tasks, {"status": "requested"}], CODES, KNOWLEDGE.measures)
    assert {name: one["id"] for name, one in have.goals.items()} == {goal.measure.id: "g1"}
    assert {name: one["id"] for name, one in have.tasks.items()} == {task.activity.id: "t2"}


def test_a_preview_contains_everything_it_refers_to_and_is_only_a_draft() -> None:
    (diabetes,) = drafted("diabetes")
    preview = contained(diabetes, KNOWLEDGE)
    inside = {f"#{one['id']}" for one in preview["contained"]}
    assert preview["status"] == "draft"
    assert {one["reference"] for one in preview["goal"]} | {
        one["reference"]["reference"] for one in preview["activity"]
    } == inside
    assert not any("meta" in one for one in preview["contained"])
