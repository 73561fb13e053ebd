"""What entries of a Bundle may ask: patches, criteria, links to one another, reads; and what a refusal leaves."""

import base64
from dataclasses import replace

import pytest

from careplan.fhir.text import dump

ADAM = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
CLINIC = "urn:oid:1.2.208.176.99.1"
LAB = [{"system": "urn:lab", "value": "1"}]
BY_LAB = "Observation?identifier=urn:lab|1"
KINDS = pytest.mark.parametrize("kind", ["transaction", "batch"])


def entry(method, url, resource=None, full_url=None, **request):
    found = {"request": {"method": method, "url": url, **request}}
    return found | ({"resource": resource} if resource else {}) | ({"fullUrl": full_url} if full_url else {})


def bundle_of(kind, *entries):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def binary(operations, content_type="application/json-patch+json"):
    """A JSON Patch as an entry brings it."""
    raw = operations if isinstance(operations, bytes) else dump(operations)
    return {"resourceType": "Binary", "contentType": content_type, "data": base64.b64encode(raw).decode()}


def path_patch(kind, path, **value):
    parts = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    parts += [{"name": "value", **value}] if value else []
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


AMENDED = [{"op": "replace", "path": "/status", "value": "amended"}]
PATCHES = pytest.mark.parametrize(
    "patch",
    [binary(AMENDED), path_patch("replace", "Observation.status", valueCode="amended")],
    ids=["json", "fhirpath"],
)


@pytest.fixture
def send(client):
    async def sent(kind, *entries, **headers):
        return await client.post("", content=dump(bundle_of(kind, *entries)), headers=headers)

    return sent


@pytest.fixture
def lab(example):
    def made(id=None, **changed):
        return example("Observation", **({"id": id, "identifier": LAB} | changed))

    return made


def statuses(answer):
    assert answer.status_code == 200, answer.text
    return [one["response"]["status"][:3] for one in answer.json()["entry"]]


async def total(client, type_name):
    return (await client.get(f"/{type_name}?_summary=count")).json()["total"]


# ── patches ──────────────────────────────────────────────────────────────────────────────────────


@KINDS
@PATCHES
@pytest.mark.parametrize("address", ["Observation/o1", BY_LAB])
async def test_an_entry_patches_by_id_or_by_criteria(client, put, lab, send, kind, patch, address):
    """R4-38, R4-41, R4-54."""
    await put(lab("o1"))
    answer = await send(kind, entry("PATCH", address, patch, ifMatch='W/"1"'))
    assert statuses(answer) == ["200"]
    response = answer.json()["entry"][0]["response"]
    assert (response["etag"], response["location"]) == ('W/"2"', "http://test/fhir/Observation/o1/_history/2")
    assert (await client.get("/Observation/o1")).json()["status"] == "amended"
    newest = (await client.get("/Observation/o1/_history")).json()["entry"][0]
    assert newest["request"]["method"] == "PATCH"
    stale = await send("batch", entry("PATCH", address, patch, ifMatch='W/"1"'))
    assert statuses(stale) == ["412"]


BAD_PATCHES = {
    "nothing there": (entry("PATCH", "Observation/never", binary(AMENDED)), 404),
    "nothing fits": (entry("PATCH", "Observation?status=unknown", binary(AMENDED)), 404),
    "several fit": (entry("PATCH", "Observation?status=final", binary(AMENDED)), 412),
    "no criteria": (entry("PATCH", "Observation", binary(AMENDED)), 400),
    "failing test": (
        entry("PATCH", "Observation/o1", binary([{"op": "test", "path": "/status", "value": "amended"}])),
        422,
    ),
    "no operation": (entry("PATCH", "Observation/o1", binary([7])), 422),
    "no array": (entry("PATCH", "Observation/o1", binary(b"{}")), 400),
    "no JSON": (entry("PATCH", "Observation/o1", binary(b"\xff")), 400),
    "no patch": (entry("PATCH", "Observation/o1", binary(AMENDED, "application/json")), 422),
    "no base64": (entry("PATCH", "Observation/o1", {**binary(AMENDED), "data": "abc"}), 422),
    "invalid Binary": (entry("PATCH", "Observation/o1", {"resourceType": "Binary", "data": 7}), 422),
    "invalid Parameters": (
        entry("PATCH", "Observation/o1", {"resourceType": "Parameters", "parameter": [{"shoe": 46}]}),
        422,
    ),
    "invalid result": (
        entry("PATCH", "Observation/o1", path_patch("replace", "Observation.status", valueCode="nope")),
        422,
    ),
    "several elements": (entry("PATCH", "Observation/o1", path_patch("delete", "Observation.identifier")), 422),
    "another id": (entry("PATCH", "Observation/o1", binary([{"op": "remove", "path": "/id"}])), 422),
    "read-only": (entry("PATCH", "PlanDefinition/diabetes", binary(AMENDED)), 405),
}


