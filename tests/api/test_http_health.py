"""The whole application as it is started: its lifespan, `/healthz`, `/readyz`, and addresses beside the FHIR base."""

import httpx
import pytest

from careplan.app import create_app
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
    """R4-8: and nobody is sent elsewhere."""
    refused(await client.get(f"http://test/fhir{address}"), 404)


async def test_methods_that_are_not_offered_name_those_that_are(client, refused):
    """R4-9."""
    for method, address, offered in (
        ("POST", "/Patient/1", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("OPTIONS", "/Patient", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
        ("TRACE", "/metadata", {"GET", "HEAD"}),
        ("GET", "/Patient/_search", None),
        ("BREW", "/Patient/1/_history", {"GET", "HEAD"}),
    ):
        answer = await client.request(method, address)
        if offered is not None:
            refused(answer, 405, "not-allowed")
            assert {one.strip() for one in answer.headers["allow"].split(",")} == offered, address
        else:
            refused(answer, answer.status_code)
