"""The searches that care-plan traffic is made of, as clients write them: none scans a table or a collection."""

from pathlib import Path
from typing import Any

import pytest
from planned import TABLES, plans, profiled
from pymongo import MongoClient
from storing import NOON, SECOND, kept

from careplan.fhir import registry
from careplan.fhir.index import extract
from careplan.fhir.query import Query
from careplan.fhir.search import pairs_from_query, parse
from careplan.store import sqlite_search
from careplan.store.mongo import MongoStore
from careplan.store.protocol import Write
from careplan.store.sqlite import SQLiteStore

BASE = "https://plan.example/fhir"
PEOPLE = 30

SEARCHES = (
    "Observation?patient=p7&code=NPU27300&_sort=-date&_count=50",
    "Observation?patient=p7&category=laboratory&_sort=-date",
    "Observation?patient=p7&_sort=-date",
    "Observation?code=NPU27300&_sort=-date",
    "Observation?code=http://loinc.org|4548-4&value-quantity=gt51",
    "Observation?code-value-quantity=NPU27300$gt51",
    "Observation?identifier=lab|7-1",
    "Observation?_lastUpdated=gt2026-03-01T12:00:00Z&_sort=_lastUpdated",
    "Observation?patient.identifier=cpr|7&code=NPU27300",
    "Patient?identifier=cpr|7",
    "Patient?name=eva7",
    "Patient?general-practitioner=Organization/c7",
    "Patient?_has:Observation:patient:identifier=lab|7-1",
    "Goal?patient=p7&lifecycle-status=active",
    "CarePlan?patient=p7&status=active&category=diabetes",
    "CarePlan?instantiates-canonical=https://plan.example/plan/7",
    "Condition?patient=p7&code=T90",
    "Task?owner=Organization/c7&status=requested",
    "ServiceRequest?performer=Organization/c7&status=active",
    "MedicationStatement?patient=p7",
    "Provenance?target=Observation/o7-1",
    "Encounter?patient=p7&date=ge2026",
    "QuestionnaireResponse?authored=ge2026-03-01&_sort=-authored",
    "Appointment?date=2026-03-01",
)


def concept(code: str, system: str = "s") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def person(n: int) -> list[dict[str, Any]]:
    """A small record of everything that is searched for."""
    patient, clinic = {"reference": f"Patient/p{n}"}, {"reference": f"Organization/c{n}"}
    day = f"2026-03-{n % 28 + 1:02}"
    values = [
        {
            "resourceType": "Observation",
            "id": f"o{n}-{k}",
            "identifier": [{"system": "lab", "value": f"{n}-{k}"}],
            "category": [concept("laboratory" if k % 2 else "vital-signs")],
            "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}, {"system": "npu", "code": code}]},
            "subject": patient,
            "effectiveDateTime": f"2026-03-{k + 1:02}",
            "valueQuantity": {"value": 50 + 2 * k, "system": "http://unitsofmeasure.org", "code": "mmol/mol"},
        }
        for k, code in enumerate(("NPU27300", "NPU27300", "NPU01568", "NPU19651"))
    ]
    return [
        {
            "resourceType": "Patient",
            "id": f"p{n}",
            "identifier": [{"system": "cpr", "value": str(n)}],
            "name": [{"given": [f"Eva{n}"], "family": "Holm"}],
            "generalPractitioner": [clinic],
        },
        *values,
        {"resourceType": "Goal", "id": f"g{n}", "lifecycleStatus": "active", "subject": patient},
        {
            "resourceType": "CarePlan",
            "id": f"cp{n}",
            "status": "active",
            "category": [concept("diabetes")],
            "subject": patient,
            "instantiatesCanonical": [f"https://plan.example/plan/{n}"],
        },
        {"resourceType": "Condition", "id": f"d{n}", "code": concept("T90"), "subject": patient},
        {"resourceType": "Task", "id": f"t{n}", "status": "requested", "owner": clinic, "for": patient},
        {
            "resourceType": "ServiceRequest",
            "id": f"s{n}",
            "status": "active",
            "performer": [clinic],
            "subject": patient,
        },
        {"resourceType": "MedicationStatement", "id": f"m{n}", "status": "active", "subject": patient},
        {"resourceType": "Provenance", "id": f"pr{n}", "target": [{"reference": f"Observation/o{n}-1"}, patient]},
        {"resourceType": "Encounter", "id": f"e{n}", "subject": patient, "period": {"start": day}},
        {"resourceType": "QuestionnaireResponse", "id": f"q{n}", "subject": patient, "authored": day},
        {
            "resourceType": "Appointment",
            "id": f"a{n}",
            "start": f"{day}T09:00:00Z",
            "participant": [{"actor": patient}],
        },
    ]


def town() -> list[Write]:
    """Several hundred resources, each with all that it can be found by."""
    made = [one for n in range(PEOPLE) for one in person(n)]
    return [
        Write(
            one["resourceType"],
            one["id"],
            0,
            NOON + n * SECOND,
            registry.patient_of(one),
            b"{}",
            extract(one),
        )
        for n, one in enumerate(made)
    ]


def queries() -> dict[str, Query]:
    found = {}
    for text in SEARCHES:
        type, _, asked = text.partition("?")
        found[text] = parse(type, pairs_from_query(asked), strict=True, base=BASE)
    return found


@pytest.mark.parametrize("few", [1000, -1], ids=["sorting", "walking"])
async def test_sqlite_scans_no_table_for_what_clients_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(sqlite_search, "FEW", few)
    path = tmp_path / "record.db"
    store = SQLiteStore.open(str(path))
    await kept(store, town())
    for text, query in queries().items():
        assert (await store.search(query)).matches, text
        steps = plans(path, query)
        assert steps, text
        assert [pair for pair in steps if TABLES.match(pair[0])] == [], text
    await store.close()


async def test_mongodb_scans_no_collection_for_what_clients_ask(mongod: str) -> None:
    url = mongod.format("traffic")
    store = await MongoStore.connect(url)
    await kept(store, town())
    with MongoClient[dict[str, Any]](url) as client:
        for text, query in queries().items():
            assert (await store.search(query)).matches, text
            steps = await profiled(client, store, query)
            assert [step for step in steps if not step["planSummary"].startswith("IXSCAN")] == [], text
            assert sum(step["docsExamined"] for step in steps) <= 4 * PEOPLE, text
        client.drop_database("traffic")
    await store.close()
