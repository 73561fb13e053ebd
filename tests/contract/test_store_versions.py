"""Versions, their numbers and bytes, and the history of a resource (checklist B, G). On every store and driver."""

import asyncio

import pytest
from storing import MILLISECOND, NOON, SECOND, Home, asking, body_of, coded, fed, found, removal, where, write

from careplan.fhir.query import TokenIs
from careplan.store.protocol import CursorInvalid, Past, Store, StoreUnavailable, VersionConflict

pytestmark = pytest.mark.parametrize("home", ["sqlite", "memory", "mongo", "pymongo"], indirect=True)


async def test_a_read_gives_back_the_bytes_that_were_written(store: Store) -> None:
    """R4-24"""
    body = b'{"resourceType":"Observation",  "value":6.50, "x":1E-22, "y":"\\u00e6\xf0\x9f\x8d\x8e"}'
    (written,) = await store.commit([write("o1", body=body)])
    read = await store.read("Observation", "o1")
    assert read is not None
    assert (read.body, type(read.body), read.number, read.at, read.patient) == (body, bytes, 1, NOON, "p1")
    assert read == written
    assert written.position > 0


async def test_an_instant_is_kept_to_the_millisecond(store: Store) -> None:
    (written,) = await store.commit([write("o1", at=NOON + MILLISECOND * 7.25)])
    read = await store.read("Observation", "o1")
    assert read is not None
    assert read.at == written.at == NOON + 7 * MILLISECOND


async def test_what_was_never_written_is_none(store: Store) -> None:
    await store.commit([write("o1")])
    assert await store.read("Observation", "o2") is None
    assert await store.read("Condition", "o1") is None
    assert await store.read("Observation", "O1") is None
    assert [await store.vread("Observation", "o1", number) for number in (0, 2, -1, 10**30)] == [None] * 4


async def test_numbers_go_on_through_deletion_and_back(store: Store) -> None:
    """R4-34, R4-45, R4-18"""
    await store.commit([write("o1", coded("a"))])
    await store.commit([removal("o1", 1)])
    gone = await store.read("Observation", "o1")
    assert gone is not None
    assert gone.deleted
    assert gone.number == 2
    assert await found(store, asking()) == ""
    (back,) = await store.commit([write("o1", coded("b"), expects=2)])
    assert back.number == 3
    assert await found(store, asking(where("code", "token", TokenIs(None, "a")))) == ""
    assert await found(store, asking(where("code", "token", TokenIs(None, "b")))) == "o1"
    first = await store.vread("Observation", "o1", 1)
    second = await store.vread("Observation", "o1", 2)
    assert first is not None
    assert first.body == body_of("Observation", "o1", 1)
    assert second is not None
    assert second.deleted


async def test_a_resource_without_a_patient_has_none(store: Store) -> None:
    await store.commit([write("org", type="Organization", patient=None)])
    read = await store.read("Organization", "org")
    assert read is not None
    assert read.patient is None


@pytest.mark.parametrize("expects", [0, 1, 3])
async def test_a_write_on_another_version_is_refused(store: Store, expects: int) -> None:
    """R4-32"""
    await store.commit([write("o1")])
    await store.commit([write("o1", expects=1)])
    with pytest.raises(VersionConflict, match="Observation/o1"):
        await store.commit([write("o1", expects=expects)])
    read = await store.read("Observation", "o1")
    assert read is not None
    assert read.number == 2


async def test_a_new_resource_cannot_follow_a_version(store: Store) -> None:
    with pytest.raises(VersionConflict):
        await store.commit([write("o1", expects=1)])
    assert await store.read("Observation", "o1") is None


async def test_two_writes_of_one_resource_in_one_commit_follow_each_other(store: Store) -> None:
    written = await store.commit([write("o1", coded("a")), write("o1", coded("b"), expects=1)])
    assert [version.number for version in written] == [1, 2]
    assert await found(store, asking(where("code", "token", TokenIs("s", "a")))) == ""
    assert await found(store, asking(where("code", "token", TokenIs("s", "b")))) == "o1"


