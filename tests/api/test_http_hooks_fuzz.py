"""Any bytes to CDS Hooks: cards as the specification has them, or a refusal that is no fault of ours."""

import copy
from typing import Any

import httpx
from hook_rules import check_cards
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from oddities import ODD_DATES, ODD_TEXTS
from test_http_hooks import CARD, URL, asked, bundle, condition, feedback, hba1c, patient

from careplan.fhir.text import Digits, dump

Json = Any

ODD: list[Json] = [
    *(None, True, False, 0, -1, 10**30, Digits("1E+400"), Digits("1E-400"), "", " ", "x", [], [None], [[]], ["x"], {}),
    *({"x": 1}, {"resourceType": "Bundle"}, {"resourceType": "Patient"}, {"reference": 1}, {"coding": "x"}),
    *({"coding": [{"code": []}]}, {"value": "x"}, CARD, "0001-01-01", "9999-12-31", "Patient/anna/_history/1"),
    *(one for one in (*ODD_TEXTS, *ODD_DATES) if isinstance(one, str)),
]

MEDICINE = {
    "resourceType": "MedicationStatement",
    "id": "m",
    "status": "active",
    "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "A10AB01"}]},
    "subject": {"reference": "Patient/anna"},
    "effectivePeriod": {"start": "2020-01-01"},
}
GOAL = {
    "resourceType": "Goal",
    "id": "g",
    "lifecycleStatus": "active",
    "description": {"text": "HbA1c"},
    "subject": {"reference": "Patient/anna"},
    "target": [{"measure": {"text": "HbA1c"}, "detailQuantity": {"value": 53}, "dueDate": "2026-01-01"}],
}
WHOLE = asked(
    fhirServer="http://test/fhir",
    prefetch={
        "patient": patient(),
        "conditions": bundle(condition("c", "T90"), condition("k", "R95", "2015")),
        "observations": bundle(hba1c("h", 90)),
        "medications": bundle(MEDICINE),
        "careplans": None,
        "goals": bundle(GOAL),
    },
)


def places(value: Json) -> list[tuple[Json, Json]]:
    """Every (holder, key) inside a value."""
    found, waiting = [], [value]
    while waiting:
        holder = waiting.pop()
        for key, item in holder.items() if isinstance(holder, dict) else enumerate(holder):
            found.append((holder, key))
            if isinstance(item, dict | list):
                waiting.append(item)
    return found


@st.composite
def damaged(draw: st.DrawFn, whole: Json) -> bytes:
    """A good body with one to three of its values replaced by odd ones."""
    body = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(places(body)))
        holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return dump(body)


any_bytes = st.binary(max_size=80) | st.text(alphabet='{}[]",:\\u0d8e1-.tfn \n', max_size=80).map(str.encode)
many = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(body=any_bytes | damaged(WHOLE))
@example(body=dump(WHOLE))
async def test_any_bytes_get_cards_or_a_refusal(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post(URL, content=body)
    if response.status_code == 200:
        check_cards(response.json())
    else:
        check_refusal(response)


@many
@given(body=any_bytes | damaged(feedback(outcome="accepted", acceptedSuggestions=[{"id": CARD}])))
async def test_any_bytes_as_feedback_are_taken_or_refused(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post(f"{URL}/feedback", content=body)
    if response.status_code != 200:
        check_refusal(response)


def check_refusal(response: httpx.Response) -> None:
    assert 400 <= response.status_code < 500, response.text
    body = response.json()
    assert body["error"] and body["message"] and "Traceback" not in response.text
    assert all(fault["code"] and fault["message"] for fault in body["faults"])
