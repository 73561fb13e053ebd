"""Once per row of the registry: what every type can do, shown with its example."""

import pytest

from careplan.fhir import models
from careplan.fhir.registry import ROWS
from careplan.fhir.text import dump, members

WRITABLE = [row.name for row in ROWS if not row.read_only]
PUBLISHED = [row.name for row in ROWS if row.read_only and row.name != "AuditEvent"]
"""The log is read-only as well, and nothing of it is published: tests/api/test_http_audit.py."""


def test_every_writable_type_has_an_example(example):
    assert [name for name in WRITABLE if example(name)["resourceType"] != name] == []


@pytest.mark.parametrize("type_name", WRITABLE)
async def test_created_resource_gets_id_version_and_address_of_ours(client, example, type_name):
    """R4-20, R4-21."""
    value = example(type_name)
    value["meta"] = {**value.get("meta", {}), "versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z"}
    response = await client.post(f"/{type_name}", content=dump(value))
    assert response.status_code == 201, response.text
    made = response.json()
    assert made["id"] != value["id"]
    assert response.headers["location"] == f"http://test/fhir/{type_name}/{made['id']}/_history/1"
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"] == "Sun, 22 Nov 2026 09:00:00 GMT"
    assert made["meta"]["versionId"] == "1"
    assert made["meta"]["lastUpdated"] == "2026-11-22T09:00:00.000Z"
    assert made["meta"].get("profile") == value["meta"].get("profile")


@pytest.mark.parametrize("type_name", WRITABLE)
async def test_bytes_come_back_but_for_id_and_meta(client, example, type_name):
    """R4-13, R4-24, R4-25. The fixture is sent as it stands in the file, with odd spaces."""
    sent = dump(example(type_name)).replace(b'","', b'" ,\n  "')
    made = await client.post(f"/{type_name}", content=sent)
    read = await client.get(f"/{type_name}/{made.json()['id']}")
    assert read.status_code == 200
    assert read.content == made.content
    kept = {name: text for name, text in members(sent).items() if name not in ("id", "meta")}
    assert {name: text for name, text in members(read.content).items() if name not in ("id", "meta")} == kept
    assert list(members(read.content)) == list(members(sent)) or "meta" not in members(sent)


@pytest.mark.parametrize("type_name", WRITABLE)
async def test_every_version_stays_readable_through_update_and_delete(client, example, refused, type_name):
    """R4-18, R4-29, R4-34, R4-43, R4-45, R4-48."""
    value = example(type_name)
    address = f"/{type_name}/{value['id']}"
    first = await client.put(address, content=dump(value))
    assert (first.status_code, first.headers["etag"]) == (201, 'W/"1"')
    second = await client.put(address, content=dump({**value, "language": "da"}))
    assert (second.status_code, second.headers["etag"]) == (200, 'W/"2"')
    assert second.json()["meta"]["lastUpdated"] > first.json()["meta"]["lastUpdated"]

    gone = await client.delete(address)
    assert (gone.status_code, gone.content) == (204, b"")
    assert "content-type" not in gone.headers
    refused(await client.get(address), 410, "deleted")
    refused(await client.get(f"{address}/_history/3"), 410, "deleted")
    for number, whole in ((1, first), (2, second)):
        old = await client.get(f"{address}/_history/{number}")
        assert (old.status_code, old.headers["etag"], old.content) == (200, f'W/"{number}"', whole.content)

    again = await client.put(address, content=dump(value))
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"4"')
    history = (await client.get(f"{address}/_history")).json()
    assert history["type"] == "history"
    assert history["total"] == 4
    assert [one["response"]["etag"] for one in history["entry"]] == ['W/"4"', 'W/"3"', 'W/"2"', 'W/"1"']
    assert [one["request"]["method"] for one in history["entry"]] == ["PUT", "DELETE", "PUT", "PUT"]
    assert [one["response"]["status"][:3] for one in history["entry"]] == ["200", "204", "200", "201"]
    assert ["resource" in one for one in history["entry"]] == [True, False, True, True]
    assert all(one["fullUrl"] == f"http://test/fhir{address}" for one in history["entry"])
    assert all(one["response"]["lastModified"] for one in history["entry"])


@pytest.mark.parametrize("type_name", WRITABLE)
async def test_search_by_id_finds_the_one_and_deleted_ones_never(client, example, put, type_name):
    """R4-70, R4-73."""
    value = example(type_name)
    made = await put(value)
    found = (await client.get(f"/{type_name}", params={"_id": value["id"]})).json()
    assert found["total"] == 1
    assert found["entry"][0]["fullUrl"] == f"http://test/fhir/{type_name}/{value['id']}"
    assert found["entry"][0]["search"] == {"mode": "match"}
    assert found["entry"][0]["resource"] == made.json()
    await client.delete(f"/{type_name}/{value['id']}")
    gone = (await client.get(f"/{type_name}", params={"_id": value["id"]})).json()
    assert gone["total"] == 0
    assert "entry" not in gone


