"""Many patients read at once: the same facts and answers as for each by themselves; and two knowledges side by side."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from page_house import ON, World, fill, open_world
from revised import copied, stricter_ldl

from careplan.domain.evaluation import evaluate
from careplan.domain.guideline import Knowledge
from careplan.fhir.mapping import ChartReader
from careplan.fhir.query import Query
from careplan.fhir.stored import value_from_stored
from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.access import Forbidden
from careplan.interactions.cohort import members, patients_of
from careplan.interactions.context import Context
from careplan.interactions.person import read_person
from careplan.interactions.reevaluation import reevaluate
from careplan.interactions.reevaluation_text import json_from_reevaluation, lines_from_reevaluation, listed
from careplan.interactions.write import update
from careplan.knowledge.load import load_knowledge

from .conftest import hba1c

PEOPLE = 45


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cohort") / "filled.db"
    asyncio.run(fill(path, PEOPLE))
    return path


@pytest.fixture
async def world(filled: Path, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(filled, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def stricter(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    return load_knowledge(stricter_ldl(tmp_path_factory.mktemp("stricter") / "new"))


async def test_many_at_once_come_out_as_each_alone(world: World) -> None:
    context, seen = world.context(), 0
    async for member in members(context, await patients_of(context, None), [context.knowledge]):
        person = await read_person(context, member.id)
        chart = context.house.reader.chart(member.facts, context.on)
        assert chart == person.chart, member.id
        assert evaluate(context.knowledge, chart) == person.answer
        seen += 1
    assert seen == PEOPLE


async def test_values_that_no_rule_asks_about_are_left_unread(world: World) -> None:
    context = world.context()
    patients = await patients_of(context, None)
    read = [len(one.resources["Observation"]) async for one in members(context, patients, [context.knowledge])]
    stored = [
        len((await world.house.store.search(Query("Observation", patient=p.id, count=1000))).matches) for p in patients
    ]
    assert 0 < sum(read) < sum(stored) * 0.8


async def test_a_code_that_is_spelled_with_an_escape_is_read_all_the_same(world: World) -> None:
    context = world.context()
    value = hba1c(49, "2026-11-21", id="spelled")
    spelled = dump(value).replace(b"NPU27300", rb"NPU\u00327300")
    await update(context, "Observation", "spelled", read_text(spelled))
    (version,) = [one for one in await patients_of(context, None) if one.id == "anna"]
    (member,) = [one async for one in members(context, [version], [context.knowledge])]
    fact = context.house.reader.chart(member.facts, context.on).facts["hba1c"]
    assert (fact.value, fact.references) == (49, ("Observation/spelled",))


async def test_a_stored_text_reads_as_it_did_when_it_came(world: World) -> None:
    for type_name in ("Patient", "Observation", "Goal", "CarePlan", "MedicationStatement"):
        page = await world.house.store.search(Query(type_name, count=200))
        for version in page.matches:
            assert value_from_stored(version.body or b"") == parse(version.body or b"")


async def test_a_changed_ldl_row_names_exactly_the_patients_it_touches(world: World, stricter: Knowledge) -> None:
    context = world.context()
    found = await reevaluate(context, context.knowledge, stricter)
    brute = [id for id in await ids(context) if await changes(context, stricter, id)]
    assert [one.patient for one in found.moved] == sorted(brute)
    assert 0 < len(brute) < PEOPLE
    assert {(one.measure, *one.rows) for one in found.moved} == {("ldl", "LDL-04", "LDL-04")}
    assert (found.patients, found.touched, found.eligible) == (PEOPLE, len(brute), ())
    assert found.by_measure == {"ldl": len(brute)}


async def ids(context: Context) -> list[str]:
    return [one.id for one in await patients_of(context, None)]


async def changes(context: Context, new: Knowledge, patient: str) -> bool:
    """Whether somebody's LDL target is another by the new knowledge, worked out from their whole record."""
    person = await read_person(context, patient)
    after = evaluate(new, ChartReader(new).chart_from_record(person.record))
    return any(
        (name in after.recommendations) != (name in person.answer.recommendations)
        or after.recommendations[name].row.target != one.row.target
        for name, one in person.answer.recommendations.items()
    )


