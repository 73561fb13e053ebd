"""Includes: once each, on and on with `:iterate`, within the caller's bounds, and nothing is read past the limit."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from typing import Any

import pytest

from careplan.fhir.query import Query
from careplan.fhir.search import parse as parse_query
from careplan.interactions.context import Limits
from careplan.interactions.search import search
from careplan.store.protocol import Page, Version
from careplan.store.sqlite import SQLiteStore

from .conftest import BASE, Json, Town, hba1c, patient, referral


class Watched(SQLiteStore):
    """The store in memory, which remembers what it was asked."""

    def __init__(self, *lanes: Any) -> None:
        super().__init__(*lanes)
        self.asked: list[str] = []

    async def read(self, type: str, id: str) -> Version | None:
        self.asked.append(type)
        return await super().read(type, id)

    async def search(self, query: Query) -> Page:
        self.asked.append(f"{query.type}?")
        return await super().search(query)


@pytest.fixture
async def watched(town: Town) -> AsyncIterator[tuple[Town, Watched]]:
    """Ten people with two values each; a search brings three along, and a page has four."""
    store = Watched.open(":memory:")
    assert isinstance(store, Watched)
    made = Town(replace(town.house, store=store, limits=Limits(page_maximum=4, includes=3)))
    for n in range(10):
        await made.put(patient(f"p{n}"), *({**hba1c(50, of=f"p{n}"), "id": f"v{n}-{m}"} for m in range(2)))
    store.asked.clear()
    yield made, store
    await store.close()


async def brought(town: Town, type_name: str, *includes: tuple[str, str]) -> list[str]:
    query = parse_query(type_name, [("_sort", "_id"), *includes], strict=True, base=BASE)
    return [version.reference for version in (await search(town.as_("system"), query)).included]


async def test_forward_includes_past_the_limit_are_not_read(watched: tuple[Town, Watched]) -> None:
    town, store = watched
    assert await brought(town, "Observation", ("_include", "Observation:subject"), ("_include", "*")) == [
        "Patient/p0",
        "Patient/p1",
        "Patient/p2",
    ]
    assert store.asked == ["Observation?", "Patient?"]


async def test_reverse_includes_past_the_limit_are_not_searched(watched: tuple[Town, Watched]) -> None:
    town, store = watched
    found = await brought(
        town, "Patient", ("_revinclude", "Observation:subject"), ("_revinclude", "Observation:patient")
    )
    assert len(found) == 3
    assert store.asked == ["Patient?", "Observation?"]


async def test_includes_below_the_limit_all_come_once(watched: tuple[Town, Watched]) -> None:
    town, _ = watched
    query = parse_query("Observation", [("_id", "v1-0,v1-1,v2-0"), ("_include", "*")], strict=True, base=BASE)
    found = await search(town.as_("system"), query)
    assert {version.reference for version in found.included} == {"Patient/p1", "Patient/p2"}


def included(town: Town, type_name: str, *includes: tuple[str, str], who: str = "system") -> Awaitable[list[str]]:
    """What a search by a caller brings, sorted; each is asserted to come once."""

    async def run() -> list[str]:
        query = parse_query(type_name, includes, strict=True, base=BASE)
        found = await search(town.as_(who), query)
        references = sorted(version.reference for version in found.included)
        matches = {version.reference for version in found.page.matches}
        assert len(references) == len(set(references) - matches)
        return references

    return run()


def task(id: str, *parts: str, of: str = "anna") -> Json:
    """A task that is part of others."""
    base = {
        "resourceType": "Task",
        "id": id,
        "status": "ready",
        "intent": "order",
        "for": {"reference": f"Patient/{of}"},
    }
    return base | ({"partOf": [{"reference": f"Task/{one}"} for one in parts]} if parts else {})


async def test_an_include_that_iterates_goes_on_from_what_it_brought(town: Town) -> None:
    """R4-104."""
    await town.put({**hba1c(50), "id": "v"})
    plain = ("_include", "Observation:subject"), ("_include", "Observation:patient")
    assert await included(town, "Observation", *plain) == ["Patient/anna"]
    further = ("_include:iterate", "Patient:general-practitioner")
    assert await included(town, "Observation", *plain, further) == ["Organization/north", "Patient/anna"]
    assert await included(town, "Observation", further) == []


async def test_a_reverse_include_that_iterates_goes_on_too(town: Town) -> None:
    """R4-104: from a practice to its patients, and from those to their values."""
    await town.put({**hba1c(50), "id": "v"}, {**hba1c(60, of="carl"), "id": "w"})
    back = ("_revinclude", "Patient:general-practitioner"), ("_revinclude:iterate", "Observation:patient")
    assert await included(town, "Organization", ("_id", "south"), *back) == ["Observation/w", "Patient/carl"]


async def test_includes_end_on_cycles(town: Town) -> None:
    """R4-104."""
    await town.put(task("a", "b"), task("b", "c"), task("c", "a"))
    for key in ("_include:iterate", "_revinclude:iterate"):
        assert await included(town, "Task", ("_id", "a"), (key, "Task:part-of")) == ["Task/b", "Task/c"]


async def test_includes_end_at_the_limit_of_rounds(town: Town) -> None:
    await town.put(*(task(f"t{n}", *([f"t{n + 1}"] if n < 9 else [])) for n in reversed(range(10))))
    ask = ("_id", "t0"), ("_include:iterate", "Task:part-of")
    assert await included(town, "Task", *ask) == ["Task/t1", "Task/t2", "Task/t3", "Task/t4", "Task/t5"]
    shallow = Town(replace(town.house, limits=Limits(include_depth=0)))
    assert await included(shallow, "Task", *ask) == ["Task/t1"]


async def warned(town: Town, type_name: str, *asked: tuple[str, str]) -> list[str]:
    """What a search says of includes that are missing."""
    found = await search(town.as_("system"), parse_query(type_name, asked, strict=True, base=BASE))
    assert all((fault.code, fault.severity) == ("too-costly", "warning") for fault in found.faults)
    return [fault.message for fault in found.faults]


@pytest.mark.parametrize("key", ["_include", "_include:iterate"])
async def test_what_is_missing_past_the_limit_is_said(watched: tuple[Town, Watched], key: str) -> None:
    """R4-103."""
    town, _ = watched
    for asked in ((key, "Observation:subject"), ("_sort", "_id")), (("_revinclude", "Observation:subject"),):
        (message,) = await warned(town, "Observation" if asked[0][0] == key else "Patient", *asked)
        assert "3" in message
        assert "CAREPLAN_INCLUDES" in message
        assert "_count" in message


async def test_as_many_includes_as_the_limit_are_whole(watched: tuple[Town, Watched]) -> None:
    """R4-103: nothing is missing, so nothing is said; of what comes twice no second one is missed."""
    town, _ = watched
    only = ("_id", "v0-0,v1-0,v2-0,v2-1")
    twice = ("_include", "Observation:subject"), ("_include", "Observation:patient"), ("_include:iterate", "*")
    assert await warned(town, "Observation", only, *twice) == []
    assert await warned(town, "Patient", ("_id", "p0"), ("_revinclude", "Observation:subject")) == []
    assert await warned(town, "Observation", only) == []


async def test_what_is_missing_past_the_limit_of_rounds_is_said(town: Town) -> None:
    """R4-104: once there is more; a chain that ends there is whole."""
    await town.put(*(task(f"t{n}", *([f"t{n + 1}"] if n < 9 else [])) for n in reversed(range(10))))
    (message,) = await warned(town, "Task", ("_id", "t0"), ("_include:iterate", "Task:part-of"))
    assert "CAREPLAN_INCLUDE_DEPTH" in message
    assert "4" in message
    assert await warned(town, "Task", ("_id", "t4"), ("_include:iterate", "Task:part-of")) == []
    assert await warned(town, "Task", ("_id", "t0"), ("_include", "Task:part-of")) == []


async def test_nothing_is_said_of_what_the_caller_may_not_see(town: Town) -> None:
    """R4-107: not even that it is missing."""
    await town.put({**hba1c(60, of="carl"), "id": "w"}, {**hba1c(50), "id": "v"})
    small = Town(replace(town.house, limits=Limits(includes=2)))
    back = [("_revinclude", "Patient:general-practitioner")]
    query = parse_query("Organization", back, strict=True, base=BASE)
    for who, faults in (("doctor", 0), ("system", 1)):
        assert len((await search(small.as_(who), query)).faults) == faults


async def test_an_include_may_name_the_type_it_leads_to(town: Town) -> None:
    """R4-104."""
    owned = task("t") | {"owner": {"reference": "Organization/town"}, "requester": {"reference": "Patient/anna"}}
    await town.put(owned)
    assert await included(town, "Task", ("_include", "Task:owner:Organization")) == ["Organization/town"]
    assert await included(town, "Task", ("_include", "Task:requester:Organization")) == []
    assert await included(town, "Task", ("_include", "Task:requester:Patient")) == ["Patient/anna"]


async def test_every_reference_is_followed_by_a_star(town: Town) -> None:
    """R4-105."""
    await town.put(task("t") | {"owner": {"reference": "Organization/town"}})
    assert await included(town, "Task", ("_include", "*")) == ["Organization/town", "Patient/anna"]
    everything = ["Organization/north", "Organization/town", "Patient/anna"]
    assert await included(town, "Task", ("_include:iterate", "*")) == everything


async def test_targets_that_are_not_there_are_left_out(town: Town) -> None:
    """R4-103."""
    elsewhere = [{"reference": "https://them.example/fhir/Task/1"}, {"identifier": {"value": "x"}}]
    await town.put(task("gone"), task("t", "gone", "never"), task("u") | {"partOf": elsewhere})
    await town.delete("Task/gone", who="system")
    assert await included(town, "Task", ("_include", "Task:part-of")) == []


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("system", ["Observation/v", "Observation/w", "Patient/anna", "Patient/birthe", "Patient/carl"]),
        ("doctor", ["Observation/v", "Patient/anna", "Patient/birthe"]),
        ("stranger", ["Observation/w", "Patient/carl"]),
        ("anna", ["Observation/v", "Patient/anna"]),
        ("visitator", []),
    ],
)
async def test_includes_bring_only_what_the_caller_may_see(town: Town, who: str, expected: list[str]) -> None:
    """R4-107: forward and back, from resources that everybody may see."""
    await town.put({**hba1c(50), "id": "v"}, {**hba1c(60, of="carl"), "id": "w"})
    back = ("_revinclude", "Patient:general-practitioner"), ("_revinclude:iterate", "Observation:patient")
    assert await included(town, "Organization", *back, who=who) == expected


async def test_a_type_that_the_role_does_not_read_is_not_brought(town: Town) -> None:
    """R4-107: a referral opens no diagnoses."""
    await town.put(referral("r"), {**hba1c(50), "id": "v"})
    back = ("_revinclude", "Condition:patient"), ("_revinclude", "Observation:patient")
    assert await included(town, "Patient", *back, who="visitator") == ["Observation/v"]
    assert "Condition/anna-t2d" in await included(town, "Patient", *back, who="doctor")
