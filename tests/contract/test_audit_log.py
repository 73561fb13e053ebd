"""The audit log on both stores: nothing acknowledged is lost, and whatever is changed is found (R4-121, design §10)."""

import asyncio
import contextlib
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from storing import Home, body_of, write

from careplan.interactions.audit.entry import entry_from_trail
from careplan.interactions.audit.inquiry import entries_about
from careplan.interactions.audit.journal import Journal
from careplan.interactions.audit.record import TYPE, Entry
from careplan.interactions.audit.recovery import recover
from careplan.interactions.audit.verification import Verified, verify
from careplan.interactions.caller import Caller
from careplan.interactions.trail import Trail
from careplan.store.mongo import MongoStore
from careplan.store.protocol import Guard, Store, StoreUnavailable, Version, VersionConflict, Write
from careplan.store.sqlite import SQLiteStore

NURSE = Caller("clinic", "Lars Krogh", "north", reference="PractitionerRole/nurse", purpose="TREAT")
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
Tamper = Callable[[Store, str, Callable[[bytes], bytes | None]], Awaitable[None]]


def entry(number: int, patient: str = "anna") -> Entry:
    trail = Trail("read", touched={patient: [f"Observation/o{number}"]})
    return entry_from_trail(NURSE, AT + timedelta(seconds=number), trail, "0")


def journal_of(store: Store, folder: Path) -> Journal:
    return Journal(store, folder, lambda: SQLiteStore.open(":memory:"))


async def checked(store: Store) -> Verified:
    return await verify(store, {}, lambda done: None)


async def told(store: Store, patient: str | None = "anna", user: str | None = None) -> list[str]:
    """What was read, oldest first."""
    found = [one["of"][patient or "anna"][0] async for _, one in entries_about(store, patient, user)]
    return found[::-1]


async def filled(store: Store, folder: Path) -> None:
    """Three records of reads with three entries each, and one of a write; not ended in good order."""
    journal = journal_of(store, folder)
    for first in (0, 3, 6):
        journal.keep([entry(first + n) for n in range(3)])
        await journal.flush()
    await journal.commit(store, [write("o9")], (), [entry(9)])


async def change_body(store: Store, id: str, changed: Callable[[bytes], bytes | None]) -> None:
    """Change a record past the store, as somebody who has its disk; None takes it away without a trace."""
    version = await store.read(TYPE, id)
    assert version is not None
    body = changed(version.body or b"")
    if isinstance(store, MongoStore):
        asked = {"_id": f"{TYPE}/{id}"}
        await (
            store._resources.delete_one(asked)
            if body is None
            else store._resources.update_one(asked, {"$set": {"body": body}})
        )
        return
    (path,) = [row[2] for row in store._writing.connection.execute("PRAGMA database_list")]  # type: ignore[attr-defined]
    with closing(sqlite3.connect(path)) as file, file:
        if body is None:
            file.execute("DELETE FROM resource WHERE type = ? AND id = ?", (TYPE, id))
            file.execute("DELETE FROM version WHERE type = ? AND id = ?", (TYPE, id))
        else:
            file.execute("UPDATE version SET body = ? WHERE type = ? AND id = ?", (body, TYPE, id))


async def ids(store: Store) -> list[str]:
    return [
        f"{name}.{number:09d}"
        for name, lane in (await checked(store)).lanes.items()
        for number in range(1, len(lane.ends) + 1)
    ]


async def test_entries_of_many_requests_share_a_record_and_are_found_by_patient_and_user(
    store: Store, tmp_path: Path
) -> None:
    journal = journal_of(store, tmp_path / "journal")
    journal.keep([entry(n, "anna" if n % 2 else "birthe") for n in range(20)])
    await journal.close()
    assert await told(store) == [f"Observation/o{n}" for n in range(1, 20, 2)]
    assert len([one async for one in entries_about(store, None, "PractitionerRole/nurse")]) == 20
    assert [one async for one in entries_about(store, "anna", "PractitionerRole/other")] == []
    found = await checked(store)
    assert (found.entries, found.faults, found.open_lanes) == (20, [], ())
    assert found.records < 5
    assert os.listdir(tmp_path / "journal") == []


