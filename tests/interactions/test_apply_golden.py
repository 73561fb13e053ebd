"""Each plan type applied to a person, as it was last looked at: all of the template becomes valid resources.

After a change that was looked at: `cd tests && python -m interactions.test_apply_golden` writes the files anew.
"""

import asyncio
import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from careplan.fhir import bindings, models
from careplan.fhir.agreed import activity_of
from careplan.fhir.mapping import ChartReader
from careplan.fhir.profile import Definitions, load_definitions, validate
from careplan.fhir.text import dump, parse
from careplan.interactions.context import House
from careplan.knowledge.load import load_knowledge
from careplan.published import read_profiles, validator
from careplan.store.sqlite import SQLiteStore

from .conftest import PROFILES, Json, Town, condition, hba1c, measured, patient

GOLDEN = Path(__file__).with_name("golden")
DANISH = Path(__file__).resolve().parents[3] / "shared" / "data" / "dk-core"
ORDER = "http://hl7.dk/fhir/core/StructureDefinition/dk-core-person-servicerequest"
KNOWLEDGE = load_knowledge()
CHECK = validator(load_definitions(read_profiles(PROFILES)))

SMOKES: Json = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "72166-2"}]},
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2026-09-01",
    "valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "266919005"}]},
}
"""Has never smoked: the offer to help stop is not for this person."""

RECORDS: dict[str, list[Json]] = {
    "diabetes": [condition("t2d", "T90", of="p"), hba1c(55, of="p"), SMOKES],
    "kol": [condition("kol", "R95", "2024-03-01", of="p"), measured("NPU27300", 38, "mmol/mol", of="p")],
    "hjerte": [condition("ihd", "K74", "2024-05-20", of="p")],
}
RECORDS["alle"] = [one for record in RECORDS.values() for one in record]
CASES = [("diabetes", "diabetes"), ("kol", "kol"), ("hjerte", "hjerte")] + [("alle", kind) for kind in KNOWLEDGE.plans]


def name_of(person: str, kind: str) -> str:
    return f"apply-{kind}.json" if person == kind else f"apply-{person}-{kind}.json"


async def applied(person: str, kind: str) -> Json:
    """What `$apply` answers of an invented person in a house of their own, on a fixed day with ids that count."""
    store = SQLiteStore.open(":memory:")
    try:
        town = Town(House(store, store, KNOWLEDGE, ChartReader(KNOWLEDGE), CHECK, b"secret"))
        await town.put({"resourceType": "Organization", "id": "north", "name": "north"}, patient("p"))
        for nth, one in enumerate(RECORDS[person]):
            await town.put({"id": f"o{nth}", **one})
        town.ids = count(1)
        return await town.call("PlanDefinition/$apply", kind, subject="Patient/p")
    finally:
        await store.close()


def written(answer: Json) -> str:
    return json.dumps(json.loads(dump(answer)), ensure_ascii=False, indent=1) + "\n"


@pytest.mark.parametrize(("person", "kind"), CASES)
async def test_what_apply_answers_is_what_was_last_looked_at(person: str, kind: str) -> None:
    assert written(await applied(person, kind)) == (GOLDEN / name_of(person, kind)).read_text("utf-8")


def test_nothing_else_is_kept_as_golden() -> None:
    assert {path.name for path in GOLDEN.glob("apply-*.json")} == {name_of(*case) for case in CASES}


@pytest.mark.parametrize(("person", "kind"), CASES)
async def test_the_answer_and_everything_in_it_is_valid(person: str, kind: str) -> None:
    answer = await applied(person, kind)
    for resource in (answer, *answer["contained"]):
        found = models.faults(resource) + bindings.faults(resource) + list(CHECK(resource))
        assert [fault for fault in found if fault.severity == "error"] == [], resource["id"]


@pytest.mark.parametrize(("person", "kind"), CASES)
async def test_every_goal_and_activity_of_the_template_is_made_or_said_not_to_be(person: str, kind: str) -> None:
    answer, plan = await applied(person, kind), KNOWLEDGE.plans[kind]
    goals = [one["target"][0]["measure"]["text"] for one in answer["contained"] if one["resourceType"] == "Goal"]
    noted = [one["text"].partition(":")[0] for one in answer.get("note", ())]
    wanted = [KNOWLEDGE.measures[name].name for name in plan.follows if KNOWLEDGE.measures[name].goal]
    assert sorted([*goals, *noted]) == sorted(wanted)
    made = {activity_of(one): one["resourceType"] for one in answer["contained"] if one["resourceType"] != "Goal"}
    left = {activity_of(one["detail"]): one["detail"]["kind"] for one in answer["activity"] if "detail" in one}
    assert made | left == {one.id: one.kind for one in plan.activities}
    assert not made.keys() & left.keys()
    assert "ServiceRequest" in made.values()


@pytest.fixture(scope="module")
def danish() -> Definitions:
    if not DANISH.exists():
        pytest.skip("the dk-core profiles are not beside this repository")
    return load_definitions(parse(path.read_bytes()) for path in sorted(DANISH.glob("[pt]*/*.json")))


@pytest.mark.parametrize(("person", "kind"), CASES)
async def test_every_order_keeps_to_the_danish_profile(person: str, kind: str, danish: Definitions) -> None:
    orders = [one for one in (await applied(person, kind))["contained"] if one["resourceType"] == "ServiceRequest"]
    faults: list[Any] = [fault for one in orders for fault in validate(one, danish, [ORDER])]
    assert faults == []


async def write() -> None:
    for person, kind in CASES:
        (GOLDEN / name_of(person, kind)).write_text(written(await applied(person, kind)), "utf-8")


if __name__ == "__main__":
    asyncio.run(write())
