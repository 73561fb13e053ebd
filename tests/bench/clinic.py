"""How long a clinic takes to be evaluated anew under two knowledges, reading included (design §4, screen C7).

The clinic is invented, ten years of values a patient; it is put into the store with its search values, past the doors.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

from bench.traffic import say
from careplan.app import now, open_house, recommender, system_context
from careplan.fhir import registry
from careplan.fhir.index import extract
from careplan.fhir.instant import COPENHAGEN, instant_text
from careplan.fhir.text import dump, read_text, stamp
from careplan.interactions.reevaluation import reevaluate
from careplan.knowledge.load import load_knowledge
from careplan.settings import Settings
from careplan.store.protocol import Store, Write
from careplan.synthetic.people import clinic

ON = date(2026, 11, 22)
_AT = datetime(2026, 11, 22, 10, tzinfo=COPENHAGEN)
_TOGETHER = 2000


def reevaluating(url: str, patients: int) -> float:
    """Seconds for that many patients, all of them evaluated twice."""
    return asyncio.run(_reevaluating(url, patients))


async def _reevaluating(url: str, patients: int) -> float:
    say(f"a clinic of {patients:,} patients")
    async with open_house(Settings(store=url)) as house:
        await _fill(house.store, patients)
        other = load_knowledge()
        ldl = other.guidelines["ldl"]
        other = replace(other, guidelines={**other.guidelines, "ldl": replace(ldl, version="2999.1")})
        start = time.perf_counter()
        found = await reevaluate(system_context(house, "bench", now()), house.knowledge, other, on=ON)
        took = time.perf_counter() - start
    assert found.patients == patients, "everybody is evaluated"
    return took


async def _fill(store: Store, patients: int) -> None:
    waiting: list[Write] = []
    for write in _writes(patients):
        waiting.append(write)
        if len(waiting) >= _TOGETHER:
            await store.commit(waiting)
            waiting = []
    await store.commit(waiting)


def _writes(patients: int) -> Iterator[Write]:
    at = instant_text(_AT)
    for bundle in clinic(1, patients, on=ON, recommend=recommender(load_knowledge(), _AT)):
        for resource in (entry["resource"] for entry in bundle["entry"]):
            kind, id = resource["resourceType"], resource["id"]
            text = read_text(dump({name: part for name, part in resource.items() if name != "id"}))
            body, place = stamp(text, id=id, version_id="1", last_updated=at)
            patient = id if kind == "Patient" else registry.patient_of(resource, None)
            yield Write(kind, id, 0, _AT, patient, body, extract(resource), place=place)
