"""The årskontrol is held: plans saved, the control set again, the tjekliste kept, in one commit."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from overtaken import Work, overtaken
from page_house import World, caller_of, fill, open_world

from careplan.domain.errors import StatusInvalid
from careplan.fhir import systems
from careplan.fhir.agreed import activity_of, due_of, is_open, key_of
from careplan.fhir.instant import find_date
from careplan.fhir.mapping import last_reviewed, plan_type_of
from careplan.fhir.query import Query
from careplan.fhir.text import Json, dump, parse, read_text
from careplan.interactions.access import Forbidden
from careplan.interactions.audit.inquiry import entries_about
from careplan.interactions.context import Context
from careplan.interactions.kept_form import TYPE, Filled, KeptByOthers, find_kept, keep
from careplan.interactions.operations.establish import make_plans
from careplan.interactions.operations.individual_target import set_target
from careplan.interactions.operations.wanted import Wanted
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.review import FORM, Review, approve_review, reviewed_from
from careplan.interactions.shown import Overtaken, Shown
from careplan.interactions.write import update

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
    """Tasks and orders of the activity, oldest first."""
    every = [*await stored(world, "Task", patient), *await stored(world, "ServiceRequest", patient)]
    found = [one for one in every if activity_of(one) == activity]
    return sorted(found, key=lambda task: str(task["authoredOn"]))


async def seen(world: World, patient: str) -> frozenset[str]:
    """What somebody who opens the page now sees."""
    plans, some = await stored(world, "CarePlan", patient), await stored(world, "Task", patient)
    return reviewed_from(world.house.knowledge, plans, some)


async def approve(world: World, context: Context, patient: str, review: Review) -> None:
    await approve_review(context, patient, review, await seen(world, patient))


async def test_every_active_plan_is_saved_now(world: World) -> None:
    await approve(world, world.context("nurse"), "birthe", Review())
    plans = await stored(world, "CarePlan", "birthe")
    assert len(plans) == 3
    assert {find_date(last_reviewed(plan)) for plan in plans} == {TODAY}


async def test_the_control_is_done_and_set_again_for_every_plan(world: World) -> None:
    await approve(world, world.context("nurse"), "birthe", Review())
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
    await approve(world, world.context("nurse"), "birthe", review)
    done, following = await tasks(world, "birthe", "aarskontrol")
    kept = {one["type"]["coding"][0]["code"]: one["valueCode"] for one in done["output"]}
    assert kept == {"medicin": "done", "rygning": "not-relevant"}
    assert {one["type"]["coding"][0]["system"] for one in done["output"]} == {systems.CHECK}
    assert "output" not in following


async def test_what_was_ticked_is_done_and_what_recurs_is_set_again(world: World) -> None:
    (blood,) = await tasks(world, "birthe", "blodproeve")
    own = next(task for task in await stored(world, "Task", "birthe") if activity_of(task) is None)
    await approve(world, world.context("nurse"), "birthe", Review(done=frozenset({blood["id"], own["id"]})))
    done, following = await tasks(world, "birthe", "blodproeve")
    assert (done["status"], following["status"]) == ("completed", "active")
    assert (done["resourceType"], following["resourceType"]) == (
        "Task",
        "ServiceRequest",
    )  # of older plans, and today's
    assert due_of(following) == date(2027, 11, 22)
    kept = [task for task in await stored(world, "Task", "birthe") if task.get("description") == own["description"]]
    assert [task["status"] for task in kept] == ["completed"]


async def test_an_order_that_was_ticked_is_done_and_ordered_again_for_its_plans(world: World) -> None:
    made = [world.house.knowledge.plans["hjerte"]]
    await make_plans(world.context("doctor"), "carl", made, reason="Efter samtale")
    (blood,) = [one for one in await tasks(world, "carl", "blodproeve") if is_open(one)]
    await approve(world, world.context("nurse"), "carl", Review(done=frozenset({key_of(blood)})))
    again = [one for one in await tasks(world, "carl", "blodproeve") if is_open(one)]
    assert [one["id"] for one in again] != [blood["id"]]
    assert {one["resourceType"] for one in again} == {"ServiceRequest"}
    (heart,) = [one for one in await stored(world, "CarePlan", "carl") if plan_type_of(one) == "hjerte"]
    assert {"reference": f"CarePlan/{heart['id']}"} in again[0]["basedOn"]
    assert {"reference": {"reference": f"ServiceRequest/{again[0]['id']}"}} in heart["activity"]


async def test_what_was_not_ticked_stays_as_it_was(world: World) -> None:
    before = await tasks(world, "birthe", "blodproeve")
    await approve(world, world.context("nurse"), "birthe", Review())
    assert await tasks(world, "birthe", "blodproeve") == before


async def test_the_next_control_comes_after_the_next_one_too(world: World) -> None:
    await approve(world, world.context("nurse"), "birthe", Review())
    world.clock.forward(days=300)
    await approve(world, world.context("nurse"), "birthe", Review())
    states = [task["status"] for task in await tasks(world, "birthe", "aarskontrol")]
    assert states == ["completed", "completed", "requested"]


async def test_it_is_one_commit_with_one_provenance(world: World) -> None:
    before = {one["id"] for one in await stored(world, "Provenance", "birthe")}
    await approve(world, world.context("nurse"), "birthe", Review())
    (made,) = [one for one in await stored(world, "Provenance", "birthe") if one["id"] not in before]
    assert made["activity"]["text"] == "review"
    kinds = sorted(one["reference"].partition("/")[0] for one in made["target"])
    assert kinds == ["CarePlan", "CarePlan", "CarePlan", "Patient", "Task", "Task"]


async def test_two_who_approve_at_once_hold_one_control(world: World) -> None:
    as_seen = await seen(world, "birthe")
    contexts = [world.context("nurse"), world.context("doctor")]
    answers = await asyncio.gather(
        *(approve_review(context, "birthe", Review(), as_seen) for context in contexts), return_exceptions=True
    )
    assert [type(one) for one in answers if isinstance(one, Exception)] == [PreconditionFailed]
    states = [task["status"] for task in await tasks(world, "birthe", "aarskontrol")]
    assert sorted(states) == ["completed", "requested"]


async def test_an_approval_sent_again_holds_no_second_control(world: World) -> None:
    as_seen = await seen(world, "birthe")
    await approve_review(world.context("nurse"), "birthe", Review(), as_seen)
    before = [await stored(world, kind, "birthe") for kind in ("CarePlan", "Task", "Provenance")]
    with pytest.raises(PreconditionFailed):
        await approve_review(world.context("nurse"), "birthe", Review(), as_seen)
    assert [await stored(world, kind, "birthe") for kind in ("CarePlan", "Task", "Provenance")] == before


async def test_without_an_open_control_an_approval_sent_again_is_refused_too(world: World) -> None:
    (control,) = await tasks(world, "birthe", "aarskontrol")
    await rewrite(world, {**control, "status": "cancelled"})
    as_seen = await seen(world, "birthe")
    assert {one.partition("/")[0] for one in as_seen} == {"CarePlan"}
    await approve_review(world.context("nurse"), "birthe", Review(), as_seen)
    with pytest.raises(PreconditionFailed):
        await approve_review(world.context("nurse"), "birthe", Review(), as_seen)
    assert [one["status"] for one in await tasks(world, "birthe", "aarskontrol")] == ["cancelled", "requested"]


@pytest.mark.parametrize("kind", ["CarePlan", "Task"])
async def test_a_plan_or_a_control_that_was_changed_after_it_was_seen_is_not_approved(world: World, kind: str) -> None:
    as_seen = await seen(world, "birthe")
    changed = (await (tasks(world, "birthe", "aarskontrol") if kind == "Task" else stored(world, kind, "birthe")))[0]
    await rewrite(world, {**changed, "note": [{"text": "Ændret imens"}]})
    before = await stored(world, "Task", "birthe")
    with pytest.raises(PreconditionFailed):
        await approve_review(world.context("nurse"), "birthe", Review(), as_seen)
    assert await stored(world, "Task", "birthe") == before


async def test_a_plan_that_came_after_the_page_was_seen_is_not_approved_with_the_others(world: World) -> None:
    as_seen = await seen(world, "carl")
    made = [world.house.knowledge.plans["hjerte"]]
    await make_plans(world.context("doctor"), "carl", made, reason="Efter samtale")
    with pytest.raises(PreconditionFailed):
        await approve_review(world.context("nurse"), "carl", Review(), as_seen)


def late(world: World, work: Work) -> Context:
    """A nurse whom somebody overtakes."""
    context = world.context("nurse")
    return replace(context, house=overtaken(world.house, work))


async def test_a_plan_made_while_an_approval_is_under_way_is_not_approved_unseen(world: World) -> None:
    as_seen = await seen(world, "carl")
    made = [world.house.knowledge.plans["hjerte"]]
    context = late(world, lambda: make_plans(world.context("doctor"), "carl", made, reason="Efter samtale"))
    with pytest.raises(PreconditionFailed):
        await approve_review(context, "carl", Review(), as_seen)
    assert {one["status"] for one in await tasks(world, "carl", "aarskontrol")} == {"requested"}


async def test_a_change_of_what_was_not_looked_at_does_not_stop_an_approval(world: World) -> None:
    as_seen = await seen(world, "birthe")
    (blood,) = await tasks(world, "birthe", "blodproeve")
    work = partial(rewrite, world, {**blood, "note": [{"text": "Fastende"}]})
    await approve_review(late(world, work), "birthe", Review(done=frozenset({blood["id"]})), as_seen)
    done, _ = await tasks(world, "birthe", "blodproeve")
    assert done["status"] == "completed" and done["note"] == [{"text": "Fastende"}]


async def test_a_target_set_while_an_approval_is_under_way_is_not_approved_unseen(world: World) -> None:
    """Whoever is second has not seen it; a Goal whose target is as it was stops nobody."""
    (goal,) = [one for one in await stored(world, "Goal", "birthe") if "LDL" in one["description"]["text"]]
    wanted = Wanted(None, Decimal("2.2"), False, "side-effect", "Smerter", None)
    shown = Shown(goals={"ldl": f"Goal/{goal['id']}@{goal['meta']['versionId']}"})
    context = late(world, lambda: set_target(world.context("doctor"), goal["id"], wanted))
    as_seen = await seen(world, "birthe")
    with pytest.raises(Overtaken):
        await approve_review(context, "birthe", Review(), as_seen, shown=shown)
    assert {one["status"] for one in await tasks(world, "birthe", "aarskontrol")} == {"requested"}
    (changed,) = [one for one in await stored(world, "Goal", "birthe") if one["id"] == goal["id"]]
    now = Shown(goals={"ldl": f"Goal/{goal['id']}@{changed['meta']['versionId']}"})
    await rewrite(world, {**changed, "note": [{"text": "Talt om"}]})
    await approve_review(world.context("nurse"), "birthe", Review(), as_seen, shown=now)


async def rewrite(world: World, value: Json) -> None:
    """Somebody else saves a resource."""
    await update(world.context(), value["resourceType"], value["id"], read_text(dump(value)))


async def test_a_control_set_again_has_no_owner_where_no_clinic_is_known(world: World) -> None:
    (patient,) = [parse((await world.house.store.read("Patient", "birthe")).body or b"")]  # type: ignore[union-attr]
    (control,) = await tasks(world, "birthe", "aarskontrol")
    await rewrite(world, {name: part for name, part in patient.items() if name != "generalPractitioner"})
    await rewrite(world, {name: part for name, part in control.items() if name != "owner"})
    await approve(world, world.context(), "birthe", Review())
    following = (await tasks(world, "birthe", "aarskontrol"))[-1]
    assert following["status"] == "requested" and "owner" not in following


async def test_without_an_active_plan_there_is_nothing_to_approve(world: World) -> None:
    for patient in ("anna", "gunnar"):
        with pytest.raises(StatusInvalid):
            await approve(world, world.context("nurse"), patient, Review())


async def test_only_the_clinic_approves(world: World) -> None:
    for persona in ("patient-birthe", "visitator"):
        with pytest.raises(Forbidden):
            await approve(world, world.context(persona), "birthe", Review())


async def kept_form(world: World, persona: str, mark: str) -> int:
    """What somebody has kept of the form; its number."""
    made = await keep(world.context(persona), FORM, "birthe", Filled(mark, fields={"gjort": ("x",)}), frozenset())
    return made.number if made else 0


async def test_what_was_kept_of_the_form_goes_with_the_approval_and_stays_where_that_fails(world: World) -> None:
    nurse, number = world.context("nurse"), await kept_form(world, "nurse", "one")
    with pytest.raises(PreconditionFailed):
        await approve_review(nurse, "birthe", Review(), frozenset({"CarePlan/x@1"}), {number})
    assert await find_kept(nurse, FORM, "birthe") is not None
    await approve_review(nurse, "birthe", Review(), await seen(world, "birthe"), {number})
    assert await find_kept(nurse, FORM, "birthe") is None
    changes = await world.house.store.changes(0, 100_000)
    plans = max(one.position for one in changes if one.type == "CarePlan")
    between = {one.type for one in changes if one.position > plans}
    assert TYPE in between and between <= {"Provenance", "Task", "Goal", TYPE, "AuditRecord"}


async def test_an_approval_that_has_not_seen_a_colleagues_draft_is_refused(world: World) -> None:
    await kept_form(world, "doctor", "one")
    with pytest.raises(KeptByOthers):
        await approve_review(world.context("nurse"), "birthe", Review(), await seen(world, "birthe"), mark="another")
    assert all(find_date(last_reviewed(plan)) != TODAY for plan in await stored(world, "CarePlan", "birthe"))


async def test_keeping_a_form_stands_in_the_log_of_the_patient_and_names_no_resource(world: World) -> None:
    await kept_form(world, "nurse", "one")
    (entry,) = [one async for _, one in entries_about(world.house.store, "birthe", caller_of("nurse").reference)]
    assert entry["of"] == {"birthe": []} and entry["out"] == "0"
