"""What is read and written: formats, encodings, sizes, and every fault of a body at once."""

import pytest

from careplan.fhir.text import dump

FORM = {"content-type": "application/x-www-form-urlencoded"}


# ── formats ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/fhir+json",
        "application/fhir+json; fhirVersion=4.0",
        "APPLICATION/FHIR+JSON",
        "text/html, application/*;q=0.8",
        "application/fhir+xml, application/fhir+json;q=0.5",
        "",
    ],
)
async def test_json_is_written_to_who_takes_it(client, accept):
    """R4-2, R4-3."""
    answer = await client.get("/metadata", headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"


async def test_json_is_written_to_who_does_not_say(client):
    """R4-3."""
    request = client.build_request("GET", "/metadata")
    del request.headers["accept"]
    assert (await client.send(request)).status_code == 200


@pytest.mark.parametrize(
    "accept", ["text/plain", "application/fhir+xml", "application/xml, text/html", "image/*", "nonsense"]
)
@pytest.mark.parametrize("address", ["/metadata", "/Patient", "/Patient/1", "/Patient/$eligible"])
async def test_other_formats_are_refused(client, refused, accept, address):
    """R4-3."""
    refused(await client.get(address, headers={"accept": accept}), 406, "not-acceptable")


async def test_format_parameter_overrides_accept(client, refused):
    """R4-4."""
    for value in ("json", "application/json", "application/fhir+json", "application/fhir%2Bjson"):
        answer = await client.get(f"/metadata?_format={value}", headers={"accept": "text/plain"})
        assert answer.status_code == 200, value
    for value in ("xml", "application/fhir%2Bxml", "html", "ttl"):
        refused(await client.get(f"/metadata?_format={value}"), 406, "not-acceptable")


async def test_format_parameter_of_a_form_counts_too(client, refused):
    """R4-4, R4-63."""
    refused(await client.post("/Patient/_search", content="_format=xml", headers=FORM), 406, "not-acceptable")
    answer = await client.post("/Patient/_search", content="_format=json", headers=FORM)
    assert answer.status_code == 200


@pytest.mark.parametrize("address", ["/Patient/_search", "/_search", "/Patient/inger-test/Observation/_search"])
async def test_format_parameter_of_a_form_overrides_accept(client, put, example, refused, address):
    """R4-4, R4-63."""
    await put(example("Patient"))
    plain = FORM | {"accept": "text/plain"}
    for value in ("json", "application/fhir%2Bjson"):
        answer = await client.post(address, content=f"_format={value}", headers=plain)
        assert answer.status_code == 200, answer.text
    for asked in (b"", b"_count=1", b"_format=", b"_format=xml"):
        refused(await client.post(address, content=asked, headers=plain), 406, "not-acceptable")


@pytest.mark.parametrize("parameter", ["fhirVersion=3.0", 'fhirVersion="5.0"', "charset=iso-8859-1"])
async def test_another_version_of_fhir_or_charset_is_neither_written_nor_read(client, example, refused, parameter):
    """R4-3, R4-5: https://hl7.org/fhir/R4/http.html#version-parameter"""
    kind = f"application/fhir+json; {parameter}"
    refused(await client.get("/Patient", headers={"accept": kind}), 406, "not-acceptable")
    body = dump(example("Patient"))
    refused(await client.post("/Patient", content=body, headers={"content-type": kind}), 415, "media-type-unsupported")
    both = {
        "accept": "application/fhir+json; fhirVersion=4.0",
        "content-type": "application/fhir+json;fhirVersion=4.0.1",
    }
    assert (await client.post("/Patient", content=body, headers=both)).status_code == 201


@pytest.mark.parametrize("kind", ["application/json", "application/fhir+json; charset=utf-8", "Application/FHIR+JSON"])
async def test_json_bodies_are_read(client, example, kind):
    """R4-5."""
    answer = await client.post("/Patient", content=dump(example("Patient")), headers={"content-type": kind})
    assert answer.status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/fhir+xml", "multipart/form-data", "", None])
async def test_other_bodies_are_refused(client, example, refused, kind):
    """R4-5."""
    body = dump(example("Patient"))
    for method, address in (
        ("POST", "/Patient"),
        ("PUT", "/Patient/inger-test"),
        ("POST", ""),
        ("POST", "/CarePlan/$establish"),
    ):
        request = client.build_request(method, address, content=body)
        del request.headers["content-type"]
        if kind is not None:
            request.headers["content-type"] = kind
        refused(await client.send(request), 415, "media-type-unsupported")
    refused(await client.get("/Patient/inger-test"), 404)


async def test_search_by_form_wants_a_form(client, refused):
    refused(await client.post("/Patient/_search", content=b"{}"), 415, "media-type-unsupported")


async def test_json_in_another_encoding_is_refused(client, example, refused):
    body = dump(example("Patient")).decode()
    for encoding in ("latin-1", "utf-16", "utf-32"):
        refused(await client.post("/Patient", content=body.encode(encoding)), 400, "text-unparsable")


# ── what is not JSON ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"}",
        b"null",
        b"[]",
        b"[{}]",
        b'"Patient"',
        b"7",
        b"<Patient/>",
        b"\xff\xfe",
        b"\x00",
        b"{}{}",
        b'{"a":1,}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1,"a":2}',
        b'{"a":"\\ud800"}',
        b'{"a":"\x01"}',
        b"{'a':1}",
        b'{"a":01}',
        b"[" * 40_000,
        b'{"a":' * 40_000,
        b'{"a":"' + b"x" * 1000,
    ],
)
async def test_what_is_no_json_object_is_a_bad_request(client, refused, body):
    """R4-6."""
    for method, address in (("POST", "/Patient"), ("PUT", "/Patient/1"), ("POST", "")):
        issues = refused(await client.request(method, address, content=body), 400, "text-unparsable")
        assert issues[0]["code"] == "structure"


