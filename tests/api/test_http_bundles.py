"""Transactions and batches: all or nothing, or each by itself (R4-52 to R4-61)."""

import asyncio
import copy

import pytest

from careplan.fhir.text import dump
from careplan.interactions.context import House

CPR = "urn:oid:1.2.208.176.1.2"
ADAM = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
TEST = "urn:uuid:6a0b6a3e-5d3f-4a34-8a1f-6f2b8c1d2e3f"


def entry(method, url, resource=None, full_url=None, **request):
    found = {"request": {"method": method, "url": url, **request}}
    return found | ({"resource": resource} if resource else {}) | ({"fullUrl": full_url} if full_url else {})


def bundle_of(kind, *entries):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


@pytest.fixture
def patient(example):
    return example("Patient", id=None)


@pytest.fixture
def observation(example):
    return example("Observation", id=None, subject={"reference": ADAM})


@pytest.fixture
def send(client):
    async def sent(kind, *entries, **headers):
        return await client.post("", content=dump(bundle_of(kind, *entries)), headers=headers)

    return sent


async def stored(house: House):
    """(type, id, number) of every version in the store."""
    return [(one.type, one.id, one.number) for one in await house.store.changes(0, 1000)]


# ── answers ──────────────────────────────────────────────────────────────────────────────────────


