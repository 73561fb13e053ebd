"""A house on SQLite in memory, a clock that stands still, ids that count, and the people who call.

Two practices, a municipality, and Anna (diabetes and heart disease, listed with the practice `north`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from careplan.app import open_catalogue
from careplan.fhir import systems
from careplan.fhir.instant import COPENHAGEN
from careplan.fhir.mapping import ChartReader
from careplan.fhir.profile import load_definitions
from careplan.fhir.search import parse as parse_query
from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.caller import SYSTEM, Caller
from careplan.interactions.context import Context, House
from careplan.interactions.operations import OPERATIONS
from careplan.interactions.operations.asked import asked_from_parameters
from careplan.interactions.performed import Performed
from careplan.interactions.read import read
from careplan.interactions.search import search
from careplan.interactions.transaction import perform
from careplan.interactions.write import create, delete, update
from careplan.knowledge.load import load_knowledge
from careplan.published import read_profiles, validator
from careplan.store.protocol import Store, Version
from careplan.store.sqlite import SQLiteStore

PROFILES = Path(__file__).resolve().parents[2] / "profiles"
NOW = datetime(2026, 11, 22, 10, tzinfo=COPENHAGEN)
BASE = "https://plan.example/fhir"
Json = dict[str, Any]

CALLERS = {
    "system": SYSTEM,
    "doctor": Caller("clinic", "Mette Holm", "north", reference="PractitionerRole/doctor"),
    "nurse": Caller("clinic", "Lars Krogh", "north", reference="PractitionerRole/nurse"),
    "clinic-system": Caller("clinic", "Journalsystem", "north"),
    "stranger": Caller("clinic", "Jens Toft", "south", reference="PractitionerRole/other"),
    "visitator": Caller("municipality", "Sanne Bach", "town", reference="PractitionerRole/v"),
    "anna": Caller("patient", "Anna", patient="anna", reference="Patient/anna"),
    "birthe": Caller("patient", "Birthe", patient="birthe", reference="Patient/birthe"),
    "lps": Caller("lps", "LPS", "north"),
    "statistics": Caller("statistics", "Statistik"),
}


def concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def patient(id: str, practice: str = "north", **more: Any) -> Json:
    base = {"resourceType": "Patient", "id": id, "gender": "female", "birthDate": "1966-05-20"}
    return base | {"generalPractitioner": [{"reference": f"Organization/{practice}"}]} | more


def condition(id: str, code: str, onset: str = "2020-05-20", of: str = "anna") -> Json:
    return {
        "resourceType": "Condition",
        "id": id,
        "clinicalStatus": concept(systems.CONDITION_CLINICAL, "active"),
        "code": concept(systems.ICPC2, code),
        "subject": {"reference": f"Patient/{of}"},
        "onsetDateTime": onset,
    }


def measured(code: str, value: Any, unit: str, at: str = "2026-11-15", of: str = "anna", **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(systems.NPU, code),
        "subject": {"reference": f"Patient/{of}"},
        "effectiveDateTime": at,
        "valueQuantity": {"value": value, "unit": unit, "system": systems.UCUM, "code": unit},
    } | more


def hba1c(value: int, at: str = "2026-11-15", **more: Any) -> Json:
    return measured("NPU27300", value, "mmol/mol", at, **more)


def referral(id: str, of: str = "anna", to: str = "town", status: str = "active", **more: Any) -> Json:
    base = {"resourceType": "ServiceRequest", "id": id, "status": status, "intent": "order"}
    return base | {"subject": {"reference": f"Patient/{of}"}, "performer": [{"reference": f"Organization/{to}"}]} | more


@dataclass
class Town:
    """The house, and short words for what somebody does in it."""

    house: House
    now: datetime = NOW
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    def as_(self, who: str) -> Context:
        return Context(self.house, CALLERS[who], self.now, lambda: f"new-{next(self.ids)}", BASE)

    async def put(self, *resources: Json, who: str = "system") -> list[Version]:
        made = []
        for one in resources:
            context = self.as_(who)
            made.append((await update(context, one["resourceType"], one["id"], read_text(dump(one)))).version)
        return made

    async def post(self, resource: Json, who: str = "doctor") -> Version:
        return (await create(self.as_(who), resource["resourceType"], read_text(dump(resource)))).version

    async def delete(self, reference: str, who: str = "doctor") -> Version | None:
        type_name, _, id = reference.partition("/")
        return await delete(self.as_(who), type_name, id)

    async def get(self, reference: str, who: str = "doctor") -> Json:
        type_name, _, id = reference.partition("/")
        found: Json = parse((await read(self.as_(who), type_name, id)).body or b"")
        return found

    async def find(self, type_name: str, who: str = "system", **asked: str) -> list[Json]:
        pairs = [(name.replace("_", "-"), value) for name, value in asked.items()]
        found = await search(self.as_(who), parse_query(type_name, pairs, strict=True, base=BASE, count=1000))
        return [parse(version.body or b"") for version in found.page.matches]

    async def bundle(self, *entries: Json, who: str = "doctor", kind: str = "transaction") -> Performed:
        text = read_text(dump({"resourceType": "Bundle", "type": kind, "entry": list(entries)}))
        return await perform(self.as_(who), text)

    async def call(self, operation: str, id: str | None = None, who: str = "doctor", **asked: Any) -> Json:
        """`Patient/$eligible` and so on; parameters as Parameters would hold them, a list for several."""
        type_name, _, name = operation.partition("/$")
        level = "type" if id is None else "instance"
        values = [
            {"name": key[0] + key[1:].replace("_", "-"), "value": one}
            for key, given in asked.items()
            for one in (given if isinstance(given, list) else [given])
        ]
        body = {"resourceType": "Parameters", "parameter": values}
        answer = await OPERATIONS[type_name, level, name].run(self.as_(who), asked_from_parameters(id, body, ()))
        found: Json = parse(answer)
        return found

    async def goals(self, of: str = "anna") -> dict[str, Json]:
        """Active Goals by measure; two for one measure fail."""
        found: dict[str, Json] = {}
        for goal in await self.find("Goal", patient=of, lifecycle_status="active"):
            if goal.get("target"):
                name = str(goal["target"][0]["measure"]["text"])
                assert name not in found, f"two active goals for {name}"
                found[name] = goal
        return found

    async def everything(self) -> list[tuple[str, int]]:
        return [(version.reference, version.number) for version in await self.house.store.changes(0, 100_000)]

    def later(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture(scope="session")
def make_house() -> Callable[[], House]:
    knowledge, profiles = load_knowledge(), read_profiles(PROFILES)
    reader, check = ChartReader(knowledge), validator(load_definitions(profiles))

    def make() -> House:
        store = SQLiteStore.open(":memory:")
        return House(store, store, knowledge, reader, check, b"secret")

    return make


@pytest.fixture(scope="session")
def catalogue() -> Iterator[Store]:
    """What is published, opened once: nobody writes in it."""
    loop = asyncio.new_event_loop()
    opened = loop.run_until_complete(open_catalogue((), load_knowledge()))
    yield opened
    loop.run_until_complete(opened.close())
    loop.close()


@pytest.fixture
async def town(make_house: Callable[[], House], catalogue: Store) -> AsyncIterator[Town]:
    """Practices, people and Anna's record; nothing planned yet."""
    house = make_house()
    made = Town(replace(house, catalogue=catalogue))
    organizations = [
        {"resourceType": "Organization", "id": id, "name": id} for id in ("north", "south", "town", "city")
    ]
    await made.put(*organizations, patient("anna"), patient("birthe"), patient("carl", "south", gender="male"))
    await made.put(condition("anna-t2d", "T90"), condition("anna-ihd", "K74", "2024-05-20"))
    await made.put(condition("carl-t2d", "T90", of="carl"))
    yield made
    await house.store.close()


@pytest.fixture
async def open_town(town: Town) -> Town:
    """Anna and Carl have a value each; Anna is referred to the municipality."""
    await town.put({**hba1c(51), "id": "anna-1"}, {**hba1c(60, of="carl"), "id": "carl-1"})
    await town.put(referral("r-anna"))
    return town


def personal(words: str, **more: Any) -> Json:
    base = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": words}}
    return base | {"subject": {"reference": "Patient/anna"}} | more