async def test_lines_and_columns_are_named_and_content_is_not(client, refused):
    issues = refused(await client.post("/Patient", content=b'{\n "resourceType": "Patient",\n "name": Inger\n}'), 400)
    assert "line 3" in issues[0]["diagnostics"]
    assert "Inger" not in issues[0]["diagnostics"]


async def test_deep_nesting_is_refused(client, refused):
    deep = b'{"resourceType":"Patient","extension":' + b'[{"url":"urn:x","extension":' * 40 + b"[]" + b"}]" * 40 + b"}"
    refused(await client.post("/Patient", content=deep), 400, "text-unparsable")


@pytest.mark.parametrize("address", ["/Patient", "", "/Patient/_search", "/CarePlan/$establish"])
async def test_bodies_over_the_limit_are_refused(client, refused, address):
    """R4-12."""
    kind = FORM if address.endswith("_search") else {}
    refused(await client.post(address, content=b" " * (256 * 1024 + 1), headers=kind), 413, "too-large")

    async def parts():
        for _ in range(300):
            yield b" " * 1024

    refused(await client.post(address, content=parts(), headers=kind), 413, "too-large")


@pytest.mark.parametrize("length", ["²", "-1", "x", "9" * 5000, "1e3"])
async def test_odd_content_lengths_break_nothing(client, refused, length):
    lines = [("content-length", length.encode()), ("content-type", "application/json")]
    request = client.build_request("POST", "/Patient", content=b"{", headers=lines)
    answer = await client.send(request)
    refused(answer, answer.status_code)
    assert answer.status_code in (400, 413)


# ── what is JSON, and not FHIR ───────────────────────────────────────────────────────────────────


async def test_all_faults_of_a_body_are_named_at_once(client, refused):
    """R4-7."""
    body = {
        "resourceType": "Observation",
        "status": "nope",
        "code": {"coding": [{"system": 7}]},
        "subject": "Patient/1",
        "effectiveDateTime": "2026-13-45",
        "valueQuantity": {"value": "much"},
        "component": [],
        "favourite": True,
        "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'><script>1</script></div>"},
    }
    issues = refused(await client.post("/Observation", content=dump(body)), 422)
    places = {place for one in issues for place in one.get("expression", [])}
    expected = {
        "Observation.status",
        "Observation.code.coding[0].system",
        "Observation.subject",
        "Observation.effectiveDateTime",
        "Observation.valueQuantity.value",
        "Observation.component",
        "Observation.favourite",
        "Observation.text.div",
    }
    assert {place.replace(".effective", ".effective") for place in places} >= expected, sorted(places)
    assert all(one["severity"] == "error" for one in issues)
    assert (await client.get("/Observation")).json()["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"resourceType":null}',
        b'{"resourceType":7}',
        b'{"resourceType":["Patient"]}',
        b'{"resourceType":"Foo"}',
    ],
)
async def test_body_without_its_type_is_refused(client, refused, body):
    refused(await client.post("/Patient", content=body), 400, "resource-type-mismatch")


