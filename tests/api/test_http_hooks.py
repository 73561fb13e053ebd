"""CDS Hooks over HTTP: discovery, cards as the specification has them, prefetch, feedback, refusals."""

import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from hook_rules import check_cards, check_discovery
from starlette.routing import Route

from careplan.api.card import INDICATORS, MOST, brief
from careplan.api.hook import SERVICE, SERVICES
from careplan.api.markdown import linked, plain
from careplan.api.prefetch import KEYS
from careplan.app import identify
from careplan.fhir import exclusion, systems
from careplan.fhir.text import dump, parse
from careplan.fhir.vocabulary import ADVICE_KINDS
from careplan.interactions.caller import Caller

Json = Any
ROOT = Path(__file__).resolve().parents[2]
HOST = "http://test"
URL = f"{HOST}{SERVICES}/{SERVICE}"
CARD = "7a1b7d1e-9d0c-4c4e-8f0a-0d6f2f0b8a11"
CPR = "1203589990"


def concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def patient(id: str = "anna", **more: Any) -> Json:
    base = {"resourceType": "Patient", "id": id, "gender": "female", "birthDate": "1966-05-20"}
    return base | {"generalPractitioner": [{"reference": "Organization/north"}]} | more


def condition(id: str, code: str, onset: str = "2025-05-20", of: str = "anna") -> Json:
    status = concept(systems.CONDITION_CLINICAL, "active")
    base = {"resourceType": "Condition", "id": id, "clinicalStatus": status, "code": concept(systems.ICPC2, code)}
    return base | {"subject": {"reference": f"Patient/{of}"}, "onsetDateTime": onset}


def hba1c(id: str, value: int, of: str = "anna", **more: Any) -> Json:
    quantity = {"value": value, "unit": "mmol/mol", "system": systems.UCUM, "code": "mmol/mol"}
    base = {"resourceType": "Observation", "id": id, "status": "final", "code": concept(systems.NPU, "NPU27300")}
    about = {"subject": {"reference": f"Patient/{of}"}, "effectiveDateTime": "2026-11-15"}
    return base | about | {"valueQuantity": quantity} | more


def bundle(*resources: Json) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources]}


def asked(patient_id: str = "anna", **more: Any) -> Json:
    context = {"userId": "PractitionerRole/doctor", "patientId": patient_id}
    return {"hook": "patient-view", "hookInstance": CARD, "context": context} | more


@pytest_asyncio.fixture
async def clinic(client: httpx.AsyncClient, put: Callable[..., Any]) -> httpx.AsyncClient:
    """Anna, newly found with diabetes, and with heart disease; no plan."""
    await put({"resourceType": "Organization", "id": "north", "name": "Nord"})
    await put(patient(identifier=[{"system": systems.CPR, "value": CPR}], name=[{"family": "Hemmelig"}]))
    await put(condition("t2d", "T90"))
    await put(condition("ihd", "K74", "2024-05-20"))
    return client


async def establish(client: httpx.AsyncClient, *plans: str) -> None:
    names = [f"{systems.CANONICAL}/PlanDefinition/{one}" for one in plans]
    parameters: list[Json] = [{"name": "definition", "valueCanonical": one} for one in names]
    parameters.append({"name": "subject", "valueReference": {"reference": "Patient/anna"}})
    body = {"resourceType": "Parameters", "parameter": parameters}
    response = await client.post("/CarePlan/$establish", content=dump(body))
    assert response.status_code == 200, response.text


async def cards(client: httpx.AsyncClient, body: Json) -> list[Json]:
    response = await client.post(URL, content=dump(body))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    return check_cards(response.json())


def kinds(found: list[Json]) -> list[str]:
    return [card["source"]["topic"]["code"] for card in found]


