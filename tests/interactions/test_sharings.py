"""What «Deling og adgang» is made from: each Consent stands in one place, and what a referral shares beside it."""

import pytest

from careplan.interactions.access import Forbidden
from careplan.interactions.block import stop_sharing
from careplan.interactions.sharing import Sharing, read_sharing

from .conftest import Town, referral
from .consenting import actors, attorney, block, privacy, relative


async def shared(town: Town, who: str = "anna") -> Sharing:
    return await read_sharing(town.as_(who), "anna")


async def test_each_consent_stands_in_one_place(open_town: Town) -> None:
    permit = privacy("permit", {"type": "permit", "actor": actors("Organization/city")})
    await open_town.put(relative(), attorney(), block("Organization/south"), permit)
    found = await shared(open_town)
    assert [one.id for one in found.attorneys] == ["attorney"]
    assert [one.id for one in found.blocks] == ["block"]
    assert [one.id for one in found.permits] == ["permit"]
    assert [one["id"] for one in found.relatives] == ["anders"]


async def test_what_ends_a_referral_stands_with_it_and_not_among_the_blocks(open_town: Town) -> None:
    await open_town.put(referral("other"))
    await stop_sharing(open_town.as_("anna"), "anna", "r-anna")
    found = await shared(open_town)
    assert {one.referral["id"]: one.stopped is not None for one in found.openings} == {"r-anna": True, "other": False}
    assert found.blocks == ()


async def test_a_referral_that_shares_no_more_is_not_told_of(open_town: Town) -> None:
    await open_town.put(
        referral("over", status="revoked"),
        referral("past", occurrencePeriod={"end": "2026-11-21"}),
    )
    assert {one.referral["id"] for one in (await shared(open_town)).openings} == {"r-anna"}


@pytest.mark.parametrize("who", ["birthe", "stranger", "visitator", "statistics"])
async def test_others_do_not_read_it(open_town: Town, who: str) -> None:
    with pytest.raises(Forbidden):
        await shared(open_town, who)
