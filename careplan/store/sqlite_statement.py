"""Pieces of SQL with what they bind, and the numbers that parameters have in the SQLite file.

Every name in the text is from the store's own modules; whatever a caller sent is bound. Not here: what is asked
(`sqlite_filter.py`, `sqlite_query.py`). https://sqlite.org/limits.html
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from json import dumps
from typing import TypeAlias

Bound: TypeAlias = str | int | None

_TOGETHER = 100
"""More terms than this are nested: SQLite bears 500 in a compound SELECT, and expressions 1000 deep."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with the values it binds."""

    text: str
    values: tuple[Bound, ...] = ()


class Names:
    """The numbers of (type, parameter) pairs, remembered once they are known."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], int] = {}

    def find(self, connection: sqlite3.Connection, type: str, name: str) -> int | None:
        """The number, or None when no value was ever stored under that name."""
        known = self._known.get((type, name))
        if known is None:
            row = connection.execute("SELECT key FROM parameter WHERE type = ? AND name = ?", (type, name)).fetchone()
            if row is not None:
                known = self._known[type, name] = int(row[0])
        return known

    def read(self, connection: sqlite3.Connection, type: str, name: str) -> int:
        """The number; -1, under which nothing stands, when there is none."""
        known = self.find(connection, type, name)
        return -1 if known is None else known


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of parameters, as one connection sees them."""

    connection: sqlite3.Connection
    names: Names

    def of(self, type: str, parameter: str) -> int:
        return self.names.read(self.connection, type, parameter)


def all_of(parts: Sequence[Sql]) -> Sql:
    return joined(" AND ", parts, around=True) if parts else Sql("(1)")


def any_of(parts: Sequence[Sql]) -> Sql:
    if len(parts) > _TOGETHER:
        return any_of([any_of(some) for some in _grouped(parts)])
    return joined(" OR ", parts, around=True) if parts else Sql("(0)")


def united(selects: Sequence[Sql]) -> Sql:
    """The keys of all these SELECTs."""
    if len(selects) > _TOGETHER:
        groups = [united(some) for some in _grouped(selects)]
        return united([Sql(f"SELECT key FROM ({group.text})", group.values) for group in groups])
    return joined(" UNION ALL ", selects)


def joined(by: str, parts: Sequence[Sql], *, around: bool = False) -> Sql:
    text = by.join(part.text for part in parts)
    return Sql(f"({text})" if around else text, tuple(value for part in parts for value in part.values))


def list_of(texts: Iterable[str]) -> str:
    """Texts as one bound value, which `json_each` opens again."""
    return dumps(sorted(texts))


def _grouped(parts: Sequence[Sql]) -> list[Sequence[Sql]]:
    return [parts[start : start + _TOGETHER] for start in range(0, len(parts), _TOGETHER)]
