"""What an older release wrote is indexed again, once: by one of all that ask, and past nobody's writes.

Both stores. What is extracted is up to `careplan.fhir.index`; here a test says itself what a resource is found by.
"""

import asyncio
import contextlib
import subprocess
import sys
import uuid
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from storing import (
    NOON,
    SECOND,
    Home,
    asking,
    both,
    coded,
    dated,
    fed,
    found,
    kept,
    measured,
    paired,
    removal,
    where,
    worded,
    write,
)

from careplan.app import open_store
from careplan.fhir.query import CompositeIs, DateIs, NumberIs, StringIs, TokenIs
from careplan.fhir.value import NumberValue, SearchValues
from careplan.settings import Settings
from careplan.store import edition, mongo_edition, sqlite_edition
from careplan.store.protocol import Past, Store, StoreUnavailable, Version

A = asking(where("code", "token", TokenIs("s", "a")))
B = asking(where("code", "token", TokenIs("s", "b")))


def silent(done: int, of: int) -> None:
    """Progress that nobody listens to."""


class Stopped(Exception):
    """Raised in the middle of the work."""


class Extraction:
    """Finds everything by code `a`; remembers for which versions it was asked, and stumbles over the one at `end`."""

    def __init__(self, code: str = "a", end: int | None = None) -> None:
        self.code, self.end = code, end
        self.asked: list[str] = []

    def __call__(self, version: Version) -> SearchValues | None:
        if len(self.asked) == self.end:
            raise Stopped
        self.asked.append(f"{version.id}@{version.number}")
        return coded(self.code)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Portions of two resources."""
    monkeypatch.setattr(sqlite_edition, "PORTION", 2)
    monkeypatch.setattr(mongo_edition, "PORTION", 2)


def beside(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do something as another process would, now, while this one does nothing."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work()).result(30)


async def test_values_of_every_kind_that_were_left_out_are_found_afterwards(store: Store) -> None:
    number = measured("6.5").numbers[0][1]
    assert isinstance(number, NumberValue)
    full = both(coded("a"), coded("b"), dated(NOON), measured("6.5"), worded("Anna"), paired("a", number))
    await kept(store, [write("o1"), write("o2", full)])
    within = NumberIs("eq", number.low, number.low, number.low + 1, "u", "mg")
    pair = where("code-value", "composite", CompositeIs(TokenIs("s", "a"), within))
    no_pair = where("code-value", "composite", CompositeIs(TokenIs("s", "b"), within))
    date = where("date", "date", DateIs("eq", NOON, NOON + SECOND))
    name = where("name", "string", StringIs("starts", "an"))
    asked = [asking(one) for one in (pair, date, name, where("value", "quantity", within))]
    assert [await found(store, one) for one in asked] == ["o2"] * 4
    await store.reindex(lambda version: full, "1", silent)
    assert [await found(store, one) for one in asked] == ["o1 o2"] * 4
    assert await found(store, asking(no_pair)) == ""


async def test_values_that_are_no_longer_extracted_are_gone(store: Store) -> None:
    await kept(store, [write("o1", both(coded("a"), worded("Anna")))])
    await store.reindex(lambda version: coded("b"), "1", silent)
    assert (await found(store, A), await found(store, B)) == ("", "o1")
    assert await found(store, asking(where("name", "string", StringIs("starts", "an")))) == ""


async def test_what_cannot_be_extracted_keeps_its_values(store: Store) -> None:
    await kept(store, [write("o1", coded("a")), write("o2")])
    await store.reindex(lambda version: None if version.id == "o1" else coded("b"), "1", silent)
    assert (await found(store, A), await found(store, B)) == ("o1", "o2")


async def test_versions_history_and_feed_stay_as_they_were(store: Store) -> None:
    await kept(store, [write("o1"), write("o2"), write("o3"), write("p1", type="Patient")])
    await kept(store, [write("o1", expects=1, at=NOON + SECOND), removal("o3", 1, at=NOON + SECOND)])
    before = (await fed(store), await store.history(Past()), await store.read("Observation", "o1"))
    extraction = Extraction()
    await store.reindex(extraction, "1", silent)
    assert extraction.asked == ["o2@1", "p1@1", "o1@2"]
    assert (await fed(store), await store.history(Past()), await store.read("Observation", "o1")) == before
    assert await found(store, A) == "o1 o2"
    again = await store.commit([write("o1", expects=2, at=NOON + 2 * SECOND), write("o3", expects=2)])
    assert [version.number for version in again] == [3, 3]


async def test_a_second_start_does_nothing_and_another_edition_does_all(home: Home) -> None:
    for wanted, asked in (("1", 3), ("1", 0), ("2", 3), ("1", 3)):
        store = await home()
        if wanted == "1" and not await fed(store):
            await kept(store, [write("o1"), write("o2"), write("o3")])
        extraction = Extraction()
        await store.reindex(extraction, wanted, silent)
        assert len(extraction.asked) == asked
        await store.close()


async def test_an_empty_store_takes_an_edition_and_what_is_written_is_of_it(home: Home) -> None:
    store = await home()
    await store.reindex(Extraction(), "1", silent)
    await kept(store, [write("o1", coded("b"))])
    await store.close()
    extraction, again = Extraction(), await home()
    await again.reindex(extraction, "1", silent)
    assert extraction.asked == []
    await again.close()


async def test_a_store_that_keeps_values_in_another_form_is_indexed_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kept(store, [write("o1")])
    await store.reindex(Extraction(), "1", silent)
    monkeypatch.setattr(edition, "FORM", edition.FORM + 1)
    extraction = Extraction()
    await store.reindex(extraction, "1", silent)
    assert extraction.asked == ["o1@1"]


@pytest.mark.usefixtures("small")
async def test_progress_is_told_up_to_the_end_of_the_feed(store: Store) -> None:
    await kept(store, [write(f"o{n}") for n in range(5)])
    await kept(store, [removal("o4", 1)])
    told: list[tuple[int, int]] = []
    await store.reindex(Extraction(), "1", lambda done, of: told.append((done, of)))
    assert told == [(2, 6), (4, 6), (6, 6)]


async def test_large_resources_make_small_portions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sqlite_edition, mongo_edition):
        monkeypatch.setattr(module, "PORTION_BYTES", 10)
    await kept(store, [write(f"o{n}") for n in range(3)])
    told: list[int] = []
    await store.reindex(Extraction(), "1", lambda done, of: told.append(done))
    assert told == [1, 2, 3]
    assert await found(store, A) == "o0 o1 o2"


# ── interrupted ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("small")
async def test_what_was_interrupted_goes_on_where_it_was(home: Home) -> None:
    store = await home()
    await kept(store, [write(f"o{n}") for n in range(7)])
    with pytest.raises(Stopped):
        await store.reindex(Extraction(end=5), "1", silent)
    await store.close()
    again, extraction = await home(), Extraction()
    assert await found(again, A) == "o0 o1 o2 o3"
    await asyncio.wait_for(again.reindex(extraction, "1", silent), edition.LEASE_SECONDS / 2)
    assert extraction.asked == ["o4@1", "o5@1", "o6@1"]
    assert len((await found(again, A)).split()) == 7
    await again.close()


@pytest.mark.usefixtures("small")
async def test_going_back_after_an_interrupted_walk_starts_over(store: Store) -> None:
    await kept(store, [write(f"o{n}") for n in range(4)])
    await store.reindex(Extraction("a"), "1", silent)
    with pytest.raises(Stopped):
        await store.reindex(Extraction("b", end=3), "2", silent)
    assert (await found(store, A), await found(store, B)) == ("o2 o3", "o0 o1")
    await store.reindex(Extraction("a"), "1", silent)
    assert await found(store, A) == "o0 o1 o2 o3"


WALKER = """
import asyncio, sys, time
from careplan.app import open_store
from careplan.fhir.value import SearchValues, TokenValue
from careplan.settings import Settings
from careplan.store import mongo_edition, sqlite_edition

