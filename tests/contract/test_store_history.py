"""The history of a type and of everything, and by what a version was made (checklist G, R4-107)."""

import asyncio
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from storing import NOON, SECOND, Home, both, coded, pointing, removal, write

from careplan.store.protocol import CursorInvalid, Past, Store, Version
from careplan.store.sqlite import SQLiteStore

OPEN = frozenset({"Organization"})


async def fill(store: Store) -> None:
    """Two clinics with a patient each, and versions of both in turn; `o1` moves from p1 to p2, `loose` is nobody's."""
    clinics = {"p1": "north", "p2": "south"}
    writes = [
        *(write(name, type="Organization", patient=None, at=NOON) for name in clinics.values()),
        *(
            write(id, pointing("Organization", clinic, "general-practitioner"), type="Patient", patient=id, at=NOON)
            for id, clinic in clinics.items()
        ),
        write("o1", at=NOON + SECOND),
        write("o2", at=NOON + SECOND, patient="p2"),
        write("o1", expects=1, at=NOON + 2 * SECOND, patient="p2"),
        removal("o2", 1, at=NOON + 3 * SECOND),
        write("c1", type="Condition", at=NOON + 3 * SECOND),
        write("loose", type="Group", patient=None, at=NOON + 4 * SECOND),
    ]
    await store.commit(writes)


def told(versions: tuple[Version, ...]) -> str:
    return " ".join(f"{version.id}@{version.number}" for version in versions)


ALL = "loose@1 c1@1 o2@2 o1@2 o2@1 o1@1 p2@1 p1@1 south@1 north@1"


async def test_the_history_of_a_type_and_of_everything_is_newest_first(store: Store) -> None:
    """R4-48, R4-49: also since an instant, that included; nothing since one to come."""
    await fill(store)
    cases = {
        Past(): ALL,
        Past("Observation"): "o2@2 o1@2 o2@1 o1@1",
        Past("Observation", "o1"): "o1@2 o1@1",
        Past("Never"): "",
        Past(since=NOON + 3 * SECOND): "loose@1 c1@1 o2@2",
        Past("Observation", since=NOON + 2 * SECOND): "o2@2 o1@2",
        Past(since=NOON + 9 * SECOND): "",
        Past("Observation", since=NOON + 9 * SECOND): "",
        Past(types=frozenset({"Condition", "Group", "Never"})): "loose@1 c1@1",
        Past(types=frozenset()): "",
        Past(types=OPEN, since=NOON): "south@1 north@1",
    }
    for past, expected in cases.items():
        page = await store.history(past)
        assert (told(page.versions), page.total, page.next) == (expected, len(expected.split()), None), past


async def test_a_history_is_of_the_records_that_may_be_seen_and_of_open_types(store: Store) -> None:
    """R4-107: by who was the patient at the time; what is in no record is left out unless its type is open."""
    await fill(store)
    p1, p2 = frozenset({"p1"}), frozenset({"p2"})
    cases = {
        Past(patients=p1): "c1@1 o2@2 o1@1 p1@1",
        Past(patients=p1, open=OPEN): "c1@1 o2@2 o1@1 p1@1 south@1 north@1",
        Past(patients=p2, open=OPEN, types=frozenset({"Observation", "Organization"})): "o1@2 o2@1 south@1 north@1",
        Past(patients=p1, open=OPEN, since=NOON + SECOND): "c1@1 o2@2 o1@1",
        Past(patients=frozenset()): "",
        Past(patients=frozenset(), open=OPEN): "south@1 north@1",
        Past(listed_with="south"): "o1@2 o2@1 p2@1",
        Past(listed_with="nowhere", open=OPEN): "south@1 north@1",
        Past(listed_with="south", patients=p1): "",
        Past("Observation", patients=p1, open=OPEN): "o2@2 o1@1",
        Past("Observation", listed_with="south", open=OPEN): "o1@2 o2@1",
        Past("Observation", patients=p1 | p2, since=NOON + 2 * SECOND): "o2@2 o1@2",
        Past("Organization", patients=p1, open=OPEN): "south@1 north@1",
        Past("Observation", "o1", listed_with="north"): "o1@1",
        Past("Observation", "o1", listed_with="south", open=OPEN): "o1@2",
        Past("Organization", "north", patients=p1, open=OPEN): "north@1",
    }
    for past, expected in cases.items():
        page = await store.history(past)
        assert (told(page.versions), page.total) == (expected, len(expected.split())), past


