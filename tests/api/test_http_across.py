"""Searches of a patient's record and of several types, and chains and Danish codes, over HTTP."""

from dataclasses import replace

import pytest

from careplan.fhir.systems import ICD10, ICPC2, MCS, NPU, SKS, SKS_D, UCUM
from careplan.fhir.text import dump

STRICT = {"prefer": "handling=strict"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def found(response, mode="match"):
    """References of what a search found, sorted."""
    assert response.status_code == 200, response.text
    entries = [one["resource"] for one in response.json().get("entry", ()) if one["search"]["mode"] == mode]
    return sorted(f"{one['resourceType']}/{one['id']}" for one in entries)


def outcomes(response):
    """What the answer says of itself, issue by issue."""
    entries = [one for one in response.json().get("entry", ()) if one["search"]["mode"] == "outcome"]
    return [issue for one in entries for issue in one["resource"]["issue"]]


def link(response, relation):
    return next((one["url"] for one in response.json()["link"] if one["relation"] == relation), None)


def concept(system, code):
    return {"coding": [{"system": system, "code": code}]}


@pytest.fixture
async def record(put, example):
    """A practice, two patients, and a value and a diagnosis of each."""
    await put(example("Organization", id="north", name="Lægehuset Nord"))
    for id in ("a", "b"):
        practice = [{"reference": "Organization/north"}] if id == "a" else None
        await put(example("Patient", id=id, generalPractitioner=practice))
        subject = {"reference": f"Patient/{id}"}
        await put(example("Condition", id=f"c-{id}", subject=subject, encounter=None, asserter=None, recorder=None))
        await put(example("Observation", id=f"o-{id}", subject=subject, performer=None, encounter=None, basedOn=None))


RECORD = ["Condition/c-a", "Observation/o-a", "Patient/a"]
"""What stands in the record of the first, but for the traces of its being written."""


# ── a patient's record ───────────────────────────────────────────────────────────────────────────


async def test_a_record_is_searched_by_type(client, record):
    """R4-101: the same as the search itself, restricted to that patient."""
    assert found(await client.get("/Patient/a/Observation")) == ["Observation/o-a"]
    assert found(await client.get("/Patient/a/Observation?status=final")) == ["Observation/o-a"]
    assert found(await client.get("/Patient/a/Observation?status=cancelled")) == []
    assert found(await client.get("/Patient/nobody/Observation")) == []
    assert found(await client.post("/Patient/a/Observation/_search", content="status=final", headers=FORM)) == [
        "Observation/o-a"
    ]


async def test_a_whole_record_is_searched(client, record):
    """R4-101."""
    answer = await client.get("/Patient/a/*?_lastUpdated=ge2020")
    whole = found(answer)
    assert [one for one in whole if not one.startswith("Provenance/")] == RECORD
    assert link(answer, "self") == "http://test/fhir/Patient/a/*?_lastUpdated=ge2020"
    assert found(await client.get(link(answer, "self"))) == whole
    assert found(await client.get("/Patient/a/*?_type=Condition")) == ["Condition/c-a"]


async def test_the_pages_of_a_record_stay_in_it(client, record, refused):
    """R4-72, R4-75, R4-76, R4-101."""
    seen, address = [], "/Patient/a/*?_type=Patient,Condition,Observation&_count=1"
    while address:
        answer = await client.get(address)
        assert link(answer, "self").startswith("http://test/fhir/Patient/a/*?_type=")
        seen += found(answer)
        address = link(answer, "next")
    assert sorted(seen) == RECORD
    page = link(await client.get("/Patient/a/*?_count=1"), "next")
    refused(await client.get(page.replace("Patient/a/", "Patient/b/")), 400, "parameter-invalid")
    refused(await client.get(page.replace("/Patient/a/*", "")), 400, "parameter-invalid")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/Patient/a/Organization", 404),
        ("/Patient/a/Foo", 404),
        ("/Practitioner/a/Observation", 404),
        ("/Foo/a/Observation", 404),
        ("/Patient/a/*?_type=Organization", 400),
        ("/Patient/a/*?code=x", 400),
        ("/Patient/a/Observation?date=abc", 400),
        ("/Patient/a_b/Observation", 404),
        ("/Patient/010203-1234/Observation", 404),
    ],
)
async def test_what_is_in_no_record_is_refused(client, record, refused, address, status):
    """R4-101: never answered unfiltered."""
    refused(await client.get(address), status)


