"""A plan handed over on paper: recorded once a day for each sheet, told in the history, in the audit log as well."""

import pytest

from careplan.fhir.text import dump, read_text
from careplan.interactions.access import Forbidden
from careplan.interactions.chronicle import read_chronicle
from careplan.interactions.delivery import deliver, find_delivery
from careplan.interactions.message import messages_of_patient
from careplan.interactions.timeline import Event, events
from careplan.interactions.write import update

from .conftest import NOW, Json, Town

PLANS = ("CarePlan/some",)


async def hand_over(town: Town, who: str = "doctor", edition: str = "short", language: str = "da") -> bool:
    return await deliver(town.as_(who), "anna", edition, language, PLANS)


async def prints(town: Town) -> list[Event]:
    found = events(town.as_("doctor"), await read_chronicle(town.as_("doctor"), "anna"))
    return [one for one in reversed(found) if one.kind == "print"]


async def recorded(town: Town) -> list[Json]:
    return await town.find("Communication", patient="anna")


async def test_a_delivery_is_a_completed_communication_on_paper_to_the_patient(town: Town) -> None:
    assert await hand_over(town, edition="full", language="en")
    (one,) = await recorded(town)
    assert (one["status"], one["medium"][0]["coding"][0]["code"]) == ("completed", "WRITTEN")
    assert one["recipient"] == [{"reference": "Patient/anna"}]
    assert one["sender"] == {"reference": "PractitionerRole/doctor"}
    assert one["about"] == [{"reference": "CarePlan/some"}]
    assert one["payload"] == [{"contentString": "edition=full; lang=en"}]


async def test_the_last_delivery_is_found_and_there_is_none_before_the_first(town: Town) -> None:
    assert await find_delivery(town.as_("doctor"), "anna") is None
    await hand_over(town)
    town.later(days=40)
    await hand_over(town)
    assert await find_delivery(town.as_("doctor"), "anna") == town.as_("doctor").on


async def test_the_same_sheet_twice_a_day_is_one_delivery(town: Town) -> None:
    assert await hand_over(town)
    town.later(minutes=1)
    assert not await hand_over(town)
    assert await hand_over(town, edition="large")
    assert await hand_over(town, language="en")
    town.later(days=1)
    assert await hand_over(town)
    assert len(await recorded(town)) == 4


async def test_patients_record_what_they_print_themselves(town: Town) -> None:
    await hand_over(town, "anna")
    (one,) = await recorded(town)
    assert one["sender"] == {"reference": "Patient/anna"}


async def test_nobody_records_a_delivery_of_a_record_they_may_not_see(town: Town) -> None:
    for who in ("birthe", "stranger", "visitator", "statistics"):
        with pytest.raises(Forbidden):
            await hand_over(town, who)
        with pytest.raises(Forbidden):
            await find_delivery(town.as_(who), "anna")
    assert await recorded(town) == []


async def test_the_history_tells_of_every_delivery_with_its_sheet_and_who_printed_it(town: Town) -> None:
    await hand_over(town, edition="large")
    town.later(days=3)
    await hand_over(town, "anna", language="ar")
    first, second = await prints(town)
    assert (first.on, first.what, first.sheet) == (NOW.date(), "printed", ("large", "da"))
    assert (first.author.reference, second.author.reference) == ("PractitionerRole/doctor", "Patient/anna")
    assert second.sheet == ("short", "ar")


async def test_a_delivery_entered_in_error_counts_no_more(town: Town) -> None:
    await hand_over(town)
    (one,) = await recorded(town)
    wrong = {**one, "status": "entered-in-error"}
    await update(town.as_("doctor"), "Communication", one["id"], read_text(dump(wrong)))
    assert await find_delivery(town.as_("doctor"), "anna") is None
    assert await prints(town) == []
    assert await hand_over(town)


async def test_a_delivery_is_no_message_to_answer(town: Town) -> None:
    await hand_over(town, "anna")
    assert await messages_of_patient(town.as_("doctor"), "anna") == ()