@pytest.mark.parametrize("name", BAD_PATCHES)
async def test_a_patch_that_fails_undoes_a_transaction_and_names_its_entry(
    client, put, lab, send, example, refused, name
):
    """R4-39, R4-40, R4-42, R4-53, R4-59."""
    await put(lab("o1", identifier=[*LAB, *LAB]))
    await put(lab("o2"))
    bad, status = BAD_PATCHES[name]
    issues = refused(await send("transaction", entry("POST", "Patient", example("Patient")), bad), status)
    assert any("Bundle.entry[1]" in str(one.get("expression", one["diagnostics"])) for one in issues), issues
    assert await total(client, "Patient") == 0
    alone = await send("batch", entry("POST", "Patient", example("Patient")), bad)
    assert statuses(alone) == ["201", str(status)]
    assert (await client.get("/Observation/o1")).headers["etag"] == 'W/"1"'


async def test_a_patch_may_refer_to_what_the_bundle_makes(client, put, example, send):
    """R4-55: also in a value that a patch puts in."""
    await put(example("Observation", id="o1"))
    answer = await send(
        "transaction",
        entry("PATCH", "Observation/o1", binary([{"op": "replace", "path": "/subject/reference", "value": ADAM}])),
        entry("POST", "Patient", example("Patient", id=None), ADAM),
    )
    assert statuses(answer) == ["200", "201"]
    who = answer.json()["entry"][1]["response"]["location"].split("/fhir/")[1].partition("/_history")[0]
    assert (await client.get("/Observation/o1")).json()["subject"]["reference"] == who


# ── criteria ─────────────────────────────────────────────────────────────────────────────────────


@KINDS
async def test_an_entry_updates_by_criteria(client, lab, send, kind):
    """R4-37."""
    made = await send(kind, entry("PUT", BY_LAB, lab()))
    assert statuses(made) == ["201"]
    changed = await send(kind, entry("PUT", BY_LAB, lab(status="amended")))
    assert statuses(changed) == ["200"]
    where = [one.json()["entry"][0]["response"]["location"] for one in (made, changed)]
    assert where[1] == where[0].removesuffix("1") + "2"
    assert statuses(await send(kind, entry("PUT", BY_LAB, lab(status="amended")))) == ["200"]
    assert await total(client, "Observation") == 1


@KINDS
async def test_an_entry_makes_what_it_does_not_find_under_its_id(client, put, lab, send, example, kind, refused):
    """R4-37."""
    assert statuses(await send(kind, entry("PUT", BY_LAB, lab("mine")))) == ["201"]
    assert (await client.get("/Observation/mine")).status_code == 200
    await put(example("Observation", id="other"))
    taken = entry("PUT", "Observation?identifier=urn:lab|2", lab("other"))
    assert statuses(await send("batch", taken, entry("PUT", BY_LAB, lab("other")))) == ["409", "400"]
    refused(await send("transaction", taken), 409, "id-taken")
    refused(await send("transaction", entry("PUT", BY_LAB, lab("other"))), 400, "id-mismatch")
    assert (await client.get("/Observation/other")).headers["etag"] == 'W/"1"'


@KINDS
async def test_an_entry_deletes_by_criteria(client, put, lab, send, refused, kind):
    """R4-46."""
    delete = entry("DELETE", BY_LAB)
    assert statuses(await send(kind, delete, entry("DELETE", "Observation?identifier=urn:lab|2"))) == ["204", "204"]
    await put(lab("o1"))
    assert statuses(await send(kind, delete)) == ["204"]
    assert (await client.get("/Observation/o1")).status_code == 410
    await put(lab("o2"))
    await put(lab("o3"))
    refused(await send("transaction", delete), 412, "multiple-matches")
    assert statuses(await send("batch", delete)) == ["412"]
    assert await total(client, "Observation") == 2


@KINDS
async def test_conditions_of_entries_hold_for_what_their_criteria_fit(send, lab, put, kind):
    """R4-32, R4-33, R4-57."""
    await put(lab("o1"))
    for conditions in ({"ifMatch": 'W/"7"'}, {"ifNoneMatch": "*"}, {"ifNoneMatch": 'W/"1"'}):
        answer = await send(kind, entry("PUT", BY_LAB, lab(status="amended"), **conditions))
        assert answer.status_code == 412 or statuses(answer) == ["412"]
    assert statuses(await send(kind, entry("PUT", BY_LAB, lab(status="amended"), ifMatch='W/"1"'))) == ["200"]


