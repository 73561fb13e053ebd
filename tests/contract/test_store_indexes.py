"""The main searches go by indexes: what they cost does not grow with what they do not look at."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from planned import TABLES, plans, profiled
from pymongo import MongoClient
from storing import NOON, SECOND, asking, both, coded, dated, kept, measured, pointing, where, worded, write

from careplan.fhir.query import DateIs, IdIs, NumberIs, Order, Query, ReferenceIs, StringIs, TokenIs, UriIs
from careplan.store import sqlite_schema, sqlite_search
from careplan.store.mongo import MongoStore
from careplan.store.protocol import Past, Store, StoreUnavailable, Write
from careplan.store.sqlite import SQLiteStore
from careplan.store.sqlite_statement import Names

CODES = 5
SIX = Decimal(6)
CODE = where("code", "token", TokenIs("s", "c1"))
NEWEST = (Order("date", "date", True),)
SINCE = where("date", "date", DateIs("ge", NOON, NOON + SECOND))

SEARCHES: dict[str, Query] = {
    "type": asking(),
    "patient": replace(asking(orders=NEWEST), patient="p7"),
    "patient and code": replace(asking(CODE, orders=NEWEST), patient="p7"),
    "code": asking(CODE),
    "code newest": asking(CODE, orders=NEWEST),
    "code oldest": asking(CODE, orders=(Order("date", "date"),)),
    "identifier": asking(where("identifier", "token", TokenIs("lab", "7-1"))),
    "reference": asking(where("subject", "reference", ReferenceIs("Patient", "p7"))),
    "reference of any type": asking(where("subject", "reference", ReferenceIs(None, "p7"))),
    "date": asking(SINCE),
    "date newest": asking(SINCE, orders=NEWEST),
    "written": asking(where("_lastUpdated", "date", DateIs("gt", NOON, NOON + SECOND))),
    "newest written": asking(orders=(Order("_lastUpdated", "date", True),)),
    "id": asking(where("_id", "id", IdIs("v7-1"), IdIs("v8-1"))),
    "name": asking(where("name", "string", StringIs("starts", "eva 7")), type="Patient"),
    "by name": asking(type="Patient", orders=(Order("name", "string"),)),
    "uri": asking(where("url", "uri", UriIs("below", "https://a.example/"))),
    "listed": replace(asking(type="Patient"), listed_with="clinic7"),
    "clinic's values": replace(asking(CODE, orders=NEWEST), listed_with="clinic7"),
    "some patients": replace(asking(CODE), patients=frozenset({"p1", "p2"})),
    "value of a code": asking(CODE, where("value", "quantity", NumberIs("gt", SIX, SIX, SIX))),
}


def people(first: int, last: int) -> list[Write]:
    """Patients with five values each."""
    return [write for number in range(first, last) for write in person(number)]


def person(number: int) -> list[Write]:
    name = f"p{number}"
    clinic = pointing("Organization", f"clinic{number}", "general-practitioner")
    patient = write(name, both(worded(f"Eva {number}"), clinic), type="Patient", patient=name)
    values = [
        write(
            f"v{number}-{n}",
            both(
                coded(f"c{n}"),
                coded(f"{number}-{n}", "lab", "identifier"),
                dated(NOON + (1000 * n + number) * SECOND),
                measured(f"{n}.5"),
                pointing("Patient", name),
            ),
            patient=name,
        )
        for n in range(CODES)
    ]
    return [patient, *values]


class Counting(sqlite3.Connection):
    """Counts how often a clock is looked at: every thousand steps of SQLite's machine; here every hundred."""

    done = 0

    def set_progress_handler(self, handler: Callable[[], Any] | None, steps: int) -> None:
        def counted() -> bool:
            self.done += 1
            return handler is not None and self.done % 10 == 0 and bool(handler())

        super().set_progress_handler(counted if handler else None, steps // 10)


def work(path: Path, query: Query) -> int:
    """How much SQLite does for a search, in units of a hundred steps of its machine."""
    connection = sqlite3.connect(path, isolation_level=None, factory=Counting)
    names = Names()
    sqlite_search.find(connection, names, query)
    connection.done = 0
    sqlite_search.find(connection, names, query)
    connection.close()
    return connection.done


@pytest.mark.parametrize("few", [1000, -1], ids=["sorting", "walking"])
async def test_sqlite_scans_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(sqlite_search, "FEW", few)
    store = SQLiteStore.open(str(tmp_path / "record.db"))
    await kept(store, people(0, 20))
    await store.close()
    for name, query in SEARCHES.items():
        steps = plans(tmp_path / "record.db", replace(query, total=True))
        assert steps, name
        assert [pair for pair in steps if TABLES.match(pair[0])] == [], name


async def test_the_plan_test_sees_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    await SQLiteStore.open(str(path)).close()
    connection = sqlite3.connect(path)
    (step,) = connection.execute("EXPLAIN QUERY PLAN SELECT * FROM token v WHERE code = 'a'")
    connection.close()
    assert TABLES.match(step[3])


@pytest.mark.parametrize("name", ["patient", "patient and code", "identifier", "reference", "id", "listed"])
async def test_sqlite_does_the_same_work_for_few_and_many_patients(tmp_path: Path, name: str) -> None:
    path = tmp_path / "record.db"
    store = SQLiteStore.open(str(path))
    await kept(store, people(0, 20))
    before = work(path, SEARCHES[name])
    await kept(store, people(20, 600))
    await store.close()
    assert work(path, SEARCHES[name]) <= before * 1.1 + 1


async def test_sqlite_walks_to_the_newest_of_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.db"
    store = SQLiteStore.open(str(path))
    await kept(store, people(0, 600))
    await store.close()
    newest = asking(where("code", "token", TokenIs("s", f"c{CODES - 1}")), orders=NEWEST, count=5)
    monkeypatch.setattr(sqlite_search, "FEW", 100)
    walking = work(path, newest)
    monkeypatch.setattr(sqlite_search, "FEW", 10_000)
    assert walking * 2 < work(path, newest)


async def test_sqlite_gives_up_a_walk_that_finds_too_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SQLiteStore.open(str(tmp_path / "record.db"))
    await kept(store, people(0, 300))
    monkeypatch.setattr(sqlite_search, "FEW", 100)
    monkeypatch.setattr(sqlite_search, "_STEPS_A_ROW", 1)
    rare = asking(CODE, SINCE, where("value", "quantity", NumberIs("eq", *measured_range("1.5"))), orders=NEWEST)
    assert len((await store.search(rare)).matches) == 50
    await store.close()


def measured_range(text: str) -> tuple[Any, Any, Any]:
    value = measured(text).numbers[0][1].low
    return value, value - value / 100, value + value / 100


# ── MongoDB ──────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def record(mongod: str) -> str:
    return mongod.format("indexes")


async def test_mongodb_scans_no_collection_and_looks_at_little(record: str) -> None:
    store: Store = await MongoStore.connect(record)
    await kept(store, people(0, 200))
    few = {"patient": 5, "patient and code": 1, "identifier": 1, "reference": 1 * CODES, "id": 2, "listed": 1}
    with MongoClient[dict[str, Any]](record) as client:
        for name, query in SEARCHES.items():
            steps = await profiled(client, store, query)
            assert [step for step in steps if "COLLSCAN" in step["planSummary"]] == [], name
            assert sum(step["docsExamined"] for step in steps) <= few.get(name, 10_000), name
        client.drop_database("indexes")
    await store.close()


async def test_mongodb_needs_a_replica_set_and_a_database(mongod: str) -> None:
    with pytest.raises(StoreUnavailable):
        await MongoStore.connect(mongod.format(""))
    with pytest.raises(StoreUnavailable):
        await MongoStore.connect("mongodb://127.0.0.1:9/x?replicaSet=rs0&serverSelectionTimeoutMS=50")


# ── checked at the start ─────────────────────────────────────────────────────────────────────────


async def test_sqlite_without_one_of_its_indexes_does_not_start(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    await SQLiteStore.open(str(path)).close()
    connection = sqlite3.connect(path)
    connection.execute("DROP INDEX token_code")
    connection.commit()
    connection.close()
    with pytest.raises(StoreUnavailable, match="token_code"):
        SQLiteStore.open(str(path))


async def test_a_file_of_an_older_release_gains_what_is_new(tmp_path: Path) -> None:
    """Its versions have no method; the next opening adds the column and the indexes."""
    path = tmp_path / "record.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE migration (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT")
        for name, statements in sqlite_schema.STEPS[:2]:
            for statement in statements:
                connection.execute(statement)
            connection.execute("INSERT INTO migration VALUES (?, 'then')", (name,))
        connection.execute("INSERT INTO version VALUES (1, 'Observation', 'o1', 1, 0, 'p1', x'7b7d')")
        connection.commit()
    store = SQLiteStore.open(str(path))
    (old,) = (await store.history(Past("Observation"))).versions
    assert (old.id, old.method) == ("o1", "POST")
    await store.close()
