"""One who asks too often is asked to wait, at every door in its own way; everybody else is served."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from issuing import AUDIENCE, Issuer, issuing

from careplan.api.door import Door
from careplan.app import create_app
from careplan.identity.bearer import caller_of
from careplan.interactions.context import House
from careplan.settings import Settings
from careplan.views.cookie import Sessions
from careplan.views.view import View

Make = Callable[..., httpx.AsyncClient]


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


@pytest.fixture
async def served(house: House, issuer: Issuer) -> AsyncIterator[Make]:
    """Makes a client of an application with these settings, from an address."""
    opened: list[httpx.AsyncClient] = []

    def make(address: str = "192.0.2.1", app: FastAPI | None = None, **given: Any) -> httpx.AsyncClient:
        app = app or application(house, issuer, **given)
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        opened.append(httpx.AsyncClient(transport=transport, base_url="https://careplan.test"))
        return opened[-1]

    yield make
    for one in opened:
        await one.aclose()


def application(house: House, issuer: Issuer, **given: Any) -> FastAPI:
    app = create_app(Settings(store=":memory:", auth="oidc", oidc_issuer=issuer.url, oidc_audience=AUDIENCE, **given))
    app.state.door = Door(house, caller_of, "", 256 * 1024)
    app.state.view = View(house, Sessions(b"x" * 32), lambda: None, lambda: "", "", False)  # type: ignore[arg-type]
    return app


def bearer(issuer: Issuer, **claims: str) -> dict[str, str]:
    return {"authorization": f"Bearer {issuer.token(**claims)}"}


SLOW = {"requests_per_second": 0.01, "requests_burst": 2}


async def test_a_client_that_asks_too_often_is_told_when_to_come_again(served: Make, issuer: Issuer) -> None:
    """R4-12: 429 with an OperationOutcome, and Retry-After."""
    client, token = served(**SLOW), bearer(issuer)
    assert [(await client.get("/fhir/Organization", headers=token)).status_code for _ in range(2)] == [200, 200]
    answer = await client.get("/fhir/Organization", headers=token)
    assert answer.status_code == 429 and 90 <= int(answer.headers["retry-after"]) <= 100
    (issue,) = answer.json()["issue"]
    assert (issue["code"], issue["details"]["text"]) == ("throttled", "too-many-requests")


async def test_each_client_and_each_of_its_users_is_counted_apart(served: Make, house: House, issuer: Issuer) -> None:
    app = application(house, issuer, **SLOW)
    client, other = served(app=app), served("192.0.2.2", app=app)
    for _ in range(3):
        answer = await client.get("/fhir/Organization", headers=bearer(issuer))
    assert answer.status_code == 429
    assert (await other.get("/fhir/Organization", headers=bearer(issuer))).status_code == 429  # wherever it asks from
    for changed in ({"sub": "nurse-2"}, {"client_id": "app"}):
        assert (await client.get("/fhir/Organization", headers=bearer(issuer, **changed))).status_code == 200
    assert (await client.get("/fhir/metadata")).status_code == 200  # the address has not been counted yet


async def test_whoever_shows_nothing_is_counted_by_address(served: Make, house: House, issuer: Issuer) -> None:
    """A token that does not count is nobody's, whatever it says."""
    app = application(house, issuer, **SLOW)
    client, other = served(app=app), served("192.0.2.2", app=app)
    for _ in range(2):
        await client.get("/fhir/Organization", headers={"authorization": "Bearer nonsense"})
    assert (await client.get("/fhir/metadata")).status_code == 429
    assert (await client.get("/fhir/metadata", headers={"cookie": "__Host-forloebsplan=made-up"})).status_code == 429
    assert (await other.get("/fhir/metadata")).status_code == 200


async def test_pages_say_it_in_danish_and_services_in_json(served: Make) -> None:
    client = served(**SLOW)
    for _ in range(2):
        await client.get("/hjaelp")
    page = await client.get("/hjaelp")
    assert page.status_code == 429 and "Vent lidt, og prøv igen." in page.text
    assert int(page.headers["retry-after"]) > 1 and "content-security-policy" in page.headers
    hook = await client.get("/cds-services")
    assert hook.status_code == 429 and hook.json()["error"] == "too-many-requests" and hook.headers["retry-after"]


async def test_watching_over_the_service_is_never_too_often(served: Make) -> None:
    client = served(**SLOW)
    assert {(await client.get("/healthz")).status_code for _ in range(20)} == {200}
    assert (await client.get("/hjaelp")).status_code == 200


async def test_signing_in_has_a_narrower_pace_for_each_address(served: Make, house: House, issuer: Issuer) -> None:
    app = application(house, issuer, sign_ins_per_minute=2)
    client, other = served(app=app), served("192.0.2.2", app=app)
    for path in ("/log-ind", "/log-ind/svar"):
        assert (await client.get(path)).status_code == 303
    refused = await client.get("/log-ind")
    assert refused.status_code == 429 and "Vent et øjeblik" in refused.text
    assert (await client.get("/")).status_code == 200
    assert (await other.get("/log-ind")).status_code == 303


async def test_one_client_never_fills_the_house_alone(served: Make, house: House, issuer: Issuer) -> None:
    """A quarter of what is worked on at once; the rest is for others, even while bodies are still coming."""
    app = application(house, issuer, requests_at_work=8)
    client, coming, asked = served(app=app), asyncio.Event(), asyncio.Semaphore(0)

    async def body() -> AsyncIterator[bytes]:
        asked.release()
        yield b"{"
        await coming.wait()
        yield b"}"

    sent = {**bearer(issuer), "content-type": "application/fhir+json", "transfer-encoding": "chunked"}
    inside = [asyncio.create_task(client.post("/fhir/Patient", content=body(), headers=sent)) for _ in range(2)]
    for _ in inside:
        await asked.acquire()
    late = await client.get("/fhir/Organization", headers=bearer(issuer))
    assert late.status_code == 429 and late.headers["retry-after"] == "1"
    assert (await client.get("/fhir/Organization", headers=bearer(issuer, sub="nurse-2"))).status_code == 200
    coming.set()
    await asyncio.gather(*inside)
    assert (await client.get("/fhir/Organization", headers=bearer(issuer))).status_code == 200


async def test_without_sign_in_only_this_machine_asks_and_nobody_is_counted() -> None:
    transport = httpx.ASGITransport(app=create_app(Settings(store=":memory:", **SLOW)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as local:
        assert {(await local.get("/static/plan.css")).status_code for _ in range(9)} == {200}
