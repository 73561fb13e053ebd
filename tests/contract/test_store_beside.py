"""What comes beside the matches of a search, codes with all that is nested below them, and the clinic's list, which is
one search of both: answered from indexes, and no dearer among many patients than among few.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from planned import TABLES, plans, profiled
from pymongo import MongoClient
from storing import NOON, SECOND, asking, both, coded, dated, found, ids, kept, pointing, removal, where, write

from careplan.fhir.query import Query, TokenIs
from careplan.fhir.systems import ICPC2, SKS_D
from careplan.fhir.value import SearchValues
from careplan.interactions.worklist_query import list_query
from careplan.knowledge.load import load_knowledge
from careplan.store import sqlite_search
from careplan.store.mongo import MongoStore
from careplan.store.protocol import Store, Version, Write
from careplan.store.sqlite import SQLiteStore
from careplan.store.sqlite_statement import Names

SICK = Query("Condition", (where("code", "token", TokenIs("s", "sick")),))
VALUES = Query("Observation")


def person(id: str, clinic: str = "north") -> Write:
    return write(id, pointing("Organization", clinic, "general-practitioner"), type="Patient", patient=id)


def of(patient: str, type: str, id: str, *values: SearchValues) -> Write:
    return write(id, both(pointing("Patient", patient, "patient"), *values), type=type, patient=patient)


async def people(store: Store) -> None:
    await kept(store, [person("a"), person("b"), person("c", "south")])
    await kept(
        store,
        [
            *(of(one, "Condition", f"{one}-sick", coded("sick")) for one in "abc"),
            *(of(one, "Condition", f"{one}-well", coded("well")) for one in "abc"),
            *(of(one, "Observation", f"{one}-value") for one in "abc"),
            write("of-nobody", coded("sick"), type="Condition", patient=None),
        ],
    )


def named(versions: Sequence[Version]) -> list[str]:
    return sorted(version.id for version in versions)


# ── beside ───────────────────────────────────────────────────────────────────────────────────────


async def test_with_the_matches_comes_what_is_asked_for_of_their_compartments(store: Store) -> None:
    await people(store)
    page = await store.search(replace(asking(type="Patient"), listed_with="north", beside=(SICK, VALUES)))
    assert ids(page) == ["a", "b"]
    assert named(page.beside) == ["a-sick", "a-value", "b-sick", "b-value"]
    assert {(one.type, one.patient, one.number) for one in page.beside} == {
        (type, patient, 1) for type in ("Condition", "Observation") for patient in "ab"
    }
    assert all(one.body and one.position for one in page.beside)


async def test_each_page_has_its_own(store: Store) -> None:
    await people(store)
    query = replace(asking(type="Patient", count=2), beside=(SICK,))
    first = await store.search(query)
    second = await store.search(replace(query, after=first.next))
    assert (named(first.beside), named(second.beside)) == (["a-sick", "b-sick"], ["c-sick"])
    nobody = await store.search(replace(query, patients=frozenset({"x"})))
    assert (nobody.matches, nobody.beside) == ((), ())


async def test_what_is_replaced_or_deleted_does_not_come(store: Store) -> None:
    await people(store)
    await kept(store, [write("a-sick", coded("well"), type="Condition", expects=1, patient="a")])
    await kept(store, [removal("b-sick", 1, type="Condition")])
    page = await store.search(replace(asking(type="Patient"), beside=(SICK,)))
    assert named(page.beside) == ["c-sick"]


# ── codes below ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ((TokenIs("sks", "DE11", below=True),), "de11 de119"),
        ((TokenIs(None, "DE11", below=True),), "de11 de119 other"),
        ((TokenIs("sks", "DE11"),), "de11"),
        ((TokenIs("sks", "DE1", below=True),), "de10 de11 de119"),
        ((TokenIs("sks", "DE11", below=True), TokenIs("sks", "DE10")), "de10 de11 de119"),
        ((TokenIs("sks", "DE11", below=True), TokenIs(None, "DE10")), "de10 de11 de119"),
        ((TokenIs("sks", ".", below=True),), ""),
    ],
)
async def test_a_code_stands_for_those_below_it(store: Store, tokens: tuple[TokenIs, ...], expected: str) -> None:
    codes = {"de10": "DE10", "de11": "DE11", "de119": "DE119", "de2": "DE2"}
    await kept(store, [write(id, coded(code, "sks")) for id, code in codes.items()])
    await kept(store, [write("other", coded("DE118", "another"))])
    assert await found(store, asking(where("code", "token", *tokens))) == expected
    rest = sorted({*codes, "other"} - set(expected.split()))
    assert await found(store, asking(where("code", "token", *tokens, negated=True))) == " ".join(rest)


# ── the clinic's list ────────────────────────────────────────────────────────────────────────────

LIST = list_query(load_knowledge(), date(2026, 11, 22))


def listed(clinic: str) -> Query:
    """The list of a clinic, as access restricts it."""
    (link,) = LIST.links
    inside = tuple(replace(one, listed_with=clinic) for one in link.queries)
    return replace(LIST, listed_with=clinic, links=(replace(link, queries=inside),))


def clinic(name: str, patients: range) -> list[Write]:
    """Of every four patients one has diabetes by a hospital's code, one a plan, one a lapsed target, one a cold."""
    made: list[Write] = []
    for number in patients:
        id = f"{name}-{number}"
        sick = coded("DE119", SKS_D) if number % 4 == 0 else coded("R74", ICPC2)
        made += [person(id, name), of(id, "Condition", f"{id}-c", sick), of(id, "Observation", f"{id}-o", coded("x"))]
        if number % 4 == 1:
            made.append(of(id, "CarePlan", f"{id}-p", coded("active", "", "status")))
        if number % 4 == 2:
            until, state = dated(NOON, NOON + SECOND, "deviation-until"), coded("active", "", "lifecycle-status")
            made.append(of(id, "Goal", f"{id}-g", until, state))
    return made


