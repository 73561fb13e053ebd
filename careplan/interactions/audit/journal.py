"""Writes the audit log of one process: entries of reads by way of its spool, those of a write in its own commit.

A read waits until its entry is with the operating system (`spool`); a moment later all that has gathered is stored as
one record of the first lane. A commit that changes something takes another lane for itself and brings its record along:
both are stored, or neither. A lane whose record may or may not have been stored is left, and a new one begun.
Not here: what an entry says (`entry`), and the form of a record (`record`).
"""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from careplan.domain.errors import CareplanError
from careplan.fhir.query import Order, Query
from careplan.interactions.audit.record import TYPE, Entry, Lane, Made, hash_of, lines_of, make_record
from careplan.interactions.audit.spool import Segment, Spool
from careplan.store.protocol import Guard, Store, StoreUnavailable, Version, VersionConflict, Write

TOGETHER = 1000
"""Most entries of one record, as long as the store keeps up."""

SECONDS = 0.25
"""How long entries gather before they are stored."""

PAUSE = 1.0
"""Seconds until a record that the store did not take is offered again."""

CLOSING = 0.75
"""Seconds that a process that stops waits for the store: what is not stored by then lies on disk for the next start."""

LOOK_AROUND = timedelta(minutes=5)
"""How often the heads of other processes' lanes are taken in; `NEWEST`: from how many records."""

NEWEST = 200

_LETTERS = "bcdfghjklmnpqrstvwxz"
"""Of the names of lanes: no word, and nothing that looks like a number."""


class Journal:
    """The audit log as one process writes it, on the store that it is about.

    folder   where entries lie until they are stored
    scratch  opens an empty store in memory, in which the log is searched
    """

    def __init__(self, store: Store, folder: Path, scratch: Callable[[], Store]) -> None:
        self._store, self.folder, self.scratch = store, folder, scratch
        self._name = "".join(secrets.choice(_LETTERS) for _ in range(14))
        self._main = Lane(f"{self._name}-0")
        self._spool: Spool | None = None
        self._begun = 0
        self._free: list[Lane] = []
        self._fresh: dict[str, tuple[int, str]] = {}
        self._looked: datetime | None = None
        self._last: datetime | None = None
        self._storing: asyncio.Task[None] | None = None
        self._now: asyncio.Event = asyncio.Event()
        self._cut: list[Segment] = []
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    def keep(self, entries: Sequence[Entry]) -> None:
        """From here on they will be stored whatever happens. Raises StoreUnavailable: then nothing may be answered."""
        try:
            if self._spool is None:
                self._spool = Spool(self.folder, self._main.name)
            self._spool.add(entries)
        except OSError as error:
            raise StoreUnavailable(f"the access could not be logged: {error.strerror}") from error
        if self._storing is None or self._storing.done():
            self._now = asyncio.Event()
            self._storing = asyncio.create_task(self._store_on(self._spool), name="careplan-journal")
        elif self._spool.count >= TOGETHER:
            self._now.set()

    async def commit(
        self, store: Store, writes: Sequence[Write], guards: Sequence[Guard], entries: Sequence[Entry]
    ) -> tuple[Version, ...]:
        """Store writes and the entries about them in one commit, where the writes go. Raises what that raises."""
        await self._look_around(entries[-1].at)
        lane = self._free.pop() if self._free else self._new_lane()
        try:
            versions = await self._put(store, lane, writes, guards, entries)
        except BaseException as error:
            if isinstance(error, CareplanError) and not isinstance(error, StoreUnavailable):
                self._free.append(lane)
            raise
        self._free.append(lane)
        return versions[: len(writes)]

    async def flush(self) -> None:
        """Returns once all that was kept is in the store, where others find it."""
        if self._spool is None or self._storing is None or self._storing.done():
            return
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._spool.number, stored))
        self._now.set()
        await asyncio.wait([self._storing, stored], return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        """Store what waits, and end the lanes in good order. What the store does not take stays in the spool."""
        with contextlib.suppress(TimeoutError, CareplanError):
            async with asyncio.timeout(CLOSING):
                await self._end()
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    async def _end(self) -> None:
        if self._storing is not None and not self._storing.done():
            self._now.set()
            await asyncio.gather(self._storing)
        if self._last is not None and not self._cut:
            for lane in (self._main, *self._free):
                if lane.number:
                    made = make_record(lane, (), self._take_seen(lane), self._last, ends=True)
                    await self._store.commit([made.write])

    # ── one record ───────────────────────────────────────────────────────────────────────────────

    async def _put(
        self, store: Store, lane: Lane, writes: Sequence[Write], guards: Sequence[Guard], entries: Sequence[Entry]
    ) -> tuple[Version, ...]:
        """Writes and a record in one commit; a lane that may have been added to without our knowing is left."""
        seen, at = self._take_seen(lane), entries[-1].at
        made = make_record(lane, entries, seen, at)
        try:
            versions = await store.commit([*writes, made.write], guards)
        except BaseException:
            self._fresh = seen | self._fresh
            raise
        self._advance(lane, made, at)
        return versions

    def _take_seen(self, lane: Lane) -> dict[str, tuple[int, str]]:
        """The heads that no record tells of yet."""
        seen, self._fresh = self._fresh, {}
        seen.pop(lane.name, None)
        return seen

    def _new_lane(self) -> Lane:
        self._begun += 1
        return Lane(f"{self._name}-{self._begun}")

    def _advance(self, lane: Lane, made: Made, at: datetime) -> None:
        lane.number, lane.head = made.number, made.head
        self._fresh[lane.name] = (lane.number, lane.head)
        self._last = at

    async def _look_around(self, at: datetime) -> None:
        """Take in where the lanes of other processes stand, now and then: what ours have seen cannot be cut off."""
        if self._looked is not None and at - self._looked < LOOK_AROUND:
            return
        self._looked = at
        newest = Query(TYPE, orders=(Order("_lastUpdated", "date", True), Order("_id", "id", True)), count=NEWEST)
        for version in (await self._store.search(newest)).matches:
            lane, _, number = version.id.rpartition(".")
            if not lane.startswith(self._name) and int(number) > self._fresh.get(lane, (0, ""))[0]:
                self._fresh[lane] = (int(number), hash_of(lines_of(version.body or b"")[-1]))

    # ── from the spool into the store ────────────────────────────────────────────────────────────

    async def _store_on(self, spool: Spool) -> None:
        """Store what has gathered, segment by segment, until nothing more comes."""
        while self._cut or spool.count:
            if not self._cut:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._now.wait(), SECONDS)
                self._now.clear()
                segment = spool.cut()
                self._cut += [segment] if segment is not None else []
            await self._store_segment(self._cut[0])
            self._cut.pop(0)

    async def _store_segment(self, segment: Segment) -> None:
        """Until the store has taken it; that it had already is no harm."""
        at = segment.entries[-1].at
        assert segment.number == self._main.number + 1, "segments are stored in order, each as one record"
        made: Made | None = None
        while True:
            try:
                await self._look_around(at)
                made = made or make_record(self._main, segment.entries, self._take_seen(self._main), at)
                await self._store.commit([made.write])
            except VersionConflict:
                pass
            except CareplanError:
                await asyncio.sleep(PAUSE)
                continue
            assert made is not None
            self._advance(self._main, made, at)
            segment.path.unlink(missing_ok=True)
            return self._tell_waiting()

    def _tell_waiting(self) -> None:
        for number, stored in self._waiting:
            if number <= self._main.number and not stored.done():
                stored.set_result(None)
        self._waiting = [one for one in self._waiting if not one[1].done()]