async def test_a_write_and_its_entry_are_stored_together_or_not_at_all(store: Store, tmp_path: Path) -> None:
    journal = journal_of(store, tmp_path / "journal")
    await journal.commit(store, [write("o1")], (), [entry(1)])
    with pytest.raises(VersionConflict):
        await journal.commit(store, [write("o2"), write("o1")], (), [entry(2)])
    await journal.commit(store, [write("o3")], (), [entry(3)])
    assert await told(store) == ["Observation/o1", "Observation/o3"]
    assert await store.read("Observation", "o2") is None
    assert (await checked(store)).faults == []
    await journal.close()


@dataclass
class GoneAfterOne:
    """A store that takes one commit and is gone, as where the machine loses it between two."""

    store: Store
    taken: list[Sequence[Write]] = field(default_factory=list)

    async def commit(self, writes: Sequence[Write], guards: Sequence[Guard] = ()) -> tuple[Version, ...]:
        if self.taken:
            raise StoreUnavailable("gone")
        self.taken.append(writes)
        return await self.store.commit(writes, guards)


async def test_a_store_that_is_gone_after_one_commit_has_the_write_and_its_entry_or_neither(
    store: Store, tmp_path: Path
) -> None:
    journal = journal_of(store, tmp_path / "journal")
    with contextlib.suppress(StoreUnavailable):
        await journal.commit(GoneAfterOne(store), [write("o1")], (), [entry(1)])  # type: ignore[arg-type]
    written = await store.read("Observation", "o1") is not None
    assert written == (await told(store) == ["Observation/o1"])
    assert written


@pytest.mark.parametrize("line", [0, 1, 2, 3, 4])
async def test_a_changed_line_is_found_and_named(store: Store, tmp_path: Path, line: int) -> None:
    await filled(store, tmp_path)
    record = next(one for one in await ids(store) if one.endswith("-0.000000002"))

    def change(body: bytes) -> bytes:
        lines = body.split(b"\n")
        lines[line] = lines[line].replace(b"a", b"b", 1) if line < 4 else b'{"prev":"' + b"0" * 64 + b'"}'
        return b"\n".join(lines)

    await change_body(store, record, change)
    faults = (await checked(store)).faults
    assert any(one.startswith((f"{record}..", record)) for one in faults), faults


@pytest.mark.parametrize("line", [1, 2, 3])
async def test_a_removed_line_is_found(store: Store, tmp_path: Path, line: int) -> None:
    await filled(store, tmp_path)
    record = next(one for one in await ids(store) if one.endswith("-0.000000002"))
    await change_body(
        store, record, lambda body: b"\n".join(one for n, one in enumerate(body.split(b"\n")) if n != line)
    )
    assert f"{record}..{line - 1}: " in "\n".join((await checked(store)).faults)


LOST = {
    "reference": (re.compile(r"^rpatient"), "a patient"),
    "token": (re.compile(r"^tagent"), "who acted"),
    "date": (re.compile(r"^$"), "their day"),
}
"""What the log is found by: its table or, in documents, how its texts begin; and how its loss is told."""


async def lose(store: Store, kind: str) -> None:
    """Take away what the records are found by, past the store."""
    if isinstance(store, MongoStore):
        of_log = {"type": TYPE}
        if kind == "date":
            await store._resources.update_many(of_log, {"$set": {"d": []}})
        await store._resources.update_many(of_log, {"$pull": {"v": LOST[kind][0]}})
        return
    (path,) = [row[2] for row in store._writing.connection.execute("PRAGMA database_list")]  # type: ignore[attr-defined]
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f"DELETE FROM {kind} WHERE key IN (SELECT key FROM resource WHERE type = ?)", (TYPE,))