for module in (mongo_edition, sqlite_edition):
    module.PORTION, module.LEASE_SECONDS = 5, 1
seen = 0

def extract(version):
    global seen
    if seen == {stop}:
        print("stopped", flush=True)
        time.sleep(60)
    seen += 1
    return SearchValues(tokens=(("code", TokenValue("s", "a")),))

async def main():
    store = await open_store(Settings(store={url!r}))
    await store.reindex(extract, "1", lambda done, of: None)
    await store.close()
    print(seen, flush=True)

asyncio.run(main())
"""


@pytest.fixture(params=["sqlite", "mongo"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store that processes can share."""
    if request.param == "sqlite":
        yield str(tmp_path / "record.db")
        return
    where: str = request.getfixturevalue("mongod").format(name := f"t{uuid.uuid4().hex[:12]}")
    yield where
    with MongoClient[dict[str, object]](where) as client:
        client.drop_database(name)


def walker(url: str, stop: int = -1) -> "subprocess.Popen[str]":
    script = WALKER.format(url=url, stop=stop)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


async def filled(url: str, count: int) -> None:
    store = await open_store(Settings(store=url))
    await kept(store, [write(f"o{n}") for n in range(count)])
    await store.close()


async def found_by_a(url: str) -> int:
    store = await open_store(Settings(store=url))
    page = await store.search(A)
    await store.close()
    return len(page.matches)