async def test_entries_that_come_to_one_resource_are_refused(client, put, lab, send, refused):
    """R4-58: by id and by criteria, and by the same criteria while nothing fits."""
    twice = [entry("PUT", BY_LAB, lab()), entry("PUT", BY_LAB, lab())]
    refused(await send("transaction", *twice), 400, "bundle-invalid")
    mixed = [entry("POST", "Observation", lab(), ifNoneExist="identifier=urn:lab|1"), twice[0]]
    refused(await send("transaction", *mixed), 400, "bundle-invalid")
    assert await total(client, "Observation") == 0
    await put(lab("o1"))
    for other in (
        entry("DELETE", "Observation/o1"),
        entry("PUT", "Observation/o1", lab("o1")),
        entry("PATCH", "Observation/o1", binary(AMENDED)),
        entry("DELETE", BY_LAB),
    ):
        refused(await send("transaction", entry("PUT", BY_LAB, lab(status="amended")), other), 400, "bundle-invalid")
    assert (await client.get("/Observation/o1")).headers["etag"] == 'W/"1"'


async def test_links_lead_to_what_criteria_fit(client, put, lab, send, example):
    """R4-55, R4-57: an entry's fullUrl stands for the resource that its criteria found, or made."""
    await put(example("Patient", id="there"))
    by_name = "Patient?gender=female"
    value = lab(subject={"reference": ADAM})
    found = await send(
        "transaction",
        entry("POST", "Observation", value),
        entry("PUT", by_name, example("Patient", id=None, language="da"), ADAM),
    )
    assert statuses(found) == ["201", "200"]
    assert (await client.get("/Observation")).json()["entry"][0]["resource"]["subject"]["reference"] == "Patient/there"


async def test_a_link_without_criteria_is_refused(client, lab, send, refused):
    """R4-56."""
    refused(await send("transaction", entry("POST", "Observation", lab(subject={"reference": "Patient?"}))), 400)
    assert await total(client, "Observation") == 0


async def test_a_relative_link_leads_to_the_entry_under_the_same_root(client, lab, send, example):
    """R4-55: https://hl7.org/fhir/R4/bundle.html#references; another server's Patient/a is another."""
    here, there = "https://lps.test/fhir", "https://other.test/fhir"
    patient, value = example("Patient", id=None), lab(subject={"reference": "Patient/a"})
    done = await send(
        "transaction",
        entry("POST", "Patient", patient, f"{here}/Patient/a"),
        entry("POST", "Observation", value, f"{here}/Observation/o"),
        entry("POST", "Observation", value, f"{there}/Observation/o"),
    )
    made = [one["response"]["location"].split("/fhir/")[1].split("/_history")[0] for one in done.json()["entry"]]
    subjects = [(await client.get(f"/{one}")).json()["subject"]["reference"] for one in made[1:]]
    assert subjects == [made[0], "Patient/a"]


# ── links in every place ─────────────────────────────────────────────────────────────────────────