@pytest.mark.parametrize("kind", LOST)
async def test_a_log_that_is_no_longer_found_by_what_it_says_is_told_and_asked_all_the_same(
    store: Store, tmp_path: Path, kind: str
) -> None:
    await filled(store, tmp_path)
    before = await told(store), await told(store, user="PractitionerRole/nurse")
    await lose(store, kind)
    (fault,) = (await checked(store)).faults
    assert f"not found by {LOST[kind][1]}" in fault
    assert (await told(store), await told(store, user="PractitionerRole/nurse")) == before


async def test_a_log_that_is_gone_as_a_whole_is_a_fault_where_there_are_patients(store: Store) -> None:
    assert (await checked(store)).faults == []
    await store.commit([replace(write("o1"), patient=None)])
    assert (await checked(store)).faults == []
    await store.commit([replace(write("o2"), patient="anna")])
    (fault,) = (await checked(store)).faults
    assert "no log" in fault


async def test_two_lines_that_changed_places_are_found(store: Store, tmp_path: Path) -> None:
    await filled(store, tmp_path)
    record = next(one for one in await ids(store) if one.endswith("-0.000000002"))
    await change_body(store, record, lambda body: b"\n".join(body.split(b"\n")[n] for n in (0, 2, 1, 3, 4)))
    assert (await checked(store)).faults != []


async def test_a_removed_record_is_found_and_named(store: Store, tmp_path: Path) -> None:
    await filled(store, tmp_path)
    record = next(one for one in await ids(store) if one.endswith("-0.000000002"))
    await change_body(store, record, lambda body: None)
    assert f"{record}: this record is missing" in (await checked(store)).faults


async def test_two_records_that_changed_places_are_found(store: Store, tmp_path: Path) -> None:
    await filled(store, tmp_path)
    first, second = [one for one in await ids(store) if one[-11:] in ("0.000000001", "0.000000002")]
    one, two = await store.read(TYPE, first), await store.read(TYPE, second)
    assert one is not None and two is not None
    await change_body(store, first, lambda _: two.body)
    await change_body(store, second, lambda _: one.body)
    assert f"{first}: this record does not stand where it was written" in (await checked(store)).faults


async def test_the_end_of_a_chain_that_another_has_seen_cannot_be_cut_off(store: Store, tmp_path: Path) -> None:
    await filled(store, tmp_path)
    last = next(one for one in await ids(store) if one.endswith("-0.000000003"))
    await change_body(store, last, lambda body: None)
    assert any(one.startswith(f"{last} to {last}: cut off") for one in (await checked(store)).faults)


async def test_the_newest_record_of_all_is_missed_by_a_seal_that_was_kept(store: Store, tmp_path: Path) -> None:
    await filled(store, tmp_path)
    seal = (await checked(store)).seal
    last = next(one for one in await ids(store) if one.endswith("-1.000000001"))
    await change_body(store, last, lambda body: None)
    assert (await checked(store)).faults == []
    faults = (await verify(store, seal, lambda done: None)).faults
    assert faults == [f"{last} to {last}: cut off, though the seal has seen them"]


async def test_a_record_that_is_deleted_or_stored_again_is_found(store: Store, tmp_path: Path) -> None:
    await filled(store, tmp_path)
    first, second = [one for one in await ids(store) if one[-11:] in ("0.000000001", "0.000000002")]
    await store.commit([Write(TYPE, first, 1, AT, None, None)])
    version = await store.read(TYPE, second)
    assert version is not None
    await store.commit([Write(TYPE, second, 1, AT, None, version.body)])
    faults = (await checked(store)).faults
    assert f"{first}: this record is missing" in faults
    assert f"{second}: this record was stored 2 times" in faults


