"""The store on one SQLite file: the embedded default.

A write is on disk before it is acknowledged (WAL, synchronous=FULL). One writer thread takes all commits that wait,
each as a whole or not at all, into one transaction, so that many share one sync to disk. Reads of one resource are
microseconds and run where they are asked; searches over many patients run in threads. Several processes may share
the file. https://sqlite.org/wal.html
"""

import asyncio
import contextlib
import itertools
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TypeVar

from careplan.domain.errors import CareplanError
from careplan.fhir.query import Query
from careplan.store.edition import reindex
from careplan.store.protocol import (
    QUERY_SECONDS,
    Extract,
    Guard,
    HistoryPage,
    Page,
    Past,
    StoreUnavailable,
    Tell,
    Version,
    Write,
)
from careplan.store.sqlite_edition import SQLiteShelf, check_edition
from careplan.store.sqlite_history import COLUMNS, recall, version_from_row
from careplan.store.sqlite_schema import open_reading, open_writing
from careplan.store.sqlite_search import find
from careplan.store.sqlite_statement import Names
from careplan.store.sqlite_write import Sheaf, add_parameters, parameters_of

_READ = f"SELECT {COLUMNS} FROM version WHERE type = ? AND id = ? ORDER BY number DESC LIMIT 1"
_VREAD = f"SELECT {COLUMNS} FROM version WHERE type = ? AND id = ? AND number = ?"
_CHANGES = f"SELECT {COLUMNS} FROM version WHERE position > ? ORDER BY position LIMIT ?"
_ANY = "SELECT 1 FROM resource INDEXED BY resource_patient WHERE type = ? AND patient = ? LIMIT 1"
_MOST = 2**62

_SEARCH_THREADS = 2
_COMMITS_TOGETHER = 256

_MANY = 4
_GATHERING = 0.002
"""Seconds that the writer waits for more to come, where there were as many as `_MANY` the last time: commits that share
a transaction share the pages it writes."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Lane:
    """A connection and the right to use it: one thread at a time."""

    connection: sqlite3.Connection
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit that waits for the writer, and where its answer goes."""

    writes: tuple[Write, ...]
    guards: tuple[Guard, ...]
    answer: "asyncio.Future[tuple[Version, ...]]"