async def test_history_is_newest_first_and_counts_all(store: Store) -> None:
    """R4-48"""
    for number in range(5):
        await store.commit([write("o1", expects=number, at=NOON + number * SECOND)])
    page = await store.history(Past("Observation", "o1"))
    assert [version.number for version in page.versions] == [5, 4, 3, 2, 1]
    assert page.total == 5
    assert page.next is None
    assert page.versions[0].body == body_of("Observation", "o1", 5)


async def test_history_since_keeps_the_instant_itself(store: Store) -> None:
    """R4-49"""
    for number in range(4):
        await store.commit([write("o1", expects=number, at=NOON + number * SECOND)])
    page = await store.history(Past("Observation", "o1", since=NOON + 2 * SECOND))
    assert [version.number for version in page.versions] == [4, 3]
    assert page.total == 2
    assert (await store.history(Past("Observation", "o1", since=NOON + 9 * SECOND))).total == 0
    assert (await store.history(Past("Observation", "never"))).total == 0


async def test_history_pages_show_every_version_once_while_others_write(store: Store) -> None:
    """R4-50"""
    for number in range(6):
        await store.commit([write("o1", expects=number)])
    seen, after, number = [], None, 6
    while True:
        page = await store.history(Past("Observation", "o1", count=2, after=after))
        seen += [version.number for version in page.versions]
        after = page.next
        if after is None:
            break
        await store.commit([write("o1", expects=number)])
        number += 1
    assert seen == [6, 5, 4, 3, 2, 1]


async def test_history_of_some_patients_counts_and_pages_their_versions_alone(store: Store) -> None:
    """R4-107"""
    for number, patient in enumerate(("p1", "p2", "p1", None, "p3", "p1")):
        await store.commit([write("o1", expects=number, at=NOON + number * SECOND, patient=patient)])
    first = await store.history(Past("Observation", "o1", count=2, patients=frozenset({"p1"})))
    second = await store.history(Past("Observation", "o1", count=2, patients=frozenset({"p1"}), after=first.next))
    assert [version.number for version in (*first.versions, *second.versions)] == [6, 3, 1]
    assert (first.total, second.total, second.next) == (3, 3, None)
    some = await store.history(Past("Observation", "o1", patients=frozenset({"p2", "p3", "p4"})))
    assert ([version.number for version in some.versions], some.total) == ([5, 2], 2)
    since = await store.history(Past("Observation", "o1", patients=frozenset({"p1"}), since=NOON + SECOND))
    assert ([version.number for version in since.versions], since.total) == ([6, 3], 2)
    none = await store.history(Past("Observation", "o1", patients=frozenset()))
    assert (none.versions, none.total, none.next) == ((), 0, None)
    assert (await store.history(Past("Observation", "o1"))).total == 6


@pytest.mark.parametrize("after", ["x", "", "-1", "9" * 40, "²"])
async def test_a_bad_history_place_is_refused(store: Store, after: str) -> None:
    with pytest.raises(CursorInvalid):
        await store.history(Past("Observation", "o1", after=after))


async def test_twenty_writers_on_one_version_have_one_winner(store: Store) -> None:
    """R4-35"""
    await store.commit([write("o1")])
    bodies = [body_of("Observation", "o1", 2, value=str(n)) for n in range(20)]
    outcomes = await asyncio.gather(
        *(store.commit([write("o1", expects=1, body=body)]) for body in bodies), return_exceptions=True
    )
    won = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(won) == 1
    assert all(isinstance(o, VersionConflict) for o in outcomes if isinstance(o, BaseException))
    read = await store.read("Observation", "o1")
    assert read == won[0][0]
    assert (await store.history(Past("Observation", "o1"))).total == 2
    assert len(await fed(store)) == 2


async def test_a_closed_store_says_so(home: Home) -> None:
    store = await home()
    await store.commit([write("o1")])
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.commit([write("o2")])
