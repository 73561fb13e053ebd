"""A house on SQLite in memory, as the installation itself works in it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from careplan.domain.guideline import Knowledge
from careplan.fhir.instant import COPENHAGEN
from careplan.fhir.mapping import ChartReader
from careplan.fhir.profile import load_definitions
from careplan.interactions.caller import SYSTEM
from careplan.interactions.context import Context, House
from careplan.knowledge.load import load_knowledge
from careplan.published import read_profiles, validator
from careplan.store.sqlite import SQLiteStore

PROFILES = Path(__file__).resolve().parents[2] / "profiles"
NOW = datetime(2026, 11, 22, 10, tzinfo=COPENHAGEN)


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load_knowledge()


@pytest.fixture
async def context(knowledge: Knowledge) -> AsyncIterator[Context]:
    store = SQLiteStore.open(":memory:")
    check = validator(load_definitions(read_profiles(PROFILES)))
    house = House(store, store, knowledge, ChartReader(knowledge), check, b"secret")
    ids = count(1)
    caller = replace(SYSTEM, name="careplan load")
    yield Context(house, caller, NOW, lambda: f"new-{next(ids)}", "https://plan.example/fhir")
    await store.close()
