"""Many reads at once: on MongoDB they share calls, and each still gets its own answer."""

import asyncio

import pytest
from storing import Home, write

from careplan.store.protocol import Store, StoreUnavailable

pytestmark = pytest.mark.parametrize("home", ["sqlite", "mongo", "pymongo"], indirect=True)

MANY = 150


async def read_all(store: Store, ids: list[str]) -> list[str | None]:
    found = await asyncio.gather(*(store.read("Observation", id) for id in ids))
    return [None if version is None else version.id for version in found]


async def test_reads_at_once_are_each_answered_with_what_they_asked_for(store: Store) -> None:
    ids = [f"o{n}" for n in range(MANY)]
    await store.commit([write(id) for id in ids])
    assert await read_all(store, [*ids, *reversed(ids)]) == [*ids, *reversed(ids)]
    assert await read_all(store, ["o1", "nobody", "o1", "o2"]) == ["o1", None, "o1", "o2"]


async def test_a_read_sees_what_was_written_before_it_while_others_are_under_way(store: Store) -> None:
    await store.commit([write("o1")])
    for number in range(1, 20):
        earlier = [asyncio.ensure_future(store.read("Observation", "o1")) for _ in range(MANY)]
        await asyncio.sleep(0)
        await store.commit([write("o1", expects=number)])
        version = await store.read("Observation", "o1")
        assert version is not None
        assert version.number == number + 1
        await asyncio.gather(*earlier)


async def test_a_reader_who_goes_away_takes_nobody_along(store: Store) -> None:
    await store.commit([write(f"o{n}") for n in range(4)])
    reading = [asyncio.ensure_future(store.read("Observation", f"o{n}")) for n in range(4)]
    await asyncio.sleep(0)
    reading[1].cancel()
    found = await asyncio.gather(*reading, return_exceptions=True)
    there = [one.id for one in found if one is not None and not isinstance(one, BaseException)]
    assert [id for id in ("o0", "o2", "o3") if id in there] == ["o0", "o2", "o3"]


async def test_reads_of_a_closed_store_are_each_refused(home: Home) -> None:
    store = await home()
    await store.commit([write("o1")])
    await store.close()
    refused = await asyncio.gather(*(store.read("Observation", "o1") for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in refused] == [StoreUnavailable] * 3
    assert len({id(one) for one in refused}) == 3
