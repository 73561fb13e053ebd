"""Ways round what a Goal of a measure must say: over another measure, over nothing, over numbers nobody has."""

import copy
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.goal import find_deviation, find_entry
from careplan.interactions.deviation import DeviationNeedsAuthor, DeviationNeedsReason

from .conftest import Json, Town, concept
from .test_sent_goals import agreed, deviating, goal_of, recommended, refused

FOREIGN = concept("http://example.org/codes", "a1c")


@pytest.fixture
async def planned(town: Town) -> Town:
    base = {"resourceType": "PractitionerRole", "organization": {"reference": "Organization/north"}}
    for id, code in (("doctor", "7170"), ("nurse", "5166")):
        await town.put({**base, "id": id, "code": [concept(systems.PROFESSION, code)]})
    await town.call("CarePlan/$establish", subject="Patient/anna", definition="PlanDefinition/diabetes")
    return town


async def codes_of(town: Town, goal: Json, who: str = "doctor") -> list[str]:
    """The faults it is refused for."""
    error = await refused(town, town.put(goal, who=who))
    return [fault.code for fault in error.faults]


def foreign(goal: Json) -> Json:
    goal = deviating(copy.deepcopy(goal), 74)
    for target in goal["target"]:
        target["measure"] = FOREIGN
    return goal


# ── the measure stays ────────────────────────────────────────────────────────────────────────────


async def test_a_goal_of_a_measure_does_not_become_one_of_another_or_of_none(planned: Town) -> None:
    goal = await goal_of(planned)
    assert await codes_of(planned, foreign(goal)) == ["measure-altered"]
    assert await codes_of(planned, {name: part for name, part in goal.items() if name != "target"}) == [
        "measure-altered"
    ]
    other = copy.deepcopy((await planned.goals())["LDL-kolesterol"])
    assert await codes_of(planned, {**other, "id": goal["id"]}) == ["measure-altered"]


async def test_what_a_system_made_foreign_comes_back_only_with_its_reason(planned: Town) -> None:
    goal = await goal_of(planned)
    await planned.put(foreign(goal))
    with pytest.raises(DeviationNeedsAuthor):
        await planned.put(deviating(goal, 74), who="nurse")


async def test_a_goal_keeps_what_is_agreed(planned: Town) -> None:
    goal = await goal_of(planned)
    assert await codes_of(planned, {**goal, "target": [recommended(goal)]}) == ["agreement-dropped"]


# ── numbers that can be ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["doctor", "system"])
async def test_a_number_that_cannot_be_is_nobody_s_target(planned: Town, who: str) -> None:
    error = await refused(planned, planned.put(deviating(await goal_of(planned), -5), who=who))
    assert [fault.code for fault in error.faults] == ["out-of-range"]


async def test_a_number_that_nobody_has_is_history_at_most(planned: Town) -> None:
    measure = planned.house.knowledge.measures["hba1c"]
    assert measure.plausible.high is not None and measure.possible.holds(measure.plausible.high + 1)
    goal = deviating(await goal_of(planned), int(measure.plausible.high) + 1)
    assert await codes_of(planned, goal) == ["out-of-range"]
    await planned.put(goal)


@pytest.mark.parametrize(("unit", "kept"), [("%", False), ("mg/dL", False), ("mmol/mol", True), ("MMOL / mol", True)])
async def test_the_unit_as_people_read_it_says_what_the_code_says(planned: Town, unit: str, kept: bool) -> None:
    goal = deviating(await goal_of(planned))
    agreed(goal)["detailQuantity"]["unit"] = unit
    if kept:
        await planned.put(goal, who="doctor")
    else:
        assert await codes_of(planned, goal) == ["unit-mismatch"]


# ── a reason and a day ───────────────────────────────────────────────────────────────────────────


async def test_an_individual_target_ends_within_two_years(planned: Town) -> None:
    goal = await goal_of(planned)
    await refused(planned, planned.put(deviating(goal, validUntil="2028-11-23"), who="doctor"), DeviationNeedsReason)
    await planned.put(deviating(goal, validUntil="2028-11-22"), who="doctor")


@pytest.mark.parametrize("text", ["x" * 601, "\u200b\u200d \u00ad"])
async def test_the_words_of_a_reason_are_few_and_can_be_seen(planned: Town, text: str) -> None:
    said: dict[str, Any] = {"reason": concept(systems.DEVIATION_REASON, "other"), "text": text}
    await refused(planned, planned.put(deviating(await goal_of(planned), **said), who="doctor"), DeviationNeedsReason)
    await planned.put(deviating(await goal_of(planned), **{**said, "text": "x" * 600}), who="doctor")
    assert find_deviation(await goal_of(planned)) is not None and find_entry(await goal_of(planned), "agreed")