async def test_after_kill_9_the_next_process_goes_on(url: str) -> None:
    await filled(url, 40)
    with walker(url, stop=23) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "stopped\n"
        first.kill()
    assert await found_by_a(url) == 20
    second = walker(url)
    assert second.communicate(timeout=60)[0] == "20\n"
    assert await found_by_a(url) == 40


async def test_processes_that_start_at_once_share_no_work_and_all_go_on(url: str) -> None:
    await filled(url, 40)
    walkers = [walker(url) for _ in range(3)]
    counts = [int(one.communicate(timeout=60)[0]) for one in walkers]
    assert sum(counts) == 40
    assert await found_by_a(url) == 40


# ── beside others ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("small")
async def test_of_two_that_ask_at_once_one_works_and_both_end(home: Home) -> None:
    first, second = await home(), await home()
    await kept(first, [write(f"o{n}") for n in range(9)])
    extraction = Extraction()
    await asyncio.gather(first.reindex(extraction, "1", silent), second.reindex(extraction, "1", silent))
    assert extraction.asked == [f"o{n}@1" for n in range(9)]
    await asyncio.gather(first.close(), second.close())


@pytest.mark.usefixtures("small")
async def test_whoever_comes_in_the_middle_of_it_waits(home: Home) -> None:
    store = await home()
    await kept(store, [write(f"o{n}") for n in range(4)])
    came, asked = Extraction(), Extraction()

    async def come() -> None:
        other = await home()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(other.reindex(came, "1", silent), 1)
        await other.close()

    def extract(version: Version) -> SearchValues | None:
        if version.id == "o3":
            beside(come)
        return asked(version)

    await store.reindex(extract, "1", silent)
    assert (came.asked, asked.asked) == ([], ["o0@1", "o1@1", "o2@1", "o3@1"])
    await store.close()


@pytest.mark.usefixtures("small")
async def test_a_newer_version_written_meanwhile_keeps_its_own_values(home: Home) -> None:
    store = await home()
    await kept(store, [write("o1"), write("o2"), write("o3")])

    async def write_newer() -> None:
        other = await home()
        await other.commit([write("o1", coded("b"), expects=1, at=NOON + SECOND), removal("o2", 1)])
        await other.close()

    def extract(version: Version) -> SearchValues | None:
        if (version.id, version.number) == ("o1", 1):
            beside(write_newer)
        return coded("a") if version.number == 1 else None

    await store.reindex(extract, "1", silent)
    assert (await found(store, A), await found(store, B)) == ("o3", "o1")
    assert await found(store, asking()) == "o1 o3"
    await store.close()


@pytest.mark.usefixtures("small")
async def test_what_an_older_release_writes_meanwhile_is_indexed_too(home: Home) -> None:
    store = await home()
    await kept(store, [write("o1"), write("o2"), write("o3")])
    left = ["o4", "o5"]

    async def write_more() -> None:
        other = await home()
        await other.commit([write(left.pop(0), at=NOON + SECOND)])
        await other.close()

    extraction = Extraction()

    def extract(version: Version) -> SearchValues | None:
        if left:
            beside(write_more)
        return extraction(version)

    await store.reindex(extract, "1", silent)
    assert extraction.asked == [f"o{n}@1" for n in range(1, 6)]
    assert await found(store, A) == "o1 o2 o3 o4 o5"
    await store.close()