def refused(response: httpx.Response, status: int, field: str | None = None) -> Json:
    """The refusal, which names this field."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body["error"] and body["message"] and body["faults"]
    assert field is None or field in [one.get("field") for one in body["faults"]], body
    return body


# ── discovery ────────────────────────────────────────────────────────────────────────────────────


async def test_discovery_describes_the_service(client: httpx.AsyncClient) -> None:
    response = await client.get(f"{HOST}{SERVICES}")
    assert response.status_code == 200
    check_discovery(response.json())
    (service,) = response.json()["services"]
    assert (service["hook"], service["id"]) == ("patient-view", SERVICE)
    assert set(service["prefetch"]) == set(KEYS)


async def test_discovery_is_public_and_the_service_is_not(app: FastAPI) -> None:
    app.state.door = replace(app.state.door, identify=identify)
    elsewhere = {"origin": "https://ehr.example", "content-type": "application/json"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
        found = await client.get(SERVICES, headers=elsewhere)
        assert (found.status_code, found.headers["access-control-allow-origin"]) == (200, "*")
        response = await client.post(f"{SERVICES}/{SERVICE}", headers=elsewhere, content=dump(asked()))
        assert "access-control-allow-origin" not in response.headers
        refused(response, 401)


async def test_what_is_prefetched_from_ourselves_gives_the_cards_we_give_without(clinic: httpx.AsyncClient) -> None:
    await clinic.put("/Observation/h1", content=dump(hba1c("h1", 90)))
    await establish(clinic, "diabetes")
    (service,) = (await clinic.get(f"{HOST}{SERVICES}")).json()["services"]
    brought = {}
    for key, template in service["prefetch"].items():
        response = await clinic.get(f"/{template.replace('{{context.patientId}}', 'anna')}")
        assert response.status_code == 200, (template, response.text)
        brought[key] = parse(response.content)
        assert not [e for e in brought[key].get("entry", ()) if e["search"]["mode"] == "outcome"], template
    alone = await cards(clinic, asked())
    together = await cards(clinic, asked(fhirServer="http://test/fhir/", prefetch=brought))
    assert kinds(alone) == ["plan-offer", "out-of-target"]
    assert [one | {"uuid": ""} for one in alone] == [one | {"uuid": ""} for one in together]


# ── cards ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_plan_to_offer_says_the_duty_and_leads_to_where_it_is_made(clinic: httpx.AsyncClient) -> None:
    found = await cards(clinic, asked())
    assert kinds(found) == ["plan-offer", "plan-offer"]
    duty, choice = found
    assert "skal tilbyde" in duty["summary"] and duty["indicator"] == "warning"
    assert "kan tilbyde" in choice["summary"] and choice["indicator"] == "info"
    published = parse((ROOT / "profiles" / "CodeSystem-exclusion-reason.json").read_bytes())
    names = {one["code"]: one["display"] for one in published["concept"]}
    assert {one["code"]: one["display"] for one in duty["overrideReasons"]} == names
    assert set(names) == set(exclusion.REASONS)
    smart, guideline = duty["links"]
    assert (smart["type"], smart["url"]) == ("smart", f"{HOST}/patient/anna/opret-plan")
    assert json.loads(smart["appContext"]) == {"patient": "anna", "screen": "C3", "plan": "diabetes"}
    assert (guideline["type"], guideline["url"]) == ("absolute", duty["source"]["url"])
    assert re.search(r", \d{4}$", duty["source"]["label"])


async def test_an_old_value_is_told_as_old(clinic: httpx.AsyncClient) -> None:
    await establish(clinic, "diabetes", "hjerte")
    old = {**hba1c("h1", 90), "effectiveDateTime": "2024-08-01"}
    (card,) = await cards(clinic, asked(prefetch={"observations": bundle(old)}))
    assert "HbA1c 90 mmol/mol (gammelt)" in card["summary"]
    assert "90 mmol/mol den 01.08.2024, gammelt tal" in card["detail"]


async def test_values_out_of_target_stand_on_one_card_with_what_is_missing(clinic: httpx.AsyncClient) -> None:
    await establish(clinic, "diabetes", "hjerte")
    ldl = hba1c("l1", 9, code=concept(systems.NPU, "NPU01568"))
    ldl["valueQuantity"] |= {"unit": "mmol/L", "code": "mmol/L"}
    (card,) = await cards(clinic, asked(prefetch={"observations": bundle(hba1c("h1", 90), ldl)}))
    assert kinds([card]) == ["out-of-target"]
    assert "HbA1c 90 mmol/mol" in card["summary"] and "LDL" in card["summary"]
    assert "90 mmol/mol den 15.11.2026" in card["detail"]
    assert "**Foreløbigt:**" in card["detail"]


async def test_an_overdue_plan_leads_to_the_yearly_status(clinic: httpx.AsyncClient) -> None:
    plan = {
        "resourceType": "CarePlan",
        "id": "p1",
        "status": "active",
        "intent": "plan",
        "category": [concept(systems.PLAN_TYPE, "hjerte")],
        "subject": {"reference": "Patient/anna"},
        "period": {"start": "2025-06-10"},
        "extension": [{"url": systems.EXT_LAST_REVIEWED, "valueDateTime": "2025-06-10"}],
    }
    made = await clinic.put("/CarePlan/p1", content=dump(plan))
    assert made.status_code == 201, made.text
    await clinic.delete("/Condition/t2d")
    (card,) = await cards(clinic, asked())
    assert kinds([card]) == ["plan-overdue"]
    assert "10.06.2026" in card["summary"]
    assert json.loads(card["links"][0]["appContext"])["screen"] == "C2"


async def test_a_new_recommendation_says_from_what_to_what_and_why(clinic: httpx.AsyncClient) -> None:
    await clinic.delete("/Condition/ihd")
    await establish(clinic, "diabetes")
    await clinic.put("/Condition/ihd", content=dump(condition("ihd", "K74", "2024-05-20")))
    found = {one["source"]["topic"]["code"]: one for one in await cards(clinic, asked())}
    card = found["new-recommendation"]
    assert re.search(r"LDL-kolesterol\*\*: fra .* til under 1,4 mmol/L\. Årsag: ændrede oplysninger\.", card["detail"])
    assert card["indicator"] == "info"


async def test_the_screens_that_cards_lead_to_are_there(clinic: httpx.AsyncClient, app: FastAPI) -> None:
    offers = await cards(clinic, asked())
    await establish(clinic, "diabetes", "hjerte")
    values = await cards(clinic, asked(prefetch={"observations": bundle(hba1c("h1", 90))}))
    smart = [link["url"] for card in (*offers, *values) for link in card["links"] if link["type"] == "smart"]
    paths = {url.removeprefix(HOST) for url in smart}
    assert paths == {"/patient/anna/opret-plan", "/patient/anna/aarskontrol"}
    pages = [route for route in app.routes if isinstance(route, Route) and "GET" in (route.methods or ())]
    assert all(any(page.path_regex.match(path) for page in pages) for path in paths)


async def test_no_card_names_the_patient(clinic: httpx.AsyncClient) -> None:
    text = json.dumps(await cards(clinic, asked()), ensure_ascii=False)
    assert CPR not in text and "Hemmelig" not in text


async def test_a_patient_who_is_not_known_here_gets_no_link_to_our_pages(clinic: httpx.AsyncClient) -> None:
    theirs = {"patient": patient("7"), "conditions": bundle(condition("c", "T90", of="7"))}
    rest = {"observations": None, "medications": None}
    body = asked("7", fhirServer="https://ehr.example/r4", prefetch=theirs | rest)
    (card,) = await cards(clinic, body)
    assert [link["type"] for link in card["links"]] == ["absolute"]


def test_every_kind_has_its_urgency_and_none_is_critical() -> None:
    assert set(INDICATORS) == set(ADVICE_KINDS) | {"plan-duty"}
    assert set(INDICATORS.values()) == {"info", "warning"}


@pytest.mark.parametrize("length", [1, MOST, MOST + 1, 1000])
def test_a_summary_is_cut_to_size(length: int) -> None:
    assert len(brief("x" * length)) == min(length, MOST)
    assert len(brief("ord " * length)) <= MOST


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>fed</b> & mere", "&lt;b&gt;fed&lt;/b&gt; &amp; mere"),
        ("[klik](http://x)", "\\[klik\\](http\\://x)"),
        ("www.x.dk og a@b.dk", "www\\.x.dk og a\\@b.dk"),
        ("*a* _b_ `c` ~d~ |e|", "\\*a\\* \\_b\\_ \\`c\\` \\~d\\~ \\|e\\|"),
        ("linje\n\n# overskrift\u202e", "linje \\# overskrift"),
        ("HbA1c under 48 mmol/mol", "HbA1c under 48 mmol/mol"),
    ],
)
def test_text_of_data_becomes_no_markup(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_an_address_cannot_end_its_link() -> None:
    assert linked("t", "https://x.dk/a b)(c") == "[t](https://x.dk/a%20b%29%28c)"


# ── prefetch ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("nothing", [None, {"resourceType": "OperationOutcome", "issue": []}])
async def test_what_could_not_be_prefetched_is_read_from_our_record(clinic: httpx.AsyncClient, nothing: Json) -> None:
    brought = dict.fromkeys(KEYS, nothing)
    assert kinds(await cards(clinic, asked(prefetch=brought))) == ["plan-offer", "plan-offer"]


async def test_nothing_of_a_prefetch_is_stored(clinic: httpx.AsyncClient) -> None:
    await cards(clinic, asked(prefetch={"observations": bundle(hba1c("new", 90))}))
    assert (await clinic.get("/Observation/new")).status_code == 404
    assert (await clinic.get("/Observation?patient=anna")).json()["total"] == 0


@pytest.mark.parametrize("key", ["patient", "conditions", "observations", "medications"])
async def test_a_patient_not_known_here_and_not_brought_whole_is_412(clinic: httpx.AsyncClient, key: str) -> None:
    whole = {"patient": patient("7"), "conditions": None, "observations": None, "medications": None}
    body = asked("7", prefetch={name: value for name, value in whole.items() if name != key})
    found = refused(await clinic.post(URL, content=dump(body)), 412, "prefetch")
    assert found["error"] == "record-needed"
    assert KEYS[key] in found["message"]


@pytest.mark.parametrize(
    ("prefetch", "field"),
    [
        ({"patient": patient("somebody-else")}, "prefetch.patient"),
        ({"observations": bundle(hba1c("h", 90, of="somebody-else"))}, "prefetch.observations.entry[0].resource"),
        (
            {
                "conditions": bundle(
                    condition("c", "T90", of="anna") | {"subject": {"reference": "https://x/Patient/b"}}
                )
            },
            "prefetch.conditions.entry[0].resource",
        ),
        ({"patient": patient(identifier=[{"system": systems.CPR, "value": "2512489996"}])}, "prefetch.patient"),
    ],
)
async def test_what_is_about_somebody_else_is_refused(clinic: httpx.AsyncClient, prefetch: Json, field: str) -> None:
    found = refused(await clinic.post(URL, content=dump(asked(prefetch=prefetch))), 400, field)
    assert found["error"] == "patient-mismatch"


@pytest.mark.parametrize(
    ("prefetch", "field"),
    [
        ({"patient": bundle(patient())}, "prefetch.patient"),
        ({"observations": "x"}, "prefetch.observations"),
        ({"observations": {"resourceType": "Bundle", "entry": "x"}}, "prefetch.observations"),
        ({"observations": {"resourceType": "Bundle", "entry": [{}]}}, "prefetch.observations.entry[0]"),
        ({"observations": bundle(hba1c("h", 1, status="nope"))}, "prefetch.observations.entry[0].resource.status"),
        ({"conditions": bundle({"resourceType": "Condition"})}, "prefetch.conditions.entry[0].resource.subject"),
    ],
)
async def test_what_is_no_fhir_is_refused_where_it_stands(
    clinic: httpx.AsyncClient, prefetch: Json, field: str
) -> None:
    refused(await clinic.post(URL, content=dump(asked(prefetch=prefetch))), 400, field)


async def test_more_than_a_bundle_may_hold_is_refused(client: httpx.AsyncClient, app: FastAPI) -> None:
    door = app.state.door
    app.state.door = replace(door, house=replace(door.house, limits=replace(door.house.limits, bundle_entries=2)))
    many = bundle(*(hba1c(f"h{number}", 50) for number in range(3)))
    refused(await client.post(URL, content=dump(asked(prefetch={"observations": many}))), 400, "prefetch.observations")


# ── requests ─────────────────────────────────────────────────────────────────────────────────────

TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.r", "subject": "careplan"}


async def test_everything_a_request_may_say_is_taken(clinic: httpx.AsyncClient) -> None:
    body = asked(fhirServer="http://test/fhir", fhirAuthorization=TOKEN, extension={"x": 1}, later="passed over")
    body["context"]["encounterId"] = "e1"
    assert len(await cards(clinic, body)) == 2


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"hook": "order-sign"}, "hook"),
        ({"hook": None}, "hook"),
        ({"hookInstance": "17"}, "hookInstance"),
        ({"context": None}, "context"),
        ({"context": {"patientId": "anna"}}, "context.userId"),
        ({"context": {"userId": "Organization/1", "patientId": "anna"}}, "context.userId"),
        ({"context": {"userId": "Practitioner/1"}}, "context.patientId"),
        ({"context": {"userId": "Practitioner/1", "patientId": "Patient/anna"}}, "context.patientId"),
        ({"context": {"userId": "Practitioner/1", "patientId": CPR}}, "context.patientId"),
        ({"fhirServer": "ftp://x"}, "fhirServer"),
        ({"fhirAuthorization": TOKEN}, "fhirServer"),
        (
            {"fhirServer": "http://x/fhir", "fhirAuthorization": TOKEN | {"token_type": "MAC"}},
            "fhirAuthorization.token_type",
        ),
        (
            {"fhirServer": "http://x/fhir", "fhirAuthorization": TOKEN | {"expires_in": 1.5}},
            "fhirAuthorization.expires_in",
        ),
        ({"prefetch": []}, "prefetch"),
    ],
)
async def test_a_request_that_is_wrong_is_told_the_field(client: httpx.AsyncClient, changed: Json, field: str) -> None:
    found = refused(await client.post(URL, content=dump(asked(**changed))), 400, field)
    assert found["error"] == "hook-invalid"
    assert CPR not in json.dumps(found)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {}, 400),
        (b"[]", {}, 400),
        (b'{"hook": ', {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"{}", {"content-type": "text/plain"}, 415),
        (b"{}", {"accept": "application/xml"}, 406),
        (b" " * 300_000, {}, 413),
    ],
)
async def test_a_body_that_is_none_is_refused_as_everywhere(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str], status: int
) -> None:
    refused(await client.post(URL, content=content, headers=headers), status)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("PUT", "", 405, {"GET", "HEAD"}),
        ("GET", f"/{SERVICE}", 405, {"POST"}),
        ("DELETE", f"/{SERVICE}/feedback", 405, {"POST"}),
        ("POST", "/other", 404, None),
        ("POST", "/other/feedback", 404, None),
        ("GET", f"/{SERVICE}/feedback/more", 404, None),
    ],
)
async def test_addresses_and_methods_that_are_not_there(
    client: httpx.AsyncClient, method: str, path: str, status: int, allow: set[str] | None
) -> None:
    response = await client.request(method, f"{HOST}{SERVICES}{path}", content=b"{}")
    refused(response, status)
    found = response.headers.get("allow")
    assert allow == (None if found is None else {one.strip() for one in found.split(",")})


# ── who may ask ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asks(app: FastAPI) -> Callable[[Caller], None]:
    """Who asks from now on."""

    def become(caller: Caller) -> None:
        app.state.door = replace(app.state.door, identify=lambda request: caller)

    return become


@pytest_asyncio.fixture
async def strangers(clinic: httpx.AsyncClient, asks: Callable[[Caller], None]) -> AsyncIterator[httpx.AsyncClient]:
    """Another practice asks."""
    asks(Caller("clinic", "Jens Toft", "south", reference="PractitionerRole/other"))
    yield clinic


async def test_a_patient_of_others_is_answered_like_one_who_is_not_there(strangers: httpx.AsyncClient) -> None:
    bare = [await strangers.post(URL, content=dump(asked(id))) for id in ("anna", "nobody")]
    assert [one.status_code for one in bare] == [412, 412]
    assert bare[0].content == bare[1].content
    person = {"identifier": [{"system": systems.CPR, "value": CPR}]}
    rest = {"conditions": None, "observations": None, "medications": None}
    for id in ("anna", "nobody"):
        assert await cards(strangers, asked(id, prefetch={"patient": patient(id, **person), **rest})) == []


@pytest.mark.parametrize("role", ["patient", "municipality", "hospital", "statistics"])
async def test_roles_that_do_not_treat_are_refused(
    clinic: httpx.AsyncClient, asks: Callable[[Caller], None], role: str
) -> None:
    asks(Caller(role, "Nogen", "north", patient="anna"))
    refused(await clinic.post(URL, content=dump(asked())), 403)
    refused(await clinic.post(f"{URL}/feedback", content=b"{}"), 403)


# ── feedback ─────────────────────────────────────────────────────────────────────────────────────


def feedback(**more: Any) -> Json:
    base = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-11-22T10:03:00Z"}
    return {"feedback": [base | more]}


async def test_feedback_is_taken_and_logged_by_card_and_outcome_alone(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "careplan.api")
    reason = {"code": "patient-wish", "system": systems.EXCLUSION_REASON}
    body = feedback(overrideReason={"reason": reason, "userComment": f"{CPR} vil ikke"})
    response = await client.post(f"{URL}/feedback", content=dump(body))
    assert (response.status_code, response.content) == (200, b"{}")
    assert [one.getMessage() for one in caplog.records] == [f"card {CARD} was overridden"]


async def test_an_accepted_suggestion_is_taken(client: httpx.AsyncClient) -> None:
    body = feedback(outcome="accepted", acceptedSuggestions=[{"id": CARD}])
    assert (await client.post(f"{URL}/feedback", content=dump(body))).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "feedback"),
        ({"feedback": []}, "feedback"),
        (feedback(card="x"), "feedback[0].card"),
        (feedback(outcome="ignored"), "feedback[0].outcome"),
        (feedback(outcome="accepted"), "feedback[0].acceptedSuggestions"),
        (feedback(outcome="accepted", acceptedSuggestions=[{"id": 1}]), "feedback[0].acceptedSuggestions[0].id"),
        (feedback(outcomeTimestamp="2026-11-22T10:03:00"), "feedback[0].outcomeTimestamp"),
        (feedback(outcomeTimestamp="i går"), "feedback[0].outcomeTimestamp"),
        (feedback(overrideReason={"reason": {}}), "feedback[0].overrideReason.reason.code"),
    ],
)
async def test_feedback_that_is_wrong_is_told_the_field(client: httpx.AsyncClient, body: Json, field: str) -> None:
    refused(await client.post(f"{URL}/feedback", content=dump(body)), 400, field)
