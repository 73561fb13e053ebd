"""Nothing personal in refusals, logs or addresses; of an error of ours, only route and kind in the log."""

import logging
import re
from dataclasses import replace

import httpx
import pytest

from careplan.api.door import Door
from careplan.fhir.text import dump

SECRET = "Gudrun-Hemmelig"
CPR = "1203589990"
SYSTEM = "urn:oid:1.2.208.176.1.2"


def leaves(value, path=()):
    """Path of every plain value in a resource."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    else:
        yield path


def with_value(resource, path, value):
    """The resource with one plain value replaced."""
    if not path:
        return value
    head, *rest = path
    if isinstance(resource, list):
        return [with_value(one, rest, value) if n == head else one for n, one in enumerate(resource)]
    return {**resource, head: with_value(resource[head], rest, value)}


@pytest.mark.parametrize("type_name", ["Patient", "Observation", "Goal", "CarePlan", "Condition", "Task", "Provenance"])
async def test_refusal_of_a_resource_does_not_repeat_what_it_held(client, example, caplog, type_name):
    caplog.set_level(logging.DEBUG)
    value = example(type_name)
    refusals = 0
    for path in leaves(value):
        if path[0] in ("resourceType", "id"):
            continue
        for odd in (f"{SECRET} {CPR}\t ", {SECRET: CPR}, [[SECRET + CPR]], f" {CPR} "):
            answer = await client.post(f"/{type_name}", content=dump(with_value(value, path, odd)))
            if answer.status_code == 201:
                continue
            refusals += 1
            assert answer.status_code in (400, 409, 422), answer.text
            assert CPR not in answer.text, (path, odd, answer.text)
            if not isinstance(odd, dict):
                assert SECRET not in answer.text, (path, odd, answer.text)
    assert refusals > 20
    assert SECRET not in caplog.text
    assert CPR not in caplog.text


async def test_refusal_of_a_search_does_not_repeat_its_values(client, refused, caplog):
    caplog.set_level(logging.DEBUG, logger="careplan")
    for ask in (
        f"birthdate={CPR}",
        f"identifier={SYSTEM}|{CPR}|x",
        f"name:below={SECRET}",
        f"general-practitioner={SECRET} {CPR}",
        f"_lastUpdated={CPR}{SECRET}",
        f"_count={SECRET}",
        f"_summary={SECRET}",
        f"_total={SECRET}",
        f"_page={SECRET}{CPR}",
        f"active:missing={SECRET}",
    ):
        answer = await client.get(f"/Patient?{ask}")
        refused(answer, 400)
        assert SECRET not in answer.text, answer.text
        assert CPR not in answer.text, answer.text
        entry = {
            "request": {"method": "POST", "url": "Patient", "ifNoneExist": ask},
            "resource": {"resourceType": "Patient"},
        }
        whole = await client.post("", content=dump({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}))
        refused(whole, 400)
        assert SECRET not in whole.text, whole.text
        assert CPR not in whole.text, whole.text
    assert SECRET not in caplog.text
    assert CPR not in caplog.text


async def test_refusals_of_conditional_references_do_not_repeat_the_identifier(client, refused):
    value = {"resourceType": "Condition", "subject": {"reference": f"Patient?identifier={SYSTEM}|{CPR}"}}
    entry = {"request": {"method": "POST", "url": "Condition"}, "resource": value}
    answer = await client.post("", content=dump({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}))
    refused(answer, 412, "reference-unresolved")
    assert CPR not in answer.text


async def test_a_reference_with_criteria_is_not_kept_as_text(client, put, example, refused):
    """R4-56: nowhere but in a transaction, which resolves it, so that no person number becomes the text of a link."""
    await put(example("Patient"))
    await put(example("Observation"))
    subject = {"reference": f"Patient?identifier={SYSTEM}|{CPR}"}
    value, address = example("Observation", subject=subject), f"/Observation/{example('Observation')['id']}"
    patched = dump([{"op": "replace", "path": "/subject", "value": subject}])
    entries = [{"request": {"method": "POST", "url": "Observation"}, "resource": value}]
    answers = [
        await client.post("/Observation", content=dump(value)),
        await client.put(address, content=dump(value)),
        await client.patch(address, content=patched, headers={"content-type": "application/json-patch+json"}),
        await client.post("", content=dump({"resourceType": "Bundle", "type": "batch", "entry": entries})),
    ]
    for answer in answers[:3]:
        (issue,) = refused(answer, 422, "value-invalid")
        assert issue["expression"] == ["Observation.subject"]
        assert "transaction" in issue["diagnostics"]
    assert answers[3].json()["entry"][0]["response"]["status"].startswith("422")
    assert not any(CPR in answer.text for answer in answers)
    assert (await client.get("/Observation")).json()["total"] == 1


async def test_unparsable_bodies_are_not_repeated(client, refused):
    for body in (f'{{"name": {SECRET}}}', f'{{"{SECRET}":1,"{SECRET}":2}}', f'{{"a":"{SECRET}\\ud800"}}', f'"{CPR}"'):
        answer = await client.post("/Patient", content=body.encode())
        refused(answer, 400)
        assert SECRET not in answer.text
        assert CPR not in answer.text


async def test_refused_duplicates_and_conflicts_do_not_repeat_the_person(client, example, put, refused):
    for id in ("a", "b"):
        await put(example("Patient", id=id))
    several = await client.post(
        "/Patient", content=dump(example("Patient")), headers={"if-none-exist": f"identifier={SYSTEM}|{CPR}"}
    )
    refused(several, 412, "multiple-matches")
    stale = await client.put(
        "/Patient/a", content=dump(example("Patient", id="a", gender="male")), headers={"if-match": '"9"'}
    )
    refused(stale, 412)
    for answer in (several, stale):
        assert CPR not in answer.text
        assert "Ærøskov" not in answer.text


async def test_addresses_of_ours_name_nobody(client, example):
    """Ids are random, and locations and links of a create hold nothing of the person."""
    made = await client.post("/Patient", content=dump(example("Patient")))
    assert CPR not in made.headers["location"]
    assert re.fullmatch(r"http://test/fhir/Patient/[0-9a-f-]{36}/_history/1", made.headers["location"])


PATCHES = [
    [{"op": "replace", "path": "/birthDate", "value": f"{SECRET} {CPR}"}],
    [{"op": "add", "path": "/name/0/family", "value": {SECRET: CPR}}],
    [{"op": "test", "path": "/name/0/family", "value": SECRET + CPR}],
    [{"op": "replace", "path": f"/{SECRET}/{CPR}", "value": 1}],
    [{"op": "move", "path": "/gender", "from": f"/{SECRET}{CPR}"}],
    [{"op": SECRET + CPR, "path": "/gender"}],
    [{SECRET: CPR}],
    [f"{SECRET} {CPR}"],
    {SECRET: CPR},
]
PATHS = [
    f"Patient.identifier.where(value = '{CPR}')",
    f"Patient.identifier.where(value = '{SECRET}",
    f"Patient.{SECRET}('{CPR}')",
    f"'{SECRET} {CPR}'",
]


@pytest.mark.parametrize("change", PATCHES, ids=lambda change: str(change)[:40])
async def test_refusal_of_a_json_patch_does_not_repeat_it_nor_what_stood_there(client, put, example, caplog, change):
    caplog.set_level(logging.DEBUG)
    await put(example("Patient", id="a"))
    kind = {"content-type": "application/json-patch+json"}
    for address in ("/Patient/a", "/Patient?_id=a"):
        answer = await client.patch(address, content=dump(change), headers=kind)
        assert answer.status_code in (400, 422), answer.text
        for said in (SECRET, CPR, "Ærøskov"):
            assert said not in answer.text, (said, answer.text)
            assert said not in caplog.text


@pytest.mark.parametrize("path", PATHS)
async def test_refusal_of_a_fhirpath_patch_does_not_repeat_its_path_or_values(client, put, example, caplog, path):
    caplog.set_level(logging.DEBUG)
    await put(example("Patient", id="a"))
    for kind in ("replace", "add", "insert", SECRET):
        part = [
            {"name": "type", "valueCode": kind},
            {"name": "path", "valueString": path},
            {"name": "name", "valueString": f"{SECRET} {CPR}"},
            {"name": "value", "valueString": f"{SECRET} {CPR}"},
        ]
        body = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}
        entry = {"resource": body, "request": {"method": "PATCH", "url": "Patient/a"}}
        whole = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        for answer in (
            await client.patch("/Patient/a", content=dump(body)),
            await client.post("", content=dump(whole)),
        ):
            assert answer.status_code in (400, 422), answer.text
            assert SECRET not in answer.text, answer.text
            assert CPR not in answer.text, answer.text
    assert SECRET not in caplog.text
    assert CPR not in caplog.text


async def test_conditional_writes_do_not_repeat_whom_they_look_for(client, put, example, refused, caplog):
    caplog.set_level(logging.DEBUG, logger="careplan")
    for id in ("a", "b"):
        await put(example("Patient", id=id))
    asked = f"/Patient?identifier={SYSTEM}|{example('Patient')['identifier'][0]['value']}"
    patch = [{"op": "replace", "path": "/gender", "value": "male"}]
    answers = [
        await client.put(asked, content=dump(example("Patient", id=None))),
        await client.delete(asked),
        await client.patch(asked, content=dump(patch), headers={"content-type": "application/json-patch+json"}),
    ]
    for answer in answers:
        refused(answer, 412, "multiple-matches")
    answers.append(
        await client.patch(
            f"/Patient?identifier={SYSTEM}|{CPR}9",
            content=b"[]",
            headers={"content-type": "application/json-patch+json"},
        )
    )
    answers.append(await client.put(f"/Patient?birthdate={CPR}", content=dump(example("Patient"))))
    answers.append(await client.delete(f"/Patient?{SECRET}={CPR}"))
    for answer in answers:
        assert answer.status_code >= 400
        assert CPR not in answer.text, answer.text
        assert "Ærøskov" not in answer.text
    assert CPR not in caplog.text


@pytest.mark.parametrize(
    "ask",
    [
        f"/Observation?subject:Patient.birthdate={CPR}",
        f"/Observation?subject:Patient.identifier=a|{CPR}|{SECRET}",
        f"/Observation?patient.name:below={SECRET}",
        f"/Patient?_has:Observation:patient:date={CPR}{SECRET}",
        f"/Patient?_has:Observation:patient:value-quantity={CPR}x",
        f"/Observation?component-code-value-quantity={SECRET}${CPR}x",
        f"/Observation?code-value-date=a${SECRET}",
        f"/?_type={SECRET},{CPR}",
        f"/?_type=Patient&_lastUpdated={CPR}",
        f"/Patient/{SECRET}/Observation?date={CPR}",
        f"/_history?_since={CPR}{SECRET}",
        f"/Patient/$everything?x={CPR}",
        f"/Observation/$lastn?max={CPR}{SECRET}",
        f"/ValueSet/$expand?url={SECRET}&count={CPR}x",
        f"/Patient/$export?_since={CPR}",
        f"/$export?_type={SECRET}",
    ],
)
async def test_refusal_of_a_chain_an_operation_or_an_export_does_not_repeat_values(client, refused, caplog, ask):
    caplog.set_level(logging.DEBUG, logger="careplan")
    answer = await client.get(ask, headers={"prefer": "respond-async, handling=strict"})
    refused(answer, answer.status_code)
    assert 400 <= answer.status_code < 500
    assert SECRET not in answer.text, answer.text
    assert CPR not in answer.text, answer.text
    assert SECRET not in caplog.text
    assert CPR not in caplog.text


async def test_address_of_an_export_names_nobody(app, client, put, example, tmp_path):
    """A random id, whoever it is about."""
    door = app.state.door
    app.state.door = replace(
        door, house=replace(door.house, exports=replace(door.house.exports, folder=tmp_path / "exports"))
    )
    await put(example("Patient", id="a"))
    begun = await client.get("/Patient/$export?patient=Patient/a", headers={"prefer": "respond-async"})
    if begun.status_code == 400:  # `patient` is for POST
        begun = await client.get("/Patient/$export", headers={"prefer": "respond-async"})
    assert begun.status_code == 202, begun.text
    assert re.fullmatch(r"http://test/fhir/\$export/[0-9a-f-]{32,36}", begun.headers["content-location"])
    assert begun.content == b""


# ── errors of ours ───────────────────────────────────────────────────────────────────────────────


class BrokenStore:
    """A store that fails at everything, with an error that quotes what it was given."""

    def __getattr__(self, name):
        async def failing(*given, **named):
            raise RuntimeError(f"{SECRET} {CPR} {given} {named}")

        return failing


@pytest.fixture
def broken(app, house):
    app.state.door = Door(replace(house, store=BrokenStore()), app.state.door.identify, "", 256 * 1024)
    return app


@pytest.mark.parametrize(
    ("method", "address", "route"),
    [
        ("GET", f"/Patient/{SECRET}", "/fhir/{type}/{id}"),
        ("GET", f"/Patient?identifier={SYSTEM}|{CPR}", "/fhir/{type}"),
        ("POST", "/Patient", "/fhir/{type}"),
        ("PUT", f"/Patient/{SECRET}", "/fhir/{type}/{id}"),
        ("DELETE", f"/Patient/{SECRET}", "/fhir/{type}/{id}"),
        ("GET", f"/Patient/{SECRET}/_history", "/fhir/{type}/{id}/_history"),
        ("GET", f"/Patient/{SECRET}/_history/1", "/fhir/{type}/{id}/_history/{number}"),
        ("GET", f"/Patient/{SECRET}/$overview", "/fhir/{type}/{id}/${operation}"),
        ("PUT", f"/Patient?identifier={SYSTEM}|{CPR}", "/fhir/{type}"),
        ("DELETE", f"/Patient?identifier={SYSTEM}|{CPR}", "/fhir/{type}"),
        ("GET", f"/Patient/{SECRET}/Observation?code={CPR}", "/fhir/{type}/{id}/{member}"),
        ("GET", f"/Observation?subject:Patient.identifier={CPR}", "/fhir/{type}"),
        ("GET", "/_history", "/fhir/_history"),
    ],
)
async def test_error_of_ours_says_nothing_and_logs_route_and_kind(
    broken, example, refused, caplog, method, address, route
):
    """R4-10, design §7."""
    caplog.set_level(logging.DEBUG, logger="careplan")
    transport = httpx.ASGITransport(app=broken)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/fhir") as client:
        body = dump(example("Patient", id=SECRET)) if method in ("POST", "PUT") else b""
        headers = {"content-type": "application/fhir+json"}
        answer = await client.request(method, address, content=body, headers=headers)
    issues = refused(answer, 500, "careplan-error")
    assert issues[0]["diagnostics"] == "The server could not complete the request."
    assert SECRET not in answer.text
    assert CPR not in answer.text
    ours = [one for one in caplog.records if one.name.startswith("careplan")]
    assert [one.getMessage() for one in ours] == [f"{method} {route} ended with RuntimeError"]
    assert all(one.exc_info is None for one in ours)


async def test_readiness_with_a_broken_store_says_nothing(broken, caplog):
    transport = httpx.ASGITransport(app=broken, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert SECRET not in answer.text


async def test_a_person_number_is_never_an_id_and_is_not_repeated(client, example):
    body = {**example("Patient"), "id": CPR}
    refused = await client.put(f"/Patient/{CPR}", content=dump(body))
    assert refused.status_code == 404 and CPR not in refused.text
    entry = {"resource": body, "request": {"method": "PUT", "url": f"Patient/{CPR}"}}
    bundle = await client.post("", content=dump({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}))
    assert bundle.status_code == 422 and CPR not in bundle.text


@pytest.mark.parametrize("id", [f"p-{CPR}", f"{CPR}.1", "p.120358-9990"])
async def test_no_id_holds_a_person_number(client, example, id):
    refused = await client.put(f"/Patient/{id}", content=dump(example("Patient", id=id)))
    assert (refused.status_code, refused.headers.get("location")) == (404, None)
    assert id not in refused.text


async def test_an_id_whose_digits_only_look_alike_is_taken(client, example):
    id = f"0a{CPR}b-{CPR}0"
    assert (await client.put(f"/Patient/{id}", content=dump(example("Patient", id=id)))).status_code == 201


@pytest.mark.parametrize(
    "address",
    [
        f"/Patient?{CPR}=1",
        f"/Patient?identifier:{CPR}=1",
        f"/Patient?_sort={CPR}",
        f"/Patient?_include=Patient:{CPR}",
        f"/Patient?_revinclude={CPR}:a:b",
        f"/Patient?_has:{CPR}:a:b=1",
        f"/Patient?name.{CPR}=1",
        f"/Patient/${CPR}",
    ],
)
async def test_a_person_number_where_a_name_belongs_is_not_repeated(client, address):
    refused = await client.get(address, headers={"prefer": "handling=strict"})
    assert 400 <= refused.status_code < 500
    assert CPR not in refused.text


async def test_a_person_number_as_the_name_of_an_element_is_not_repeated(client, example):
    refused = await client.post("/Patient", content=dump(example("Patient", **{CPR: True, f"value{CPR}": 1})))
    assert refused.status_code == 422
    assert CPR not in refused.text