async def test_the_list_holds_those_with_a_diagnosis_a_plan_or_a_lapsed_target(store: Store) -> None:
    await kept(store, [*clinic("north", range(8)), *clinic("south", range(8))])
    page = await store.search(listed("north"))
    assert ids(page) == [f"north-{number}" for number in (0, 1, 2, 4, 5, 6)]
    assert named(page.beside) == sorted(f"north-{one}" for one in ("0-c", "4-c", "1-p", "5-p", "2-g", "6-g"))
    assert page.next is None


async def test_sqlite_finds_the_list_without_a_scan(tmp_path: Path) -> None:
    path = tmp_path / "record.db"
    store = SQLiteStore.open(str(path))
    await kept(store, [*clinic("north", range(40)), *clinic("south", range(40))])
    await store.close()
    steps = plans(path, listed("north"))
    assert steps
    assert [pair for pair in steps if TABLES.match(pair[0])] == []


class Counting(sqlite3.Connection):
    """Counts SQLite's work in hundreds of steps of its machine."""

    done = 0

    def set_progress_handler(self, handler: Any, steps: int) -> None:
        def counted() -> bool:
            self.done += 1
            return handler is not None and self.done % 10 == 0 and bool(handler())

        super().set_progress_handler(counted if handler else None, steps // 10)


def work(path: Path) -> int:
    connection = sqlite3.connect(path, isolation_level=None, factory=Counting)
    names = Names()
    sqlite_search.find(connection, names, listed("north"))
    connection.done = 0
    assert len(sqlite_search.find(connection, names, listed("north")).matches) == 150
    connection.close()
    return connection.done


async def test_the_list_of_a_clinic_is_the_same_work_among_few_and_many(tmp_path: Path) -> None:
    """Once there are more of the diagnosis elsewhere than the clinic has conditions, it goes in by the clinic."""
    path = tmp_path / "record.db"
    store = SQLiteStore.open(str(path))
    await kept(store, clinic("north", range(200)))
    for number in range(10):
        if number == 4:
            before = work(path)
        await kept(store, clinic(f"south{number}", range(200)))
    await store.close()
    assert work(path) <= before * 1.1


async def test_mongodb_finds_the_list_without_a_scan(mongod: str) -> None:
    url = mongod.format("worklist")
    store: Store = await MongoStore.connect(url)
    await kept(store, clinic("north", range(40)))
    for number in range(5):
        await kept(store, clinic(f"south{number}", range(40)))
    with MongoClient[dict[str, Any]](url) as client:
        steps = await profiled(client, store, listed("north"))
        assert [step for step in steps if "COLLSCAN" in step["planSummary"]] == []
        assert sum(step["docsExamined"] for step in steps) <= 40 * 6
        client.drop_database("worklist")
    await store.close()
