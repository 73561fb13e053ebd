"""Includes end at their limit: what is past it is not read either."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from careplan.fhir.query import Query
from careplan.fhir.search import parse as parse_query
from careplan.interactions.context import Limits
from careplan.interactions.search import search
from careplan.store.protocol import Page, Version
from careplan.store.sqlite import SQLiteStore

from .conftest import BASE, Town, hba1c, patient


class Watched(SQLiteStore):
    """The store in memory, which remembers what it was asked."""

    def __init__(self, *lanes: Any) -> None:
        super().__init__(*lanes)
        self.asked: list[str] = []

    async def read(self, type: str, id: str) -> Version | None:
        self.asked.append(type)
        return await super().read(type, id)

    async def search(self, query: Query) -> Page:
        self.asked.append(f"{query.type}?")
        return await super().search(query)


@pytest.fixture
async def watched(town: Town) -> AsyncIterator[tuple[Town, Watched]]:
    """Ten people with two values each; a search brings three along, and a page has four."""
    store = Watched.open(":memory:")
    assert isinstance(store, Watched)
    made = Town(replace(town.house, store=store, limits=Limits(page_maximum=4, includes=3)))
    for n in range(10):
        await made.put(patient(f"p{n}"), *({**hba1c(50, of=f"p{n}"), "id": f"v{n}-{m}"} for m in range(2)))
    store.asked.clear()
    yield made, store
    await store.close()


async def brought(town: Town, type_name: str, *includes: tuple[str, str]) -> list[str]:
    query = parse_query(type_name, [("_sort", "_id"), *includes], strict=True, base=BASE)
    return [version.reference for version in (await search(town.as_("system"), query)).included]


async def test_forward_includes_past_the_limit_are_not_read(watched: tuple[Town, Watched]) -> None:
    town, store = watched
    assert await brought(town, "Observation", ("_include", "Observation:subject"), ("_include", "*")) == [
        "Patient/p0",
        "Patient/p1",
        "Patient/p2",
    ]
    assert store.asked == ["Observation?", "Patient", "Patient", "Patient"]


async def test_reverse_includes_past_the_limit_are_not_searched(watched: tuple[Town, Watched]) -> None:
    town, store = watched
    found = await brought(
        town, "Patient", ("_revinclude", "Observation:subject"), ("_revinclude", "Observation:patient")
    )
    assert len(found) == 3
    assert store.asked == ["Patient?", "Observation?"]


async def test_includes_below_the_limit_all_come_once(watched: tuple[Town, Watched]) -> None:
    town, _ = watched
    query = parse_query("Observation", [("_id", "v1-0,v1-1,v2-0"), ("_include", "*")], strict=True, base=BASE)
    found = await search(town.as_("system"), query)
    assert {version.reference for version in found.included} == {"Patient/p1", "Patient/p2"}
