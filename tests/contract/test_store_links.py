"""Chains and `_has`: what a search asks of other resources (checklist R4-98, R4-99, R4-107)."""

from dataclasses import replace

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
    missing,
    pointing,
    removal,
    walked,
    where,
    worded,
    write,
)

from careplan.fhir.query import Criterion, Link, Order, Query, StringIs, TokenIs
from careplan.fhir.value import SearchValues
from careplan.store import mongo_search, sqlite_search
from careplan.store.protocol import Guard, GuardFailed, Store, TooCostly, Write


def named(*names: str) -> Criterion:
    return where("name", "string", *(StringIs("starts", name) for name in names))


def code(code: str) -> Criterion:
    return where("code", "token", TokenIs(None, code))


def chain(parameter: str, *queries: Query) -> Link:
    return Link(parameter, queries)


def has(parameter: str, query: Query) -> Link:
    return Link(parameter, (query,), reverse=True)


def of(type: str, *criteria: Criterion, links: tuple[Link, ...] = ()) -> Query:
    return Query(type, criteria, links=links)


def person(id: str, name: str, clinic: str) -> Write:
    listed = pointing("Organization", clinic, "general-practitioner")
    return write(id, both(worded(name), listed), type="Patient", patient=id)


def value(id: str, code: str, patient: str, *more: SearchValues) -> Write:
    return write(id, both(coded(code), pointing("Patient", patient), *more), patient=patient)


TOWN = [
    write("north", worded("North"), type="Organization", patient=None),
    write("south", worded("South"), type="Organization", patient=None),
    person("anna", "Anna", "north"),
    person("bent", "Bent", "north"),
    person("carl", "Carl", "south"),
    value("a1", "hba1c", "anna", pointing("Practitioner", "eva", "performer")),
    value("a2", "ldl", "anna", pointing("Organization", "north", "performer")),
    value("b1", "hba1c", "bent"),
    value("c1", "ldl", "carl", pointing("Organization", "south", "performer")),
    write("eva", worded("Eva North"), type="Practitioner", patient=None),
    write("g1", both(coded("hba1c"), pointing("Group", "anna")), patient=None),
    write("far", both(coded("hba1c"), pointing("", "https://elsewhere.example/fhir/Patient/anna")), patient=None),
]


