"""The app in process, without a port: an empty store in memory for each test, knowledge and profiles read once."""

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from careplan.api.door import Door, new_id
from careplan.app import create_app, open_house
from careplan.fhir.text import dump, parse
from careplan.interactions.audit.journal import Journal
from careplan.interactions.caller import SYSTEM
from careplan.interactions.context import House
from careplan.settings import Settings
from careplan.store.sqlite import SQLiteStore
from careplan.views.cookie import Sessions
from careplan.views.view import View

ROOT = Path(__file__).resolve().parents[2]
BASE = "http://test/fhir"
SEND = {"content-type": "application/fhir+json"}
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)

Json = Any


@pytest.fixture(scope="session")
def shared_house() -> Iterator[House]:
    """The house as `app` opens it; its own store stays unused."""
    loop = asyncio.new_event_loop()
    opened = open_house(Settings(store=":memory:", secret="only for tests"))
    house = loop.run_until_complete(opened.__aenter__())
    yield house
    loop.run_until_complete(opened.__aexit__(None, None, None))
    loop.close()


@pytest_asyncio.fixture
async def house(shared_house: House, tmp_path: Path) -> AsyncIterator[House]:
    """The house with an empty store and an audit log of this test's own."""
    store = SQLiteStore.open(":memory:")
    journal = Journal(store, tmp_path / "journal", lambda: SQLiteStore.open(":memory:"))
    yield replace(shared_house, store=store, journal=journal)
    await journal.close()
    await store.close()


@pytest.fixture
def app(house: House) -> FastAPI:
    """The application of this test's house, with a clock that stands still."""
    app = create_app(Settings(store=":memory:"))
    app.state.door = Door(house, lambda request: SYSTEM, "", 256 * 1024, lambda: NOW)
    app.state.view = View(house, Sessions(house.secret), lambda: NOW, new_id, "", False)
    return app


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the application; paths are below the FHIR base."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE, headers=SEND) as client:
        yield client


@pytest.fixture(scope="session")
def example() -> Callable[..., Json]:
    """`example("Patient", gender="male")`: the example of a type as a value of its own, with members changed."""
    read = {path.stem: parse(path.read_bytes()) for path in (ROOT / "fixtures").glob("*.json")}

    def found(type_name: str, **changed: Json) -> Json:
        value = copy.deepcopy(read[type_name]) | changed
        return {name: part for name, part in value.items() if part is not None}

    return found


@pytest.fixture
def put(client: httpx.AsyncClient) -> Callable[[Json], Awaitable[httpx.Response]]:
    """Store a resource under its own id."""

    async def stored(resource: Json) -> httpx.Response:
        response = await client.put(f"/{resource['resourceType']}/{resource['id']}", content=dump(resource))
        assert response.status_code in (200, 201), response.text
        return response

    return stored


@pytest.fixture(scope="session")
def refused() -> Callable[..., Json]:
    """`refused(response, 404, "not-found")`: the answer is that refusal as an OperationOutcome; returns its issues."""

    def checked(response: httpx.Response, status: int, code: str | None = None) -> list[Json]:
        assert response.status_code == status, (response.status_code, response.text[:500])
        assert response.headers["content-type"].partition(";")[0] == "application/fhir+json"
        outcome = response.json()
        assert outcome["resourceType"] == "OperationOutcome", outcome
        assert outcome["issue"], outcome
        assert all(one["severity"] in ("fatal", "error", "warning", "information") for one in outcome["issue"])
        assert all(one["code"] for one in outcome["issue"])
        assert "Traceback" not in response.text
        assert code is None or code in [one["details"]["text"] for one in outcome["issue"]], outcome
        issues: list[Json] = outcome["issue"]
        return issues

    return checked