# ── several types ────────────────────────────────────────────────────────────────────────────────


async def test_several_types_are_searched_at_once(client, record):
    """R4-100."""
    answer = await client.get("?_type=Patient,Observation&_lastUpdated=ge2020&_total=accurate")
    assert found(answer) == ["Observation/o-a", "Observation/o-b", "Patient/a", "Patient/b"]
    assert answer.json()["total"] == 4
    address = "http://test/fhir?_type=Patient,Observation&_lastUpdated=ge2020&_total=accurate"
    assert link(answer, "self") == address
    assert found(await client.get(address)) == found(answer)


async def test_without_a_type_all_are_searched(client, record):
    """R4-100."""
    assert found(await client.get("?_id=a,north")) == ["Organization/north", "Patient/a"]
    assert found(await client.get("/?_id=o-a")) == ["Observation/o-a"]


async def test_several_types_are_searched_by_form(client, record):
    """R4-63, R4-100."""
    answer = await client.post("/_search?_type=Patient", content="_id=a,o-a", headers=FORM)
    assert found(answer) == ["Patient/a"]


@pytest.mark.parametrize(
    "ask",
    [
        "_type=Patient,Observation&birthdate=2024",
        "_type=Patient,Foo",
        "code=x",
        "_type=Patient,Observation&_id=a&_sort=_id&code=x",
        "_type=Patient,Observation&_id=a&_summary=odd",
    ],
)
async def test_what_not_every_type_has_is_refused(client, record, refused, ask):
    """R4-100: lenient or not."""
    status = 404 if "Foo" in ask else 400
    refused(await client.get(f"?{ask}"), status)
    refused(await client.get(f"?{ask}", headers={"prefer": "handling=lenient"}), status)


@pytest.mark.parametrize(
    ("address", "included"),
    [
        ("?_type=Condition,Observation&_include=Condition:subject", ["Patient/a", "Patient/b"]),
        ("?_id=c-a&_include=Condition:subject", ["Patient/a"]),
        ("/Patient/a/*?_type=Condition,Observation&_include=Condition:subject&_count=1", ["Patient/a"]),
        ("/Patient/a/*?_type=Patient&_revinclude=Observation:patient", ["Observation/o-a"]),
        ("/Patient/a/*?_include=Patient:general-practitioner&_count=1", ["Organization/north"]),
    ],
)
async def test_includes_of_some_of_the_types_are_followed(client, record, address, included):
    """R4-64, R4-103: and stand in the links."""
    answer = await client.get(address, headers=STRICT)
    assert found(answer, "include") == included
    assert outcomes(answer) == []
    assert address.rpartition("nclude=")[2].partition("&")[0] in link(answer, "self")
    assert found(await client.get(link(answer, "self")), "include") == included
    if link(answer, "next"):
        assert (await client.get(link(answer, "next"))).status_code == 200


@pytest.mark.parametrize(
    "ask", ["_include=CarePlan:foo", "_include=Foo:subject", "_revinclude=*", "_sort=foo", "_sort=date"]
)
@pytest.mark.parametrize(
    "address", ["?_type=Condition,Observation&_id=o-a", "/Patient/a/*?_type=Observation,Condition"]
)
async def test_what_fits_none_of_several_types_is_left_out(client, record, refused, address, ask):
    """R4-64, R4-78, R4-105: and said; strict, it is refused."""
    answer = await client.get(f"{address}&{ask}")
    assert found(answer) == found(await client.get(address))
    assert ask not in link(answer, "self")
    (issue,) = outcomes(answer)
    assert (issue["severity"], issue["code"]) == ("warning", "not-supported")
    assert ask in issue["diagnostics"]
    assert answer.json()["total"] == len(found(answer))
    (issue,) = refused(await client.get(f"{address}&{ask}", headers=STRICT), 400, "parameter-unsupported")
    assert ask in issue["diagnostics"]


