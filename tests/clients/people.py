"""Resources as a client of a GP system or an app would write them: plain JSON, invented people."""

import uuid
from typing import Any

Json = Any
NPU = "http://npu-terminology.org"
MCS = "http://medcomfhir.dk/ig/terminology/CodeSystem/medcom-observation-codes"
UCUM = "http://unitsofmeasure.org"
OWN = "urn:oid:1.2.208.176.1.99"


def fresh() -> str:
    """A word that nothing else in the store has."""
    return uuid.uuid4().hex[:12]


def patient(family: str) -> Json:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": OWN, "value": family}],
        "name": [{"family": family, "given": ["Åse", "Test"]}],
        "gender": "female",
        "birthDate": "1954-03-02",
    }


def hba1c(subject: str, value: float, day: str) -> Json:
    """A value in mmol/mol of a day like 2026-11-03."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": NPU, "code": "NPU27300"}], "text": "HbA1c"},
        "subject": {"reference": subject},
        "effectiveDateTime": f"{day}T08:15:00+01:00",
        "valueQuantity": {"value": value, "unit": "mmol/mol", "system": UCUM, "code": "mmol/mol"},
    }


def personal_goal(subject: str) -> Json:
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "Gå tur med hunden hver dag"},
        "subject": {"reference": subject},
    }
