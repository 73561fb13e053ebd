"""Writes → rows of the SQLite file, inside a transaction that the caller opens and ends.

Not here: when and with whom a commit shares its transaction (`sqlite.py`).
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from careplan.fhir.index import CompositeValue, SearchValues, folded
from careplan.store.condition import COMPOSITES, identifier_parameter, none_of
from careplan.store.order import guarding
from careplan.store.pair import kept_pairs, paired_from_value
from careplan.store.protocol import Guard, GuardFailed, Version, VersionConflict, Write
from careplan.store.sortable import (
    at_from_milliseconds,
    milliseconds_from_at,
    span_from_range,
    text_from_decimal,
)
from careplan.store.sqlite_search import find
from careplan.store.sqlite_statement import Names

_TABLES = ("token", "date", "number", "string", "reference", "uri", "composite")
_CURRENT = "SELECT number FROM version WHERE type = ? AND id = ? ORDER BY number DESC LIMIT 1"
_DELETIONS = tuple(f"DELETE FROM {table} WHERE key = ?" for table in (*_TABLES, "resource"))
_INSERTIONS = {
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
    return {(write.type, name) for write in writes for name in _names_in(write)}


def add_parameters(connection: sqlite3.Connection, names: Names, pairs: Iterable[tuple[str, str]]) -> None:
    """Number the pairs that have no number yet, in a transaction of its own, so that no rollback takes them back."""
    fresh = sorted(pair for pair in pairs if names.find(connection, *pair) is None)
    if fresh:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT OR IGNORE INTO parameter (type, name) VALUES (?, ?)", fresh)
        connection.execute("COMMIT")


def apply(
    connection: sqlite3.Connection, names: Names, writes: Sequence[Write], guards: Sequence[Guard], seconds: float
) -> tuple[Version, ...]:
    """Put the writes into the tables; raises VersionConflict, GuardFailed or QueryTooLong, half done."""
    for guard in guards:
        _check(connection, names, guard, seconds)
    return tuple(_written(connection, names, write) for write in writes)


def _check(connection: sqlite3.Connection, names: Names, guard: Guard, seconds: float) -> None:
    page = find(connection, names, guarding(guard), seconds)
    if any(f"{match.id}@{match.number}" not in guard.allowed for match in page.matches):
        raise GuardFailed(guard.key)


def _written(connection: sqlite3.Connection, names: Names, write: Write) -> Version:
    found = connection.execute(_CURRENT, (write.type, write.id)).fetchone()
    current = found[0] if found else 0
    if current != write.expects:
        raise VersionConflict(f"{write.type}/{write.id}")
    number, at = current + 1, milliseconds_from_at(write.at)
    position = connection.execute(
        "INSERT INTO version (type, id, number, at, patient, body, method) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (write.type, write.id, number, at, write.patient, write.body, write.made_by),
    ).lastrowid
    assert position is not None
    key = _find_key(connection, write) if current else None
    if key is not None:
        for deletion in _DELETIONS:
            connection.execute(deletion, (key,))
    if write.body is not None:
        key = connection.execute(
            "INSERT INTO resource VALUES (?, ?, ?, ?, ?, ?)",
            (key, write.type, write.id, write.patient, at, position),
        ).lastrowid
        assert key is not None
        _insert_values(connection, key, write, lambda name: names.read(connection, write.type, name))
    return Version(
        write.type, write.id, number, at_from_milliseconds(at), write.patient, write.body, position, write.made_by
    )


def _find_key(connection: sqlite3.Connection, write: Write) -> int | None:
    found = connection.execute("SELECT key FROM resource WHERE type = ? AND id = ?", (write.type, write.id)).fetchone()
    return None if found is None else int(found[0])


def _names_in(write: Write) -> Iterable[str]:
    values = write.values
    for pairs in (values.tokens, values.dates, values.numbers, values.strings, values.references, values.uris):
        for name, _ in pairs:
            yield name
    for name in (*COMPOSITES.get(write.type, ()), *(name for name, _ in values.composites)):
        yield name
        yield none_of(name)
    for name, reference in values.references:
        if reference.identifier is not None:
            yield identifier_parameter(name)


def _insert_values(connection: sqlite3.Connection, key: int, write: Write, number: Callable[[str], int]) -> None:
    values = write.values
    tokens = [(key, number(n), v.code, v.system, write.patient) for n, v in values.tokens] + [
        (key, number(identifier_parameter(n)), v.identifier.code, v.identifier.system, write.patient)
        for n, v in values.references
        if v.identifier is not None
    ]
    numbers = [
        (key, number(n), text_from_decimal(v.low), text_from_decimal(v.high), v.system, v.code, v.unit)
        for n, v in values.numbers
    ]
    rows: tuple[tuple[str, list[tuple[str | int | None, ...]]], ...] = (
        ("token", [*tokens]),
        ("date", _date_rows(key, values, number)),
        ("number", [*numbers]),
        ("string", _string_rows(key, values, number)),
        ("reference", [(key, number(n), v.id, v.type) for n, v in values.references]),
        ("uri", [(key, number(n), v.uri) for n, v in values.uris]),
        ("composite", [(key, number(n), *_pair(v)) for n, v in kept_pairs(write.type, values)]),
    )
    for table, some in rows:
        if some:
            connection.executemany(_INSERTIONS[table], some)


def _pair(pair: CompositeValue) -> tuple[str | int, ...]:
    """The columns of a pair, but for key and parameter."""
    stands = paired_from_value(pair.value)
    units = (stands.get(column, "") for column in ("unit_system", "unit_code", "unit"))
    return (pair.token.code, stands["low"], stands["high"], pair.token.system, *units)


def _date_rows(key: int, values: SearchValues, number: Callable[[str], int]) -> list[tuple[str | int | None, ...]]:
    ranges: dict[str, set[tuple[int, int]]] = {}
    for name, value in values.dates:
        ranges.setdefault(name, set()).add(span_from_range(value.low, value.high))
    rows: list[tuple[str | int | None, ...]] = []
    for name, some in ranges.items():
        first, last = min(some), max(some, key=lambda r: (r[1], r[0]))
        rows += [(key, number(name), *r, int(r == first), int(r == last)) for r in some]
    return rows


def _string_rows(key: int, values: SearchValues, number: Callable[[str], int]) -> list[tuple[str | int | None, ...]]:
    """Whole texts; and later words, which stand for themselves in no way but by how they start."""
    texts: dict[str, set[tuple[str, str]]] = {}
    rows: list[tuple[str | int | None, ...]] = []
    for name, value in values.strings:
        if value.word:
            rows.append((key, number(name), folded(value.text), "", 0, 0))
        else:
            texts.setdefault(name, set()).add((folded(value.text), value.text))
    for name, some in texts.items():
        first, last = min(some), max(some)
        rows += [(key, number(name), *t, int(t == first), int(t == last)) for t in some]
    return rows