@pytest.fixture(params=["by links", "by filters"])
async def town(request: pytest.FixtureRequest, store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The town; on SQLite, links as ways in and as filters on the way."""
    if request.param == "by filters":
        monkeypatch.setattr(sqlite_search, "MANY", -1)
    await kept(store, TOWN)
    return store


async def test_a_chain_asks_of_what_is_referred_to(town: Store) -> None:
    """R4-98: of the type named alone, with modifiers and OR, and negated or missing within."""
    cases = {
        "name": (chain("subject", of("Patient", named("an"))), "a1 a2"),
        "or": (chain("subject", of("Patient", named("an", "be"))), "a1 a2 b1"),
        "exact": (chain("subject", of("Patient", where("name", "string", StringIs("exact", "anna")))), ""),
        "not": (chain("subject", of("Patient", replace(named("an"), negated=True))), "b1 c1"),
        "missing": (chain("subject", of("Patient", missing("name", "string"))), ""),
        "another type": (chain("subject", of("Group", named("an"))), ""),
        "any": (chain("subject", of("Patient")), "a1 a2 b1 c1"),
        "several": (chain("performer", of("Practitioner", named("eva")), of("Organization", named("so"))), "a1 c1"),
        "another parameter": (chain("author", of("Patient", named("an"))), ""),
        "nothing to lead to": (chain("subject"), ""),
    }  # fmt: skip
    got = {name: await found(town, replace(asking(), links=(link,))) for name, (link, _) in cases.items()}
    assert got == {name: ids for name, (_, ids) in cases.items()}


async def test_chains_go_on_over_several_resources(town: Store) -> None:
    """R4-98: two hops and more."""
    clinic = chain("general-practitioner", of("Organization", named("no")))
    at_north = chain("subject", of("Patient", links=(clinic,)))
    assert await found(town, replace(asking(), links=(at_north,))) == "a1 a2 b1"
    assert await found(town, replace(asking(code("hba1c")), links=(at_north,))) == "a1 b1"
    bent_too = chain("subject", of("Patient", named("be"), links=(clinic,)))
    assert await found(town, replace(asking(), links=(at_north, bent_too))) == "b1"


async def test_has_asks_of_what_refers_to_it(town: Store) -> None:
    """R4-99: `_has`, two independent ones, and one in another."""
    hba1c, ldl = has("subject", of("Observation", code("hba1c"))), has("subject", of("Observation", code("ldl")))
    both_of_one = has("subject", of("Observation", code("hba1c"), code("ldl")))
    cases = {
        "one": ((hba1c,), "anna bent"),
        "two": ((hba1c, ldl), "anna"),
        "of one resource": ((both_of_one,), ""),
        "other parameter": ((has("performer", of("Observation", code("hba1c"))),), ""),
        "with a chain": ((ldl, chain("general-practitioner", of("Organization", named("south")))), "carl"),
    }
    got = {name: await found(town, replace(of("Patient"), links=links)) for name, (links, _) in cases.items()}
    assert got == {name: ids for name, (_, ids) in cases.items()}
    clinics = has("general-practitioner", of("Patient", links=(ldl,)))
    assert await found(town, replace(of("Organization"), links=(clinics,))) == "north south"
    clinics = has("general-practitioner", of("Patient", named("a"), links=(ldl, hba1c)))
    assert await found(town, replace(of("Organization"), links=(clinics,))) == "north"


def there_and_back(rounds: int) -> Query:
    """Bent; who shares a clinic with him; who shares one with those; …"""
    query = of("Patient", named("bent"))
    for _ in range(rounds):
        query = of("Organization", links=(has("general-practitioner", query),))
        query = of("Patient", links=(chain("general-practitioner", query),))
    return query


async def test_one_link_of_two_types_leads_to_each(town: Store) -> None:
    """R4-99: the same `_has` within two chains of other types."""
    await kept(town, [write("anna", type="Group", patient=None)])
    valued = (has("subject", of("Observation", code("hba1c"))),)
    either = chain("subject", of("Patient", links=valued), of("Group", links=valued))
    assert await found(town, replace(asking(code("hba1c")), links=(either,))) == "a1 b1 g1"
    people = chain("subject", of("Patient", named("be"), links=valued), of("Group", links=valued))
    assert await found(town, replace(asking(), links=(people,))) == "b1 g1"


async def test_links_deep_within_each_other(town: Store) -> None:
    """R4-99: there and back again."""
    assert await found(town, there_and_back(2)) == "anna bent"


async def test_links_deeper_than_sqlite_bears_are_refused_unless_they_lead_to_few(
    town: Store, request: pytest.FixtureRequest
) -> None:
    names = request.node.callspec.params.values()
    if {"by filters", "sqlite"} <= set(names):
        with pytest.raises(TooCostly):
            await town.search(there_and_back(5))
    else:
        assert await found(town, there_and_back(5)) == "anna bent"


async def test_what_links_lead_to_is_restricted_too(town: Store) -> None:
    """R4-107: a chain or `_has` tells nothing of records that the caller may not see."""
    anna = of("Patient", named("an"))
    for seen, query in {
        "a1 a2": replace(anna, patients=frozenset({"anna", "carl"})),
        "": replace(anna, patients=frozenset({"carl"})),
        " ": replace(anna, patients=frozenset()),
        "a1 a2 ": replace(anna, listed_with="north"),
        "  ": replace(anna, listed_with="south"),
        "a1 a2  ": replace(anna, patient="anna", listed_with="north"),
        "   ": replace(anna, patient="anna", listed_with="south"),
        "    ": replace(anna, patient="bent"),
    }.items():
        assert await found(town, replace(asking(), links=(chain("subject", query),))) == seen.strip(), query
    ldl = has("subject", replace(of("Observation", code("ldl")), listed_with="south"))
    assert await found(town, replace(of("Patient"), links=(ldl,))) == "carl"
    ldl = has("subject", replace(of("Observation", code("ldl")), patients=frozenset({"anna"})))
    assert await found(town, replace(of("Patient"), links=(ldl,))) == "anna"
    query = replace(asking(), links=(chain("subject", anna),), patient="anna")
    assert await found(town, query) == "a1 a2"
    assert await found(town, replace(query, patient="bent")) == ""
    assert await found(town, replace(query, patient=None, listed_with="south")) == ""


async def test_deleted_resources_and_old_versions_link_nothing(town: Store) -> None:
    """R4-70, R4-71"""
    by_name = replace(asking(), links=(chain("subject", of("Patient", named("an"))),))
    with_ldl = replace(of("Patient"), links=(has("subject", of("Observation", code("ldl"))),))
    await kept(town, [removal("c1", 1), write("a2", both(coded("ldl"), pointing("Patient", "bent")), expects=1)])
    assert await found(town, with_ldl) == "bent"
    assert await found(town, by_name) == "a1"
    await kept(town, [removal("anna", 1, type="Patient")])
    assert await found(town, by_name) == ""


async def test_pages_and_totals_of_a_search_with_links(town: Store) -> None:
    """R4-74, R4-75"""
    await kept(town, [value(f"n{n}", "ldl", "anna", dated(NOON + n // 3 * SECOND)) for n in range(20)])
    link = chain("subject", of("Patient", named("an")))
    query = replace(asking(code("ldl"), orders=(Order("date", "date", True),), count=4), links=(link,), total=True)
    assert (await town.search(query)).total == 21
    seen = await walked(town, query)
    assert seen[0] == "n18"
    assert seen[-1] == "a2"
    assert (len(seen), set(seen)) == (21, {"a2", *(f"n{n}" for n in range(20))})
    assert ids(await town.search(replace(query, orders=(Order("_id", "id", True),)))) == ["n9", "n8", "n7", "n6"]


async def test_a_guard_may_ask_by_links(town: Store) -> None:
    """R4-28: a conditional create by a chain sees what another has just written."""
    guard = Guard("k", replace(asking(code("new")), links=(chain("subject", of("Patient", named("an"))),)))
    await town.commit([value("n1", "new", "bent")], [guard])
    await town.commit([value("n2", "new", "anna")], [guard])
    with pytest.raises(GuardFailed):
        await town.commit([value("n3", "new", "anna")], [guard])


@pytest.mark.parametrize("home", ["mongo", "pymongo"], indirect=True)
async def test_links_that_lead_to_too_many_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """MongoDB finds what links lead to first, so there is a bound; a refused guard leaves its neighbours alone."""
    await kept(store, TOWN)
    monkeypatch.setattr(mongo_search, "MOST_LINKED", 2)
    all_people = replace(asking(), links=(chain("subject", of("Patient")),))
    valued = replace(of("Patient"), links=(has("subject", of("Observation")),))
    for query in (all_people, valued):
        with pytest.raises(TooCostly):
            await store.search(query)
        with pytest.raises(TooCostly):
            await store.commit([write("new")], [Guard("k", query)])
    assert await found(store, replace(asking(), links=(chain("subject", of("Patient", named("an"))),))) == "a1 a2"
    assert await store.read("Observation", "new") is None