@pytest.mark.parametrize("address", ["?_type=Observation", "/Patient/a/*?_type=Observation"])
async def test_one_type_is_sorted_by_its_own_keys_wherever_it_is_searched(client, put, example, record, address):
    """R4-78."""
    subject = {"reference": "Patient/a"}
    for id, day in (("x", "2031-01-01"), ("y", "2030-01-01")):
        await put(example("Observation", id=id, subject=subject, performer=None, effectiveDateTime=day))
    for sort, first in (("-date", ["x", "y"]), ("-date,foo", ["x", "y"])):
        answer = await client.get(f"{address}&_sort={sort}&_count=2")
        assert [one["resource"]["id"] for one in answer.json()["entry"] if one["search"]["mode"] == "match"] == first
        assert "_sort=-date&" in link(answer, "self")
        assert [one["diagnostics"].partition(" ")[0] for one in outcomes(answer)] == ["_sort=foo"] * ("foo" in sort)


async def test_includes_that_are_cut_off_are_said_wherever_they_are(app, client, record):
    """R4-103: in a search of one type, of several, and in a Bundle; they count to no total."""
    door = app.state.door
    app.state.door = replace(door, house=replace(door.house, limits=replace(door.house.limits, includes=1)))
    one = "Observation?_include=Observation:subject"
    entry = {"request": {"method": "GET", "url": one}}
    sent = await client.post("", content=dump({"resourceType": "Bundle", "type": "batch", "entry": [entry]}))
    several = "?_type=Observation,Condition&_include=Observation:subject"
    answers = [(await client.get(f"/{one}")).json(), (await client.get(several)).json()]
    for bundle in (*answers, sent.json()["entry"][0]["resource"]):
        modes = [entry["search"]["mode"] for entry in bundle["entry"]]
        assert modes.count("include") == 1
        assert bundle["total"] == modes.count("match") > 0
        (issue,) = bundle["entry"][-1]["resource"]["issue"]
        assert modes[-1] == "outcome"
        assert (issue["severity"], issue["code"]) == ("warning", "too-costly")
        assert "CAREPLAN_INCLUDES" in issue["diagnostics"]


# ── chains, pairs and codes ──────────────────────────────────────────────────────────────────────


async def test_chains_and_has_go_through_the_links_of_an_answer(client, record):
    """R4-72, R4-98, R4-99."""
    for ask, expected in [
        ("Observation?subject:Patient.general-practitioner.name=l%C3%A6gehuset", ["Observation/o-a"]),
        ("Patient?_has:Observation:patient:_id=o-b", ["Patient/b"]),
    ]:
        answer = await client.get(f"/{ask}", headers=STRICT)
        assert found(answer) == expected
        assert found(await client.get(link(answer, "self"))) == expected


@pytest.mark.parametrize(
    "ask", ["subject.foo=x", "subject:Organization.name=x", "code.x=y", "_has:Foo:patient:code=x", "_has=x"]
)
async def test_a_chain_that_is_not_understood_is_never_left_out(client, record, refused, ask):
    """R4-98."""
    refused(await client.get(f"/Observation?{ask}"), 400, "parameter-invalid")


