"""Along the feed instants never run backwards, so that a client can go on from the newest it has seen."""

import asyncio
import random
from collections.abc import Awaitable
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from storing import NOON, SECOND, Home, asking, coded, fed, found, removal, walked, where, write

from careplan.fhir.instant import instant_text
from careplan.fhir.query import DateIs, Query
from careplan.fhir.text import parse, stamp
from careplan.store.protocol import Past, Store, Version, VersionConflict, Write

pytestmark = pytest.mark.parametrize("home", ["sqlite", "memory", "mongo", "pymongo"], indirect=True)

TEXT = '{"resourceType":"Observation","note":[{"text":"Hæmoglobin før måltid"}],"meta":{"source":"urn:x"}}'.encode()
EARLIER, LATER = NOON, NOON + 5 * SECOND


def stamped(id: str, at: datetime, expects: int = 0) -> Write:
    """A write whose text shows its instant."""
    body, place = stamp(TEXT, id=id, version_id=str(expects + 1), last_updated=instant_text(at))
    return Write("Observation", id, expects, at, "p1", body, coded("a"), place=place)


def shown(version: Version) -> object:
    """The instant that a version's text shows."""
    return None if version.body is None else parse(version.body)["meta"]["lastUpdated"]


def written_in(at: datetime) -> Query:
    return asking(where("_lastUpdated", "date", DateIs("eq", at, at + SECOND)))


async def test_a_write_that_comes_late_is_of_the_instant_before_it(store: Store) -> None:
    """R4-48: in its text, as in the answer, in searches and in history."""
    await store.commit([stamped("o1", LATER)])
    (late,) = await store.commit([stamped("o2", EARLIER)])
    assert (late.at, shown(late)) == (LATER, instant_text(LATER))
    assert await store.read("Observation", "o2") == late
    assert parse(late.body or b"")["note"] == [{"text": "Hæmoglobin før måltid"}]
    assert await found(store, written_in(EARLIER)) == ""
    assert await found(store, written_in(LATER)) == "o1 o2"
    assert [one.id for one in (await store.history(Past(since=LATER))).versions] == ["o2", "o1"]


async def test_late_writes_of_every_kind_are_moved(store: Store) -> None:
    first, second = await store.commit([stamped("o1", LATER), stamped("o2", EARLIER)])
    assert (first.at, second.at, shown(second)) == (LATER, LATER, instant_text(LATER))
    (gone,) = await store.commit([removal("o1", 1, at=EARLIER)])
    assert (gone.at, gone.deleted) == (LATER, True)
    bare = write("o3", at=EARLIER)
    (kept,) = await store.commit([bare])
    assert (kept.at, kept.body) == (LATER, bare.body)


async def test_a_write_at_its_own_time_keeps_it(store: Store) -> None:
    for n, at in enumerate((EARLIER, LATER, LATER, LATER + SECOND)):
        (kept,) = await store.commit([some := stamped(f"o{n}", at)])
        assert (kept.at, kept.body) == (at, some.body)


async def test_instants_rise_among_commits_that_are_stored_together(store: Store) -> None:
    await store.commit([stamped("taken", EARLIER)])
    commits: list[Awaitable[tuple[Version, ...]]] = [
        store.commit([stamped(f"o{n}", LATER - n * SECOND / 10), stamped("taken", LATER, expects=n % 2 * 7)])
        if n % 3 == 0
        else store.commit([stamped(f"o{n}", LATER - n * SECOND / 10)])
        for n in range(30)
    ]
    outcomes = await asyncio.gather(*commits, return_exceptions=True)
    assert {type(one) for one in outcomes if isinstance(one, BaseException)} == {VersionConflict}
    feed = await fed(store)
    assert len(feed) == 21
    assert all(before.at <= after.at for before, after in pairwise(feed))
    assert [shown(version) for version in feed] == [instant_text(version.at) for version in feed]


async def test_who_polls_by_the_newest_instant_misses_nothing(home: Home, request: pytest.FixtureRequest) -> None:
    """R4-49: six write, on two stores where that can be, and tell the time before they have what they write."""
    one = await home()
    two = one if "memory" in request.node.callspec.id else await home()
    written: list[Version] = []
    seen: dict[int, Version] = {}
    newest = NOON
    writing = True

    async def write_some(store: Store, name: str) -> None:
        for n in range(25):
            at = datetime.now(UTC)
            at = at.replace(microsecond=at.microsecond // 1000 * 1000)
            await asyncio.sleep(random.uniform(0, 0.02))
            written.extend(await store.commit([stamped(f"{name}-{n}", at)]))

    async def look() -> None:
        nonlocal newest
        past: str | None = None
        since = newest
        while True:
            page = await two.history(Past(since=since, count=50, after=past))
            seen.update((version.position, version) for version in page.versions)
            newest = max([newest, *(version.at for version in page.versions)])
            past = page.next
            if past is None:
                return

    async def poll() -> None:
        while writing:
            await look()

    polling = asyncio.create_task(poll())
    await asyncio.gather(*(write_some((one, two)[n % 2], f"w{n}") for n in range(6)))
    writing = False
    await polling
    await look()
    feed = await fed(one)
    assert len(feed) == 150
    assert all(before.at <= after.at for before, after in pairwise(feed))
    assert [seen.get(version.position) for version in feed] == feed
    assert sorted(written, key=lambda version: version.position) == feed
    assert [shown(version) for version in feed] == [instant_text(version.at) for version in feed]
    assert len(await walked(one, asking())) == 150
    await one.close()
    if two is not one:
        await two.close()
