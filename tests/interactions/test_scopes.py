"""SMART scopes: a client has their sum, and never more than the person it works for."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from careplan.fhir.query import Query
from careplan.fhir.search import parse as parse_query
from careplan.fhir.text import dump, read_text
from careplan.interactions.access import Forbidden
from careplan.interactions.context import Context
from careplan.interactions.inclusion import search_all
from careplan.interactions.person import read_person
from careplan.interactions.read import history, read
from careplan.interactions.search import search
from careplan.interactions.smart import Scope, scopes_from_text
from careplan.interactions.write import create, delete, update

from .conftest import BASE, Town, condition, hba1c, measured


def client(town: Town, scopes: str, who: str = "doctor") -> Context:
    context = town.as_(who)
    return replace(context, caller=replace(context.caller, scopes=scopes_from_text(scopes)))


async def ids(context: Context, type_name: str, query: str = "") -> list[str]:
    asked = parse_query(
        type_name, [(n, v) for n, _, v in (p.partition("=") for p in query.split("&") if p)], strict=True, base=BASE
    )
    return sorted([one.id for one in (await search(context, asked)).page.matches])


async def test_a_scope_gives_what_its_letters_say_and_no_other_type(open_town: Town) -> None:
    """R4-119: patient/Observation.rs reads and searches, and creates nothing."""
    context = client(open_town, "patient/Observation.rs")
    assert (await read(context, "Observation", "anna-1")).id == "anna-1"
    assert "anna-1" in await ids(context, "Observation")
    new, changed = read_text(dump(hba1c(50))), read_text(dump(hba1c(50) | {"id": "anna-1"}))
    refused: list[Callable[[], Awaitable[object]]] = [
        lambda: create(context, "Observation", new),
        lambda: update(context, "Observation", "anna-1", changed),
        lambda: delete(context, "Observation", "anna-1"),
        lambda: read(context, "Condition", "anna-t2d"),
        lambda: ids(context, "Condition"),
        lambda: history(context, "Condition", None, count=10),
        lambda: read_person(context, "anna"),
    ]
    for attempt in refused:
        with pytest.raises(Forbidden):
            await attempt()
    assert {one.type for one in (await history(context, None, None, count=100)).versions} == {"Observation"}


async def test_create_update_and_delete_are_letters_of_their_own(open_town: Town) -> None:
    made = await create(client(open_town, "user/Observation.c"), "Observation", read_text(dump(hba1c(50))))
    id = made.version.id
    changed = read_text(dump(hba1c(51) | {"id": id}))
    with pytest.raises(Forbidden):
        await update(client(open_town, "user/Observation.crs"), "Observation", id, changed)
    with pytest.raises(Forbidden):
        await delete(client(open_town, "user/Observation.crus"), "Observation", id)
    await update(client(open_town, "user/Observation.ru"), "Observation", id, changed)
    await delete(client(open_town, "user/Observation.rd"), "Observation", id)


async def test_scopes_never_give_more_than_the_role_has(open_town: Town) -> None:
    context = client(open_town, "system/*.cruds user/*.cruds patient/*.cruds", "visitator")
    with pytest.raises(Forbidden):
        await read(context, "Condition", "anna-t2d")
    with pytest.raises(Forbidden):
        await read(client(open_town, "user/*.cruds", "stranger"), "Observation", "anna-1")


async def test_a_token_without_fhir_scopes_gives_nothing(open_town: Town) -> None:
    for scopes in ("", "openid profile launch/patient", "user/Nothing.rs", "user/Observation.sr", "user/*.rs?code=1"):
        with pytest.raises(Forbidden):
            await read(client(open_town, scopes), "Observation", "anna-1")


async def test_a_scope_with_a_query_narrows_reading_searching_chains_and_includes(open_town: Town) -> None:
    """R4-119: `?category=` scopes filter."""
    lab = {
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
        ]
    }
    await open_town.put(hba1c(49, id="lab-1", **lab), measured("NPU03804", 80, "kg", id="weight-1"))
    context = client(open_town, "user/Observation.rs?category=laboratory user/Patient.rs")
    assert await ids(context, "Observation") == ["lab-1"]
    assert (await read(context, "Observation", "lab-1")).id == "lab-1"
    with pytest.raises(Forbidden):
        await read(context, "Observation", "weight-1")
    assert await ids(context, "Patient", "_has:Observation:patient:code=NPU03804") == []
    assert await ids(context, "Patient", "_has:Observation:patient:code=NPU27300") == ["anna"]
    brought = parse_query("Patient", [("_revinclude", "Observation:patient")], strict=True, base=BASE)
    assert {one.id for one in (await search(context, brought)).included} == {"lab-1"}
    with pytest.raises(Forbidden):
        await history(context, "Observation", None, count=10)
    assert [one async for one in search_all(context, Query("Observation", patient="birthe"))] == []


async def test_scopes_of_one_type_are_a_sum(open_town: Town) -> None:
    await open_town.put(condition("asthma", "R96"))
    assert await ids(client(open_town, "user/Condition.rs?code=T90 user/Condition.rs?code=R96"), "Condition") == [
        "anna-t2d",
        "asthma",
    ]
    assert "asthma" in await ids(client(open_town, "user/Condition.rs?code=T90 user/Condition.rs"), "Condition")


async def test_scopes_over_different_parameters_are_a_sum_too(open_town: Town) -> None:
    """R4-119: what either finds is found, read, chained to and included; what neither finds is not there."""
    await open_town.put(
        measured("NPU03804", 80, "kg", id="weight-1"),
        measured("NPU03804", 81, "kg", id="weight-2", status="amended"),
        measured("NPU27412", 2, "mmol/L", id="ldl-1"),
    )
    context = client(
        open_town, "user/Observation.rs?code=NPU27412 user/Observation.rs?status=amended&code=NPU03804 user/Patient.rs"
    )
    assert await ids(context, "Observation") == ["ldl-1", "weight-2"]
    assert await ids(context, "Observation", "status=final") == ["ldl-1"]
    assert (await read(context, "Observation", "weight-2")).id == "weight-2"
    for hidden in ("weight-1", "anna-1"):
        with pytest.raises(Forbidden):
            await read(context, "Observation", hidden)
    assert await ids(context, "Patient", "_has:Observation:patient:code=NPU27300") == []
    assert await ids(context, "Patient", "_has:Observation:patient:code=NPU03804") == ["anna"]
    brought = parse_query("Patient", [("_revinclude", "Observation:patient")], strict=True, base=BASE)
    assert {one.id for one in (await search(context, brought)).included} == {"ldl-1", "weight-2"}


def test_scopes_are_read_as_smart_writes_them() -> None:
    assert scopes_from_text("launch patient/Patient.r user/*.cruds system/Goal.read system/Goal.write") == (
        Scope("patient", "Patient", "r"),
        Scope("user", "*", "cruds"),
        Scope("system", "Goal", "rs"),
        Scope("system", "Goal", "cud"),
    )
    assert scopes_from_text("patient/Patient. patient/Goal.rs?_count=5 patient/Goal.rs?unknown=1 other/Goal.rs") == ()
