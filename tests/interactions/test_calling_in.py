"""Calling in and giving responsibility: once each, whoever does it at that moment, for the clinic's own patients."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from page_house import ON, World, fill, open_world, stored

from careplan.domain.errors import StatusInvalid
from careplan.fhir.agreed import due_of, is_open
from careplan.fhir.coordinator import find_coordinator, is_coordinator
from careplan.fhir.invitation import invited_on, is_invitation
from careplan.fhir.text import Json
from careplan.interactions.access import Forbidden
from careplan.interactions.invitation import WITHIN, invite
from careplan.interactions.ownership import ColleagueUnknown, assign_all, colleagues
from careplan.interactions.review import Review, approve_review, reviewed_from
from careplan.interactions.sweep import each
from careplan.interactions.worklist import read_worklist


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calling") / "filled.db"
    asyncio.run(fill(path, 8))
    return path


@pytest.fixture
async def world(filled: Path, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(filled, tmp_path) as opened:
        yield opened


async def invitations(world: World, patient: str) -> list[Json]:
    return [task for task in await stored(world, "Task", patient) if is_invitation(task)]


async def test_calling_in_gives_the_patient_something_to_do_by_a_day(world: World) -> None:
    assert await invite(world.context("nurse"), "carl") is True
    (task,) = await invitations(world, "carl")
    assert task["owner"] == task["for"] == {"reference": "Patient/carl"} and is_open(task)
    assert due_of(task) == ON + WITHIN
    assert [one["reference"] for one in task["basedOn"]] == [
        f"CarePlan/{plan['id']}" for plan in await stored(world, "CarePlan", "carl") if plan["status"] == "active"
    ]


async def test_the_worklist_says_that_somebody_was_called_in(world: World) -> None:
    await invite(world.context("nurse"), "carl")
    found = await read_worklist(world.context("nurse"), world.context("nurse").caller.organization)
    assert {one.invited for one in found.of_state("overdue") if one.patient["id"] == "carl"} == {ON}


async def test_whoever_was_called_in_is_not_called_in_again(world: World) -> None:
    assert await invite(world.context("nurse"), "carl") is True
    assert await invite(world.context("doctor"), "carl") is False
    assert len(await invitations(world, "carl")) == 1


async def test_two_who_call_at_once_call_once(world: World) -> None:
    answers = await asyncio.gather(*(invite(world.context("nurse"), "carl") for _ in range(5)))
    assert sorted(answers) == [False] * 4 + [True]
    assert len(await invitations(world, "carl")) == 1


async def test_who_has_no_plan_is_not_called_in(world: World) -> None:
    with pytest.raises(StatusInvalid, match="no active plan"):
        await invite(world.context("nurse"), "hanne")


@pytest.mark.parametrize("who", ["visitator", "patient-anna"])
async def test_nobody_outside_the_clinic_calls_in(world: World, who: str) -> None:
    with pytest.raises(Forbidden):
        await invite(world.context(who), "carl")
    assert await invitations(world, "carl") == []


async def test_what_cannot_be_done_for_one_holds_up_no_other(world: World) -> None:
    context = world.context("nurse")
    await invite(context, "birthe")
    found = await each(["hanne", "carl", "birthe", "nobody-here"], lambda patient: invite(context, patient))
    assert (found.done, found.already) == (("carl",), ("birthe",))
    assert found.refused == (("hanne", "status-invalid"), ("nobody-here", "forbidden"))


async def test_the_control_that_is_approved_ends_the_call(world: World) -> None:
    context = world.context("nurse")
    await invite(context, "carl")
    seen = reviewed_from(
        world.house.knowledge, await stored(world, "CarePlan", "carl"), await stored(world, "Task", "carl")
    )
    await approve_review(context, "carl", Review(), seen)
    (task,) = await invitations(world, "carl")
    assert task["status"] == "completed" and invited_on([task]) is None


# ── who is responsible ───────────────────────────────────────────────────────────────────────────


async def someone_else(world: World) -> str:
    """A colleague who is not Carl's tovholder."""
    now = find_coordinator(await stored(world, "CareTeam", "carl"))
    roles = [f"PractitionerRole/{one['id']}" for one in await colleagues(world.context("nurse"))]
    return next(one for one in roles if one != now)


async def test_responsibility_passes_on_and_the_team_stays(world: World) -> None:
    (before,) = await stored(world, "CareTeam", "carl")
    other = await someone_else(world)
    found = await assign_all(world.context("nurse"), ["carl"], other)
    (after,) = await stored(world, "CareTeam", "carl")
    assert found.done == ("carl",) and find_coordinator([after]) == other
    kept = [one for one in before["participant"] if not is_coordinator(one)]
    assert [one for one in after["participant"] if not is_coordinator(one)] == kept and len(kept) > 0
    assert (await assign_all(world.context("nurse"), ["carl"], other)).already == ("carl",)


async def test_whoever_has_no_team_gets_one(world: World) -> None:
    assert await stored(world, "CareTeam", "hanne") == []
    other = await someone_else(world)
    assert (await assign_all(world.context("nurse"), ["hanne"], other)).done == ("hanne",)
    assert find_coordinator(await stored(world, "CareTeam", "hanne")) == other


async def test_there_is_never_more_than_one(world: World) -> None:
    roles = [f"PractitionerRole/{one['id']}" for one in await colleagues(world.context("nurse"))]
    await asyncio.gather(*(assign_all(world.context("nurse"), ["hanne"], one) for one in roles * 2))
    teams = await stored(world, "CareTeam", "hanne")
    assert len(teams) == 1 and len([one for one in teams[0]["participant"] if is_coordinator(one)]) == 1


async def test_nobody_from_elsewhere_is_responsible(world: World) -> None:
    with pytest.raises(ColleagueUnknown):
        await assign_all(world.context("nurse"), ["carl"], "PractitionerRole/somebody")


async def test_a_plan_without_a_tovholder_is_said_to_have_none(world: World) -> None:
    context = world.context("nurse")
    found = await read_worklist(context, context.caller.organization)
    named = {one.patient["id"]: one for one in found.candidates}
    assert named["carl"].owner is not None and not named["carl"].is_ownerless
    assert named["anna"].saved is None and not named["anna"].is_ownerless
