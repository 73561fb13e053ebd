"""What is written as recommended today is what the rules say of all there is, also when a diagnosis comes meanwhile."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from overtaken import overtaken

from careplan.interactions.context import Context
from careplan.interactions.operations.establish import make_plans
from careplan.interactions.operations.individual_target import follow, set_target
from careplan.interactions.operations.wanted import Wanted
from careplan.interactions.renewal import recommended_by

from .conftest import Json, Town, condition, patient

Act = Callable[[Context, str], Awaitable[object]]


async def ldl_of(town: Town) -> Json:
    goals = await town.find("Goal", patient="zoe")
    return next(goal for goal in goals if recommended_by(goal)[0].startswith("LDL"))


async def agree(context: Context, goal: str) -> object:
    return await set_target(context, goal, Wanted(None, Decimal("2.4"), True, "patient-wish", None, None))


ACTS: dict[str, Act] = {"set": agree, "follow": follow}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_a_diagnosis_that_comes_meanwhile_decides_what_is_written_as_recommended(town: Town, act: Act) -> None:
    await town.put(patient("zoe"), condition("zoe-t90", "T90", of="zoe"))
    await town.call("CarePlan/$establish", subject="Patient/zoe", definition=["PlanDefinition/diabetes"])
    goal = await ldl_of(town)
    assert recommended_by(goal)[0] == "LDL-08"
    house = town.house

    async def meanwhile() -> Any:
        await town.put(condition("zoe-k76", "K76", of="zoe"))

    town.house = overtaken(house, meanwhile)
    context = town.as_("doctor")
    town.house = house
    await act(context, goal["id"])
    assert recommended_by(await ldl_of(town))[0] == "LDL-04"


async def test_a_plan_is_drafted_anew_when_a_diagnosis_comes_meanwhile(town: Town) -> None:
    await town.put(patient("zoe"), condition("zoe-t90", "T90", of="zoe"))
    house = town.house

    async def meanwhile() -> Any:
        await town.put(condition("zoe-k76", "K76", of="zoe"))

    town.house = overtaken(house, meanwhile)
    context = town.as_("doctor")
    town.house = house
    await make_plans(context, "zoe", [context.knowledge.plans["diabetes"]])
    assert recommended_by(await ldl_of(town))[0] == "LDL-04"