async def test_it_is_told_in_counts_and_line_by_line(world: World, stricter: Knowledge) -> None:
    context = world.context()
    heard: list[tuple[int, int]] = []
    found = await reevaluate(context, context.knowledge, stricter, tell=lambda *one: heard.append(one))
    assert heard == [(number, PEOPLE) for number in range(1, PEOPLE + 1)]
    lines = list(lines_from_reevaluation(found))
    count = len(found.moved)
    assert lines[1:] == [f"  ldl: {count} patients", f"    LDL-04 → LDL-04: {count}"]
    first = next(iter(listed(found)))
    assert first.split("\t")[1:] == ["ldl", "LDL-04 (under 1,4 mmol/L) → LDL-04 (under 1,2 mmol/L)"]
    assert json_from_reevaluation(found)["by_rows"] == [
        {"measure": "ldl", "before": "LDL-04", "after": "LDL-04", "patients": count}
    ]


async def test_who_becomes_eligible_or_no_longer_is_is_named(world: World) -> None:
    context = world.context()
    plan = context.knowledge.plans["kol"]
    without = replace(context.knowledge, plans={**context.knowledge.plans, "kol": replace(plan, eligible=())})
    had = [id for id in await ids(context) if (await read_person(context, id)).answer.plans["kol"].row is not None]
    found = await reevaluate(context, context.knowledge, without)
    assert had and [one.patient for one in found.eligible if one.plan == "kol"] == sorted(had)
    assert f"  plan kol: 0 become eligible, {len(had)} no longer are" in list(lines_from_reevaluation(found))
    back = await reevaluate(context, without, context.knowledge)
    assert [one.patient for one in back.eligible] == sorted(had)


async def test_two_that_read_a_record_differently_are_read_each_in_its_own_way(world: World, tmp_path: Path) -> None:
    folder = copied(tmp_path / "other")
    text = (folder / "facts/diagnoses.toml").read_text(encoding="utf-8")
    fewer = re.sub(r'icpc = \["K74".*?\], sks = \[.*?\]', 'icpc = ["K75"], sks = ["DI21"]', text)
    (folder / "facts/diagnoses.toml").write_text(fewer, encoding="utf-8")
    context, new = world.context(), load_knowledge(folder)
    found = await reevaluate(context, context.knowledge, new)
    brute = {id for id in await ids(context) if await eligible(context, context.knowledge, id)}
    left = {id for id in brute if await eligible(context, new, id)}
    assert {one.patient for one in found.eligible if one.plan == "hjerte"} == brute - left != set()


async def eligible(context: Context, knowledge: Knowledge, patient: str) -> bool:
    person = await read_person(context, patient)
    chart = ChartReader(knowledge).chart_from_record(person.record)
    return evaluate(knowledge, chart).plans["hjerte"].row is not None


async def test_a_clinic_s_patients_alone_are_evaluated_and_others_are_nobody_s_business(world: World) -> None:
    nurse = world.context("nurse")
    clinic = nurse.caller.organization
    own = await patients_of(nurse, clinic)
    assert 0 < len(own) < PEOPLE
    assert [one.id for one in await patients_of(world.context(), clinic)] == [one.id for one in own]
    with pytest.raises(Forbidden):
        await patients_of(nurse, "somewhere-else")
    with pytest.raises(Forbidden):
        await patients_of(world.context("visitator"), None)


async def test_nothing_is_written(world: World, stricter: Knowledge) -> None:
    before = await world.house.store.changes(0, 100_000)
    await reevaluate(world.context(), world.house.knowledge, stricter, on=ON)
    assert await world.house.store.changes(0, 100_000) == before
