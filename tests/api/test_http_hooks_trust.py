"""What a client of CDS Hooks brings along decides nothing unless it is surely of this patient, whole and believable."""

from typing import Any

import httpx
import pytest
from test_http_hooks import CPR, HOST, URL, asked, bundle, cards, clinic, condition, establish, hba1c, kinds, patient

from careplan.fhir import systems
from careplan.fhir.text import dump

__all__ = ["clinic"]
Json = Any
ELSEWHERE = "https://elsewhere.example/fhir"


def about(subject: Json) -> Json:
    return bundle(hba1c("new", 55) | {"subject": subject})


@pytest.mark.parametrize(
    "subject",
    [
        {"identifier": {"system": systems.CPR, "value": "0101709995"}},
        {"reference": f"{ELSEWHERE}/Patient/anna"},
        {"reference": "urn:uuid:7a1b7d1e-9d0c-4c4e-8f0a-0d6f2f0b8a11"},
        {"reference": "Group/g"},
        {"display": "Anna"},
    ],
)
async def test_a_value_that_is_not_surely_the_patients_is_refused(clinic: httpx.AsyncClient, subject: Json) -> None:
    answer = await clinic.post(URL, content=dump(asked(prefetch={"observations": about(subject)})))
    assert answer.status_code == 400
    assert answer.json()["error"] == "patient-mismatch"


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/anna"},
        {"reference": f"{ELSEWHERE}/Patient/anna"},
        {"identifier": {"system": systems.CPR, "value": CPR}},
    ],
)
async def test_a_patient_is_named_by_id_on_the_clients_server_or_by_number(
    clinic: httpx.AsyncClient, subject: Json
) -> None:
    brought = {"patient": patient(identifier=[{"system": systems.CPR, "value": CPR}]), "observations": about(subject)}
    answer = await clinic.post(URL, content=dump(asked(prefetch=brought, fhirServer=ELSEWHERE)))
    assert answer.status_code == 200, answer.text


async def test_a_value_that_cannot_be_is_refused_and_an_unlikely_one_is_not_used(clinic: httpx.AsyncClient) -> None:
    await establish(clinic, "diabetes")
    stored = await clinic.put("/Observation/old", content=dump(hba1c("old", 90, effectiveDateTime="2026-11-01")))
    assert stored.status_code == 201, stored.text
    for value in (-5, 0.001):
        answer = await clinic.post(URL, content=dump(asked(prefetch={"observations": bundle(hba1c("new", value))})))
        told = answer.json()
        assert answer.status_code == 400 or "out-of-target" in kinds(told["cards"]), (value, told)
    found = await cards(clinic, asked(prefetch={"observations": bundle(hba1c("new", 5000))}))
    assert "5000" not in dump(found).decode()


async def test_a_list_that_goes_on_is_no_list(clinic: httpx.AsyncClient) -> None:
    first = bundle(condition("t2d", "T90", of="x")) | {"link": [{"relation": "next", "url": f"{HOST}/more"}]}
    brought = {"patient": patient("x"), "conditions": first, "observations": None, "medications": None}
    assert (await clinic.post(URL, content=dump(asked("x", prefetch=brought)))).status_code == 412


async def test_a_patient_of_another_birth_date_is_somebody_else(clinic: httpx.AsyncClient) -> None:
    answer = await clinic.post(URL, content=dump(asked(prefetch={"patient": patient(birthDate="2015-01-01")})))
    assert (answer.status_code, answer.json()["error"]) == (400, "patient-mismatch")
