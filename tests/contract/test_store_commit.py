"""A commit is all or nothing, guards close races, and the feed misses nothing (checklist R4-28, R4-53)."""

import asyncio

import pytest
from storing import NOON, Home, asking, coded, fed, found, ids, removal, where, write

from careplan.fhir.query import TokenIs
from careplan.store.protocol import Guard, GuardFailed, Past, Store, StoreUnavailable, VersionConflict, Write


def same(code: str) -> Guard:
    return Guard(f"Observation?code={code}", asking(where("code", "token", TokenIs("s", code))))


async def test_one_conflict_leaves_nothing_of_a_commit(store: Store) -> None:
    """R4-53: no version, index row or place in the feed."""
    await store.commit([write("old", coded("a"))])
    before = await fed(store)
    with pytest.raises(VersionConflict) as refused:
        await store.commit([write("new", coded("b")), write("old", coded("b")), write("other", coded("b"))])
    assert refused.value.reference == "Observation/old"
    assert await store.read("Observation", "new") is None
    assert (await store.history(Past("Observation", "new"))).total == 0
    assert await found(store, asking()) == "old"
    assert await found(store, asking(where("code", "token", TokenIs(None, "b")))) == ""
    assert await fed(store) == before


async def test_a_refused_commit_leaves_its_neighbours_alone(store: Store) -> None:
    await store.commit([write("taken")])
    outcomes = await asyncio.gather(
        *(
            store.commit([write(f"o{n}", coded("x")), write("taken" if n % 3 == 0 else f"q{n}", coded("x"))])
            for n in range(30)
        ),
        return_exceptions=True,
    )
    assert [isinstance(outcome, VersionConflict) for outcome in outcomes] == [n % 3 == 0 for n in range(30)]
    kept = {f"{letter}{n}" for n in range(30) if n % 3 for letter in "oq"}
    assert set((await found(store, asking(where("code", "token", TokenIs("s", "x"))))).split()) == kept
    assert {version.id for version in await fed(store)} == kept | {"taken"}


async def test_what_cannot_be_stored_leaves_its_neighbours_alone(store: Store) -> None:
    broken = write("bad", coded("\ud800"))
    outcomes = await asyncio.gather(
        store.commit([write("o1")]), store.commit([broken]), store.commit([write("o2")]), return_exceptions=True
    )
    assert [isinstance(outcome, BaseException) for outcome in outcomes] == [False, True, False]
    assert await found(store, asking()) == "o1 o2"


async def test_a_commit_that_is_no_commit_is_answered_and_leaves_its_neighbours_alone(store: Store) -> None:
    """An instant without a zone is refused where it is used, by no error of the driver or the file."""
    broken = write("bad", at=NOON.replace(tzinfo=None))
    async with asyncio.timeout(20):
        outcomes = await asyncio.gather(
            store.commit([write("o1")]), store.commit([broken]), store.commit([write("o2")]), return_exceptions=True
        )
        assert [isinstance(outcome, BaseException) for outcome in outcomes] == [False, True, False]
        await store.commit([write("o3")])
    assert await found(store, asking()) == "o1 o2 o3"


async def test_versions_come_back_in_the_order_given(store: Store) -> None:
    written = await store.commit([write("b"), write("a"), write("c", type="Condition")])
    assert [version.reference for version in written] == ["Observation/b", "Observation/a", "Condition/c"]
    positions = [version.position for version in written]
    assert positions == sorted(set(positions))


async def test_a_commit_of_nothing_is_nothing(store: Store) -> None:
    assert await store.commit([]) == ()
    assert await fed(store) == []


async def test_a_guard_that_finds_something_refuses(store: Store) -> None:
    await store.commit([write("o1", coded("a"))])
    with pytest.raises(GuardFailed) as refused:
        await store.commit([write("o2", coded("a"))], [same("b"), same("a")])
    assert refused.value.key == same("a").key
    assert await store.read("Observation", "o2") is None
    await store.commit([write("o2", coded("b"))], [same("b")])


async def test_a_guard_allows_the_versions_it_names_and_no_others(store: Store) -> None:
    await store.commit([write("o1", coded("a"))])
    query = same("a").query
    await store.commit([write("o1", coded("a"), expects=1)], [Guard("k", query, ("o1@1",))])
    with pytest.raises(GuardFailed):
        await store.commit([write("o1", coded("a"), expects=2)], [Guard("k", query, ("o1@1",))])
    await store.commit([write("o2", coded("a"))])
    with pytest.raises(GuardFailed):
        await store.commit([write("o1", coded("a"), expects=2)], [Guard("k", query, ("o1@2",))])


