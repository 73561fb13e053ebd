"""Faults in the middle of things on MongoDB: no session is lost, and nobody waits for ever for an answer."""

import asyncio
from typing import Any

import pytest
from pymongo import MongoClient
from storing import Home, asking, fed, found, where, write

from careplan.fhir.query import StringIs
from careplan.store.protocol import Store, StoreUnavailable

pytestmark = pytest.mark.parametrize("home", ["mongo", "pymongo"], indirect=True)

TOO_LONG = asking(where("name", "string", StringIs("contains", "x" * 40_000)))
"""The server refuses a pattern of this length."""


def sessions(mongod: str) -> int:
    """How many sessions the server remembers."""
    with MongoClient[dict[str, Any]](mongod.format("admin")) as client:
        return len(list(client.admin.aggregate([{"$listLocalSessions": {"allUsers": True}}])))


async def test_a_search_that_fails_gives_its_session_back(store: Store, mongod: str) -> None:
    await store.commit([write("o1")])
    await found(store, asking())
    before = sessions(mongod)
    for _ in range(20):
        with pytest.raises(StoreUnavailable):
            await store.search(TOO_LONG)
    assert sessions(mongod) < before + 5
    assert await found(store, asking()) == "o1"


async def test_commits_that_wait_are_answered_when_their_writer_is_cancelled(home: Home) -> None:
    store = await home()
    waiting = [asyncio.ensure_future(store.commit([write(f"o{n}")])) for n in range(300)]
    await asyncio.sleep(0.005)
    (writer,) = [task for task in asyncio.all_tasks() if task.get_name() == "careplan-writer"]
    writer.cancel()
    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert refused
    assert {type(outcome) for outcome in refused} == {StoreUnavailable}
    assert writer.cancelled()
    await store.close()
    again = await home()
    await again.commit([write("after")])
    assert "after" in {version.id for version in await fed(again)}
    await again.close()


async def test_reads_that_wait_are_answered_when_what_asks_for_them_is_cancelled(store: Store) -> None:
    await store.commit([write("o1")])
    waiting = [asyncio.ensure_future(store.read("Observation", "o1")) for _ in range(300)]
    await asyncio.sleep(0)
    (asking,) = [task for task in asyncio.all_tasks() if task.get_name() == "careplan-reads"]
    await asyncio.sleep(0)
    asking.cancel()
    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
    assert await store.read("Observation", "o1") is not None
