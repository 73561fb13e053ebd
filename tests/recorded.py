"""One person's record in a few words, and the facts that rules read from it."""

from datetime import date
from decimal import Decimal
from typing import Any

from careplan.domain.chart import Fact
from careplan.fhir import systems
from careplan.fhir.mapping import ChartReader
from careplan.knowledge.load import load_knowledge

KNOWLEDGE = load_knowledge()
READER = ChartReader(KNOWLEDGE)
ON = date(2026, 11, 22)
Resource = dict[str, Any]
_ids = iter(range(10_000))


def concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def patient(**more: Any) -> Resource:
    base = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1966-11-22"}
    return base | {"generalPractitioner": [{"reference": "Organization/clinic-own"}]} | more


def condition(code: str, system: str = systems.ICPC2, clinical: str | None = "active", **more: Any) -> Resource:
    status = {"clinicalStatus": concept(systems.CONDITION_CLINICAL, clinical)} if clinical else {}
    return {"resourceType": "Condition", "id": f"c{next(_ids)}", "code": concept(system, code), **status, **more}


def since(day: str) -> Resource:
    return {"onsetDateTime": day}


def medicine(atc: str, status: str = "active", **more: Any) -> Resource:
    kind = {"resourceType": "MedicationStatement", "id": f"m{next(_ids)}", "status": status}
    return kind | {"medicationCodeableConcept": concept(systems.ATC, atc)} | more


def value(code: str, number: str, unit: str, day: str, system: str = systems.NPU, **more: Any) -> Resource:
    quantity = {"value": Decimal(number), "system": systems.UCUM, "code": unit}
    return observation(concept(system, code), day, valueQuantity=quantity, **more)


def observation(code: Resource, day: str, **more: Any) -> Resource:
    base = {"resourceType": "Observation", "id": f"o{next(_ids)}", "status": "final", "code": code}
    return base | {"effectiveDateTime": day} | more


def answer(code: str, day: str = "2026-11-01", **more: Any) -> Resource:
    return observation(concept(systems.FACT, code), day, **more)


def found(name: str, *resources: Resource, on: date = ON, clinic: str | None = None) -> Fact | None:
    chart = READER.chart([*resources] if _has_patient(resources) else [patient(), *resources], on, clinic)
    return chart.facts.get(name)


def _has_patient(resources: tuple[Resource, ...]) -> bool:
    return any(one["resourceType"] == "Patient" for one in resources)


def says(name: str, *resources: Resource, on: date = ON) -> Any:
    fact = found(name, *resources, on=on)
    return None if fact is None else fact.value