async def test_links_are_replaced_in_every_place_and_nowhere_else(client, send, example):
    """R4-55."""
    value = example(
        "Observation",
        id=None,
        subject={"reference": f"{ADAM}", "display": ADAM},
        focus=[{"reference": f"{ADAM}/_history/1"}],
        performer=[{"reference": CLINIC}],
        identifier=[{"system": ADAM, "value": ADAM}],
        extension=[
            {"url": "urn:x:reference", "valueReference": {"reference": ADAM}},
            {"url": "urn:x:nested", "extension": [{"url": "urn:x:uri", "valueUri": ADAM}]},
            {"url": "urn:x:url", "valueUrl": ADAM},
            {"url": "urn:x:uuid", "valueUuid": ADAM},
            {"url": "urn:x:oid", "valueOid": CLINIC},
            {"url": "urn:x:canonical", "valueCanonical": ADAM},
            {"url": "urn:x:string", "valueString": ADAM},
            {"url": "urn:x:longer", "valueUri": f"{ADAM}0"},
        ],
        contained=[{"resourceType": "Condition", "id": "c", "subject": {"reference": ADAM}}],
        text={
            "status": "additional",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{ADAM}">{ADAM}</a>'
            f'<img src="{ADAM}" alt=""/></div>',
        },
    )
    value["extension"].append({"url": "urn:x:inside", "valueReference": {"reference": "#c"}})
    answer = await send(
        "transaction",
        entry("POST", "Observation", value),
        entry("POST", "Organization", example("Organization", id=None), CLINIC),
        entry("POST", "Patient", example("Patient", id=None), ADAM),
    )
    assert statuses(answer) == ["201"] * 3
    made, clinic, who = (
        one["response"]["location"].split("/fhir/")[1].partition("/_history")[0] for one in answer.json()["entry"]
    )
    got = (await client.get(f"/{made}")).json()
    assert got["subject"] == {"reference": who, "display": ADAM}
    assert got["focus"] == [{"reference": f"{who}/_history/1"}]
    assert got["performer"] == [{"reference": clinic}]
    assert got["identifier"] == [{"system": who, "value": ADAM}]
    values = {one["url"].removeprefix("urn:x:"): list(one.values())[1] for one in got["extension"]}
    assert values == {
        "reference": {"reference": who},
        "nested": [{"url": "urn:x:uri", "valueUri": who}],
        "url": who,
        "uuid": who,
        "oid": clinic,
        "canonical": ADAM,
        "string": ADAM,
        "longer": f"{ADAM}0",
        "inside": {"reference": "#c"},
    }
    assert got["contained"][0]["subject"]["reference"] == who
    assert f'<a href="{who}">{ADAM}</a><img src="{who}" alt=""/>' in got["text"]["div"]


async def test_entries_of_a_batch_cannot_refer_to_one_another(client, send, example):
    """R4-59."""
    answer = await send(
        "batch",
        entry("POST", "Observation", example("Observation", id=None, subject={"reference": ADAM})),
        entry("POST", "Patient", example("Patient", id=None), ADAM),
    )
    assert statuses(answer) == ["400", "201"]
    assert answer.json()["entry"][0]["response"]["outcome"]["issue"][0]["expression"] == ["Bundle.entry[0]"]
    assert await total(client, "Observation") == 0


# ── preferences and reads ────────────────────────────────────────────────────────────────────────


@KINDS
async def test_preferences_decide_what_entries_answer(send, example, put, kind):
    """R4-23."""
    await put(example("Patient"))
    for wish, members in (
        ("return=minimal", {"fullUrl", "response"}),
        ("return=representation", {"fullUrl", "response", "resource"}),
        ("return=OperationOutcome", {"fullUrl", "response"}),
        ("return=everything", {"fullUrl", "response"}),
    ):
        answer = await send(
            kind, entry("POST", "Observation", example("Observation")), entry("GET", "Patient/inger-test"), prefer=wish
        )
        assert statuses(answer) == ["201", "200"]
        written, found = answer.json()["entry"]
        assert set(written) == members, wish
        assert ("outcome" in written["response"]) == (wish == "return=OperationOutcome")
        assert found["resource"]["id"] == "inger-test"
        assert "outcome" not in found["response"]


@KINDS
async def test_reads_in_a_bundle_answer_as_they_do_alone(client, send, put, example, kind):
    """R4-61."""
    await put(example("Patient"))
    await put(example("Observation", id="o1"))
    answer = await send(
        kind,
        entry("GET", "Patient/inger-test"),
        entry("GET", "Patient/inger-test/_history/1"),
        entry("GET", "Patient/inger-test?_elements=gender"),
        entry("GET", "Observation?subject:Patient.gender=female&_include=Observation:subject&_count=1"),
        entry("GET", "Observation?shoe-size=46"),
        entry("GET", "Patient/nobody"),
        entry("GET", "Patient/inger-test/_history/7"),
        entry("GET", "Foo/1"),
        entry("GET", "Patient?birthdate=soon"),
        entry("HEAD", "Patient?gender=female"),
    )
    assert statuses(answer) == ["200", "200", "200", "200", "200", "404", "404", "404", "400", "200"]
    found = answer.json()["entry"]
    assert found[0]["resource"] == found[1]["resource"] == (await client.get("/Patient/inger-test")).json()
    assert set(found[2]["resource"]) == {"resourceType", "id", "meta", "gender"}
    modes = [one["search"]["mode"] for one in found[3]["resource"]["entry"]]
    assert (found[3]["resource"]["type"], modes) == ("searchset", ["match", "include"])
    assert "outcome" in [one["search"]["mode"] for one in found[4]["resource"]["entry"]]
    assert all(one["response"]["outcome"]["issue"] for one in found[5:9])
    assert "resource" not in found[9]


