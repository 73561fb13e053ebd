"""A Group or an Appointment of several patients is in nobody's record, and for those who may see every one of them."""

from collections.abc import Callable

import pytest

from careplan.interactions.access import Forbidden

from .conftest import Json, Town


def group(*patients: str) -> Json:
    member = [{"entity": {"reference": f"Patient/{one}"}} for one in patients]
    return {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": member}


def appointment(*patients: str) -> Json:
    actors = [{"actor": {"reference": f"Patient/{one}"}, "status": "accepted"} for one in patients]
    return {"resourceType": "Appointment", "id": "g", "status": "proposed", "participant": actors}


BOTH = pytest.mark.parametrize("make", [group, appointment], ids=["Group", "Appointment"])


@BOTH
@pytest.mark.parametrize("patients", [("anna", "carl"), ("carl", "anna")])
async def test_what_names_one_of_anothers_is_shown_to_nobody_and_written_by_nobody(
    open_town: Town, make: Callable[..., Json], patients: tuple[str, ...]
) -> None:
    resource = make(*patients)
    type_name = resource["resourceType"]
    for who in ("doctor", "anna"):
        with pytest.raises(Forbidden):
            await open_town.put({**resource, "id": "n"}, who=who)
    await open_town.put(resource)
    for who in ("doctor", "anna", "stranger"):
        with pytest.raises(Forbidden):
            await open_town.get(f"{type_name}/g", who)
        assert await open_town.find(type_name, who) == []
    assert [one["id"] for one in await open_town.find(type_name)] == ["g"]


@BOTH
async def test_who_may_see_all_whom_it_names_reads_and_writes_it_by_its_id(
    open_town: Town, make: Callable[..., Json]
) -> None:
    resource = make("anna", "birthe")
    reference = f"{resource['resourceType']}/g"
    await open_town.put(resource, who="doctor")
    assert (await open_town.get(reference, "doctor"))["id"] == "g"
    for who in ("anna", "stranger"):
        with pytest.raises(Forbidden):
            await open_town.get(reference, who)
    assert await open_town.find(resource["resourceType"], "doctor") == [], "it is in nobody's record"


@BOTH
async def test_what_names_one_patient_is_part_of_that_record(open_town: Town, make: Callable[..., Json]) -> None:
    resource = make("anna", "anna")  # type: ignore[operator]
    await open_town.put(resource)
    assert [one["id"] for one in await open_town.find(resource["resourceType"], "doctor")] == ["g"]
    assert await open_town.find(resource["resourceType"], "stranger") == []


async def test_a_second_patient_takes_it_out_of_the_record_it_was_in(open_town: Town) -> None:
    await open_town.put(group("anna"))
    await open_town.put(group("anna", "carl"))
    with pytest.raises(Forbidden):
        await open_town.get("Group/g", "doctor")
