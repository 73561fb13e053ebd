"""The edition of the search values in the SQLite file, and the place and lease of the walk towards another.

One row of table `edition`: `noted` is the edition that commits are of, `towards` the one of the last walk, `position`
how far that came, `complete` whether it came to the end, `holder` and `until` (milliseconds since 1970) its lease.
What is extracted is worked out between two transactions, so that others who write to the file wait for no more than
the exchange of rows.
Not here: when to walk (`edition.py`). https://sqlite.org/lang_transaction.html
"""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from careplan.store.edition import LEASE_SECONDS, PORTION, PORTION_BYTES, Place, Portion, outdated
from careplan.store.protocol import Version, Write
from careplan.store.sqlite_history import COLUMNS, version_from_row
from careplan.store.sqlite_statement import Names
from careplan.store.sqlite_write import add_parameters, exchange_values, parameters_of

_CURRENT = (
    f"SELECT {COLUMNS} FROM version v WHERE position > ? AND position <= ? AND EXISTS ("
    "SELECT 1 FROM resource r WHERE r.type = v.type AND r.id = v.id AND r.position = v.position) ORDER BY position"
)
_FREE = "(holder IN ('', :holder) OR until < :now)"
_LOOK = f"SELECT position, holder = :holder, noted = :edition AND complete, {_FREE} FROM edition"
_CLAIM = f"""UPDATE edition SET position = CASE WHEN towards = :edition THEN position ELSE 0 END,
    complete = complete AND towards = :edition, towards = :edition, holder = :holder, until = :until WHERE {_FREE}"""
_PLACED = "UPDATE edition SET position = :position, until = :until WHERE holder = :holder"
_FINISH = """UPDATE edition SET noted = towards, complete = 1
    WHERE towards = ? AND ? = (SELECT ifnull(max(position), 0) FROM version)"""


def check_edition(connection: sqlite3.Connection, edition: str | None) -> None:
    """Raises StoreUnavailable where the file has gone over to another edition than the one that a process writes."""
    if edition is not None and connection.execute("SELECT noted FROM edition").fetchone()[0] != edition:
        raise outdated()


class SQLiteShelf:
    """The walk on one file, by the connection that writes."""

    def __init__(self, connection: sqlite3.Connection, lock: threading.Lock, names: Names) -> None:
        self._connection, self._lock, self._names = connection, lock, names

    async def claim(self, edition: str, holder: str) -> Place:
        return await asyncio.to_thread(self._claim, edition, holder)

    async def read(self, after: int) -> Portion:
        return await asyncio.to_thread(self._read, after)

    async def put(self, holder: str, portion: Portion, writes: Iterable[Write]) -> bool:
        return await asyncio.to_thread(self._put, holder, portion, tuple(writes))

    async def finish(self, edition: str, last: int) -> None:
        await asyncio.to_thread(self._change, _FINISH, (edition, last))

    async def release(self, holder: str) -> None:
        await asyncio.to_thread(self._change, "UPDATE edition SET holder = '' WHERE holder = ?", (holder,))

    def _claim(self, edition: str, holder: str) -> Place:
        """Looks first and without a transaction, so that those who wait disturb nobody."""
        lease = {"edition": edition, "holder": holder, **_span()}
        with self._lock:
            place, free = self._look(lease)
        if place.done or not free:
            return place
        with self._writing() as connection:
            connection.execute(_CLAIM, lease)
            return self._look(lease)[0]

    def _look(self, lease: Mapping[str, str | int]) -> tuple[Place, bool]:
        """Where the walk is, and whether its lease may be taken."""
        position, held, done, free = self._connection.execute(_LOOK, lease).fetchone()
        return Place(position, bool(held), bool(done)), bool(free)

    def _read(self, after: int) -> Portion:
        with self._lock:
            (last,) = self._connection.execute("SELECT ifnull(max(position), 0) FROM version").fetchone()
            rows = self._connection.execute(_CURRENT, (after, last))
            versions, full = _first_of(map(version_from_row, rows))
            rows.close()
        return Portion(versions, versions[-1].position if full else last, last)

    def _put(self, holder: str, portion: Portion, writes: Sequence[Write]) -> bool:
        positions = {f"{version.type}/{version.id}": version.position for version in portion.versions}
        with self._lock:
            add_parameters(self._connection, self._names, parameters_of(writes))
        with self._writing() as connection:
            place = {"position": portion.upto, "holder": holder, **_span()}
            if connection.execute(_PLACED, place).rowcount == 0:
                return False
            for write in writes:
                exchange_values(connection, self._names, write, positions[f"{write.type}/{write.id}"])
        return True

    def _change(self, statement: str, values: tuple[str | int, ...]) -> None:
        with self._writing() as connection:
            connection.execute(statement, values)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when it is left."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")


def _first_of(versions: Iterable[Version]) -> tuple[tuple[Version, ...], bool]:
    """As many as make a portion, and whether they do."""
    taken: list[Version] = []
    size = 0
    for version in versions:
        taken.append(version)
        size += len(version.body or b"")
        if len(taken) == PORTION or size >= PORTION_BYTES:
            return tuple(taken), True
    return tuple(taken), False


def _span() -> dict[str, str | int]:
    """From when and until when a lease is that is taken now."""
    now = int(time.time() * 1000)
    return {"now": now, "until": now + LEASE_SECONDS * 1000}