@pytest.mark.parametrize(
    "past",
    [
        Past("Observation"),
        Past(),
        Past(listed_with="north", open=OPEN),
        Past("Observation", patients=frozenset({"p1"})),
    ],
    ids=["type", "everything", "of a clinic", "of a patient"],
)
async def test_pages_show_every_version_once_while_others_write(store: Store, past: Past) -> None:
    """R4-50: what is written after the first page is on none of the later ones."""
    await fill(store)
    await store.commit([write(f"v{n}", coded("a")) for n in range(8)])
    expected = (await store.history(past)).versions
    seen: list[Version] = []
    asked: Past | None = replace(past, count=3)
    number = 0
    while asked is not None:
        page = await store.history(asked)
        seen += page.versions
        asked = None if page.next is None else replace(asked, after=page.next)
        await store.commit([write(f"late{number}"), write("v1", expects=number + 1)])
        number += 1
    assert tuple(seen) == expected
    assert number > 2


async def test_no_page_of_a_history_is_missed_while_many_write(store: Store) -> None:
    """R4-50: with real concurrency, and without waiting for one another."""
    await store.commit([write(f"v{n}") for n in range(30)])
    going = True

    async def write_on(name: str) -> None:
        n = 0
        while going:
            await store.commit([write(f"{name}-{n}"), write(f"{name}-{n}", expects=1)])
            n += 1

    writing = [asyncio.create_task(write_on(f"w{n}")) for n in range(4)]
    pasts = [Past("Observation", count=4), Past(count=7)]
    for asked in pasts:
        positions: list[int] = []
        after = None
        while True:
            page = await store.history(replace(asked, after=after))
            positions += [version.position for version in page.versions]
            after = page.next
            if after is None:
                break
        assert positions == sorted(positions, reverse=True)
        assert positions == list(range(positions[0], 0, -1))
    going = False
    await asyncio.gather(*writing)


@pytest.mark.parametrize("past", [Past(after="x"), Past("Observation", after="-1"), Past(after="9" * 40)])
async def test_a_bad_place_in_any_history_is_refused(store: Store, past: Past) -> None:
    """R4-76"""
    await fill(store)
    with pytest.raises(CursorInvalid):
        await store.history(past)


async def test_a_version_knows_by_what_it_was_made(store: Store) -> None:
    """R4-48: read, vread, search, history and feed all tell."""
    put = replace(write("o1"), method="PUT")
    await store.commit([put, replace(write("o2", both(coded("a"))), method="POST")])
    (patched,) = await store.commit([replace(write("o1", expects=1), method="PATCH")])
    await store.commit([replace(removal("o2", 1), method="PUT")])
    made = {(one.id, one.number): one.method for one in (await store.history(Past())).versions}
    assert made == {("o1", 1): "PUT", ("o1", 2): "PATCH", ("o2", 1): "POST", ("o2", 2): "DELETE"}
    assert await store.read("Observation", "o1") == patched
    gone, first = await store.read("Observation", "o2"), await store.vread("Observation", "o2", 1)
    assert gone is not None
    assert first is not None
    assert (gone.method, first.method) == ("DELETE", "POST")
    assert {(one.id, one.number): one.method for one in await store.changes(0)} == made


async def test_versions_from_before_methods_were_stored_are_guessed(home: Home, tmp_path: Path, mongod: str) -> None:
    store = await home()
    await store.commit([write("o1"), write("o1", expects=1), removal("o1", 2), write("c1", type="Condition")])
    await forget_methods(store, tmp_path / "record.db", mongod)
    await store.close()
    again = await home()
    page = await again.history(Past("Observation"))
    assert [version.method for version in page.versions] == ["DELETE", "PUT", "POST"]
    await again.close()


async def forget_methods(store: Store, path: Path, mongod: str) -> None:
    """Make the data as it was before version documents and rows had a method, and documents a type."""
    if isinstance(store, SQLiteStore):
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE version SET method = NULL")
        connection.close()
        return
    with MongoClient[dict[str, Any]](mongod.format("admin")) as client:
        for name in set(client.list_database_names()) - {"admin", "config", "local"}:
            for collection in ("version", "resource"):
                client[name][collection].update_many({}, {"$unset": {"m": "", "t": ""}})
