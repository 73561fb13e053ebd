"""What a search or a history leaves out of some patients' compartments, and whom it lets in besides a clinic's own."""

from dataclasses import replace

import pytest
from storing import NOON, both, coded, found, pointing, walked, where, write

from careplan.fhir.query import Criterion, IdIs, Link, Order, Query, TokenIs, Without
from careplan.store.protocol import Hidden, Past, Store

P1, P2 = frozenset({"p1"}), frozenset({"p2"})
NORTH = Query("Observation", listed_with="north", besides=P2)


async def fill(store: Store) -> None:
    """p1 is listed with north, p2 and p3 with south; each has a value `a` and a value `b`; `loose` is nobody's."""
    clinics = {"p1": "north", "p2": "south", "p3": "south"}
    people = [
        write(id, pointing("Organization", clinic, "general-practitioner"), type="Patient", patient=id)
        for id, clinic in clinics.items()
    ]
    values = [
        write(f"{code}-{id}", both(coded(code), pointing("Patient", id, "patient")), patient=id)
        for id in clinics
        for code in "ab"
    ]
    await store.commit([*people, *values, write("loose", coded("a"), patient=None)])


def coded_as(code: str) -> tuple[Criterion, ...]:
    return (where("code", "token", TokenIs("s", code)),)


@pytest.mark.parametrize(
    ("without", "left"),
    [
        ((), "a-p1 a-p2 a-p3 b-p1 b-p2 b-p3 loose"),
        ((Without(P1),), "a-p2 a-p3 b-p2 b-p3 loose"),
        ((Without(P1 | P2),), "a-p3 b-p3 loose"),
        ((Without(P1), Without(P2)), "a-p3 b-p3 loose"),
        ((Without(P1, coded_as("a")),), "a-p2 a-p3 b-p1 b-p2 b-p3 loose"),
        ((Without(P1, coded_as("a")), Without(P2, coded_as("b"))), "a-p2 a-p3 b-p1 b-p3 loose"),
        (
            (Without(P1, (*coded_as("a"), Criterion("_id", "id", (IdIs("b-p1"),)))),),
            "a-p1 a-p2 a-p3 b-p1 b-p2 b-p3 loose",
        ),
        ((Without(P1, (Criterion("_id", "id", (IdIs("b-p1"),)),)),), "a-p1 a-p2 a-p3 b-p2 b-p3 loose"),
        ((Without(frozenset()),), "a-p1 a-p2 a-p3 b-p1 b-p2 b-p3 loose"),
        ((Without(P1 | P2, (replace(*coded_as("a"), negated=True),)),), "a-p1 a-p2 a-p3 b-p3 loose"),
        (
            (Without(P1, (Criterion("code", "token", missing=False), replace(*coded_as("b"), negated=True))),),
            "a-p2 a-p3 b-p1 b-p2 b-p3 loose",
        ),
    ],
)
async def test_what_is_left_out_is_not_found_counted_or_paged(
    store: Store, without: tuple[Without, ...], left: str
) -> None:
    await fill(store)
    query = Query("Observation", without=without)
    assert await found(store, query) == left
    assert (await store.search(replace(query, total=True))).total == len(left.split())
    by_code = (Order("code", "token"), Order("_id", "id"))
    for orders in ((), by_code, (Order("_lastUpdated", "date", True),)):
        assert sorted(await walked(store, replace(query, orders=orders, count=2))) == left.split()


async def test_what_is_left_out_is_left_out_of_one_patient_s_and_of_some_patients_values(store: Store) -> None:
    await fill(store)
    out = (Without(P1, coded_as("a")), Without(P2))
    assert await found(store, Query("Observation", patient="p1", without=out)) == "b-p1"
    assert await found(store, Query("Observation", patient="p2", without=out)) == ""
    assert await found(store, Query("Observation", patients=P1 | P2, without=out)) == "b-p1"
    assert await found(store, Query("Observation", coded_as("a"), without=out)) == "a-p3 loose"
    assert await found(store, Query("Observation", listed_with="north", without=out)) == "b-p1"


async def test_what_is_left_out_leads_nowhere(store: Store) -> None:
    """Forward and back: what is tied to it alone is not found through it."""
    await fill(store)
    values = Query("Observation", coded_as("a"), without=(Without(P1),))
    back = Query("Patient", links=(Link("patient", (values,), reverse=True),))
    assert await found(store, back) == "p2 p3"
    people = Query("Patient", without=(Without(P1),))
    assert await found(store, Query("Observation", coded_as("b"), links=(Link("patient", (people,)),))) == "b-p2 b-p3"


async def test_what_comes_beside_is_without_it_too(store: Store) -> None:
    await fill(store)
    query = Query("Patient", beside=(Query("Observation", without=(Without(P1, coded_as("a")),)),))
    page = await store.search(query)
    assert sorted(one.id for one in page.beside) == ["a-p2", "a-p3", "b-p1", "b-p2", "b-p3"]


async def test_a_clinic_is_let_in_to_its_own_and_to_those_besides(store: Store) -> None:
    await fill(store)
    assert await found(store, NORTH) == "a-p1 a-p2 b-p1 b-p2"
    assert (await store.search(replace(NORTH, total=True))).total == 4
    assert await found(store, replace(NORTH, patient="p2")) == "a-p2 b-p2"
    assert await found(store, replace(NORTH, patient="p3")) == ""
    assert await found(store, replace(NORTH, without=(Without(P1),))) == "a-p2 b-p2"
    assert await walked(store, replace(NORTH, count=1)) == ["a-p1", "a-p2", "b-p1", "b-p2"]
    people = Query("Patient", listed_with="north", besides=P2)
    linked = Query("Observation", coded_as("a"), links=(Link("patient", (people,)),))
    assert await found(store, replace(linked, listed_with="north", besides=P2)) == "a-p1 a-p2"
    back = Query("Patient", links=(Link("patient", (NORTH,), reverse=True),), listed_with="north", besides=P2)
    assert await found(store, back) == "p1 p2"


@pytest.mark.parametrize(
    ("past", "left"),
    [
        (Past(without=(Hidden(P1 | P2),)), "a-p3 b-p3 loose p3"),
        (Past("Observation", without=(Hidden(P1 | P2),)), "a-p3 b-p3 loose"),
        (Past(without=(Hidden(P1, frozenset({"Observation"})), Hidden(P2))), "a-p3 b-p3 loose p1 p3"),
        (Past("Patient", without=(Hidden(P1, frozenset({"Observation"})),)), "p1 p2 p3"),
        (Past("Observation", "a-p1", without=(Hidden(P1),)), ""),
        (Past(patients=P1 | P2, without=(Hidden(P2),)), "a-p1 b-p1 p1"),
        (Past("Observation", listed_with="north", besides=P2), "a-p1 a-p2 b-p1 b-p2"),
        (Past(listed_with="north", besides=P2, without=(Hidden(P1),)), "a-p2 b-p2 p2"),
    ],
)
async def test_a_history_leaves_out_versions_of_some_patients(store: Store, past: Past, left: str) -> None:
    await fill(store)
    page = await store.history(past)
    assert " ".join(sorted(version.id for version in page.versions)) == left
    assert page.total == len(left.split())
    assert all(version.at >= NOON for version in page.versions)