async def test_what_an_older_release_writes_at_the_very_end_is_indexed_too(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last look at the feed and the end."""
    older, store = await home(), await home()
    await kept(older, [write("o1")])
    late = ["o2", "o3"]

    def writing_before(finish: Any) -> Any:
        async def write_and_finish(self: object, edition: str, last: int) -> None:
            if late:
                await older.commit([write(late.pop(0))])
            await finish(self, edition, last)

        return write_and_finish

    for shelf in (sqlite_edition.SQLiteShelf, mongo_edition.MongoShelf):
        monkeypatch.setattr(shelf, "finish", writing_before(shelf.finish))
    extraction = Extraction()
    await store.reindex(extraction, "1", silent)
    assert extraction.asked == ["o1@1", "o2@1", "o3@1"]
    await asyncio.gather(older.close(), store.close())


async def test_a_process_of_another_edition_writes_no_more(home: Home) -> None:
    older, newer = await home(), await home()
    await older.reindex(Extraction(), "1", silent)
    await kept(older, [write("o1")])
    await newer.reindex(Extraction(), "2", silent)
    for refused in ([write("o2")], [write("o1", expects=1, at=NOON + SECOND)]):
        with pytest.raises(StoreUnavailable, match="another release"):
            await older.commit(refused)
    together = [older.commit([write(f"q{n}")]) for n in range(3)]
    answers = await asyncio.gather(*together, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    await kept(newer, [write("o2", coded("a"))])
    assert await found(newer, A) == await found(older, A) == "o1 o2"
    await asyncio.gather(older.close(), newer.close())


async def test_an_older_release_still_writes_until_the_newer_is_done(home: Home) -> None:
    older, newer = await home(), await home()
    await older.reindex(Extraction(), "1", silent)
    await kept(older, [write("o1")])
    with pytest.raises(Stopped):
        await newer.reindex(Extraction(end=0), "2", silent)
    await kept(older, [write("o2")])
    extraction = Extraction()
    await newer.reindex(extraction, "2", silent)
    assert extraction.asked == ["o1@1", "o2@1"]
    await asyncio.gather(older.close(), newer.close())


@pytest.mark.usefixtures("small")
async def test_one_that_stood_still_too_long_leaves_the_work_to_whoever_took_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (sqlite_edition, mongo_edition):
        monkeypatch.setattr(module, "LEASE_SECONDS", -1)
    store, took = await home(), Extraction("b")
    await kept(store, [write(f"o{n}") for n in range(4)])

    async def take_over() -> None:
        other = await home()
        await other.reindex(took, "1", silent)
        await other.close()

    asked: list[str] = []

    def extract(version: Version) -> SearchValues | None:
        if not asked:
            beside(take_over)
        asked.append(version.id)
        return coded("a")

    await store.reindex(extract, "1", silent)
    assert (asked, len(took.asked)) == (["o0", "o1"], 4)
    assert await found(store, B) == "o0 o1 o2 o3"
    await store.close()


@pytest.mark.usefixtures("small")
async def test_writes_all_the_while_leave_everything_found_by_its_newest_version(home: Home) -> None:
    """An older release writes without values until it is refused, one like ours with them."""
    older, store, alike = await home(), await home(), await home()
    await older.reindex(by_number, "0", silent)
    await kept(older, [write(f"o{n}") for n in range(60)])

    async def write_on(by: Store, first: int, *, knowing: bool) -> None:
        with contextlib.suppress(StoreUnavailable):
            for number in range(1, 40):
                values = coded(str(number + 1)) if knowing else None
                some = [write(f"o{n}", values, expects=number) for n in range(first, 60, 6)]
                await by.commit(some)

    writers = [write_on(older, first, knowing=False) for first in (0, 1)]
    writers += [write_on(alike, first, knowing=True) for first in (2, 3)]
    await asyncio.gather(store.reindex(by_number, "1", silent), *writers)
    newest = {version.id: version.number for version in await fed(store)}
    seen: list[tuple[str, int]] = []
    for number in range(1, 41):
        page = await store.search(asking(where("code", "token", TokenIs("s", str(number))), count=100))
        seen += [(match.id, number) for match in page.matches]
    assert sorted(seen) == sorted(newest.items())
    assert len(newest) == 60
    await asyncio.gather(older.close(), store.close(), alike.close())


def by_number(version: Version) -> SearchValues:
    return coded(str(version.number))
