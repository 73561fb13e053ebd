"""The CapabilityStatement is true: what it lists works, and what it does not list is refused (R4-1)."""

import pytest

from careplan.fhir.registry import ROWS, TYPES
from careplan.fhir.text import dump

STRICT = {"prefer": "handling=strict"}


async def rest_of(client, type_name):
    statement = (await client.get("/metadata")).json()
    return next(one for one in statement["rest"][0]["resource"] if one["type"] == type_name)


async def test_statement_needs_no_credentials_and_says_what_it_is(client):
    answer = await client.get("/metadata")
    statement = answer.json()
    assert answer.status_code == 200
    assert (statement["resourceType"], statement["kind"]) == ("CapabilityStatement", "instance")
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == "http://test/fhir"
    assert [one["type"] for one in statement["rest"][0]["resource"]] == [row.name for row in ROWS]
    assert [one["code"] for one in statement["rest"][0]["interaction"]] == ["transaction", "batch"]


async def test_statement_has_an_etag_that_answers_304(client):
    etag = (await client.get("/metadata")).headers["etag"]
    again = await client.get("/metadata", headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize("type_name", TYPES)
async def test_every_listed_search_parameter_answers_when_strict(client, type_name):
    listed = await rest_of(client, type_name)
    for one in listed["searchParam"]:
        for modifier, value in ((":missing", "true"), (":missing", "false")):
            asked = {one["name"] + modifier: value}
            answer = await client.get(f"/{type_name}", params=asked, headers=STRICT)
            assert answer.status_code == 200, (asked, answer.text)
            assert answer.json()["link"][0]["url"].startswith(f"http://test/fhir/{type_name}?{one['name']}:missing=")


@pytest.mark.parametrize("type_name", TYPES)
async def test_every_listed_include_answers_when_strict_and_others_are_refused(client, refused, type_name):
    """R4-105."""
    listed = await rest_of(client, type_name)
    for name, key in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
        for value in listed.get(key, []):
            answer = await client.get(f"/{type_name}", params={name: value}, headers=STRICT)
            assert answer.status_code == 200, (name, value, answer.text)
        strange = {name: f"{type_name}:no-such"}
        refused(await client.get(f"/{type_name}", params=strange, headers=STRICT), 400, "parameter-unsupported")
        assert (await client.get(f"/{type_name}", params=strange)).status_code == 200


@pytest.mark.parametrize("type_name", TYPES)
async def test_unlisted_parameters_are_refused_when_strict(client, refused, type_name):
    """R4-64, R4-102."""
    names = {one["name"] for one in (await rest_of(client, type_name))["searchParam"]}
    for name in {"_text", "_content", "_list", "_query", "_filter", "phonetic", "birthdate", "combo-code"} - names:
        issues = refused(await client.get(f"/{type_name}", params={name: "x"}, headers=STRICT), 400)
        assert name in issues[0]["diagnostics"]


@pytest.mark.parametrize("type_name", TYPES)
async def test_unlisted_interactions_are_refused(client, refused, type_name):
    """R4-9, R4-46."""
    codes = {one["code"] for one in (await rest_of(client, type_name))["interaction"]}
    assert codes <= {"read", "vread", "update", "delete", "history-instance", "create", "search-type"}
    refused(await client.patch(f"/{type_name}/1", content=b"[]"), 405)
    refused(await client.get(f"/{type_name}/_history"), 404)
    refused(await client.put(f"/{type_name}?_id=1", content=b"{}"), 405)
    refused(await client.delete(f"/{type_name}?_id=1"), 405)
    refused(await client.delete(f"/{type_name}"), 405)
    if "create" not in codes:
        body = dump({"resourceType": type_name})
        refused(await client.post(f"/{type_name}", content=body), 405, "not-allowed")
        refused(await client.put(f"/{type_name}/1", content=body), 405, "not-allowed")
        refused(await client.delete(f"/{type_name}/1"), 405, "not-allowed")


@pytest.mark.parametrize("type_name", [row.name for row in ROWS if row.operations])
async def test_every_listed_operation_is_there(client, type_name):
    listed = {one["name"] for one in (await rest_of(client, type_name))["operation"]}
    assert listed == {name for names in TYPES[type_name].operations.values() for name in names}
    for level, names in TYPES[type_name].operations.items():
        for name in names:
            address = f"/{type_name}/${name}" if level == "type" else f"/{type_name}/nobody/${name}"
            answer = await client.post(address, content=dump({"resourceType": "Parameters"}))
            found = answer.json()
            codes = [one["details"]["text"] for one in found.get("issue", [])]
            assert answer.status_code < 500
            assert "operation-unknown" not in codes, address
            assert "not-allowed" not in codes, address


async def test_other_types_of_r4_are_not_served(client, refused):
    """R4-8."""
    for type_name in ("Foo", "patient", "Bundle", "Parameters", "Binary", "AuditEvent", "Patients"):
        refused(await client.get(f"/{type_name}"), 404, "type-unknown")
        refused(await client.get(f"/{type_name}/1"), 404, "type-unknown")
        refused(await client.post(f"/{type_name}", content=b"{}"), 404, "type-unknown")
        refused(await client.put(f"/{type_name}/1", content=b"{}"), 404, "type-unknown")
        refused(await client.delete(f"/{type_name}/1"), 404, "type-unknown")
