"""The SQLite file: its tables, made step by step, and how a connection to it is opened.

Each step has a name, runs once in a transaction of its own and is never changed afterwards; new needs are new steps.
https://sqlite.org/wal.html · https://sqlite.org/withoutrowid.html

version    every version ever stored; `position` is its place in the change feed. Without `method`: from before methods
           were stored
resource   one row for each resource that is not deleted
token …    what it can be found by, a table a kind: clustered by resource, with indexes that lead back to it.
           `parameter` is a number for a (type, parameter) pair, given in table `parameter`. `first` and `last` mark
           the one value of a resource and parameter that an ascending or descending sort goes by.
           The columns of the indexes stand in the order that puts what one resource adds on few pages, since
           each page touched is written at commit: by patient, by the other resource, or at the end
composite  pairs that are kept (`pair.py`): a token, and a value of whatever kind in the columns of `condition.PAIRED`
edition    one row: which edition of extraction the values are of (`sqlite_edition.py`)
Instants are milliseconds since 1970, decimals the sortable text of `sortable.py`.
"""

import re
import sqlite3
from pathlib import Path

from careplan.store.protocol import StoreUnavailable

STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "0001-versions",
        (
            """CREATE TABLE version (
                position INTEGER PRIMARY KEY AUTOINCREMENT,
                type TEXT NOT NULL, id TEXT NOT NULL, number INTEGER NOT NULL,
                at INTEGER NOT NULL, patient TEXT, body BLOB) STRICT""",
            "CREATE UNIQUE INDEX version_number ON version (type, id, number)",
            """CREATE TABLE resource (
                key INTEGER PRIMARY KEY,
                type TEXT NOT NULL, id TEXT NOT NULL, patient TEXT,
                at INTEGER NOT NULL, position INTEGER NOT NULL) STRICT""",
            "CREATE UNIQUE INDEX resource_id ON resource (type, id)",
            "CREATE INDEX resource_at ON resource (type, at, id)",
            "CREATE INDEX resource_patient ON resource (type, patient)",
        ),
    ),
    (
        "0002-search-values",
        (
            "CREATE TABLE parameter (key INTEGER PRIMARY KEY, type TEXT NOT NULL, name TEXT NOT NULL) STRICT",
            "CREATE UNIQUE INDEX parameter_name ON parameter (type, name)",
            """CREATE TABLE token (
                key INTEGER NOT NULL, parameter INTEGER NOT NULL, code TEXT NOT NULL, system TEXT NOT NULL,
                patient TEXT, PRIMARY KEY (key, parameter, code, system)) STRICT, WITHOUT ROWID""",
            "CREATE INDEX token_code ON token (parameter, code, system, key)",
            "CREATE INDEX token_patient ON token (patient, parameter, code, system, key) WHERE patient IS NOT NULL",
            """CREATE TABLE date (
                key INTEGER NOT NULL, parameter INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
                first INTEGER NOT NULL, last INTEGER NOT NULL,
                PRIMARY KEY (key, parameter, low, high)) STRICT, WITHOUT ROWID""",
            "CREATE INDEX date_low ON date (parameter, low, high, first)",
            "CREATE INDEX date_high ON date (parameter, high, low, last)",
            """CREATE TABLE number (
                key INTEGER NOT NULL, parameter INTEGER NOT NULL, low TEXT NOT NULL, high TEXT NOT NULL,
                system TEXT NOT NULL, code TEXT NOT NULL, unit TEXT NOT NULL,
                PRIMARY KEY (key, parameter, low, high, system, code, unit)) STRICT, WITHOUT ROWID""",
            "CREATE INDEX number_low ON number (parameter, low, high, code)",
            """CREATE TABLE string (
                key INTEGER NOT NULL, parameter INTEGER NOT NULL, folded TEXT NOT NULL, text TEXT NOT NULL,
                first INTEGER NOT NULL, last INTEGER NOT NULL,
                PRIMARY KEY (key, parameter, folded, text)) STRICT, WITHOUT ROWID""",
            "CREATE INDEX string_folded ON string (parameter, folded, first, last)",
            """CREATE TABLE reference (
                key INTEGER NOT NULL, parameter INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
                PRIMARY KEY (key, parameter, id, type)) STRICT, WITHOUT ROWID""",
            "CREATE INDEX reference_id ON reference (id, parameter, type)",
            """CREATE TABLE uri (
                key INTEGER NOT NULL, parameter INTEGER NOT NULL, uri TEXT NOT NULL,
                PRIMARY KEY (key, parameter, uri)) STRICT, WITHOUT ROWID""",
            "CREATE INDEX uri_uri ON uri (parameter, uri)",
        ),
    ),
    (
        "0003-history",
        (
            "ALTER TABLE version ADD COLUMN method TEXT",
            "CREATE INDEX version_type ON version (type, position, at)",
            "CREATE INDEX version_patient ON version (patient, position, type, at) WHERE patient IS NOT NULL",
            "CREATE INDEX version_at ON version (at)",
        ),
    ),
    (
        "0004-composites",
        (
            """CREATE TABLE composite (
                key INTEGER NOT NULL, parameter INTEGER NOT NULL, code TEXT NOT NULL, low ANY NOT NULL,
                high ANY NOT NULL, system TEXT NOT NULL, unit_system TEXT NOT NULL, unit_code TEXT NOT NULL,
                unit TEXT NOT NULL,
                PRIMARY KEY (key, parameter, code, low, high, system, unit_system, unit_code, unit))
                STRICT, WITHOUT ROWID""",
        ),
    ),
    (
        "0005-edition",
        (
            """CREATE TABLE edition (
                noted TEXT NOT NULL, towards TEXT NOT NULL, position INTEGER NOT NULL, complete INTEGER NOT NULL,
                holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT""",
            "INSERT INTO edition VALUES ('', '', 0, 0, '', 0)",
        ),
    ),
)

_WAIT_MILLISECONDS = 15_000
_INDEX = re.compile(r"^CREATE (?:UNIQUE )?INDEX (\w+)")


def open_writing(path: str) -> sqlite3.Connection:
    """A connection that may write, to a file brought up to the newest step.

    Every commit is on disk when it returns: WAL with synchronous=FULL.
    """
    connection = _opened(path, uri=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 8000")
        _migrate(connection)
        _check_indexes(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reading(path: str) -> sqlite3.Connection:
    """A connection that cannot write; the file must exist."""
    return _opened(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)


def _opened(path: str, *, uri: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, uri=uri, isolation_level=None, check_same_thread=False, cached_statements=512, timeout=0
    )
    connection.execute(f"PRAGMA busy_timeout = {_WAIT_MILLISECONDS}")
    connection.execute("PRAGMA cache_size = -4000")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _check_indexes(connection: sqlite3.Connection) -> None:
    """Raises StoreUnavailable when an index is gone: every search names those that it goes by."""
    wanted = {name for _, statements in STEPS for text in statements for name in _INDEX.findall(text)}
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")}
    if lacking := wanted - there:
        raise StoreUnavailable(f"the file lacks the indexes {', '.join(sorted(lacking))}; restore it from a backup")


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT")
    for name, statements in STEPS:
        connection.execute("BEGIN IMMEDIATE")
        try:
            if connection.execute("SELECT 1 FROM migration WHERE name = ?", (name,)).fetchone() is None:
                for statement in statements:
                    connection.execute(statement)
                connection.execute("INSERT INTO migration VALUES (?, datetime('now'))", (name,))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
