"""Entries that a killed process left on this machine's disk, stored as the records they were to be.

Each segment is the next record of the lane it is named by; one that is stored already is only taken away. Not here:
how they came to lie there (`spool`).
"""

import asyncio
import json
import os
from pathlib import Path

from careplan.fhir.instant import find_instant
from careplan.fhir.text import Json
from careplan.interactions.audit.record import TYPE, Entry, Lane, agents_of, hash_of, lines_of, make_record, record_id
from careplan.interactions.audit.spool import LOCK, left_segments
from careplan.store.protocol import Store, VersionConflict


async def recover(store: Store, folder: Path) -> int:
    """How many entries were brought into the store. Raises StoreUnavailable, OSError."""
    found = 0
    for lane, segments, lock in await asyncio.to_thread(lambda: list(left_segments(folder))):
        try:
            for path in segments:
                found += await _store(store, lane, path)
                path.unlink(missing_ok=True)
            (folder / f"{lane}{LOCK}").unlink(missing_ok=True)
        finally:
            os.close(lock)
    return found


async def _store(store: Store, name: str, path: Path) -> int:
    number = int(path.stem.rpartition(".")[2])
    lines = (await asyncio.to_thread(path.read_text, "utf-8")).splitlines()
    entries = [one for line in lines if (one := _entry(line)) is not None]
    if not entries or await store.read(TYPE, record_id(name, number)) is not None:
        return 0
    lane = Lane(name, number - 1)
    before = await store.read(TYPE, record_id(name, number - 1)) if number > 1 else None
    if before is not None:
        lane.head = hash_of(lines_of(before.body or b"")[-1])
    try:
        await store.commit([make_record(lane, entries, {}, entries[-1].at).write])
    except VersionConflict:
        return 0
    return len(entries)


def _entry(line: str) -> Entry | None:
    """The entry in a line; None for one that was not whole yet, which nobody has been answered for."""
    try:
        told: Json = json.loads(f"{{{line}}}")
    except ValueError:
        return None
    at = find_instant(told.get("at"))
    if at is None:
        return None
    return Entry(at, line, tuple(told["of"]), agents_of(told))
