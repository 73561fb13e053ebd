"""What came back of a referral meets the clinic until somebody has seen it; what it asks stands until it is done."""

import pytest

from careplan.fhir.text import Json
from careplan.interactions.access import Forbidden
from careplan.interactions.casework import move
from careplan.interactions.coursework import close_course
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.reply import Returned, returned, settle
from careplan.store.protocol import NotFound

from .conftest import Town
from .test_attempts import given_up, tried
from .test_coursework import ENDING, under_way


async def listed(town: Town, who: str = "doctor") -> tuple[Returned, ...]:
    return await returned(town.as_(who))


async def sent_back(town: Town) -> str:
    task = await under_way(town, "take")
    await move(town.as_("visitator"), task, "return", None, reason="missing-information", text="FEV1 mangler.")
    return task


async def test_what_was_sent_back_is_listed_until_somebody_has_seen_it(town: Town) -> None:
    task = await sent_back(town)
    (one,) = await listed(town)
    assert (one.opened.version.id, one.opened.case.phase, one.patient["id"]) == (task, "returned", "anna")
    assert one.opened.request["code"] == {"text": "Afklarende samtale"} and one.follow_ups == ()
    assert one.notice is not None and one.notice["owner"] == {"reference": "PractitionerRole/doctor"}
    await settle(town.as_("doctor"), one.notice["id"], None)
    assert await listed(town) == ()
    assert (await town.get(f"Task/{one.notice['id']}"))["status"] == "completed"


async def test_what_the_clinic_is_asked_to_do_stands_there_until_it_is_done(town: Town) -> None:
    await close_course(town.as_("visitator"), await under_way(town), None, ENDING)
    (one,) = await listed(town)
    assert one.notice is not None and [(task["code"]["text"], one.due) for task in one.follow_ups] == [
        ("Ny vægt", ENDING.due)
    ]
    await settle(town.as_("doctor"), one.notice["id"], None)
    (seen,) = await listed(town)
    assert seen.notice is None and seen.follow_ups == one.follow_ups
    await settle(town.as_("doctor"), one.follow_ups[0]["id"], None)
    assert await listed(town) == ()


async def test_nobody_was_reached_and_that_is_one_line_with_its_task(town: Town) -> None:
    task = await under_way(town, "take")
    await tried(town, task)
    await given_up(town, task)
    (one,) = await listed(town)
    assert one.notice is not None and len(one.follow_ups) == 1


async def test_what_the_clinic_ends_itself_is_no_news_to_it(town: Town) -> None:
    task = await under_way(town, "take")
    await move(town.as_("doctor"), task, "withdraw", None, reason="not-needed")
    assert await listed(town) == ()


async def test_the_patient_who_stops_the_sharing_is_news_to_the_clinic(town: Town) -> None:
    task = await under_way(town, "take")
    (consent,) = await town.find("Consent", patient="anna")
    await town.put({**consent, "status": "inactive"}, who="anna")
    (one,) = await listed(town)
    assert (one.opened.version.id, one.opened.case.reason) == (task, "sharing-stopped")


async def test_another_clinic_and_the_receiver_have_no_part_in_it(town: Town) -> None:
    await sent_back(town)
    (one,) = await listed(town)
    assert await listed(town, "stranger") == () and one.notice is not None
    for who in ("stranger", "visitator", "anna"):
        with pytest.raises(Forbidden):
            await settle(town.as_(who), one.notice["id"], None)


async def test_it_is_seen_once(town: Town) -> None:
    await sent_back(town)
    (one,) = await listed(town)
    notice: Json = one.notice or {}
    with pytest.raises(PreconditionFailed):
        await settle(town.as_("doctor"), notice["id"], 2)
    await settle(town.as_("doctor"), notice["id"], 1)
    with pytest.raises(PreconditionFailed):
        await settle(town.as_("doctor"), notice["id"], None)


async def test_nothing_else_is_done_this_way(town: Town) -> None:
    with pytest.raises(NotFound):
        await settle(town.as_("doctor"), await sent_back(town), None)