async def test_a_record_is_searched_in_a_bundle(send, put, example):
    """R4-61, R4-101."""
    for one in (example("Patient"), example("Patient", id="other"), example("Observation", id="o1")):
        await put(one)
    await put(example("Observation", id="o2"))
    answer = await send(
        "batch",
        entry("GET", "Patient/inger-test/Observation?status=final&_count=1"),
        entry("GET", "Patient/other/Observation"),
        entry("GET", "Patient/inger-test/Organization"),
        entry("GET", "Observation/o1/Patient"),
        entry("PUT", "Patient/inger-test/Observation", example("Observation")),
        entry("DELETE", "Patient/inger-test/_history/1"),
    )
    assert statuses(answer) == ["200", "200", "404", "404", "400", "400"]
    first, other = (one["resource"] for one in answer.json()["entry"][:2])
    assert other["total"] == 0
    links = {one["relation"]: one["url"] for one in first["link"]}
    assert links["self"].startswith("http://test/fhir/Patient/inger-test/Observation?status=final")
    next_page = (await send("batch", entry("GET", links["next"]))).json()["entry"][0]["resource"]
    assert {one["resource"]["id"] for page in (first, next_page) for one in page["entry"]} == {"o1", "o2"}


async def test_pages_are_followed_in_a_bundle_too(send, put, example):
    """R4-61, R4-75, R4-76."""
    for n in range(3):
        await put(example("Patient", id=f"p{n}"))
    found, url = [], "Patient?_count=1&_sort=_id"
    for _ in range(3):
        page = (await send("batch", entry("GET", url))).json()["entry"][0]["resource"]
        found += [one["resource"]["id"] for one in page["entry"]]
        url = next((one["url"] for one in page["link"] if one["relation"] == "next"), "")
    assert (found, url) == (["p0", "p1", "p2"], "")
    first = (await send("batch", entry("GET", "Patient?_count=1"))).json()["entry"][0]["resource"]
    forged = next(one["url"] for one in first["link"] if one["relation"] == "next")[:-4] + "AAAA"
    assert statuses(await send("batch", entry("GET", forged))) == ["400"]


# ── what a refusal leaves, on both stores ────────────────────────────────────────────────────────


class TestRefusal:
    @pytest.fixture
    def house(self, shared_house, store):
        return replace(shared_house, store=store)

    async def seen(self, client, house):
        """Counts, histories, what is found by values, and the feed."""
        asked = [
            "/Patient?_summary=count",
            "/Observation?_summary=count",
            "/Provenance?_summary=count",
            "/Observation?code:text=hba1c&_summary=count",
            "/Observation?identifier=urn:lab|1&_summary=count",
            "/Patient?name=ny&_summary=count",
            "/Goal/inger-test-hba1c/_history",
            "/Observation/o1/_history",
            "/Observation/o3/_history",
        ]
        answers = [(await client.get(one)).json() for one in asked]
        feed = [(one.reference, one.number) for one in await house.store.changes(0, 1000)]
        return [one.get("total", one["resourceType"]) for one in answers], feed

    @pytest.mark.parametrize(
        "bad",
        [
            entry("POST", "Observation", {"resourceType": "Observation", "status": "nope"}),
            entry("PATCH", "Observation/o2", binary([{"op": "remove", "path": "/nothing"}])),
            entry("DELETE", "Observation/o2", ifMatch='W/"9"'),
            entry("PUT", "Observation?status=final", {"resourceType": "Observation", "status": "final"}),
            entry("POST", "Condition", {"resourceType": "Condition", "subject": {"reference": "Patient?name=nobody"}}),
        ],
        ids=["invalid", "patch", "stale", "several", "no such patient"],
    )
    async def test_nothing_of_a_refused_transaction_is_left(self, client, house, put, send, example, lab, refused, bad):
        """R4-53: no count, version, index row or Provenance, on either store."""
        for one in (example("Patient"), example("Goal"), example("Observation", id="o1"), lab("o2")):
            await put(one)
        before = await self.seen(client, house)
        answer = await send(
            "transaction",
            entry("POST", "Patient", example("Patient", id=None, name=[{"family": "Ny"}]), ADAM),
            entry("POST", "Observation", lab(subject={"reference": ADAM})),
            entry("PUT", "Observation/o3", lab("o3")),
            entry("PATCH", "Observation/o1", binary(AMENDED)),
            bad,
        )
        refused(answer, answer.status_code)
        assert answer.status_code in (400, 404, 412, 422)
        assert await self.seen(client, house) == before
