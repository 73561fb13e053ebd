"""What is measured with: invented patients with HbA1c and other values, and the requests about them.

The same bytes go to every server.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from bench.client import request

NPU, UCUM = "http://npu-terminology.org", "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
HBA1C = ("NPU27300", "Hæmoglobin A1c (IFCC);Hb(B)", "mmol/mol", 48)
OTHERS = (
    ("NPU01568", "Kolesterol+ester i LDL;P", "mmol/L", 2),
    ("NPU18016", "Creatininium;P", "umol/L", 70),
    ("NPU03230", "Kalium;P", "mmol/L", 4),
)
FIRST = date(2011, 1, 5)
BUNDLE = 20
"""Entries of a transaction."""


def patient(number: int) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": f"bench-{number}",
        "identifier": [{"system": "https://careplan.example/bench", "value": f"b{number:06}"}],
        "active": True,
        "name": [{"use": "official", "family": f"Test {number}", "given": ["Målene", "Bænk"]}],
        "gender": "female" if number % 2 else "male",
        "birthDate": str(date(1940, 1, 1) + timedelta(days=number % 15_000)),
    }


def observation(number: int, nth: int, kind: tuple[str, str, str, int] = HBA1C) -> dict[str, Any]:
    """The nth value of a patient, three months after the one before it."""
    code, display, unit, low = kind
    on = FIRST + timedelta(days=91 * nth + number % 28)
    return {
        "resourceType": "Observation",
        "id": f"bench-{number}-{code.lower()}-{nth}",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": "laboratory", "display": "Laboratory"}]}],
        "code": {"coding": [{"system": NPU, "code": code, "display": display}], "text": display.partition(";")[0]},
        "subject": {"reference": f"Patient/bench-{number}"},
        "effectiveDateTime": f"{on}T08:{nth % 60:02}:00+01:00",
        "issued": f"{on}T14:02:11+01:00",
        "performer": [{"display": "Klinisk Biokemisk Afdeling Test"}],
        "valueQuantity": {"value": low + (number + nth) % 17, "unit": unit, "system": UCUM, "code": unit},
    }


def record(number: int, values: int) -> Iterator[dict[str, Any]]:
    """A patient and so many values of each kind."""
    yield patient(number)
    for kind in (HBA1C, *OTHERS):
        for nth in range(values if kind is HBA1C else values // 3):
            yield observation(number, nth, kind)


def raw(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def filling(patients: int, values: int) -> list[bytes]:
    """Transactions that put the records there, a patient each."""
    return [
        request("POST", "/fhir", raw(transaction([_put(one) for one in record(number, values)])))
        for number in range(patients)
    ]


def reads(patients: int, values: int) -> list[bytes]:
    """Every HbA1c once, patients in turn."""
    ids = [observation(number, nth)["id"] for nth in range(values) for number in range(patients)]
    return [request("GET", f"/fhir/Observation/{id}") for id in ids]


def searches(patients: int) -> list[bytes]:
    """HbA1c of a patient, newest first, a page of 50."""
    asked = f"code={NPU}%7C{HBA1C[0]}&_sort=-date&_count=50"
    return [request("GET", f"/fhir/Observation?patient=bench-{number}&{asked}") for number in range(patients)]


def creates(patients: int) -> list[bytes]:
    """One value each."""
    return [request("POST", "/fhir/Observation", raw(_new(number, number % 60))) for number in range(patients)]


def transactions(patients: int) -> list[bytes]:
    """What a laboratory delivers of one patient: as many values as a transaction has here."""
    return [
        request("POST", "/fhir", raw(transaction([_post(number, nth) for nth in range(BUNDLE)])))
        for number in range(patients)
    ]


def transaction(entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def _put(resource: dict[str, Any]) -> dict[str, Any]:
    where = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": where}}


def _post(number: int, nth: int) -> dict[str, Any]:
    url = f"urn:uuid:{uuid5(NAMESPACE_OID, f'{number}/{nth}')}"
    request = {"method": "POST", "url": "Observation"}
    return {"fullUrl": url, "resource": _new(number, nth), "request": request}


def _new(number: int, nth: int) -> dict[str, Any]:
    """A value of another kind than is searched for, so that the searches stay the same while it is written."""
    made = observation(number, nth, OTHERS[(number + nth) % len(OTHERS)])
    del made["id"]
    return made
