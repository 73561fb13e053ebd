"""What a search costs in a store of 1,000 patients, and in the same store grown to many more.

The store is asked itself, without HTTP; what it holds was made through it, with its search values and indexes.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from bench import data
from bench.setting import Size
from bench.traffic import say
from careplan.app import open_store
from careplan.fhir.index import extract
from careplan.fhir.query import Query
from careplan.fhir.search import parse
from careplan.fhir.value import ReferenceValue, SearchValues
from careplan.settings import Settings
from careplan.store.protocol import Store, Write

FEW = 1000
_ASKED = 100
"""Patients with a full record, who are searched for; all others have three values."""
_ASKS = 1500
_TOGETHER = 2000
_AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


def cost(url: str, size: Size) -> tuple[float, float]:
    """Median microseconds of a search by patient and code, newest first, a page of 50: among few, and among many."""
    return asyncio.run(_cost(url, size))


async def _cost(url: str, size: Size) -> tuple[float, float]:
    store = await open_store(Settings(store=url))
    try:
        await _fill(store, 0, FEW, size)
        few = await _asked(store, size)
        await _fill(store, FEW, size.grown, size)
        return few, await _asked(store, size)
    finally:
        await store.close()


async def _fill(store: Store, first: int, last: int, size: Size) -> None:
    say(f"patients {first} to {last}")
    waiting: list[Write] = []
    for write in _writes(first, last, size):
        waiting.append(write)
        if len(waiting) >= _TOGETHER:
            await store.commit(waiting)
            waiting = []
    if waiting:
        await store.commit(waiting)


def _writes(first: int, last: int, size: Size) -> Iterator[Write]:
    """Records of patients, each made from one that was indexed once."""
    full = [_write(one) for one in data.record(0, size.values)]
    short = [_write(one) for one in (data.patient(0), *(data.observation(0, nth) for nth in (5, 9, 14)))]
    for number in range(first, last):
        for one in full if number < _ASKED else short:
            yield _moved(one, number)


def _write(resource: dict[str, object]) -> Write:
    body = data.raw(resource)
    return Write(str(resource["resourceType"]), str(resource["id"]), 0, _AT, "bench-0", body, extract(resource))


def _moved(write: Write, number: int) -> Write:
    """The same write for another patient."""
    patient = f"bench-{number}"
    ours = ReferenceValue("Patient", patient)
    references = tuple((name, ours if value.id == "bench-0" else value) for name, value in write.values.references)
    values: SearchValues = replace(write.values, references=references)
    id, body = write.id.replace("bench-0", patient), (write.body or b"").replace(b"bench-0", patient.encode())
    return replace(write, id=id, patient=patient, body=body, values=values)


async def _asked(store: Store, size: Size) -> float:
    pairs = [("code", f"{data.NPU}|{data.HBA1C[0]}"), ("_sort", "-date"), ("_count", "50")]
    queries: list[Query] = [
        parse("Observation", [("patient", f"bench-{number}"), *pairs], strict=True, base="") for number in range(_ASKED)
    ]
    took: list[float] = []
    for nth in range(_ASKS):
        start = time.perf_counter()
        page = await store.search(queries[nth % _ASKED])
        took.append(time.perf_counter() - start)
        assert len(page.matches) == min(size.values, 50), "the page is not what was asked for"
    return statistics.median(took[_ASKS // 5 :]) * 1e6
