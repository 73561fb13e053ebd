"""The whole application as it is started: its lifespan, `/healthz`, `/readyz`, and addresses beside the FHIR base."""

import httpx
import pytest

from careplan.app import create_app
from careplan.fhir.text import dump
from careplan.settings import Settings


async def test_app_opens_its_store_and_keeps_what_was_written(tmp_path, example):
    from_file = Settings(store=str(tmp_path / "careplan.db"))
    made = {}
    for _ in range(2):
        app = create_app(from_file)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client,
        ):
            if not made:
                made = (await client.post("/fhir/Patient", json=example("Patient"))).json()
            assert (await client.get(f"/fhir/Patient/{made['id']}")).json() == made
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            assert (await client.get("/readyz")).json() == {"status": "ready"}


async def test_service_whose_store_is_gone_is_alive_and_not_ready(client, house, refused):
    await house.store.close()
    assert (await client.get("http://test/healthz")).status_code == 200
    answer = await client.get("http://test/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "store-unavailable")
    refused(await client.get("/Patient"), 503, "store-unavailable")


@pytest.mark.parametrize(
    "address",
    ["/Patient/", "/Patient//", "/Patient/1/", "/Patient/1/_history/", "//Patient", "/Patient/1/x/y", "/./Patient/%2e"],
)
async def test_addresses_that_are_not_there_are_not_found(client, refused, address):
    """And nobody is sent elsewhere."""
    refused(await client.get(f"http://test/fhir{address}"), 404)


async def test_methods_that_are_not_offered_name_those_that_are(client, refused):
    """R4-9."""
    for method, address, offered in (
        ("POST", "/Patient/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("OPTIONS", "/Patient", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
        ("TRACE", "/metadata", {"GET", "HEAD"}),
        ("PUT", "/metadata", {"GET", "HEAD"}),
        ("POST", "/metadata", {"GET", "HEAD"}),
        ("DELETE", "/_history", {"GET", "HEAD"}),
        ("PUT", "/openapi.json", {"GET", "HEAD"}),
        ("OPTIONS", "/openapi.json", {"GET", "HEAD"}),
        ("GET", "/_search", {"POST"}),
        ("GET", "/Patient/_search", {"POST"}),
        ("HEAD", "/Patient/_search", {"POST"}),
        ("DELETE", "/Patient/_history", {"GET", "HEAD"}),
        ("PUT", "/$export", {"GET", "POST"}),
        ("HEAD", "/$export", {"GET", "POST"}),
        ("HEAD", "/Patient/$export", {"GET", "POST"}),
        ("PATCH", "/Group/g/$export", {"GET", "POST"}),
        ("PUT", "/$export/1", {"GET", "HEAD", "DELETE"}),
        ("PUT", "/Patient/$validate", {"GET", "HEAD", "POST"}),
        ("DELETE", "/Patient/1/$everything", {"GET", "HEAD", "POST"}),
        ("PATCH", "/Observation/$lastn", {"GET", "HEAD", "POST"}),
        ("PUT", "/CarePlan/$establish", {"POST"}),
        ("HEAD", "/CarePlan/$establish", {"POST"}),
        ("GET", "/Goal/1/$follow-recommendation", {"POST"}),
        ("POST", "/PlanDefinition", {"GET", "HEAD"}),
        ("DELETE", "/PlanDefinition", {"GET", "HEAD"}),
        ("PATCH", "/ValueSet/x", {"GET", "HEAD"}),
        ("POST", "/ValueSet/x", {"GET", "HEAD"}),
        ("DELETE", "/ValueSet/_search", {"POST"}),
        ("BREW", "/Patient/1/_history", {"GET", "HEAD"}),
    ):
        answer = await client.request(method, address)
        assert answer.status_code == 405, (method, address)
        assert {one.strip() for one in answer.headers["allow"].split(",")} == offered, (method, address)
        if method != "HEAD":
            refused(answer, 405, "not-allowed")


@pytest.mark.parametrize(
    "address",
    ["/_search", "/_history", "/1", "/1/_history", "/1/_history/1", "/1/Patient/_search", "/$validate", "/1/$validate"],
)
async def test_nothing_is_offered_on_types_that_are_not_there(client, refused, address):
    """R4-8: by any method."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        for type_name in ("Foo", "patient"):
            refused(await client.request(method, f"/{type_name}{address}", headers=form), 404)


async def test_no_method_is_offered_on_operations_that_are_not_there(client, refused):
    """R4-108."""
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        for address in ("/$nonsense", "/Patient/$nonsense", "/Patient/1/$lastn", "/Observation/$export"):
            refused(await client.request(method, address), 404)


async def test_an_entry_that_is_not_allowed_says_what_its_bundle_is_sent_by(client, refused):
    """R4-9: the address of the request is that of the Bundle."""
    entry = {"request": {"method": "DELETE", "url": "PlanDefinition/diabetes"}}
    body = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    answer = await client.post("", content=dump(body))
    refused(answer, 405, "not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"
