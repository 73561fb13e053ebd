"""Twenty requests at once against both stores: none of them sees what the others have not yet written as free."""

import asyncio
from dataclasses import replace

import pytest

from careplan.fhir.text import dump

TWENTY = range(20)
CRITERIA = "identifier=urn:lab|1"
JSON_PATCH = {"content-type": "application/json-patch+json"}


@pytest.fixture
def house(shared_house, store):
    return replace(shared_house, store=store)


@pytest.fixture
def lab(example):
    """A value with the laboratory's identifier, and without an id of ours."""

    def made(**changed):
        return example("Observation", id=None, identifier=[{"system": "urn:lab", "value": "1"}], **changed)

    return made


async def versions(house, type_name):
    return sorted((one.id, one.number) for one in await house.store.changes(0, 1000) if one.type == type_name)


def statuses(answers):
    return sorted(one.status_code for one in answers)


async def test_of_twenty_equal_conditional_creates_one_makes_it(client, house, lab):
    """R4-28."""
    once = {"if-none-exist": CRITERIA}
    answers = await asyncio.gather(*(client.post("/Observation", content=dump(lab()), headers=once) for _ in TWENTY))
    assert statuses(answers) == [200] * 19 + [201]
    assert len({one.headers["location"] for one in answers}) == 1
    assert len(await versions(house, "Observation")) == 1


async def test_of_twenty_updates_of_one_version_one_wins(client, house, put, example):
    """R4-35."""
    await put(example("Patient"))
    answers = await asyncio.gather(
        *(
            client.put(
                "/Patient/inger-test",
                content=dump(example("Patient", language=f"x{n}")),
                headers={"if-match": 'W/"1"'},
            )
            for n in TWENTY
        )
    )
    assert statuses(answers) == [200] + [412] * 19
    assert await versions(house, "Patient") == [("inger-test", 1), ("inger-test", 2)]


async def test_of_twenty_equal_conditional_updates_one_makes_it(client, house, lab):
    """R4-37."""
    answers = await asyncio.gather(*(client.put(f"/Observation?{CRITERIA}", content=dump(lab())) for _ in TWENTY))
    assert statuses(answers) == [200] * 19 + [201]
    assert len(await versions(house, "Observation")) == 1


async def test_twenty_different_conditional_updates_make_one_resource_and_lose_none(client, house, lab):
    """R4-37: they follow one another, each a version of the one resource."""
    answers = await asyncio.gather(
        *(client.put(f"/Observation?{CRITERIA}", content=dump(lab(note=[{"text": f"{n}"}]))) for n in TWENTY)
    )
    assert statuses(answers) == [200] * 19 + [201]
    found = await versions(house, "Observation")
    assert len({id for id, _ in found}) == 1
    assert [number for _, number in found] == list(range(1, 21))


async def test_conditional_creates_and_updates_at_once_make_one_resource(client, house, lab):
    """R4-28, R4-37."""
    once = {"if-none-exist": CRITERIA}
    answers = await asyncio.gather(
        *(client.post("/Observation", content=dump(lab()), headers=once) for _ in range(10)),
        *(client.put(f"/Observation?{CRITERIA}", content=dump(lab())) for _ in range(10)),
    )
    assert statuses(answers) == [200] * 19 + [201]
    assert len(await versions(house, "Observation")) == 1


async def test_twenty_patches_at_once_are_all_applied(client, house, put, example):
    """R4-38: without If-Match a patch that is overtaken is applied again to what then stands."""
    await put(example("Patient"))
    before = len((await client.get("/Patient/inger-test")).json().get("telecom", []))
    add = {"op": "add", "path": "/telecom/-"}
    answers = await asyncio.gather(
        *(
            client.patch(
                "/Patient/inger-test",
                content=dump([add | {"value": {"system": "phone", "value": f"{n}"}}]),
                headers=JSON_PATCH,
            )
            for n in TWENTY
        )
    )
    assert statuses(answers) == [200] * 20
    after = (await client.get("/Patient/inger-test")).json()["telecom"]
    assert {f"{n}" for n in TWENTY} <= {one["value"] for one in after}
    assert len(after) == before + 20


async def test_of_twenty_patches_of_one_version_one_wins(client, house, put, example):
    """R4-35, R4-42."""
    await put(example("Patient"))
    replaced = [{"op": "replace", "path": "/gender", "value": "other"}]
    answers = await asyncio.gather(
        *(
            client.patch("/Patient/inger-test", content=dump(replaced), headers=JSON_PATCH | {"if-match": '"1"'})
            for _ in TWENTY
        )
    )
    assert statuses(answers) == [200] + [412] * 19
    assert await versions(house, "Patient") == [("inger-test", 1), ("inger-test", 2)]


async def test_of_twenty_conditional_deletes_one_deletes(client, house, put, example):
    """R4-46."""
    await put(example("Patient"))
    answers = await asyncio.gather(*(client.delete("/Patient?gender=female") for _ in TWENTY))
    assert statuses(answers) == [204] * 20
    assert await versions(house, "Patient") == [("inger-test", 1), ("inger-test", 2)]


async def test_of_twenty_transactions_with_one_conditional_update_each_sees_one_resource(client, house, lab):
    """R4-37, R4-57."""
    entry = {"request": {"method": "PUT", "url": f"Observation?{CRITERIA}"}, "resource": lab()}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    answers = await asyncio.gather(*(client.post("", content=dump(bundle)) for _ in TWENTY))
    assert statuses(answers) == [200] * 20, answers[0].text
    found = sorted(one.json()["entry"][0]["response"]["status"][:3] for one in answers)
    assert found == ["200"] * 19 + ["201"]
    assert len(await versions(house, "Observation")) == 1
