"""The primary of three is killed while many write: nothing acknowledged is lost, and writing goes on."""

import asyncio
from pathlib import Path

import pytest
from pymongo import MongoClient
from replicas import replica_set
from storing import coded, fed, write

from careplan.store.mongo import MongoStore
from careplan.store.protocol import Store

WRITERS = 8
AFTERWARDS = 15
WINDOW = 40
"""Seconds: within the driver's retry window (30) and an election (10) writing goes on; and so long for what follows."""


async def write_on(store: Store, name: str, acknowledged: "asyncio.Queue[str]", enough: asyncio.Event) -> None:
    n = 0
    while not enough.is_set():
        await store.commit([write(f"{name}-{n}-{half}", coded("a")) for half in "ab"])
        acknowledged.put_nowait(f"{name}-{n}")
        n += 1


async def next_ones(acknowledged: "asyncio.Queue[str]", number: int) -> list[str]:
    async with asyncio.timeout(WINDOW):
        return [await acknowledged.get() for _ in range(number)]


@pytest.mark.parametrize("driver", ["motor", "pymongo"])
async def test_a_killed_mongodb_primary_loses_nothing(tmp_path: Path, driver: str) -> None:
    with replica_set(tmp_path, 3) as servers:
        hosts = ",".join(f"127.0.0.1:{port}" for port in servers)
        url = f"mongodb://{hosts}/failover?replicaSet=rs0"
        store = await MongoStore.connect(url, driver)
        acknowledged: asyncio.Queue[str] = asyncio.Queue()
        enough = asyncio.Event()
        writing = asyncio.gather(*(write_on(store, f"w{n}", acknowledged, enough) for n in range(WRITERS)))
        names = await next_ones(acknowledged, 60)
        with MongoClient[dict[str, object]](url) as client:
            primary = str(client.admin.command("hello")["primary"])
        servers[int(primary.rpartition(":")[2])].kill()
        names += await next_ones(acknowledged, acknowledged.qsize() + WRITERS)
        names += await next_ones(acknowledged, WRITERS * AFTERWARDS)
        enough.set()
        await writing
        names += [acknowledged.get_nowait() for _ in range(acknowledged.qsize())]
        there = [version.id for version in await fed(store)]
        assert {f"{name}-{half}" for name in names for half in "ab"} == set(there)
        assert len(there) == len(set(there))
        for name in names:
            assert await store.read("Observation", f"{name}-a") is not None
        await store.close()
