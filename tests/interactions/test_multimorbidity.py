"""Several diseases in one person, over a real store: one goal a measure, in any order, and nothing ends too soon."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from itertools import permutations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from careplan.fhir.agreed import activity_of, is_open, reference_of
from careplan.fhir.goal import AGREED, RECOMMENDED, find_target, is_active
from careplan.fhir.mapping import plan_type_of
from careplan.interactions.context import House
from careplan.interactions.operations.establish import make_plans
from careplan.interactions.operations.individual_target import set_target
from careplan.interactions.operations.wanted import Wanted

from .conftest import Json, Town, condition, hba1c, measured, patient

KINDS = ("diabetes", "kol", "hjerte")
CODES = {"T90": "diabetes", "R95": "kol", "K74": "hjerte", "K86": "hjerte"}
Make = Callable[[], House]

illnesses = st.sets(st.sampled_from(sorted(CODES)), min_size=1).map(sorted)
births = st.sampled_from(["1938-05-20", "1958-05-20", "1986-05-20"])
values = st.lists(
    st.sampled_from(
        [
            hba1c(51),
            hba1c(74, "2026-10-01"),
            measured("NPU01568", Decimal("1.9"), "mmol/L"),
            measured("NPU01568", Decimal("3.4"), "mmol/L", "2026-06-01"),
        ]
    ),
    max_size=2,
    unique_by=str,
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("make"), st.sampled_from(KINDS)),
        st.tuples(st.just("close"), st.sampled_from(KINDS)),
        st.tuples(st.just("set"), st.sampled_from(["BMI", "Systolisk blodtryk", "LDL-kolesterol"])),
    ),
    min_size=3,
    max_size=7,
)
several = settings(max_examples=15, deadline=None)


def in_town(make_house: Make, work: Callable[[Town], Coroutine[Any, Any, None]]) -> None:
    """The work done in a town of its own."""

    async def run() -> None:
        house = make_house()
        try:
            await work(Town(house))
        finally:
            await house.store.close()

    asyncio.run(run())


async def arrive(town: Town, ill: list[str], born: str, measurements: list[Json], id: str = "anna") -> None:
    await town.put({"resourceType": "Organization", "id": "north", "name": "north"}, patient(id, birthDate=born))
    await town.put(*(condition(f"{id}-{code}", code, of=id) for code in ill))
    for nth, one in enumerate(measurements):
        await town.put({**one, "id": f"{id}-o{nth}", "subject": {"reference": f"Patient/{id}"}})


async def make(town: Town, *kinds: str, of: str = "anna") -> None:
    plans = [town.house.knowledge.plans[kind] for kind in kinds]
    await make_plans(town.as_("doctor"), of, plans, reason="Efter samtale")


async def active_plans(town: Town, of: str = "anna") -> dict[str, Json]:
    return {str(plan_type_of(one)): one for one in await town.find("CarePlan", patient=of, status="active")}


async def close(town: Town, kind: str) -> None:
    plan = (await active_plans(town))[kind]
    await town.put({**plan, "status": "completed"}, who="doctor")


async def agree(town: Town, measure: str) -> None:
    goal = (await town.goals())[measure]
    spans = {"BMI": (Decimal(21), Decimal(30)), "LDL-kolesterol": (None, Decimal(2))}
    low, high = spans.get(measure, (Decimal(125), Decimal(140)))
    await set_target(town.as_("doctor"), goal["id"], Wanted(low, high, False, "patient-wish", "Efter samtale", None))


async def standing(town: Town, of: str = "anna") -> dict[str, Json]:
    """Active Goals, open Tasks and open orders, by reference."""
    goals = [one for one in await town.find("Goal", patient=of) if is_active(one)]
    agreed = [*await town.find("Task", patient=of), *await town.find("ServiceRequest", patient=of)]
    return {reference_of(one): one for one in (*goals, *filter(is_open, agreed))}


def wanted(plan: Json) -> set[str]:
    goals = {str(one["reference"]) for one in plan.get("goal", ())}
    return goals | {str(one["reference"]["reference"]) for one in plan.get("activity", ())}


async def picture(town: Town, of: str) -> tuple[dict[str, Any], list[str]]:
    """What is agreed and recommended by measure, and what is to be done."""
    goals = await town.goals(of)
    targets = {name: (find_target(one, AGREED), find_target(one, RECOMMENDED)) for name, one in goals.items()}
    found = [one for one in (await standing(town, of)).values() if one["resourceType"] != "Goal"]
    return targets, sorted(str(activity_of(one)) for one in found)


@several
@given(ill=illnesses, born=births, measurements=values, steps=steps)
def test_whatever_is_made_closed_and_agreed_each_measure_has_one_goal_and_what_plans_need_is_all_there_is(
    make_house: Make, ill: list[str], born: str, measurements: list[Json], steps: list[tuple[str, str]]
) -> None:
    async def work(town: Town) -> None:
        await arrive(town, ill, born, measurements)
        for what, name in steps:
            plans, goals, before = await active_plans(town), await town.goals(), await standing(town)
            if what == "set" and name in goals:
                await agree(town, name)
            elif what == "make" and name not in plans:
                await make(town, name)
            elif what == "close" and name in plans:
                await close(town, name)
            else:
                continue
            await check(town, before, changed=name if what == "set" else "")

    in_town(make_house, work)


async def check(town: Town, before: dict[str, Json], changed: str) -> None:
    """One goal a measure; what plans need and nothing else; what stays is the version it was."""
    goals, plans, now = await town.goals(), await active_plans(town), await standing(town)  # goals fails at two
    assert set(now) == {one for plan in plans.values() for one in wanted(plan)}
    activities = [activity_of(one) for one in now.values() if one["resourceType"] != "Goal"]
    assert len(activities) == len(set(activities))
    moved = {f"Goal/{goals[changed]['id']}"} if changed else set()
    stays = (now.keys() & before.keys()) - moved
    assert {name: now[name]["meta"] for name in stays} == {name: before[name]["meta"] for name in stays}


@several
@given(ill=illnesses, born=births, measurements=values, order=st.permutations(KINDS), together=st.booleans())
def test_the_order_in_which_plans_are_made_does_not_matter(
    make_house: Make, ill: list[str], born: str, measurements: list[Json], order: list[str], together: bool
) -> None:
    async def work(town: Town) -> None:
        for id in ("anna", "birthe"):
            await arrive(town, ill, born, measurements, id)
        await make(town, *KINDS)
        for kinds in [order] if together else [[kind] for kind in order]:
            await make(town, *kinds, of="birthe")
        assert await picture(town, "anna") == await picture(town, "birthe")

    in_town(make_house, work)


@several
@given(ill=illnesses, born=births, order=st.permutations(KINDS), closed=st.sampled_from(KINDS))
def test_closing_a_plan_keeps_what_the_others_need_and_leaves_what_would_be_had_it_never_been_made(
    make_house: Make, ill: list[str], born: str, order: list[str], closed: str
) -> None:
    async def work(town: Town) -> None:
        for id in ("anna", "birthe"):
            await arrive(town, ill, born, [], id)
        for kind in order:
            await make(town, kind)
        await close(town, closed)
        await make(town, *(kind for kind in order if kind != closed), of="birthe")
        assert await picture(town, "anna") == await picture(town, "birthe")

    in_town(make_house, work)


@several
@given(ill=illnesses, born=births, order=st.sampled_from(list(permutations(KINDS))), closing=st.booleans())
def test_plans_made_and_closed_at_once_leave_one_goal_a_measure_and_what_is_needed(
    make_house: Make, ill: list[str], born: str, order: tuple[str, ...], closing: bool
) -> None:
    async def work(town: Town) -> None:
        await arrive(town, ill, born, [])
        first, *rest = order
        await make(town, first)
        tasks: list[Awaitable[None]] = [make(town, kind) for kind in rest]
        await asyncio.gather(*tasks, *([close(town, first)] if closing else []))
        assert (await active_plans(town)).keys() == set(rest if closing else order)
        await check(town, {}, "")

    in_town(make_house, work)