@pytest.mark.parametrize("meta", ['"x"', "[]", "7", "null", '{"tag":7}'])
async def test_update_with_an_odd_meta_is_refused(client, put, example, refused, meta):
    """An update is compared with what stands before it is validated."""
    await put(example("Patient"))
    text = dump(example("Patient", meta="META")).replace(b'"META"', meta.encode())
    refused(await client.put("/Patient/inger-test", content=text), 422)
    assert (await client.get("/Patient/inger-test/_history")).json()["total"] == 1


# ── digits and letters ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "number",
    [
        "7.10",
        "1.00",
        "1E-22",
        "1e+5",
        "0.1000000000000000055511151231257827",
        "-0",
        "-0.0",
        "100",
        "123456789012345678901234567890",
    ],
)
async def test_decimals_come_back_digit_for_digit(client, number):
    """R4-24."""
    body = (
        '{"resourceType":"Observation","status":"final","code":{"text":"x"},'
        f'"valueQuantity":{{"value":{number},"unit":"mmol/L"}}}}'
    )
    made = await client.post("/Observation", content=body.encode())
    assert made.status_code == 201, made.text
    for address in (f"/Observation/{made.json()['id']}", "/Observation", f"/Observation/{made.json()['id']}/_history"):
        assert f'"value":{number},'.encode() in (await client.get(address)).content, address
    assert f'"value":{number},'.encode() in (await client.get("/Observation?_elements=value")).content


@pytest.mark.parametrize(
    "text",
    [
        "Åse Ærøskov",
        "𝔘𝔫𝔦 😀👩🏽‍⚕️",
        "e\u0301 is not \u00e9",
        "tab\\tand\\nline",
        "\\u0001",
        "\\u00e6",
        "\\ud83d\\ude00",
        "שלום",
        "a\\/b",
        "a\\u2028b",
    ],
)
async def test_strings_come_back_as_they_were_written(client, text):
    """R4-24."""
    body = f'{{"resourceType":"Patient","name":[{{"text":"{text}"}}]}}'.encode()
    made = await client.post("/Patient", content=body)
    if made.status_code == 422:
        assert text == "\\u0001", made.text
        return
    read = await client.get(f"/Patient/{made.json()['id']}")
    assert f'"text":"{text}"'.encode() in read.content


async def test_extensions_contained_and_order_survive(client, example):
    """R4-25."""
    value = example(
        "Patient",
        _birthDate={"extension": [{"url": "urn:x:time", "valueDateTime": "1958-03-12T10:00:00+01:00"}]},
        contained=[{"resourceType": "Organization", "id": "o1", "name": "Inden i"}],
        extension=[{"url": "urn:x:unknown", "valueString": "b"}, {"url": "urn:x:unknown", "valueString": "a"}],
        managingOrganization={"reference": "#o1"},
    )
    made = await client.post("/Patient", content=dump(value))
    assert made.status_code == 201, made.text
    got = made.json()
    assert {**got, "id": value["id"]} == {**value, "meta": got["meta"]}
    assert b"null" not in made.content


async def test_what_a_caller_says_of_a_resource_is_kept_but_for_its_version(client, example):
    """R4-21: profile, tag and security stay; id, version and instant are ours."""
    meta = {
        "tag": [{"system": "urn:x", "code": "t"}],
        "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}],
        "source": "urn:x:source",
    }
    sent = example("Patient", meta={**meta, "versionId": "7", "lastUpdated": "2001-01-01T00:00:00Z"})
    made = (await client.post("/Patient", content=dump(sent))).json()
    assert {name: part for name, part in made["meta"].items() if name in meta} == meta
    assert (made["meta"]["versionId"], made["meta"]["lastUpdated"]) == ("1", "2026-11-22T09:00:00.000Z")
    assert made["id"] != sent["id"]
