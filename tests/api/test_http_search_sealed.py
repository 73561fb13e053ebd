"""Nothing that identifies a person stands in an address of ours: searches by form, their pages, and batches."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from careplan.fhir.text import dump

FORM = {"content-type": "application/x-www-form-urlencoded"}
CPR, SYSTEM = "1203589990", "urn:oid:1.2.208.176.1.2"
Put = Callable[[Any], Awaitable[httpx.Response]]


async def filled(put: Put, example: Any) -> None:
    for id in ("a", "b", "c"):
        await put(example("Patient", id=id, identifier=[{"system": SYSTEM, "value": CPR}], name=[{"family": "Test"}]))


def links(bundle: Any) -> dict[str, str]:
    return {one["relation"]: one["url"] for one in bundle["link"]}


async def test_pages_of_a_search_by_form_say_nothing_of_the_person_and_can_be_followed(
    client: httpx.AsyncClient, put: Put, example: Any
) -> None:
    """R4-100: `self` tells what was processed, for us to read again; `next` is fetched with GET."""
    await filled(put, example)
    asked = {"identifier": f"{SYSTEM}|{CPR}", "family": "Test", "_count": "1", "active": "true"}
    found, at = [], await client.post("/Patient/_search", data=asked, headers=FORM)
    while True:
        bundle = at.json()
        found += [one["resource"]["id"] for one in bundle["entry"]]
        for url in links(bundle).values():
            assert CPR not in url and "Test" not in url and "identifier" not in url
            assert "_count=1" in url and "active=true" in url
        again = await client.get(links(bundle)["self"])
        assert again.json() == bundle
        if "next" not in links(bundle):
            break
        at = await client.get(links(bundle)["next"])
    assert sorted(found) == ["a", "b", "c"]


async def test_a_person_number_in_an_address_is_not_repeated_in_ours(
    client: httpx.AsyncClient, put: Put, example: Any
) -> None:
    await filled(put, example)
    for asked in (f"/Patient?identifier={SYSTEM}|{CPR}&_count=1", f"/?_type=Patient&identifier={CPR}&_count=1"):
        bundle = (await client.get(asked)).json()
        assert len(links(bundle)) == 2 and not any(CPR in url for url in links(bundle).values())
        assert len((await client.get(links(bundle)["next"])).json()["entry"]) == 1


async def test_a_search_in_a_batch_links_to_nobody(client: httpx.AsyncClient, put: Put, example: Any) -> None:
    await filled(put, example)
    entry = {"request": {"method": "GET", "url": f"Patient?identifier={CPR}&_count=2"}}
    answer = await client.post("", content=dump({"resourceType": "Bundle", "type": "batch", "entry": [entry]}))
    (found,) = answer.json()["entry"]
    assert len(found["resource"]["entry"]) == 2 and CPR not in str(links(found["resource"]))
    assert len((await client.get(links(found["resource"])["next"])).json()["entry"]) == 1


async def test_newest_values_of_a_person_asked_for_by_number_link_to_nobody(
    client: httpx.AsyncClient, put: Put, example: Any
) -> None:
    await filled(put, example)
    asked = {"resourceType": "Parameters", "parameter": [{"name": "subject:identifier", "valueString": CPR}]}
    answer = await client.post("/Observation/$lastn", content=dump(asked))
    assert CPR not in str(answer.json().get("link")), answer.text


async def test_a_seal_that_is_not_ours_is_refused(client: httpx.AsyncClient, refused: Any) -> None:
    refused(await client.get("/Patient?_sealed=x"), 400, "parameter-invalid")
