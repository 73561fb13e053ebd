"""Writes → the tables of the SQLite file, inside a transaction that the caller opens and ends.

What stands is read once for all commits of a transaction, each is then taken or refused as a whole, and the rows of
all that were taken go into the tables together. So the writer's thread asks SQLite for little more for many commits
than for one, and a refused commit has left nothing behind.
Not here: when and with whom a commit shares its transaction (`sqlite.py`), what the rows are (`sqlite_rows.py`).
"""

import sqlite3
from collections.abc import Iterable, Sequence
from json import dumps

from careplan.store.feed import rising
from careplan.store.order import guarding
from careplan.store.protocol import Guard, GuardFailed, Version, VersionConflict, Write
from careplan.store.sortable import at_from_milliseconds, milliseconds_from_at
from careplan.store.sqlite_rows import TABLES, Row, parameters_in, rows_of
from careplan.store.sqlite_search import find
from careplan.store.sqlite_statement import Names

_STANDING = """SELECT o.value, ifnull((SELECT max(number) FROM version v WHERE v.type = o.type AND v.id = o.id), 0),
    (SELECT key FROM resource r WHERE r.type = o.type AND r.id = o.id) FROM (
        SELECT value, substr(value, 1, instr(value, '/') - 1) AS type, substr(value, instr(value, '/') + 1) AS id
        FROM json_each(?)) o"""
_LAST = """SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'version'), 0),
    ifnull((SELECT max(key) FROM resource), 0), (SELECT max(at) FROM version)"""
_AT_POSITION = "SELECT key FROM resource WHERE type = ? AND id = ? AND position = ?"
_DELETIONS = tuple(f"DELETE FROM {table} WHERE key = ?" for table in TABLES)
_REMOVALS = (*_DELETIONS, "DELETE FROM resource WHERE key = ?")
_INSERTIONS = {
    "version": "INSERT INTO version (position, type, id, number, at, patient, body, method) VALUES (?,?,?,?,?,?,?,?)",
    "resource": "INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?)",
    "token": "INSERT OR IGNORE INTO token VALUES (?, ?, ?, ?, ?)",
    "date": "INSERT OR IGNORE INTO date VALUES (?, ?, ?, ?, ?, ?)",
    "number": "INSERT OR IGNORE INTO number VALUES (?, ?, ?, ?, ?, ?, ?)",
    "string": "INSERT OR IGNORE INTO string VALUES (?, ?, ?, ?, ?, ?)",
    "reference": "INSERT OR IGNORE INTO reference VALUES (?, ?, ?, ?)",
    "uri": "INSERT OR IGNORE INTO uri VALUES (?, ?, ?)",
    "composite": "INSERT OR IGNORE INTO composite VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
}


def parameters_of(writes: Iterable[Write]) -> set[tuple[str, str]]:
    """The (type, parameter) pairs that the values of these writes stand under."""
    return {(write.type, name) for write in writes for name in parameters_in(write)}


def add_parameters(connection: sqlite3.Connection, names: Names, pairs: Iterable[tuple[str, str]]) -> None:
    """Number the pairs that have no number yet, in a transaction of its own, so that no rollback takes them back."""
    fresh = sorted(pair for pair in pairs if names.find(connection, *pair) is None)
    if fresh:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT OR IGNORE INTO parameter (type, name) VALUES (?, ?)", fresh)
        connection.execute("COMMIT")


def exchange_values(connection: sqlite3.Connection, names: Names, write: Write, position: int) -> None:
    """Give a resource the values of the write that made it, if that is still its current version, at this position."""
    found = connection.execute(_AT_POSITION, (write.type, write.id, position)).fetchone()
    if found is not None:
        for deletion in _DELETIONS:
            connection.execute(deletion, found)
        for table, rows in rows_of(found[0], write, _Parameters(connection, names, write.type)):
            connection.executemany(_INSERTIONS[table], rows)