@pytest.mark.parametrize("type_name", WRITABLE)
async def test_a_part_of_a_resource_is_valid_and_says_that_it_is_one(client, example, put, type_name):
    """R4-19, R4-79."""
    value = example(type_name)
    whole = (await put(value)).json()
    for asked in ({"_summary": "true"}, {"_summary": "text"}, {"_elements": "id"}, {"_elements": "identifier"}):
        read = await client.get(f"/{type_name}/{value['id']}", params=asked)
        part = read.json()
        assert [one["code"] for one in part["meta"]["tag"]] == ["SUBSETTED"]
        assert {name: whole[name] for name in part if name != "meta"} == {k: v for k, v in part.items() if k != "meta"}
        missing = [one for one in models.faults(part) if one.code == "element-missing"]
        assert missing == [], (asked, missing)
        found = (await client.get(f"/{type_name}", params={"_id": value["id"], **asked})).json()
        assert found["entry"][0]["resource"] == part
    ignored = await client.get(f"/{type_name}/{value['id']}", params={"no-such": "x", "_count": "0"})
    assert ignored.json() == whole


@pytest.mark.parametrize("type_name", WRITABLE)
async def test_what_never_was_is_not_found(client, refused, type_name):
    """R4-16, R4-44, R4-51."""
    refused(await client.get(f"/{type_name}/nothing"), 404, "not-found")
    refused(await client.get(f"/{type_name}/nothing/_history"), 404, "not-found")
    refused(await client.get(f"/{type_name}/nothing/_history/1"), 404, "not-found")
    assert (await client.delete(f"/{type_name}/nothing")).status_code == 204


@pytest.mark.parametrize("type_name", PUBLISHED)
async def test_published_types_are_read_and_never_written(client, refused, type_name):
    listed = (await client.get(f"/{type_name}")).json()
    assert listed["entry"], f"no {type_name} is published"
    one = listed["entry"][0]["resource"]
    address = f"/{type_name}/{one['id']}"
    assert (await client.get(address)).json() == one
    assert (await client.get(f"{address}/_history/1")).json() == one
    assert (await client.get(f"{address}/_history")).json()["total"] == 1
    refused(await client.post(f"/{type_name}", content=dump(one)), 405, "not-allowed")
    refused(await client.put(address, content=dump({**one, "publisher": "Somebody"})), 405, "not-allowed")
    refused(await client.delete(address), 405, "not-allowed")
    assert (await client.get(address)).json() == one


@pytest.mark.parametrize("type_name", WRITABLE)
async def test_body_of_another_type_is_refused(client, example, refused, type_name):
    """R4-22."""
    other = example("Organization" if type_name != "Organization" else "Practitioner")
    refused(await client.post(f"/{type_name}", content=dump(other)), 400, "resource-type-mismatch")
    refused(await client.put(f"/{type_name}/{other['id']}", content=dump(other)), 400, "resource-type-mismatch")


@pytest.mark.parametrize("type_name", WRITABLE)
async def test_body_id_must_be_that_of_the_address(client, example, refused, type_name):
    """R4-31."""
    value = example(type_name)
    refused(await client.put(f"/{type_name}/another", content=dump(value)), 400, "id-mismatch")
    refused(await client.put(f"/{type_name}/another", content=dump(example(type_name, id=None))), 400, "id-mismatch")
    refused(await client.get(f"/{type_name}/another"), 404)


@pytest.mark.parametrize("type_name", WRITABLE)
async def test_unknown_element_and_missing_type_are_both_named(client, example, refused, type_name):
    """R4-7."""
    value = example(type_name, favouriteColour="blue", language=7)
    issues = refused(await client.post(f"/{type_name}", content=dump(value)), 422)
    places = {place for one in issues for place in one.get("expression", [])}
    assert {f"{type_name}.favouriteColour", f"{type_name}.language"} <= places
    assert (await client.get(f"/{type_name}")).json()["total"] == 0


@pytest.mark.parametrize("type_name", WRITABLE)
async def test_identical_update_makes_no_version(client, example, put, type_name):
    """R4-36."""
    value = example(type_name)
    await put(value)
    again = await put(value)
    assert (again.status_code, again.headers["etag"], again.json()["meta"]["versionId"]) == (200, 'W/"1"', "1")
    assert (await client.get(f"/{type_name}/{value['id']}/_history")).json()["total"] == 1
