"""Who has looked: every interaction makes exactly its AuditEvent, refused ones too, and nobody changes one (R4-121)."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from careplan.api.door import Door
from careplan.app import create_app
from careplan.fhir.text import dump
from careplan.interactions.caller import SYSTEM, Caller
from careplan.interactions.context import House
from careplan.settings import Settings

Json = Any
CPR = "1203589990"
CALLERS = {
    "system": SYSTEM,
    "nurse": Caller("clinic", "Lars Krogh", "laegehuset-test", reference="PractitionerRole/n", purpose="TREAT"),
    "stranger": Caller("clinic", "Jens Toft", "elsewhere", reference="PractitionerRole/s", client="app-1"),
    "lps": Caller("lps", "LPS", "laegehuset-test", subject="lps-7", client="lps-7"),
    "inger": Caller("patient", "Inger", patient="inger-test", reference="Patient/inger-test"),
    "other": Caller("patient", "Ove", patient="ove-test", reference="Patient/ove-test"),
    "town": Caller("municipality", "Sanne", "town", reference="PractitionerRole/v"),
    "statistics": Caller("statistics", "Statistik"),
}


@pytest.fixture
def app(house: House) -> FastAPI:
    """Who calls is said by a header."""
    app = create_app(Settings(store=":memory:"))
    app.state.door = Door(house, lambda request: CALLERS[request.headers.get("x-who", "system")], "", 256 * 1024)
    return app


class Log:
    """Asks, and tells which events that has made."""

    def __init__(self, client: httpx.AsyncClient, house: House) -> None:
        self.client, self.house = client, house

    async def events(self) -> list[Json]:
        found, url = [], "/AuditEvent?_sort=date&_count=1000"
        bundle = (await self.client.get(url)).json()
        found += [one["resource"] for one in bundle.get("entry", [])]
        return [one for one in found if "AuditEvent" not in json.dumps(one["entity"])]

    async def made_by(self, method: str, address: str, **given: Any) -> tuple[httpx.Response, list[Json]]:
        before = {one["id"] for one in await self.events()}
        answer = await self.client.request(method, address, **given)
        return answer, [one for one in await self.events() if one["id"] not in before]


@pytest.fixture
async def log(client: httpx.AsyncClient, house: House, put: Callable[..., Any], example: Callable[..., Json]) -> Log:
    for type_name in ("Organization", "Patient", "Observation", "Condition", "Goal"):
        await put(example(type_name))
    await put(example("Patient", id="ove-test", identifier=None))
    await put(example("Observation", id="ove-1", subject={"reference": "Patient/ove-test"}))
    return Log(client, house)


def told(event: Json) -> tuple[str, str, str, str]:
    """(subtype, action, outcome, of whom)."""
    subtype = event["subtype"][0]
    code = subtype.get("display") if subtype["code"] == "operation" else subtype["code"]
    return code, event["action"], event["outcome"], event["entity"][0]["what"]["reference"]


P = "Patient/inger-test"
OBSERVATION = "/Observation/inger-test-hba1c"
TABLE = [
    ("nurse", "GET", f"/{P}", [("read", "R", "0", P)]),
    ("nurse", "HEAD", f"/{P}", [("read", "R", "0", P)]),
    ("nurse", "GET", OBSERVATION, [("read", "R", "0", P)]),
    ("nurse", "GET", f"{OBSERVATION}/_history/1", [("vread", "R", "0", P)]),
    ("nurse", "GET", f"{OBSERVATION}/_history", [("history-instance", "R", "0", P)]),
    ("nurse", "GET", "/Goal/_history", [("history-type", "R", "0", P)]),
    ("nurse", "GET", "/Observation?patient=inger-test", [("search-type", "E", "0", P)]),
    (
        "nurse",
        "POST",
        "/Observation/_search",
        [("search-type", "E", "0", P), ("search-type", "E", "0", "Patient/ove-test")],
    ),
    ("nurse", "GET", "/Observation?patient=inger-test&code=urn:x|none", [("search-type", "E", "0", P)]),
    ("nurse", "GET", f"/{P}/Observation", [("search-type", "E", "0", P)]),
    ("nurse", "GET", f"/{P}/*", [("search-type", "E", "0", P)]),
    ("nurse", "GET", "?_type=Condition,Goal", [("search-system", "E", "0", P)]),
    ("nurse", "GET", f"/{P}/$overview?audience=clinic", [("$overview", "E", "0", P)]),
    ("nurse", "GET", f"/{P}/$everything", [("$everything", "E", "0", P)]),
    ("nurse", "GET", "/Observation/$lastn?patient=inger-test", [("$lastn", "E", "0", P)]),
    ("nurse", "GET", f"/{P}/$recommended-targets", [("$recommended-targets", "E", "0", P)]),
    ("nurse", "DELETE", OBSERVATION, [("delete", "D", "0", P)]),
    ("inger", "GET", f"/{P}", [("read", "R", "0", P)]),
    ("lps", "GET", OBSERVATION, [("read", "R", "0", P)]),
    ("system", "GET", f"/{P}", [("read", "R", "0", P)]),
    ("stranger", "GET", f"/{P}", [("read", "R", "4", P)]),
    ("stranger", "GET", f"{OBSERVATION}/_history", [("history-instance", "R", "4", P)]),
    ("stranger", "GET", "/Observation?patient=inger-test", [("search-type", "E", "0", P)]),
    ("stranger", "GET", "/Observation", []),
    ("stranger", "GET", f"/{P}/$overview?audience=clinic", [("$overview", "E", "4", P)]),
    ("stranger", "DELETE", OBSERVATION, [("delete", "R", "4", P)]),
    ("other", "GET", f"/{P}", [("read", "R", "4", P)]),
    ("town", "GET", f"/{P}", [("read", "R", "4", P)]),
    ("town", "GET", "/Condition?patient=inger-test", [("search-type", "E", "4", P)]),
    ("statistics", "GET", "/Observation?patient=inger-test", [("search-type", "E", "4", P)]),
    ("nurse", "GET", "/Organization/laegehuset-test", []),
    ("nurse", "GET", "/Organization", []),
    ("nurse", "GET", "/Patient/nobody", []),
    ("nurse", "GET", "/metadata", []),
    ("nurse", "GET", "/PlanDefinition", []),
    ("nurse", "GET", f"/Observation?patient={CPR}", []),
    ("nurse", "GET", f"/Patient?identifier=urn:oid:1.2.208.176.1.2|{CPR}", [("search-type", "E", "0", P)]),
]


@pytest.mark.parametrize(("who", "method", "address", "expected"), TABLE)
async def test_every_interaction_makes_exactly_its_events(
    log: Log, who: str, method: str, address: str, expected: Json
) -> None:
    """R4-121."""
    form = {"content-type": "application/x-www-form-urlencoded"} if "_search" in address else {}
    answer, made = await log.made_by(method, address, headers={"x-who": who, **form})
    assert sorted(map(told, made)) == sorted(expected), answer.text[:300]
    assert (answer.status_code >= 400) == any(one[2] == "4" for one in expected) or address.endswith("nobody")


async def test_writes_make_one_event_each_with_the_version_that_was_made(
    log: Log, example: Callable[..., Json]
) -> None:
    """R4-121."""
    value = example("Observation")
    nurse = {"x-who": "nurse"}
    _, made = await log.made_by("POST", "/Observation", content=dump(example("Observation", id=None)), headers=nurse)
    assert [told(one) for one in made] == [("create", "C", "0", P)]
    assert made[0]["entity"][1]["what"]["reference"].endswith("/_history/1")
    changed = dump({**value, "status": "amended"})
    _, made = await log.made_by("PUT", OBSERVATION, content=changed, headers=nurse)
    assert [told(one) for one in made] == [("update", "U", "0", P)]
    patch = {"content-type": "application/json-patch+json", **nurse}
    body = b'[{"op": "replace", "path": "/status", "value": "corrected"}]'
    _, made = await log.made_by("PATCH", OBSERVATION, content=body, headers=patch)
    assert [told(one) for one in made] == [("patch", "U", "0", P)]
    _, made = await log.made_by("PUT", OBSERVATION, content=changed, headers={"x-who": "stranger"})
    assert [told(one) for one in made] == [("update", "R", "4", P)]
    answer, made = await log.made_by("PUT", OBSERVATION, content=changed, headers={"if-match": 'W/"1"', **nurse})
    assert (answer.status_code, [told(one) for one in made]) == (412, [("update", "R", "4", P)])


def bundle(kind: str, *entries: tuple[str, str, Json]) -> bytes:
    listed = [
        {"request": {"method": method, "url": url}, **({"resource": one} if one else {})}
        for method, url, one in entries
    ]
    return dump({"resourceType": "Bundle", "type": kind, "entry": listed})


async def test_entries_of_a_batch_are_logged_one_by_one_and_a_transaction_as_one(
    log: Log, example: Callable[..., Json]
) -> None:
    """R4-121."""
    nurse = {"x-who": "nurse"}
    asked = [
        ("GET", P, None),
        ("GET", "Observation?patient=inger-test", None),
        ("POST", "Observation", example("Observation", id=None)),
    ]
    _, made = await log.made_by("POST", "", content=bundle("batch", *asked), headers=nurse)
    assert sorted(told(one)[0] for one in made) == ["create", "read", "search-type"]
    refused = {"x-who": "stranger"}
    _, made = await log.made_by("POST", "", content=bundle("batch", *asked[:1]), headers=refused)
    assert [told(one) for one in made] == [("read", "R", "4", P)]
    two = [("POST", "Observation", example("Observation", id=None))] * 2
    _, made = await log.made_by("POST", "", content=bundle("transaction", *two), headers=nurse)
    assert [told(one) for one in made] == [("transaction", "C", "0", P)]
    assert len(made[0]["entity"]) > 2
    _, made = await log.made_by("POST", "", content=bundle("transaction", *two), headers=refused)
    assert [told(one) for one in made] == [("transaction", "R", "4", P)]


async def test_an_event_says_who_for_whom_why_and_what_and_no_value(log: Log) -> None:
    address = f"/Patient?identifier=urn:oid:1.2.208.176.1.2|{CPR}&name=Inger"
    _, (event,) = await log.made_by("GET", address, headers={"x-who": "nurse"})
    (agent, organization) = event["agent"]
    assert agent["who"] == {"reference": "PractitionerRole/n"}
    assert organization == {"who": {"reference": "Organization/laegehuset-test"}, "requestor": False}
    assert agent["role"][0]["coding"][0]["code"] == "clinic"
    assert event["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"
    (query,) = [one for one in event["entity"] if "detail" in one]
    assert query["name"] == "Patient"
    assert query["detail"][0]["valueString"] == "identifier, name"


async def test_no_person_number_no_value_and_no_name_stands_in_the_log(log: Log) -> None:
    """danish-fhir §7: CPR never in logs."""
    for address in (f"/Observation?patient={CPR}", f"/Patient?identifier={CPR}", f"/Patient/{CPR}", f"/{P}/_history"):
        for who in ("nurse", "stranger", "statistics"):
            await log.client.get(address, headers={"x-who": who})
    body = {"resourceType": "Observation", "status": "final", "subject": {"reference": f"Patient/{CPR}"}}
    await log.client.post("/Observation", content=dump(body), headers={"x-who": "stranger"})
    await log.events()
    kept = [one.body or b"" for one in await log.house.store.changes(0, 10_000) if one.type == "AuditRecord"]
    text = re.sub(rb'"prev":"[0-9a-f]{64}"|"seen":\{[^}]*\}', b"", b"\n".join(kept)).decode()
    assert "inger-test" in text
    for never in (CPR, CPR[:6] + "-" + CPR[6:], "Ærøskov", "\\u00c6r", "Krogh", "1.2.208.176.1.2"):
        assert never not in text, never


async def test_nobody_creates_changes_or_deletes_an_event(log: Log) -> None:
    """R4-121."""
    _, (event,) = await log.made_by("GET", f"/{P}")
    address = f"/AuditEvent/{event['id']}"
    patch = b'[{"op": "replace", "path": "/outcome", "value": "8"}]'
    for who in CALLERS:
        headers = {"x-who": who}
        answers = [
            await log.client.post("/AuditEvent", content=dump(event), headers=headers),
            await log.client.put(address, content=dump({**event, "outcome": "8"}), headers=headers),
            await log.client.patch(
                address, content=patch, headers={**headers, "content-type": "application/json-patch+json"}
            ),
            await log.client.delete(address, headers=headers),
            await log.client.delete("/AuditEvent?patient=inger-test", headers=headers),
        ]
        assert [one.status_code for one in answers] == [405] * 5, who
        entry = ("DELETE", f"AuditEvent/{event['id']}", None)
        answer = await log.client.post("", content=bundle("transaction", entry), headers=headers)
        assert answer.status_code == 405, answer.text
        record = event["id"].partition("..")[0]
        assert (await log.client.get(f"/AuditRecord/{record}", headers=headers)).status_code == 404
        assert (await log.client.delete(f"/AuditRecord/{record}", headers=headers)).status_code == 404
    assert (await log.client.get(address)).json() == event


async def test_a_patient_reads_their_own_events_without_employees_and_others_none(log: Log) -> None:
    """danish-fhir §7: organisation, date and purpose; not by default the employee."""
    _, (event,) = await log.made_by("GET", f"/{P}", headers={"x-who": "nurse"})
    inger = {"x-who": "inger"}
    found = (await log.client.get("/AuditEvent?patient=inger-test", headers=inger)).json()["entry"]
    assert event["id"] in [one["resource"]["id"] for one in found]
    text = json.dumps(found)
    assert "PractitionerRole" not in text
    assert "lps-7" not in text
    assert "ove-test" not in text
    assert "Organization/laegehuset-test" in text
    address = f"/AuditEvent/{event['id']}"
    assert (await log.client.get(address, headers=inger)).status_code == 200
    for who in ("nurse", "stranger", "lps", "town", "statistics"):
        for asked in (address, "/AuditEvent?patient=inger-test", "/AuditEvent"):
            assert (await log.client.get(asked, headers={"x-who": who})).status_code == 403, (who, asked)
    assert (await log.client.get(address, headers={"x-who": "other"})).status_code == 403
    theirs = (await log.client.get("/AuditEvent", headers={"x-who": "other"})).json().get("entry", [])
    assert all("inger-test" not in json.dumps(one) for one in theirs)


async def test_the_log_is_no_part_of_history_export_or_the_record(log: Log) -> None:
    await log.client.get(f"/{P}")
    await log.events()
    for address in (
        "/_history?_count=1000",
        f"/{P}/$everything?_count=1000",
        f"/{P}/*?_count=1000",
        "?_count=1000&_sort=_id",
    ):
        found = (await log.client.get(address)).json()
        types = {one["resource"]["resourceType"] for one in found["entry"] if "resource" in one}
        assert types and not types & {"AuditEvent", "AuditRecord"}, address


async def test_an_access_that_cannot_be_logged_is_not_answered(
    log: Log, refused: Callable[..., Json], tmp_path: Path
) -> None:
    """R4-121: before the answer leaves."""
    (tmp_path / "journal").write_text("a file where the folder should be", "utf-8")
    for address in (f"/{P}", "/Observation", "/Patient/nobody"):
        answer = await log.client.get(address)
        if address != "/Patient/nobody":
            refused(answer, 503, "store-unavailable")
        assert "inger" not in answer.text


async def test_events_are_valid_r4(log: Log) -> None:
    """R4-121."""
    for who, method, address, _ in TABLE:
        await log.client.request(method, address, headers={"x-who": who})
    events = await log.events()
    assert len(events) > 20
    for event in events:
        assert list(log.house.validate(event)) == [], event