async def test_a_guard_does_not_see_deleted_resources(store: Store) -> None:
    await store.commit([write("o1", coded("a"))])
    await store.commit([removal("o1", 1)])
    await store.commit([write("o2", coded("a"))], [same("a")])
    assert await found(store, asking()) == "o2"


async def test_a_refusal_does_not_tell_what_was_asked(store: Store) -> None:
    await store.commit([write("o1", coded("0101701234"))])
    with pytest.raises(GuardFailed) as refused:
        await store.commit([write("o2", coded("0101701234"))], [same("0101701234")])
    assert "0101701234" not in str(refused.value)


async def test_twenty_equal_guarded_creates_make_one(store: Store) -> None:
    """R4-28"""
    for race in range(3):
        code = f"race{race}"
        outcomes = await asyncio.gather(
            *(store.commit([write(f"{code}-{n}", coded(code))], [same(code)]) for n in range(20)),
            return_exceptions=True,
        )
        assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
        assert all(isinstance(o, GuardFailed) for o in outcomes if isinstance(o, BaseException))
        assert len((await store.search(asking(where("code", "token", TokenIs("s", code))))).matches) == 1


async def test_guards_and_versions_hold_between_two_stores_on_the_same_data(home: Home) -> None:
    """R4-28, R4-35: between processes, too."""
    one, two = await home(), await home()
    await one.commit([write("o1")])
    outcomes = await asyncio.gather(
        *((one, two)[n % 2].commit([write(f"g{n}", coded("a"))], [same("a")]) for n in range(20)),
        *((one, two)[n % 2].commit([write("o1", expects=1)]) for n in range(20)),
        return_exceptions=True,
    )
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes[:20]) == 1
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes[20:]) == 1
    assert not any(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    assert await found(one, asking()) == await found(two, asking())
    await asyncio.gather(one.close(), two.close())


async def test_the_feed_is_whole_while_two_stores_write(home: Home) -> None:
    one, two = await home(), await home()
    seen: list[tuple[int, str]] = []
    writing = True

    async def follow() -> None:
        after = 0
        while True:
            last = not writing
            for version in await two.changes(after, limit=7):
                seen.append((version.position, version.id))
                after = version.position
            if last and not await two.changes(after):
                return
            await asyncio.sleep(0)

    async def write_some(store: Store, name: str) -> None:
        for n in range(15):
            await store.commit([write(f"{name}-{n}-a"), write(f"{name}-{n}-b")])

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write_some((one, two)[n % 2], f"w{n}") for n in range(6)))
    writing = False
    await following
    assert {id for _, id in seen} == {f"w{w}-{n}-{half}" for w in range(6) for n in range(15) for half in "ab"}
    assert [position for position, _ in seen] == sorted({position for position, _ in seen})
    assert seen == [(version.position, version.id) for version in await fed(one)]
    await asyncio.gather(one.close(), two.close())


async def test_a_write_is_seen_by_who_reads_after_it(store: Store) -> None:
    for n in range(40):
        await store.commit([write(f"o{n}", coded(f"c{n}"))])
        assert await store.read("Observation", f"o{n}") is not None
        assert await found(store, asking(where("code", "token", TokenIs("s", f"c{n}")))) == f"o{n}"


async def test_what_was_written_is_there_after_reopening(home: Home) -> None:
    store = await home()
    await store.commit([write("o1", coded("a"), at=NOON)])
    await store.commit([removal("o1", 1), write("o2", coded("a"))])
    await store.close()
    again = await home()
    first = await again.vread("Observation", "o1", 1)
    assert first is not None
    assert not first.deleted
    assert ids(await again.search(asking(where("code", "token", TokenIs("s", "a"))))) == ["o2"]
    assert [version.id for version in await fed(again)] == ["o1", "o1", "o2"]
    (third,) = await again.commit([Write("Observation", "o1", 2, NOON, None, b"{}")])
    assert third.number == 3
    assert third.position > (await fed(again))[2].position
    await again.close()


@pytest.mark.parametrize("together", [True, False])
async def test_what_is_written_several_times_at_once_is_found_by_its_last_values_alone(
    store: Store, together: bool
) -> None:
    """In one commit, or in commits that wait side by side; a deletion between them too."""
    writes = [write("o1", coded("a")), removal("o1", 1), write("o1", coded("b"), expects=2)]
    commits = [writes] if together else [[one] for one in writes]
    made = await asyncio.gather(*(store.commit(one) for one in commits))
    assert [version.number for versions in made for version in versions] == [1, 2, 3]
    assert [version.number for version in await fed(store)] == [1, 2, 3]
    assert await found(store, asking(where("code", "token", TokenIs("s", "a")))) == ""
    assert await found(store, asking(where("code", "token", TokenIs("s", "b")))) == "o1"
