"""A referral as somebody sends it says when it was written: no day to come, and the same ever after."""

from datetime import timedelta
from typing import Any

import pytest

from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.text import dump
from careplan.interactions.block import stop_sharing
from careplan.interactions.patch import patch, patch_from_body

from .conftest import NOW, Json, Town, referral

WRITTEN = (NOW - timedelta(days=2)).isoformat()


def at(**ahead: float) -> str:
    return (NOW + timedelta(**ahead)).isoformat()


async def patched(town: Town, operation: str, **more: Any) -> None:
    context = town.as_("doctor")
    change = patch_from_body(context, dump([{"op": operation, "path": "/authoredOn", **more}]))
    await patch(context, "ServiceRequest", "r", change)


async def refused(town: Town, request: Json) -> tuple[str, str]:
    """(element, code) of the one fault that a doctor's referral is refused for."""
    with pytest.raises(ResourceInvalid) as told:
        await town.put(request, who="doctor")
    (fault,) = told.value.faults
    return fault.expression, fault.code


@pytest.mark.parametrize("day", [at(minutes=6), at(days=300), "2026-11-23", "2026-12", "2027"])
@pytest.mark.parametrize("status", ["active", "draft", "completed"])
async def test_a_referral_of_a_day_to_come_is_refused(town: Town, day: str, status: str) -> None:
    found = await refused(town, referral("r", status=status, authoredOn=day))
    assert found == ("ServiceRequest.authoredOn", "value-invalid")
    assert await town.find("ServiceRequest", patient="anna") == []


@pytest.mark.parametrize("day", [at(minutes=4), at(), "2026-11-22", "2026-11", "2026", WRITTEN])
async def test_a_clock_that_is_a_little_ahead_and_a_date_without_hours_are_taken(town: Town, day: str) -> None:
    await town.put(referral("r", authoredOn=day), who="doctor")
    assert (await town.get("ServiceRequest/r"))["authoredOn"] == day


@pytest.mark.parametrize("before", [{}, {"authoredOn": WRITTEN}])
@pytest.mark.parametrize("after", [{"authoredOn": at(hours=-1)}, {"authoredOn": at(days=-9)}, {}])
async def test_when_a_stored_referral_was_written_is_not_changed(town: Town, before: Json, after: Json) -> None:
    await town.put(referral("r", **before))
    if before == after:
        await town.put(referral("r", **after, note=[{"text": "Ring først"}]), who="doctor")
        return
    found = await refused(town, referral("r", **after))
    assert found == ("ServiceRequest.authoredOn", "referral-altered")


async def test_nor_is_it_changed_by_a_patch(town: Town) -> None:
    await town.put(referral("r", authoredOn=WRITTEN))
    with pytest.raises(ResourceInvalid):
        await patched(town, "replace", value=at())
    with pytest.raises(ResourceInvalid):
        await patched(town, "remove")
    assert (await town.get("ServiceRequest/r"))["authoredOn"] == WRITTEN


async def test_the_same_moment_in_another_zone_is_no_change(town: Town) -> None:
    await town.put(referral("r", authoredOn="2026-11-20T10:00:00+01:00"))
    await town.put(referral("r", authoredOn="2026-11-20T09:00:00Z"), who="doctor")


async def test_a_stop_of_sharing_is_not_passed_by_a_later_date(open_town: Town) -> None:
    """Neither by a date to come, nor by a draft of before that is dated anew."""
    await open_town.put(referral("loose", authoredOn=WRITTEN), referral("draft", status="draft", authoredOn=WRITTEN))
    await stop_sharing(open_town.as_("anna"), "anna", "loose")
    assert await refused(open_town, referral("new", authoredOn=at(days=1))) == (
        "ServiceRequest.authoredOn",
        "value-invalid",
    )
    open_town.later(hours=1)
    for request in (referral("draft", authoredOn=at(minutes=30)), referral("loose", authoredOn=at(minutes=30))):
        with pytest.raises(ResourceInvalid):
            await open_town.put(request, who="doctor")
    assert not [one for one in await open_town.find("ServiceRequest", patient="anna") if one["id"] == "new"]
