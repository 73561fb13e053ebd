"""A question that takes too long is ended, and the store goes on (checklist R4-12)."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from storing import asking, both, coded, found, kept, pointing, where, worded, write

from careplan.fhir.query import Link, Order, Query, StringIs
from careplan.store.mongo import MongoStore
from careplan.store.protocol import Guard, Past, QueryTooLong, Store
from careplan.store.sqlite import SQLiteStore

SECONDS = 0.15
WORDS = (StringIs("contains", f"nowhere {n}") for n in range(400))
SLOW = replace(asking(where("name", "string", *WORDS), orders=(Order("name", "string"),)), total=True)
"""Every text is searched for every word."""

CHAINED = Query("Observation", links=(Link("subject", (SLOW,)),))


@pytest.fixture(params=["sqlite", "motor", "pymongo"])
async def hurried(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store with much in it, and little time for each question."""
    store: Store
    values = [both(worded(f"{n} anna " * 60), coded("a"), pointing("Observation", f"o{n}")) for n in range(2500)]
    writes = [write(f"o{n}", some) for n, some in enumerate(values)]
    if request.param == "sqlite":
        path = str(tmp_path / "record.db")
        store = SQLiteStore.open(path)
        await kept(store, writes)
        await store.close()
        store = SQLiteStore.open(path, SECONDS)
        yield store
        await store.close()
        return
    url = request.getfixturevalue("mongod").format("hurried")
    store = await MongoStore.connect(url, request.param)
    await kept(store, writes)
    await store.close()
    store = await MongoStore.connect(url, request.param, SECONDS)
    yield store
    await store.close()
    with MongoClient[dict[str, Any]](url) as client:
        client.drop_database("hurried")


async def test_a_search_that_takes_too_long_is_ended_and_the_next_one_answered(hurried: Store) -> None:
    """R4-12: within a patient, by a chain, or over all; and while others ask."""
    for query in (SLOW, CHAINED, replace(SLOW, patient="p1"), replace(CHAINED, patient="p1")):
        start = time.monotonic()
        with pytest.raises(QueryTooLong, match=r"0\.15 seconds"):
            await hurried.search(query)
        assert time.monotonic() - start < 20 * SECONDS
        assert len((await hurried.search(asking(count=3))).matches) == 3
    outcomes = await asyncio.gather(
        *(hurried.search(SLOW if n % 2 else asking(count=3)) for n in range(8)), return_exceptions=True
    )
    assert [isinstance(outcome, QueryTooLong) for outcome in outcomes] == [False, True] * 4
    assert await hurried.read("Observation", "o1") is not None


async def test_a_guard_that_takes_too_long_refuses_its_own_commit_alone(hurried: Store) -> None:
    """R4-12: the commits that share its transaction are stored."""
    outcomes = await asyncio.gather(
        hurried.commit([write("n1")]),
        hurried.commit([write("n2")], [Guard("k", SLOW)]),
        hurried.commit([write("n3")]),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [tuple, QueryTooLong, tuple]
    assert await hurried.read("Observation", "n2") is None
    (written,) = await hurried.commit([write("n2")])
    assert [one.id for one in (await hurried.history(Past(count=1))).versions] == ["n2"]
    assert await found(hurried, asking(where("_id", "id"), count=1)) == ""
    assert written.number == 1


async def test_a_history_has_its_time_too(hurried: Store) -> None:
    """R4-12"""
    everybody = frozenset(f"p{n}" for n in range(150_000))
    with pytest.raises(QueryTooLong):
        await hurried.history(Past(patients=everybody, types=everybody))
    assert (await hurried.history(Past(count=1))).total == 2500