class SQLiteStore:
    """The `Store` protocol on one file, or in memory for tests."""

    def __init__(self, writing: _Lane, reading: _Lane, searching: Sequence[_Lane], seconds: float) -> None:
        self._writing, self._reading, self._searching = writing, reading, tuple(searching)
        self._seconds = seconds
        self._names = Names()
        self._turn = itertools.cycle(self._searching)
        self._threads = ThreadPoolExecutor(max_workers=len(self._searching), thread_name_prefix="careplan-search")
        self._waiting: SimpleQueue[_Commit | None] = SimpleQueue()
        self._edition: str | None = None
        self._closed = False
        self._writer = threading.Thread(target=self._write_on, name="careplan-writer", daemon=True)
        self._writer.start()

    @classmethod
    def open(cls, path: str, seconds: float = QUERY_SECONDS) -> "SQLiteStore":
        """Open the file, or make it; `:memory:` is gone when closed. Raises StoreUnavailable.

        seconds  how long one search or history may take, those of guards too
        """
        with _available():
            writing = _Lane(open_writing(path))
            if path == ":memory:":
                return cls(writing, writing, (writing,), seconds)
            reading = [_Lane(open_reading(path)) for _ in range(_SEARCH_THREADS + 1)]
            return cls(writing, reading[0], reading[1:], seconds)

    async def read(self, type: str, id: str) -> Version | None:
        """The current version, deletions included."""
        return self._find_one(_READ, (type, id))

    async def vread(self, type: str, id: str, number: int) -> Version | None:
        """That version."""
        return self._find_one(_VREAD, (type, id, number)) if 0 < number < _MOST else None

    async def history(self, past: Past) -> HistoryPage:
        """Of one resource at once, of many in a thread."""
        if past.id is not None:
            return self._recall(self._reading, past)
        lane = next(self._turn)
        return await self._in_thread(lambda: self._recall(lane, past))

    async def search(self, query: Query) -> Page:
        """Within one patient at once, over many patients, or with what else is linked to, in a thread."""
        if query.patient is not None and not query.links:
            none = query.after is None and self._has_none(query.type, query.patient)
            return Page((), None, 0 if query.total else None) if none else self._search(self._reading, query)
        lane = next(self._turn)
        return await self._in_thread(lambda: self._search(lane, query))

    async def commit(self, writes: Sequence[Write], guards: Sequence[Guard] = ()) -> tuple[Version, ...]:
        """All writes or none, on disk before it returns."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        answer: asyncio.Future[tuple[Version, ...]] = asyncio.get_running_loop().create_future()
        self._waiting.put(_Commit(tuple(writes), tuple(guards), answer))
        return await answer

    async def changes(self, after: int, limit: int = 1000) -> tuple[Version, ...]:
        """The feed. Positions are given by the one transaction that writes at a time, so none appears later."""
        return await self._in_thread(lambda: self._changes(after, limit))

    async def reindex(self, extract: Extract, edition: str, tell: Tell) -> None:
        """Bring the search values to an edition, unless they are of it."""
        with _available():
            shelf = SQLiteShelf(self._writing.connection, self._writing.lock, self._names)
            self._edition = await reindex(shelf, extract, edition, tell)

    async def close(self) -> None:
        """Write what waits, then let go of the file."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._threads.shutdown)
        for lane in (*self._searching, self._reading, self._writing):
            lane.connection.close()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def _find_one(self, statement: str, values: tuple[str | int, ...]) -> Version | None:
        try:
            with self._reading.lock:
                row = self._reading.connection.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise _unavailable(error) from error
        return None if row is None else version_from_row(row)

    def _has_none(self, type: str, patient: str) -> bool:
        """Whether there is nothing of a type in the patient's compartment, which is all that is asked of many."""
        with _available(), self._reading.lock:
            return self._reading.connection.execute(_ANY, (type, patient)).fetchone() is None

    def _changes(self, after: int, limit: int) -> tuple[Version, ...]:
        lane = next(self._turn)
        with _available(), lane.lock:
            return tuple(map(version_from_row, lane.connection.execute(_CHANGES, (after, limit)).fetchall()))

    def _search(self, lane: _Lane, query: Query) -> Page:
        with self._transaction(lane) as connection:
            return find(connection, self._names, query, self._seconds)

    def _recall(self, lane: _Lane, past: Past) -> HistoryPage:
        with self._transaction(lane) as connection:
            return recall(connection, self._names, past, self._seconds)

    @contextlib.contextmanager
    def _transaction(self, lane: _Lane) -> Iterator[sqlite3.Connection]:
        """One state of the file for all statements inside."""
        with _available(), lane.lock:
            lane.connection.execute("BEGIN")
            try:
                yield lane.connection
            finally:
                lane.connection.execute("ROLLBACK")

    async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    # ── the writer thread ────────────────────────────────────────────────────────────────────────

    def _write_on(self) -> None:
        """Take what waits, commit it together, answer; until the store is closed."""
        going, many = True, False
        while going:
            batch = [self._waiting.get()]
            if many:
                time.sleep(_GATHERING)
            with contextlib.suppress(Empty):
                while len(batch) < _COMMITS_TOGETHER:
                    batch.append(self._waiting.get_nowait())
            going = None not in batch
            commits = [commit for commit in batch if commit is not None]
            many = len(commits) >= _MANY
            if commits:
                _give(commits, self._committed(commits))

    def _committed(self, commits: Sequence[_Commit]) -> list[tuple[Version, ...] | Exception]:
        """What each commit comes to; nothing is answered before it is on disk.

        What SQLite will not take of one commit undoes them all; then each is written by itself, to undo it alone.
        """
        try:
            with self._writing.lock:
                return self._written(commits)
        except (sqlite3.OperationalError, sqlite3.InternalError) as error:
            return [_unavailable(error) for _ in commits]
        except Exception as error:
            if len(commits) == 1 or isinstance(error, CareplanError):
                return [_unavailable(error) for _ in commits]
        return [self._committed([commit])[0] for commit in commits]

    def _written(self, commits: Sequence[_Commit]) -> list[tuple[Version, ...] | Exception]:
        """All that can be taken of these commits in one transaction, and why the others are refused."""
        connection = self._writing.connection
        writes = [write for commit in commits for write in commit.writes]
        try:
            add_parameters(connection, self._names, parameters_of(writes))
            connection.execute("BEGIN IMMEDIATE")
            check_edition(connection, self._edition)
            sheaf = Sheaf(connection, self._names, self._seconds, writes)
            outcomes = [_taken(sheaf, commit) for commit in commits]
            sheaf.put()
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes


def _taken(sheaf: Sheaf, commit: _Commit) -> tuple[Version, ...] | Exception:
    """The versions of one commit, or why it is refused."""
    try:
        return sheaf.take(commit.writes, commit.guards)
    except CareplanError as error:
        return error


def _give(commits: Sequence[_Commit], outcomes: Sequence[tuple[Version, ...] | Exception]) -> None:
    """Answer in the loop that asked; a loop that is gone wants no answer."""
    for loop, pairs in itertools.groupby(
        zip(commits, outcomes, strict=True), key=lambda pair: pair[0].answer.get_loop()
    ):
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, list(pairs))


def _settle(pairs: Sequence[tuple[_Commit, tuple[Version, ...] | Exception]]) -> None:
    for commit, outcome in pairs:
        if commit.answer.done():
            continue
        if isinstance(outcome, Exception):
            commit.answer.set_exception(outcome)
        else:
            commit.answer.set_result(outcome)


@contextlib.contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> Exception:
    """What a fault of the file or the disk is to a caller. The text of SQLite's errors holds no values."""
    if isinstance(error, sqlite3.Error):
        return StoreUnavailable(f"the store did not answer: {error}")
    return error if isinstance(error, CareplanError) else StoreUnavailable("the store did not answer")
