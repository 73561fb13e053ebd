"""The årskontrol is held: plans saved, the control set again, the tjekliste kept, in one commit."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from page_house import World, fill, open_world

from careplan.domain.errors import StatusInvalid
from careplan.fhir.draft import activity_of
from careplan.fhir.instant import find_date
from careplan.fhir.mapping import last_reviewed
from careplan.fhir.search import Query
from careplan.fhir.text import Json, parse
from careplan.interactions.access import Forbidden
from careplan.interactions.review import CHECK, Review, approve_review

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def reviewed_clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("review") / "filled.db"
    asyncio.run(fill(path, 8))
    return path


@pytest.fixture
async def world(reviewed_clinic: Path, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(reviewed_clinic, tmp_path) as opened:
        yield opened


async def stored(world: World, kind: str, patient: str) -> list[Json]:
    page = await world.house.store.search(Query(kind, patient=patient, count=1000))
    return [parse(version.body or b"") for version in page.matches]


async def tasks(world: World, patient: str, activity: str) -> list[Json]:
    """Oldest first."""
    found = [task for task in await stored(world, "Task", patient) if activity_of(task) == activity]
    return sorted(found, key=lambda task: str(task["authoredOn"]))


async def test_every_active_plan_is_saved_now(world: World) -> None:
    await approve_review(world.context("nurse"), "birthe", Review())
    plans = await stored(world, "CarePlan", "birthe")
    assert len(plans) == 3
    assert {find_date(last_reviewed(plan)) for plan in plans} == {TODAY}


async def test_the_control_is_done_and_set_again_for_every_plan(world: World) -> None:
    await approve_review(world.context("nurse"), "birthe", Review())
    done, following = await tasks(world, "birthe", "aarskontrol")
    assert done["status"] == "completed" and find_date(done["executionPeriod"]["end"]) == TODAY
    assert following["status"] == "requested"
    assert following["restriction"]["period"]["end"] == "2027-11-22"
    assert following["owner"] == done["owner"]
    for plan in await stored(world, "CarePlan", "birthe"):
        assert {"reference": {"reference": f"Task/{following['id']}"}} in plan["activity"]
        assert {"reference": f"CarePlan/{plan['id']}"} in following["basedOn"]


async def test_the_tjekliste_stays_with_the_control_that_was_held(world: World) -> None:
    review = Review({"medicin": "done", "rygning": "not-relevant"})
    await approve_review(world.context("nurse"), "birthe", review)
    done, following = await tasks(world, "birthe", "aarskontrol")
    kept = {one["type"]["coding"][0]["code"]: one["valueCode"] for one in done["output"]}
    assert kept == {"medicin": "done", "rygning": "not-relevant"}
    assert {one["type"]["coding"][0]["system"] for one in done["output"]} == {CHECK}
    assert "output" not in following


async def test_what_was_ticked_is_done_and_what_recurs_is_set_again(world: World) -> None:
    (blood,) = await tasks(world, "birthe", "blodproeve")
    own = next(task for task in await stored(world, "Task", "birthe") if activity_of(task) is None)
    await approve_review(world.context("nurse"), "birthe", Review(done=frozenset({blood["id"], own["id"]})))
    done, following = await tasks(world, "birthe", "blodproeve")
    assert (done["status"], following["status"]) == ("completed", "requested")
    assert following["restriction"]["period"]["end"] == "2027-11-22"
    kept = [task for task in await stored(world, "Task", "birthe") if task.get("description") == own["description"]]
    assert [task["status"] for task in kept] == ["completed"]


async def test_what_was_not_ticked_stays_as_it_was(world: World) -> None:
    before = await tasks(world, "birthe", "blodproeve")
    await approve_review(world.context("nurse"), "birthe", Review())
    assert await tasks(world, "birthe", "blodproeve") == before


async def test_the_next_control_comes_after_the_next_one_too(world: World) -> None:
    await approve_review(world.context("nurse"), "birthe", Review())
    world.clock.forward(days=300)
    await approve_review(world.context("nurse"), "birthe", Review())
    states = [task["status"] for task in await tasks(world, "birthe", "aarskontrol")]
    assert states == ["completed", "completed", "requested"]


async def test_it_is_one_commit_with_one_provenance(world: World) -> None:
    before = {one["id"] for one in await stored(world, "Provenance", "birthe")}
    await approve_review(world.context("nurse"), "birthe", Review())
    (made,) = [one for one in await stored(world, "Provenance", "birthe") if one["id"] not in before]
    assert made["activity"]["text"] == "review"
    kinds = sorted(one["reference"].partition("/")[0] for one in made["target"])
    assert kinds == ["CarePlan", "CarePlan", "CarePlan", "Patient", "Task", "Task"]


async def test_two_who_approve_at_once_leave_one_control_open(world: World) -> None:
    contexts = [world.context("nurse"), world.context("doctor")]
    await asyncio.gather(*(approve_review(context, "birthe", Review()) for context in contexts))
    states = [task["status"] for task in await tasks(world, "birthe", "aarskontrol")]
    assert states.count("requested") == 1


async def test_without_an_active_plan_there_is_nothing_to_approve(world: World) -> None:
    for patient in ("anna", "gunnar"):
        with pytest.raises(StatusInvalid):
            await approve_review(world.context("nurse"), patient, Review())


async def test_only_the_clinic_approves(world: World) -> None:
    for persona in ("patient-birthe", "visitator"):
        with pytest.raises(Forbidden):
            await approve_review(world.context(persona), "birthe", Review())
