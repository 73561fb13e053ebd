"""Patches and conditional writes: whose they are, what they leave, and what comes of being overtaken."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.access import Forbidden
from careplan.interactions.caller import Caller
from careplan.interactions.match import criteria
from careplan.interactions.patch import patch, patch_from_body, patch_matching
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.write import Written, create, delete_matching, update_matching
from careplan.store.protocol import Deleted, NotFound

from .conftest import BASE, CALLERS, Json, Town, condition, hba1c, patient

LAB = {"identifier": [{"system": "urn:lab", "value": "1"}]}


def replaced(path: str, value: Any) -> Json:
    return {"op": "replace", "path": path, "value": value}


async def send(
    town: Town, reference: str, *operations: Json, who: str = "doctor", expects: int | None = None
) -> Written:
    context, (type_name, id) = town.as_(who), reference.split("/")
    return await patch(context, type_name, id, patch_from_body(context, dump(list(operations))), expects=expects)


async def put_by_lab(town: Town, resource: Json, who: str = "doctor", **conditions: Any) -> Written:
    context = town.as_(who)
    query = criteria(context, resource["resourceType"], [("identifier", "urn:lab|1")])
    return await update_matching(context, query, read_text(dump(resource)), **conditions)


# ── patches ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_patch_is_a_version_with_its_method_and_a_provenance(town: Town) -> None:
    """R4-38."""
    await town.put({**hba1c(51), "id": "o1"})
    before = (await town.house.store.changes(0, 100_000))[-1].position
    done = await send(town, "Observation/o1", replaced("/valueQuantity/value", 52))
    assert (done.version.number, done.created, done.changed) == (2, False, True)
    fresh = await town.house.store.changes(before)
    assert [(one.type, one.method) for one in fresh] == [("Observation", "PATCH"), ("Provenance", "POST")]
    proof = parse(fresh[1].body or b"")
    assert proof["target"][0]["reference"] == "Observation/o1/_history/2"
    assert proof["agent"][0]["who"]["reference"] == "PractitionerRole/doctor"


async def test_a_patched_value_moves_its_goal_in_the_same_commit(town: Town) -> None:
    await town.call("CarePlan/$establish", subject="Patient/anna", definition=["PlanDefinition/diabetes"])
    await town.put({**hba1c(40), "id": "o1"})
    before = (await town.goals())["HbA1c"]["achievementStatus"]["coding"][0]["code"]
    await send(town, "Observation/o1", replaced("/valueQuantity/value", 95))
    after = (await town.goals())["HbA1c"]["achievementStatus"]["coding"][0]["code"]
    assert before != after


async def test_a_patch_of_what_is_not_there_is_refused(town: Town) -> None:
    """R4-42."""
    with pytest.raises(Forbidden):
        await send(town, "Observation/never", replaced("/status", "amended"))
    await town.put({**hba1c(51), "id": "o1"})
    with pytest.raises(PreconditionFailed):
        await send(town, "Observation/o1", replaced("/status", "amended"), expects=7)
    await town.delete("Observation/o1")
    with pytest.raises(Deleted):
        await send(town, "Observation/o1", replaced("/status", "amended"))


async def test_patches_without_condition_are_all_applied_one_after_the_other(town: Town) -> None:
    await town.put({**hba1c(51), "id": "o1", "note": [{"text": "first"}]})
    add = {"op": "add", "path": "/note/-"}
    await asyncio.gather(*(send(town, "Observation/o1", {**add, "value": {"text": f"{n}"}}) for n in range(8)))
    assert {one["text"] for one in (await town.get("Observation/o1"))["note"]} == {"first", *map(str, range(8))}


@pytest.mark.parametrize("who", ["stranger", "anna", "birthe", "visitator", "statistics"])
async def test_only_who_may_replace_a_resource_may_patch_it(town: Town, who: str) -> None:
    await town.put({**hba1c(51), "id": "o1"})
    before = await town.everything()
    with pytest.raises(Forbidden):
        await send(town, "Observation/o1", replaced("/valueQuantity/value", 40), who=who)
    assert await town.everything() == before


@pytest.mark.parametrize(("reference", "to"), [("o1", "carl"), ("o2", "anna")])
async def test_a_patch_that_moves_a_resource_needs_both_patients(town: Town, reference: str, to: str) -> None:
    await town.put({**hba1c(51), "id": "o1"}, {**hba1c(51, of="carl"), "id": "o2"})
    before = await town.everything()
    with pytest.raises(Forbidden):
        await send(town, f"Observation/{reference}", replaced("/subject/reference", f"Patient/{to}"))
    assert await town.everything() == before


async def test_a_patch_moves_a_resource_between_patients_of_one_clinic(town: Town) -> None:
    await town.put({**hba1c(51), "id": "o1"})
    done = await send(town, "Observation/o1", replaced("/subject/reference", "Patient/birthe"))
    assert done.version.patient == "birthe"
    assert await town.find("Observation", patient="anna") == []


async def test_a_patient_patches_own_values_and_cannot_hand_them_on(town: Town) -> None:
    own = {**hba1c(51), "id": "o1", "performer": [{"reference": "Patient/anna"}]}
    await town.put(own)
    done = await send(town, "Observation/o1", replaced("/valueQuantity/value", 52), who="anna")
    assert done.version.number == 2
    with pytest.raises(Forbidden):
        await send(town, "Observation/o1", replaced("/performer/0/reference", "Organization/north"), who="anna")


async def test_a_conditional_patch_sees_what_its_caller_sees(town: Town) -> None:
    """R4-42, R4-107."""
    await town.put({**hba1c(51, of="carl"), **LAB, "id": "o1"})
    context = town.as_("doctor")
    change = patch_from_body(context, dump([replaced("/status", "amended")]))
    query = criteria(context, "Observation", [("identifier", "urn:lab|1")])
    with pytest.raises(NotFound):
        await patch_matching(context, query, change)
    await town.put({**hba1c(51), **LAB, "id": "o2"})
    assert (await patch_matching(context, query, change)).version.id == "o2"


# ── conditional writes ───────────────────────────────────────────────────────────────────────────


async def test_what_a_caller_may_not_see_does_not_count_as_a_match(town: Town) -> None:
    """R4-37, R4-107: neither found, nor told of by a refusal."""
    await town.put({**hba1c(51, of="carl"), **LAB, "id": "theirs"})
    query = criteria(town.as_("doctor"), "Observation", [("identifier", "urn:lab|1")])
    assert await delete_matching(town.as_("doctor"), query) is None
    made = await create(town.as_("doctor"), "Observation", read_text(dump({**hba1c(51), **LAB})), query)
    assert made.created
    again = await put_by_lab(town, {**hba1c(52), **LAB})
    assert (again.created, again.version.id) == (False, made.version.id)
    assert (await town.get("Observation/theirs", who="system"))["valueQuantity"]["value"] == 51


async def test_an_id_of_a_record_one_may_not_see_is_forbidden_not_taken(town: Town) -> None:
    """R4-37."""
    await town.put({**hba1c(51, of="carl"), "id": "theirs"})
    with pytest.raises(Forbidden):
        await put_by_lab(town, {**hba1c(51), **LAB, "id": "theirs"})


async def test_a_conditional_update_cannot_take_a_value_to_another_clinic(town: Town) -> None:
    await town.put({**hba1c(51), **LAB, "id": "o1"})
    before = await town.everything()
    with pytest.raises(Forbidden):
        await put_by_lab(town, {**hba1c(51, of="carl"), **LAB})
    assert await town.everything() == before


async def test_people_of_several_clinics_update_by_one_number_without_meeting(town: Town) -> None:
    """Two clinics that each know a person by the same number have a record each."""
    number = {"identifier": [{"system": "urn:lab", "value": "1"}]}
    ours = {name: part for name, part in patient("x", **number).items() if name != "id"}
    theirs = {name: part for name, part in patient("x", "south", **number).items() if name != "id"}
    made = await asyncio.gather(put_by_lab(town, ours), put_by_lab(town, theirs, who="stranger"))
    assert [one.created for one in made] == [True, True]
    assert len({one.version.id for one in made}) == 2


async def test_methods_say_how_each_version_came(town: Town) -> None:
    """R4-48."""
    made = await town.post({**hba1c(51), **LAB})
    await put_by_lab(town, {**hba1c(52), **LAB})
    await send(town, made.reference, replaced("/status", "amended"))
    await town.delete(made.reference)
    versions = [one for one in await town.house.store.changes(0, 100_000) if one.reference == made.reference]
    assert [one.method for one in versions] == ["POST", "PUT", "PATCH", "DELETE"]


async def test_absolute_links_to_this_service_count_as_its_own(town: Town) -> None:
    """The compartment of a patched resource is found by this server's own addresses, too."""
    await town.put({**hba1c(51), "id": "o1"})
    done = await send(town, "Observation/o1", replaced("/subject/reference", f"{BASE}/Patient/birthe"))
    assert done.version.patient == "birthe"


async def test_a_caller_of_the_municipality_patches_what_names_it(town: Town) -> None:
    await town.put({**hba1c(51), "id": "o1", "performer": [{"reference": "Organization/town"}]})
    await town.put(condition("c9", "K86"))
    stranger = replace(CALLERS["visitator"], organization="city")
    assert isinstance(stranger, Caller)
    context = replace(town.as_("visitator"), caller=stranger)
    change = patch_from_body(context, dump([replaced("/status", "amended")]))
    with pytest.raises(Forbidden):
        await patch(context, "Observation", "o1", change)
