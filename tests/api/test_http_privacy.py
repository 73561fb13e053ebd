"""Nothing personal in refusals, logs or addresses; of an error of ours, only route and kind in the log."""

import logging
import re
from dataclasses import replace

import httpx
import pytest

from careplan.api.door import Door
from careplan.fhir.text import dump

SECRET = "Gudrun-Hemmelig"
CPR = "1203589990"
SYSTEM = "urn:oid:1.2.208.176.1.2"


def leaves(value, path=()):
    """Path of every plain value in a resource."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    else:
        yield path


def with_value(resource, path, value):
    """The resource with one plain value replaced."""
    if not path:
        return value
    head, *rest = path
    if isinstance(resource, list):
        return [with_value(one, rest, value) if n == head else one for n, one in enumerate(resource)]
    return {**resource, head: with_value(resource[head], rest, value)}


@pytest.mark.parametrize("type_name", ["Patient", "Observation", "Goal", "CarePlan", "Condition", "Task", "Provenance"])
async def test_refusal_of_a_resource_does_not_repeat_what_it_held(client, example, caplog, type_name):
    caplog.set_level(logging.DEBUG)
    value = example(type_name)
    refusals = 0
    for path in leaves(value):
        if path[0] in ("resourceType", "id"):
            continue
        for odd in (f"{SECRET} {CPR}\t ", {SECRET: CPR}, [[SECRET + CPR]], f" {CPR} "):
            answer = await client.post(f"/{type_name}", content=dump(with_value(value, path, odd)))
            if answer.status_code == 201:
                continue
            refusals += 1
            assert answer.status_code in (400, 409, 422), answer.text
            assert CPR not in answer.text, (path, odd, answer.text)
            if not isinstance(odd, dict):
                assert SECRET not in answer.text, (path, odd, answer.text)
    assert refusals > 20
    assert SECRET not in caplog.text
    assert CPR not in caplog.text


async def test_refusal_of_a_search_does_not_repeat_its_values(client, refused, caplog):
    caplog.set_level(logging.DEBUG, logger="careplan")
    for ask in (
        f"birthdate={CPR}",
        f"identifier={SYSTEM}|{CPR}|x",
        f"name:below={SECRET}",
        f"general-practitioner={SECRET} {CPR}",
        f"_lastUpdated={CPR}{SECRET}",
        f"_count={SECRET}",
        f"_summary={SECRET}",
        f"_total={SECRET}",
        f"_page={SECRET}{CPR}",
        f"active:missing={SECRET}",
    ):
        answer = await client.get(f"/Patient?{ask}")
        refused(answer, 400)
        assert SECRET not in answer.text, answer.text
        assert CPR not in answer.text, answer.text
        entry = {
            "request": {"method": "POST", "url": "Patient", "ifNoneExist": ask},
            "resource": {"resourceType": "Patient"},
        }
        whole = await client.post("", content=dump({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}))
        refused(whole, 400)
        assert SECRET not in whole.text, whole.text
        assert CPR not in whole.text, whole.text
    assert SECRET not in caplog.text
    assert CPR not in caplog.text


async def test_refusals_of_conditional_references_do_not_repeat_the_identifier(client, refused):
    value = {"resourceType": "Condition", "subject": {"reference": f"Patient?identifier={SYSTEM}|{CPR}"}}
    entry = {"request": {"method": "POST", "url": "Condition"}, "resource": value}
    answer = await client.post("", content=dump({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}))
    refused(answer, 412, "reference-unresolved")
    assert CPR not in answer.text


async def test_unparsable_bodies_are_not_repeated(client, refused):
    for body in (f'{{"name": {SECRET}}}', f'{{"{SECRET}":1,"{SECRET}":2}}', f'{{"a":"{SECRET}\\ud800"}}', f'"{CPR}"'):
        answer = await client.post("/Patient", content=body.encode())
        refused(answer, 400)
        assert SECRET not in answer.text
        assert CPR not in answer.text


async def test_refused_duplicates_and_conflicts_do_not_repeat_the_person(client, example, put, refused):
    for id in ("a", "b"):
        await put(example("Patient", id=id))
    several = await client.post(
        "/Patient", content=dump(example("Patient")), headers={"if-none-exist": f"identifier={SYSTEM}|{CPR}"}
    )
    refused(several, 412, "multiple-matches")
    stale = await client.put(
        "/Patient/a", content=dump(example("Patient", id="a", gender="male")), headers={"if-match": '"9"'}
    )
    refused(stale, 412)
    for answer in (several, stale):
        assert CPR not in answer.text
        assert "Ærøskov" not in answer.text


async def test_addresses_of_ours_name_nobody(client, example):
    """Ids are random, and locations and links of a create hold nothing of the person."""
    made = await client.post("/Patient", content=dump(example("Patient")))
    assert CPR not in made.headers["location"]
    assert re.fullmatch(r"http://test/fhir/Patient/[0-9a-f-]{36}/_history/1", made.headers["location"])


# ── errors of ours ───────────────────────────────────────────────────────────────────────────────


class BrokenStore:
    """A store that fails at everything, with an error that quotes what it was given."""

    def __getattr__(self, name):
        async def failing(*given, **named):
            raise RuntimeError(f"{SECRET} {CPR} {given} {named}")

        return failing


@pytest.fixture
def broken(app, house):
    app.state.door = Door(replace(house, store=BrokenStore()), app.state.door.identify, "", 256 * 1024)
    return app


@pytest.mark.parametrize(
    ("method", "address", "route"),
    [
        ("GET", f"/Patient/{SECRET}", "/fhir/{type}/{id}"),
        ("GET", f"/Patient?identifier={SYSTEM}|{CPR}", "/fhir/{type}"),
        ("POST", "/Patient", "/fhir/{type}"),
        ("PUT", f"/Patient/{SECRET}", "/fhir/{type}/{id}"),
        ("DELETE", f"/Patient/{SECRET}", "/fhir/{type}/{id}"),
        ("GET", f"/Patient/{SECRET}/_history", "/fhir/{type}/{id}/_history"),
        ("GET", f"/Patient/{SECRET}/_history/1", "/fhir/{type}/{id}/_history/{number}"),
        ("GET", f"/Patient/{SECRET}/$overview", "/fhir/{type}/{id}/${operation}"),
    ],
)
async def test_error_of_ours_says_nothing_and_logs_route_and_kind(
    broken, example, refused, caplog, method, address, route
):
    """R4-10, design §7."""
    caplog.set_level(logging.DEBUG, logger="careplan")
    transport = httpx.ASGITransport(app=broken)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/fhir") as client:
        body = dump(example("Patient", id=SECRET)) if method in ("POST", "PUT") else b""
        headers = {"content-type": "application/fhir+json"}
        answer = await client.request(method, address, content=body, headers=headers)
    issues = refused(answer, 500, "careplan-error")
    assert issues[0]["diagnostics"] == "The server could not complete the request."
    assert SECRET not in answer.text
    assert CPR not in answer.text
    ours = [one for one in caplog.records if one.name.startswith("careplan")]
    assert [one.getMessage() for one in ours] == [f"{method} {route} ended with RuntimeError"]
    assert all(one.exc_info is None for one in ours)


async def test_readiness_with_a_broken_store_says_nothing(broken, caplog):
    transport = httpx.ASGITransport(app=broken, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert SECRET not in answer.text


async def test_a_person_number_is_never_an_id_and_is_not_repeated(client, example):
    body = {**example("Patient"), "id": CPR}
    refused = await client.put(f"/Patient/{CPR}", content=dump(body))
    assert refused.status_code == 404 and CPR not in refused.text
    entry = {"resource": body, "request": {"method": "PUT", "url": f"Patient/{CPR}"}}
    bundle = await client.post("", content=dump({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}))
    assert bundle.status_code == 422 and CPR not in bundle.text
