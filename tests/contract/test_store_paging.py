"""Order and pages: total, stable, right while others write (checklist R4-75, R4-78); and who may be found."""

from dataclasses import replace
from datetime import timedelta

import pytest
from storing import (
    NOON,
    SECOND,
    asking,
    both,
    coded,
    dated,
    found,
    ids,
    kept,
    linked,
    measured,
    pointing,
    removal,
    walked,
    where,
    worded,
    write,
)

from careplan.fhir.query import Criterion, Order, Query, TokenIs
from careplan.fhir.value import SearchValues
from careplan.store import sqlite_search
from careplan.store.protocol import CursorInvalid, Store

DAY = timedelta(days=1)


def day(number: int, last: int | None = None) -> SearchValues:
    return dated(NOON + number * DAY, NOON + (number + 1 if last is None else last) * DAY)


pytestmark = pytest.mark.parametrize("home", ["sqlite", "walking", "mongo"], indirect=True)


@pytest.fixture(autouse=True)
def walking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite sorts few matches and walks an index for many: the two ways have to answer alike."""
    if request.node.callspec.params["home"] == "walking":
        monkeypatch.setattr(sqlite_search, "FEW", -1)


async def in_order(store: Store, *orders: Order, criteria: tuple[Criterion, ...] = ()) -> str:
    """All ids over pages of two; the same as on one page."""
    query = asking(*criteria, orders=orders)
    whole = ids(await store.search(query))
    assert await walked(store, replace(query, count=2)) == whole
    assert await walked(store, replace(query, count=1)) == whole
    return " ".join(whole)


async def test_without_an_order_matches_come_by_id(store: Store) -> None:
    await kept(store, [write(id) for id in ("b", "a", "B", "a-1", "c")])
    assert await in_order(store) == "B a a-1 b c"
    assert await in_order(store, Order("_id", "id", True)) == "c b a-1 a B"


async def test_dates_sort_by_the_near_end_with_missing_last(store: Store) -> None:
    """R4-78"""
    await kept(
        store,
        [
            write("d3", day(3)),
            write("d1", day(1)),
            write("none", coded("x")),
            write("long", day(0, 9)),
            write("two", both(day(2), day(5))),
            write("d3b", day(3)),
            write("none2", coded("x")),
        ],
    )
    assert await in_order(store, Order("date", "date")) == "long d1 two d3 d3b none none2"
    assert await in_order(store, Order("date", "date", True)) == "long two d3 d3b d1 none none2"
    x = where("code", "token", TokenIs(None, "x"), negated=True)
    assert await in_order(store, Order("date", "date"), criteria=(x,)) == "long d1 two d3 d3b"


async def test_the_instant_of_writing_sorts(store: Store) -> None:
    await kept(store, [write(id, at=NOON + n * SECOND) for id, n in (("d", 0), ("b", 1), ("c", 2), ("a", 2))])
    assert await in_order(store, Order("_lastUpdated", "date")) == "d b a c"
    assert await in_order(store, Order("_lastUpdated", "date", True)) == "a c b d"


@pytest.mark.parametrize(
    ("order", "values"),
    [
        (Order("code", "token"), [coded("a"), coded("b"), both(coded("c"), coded("d"))]),
        (Order("value", "quantity"), [measured("-2"), measured("9.5"), measured("10")]),
        (
            Order("name", "string"),
            [worded("Anna"), worded("Èva"), both(worded("Gerd Aabo"), worded("Aabo", word=True))],
        ),
        (Order("subject", "reference"), [pointing("Group", "9"), pointing("Patient", "1"), pointing("Patient", "2")]),
        (Order("url", "uri"), [linked("a"), linked("b"), linked("c")]),
    ],
    ids=lambda value: value.kind if isinstance(value, Order) else "",
)
async def test_every_kind_sorts_both_ways(store: Store, order: Order, values: list[SearchValues]) -> None:
    await kept(store, [write(f"o{n}", some) for n, some in enumerate(values)])
    await kept(store, [write("none1"), write("none2", dated(NOON))])
    assert await in_order(store, order) == "o0 o1 o2 none1 none2"
    assert await in_order(store, replace(order, descending=True)) == "o2 o1 o0 none1 none2"


async def test_several_keys_sort_one_after_the_other(store: Store) -> None:
    """R4-78"""
    rows = [
        ("a", "x", 1),
        ("b", "x", 2),
        ("c", "y", 1),
        ("d", "y", 2),
        ("e", "x", 2),
        ("f", None, 1),
        ("g", None, None),
    ]
    await kept(
        store,
        [
            write(id, both(*([coded(code)] if code else []), *([] if number is None else [day(number)])))
            for id, code, number in rows
        ],
    )
    code, date = Order("code", "token"), Order("date", "date")
    newest, falling = replace(date, descending=True), replace(code, descending=True)
    assert await in_order(store, code, newest) == "b e a d c f g"
    assert await in_order(store, falling, date) == "c d a b e f g"
    assert await in_order(store, newest, code) == "b e d a c f g"
    assert await in_order(store, date, falling, Order("_id", "id", True)) == "c a f d e b g"
    assert await in_order(store, date, date, Order("_id", "id", True), code) == "f c a e d b g"


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("parameter", ["date", "_lastUpdated", "name", "code", "_id"])
async def test_pages_stay_right_while_others_write(store: Store, parameter: str, descending: bool) -> None:
    """R4-75: Equal sort keys, some missing; between pages one match is deleted, one changed, and some are added."""
    tied = both(day(1), worded("Eva"), coded("a"))
    await kept(store, [write(f"m{n:02}", tied if n % 5 else None) for n in range(20)])
    query = asking(
        orders=(Order(parameter, {"name": "string", "code": "token"}.get(parameter, "date"), descending),), count=3
    )
    seen: list[str] = []
    step = 0
    while True:
        page = await store.search(query)
        seen += ids(page)
        if page.next is None:
            break
        query = replace(query, after=page.next)
        await kept(store, [removal(seen[-1], 1), write(f"m{step:02}-new", tied), write(f"a{step}", tied)])
        step += 1
    assert len(seen) == len(set(seen))
    assert set(seen) >= {f"m{n:02}" for n in range(20)}


@pytest.mark.parametrize(
    "after", ["", "x", "!!", "W10", "bnVsbA", "WyJhIiwiYiIsImMiXQ", "é", "WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwLCJhIl0"]
)
async def test_a_bad_place_is_refused(store: Store, after: str) -> None:
    """R4-76"""
    with pytest.raises(CursorInvalid):
        await store.search(replace(asking(orders=(Order("date", "date"),)), after=after))


async def test_a_place_of_another_search_is_refused(store: Store) -> None:
    """R4-76"""
    await kept(store, [write(f"o{n}", both(day(n), coded("a"))) for n in range(5)])
    page = await store.search(asking(orders=(Order("date", "date"),), count=2))
    with pytest.raises(CursorInvalid):
        await store.search(replace(asking(orders=(Order("code", "token"),)), after=page.next))
    with pytest.raises(CursorInvalid):
        await store.search(replace(asking(), after=page.next))


async def test_a_full_last_page_has_no_next(store: Store) -> None:
    """R4-75"""
    await kept(store, [write(f"o{n}") for n in range(4)])
    page = await store.search(asking(count=4))
    assert (len(page.matches), page.next) == (4, None)


# ── restrictions ─────────────────────────────────────────────────────────────────────────────────


async def clinics(store: Store) -> None:
    """p1 and p2 with clinic north, p3 with south, p4 with a person; values of each, and two things of nobody."""
    listed = {"p1": "north", "p2": "north", "p3": "south"}
    north = [
        write(p, both(pointing("Organization", o, "general-practitioner")), type="Patient", patient=p)
        for p, o in listed.items()
    ]
    person = write("p4", pointing("Practitioner", "north", "general-practitioner"), type="Patient", patient="p4")
    values = [write(f"v{n}-{p}", coded("a"), patient=p) for p in ("p1", "p2", "p3", "p4") for n in (1, 2)]
    await kept(store, [*north, person, *values, write("nobody", coded("a"), patient=None)])


async def test_one_patients_search_finds_only_theirs(store: Store) -> None:
    await clinics(store)
    assert await found(store, Query("Observation", patient="p1")) == "v1-p1 v2-p1"
    assert await found(store, Query("Observation", patient="p9")) == ""
    assert await found(store, Query("Patient", patient="p1")) == "p1"


async def test_patients_restrict_and_hide_what_is_of_no_patient(store: Store) -> None:
    await clinics(store)
    some = Query("Observation", patients=frozenset({"p1", "p3"}), total=True)
    assert await found(store, some) == "v1-p1 v1-p3 v2-p1 v2-p3"
    assert (await store.search(some)).total == 4
    assert await found(store, replace(some, patient="p1")) == "v1-p1 v2-p1"
    assert await found(store, replace(some, patient="p2")) == ""
    nothing = await store.search(Query("Observation", patients=frozenset(), total=True))
    assert (nothing.matches, nothing.total) == ((), 0)


async def test_listed_with_follows_the_current_patient(store: Store) -> None:
    await clinics(store)
    north = Query("Observation", listed_with="north", total=True)
    assert await found(store, north) == "v1-p1 v1-p2 v2-p1 v2-p2"
    assert (await store.search(north)).total == 4
    assert await found(store, replace(north, type="Patient")) == "p1 p2"
    assert await found(store, replace(north, patient="p1")) == "v1-p1 v2-p1"
    assert await found(store, replace(north, patient="p3")) == ""
    assert await found(store, replace(north, patients=frozenset({"p2", "p3"}))) == "v1-p2 v2-p2"
    moved = write("p1", pointing("Organization", "south", "general-practitioner"), type="Patient", expects=1)
    await store.commit([moved])
    assert await found(store, north) == "v1-p2 v2-p2"
    assert await found(store, replace(north, listed_with="south")) == "v1-p1 v1-p3 v2-p1 v2-p3"
    assert await found(store, replace(north, listed_with="nowhere")) == ""


async def test_a_restricted_search_pages_like_any_other(store: Store) -> None:
    await clinics(store)
    query = Query("Observation", (where("code", "token", TokenIs("s", "a")),), count=1, listed_with="north")
    assert await walked(store, query) == ["v1-p1", "v1-p2", "v2-p1", "v2-p2"]
