"""Histories over HTTP: what their entries say, of one resource, of a type and of everything (checklist G)."""

from urllib.parse import parse_qsl, urlsplit

import pytest


def entries(bundle):
    """(method, url, status) of each entry."""
    return [(e["request"]["method"], e["request"]["url"], e["response"]["status"]) for e in bundle.get("entry", ())]


def following(bundle):
    return next((one["url"] for one in bundle["link"] if one["relation"] == "next"), None)


async def record(client, put, example):
    """A Patient put twice, a Device posted, and the Patient deleted."""
    await put(example("Patient"))
    made = await client.post("/Device", json={"resourceType": "Device", "id": "x"})
    await put(example("Patient", language="da"))
    assert (await client.delete("/Patient/inger-test")).status_code in (200, 204)
    return made.json()["id"]


async def test_every_entry_says_by_which_request_its_version_was_made(client, put, example):
    """R4-48, R4-45: newest first; a PUT may create, and a deletion has no resource."""
    device = await record(client, put, example)
    bundle = (await client.get("/_history")).json()
    shown = [one for one in entries(bundle) if not one[1].startswith("Provenance")]
    assert shown == [
        ("DELETE", "Patient/inger-test", "204 No Content"),
        ("PUT", "Patient/inger-test", "200 OK"),
        ("POST", "Device", "201 Created"),
        ("PUT", "Patient/inger-test", "201 Created"),
    ]
    assert (bundle["type"], bundle["total"]) == ("history", len(bundle["entry"]))
    gone, changed, made, _ = [one for one in bundle["entry"] if not one["fullUrl"].count("Provenance")]
    assert "resource" not in gone
    assert made["fullUrl"] == f"http://test/fhir/Device/{device}"
    assert changed["response"]["etag"] == 'W/"2"'
    assert changed["response"]["lastModified"] == changed["resource"]["meta"]["lastUpdated"]


async def test_the_history_of_a_type_is_of_that_type(client, put, example):
    """R4-48, R4-51: also of a type with nothing in it; an unknown parameter is ignored."""
    await record(client, put, example)
    bundle = (await client.get("/Patient/_history?_at=2026&_since=2020-01-01T00:00:00Z")).json()
    assert [one[0] for one in entries(bundle)] == ["DELETE", "PUT", "PUT"]
    assert bundle["link"][0]["url"] == "http://test/fhir/Patient/_history?_since=2020-01-01T00:00:00Z&_count=50"
    none = (await client.get("/Goal/_history")).json()
    assert (none["type"], none["total"], none.get("entry")) == ("history", 0, None)
    plans = (await client.get("/PlanDefinition/_history")).json()
    assert plans["total"] == len(plans["entry"]) > 0


@pytest.mark.parametrize("address", ["/Patient/_history", "/_history"])
async def test_pages_of_a_wide_history_give_every_version_once_while_others_write(client, put, example, address):
    """R4-50, R4-49"""
    for number in range(7):
        await put(example("Patient", language=f"x{number}"))
    whole = (await client.get(f"{address}?_count=1000")).json()
    seen, url, number = [], f"{address}?_count=3", 0
    while url:
        bundle = (await client.get(url)).json()
        seen += bundle["entry"]
        url = following(bundle)
        await put(example("Patient", language=f"y{number}"))
        number += 1
    assert seen == whole["entry"]
    assert number > 2
    future = (await client.get(f"{address}?_since=2099-01-01T00:00:00Z")).json()
    assert (future["total"], future.get("entry")) == (0, None)


async def test_a_page_link_of_another_history_is_refused(client, put, example, refused):
    """R4-76"""
    for number in range(3):
        await put(example("Patient", language=f"x{number}"))
    token = dict(parse_qsl(urlsplit(following((await client.get("/Patient/_history?_count=1")).json())).query))["_page"]
    assert (await client.get(f"/Patient/_history?_count=1&_page={token}")).status_code == 200
    for address in ("/_history", "/Goal/_history", "/Patient/inger-test/_history", "/Patient/_history?_since=2020"):
        joint = "&" if "?" in address else "?"
        refused(await client.get(f"{address}{joint}_page={token}"), 400, "parameter-invalid")
    for wrong in ("_since=soon", "_since=2026-01-01T10", "_count=-1", "_page=x"):
        refused(await client.get(f"/_history?{wrong}"), 400, "parameter-invalid")


async def test_the_history_of_what_is_no_type_or_was_never_there_is_not_found(client, refused):
    """R4-51, R4-8"""
    refused(await client.get("/Foo/_history"), 404)
    refused(await client.get("/Patient/never/_history"), 404, "not-found")
