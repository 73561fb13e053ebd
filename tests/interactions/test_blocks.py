"""Spærring: whom and what a patient can block, once each; lifting it; and ending what a referral shares."""

import asyncio

import pytest

from careplan.interactions.access import Forbidden
from careplan.interactions.block import KindUnknown, find_block, kind_of, lift, stop_sharing
from careplan.interactions.block import block as deny
from careplan.store.protocol import NotFound

from .conftest import Json, Town, referral
from .consenting import block, kinds

NORTH = "Organization/north"


async def held(town: Town) -> list[Json]:
    """What Anna has said that holds."""
    return await town.find("Consent", patient="anna", status="active")


# ── what is blocked ──────────────────────────────────────────────────────────────────────────────


async def test_a_kind_that_there_is_none_of_is_refused(town: Town) -> None:
    with pytest.raises(KindUnknown):
        await deny(town.as_("anna"), "anna", NORTH, "mind")


@pytest.mark.parametrize("who", ["Organization/none", "Patient/birthe", "RelatedPerson/anders", "north", ""])
async def test_only_organisations_and_people_at_work_are_blocked(town: Town, who: str) -> None:
    with pytest.raises(NotFound):
        await deny(town.as_("anna"), "anna", who, "all")
    assert await held(town) == []


async def test_the_same_block_is_said_once_and_another_kind_beside_it(town: Town) -> None:
    said = await asyncio.gather(*(deny(town.as_("anna"), "anna", NORTH, "values") for _ in range(4)))
    assert len(set(said)) == len(await held(town)) == 1
    other = await deny(town.as_("anna"), "anna", NORTH, "medicine")
    found = await find_block(town.as_("anna"), "anna", other)
    assert found is not None and kind_of(found.rule) == "medicine"
    assert len(await held(town)) == 2


async def test_lifting_a_block_ends_every_equal_one_and_no_other(town: Town) -> None:
    values = {"class": kinds("Observation")}
    await town.put(block(NORTH, **values), block(NORTH, id="again", **values), block(NORTH, id="whole"))
    assert await lift(town.as_("anna"), "anna", "block")
    assert [one["id"] for one in await held(town)] == ["whole"]
    assert not await lift(town.as_("anna"), "anna", "again")


@pytest.mark.parametrize("who", ["birthe", "stranger", "visitator"])
async def test_nobody_else_blocks_or_lifts_for_the_patient(town: Town, who: str) -> None:
    await town.put(block("Organization/city"))
    with pytest.raises(Forbidden):
        await deny(town.as_(who), "anna", NORTH, "all")
    with pytest.raises(Forbidden):
        await lift(town.as_(who), "anna", "block")


# ── what a referral shares ───────────────────────────────────────────────────────────────────────


async def test_a_referral_that_was_sent_without_consent_is_blocked_itself_and_alone(open_town: Town) -> None:
    await open_town.put(referral("other"))
    await stop_sharing(open_town.as_("anna"), "anna", "r-anna")
    (said,) = await held(open_town)
    data = said["provision"]["data"]
    assert [one["reference"]["reference"] for one in data] == ["ServiceRequest/r-anna"]
    assert (await open_town.get("Patient/anna", "visitator"))["id"] == "anna"
    await stop_sharing(open_town.as_("anna"), "anna", "other")
    with pytest.raises(Forbidden):
        await open_town.get("Patient/anna", "visitator")


async def test_ending_what_a_referral_shares_twice_or_at_once_is_ending_it_once(open_town: Town) -> None:
    await asyncio.gather(*(stop_sharing(open_town.as_("anna"), "anna", "r-anna") for _ in range(4)))
    before = await open_town.everything()
    await stop_sharing(open_town.as_("anna"), "anna", "r-anna")
    assert await open_town.everything() == before and len(await held(open_town)) == 1


async def test_a_referral_that_ended_or_is_another_patient_s_shares_nothing_to_end(open_town: Town) -> None:
    await open_town.put(referral("over", status="completed"), referral("r-birthe", of="birthe"))
    for id, error in (("over", NotFound), ("r-birthe", Forbidden), ("none", Forbidden)):
        with pytest.raises(error):
            await stop_sharing(open_town.as_("anna"), "anna", id)
    assert await held(open_town) == []