async def test_both_parts_of_a_composite_are_of_one_component(client, put, example):
    """R4-96, R4-97."""
    loinc = "http://loinc.org"
    pressures = [
        {
            "code": concept(loinc, code),
            "valueQuantity": {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
        }
        for code, value in (("8480-6", 138), ("8462-4", 150))
    ]
    await put(example("Observation", id="bp", code=concept(loinc, "85354-9"), valueQuantity=None, component=pressures))
    for ask, expected in [
        ("component-code-value-quantity=http://loinc.org|8480-6$gt130", ["Observation/bp"]),
        ("component-code-value-quantity=http://loinc.org|8480-6$gt140", []),
        ("combo-code-value-quantity=8462-4$gt140|http://unitsofmeasure.org|mm[Hg]", ["Observation/bp"]),
        ("code-value-quantity=8462-4$gt140", []),
        ("code=8480-6", []),
        ("combo-code=8480-6", ["Observation/bp"]),
        ("component-code=85354-9", []),
    ]:
        assert found(await client.get(f"/Observation?{ask}")) == expected, ask


@pytest.mark.parametrize(
    ("type_name", "stored", "asked"),
    [
        ("Observation", (NPU, "NPU27300"), ["urn:oid:1.2.208.176.2.1|NPU27300", f"{NPU}|NPU27300", "NPU27300"]),
        ("Observation", ("urn:oid:1.2.208.176.2.1", "NPU27300"), [f"{NPU}|NPU27300"]),
        ("Observation", (MCS, "MCS88011"), ["urn:oid:1.2.208.184.100.8|MCS88011", f"{MCS}|MCS88011"]),
        ("Observation", ("urn:oid:1.2.208.184.100.8", "MCS88011"), [f"{MCS}|MCS88011"]),
        ("Condition", (ICPC2, "T90"), ["http://hl7.org/fhir/sid/icpc-2|T90", f"{ICPC2}|t90"]),
        ("Condition", ("http://hl7.org/fhir/sid/icpc-2", "T90"), [f"{ICPC2}|T90"]),
        ("Condition", (SKS, "DE119"), [f"{SKS_D}|DE119", f"{ICD10}|E11.9"]),
        ("Condition", (ICD10, "E11.9"), [f"{SKS_D}|DE119", f"{SKS}|DE119", f"{ICD10}|E11.9"]),
    ],
)
async def test_every_alias_of_a_danish_system_finds_the_same(client, put, example, type_name, stored, asked):
    """R4-87: NPU, MCS, ICPC-2 and SKS, under each of their names."""
    one = example(type_name, id="one", code=concept(*stored))
    await put({name: part for name, part in one.items() if name != "valueQuantity"})  # not every code has a number
    for code in asked:
        assert found(await client.get(f"/{type_name}", params={"code": code})) == [f"{type_name}/one"], code


@pytest.mark.parametrize("taken", ["2026-07-01T11:00:00+02:00", "2026-07-01T09:00:00Z"])
async def test_instants_are_compared_whatever_their_offset(client, put, example, taken):
    """R4-84: without an offset the zone is that of Copenhagen."""
    await put(example("Observation", id="one", effectiveDateTime=taken))
    for asked, expected in [
        ("2026-07-01T11:00:00+02:00", ["Observation/one"]),
        ("2026-07-01T14:30:00+05:30", ["Observation/one"]),
        ("2026-07-01T09:00:00Z", ["Observation/one"]),
        ("2026-07-01T11:00:00", ["Observation/one"]),
        ("2026-07-01T11:00:00Z", []),
        ("lt2026-07-01T11:00:01+02:00", ["Observation/one"]),
        ("lt2026-07-01T10:00:00+02:00", []),
    ]:
        assert found(await client.get("/Observation", params={"date": asked})) == expected, asked


async def test_names_are_found_by_their_sound_and_identifiers_by_their_type(client, put, example):
    """R4-90."""
    kind = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
    identifier = [{"type": kind, "system": "urn:x", "value": "7"}]
    await put(example("Patient", id="k", name=[{"family": "Møller", "given": ["Kristian"]}], identifier=identifier))
    assert found(await client.get("/Patient?phonetic=Christian")) == ["Patient/k"]
    assert found(await client.get("/Patient?phonetic=moeler")) == ["Patient/k"]
    assert found(await client.get("/Patient?phonetic=Karen")) == []
    system = "http://terminology.hl7.org/CodeSystem/v2-0203"
    for ask, expected in [(f"{system}|MR|7", ["Patient/k"]), (f"{system}|DL|7", []), (f"{system}|MR|8", [])]:
        assert found(await client.get("/Patient", params={"identifier:of-type": ask})) == expected


async def test_the_words_of_a_code_are_looked_at(client, put, example):
    """R4-90."""
    code = {"coding": [{"system": NPU, "code": "NPU27300", "display": "Hæmoglobin A1c"}], "text": "Langtidsblodsukker"}
    await put(example("Observation", id="one", code=code))
    for ask in ("code:text=haemo", "code:text=LANGTID", "code:text=x,lang"):
        assert found(await client.get(f"/Observation?{ask}")) == ["Observation/one"], ask
    assert found(await client.get("/Observation?code:text=sukker")) == []