async def test_entries_are_answered_in_their_order(client, put, send, example, patient):
    """R4-52, R4-54: a GET sees the writes, wherever it stands."""
    await put(example("Organization"))
    await put(example("Location"))
    answer = await send(
        "transaction",
        entry("GET", "Patient?name=Ærøskov"),
        entry("PUT", "Organization/laegehuset-test", example("Organization", name="Ny")),
        entry("POST", "Patient", patient, ADAM),
        entry("DELETE", "Location/laegehuset-test-proevetorvet"),
        entry("GET", "Organization/laegehuset-test"),
        entry("PUT", "Device/blodtryksapparat-test", example("Device")),
        entry("GET", "Device/no-such"),
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["type"] == "transaction-response"
    search, update, create, delete, read, made, missing = found["entry"]
    statuses = [one["response"]["status"] for one in found["entry"]]
    assert statuses == ["200 OK", "200 OK", "201 Created", "204 No Content", "200 OK", "201 Created", "404 Not Found"]
    assert search["resource"]["type"] == "searchset"
    assert search["resource"]["total"] == 1
    assert create["response"]["location"].endswith("/_history/1")
    assert create["response"]["location"].startswith("http://test/fhir/Patient/")
    assert create["response"]["etag"] == 'W/"1"'
    assert create["response"]["lastModified"] == "2026-11-22T09:00:00.001Z", "that of the deletion"
    assert update["response"]["etag"] == 'W/"2"'
    assert made["response"]["location"] == "http://test/fhir/Device/blodtryksapparat-test/_history/1"
    assert read["resource"]["name"] == "Ny"
    assert missing["response"]["outcome"]["issue"][0]["code"] == "not-found"
    assert "resource" not in delete
    assert (await client.get("/Location/laegehuset-test-proevetorvet")).status_code == 410


async def test_bodies_come_with_the_answer_when_preferred(send, patient):
    shown = await send("transaction", entry("POST", "Patient", patient), prefer="return=representation")
    assert shown.json()["entry"][0]["resource"]["resourceType"] == "Patient"
    plain = await send("transaction", entry("POST", "Patient", patient))
    assert "resource" not in plain.json()["entry"][0]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_bundle_without_entries_is_answered(client, send, kind):
    """R4-60."""
    for body in (bundle_of(kind), {"resourceType": "Bundle", "type": kind}):
        answer = await client.post("", content=dump(body))
        assert (answer.status_code, answer.json()) == (200, {"resourceType": "Bundle", "type": f"{kind}-response"})


@pytest.mark.parametrize("kind", ["collection", "document", "searchset", "nonsense", "", None, 7, ["transaction"]])
async def test_other_bundles_are_refused(client, refused, kind):
    """R4-60."""
    refused(await client.post("", content=dump({"resourceType": "Bundle", "type": kind})), 400, "bundle-invalid")


async def test_base_takes_bundles_only(client, refused, example):
    refused(await client.post("", content=dump(example("Patient"))), 400, "bundle-invalid")
    refused(await client.put("", content=b"{}"), 405)


# ── all or nothing ───────────────────────────────────────────────────────────────────────────────

BAD = {
    "invalid resource": (entry("POST", "Observation", {"resourceType": "Observation"}), 422),
    "another type": (entry("POST", "Observation", {"resourceType": "Goal"}), 400),
    "unknown type": (entry("POST", "Foo", {"resourceType": "Foo"}), 404),
    "read-only type": (entry("DELETE", "PlanDefinition/diabetes"), 405),
    "stale version": (entry("DELETE", "Organization/there", ifMatch='W/"7"'), 412),
    "ids differ": (entry("PUT", "Patient/x", {"resourceType": "Patient", "id": "y"}), 400),
    "unknown criteria": (entry("POST", "Patient", {"resourceType": "Patient"}, ifNoneExist="shoe-size=46"), 400),
    "no such referral": (
        entry("POST", "Condition", {"resourceType": "Condition", "subject": {"reference": "Patient?identifier=x|y"}}),
        412,
    ),
    "update without id": (entry("PUT", "Patient", {"resourceType": "Patient"}), 400),
    "create with id": (entry("POST", "Patient/1", {"resourceType": "Patient"}), 400),
    "patch that is none": (entry("PATCH", "Patient/1", {"resourceType": "Patient"}), 422),
    "patch of nothing": (entry("PATCH", "Patient/1", {"resourceType": "Parameters"}), 404),
    "delete without criteria": (entry("DELETE", "Organization"), 400),
    "delete by unknown criteria": (entry("DELETE", "Organization?shoe-size=46"), 400),
    "update by unknown criteria": (entry("PUT", "Patient?shoe-size=46", {"resourceType": "Patient"}), 400),
    "no request": ({"resource": {"resourceType": "Patient"}}, 400),
    "null entry": (None, 400),
    "text entry": ("x", 400),
    "no method": ({"request": {"url": "Patient"}}, 400),
    "body on a delete": (entry("DELETE", "Patient/1", {"resourceType": "Patient"}), 400),
    "no body on a create": (entry("POST", "Patient"), 400),
    "elsewhere": (entry("PUT", "https://other.example/fhir/Patient/1", {"resourceType": "Patient", "id": "1"}), 400),
    "odd fullUrl": ({**entry("POST", "Patient", {"resourceType": "Patient"}), "fullUrl": {"a": 1}}, 400),
    "odd criteria": (entry("POST", "Patient", {"resourceType": "Patient"}, ifNoneExist=7), 400),
    "odd version": (entry("DELETE", "Organization/there", ifMatch=7), 400),
    "odd method": (entry(["PUT"], "Patient/1"), 400),
    "deep resource": (entry("POST", "Patient", "Patient"), 400),
}


@pytest.mark.parametrize("name", BAD)
async def test_one_bad_entry_stops_the_whole_transaction_and_is_named(
    client, house, put, send, example, patient, refused, name
):
    """R4-53."""
    await put(example("Organization", id="there"))
    before = await stored(house)
    bad, status = BAD[name]
    answer = await send("transaction", entry("POST", "Patient", patient, ADAM), bad, entry("GET", "Patient"))
    issues = refused(answer, status)
    assert any("Bundle.entry[1]" in str(one.get("expression", one["diagnostics"])) for one in issues), issues
    assert await stored(house) == before
    assert (await client.get("/Patient")).json()["total"] == 0


@pytest.mark.parametrize("name", [name for name in BAD if name != "no such referral"])
async def test_one_bad_entry_of_a_batch_fails_alone(client, put, send, example, patient, name):
    """R4-59."""
    await put(example("Organization", id="there"))
    bad, status = BAD[name]
    answer = await send("batch", entry("POST", "Patient", patient), bad, entry("GET", "Patient"))
    assert answer.status_code == 200, answer.text
    made, failed, found = answer.json()["entry"]
    assert made["response"]["status"] == "201 Created"
    assert failed["response"]["status"].startswith(str(status))
    assert failed["response"]["outcome"]["issue"][0]["severity"] == "error"
    assert found["resource"]["total"] == 1


async def test_faults_of_every_entry_are_named_at_once(send, refused, patient, observation):
    answer = await send(
        "transaction",
        entry("POST", "Patient", patient | {"gender": "blue"}, ADAM),
        entry("POST", "Observation", observation | {"status": "nope"}),
        entry("POST", "Observation", {"resourceType": "Observation"}),
    )
    places = {place for one in refused(answer, 422) for place in one["expression"]}
    assert {
        "Bundle.entry[0].resource.gender",
        "Bundle.entry[1].resource.status",
        "Bundle.entry[2].resource.status",
        "Bundle.entry[2].resource.code",
    } <= places


async def test_two_entries_about_one_resource_are_refused(house, put, send, example, refused):
    """R4-58."""
    value = example("Patient")
    for pair in (
        (entry("PUT", "Patient/inger-test", value), entry("DELETE", "Patient/inger-test")),
        (entry("PUT", "Patient/inger-test", value), entry("PUT", "Patient/inger-test", value)),
        (entry("DELETE", "Patient/inger-test"), entry("DELETE", "Patient/inger-test")),
    ):
        refused(await send("transaction", *pair), 400, "bundle-invalid")
    assert await stored(house) == []


async def test_two_entries_with_one_full_url_are_refused(house, send, patient, refused):
    """R4-58: a reference to it would be ambiguous."""
    refused(
        await send("transaction", entry("POST", "Patient", patient, ADAM), entry("POST", "Patient", patient, ADAM)), 400
    )
    assert await stored(house) == []


async def test_too_many_entries_are_refused(send, refused):
    refused(
        await send("transaction", *[{"request": {"method": "GET", "url": "Patient"}}] * 5001), 400, "bundle-invalid"
    )


# ── references ───────────────────────────────────────────────────────────────────────────────────


async def test_temporary_addresses_become_real_ones_everywhere_a_link_may_stand(client, send, patient, observation):
    """R4-55."""
    value = observation | {
        "extension": [
            {"url": "urn:x:ref", "valueReference": {"reference": ADAM}},
            {"url": "urn:x:uri", "valueUri": ADAM},
            {"url": "urn:x:canonical", "valueCanonical": ADAM},
            {"url": "urn:x:string", "valueString": ADAM},
        ],
        "contained": [{"resourceType": "Condition", "id": "c", "subject": {"reference": ADAM}}],
        "text": {
            "status": "additional",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{ADAM}">{ADAM}</a></div>',
        },
    }
    answer = await send(
        "transaction", entry("POST", "Observation", value, TEST), entry("POST", "Patient", patient, ADAM)
    )
    assert answer.status_code == 200, answer.text
    made, who = (
        one["response"]["location"].split("/fhir/")[1].partition("/_history")[0] for one in answer.json()["entry"]
    )
    got = (await client.get(f"/{made}")).json()
    assert who.startswith("Patient/")
    assert got["subject"]["reference"] == who
    assert [list(one.values())[1] for one in got["extension"]] == [{"reference": who}, who, ADAM, ADAM]
    assert got["contained"][0]["subject"]["reference"] == who
    assert f'<a href="{who}">{ADAM}</a>' in got["text"]["div"]
    assert (await client.get("/Observation", params={"patient": who})).json()["total"] == 1


async def test_conditional_reference_becomes_the_one_it_fits(client, put, send, example, observation, refused):
    """R4-56."""
    await put(example("Patient"))
    value = observation | {"subject": {"reference": f"Patient?identifier={CPR}|1203589990"}}
    answer = await send("transaction", entry("POST", "Observation", value))
    assert answer.status_code == 200, answer.text
    assert (await client.get("/Observation?subject=Patient/inger-test")).json()["total"] == 1
    await put(example("Patient", id="other"))
    refused(await send("transaction", entry("POST", "Observation", value)), 412, "reference-unresolved")


async def test_entry_that_exists_already_is_pointed_to(client, put, send, example, patient, observation):
    """R4-57."""
    await put(example("Patient"))
    answer = await send(
        "transaction",
        entry("POST", "Patient", patient, ADAM, ifNoneExist=f"identifier={CPR}|1203589990"),
        entry("POST", "Observation", observation),
    )
    assert [one["response"]["status"] for one in answer.json()["entry"]] == ["200 OK", "201 Created"]
    assert (await client.get("/Observation?patient=inger-test")).json()["total"] == 1
    assert (await client.get("/Patient")).json()["total"] == 1


async def test_same_criteria_twice_in_a_transaction_make_one_resource(client, send, patient, observation):
    """Design §8: the same value twice is one value. References to either entry point to the one."""
    once = {"ifNoneExist": f"identifier={CPR}|1203589990"}
    answer = await send(
        "transaction",
        entry("POST", "Patient", patient, ADAM, **once),
        entry("POST", "Patient", patient, TEST, **once),
        entry("POST", "Observation", observation),
        entry("POST", "Observation", copy.deepcopy(observation) | {"subject": {"reference": TEST}}),
    )
    assert answer.status_code == 200, answer.text
    first, second = answer.json()["entry"][:2]
    assert [one["response"]["status"] for one in (first, second)] == ["201 Created", "200 OK"]
    assert first["response"]["location"] == second["response"]["location"]
    assert (await client.get("/Patient")).json()["total"] == 1
    who = first["response"]["location"].split("/fhir/")[1].partition("/_history")[0]
    assert (await client.get("/Observation", params={"subject": who})).json()["total"] == 2


async def test_conditions_of_entries_are_honoured(client, put, send, example, refused):
    """R4-57."""
    await put(example("Patient"))
    changed = example("Patient", gender="male")
    stale = await send("transaction", entry("PUT", "Patient/inger-test", changed, ifMatch='W/"2"'))
    refused(stale, 412, "precondition-failed")
    for tag in ("*", 'W/"1"'):
        there = await send("transaction", entry("PUT", "Patient/inger-test", changed, ifNoneMatch=tag))
        refused(there, 412, "precondition-failed")
    right = await send("transaction", entry("PUT", "Patient/inger-test", changed, ifMatch='W/"1"'))
    assert right.json()["entry"][0]["response"]["etag"] == 'W/"2"'
    for kind in ("transaction", "batch"):
        known = await send(kind, entry("GET", "Patient/inger-test", ifNoneMatch='W/"2"'))
        assert known.json()["entry"][0]["response"]["status"] == "304 Not Modified"
        assert "resource" not in known.json()["entry"][0]


async def test_head_entry_answers_without_the_resource(put, send, example):
    await put(example("Patient"))
    answer = await send("batch", entry("HEAD", "Patient/inger-test"), entry("HEAD", "Patient/nobody"))
    here, gone = answer.json()["entry"]
    assert (here["response"]["status"], here["response"]["etag"]) == ("200 OK", 'W/"1"')
    assert "resource" not in here
    assert gone["response"]["status"] == "404 Not Found"


async def test_bytes_of_entries_are_kept(client, send):
    """R4-24."""
    text = (
        '{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"POST","url":"Observation"},'
        '"resource":{"resourceType":"Observation","status":"final","code":{"text":"x"}, '
        '"valueQuantity":{"value":7.10 }}}]}'
    )
    made = await client.post("", content=text.encode())
    address = made.json()["entry"][0]["response"]["location"].removeprefix("http://test/fhir")
    assert b'"valueQuantity":{"value":7.10 }' in (await client.get(address)).content


async def test_addresses_of_entries_may_be_absolute_or_start_with_a_slash(send, patient):
    answer = await send(
        "batch",
        entry("POST", "http://test/fhir/Patient", patient),
        entry("POST", "/Patient", patient),
        entry("GET", "/Patient?_summary=count"),
    )
    assert [one["response"]["status"][:3] for one in answer.json()["entry"]] == ["201", "201", "200"]
    assert answer.json()["entry"][2]["resource"]["total"] == 2


async def test_of_twenty_equal_transactions_each_sees_one_patient(client, send, patient, observation):
    """R4-28: the same bundle from twenty senders at once is one patient and twenty values."""
    entries = (
        entry("POST", "Patient", patient, ADAM, ifNoneExist=f"identifier={CPR}|1203589990"),
        entry("POST", "Observation", observation),
    )
    answers = await asyncio.gather(*(send("transaction", *entries) for _ in range(20)))
    assert [one.status_code for one in answers] == [200] * 20
    assert sorted(one.json()["entry"][0]["response"]["status"][:3] for one in answers) == ["200"] * 19 + ["201"]
    assert (await client.get("/Patient?_total=accurate")).json()["total"] == 1
    assert (await client.get("/Observation?_total=accurate")).json()["total"] == 20


async def test_of_transactions_that_expect_one_version_one_wins(put, send, example, house):
    """R4-35."""
    await put(example("Patient"))
    answers = await asyncio.gather(
        *(
            send(
                "transaction", entry("PUT", "Patient/inger-test", example("Patient", language=f"x{n}"), ifMatch='W/"1"')
            )
            for n in range(20)
        )
    )
    assert sorted(one.status_code for one in answers) == [200] + [412] * 19
    assert [one[2] for one in await stored(house) if one[0] == "Patient"] == [1, 2]


async def test_writers_of_values_and_goals_at_once_lose_nothing(client, put, send, example):
    """Values that move one Goal at the same time are all stored, and the Goal follows the newest."""
    for name in ("Patient", "Goal"):
        await put(example(name))
    values = [
        example("Observation", id=None, effectiveDateTime=f"2026-11-{day:02d}T08:00:00+01:00") for day in range(1, 21)
    ]
    answers = await asyncio.gather(*(client.post("/Observation", content=dump(value)) for value in values))
    assert [one.status_code for one in answers] == [201] * 20, [one.text for one in answers if one.status_code != 201][
        :1
    ]
    assert (await client.get("/Observation?_total=accurate")).json()["total"] == 20
    goal = (await client.get("/Goal/inger-test-hba1c")).json()
    assert goal["achievementStatus"]
