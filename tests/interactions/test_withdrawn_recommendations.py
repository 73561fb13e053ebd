"""What the rules recommend no longer, or cannot decide any more: told by C7 as `knowledge diff` counts it, answered by
the clinic, and never at the cost of what is agreed."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from careplan.domain.condition import Condition
from careplan.domain.guideline import Knowledge, Row
from careplan.domain.target import Target
from careplan.fhir.goal import AGREED, RECOMMENDED, find_deviation, find_entry, find_target
from careplan.fhir.mapping import ChartReader
from careplan.interactions.acceptance import accept, decline, find_seen, seen_from_renewal
from careplan.interactions.advice import advice
from careplan.interactions.operations.individual_target import GoalUnfit
from careplan.interactions.person import PLAN_TYPES, read_person
from careplan.interactions.reevaluation import reevaluate
from careplan.interactions.renewal import Renewal, renewals

from .conftest import Json, Town

NOBODY_KNOWS = (Row("LDL-90", (Condition("cfs", "at-least", Decimal(5)),), Target(why="Intet talmål")),)


def ruled(knowledge: Knowledge, rows: tuple[Row, ...]) -> Knowledge:
    """The same with other rows for LDL."""
    table = replace(knowledge.guidelines["ldl"], rows=rows, version="2026.2")
    return replace(knowledge, guidelines={**knowledge.guidelines, "ldl": table})


@pytest.fixture
async def planned(town: Town) -> Town:
    await town.call("CarePlan/$establish", subject="Patient/anna", definition=["PlanDefinition/hjerte"])
    return town


def served(town: Town, rows: tuple[Row, ...] = ()) -> Town:
    knowledge = ruled(town.house.knowledge, rows)
    return replace(town, house=replace(town.house, knowledge=knowledge, reader=ChartReader(knowledge)))


async def only(town: Town) -> Renewal:
    context = town.as_("doctor")
    (one,) = renewals(context, await read_person(context, "anna", PLAN_TYPES))
    return one


async def ldl(town: Town) -> Json:
    return (await town.goals())["LDL-kolesterol"]


@pytest.mark.parametrize(("rows", "cause"), [((), "withdrawn"), (NOBODY_KNOWS, "undecided")])
async def test_it_is_told_and_the_same_patients_are_counted(planned: Town, rows: tuple[Row, ...], cause: str) -> None:
    old, town = planned.house.knowledge, served(planned, rows)
    one = await only(town)
    assert (one.measure.id, one.now, one.cause, one.after, one.moves) == ("ldl", None, cause, ("-", "-"), True)
    assert bool(one.missing) == (cause == "undecided")
    found = await reevaluate(town.as_("system"), old, town.house.knowledge)
    ours = [(moved.measure, moved.rows) for moved in found.moved if moved.patient == "anna"]
    assert ours == [("ldl", (one.before_row, None))], "Carl has no plan that could differ"
    context = town.as_("doctor")
    assert advice(context, await read_person(context, "anna", PLAN_TYPES)).renewals == (), "no news for a card"


async def test_accepting_takes_the_recommendation_off_and_leaves_what_is_agreed(planned: Town) -> None:
    town = served(planned)
    before, seen = await ldl(town), seen_from_renewal(await only(town), "anna")
    assert find_seen(seen.text) == seen
    await accept(town.as_("doctor"), "anna", [seen])
    goal = await ldl(town)
    assert find_entry(goal, RECOMMENDED) is None and find_entry(goal, AGREED) == find_entry(before, AGREED)
    assert find_deviation(goal) is None


async def test_a_goal_with_nothing_agreed_ends_with_its_recommendation(planned: Town) -> None:
    goal = await ldl(planned)
    await planned.put({**goal, "target": [find_entry(goal, RECOMMENDED)]})
    town = served(planned)
    await accept(town.as_("doctor"), "anna", [seen_from_renewal(await only(town), "anna")])
    assert (await town.get(f"Goal/{goal['id']}"))["lifecycleStatus"] == "completed"


async def test_keeping_it_makes_it_an_individual_target_with_a_reason(planned: Town) -> None:
    town = served(planned, NOBODY_KNOWS)
    await decline(town.as_("doctor"), seen_from_renewal(await only(town), "anna"), "patient-wish", "vil gerne")
    goal = await ldl(town)
    assert find_entry(goal, RECOMMENDED) is None and find_target(goal, AGREED) is not None
    deviation = find_deviation(goal)
    assert deviation is not None and (deviation.reason, deviation.text) == ("patient-wish", "vil gerne")


# ── declining beside an individual target ────────────────────────────────────────────────────────


async def test_declining_keeps_an_individual_target_as_it_is(planned: Town) -> None:
    goal = await ldl(planned)
    said = {"high": 2, "reason": "side-effect", "text": "Ondt i musklerne", "valid_until": "2027-02-01"}
    await planned.call("Goal/$set-individual-target", goal["id"], **said)
    stood = await ldl(planned)
    table = planned.house.knowledge.guidelines["ldl"]
    town = served(planned, tuple(replace(row, id=f"{row.id}-NY") for row in table.rows))
    one = await only(town)
    await decline(town.as_("nurse"), seen_from_renewal(one, "anna"), "frailty", "noget andet")
    goal = await ldl(town)
    assert find_deviation(goal) == find_deviation(stood) and find_entry(goal, AGREED) == find_entry(stood, AGREED)
    deviation = find_deviation(goal)
    assert deviation is not None and deviation.valid_until == date(2027, 2, 1)
    proofs = await town.find("Provenance", target=f"Goal/{goal['id']}")
    (proof,) = [one for one in proofs if one["activity"].get("text") == "decline-recommendation"]
    assert proof["reason"] == [{"text": "frailty; ldl: LDL-04 of 2026.1 → LDL-04-NY of 2026.2"}]


async def test_what_is_no_number_cannot_be_kept_as_an_individual_target(planned: Town) -> None:
    goal = await ldl(planned)
    entry = {**(find_entry(goal, AGREED) or {}), "detailString": "Intet talmål"}
    entry.pop("detailQuantity")
    recommended = {**(find_entry(goal, RECOMMENDED) or {}), "detailString": "Intet talmål"}
    recommended.pop("detailQuantity")
    await planned.put({**goal, "target": [entry, recommended]})
    town = served(planned)
    with pytest.raises(GoalUnfit):
        await decline(town.as_("doctor"), seen_from_renewal(await only(town), "anna"), "frailty", None)