class Sheaf:
    """The commits of one transaction: taken one after the other, put into the tables together.

    writes   all that may be taken
    seconds  how long the search of a guard may take
    """

    def __init__(self, connection: sqlite3.Connection, names: Names, seconds: float, writes: Iterable[Write]) -> None:
        self._connection, self._names, self._seconds = connection, names, seconds
        asked = dumps(list({f"{write.type}/{write.id}" for write in writes}))
        standing = connection.execute(_STANDING, (asked,)).fetchall()
        self._numbers: dict[str, int] = {what: number for what, number, _ in standing}
        self._keys: dict[str, int | None] = {what: key for what, _, key in standing}
        last: tuple[int, int, int | None] = connection.execute(_LAST).fetchone()
        self._position, self._key, self._instant = last
        self._parameters: dict[str, _Parameters] = {}
        self._versions: list[Version] = []
        self._current: dict[str, tuple[Write, Version]] = {}

    def take(self, writes: Sequence[Write], guards: Sequence[Guard]) -> tuple[Version, ...]:
        """Take all of a commit, or nothing: raises VersionConflict, GuardFailed or QueryTooLong."""
        if guards:
            self.put()
        for guard in guards:
            self._check(guard)
        writes, instant = rising(writes, self._instant)
        numbers: dict[str, int] = {}
        versions: list[Version] = []
        for position, write in enumerate(writes, self._position + 1):
            what = f"{write.type}/{write.id}"
            number = numbers.get(what, self._numbers[what])
            if number != write.expects:
                raise VersionConflict(what)
            numbers[what] = number + 1
            versions.append(_version(write, position))
        self._numbers |= numbers
        self._position += len(versions)
        self._instant = instant
        self._versions += versions
        self._current |= {pair[1].reference: pair for pair in zip(writes, versions, strict=True)}
        return tuple(versions)

    def put(self) -> None:
        """Put what was taken since the last time into the tables."""
        rows: dict[str, list[Row]] = {table: [] for table in _INSERTIONS}
        rows["version"] = [_version_row(version) for version in self._versions]
        gone = [(key,) for what in self._current if (key := self._keys[what]) is not None]
        for what, (write, version) in self._current.items():
            self._keys[what] = key = self._key_of(what, write)
            if key is not None:
                at = milliseconds_from_at(version.at)
                rows["resource"].append((key, write.type, write.id, write.patient, at, version.position))
                for table, some in rows_of(key, write, self._parameters_of(write.type)):
                    rows[table] += some
        for deletion in _REMOVALS if gone else ():
            self._connection.executemany(deletion, gone)
        for table, some in rows.items():
            if some:
                self._connection.executemany(_INSERTIONS[table], some)
        self._versions, self._current = [], {}

    def _key_of(self, what: str, write: Write) -> int | None:
        """Under which key the resource is to stand: the one it has, or a fresh one; None where it is deleted."""
        if write.body is None:
            return None
        if (key := self._keys[what]) is None:
            self._key += 1
            return self._key
        return key

    def _parameters_of(self, type: str) -> "_Parameters":
        found = self._parameters.get(type)
        if found is None:
            found = self._parameters[type] = _Parameters(self._connection, self._names, type)
        return found

    def _check(self, guard: Guard) -> None:
        page = find(self._connection, self._names, guarding(guard), self._seconds)
        if any(match.mark not in guard.allowed for match in page.matches):
            raise GuardFailed(guard.key)


class _Parameters(dict[str, int]):
    """The numbers of a type's parameters, each looked up once."""

    def __init__(self, connection: sqlite3.Connection, names: Names, type: str) -> None:
        self._connection, self._names, self._type = connection, names, type

    def __missing__(self, name: str) -> int:
        number = self[name] = self._names.read(self._connection, self._type, name)
        return number


def _version(write: Write, position: int) -> Version:
    at = at_from_milliseconds(milliseconds_from_at(write.at))
    number = write.expects + 1
    return Version(write.type, write.id, number, at, write.patient, write.body, position, write.made_by)


def _version_row(version: Version) -> Row:
    at = milliseconds_from_at(version.at)
    known = version.type, version.id, version.number, at, version.patient
    return (version.position, *known, version.body, version.method)
