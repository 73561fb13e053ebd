"""Fuldmagt: who can be trusted, for how long, and that one relative has one power of attorney."""

import asyncio
from datetime import date, timedelta

import pytest

from careplan.domain.calendar import add_months
from careplan.interactions.access import Forbidden
from careplan.interactions.attorney import LONGEST, TermFaulty, find_attorney, give, relatives_of, withdraw
from careplan.store.protocol import NotFound

from .conftest import NOW, Json, Town
from .consenting import RELATIVE, as_caller, attorney, block, relative

TODAY = NOW.date()
JUNE = date(2027, 6, 1)


@pytest.fixture
async def family(town: Town) -> Town:
    await town.put(relative(), relative("bo"), relative("stranger", of="birthe"))
    return town


async def held(town: Town) -> list[Json]:
    """What Anna has said that holds."""
    return await town.find("Consent", patient="anna", status="active")


@pytest.mark.parametrize(
    "former", [relative(active=False), relative(period={"end": "2026-11-21"}), relative(of="birthe")]
)
async def test_only_who_is_a_relative_of_the_patient_today_is_trusted(town: Town, former: Json) -> None:
    await town.put(former, relative("bo", period={"end": "2026-11-22"}))
    assert [one["id"] for one in await relatives_of(town.as_("anna"), "anna")] == ["bo"]
    with pytest.raises(NotFound):
        await give(town.as_("anna"), "anna", "anders", JUNE, writes=False)


@pytest.mark.parametrize("until", [TODAY, add_months(TODAY, LONGEST)])
async def test_a_power_of_attorney_lasts_from_a_day_to_five_years(family: Town, until: date) -> None:
    id = await give(family.as_("anna"), "anna", "anders", until, writes=False)
    said = await find_attorney(family.as_("anna"), "anna", id)
    assert said is not None and said.until == until


@pytest.mark.parametrize("until", [TODAY - timedelta(1), add_months(TODAY, LONGEST) + timedelta(1)])
async def test_a_power_of_attorney_past_or_too_far_ahead_is_refused(family: Town, until: date) -> None:
    with pytest.raises(TermFaulty):
        await give(family.as_("anna"), "anna", "anders", until, writes=False)
    assert await held(family) == []


async def test_giving_it_again_is_giving_it_once_and_changes_what_it_says(family: Town) -> None:
    anna = family.as_("anna")
    id = await give(anna, "anna", "anders", JUNE, writes=False)
    before = await family.everything()
    assert await give(anna, "anna", "anders", JUNE, writes=False) == id
    assert await family.everything() == before
    assert await give(anna, "anna", "anders", date(2027, 7, 1), writes=True) == id
    (said,) = await held(family)
    found = await find_attorney(anna, "anna", said["id"])
    assert found is not None and (found.until, found.rule.writes) == (date(2027, 7, 1), True)


async def test_giving_it_several_times_at_once_is_giving_it_once(family: Town) -> None:
    given = (give(family.as_("anna"), "anna", "anders", JUNE, writes=True) for _ in range(5))
    assert len(set(await asyncio.gather(*given))) == len(await held(family)) == 1


async def test_each_relative_has_a_power_of_attorney_of_their_own(family: Town) -> None:
    first = await give(family.as_("anna"), "anna", "anders", JUNE, writes=False)
    second = await give(family.as_("anna"), "anna", "bo", JUNE, writes=False)
    assert await withdraw(family.as_("anna"), "anna", first)
    assert [one["id"] for one in await held(family)] == [second]


async def test_taking_it_back_ends_all_that_the_relative_has_and_is_done_once(family: Town) -> None:
    await family.put(attorney(), {**attorney("2027-12-31", "access", "correct"), "id": "older"})
    assert await withdraw(family.as_("anna"), "anna", "attorney")
    assert await held(family) == []
    assert not await withdraw(family.as_("anna"), "anna", "attorney")


async def test_one_that_the_clinic_wrote_down_stands_beside_the_patient_s_own(family: Town) -> None:
    await family.put({**attorney(), "performer": [{"reference": "Organization/north"}]})
    own = await give(family.as_("anna"), "anna", "anders", JUNE, writes=False)
    assert await withdraw(family.as_("anna"), "anna", own)
    assert [one["id"] for one in await held(family)] == ["attorney"]


async def test_what_is_no_power_of_attorney_of_the_patient_is_not_found(family: Town) -> None:
    await family.put(block("Organization/north"), attorney(of="birthe", who="stranger"))
    with pytest.raises(NotFound):
        await withdraw(family.as_("anna"), "anna", "block")
    with pytest.raises(Forbidden):
        await withdraw(family.as_("anna"), "anna", "attorney")


@pytest.mark.parametrize("who", ["birthe", "doctor", "visitator", "statistics"])
async def test_nobody_else_gives_it_for_the_patient(family: Town, who: str) -> None:
    with pytest.raises(Forbidden):
        await give(family.as_(who), "anna", "anders", JUNE, writes=False)
    assert await held(family) == []


async def test_a_relative_hands_no_power_of_attorney_on(family: Town) -> None:
    await family.put(attorney("2026-12-31", "access", "correct"))
    with pytest.raises(Forbidden):
        await give(as_caller(family, RELATIVE), "anna", "bo", JUNE, writes=True)