async def test_two_processes_each_write_a_chain_and_have_seen_the_others(home: Home, tmp_path: Path) -> None:
    one, two = await home(), await home()
    first, second = journal_of(one, tmp_path), journal_of(two, tmp_path)
    first.keep([entry(1)])
    await first.flush()

    async def work(journal: Journal, store: Store, name: str) -> None:
        for n in range(10):
            journal.keep([entry(n)])
            await journal.commit(store, [write(f"{name}-{n}")], (), [entry(n)])

    await asyncio.gather(work(first, one, "a"), work(second, two, "b"))
    await asyncio.gather(first.close(), second.close())
    found = await checked(one)
    assert (found.entries, found.faults, found.open_lanes) == (41, [], ())
    assert len(found.lanes) >= 4
    await asyncio.gather(one.close(), two.close())


READER = """
import asyncio, sys
sys.path[:0] = [{tests!r}, {here!r}]
from pathlib import Path
from test_audit_log import entry, journal_of
from storing import write
from careplan.store.sqlite import SQLiteStore

async def read_on(journal, name):
    for n in range(100_000):
        journal.keep([entry(n, f"{{name}}-{{n}}")])
        print(f"{{name}}-{{n}}", flush=True)

async def write_on(journal, store, name):
    for n in range(100_000):
        await journal.commit(store, [write(f"{{name}}-{{n}}")], (), [entry(n, f"{{name}}-{{n}}")])
        print(f"{{name}}-{{n}}", flush=True)

async def main():
    store = SQLiteStore.open({path!r})
    journal = journal_of(store, Path({folder!r}))
    readers = [read_on(journal, f"r{{n}}") for n in range(8)]
    await asyncio.gather(*readers, *(write_on(journal, store, f"w{{n}}") for n in range(2)))

asyncio.run(main())
"""


def killed(path: Path, folder: Path, acknowledged: int) -> list[str]:
    """Kill -9 a process that reads and writes; all that it acknowledged."""
    here = Path(__file__).resolve().parent
    script = READER.format(tests=str(here.parent), here=str(here), path=str(path), folder=str(folder))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline().strip() for _ in range(acknowledged)]
        process.kill()
        return seen + [line.strip() for line in process.stdout.readlines() if line.endswith("\n")]


@pytest.mark.parametrize("acknowledged", [10, 3000])
async def test_kill_9_loses_no_acknowledged_access_and_breaks_no_chain(tmp_path: Path, acknowledged: int) -> None:
    """Design §10."""
    path, folder = tmp_path / "record.db", tmp_path / "journal"
    seen = await asyncio.to_thread(killed, path, folder, acknowledged)
    store = SQLiteStore.open(str(path))
    await recover(store, folder)
    assert os.listdir(folder) == []
    there = {patient async for _, one in entries_about(store, None, "PractitionerRole/nurse") for patient in one["of"]}
    assert set(seen) <= there
    for name in there:
        written = await store.read("Observation", name)
        assert name.startswith("r") or (written is not None and written.body == body_of("Observation", name))
    assert (await checked(store)).faults == []
    await store.close()


async def test_what_is_recovered_twice_is_stored_once(store: Store, tmp_path: Path) -> None:
    journal = journal_of(store, tmp_path)
    journal.keep([entry(1)])
    (name,) = [name for name in os.listdir(tmp_path) if name.endswith(".log")]
    text = (tmp_path / name).read_text("utf-8")
    await journal.close()
    for _ in range(2):
        (tmp_path / "gone-0.lock").touch()
        (tmp_path / "gone-0.000000001.log").write_text(text + '"at":"2026-11-22T0', "utf-8")
        await recover(store, tmp_path)
    assert await told(store) == ["Observation/o1", "Observation/o1"]
    assert (await checked(store)).faults == []


async def test_a_process_that_runs_keeps_its_segments(store: Store, tmp_path: Path) -> None:
    journal = journal_of(store, tmp_path)
    journal.keep([entry(1)])
    assert await recover(store, tmp_path) == 0
    await journal.close()
    assert await told(store) == ["Observation/o1"]
