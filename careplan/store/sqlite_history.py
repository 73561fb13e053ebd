"""Histories on the SQLite file: of one resource by number, of a type or of everything by feed position.

Whose versions are shown is found by indexes that hold all it takes; bodies are read for the page alone.
Not here: what a caller may see (interactions). https://hl7.org/fhir/R4/http.html#history · checklist G
"""

import sqlite3

from careplan.store.cursor import number_from_text, text_from_number
from careplan.store.protocol import Hidden, HistoryPage, Past, Version, method_of_old
from careplan.store.sortable import at_from_milliseconds, milliseconds_from_at
from careplan.store.sqlite_clock import clocked
from careplan.store.sqlite_filter import among
from careplan.store.sqlite_query import Row, listing
from careplan.store.sqlite_statement import Names, Numbers, Sql, joined, list_of

COLUMNS = "type, id, number, at, patient, body, position, method"
"""Of table version, as `version_from_row` takes them."""

_NEWEST = 2**62
_AMONG = "IN (SELECT value FROM json_each(?))"


def recall(connection: sqlite3.Connection, names: Names, past: Past, seconds: float) -> HistoryPage:
    """One page. Raises CursorInvalid, QueryTooLong."""
    below = _NEWEST if past.after is None else number_from_text(past.after)
    place = "position" if past.id is None else "number"
    count = max(past.count, 0)
    with clocked(connection, seconds):
        shown = _shown(Numbers(connection, names), past)
        total = connection.execute(f"SELECT count(*) FROM ({shown.text})", shown.values).fetchone()[0]
        rows = connection.execute(
            f"SELECT {COLUMNS} FROM version WHERE position IN (SELECT position FROM ({shown.text})"
            f" WHERE {place} < ? ORDER BY {place} DESC LIMIT ?) ORDER BY {place} DESC",
            (*shown.values, below, count + 1),
        ).fetchall()
    versions = tuple(map(version_from_row, rows[:count]))
    more = len(rows) > len(versions) > 0
    return HistoryPage(versions, total, text_from_number(_place(versions[-1], past)) if more else None)


def version_from_row(row: Row) -> Version:
    """The Version in a row of `COLUMNS`."""
    type, id, number, at, patient, body, position, method = row
    made_by = method or method_of_old(number, body is None)
    return Version(type, id, number, at_from_milliseconds(at), patient, body, position, made_by)


def _place(version: Version, past: Past) -> int:
    return version.position if past.id is None else version.number


# ── what is shown ────────────────────────────────────────────────────────────────────────────────


def _shown(numbers: Numbers, past: Past) -> Sql:
    """A SELECT of the versions that are shown, at least their position."""
    if past.id is not None:
        of = Sql("SELECT position, number FROM version WHERE type = ? AND id = ?", (past.type, past.id))
        return joined(" AND ", [of, *_since(past), *_typed(past), *_of_patients(numbers, past)])
    since = _since(past)
    if past.restricted:
        return _of_some(numbers, past, since)
    if past.type is not None:
        of = Sql("SELECT position FROM version INDEXED BY version_type WHERE type = ?", (past.type,))
    else:
        of = Sql("SELECT position FROM version WHERE true")
    return joined(" AND ", [of, *since, *_typed(past), *_of_patients(numbers, past)])


def _of_some(numbers: Numbers, past: Past, since: list[Sql]) -> Sql:
    """The versions in the compartments of some patients, and those of open types."""
    inside = Sql("SELECT position FROM version INDEXED BY version_patient WHERE patient IS NOT NULL")
    type = [] if past.type is None else [Sql("type = ?", (past.type,))]
    closed = Sql(f"NOT type {_AMONG}", (list_of(past.open),))
    theirs = joined(" AND ", [inside, *_of_patients(numbers, past), *type, closed, *since, *_typed(past)])
    if past.type is not None:
        return theirs
    of = Sql(f"SELECT position FROM version INDEXED BY version_type WHERE type {_AMONG}", (list_of(past.open),))
    return joined(" UNION ALL ", [theirs, joined(" AND ", [of, *since, *_typed(past)])])


def _of_patients(numbers: Numbers, past: Past) -> list[Sql]:
    found = []
    if past.patients is not None and past.restricted:
        found.append(Sql(f"patient {_AMONG}", (list_of(past.patients),)))
    if past.listed_with is not None and past.restricted:
        who = listing(numbers, past.listed_with, past.besides)
        found.append(Sql(f"patient IN ({who.text})", who.values))
    return found + [_without(one) for one in past.without]


def _without(hidden: Hidden) -> Sql:
    theirs = among("patient", hidden.patients)
    if hidden.types is None:
        return Sql(f"NOT {theirs.text}", theirs.values)
    return Sql(f"NOT ({theirs.text} AND type {_AMONG})", (*theirs.values, list_of(hidden.types)))


def _typed(past: Past) -> list[Sql]:
    return [] if past.types is None else [Sql(f"type {_AMONG}", (list_of(past.types),))]


def _since(past: Past) -> list[Sql]:
    """At or after the instant; so not before the first position that is, which spares looking at all that is older."""
    if past.since is None:
        return []
    at = milliseconds_from_at(past.since)
    first = "SELECT min(position) FROM version INDEXED BY version_at WHERE at >= ?"
    return [Sql(f"at >= ? AND position >= ({first})", (at, at))]
