"""Several sets of criteria, of which one at least is fulfilled whole."""

from dataclasses import replace

import pytest
from storing import both, coded, found, pointing, where, write

from careplan.fhir.query import Criterion, IdIs, Link, Query, TokenIs
from careplan.store.protocol import Store


def coded_as(code: str) -> Criterion:
    return where("code", "token", TokenIs("s", code))


def named(*ids: str) -> Criterion:
    return Criterion("_id", "id", tuple(IdIs(id) for id in ids))


async def fill(store: Store) -> None:
    """p1 and p2 have a value `a`, a value `b` and a value `c` each."""
    values = [
        write(f"{code}-{id}", both(coded(code), pointing("Patient", id, "patient")), patient=id)
        for id in ("p1", "p2")
        for code in "abc"
    ]
    await store.commit([*(write(id, coded(id), type="Patient", patient=id) for id in ("p1", "p2")), *values])


CASES = {
    "none": ((), "a-p1 a-p2 b-p1 b-p2 c-p1 c-p2"),
    "one": (((coded_as("a"),),), "a-p1 a-p2"),
    "two": (((coded_as("a"),), (coded_as("b"), named("b-p2", "c-p1"))), "a-p1 a-p2 b-p2"),
    "of other parameters": (((named("c-p1"),), (coded_as("b"),)), "b-p1 b-p2 c-p1"),
    "turned round": (((replace(coded_as("a"), negated=True),), (named("a-p1"),)), "a-p1 b-p1 b-p2 c-p1 c-p2"),
    "nothing": (((coded_as("x"),), (named("a-p1"), coded_as("b"))), ""),
}


@pytest.mark.parametrize(("either", "left"), CASES.values(), ids=CASES)
async def test_what_fulfils_one_of_the_sets_is_found(
    store: Store, either: tuple[tuple[Criterion, ...], ...], left: str
) -> None:
    await fill(store)
    query = Query("Observation", either=either, total=True)
    assert await found(store, query) == left
    assert (await store.search(query)).total == len(left.split())
    within = " ".join(one for one in left.split() if one.endswith("p1"))
    assert await found(store, replace(query, patient="p1")) == within
    only_a = " ".join(one for one in left.split() if one.startswith("a-"))
    assert await found(store, replace(query, criteria=(coded_as("a"),))) == only_a


async def test_links_lead_to_what_fulfils_one_of_the_sets(store: Store) -> None:
    await fill(store)
    other = Query("Observation", (coded_as("c"),), either=((named("a-p1"),), (named("c-p2"),)))
    assert await found(store, Query("Patient", links=(Link("patient", (other,), reverse=True),))) == "p2"
