"""Conditions and preferences in headers: ETag, If-*, Prefer, conditional create."""

from urllib.parse import quote

import pytest

from careplan.fhir.text import dump

CREATED = "Sun, 22 Nov 2026 09:00:00 GMT"


@pytest.fixture
async def patient(put, example):
    return (await put(example("Patient"))).json()


async def total(client, type_name):
    return (await client.get(f"/{type_name}", params={"_summary": "count"})).json()["total"]


# ── read ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("tag", ['W/"1"', '"1"', "1", '"7", W/"1"', "*"])
async def test_known_version_is_not_sent_again(client, patient, tag):
    """R4-14."""
    answer = await client.get("/Patient/inger-test", headers={"if-none-match": tag})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", 'W/"1"')
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("tag", ['W/"2"', '"11"', '"W/1"'])
async def test_another_version_is_sent(client, patient, tag):
    assert (await client.get("/Patient/inger-test", headers={"if-none-match": tag})).status_code == 200


async def test_modified_since_counts_whole_seconds(client, patient):
    """R4-15."""
    for since, status in (
        (CREATED, 304),
        ("Sun, 22 Nov 2026 09:00:01 GMT", 304),
        ("Sun, 22 Nov 2026 08:59:59 GMT", 200),
    ):
        answer = await client.get("/Patient/inger-test", headers={"if-modified-since": since})
        assert answer.status_code == status, since


async def test_none_match_wins_over_modified_since(client, patient):
    """R4-15."""
    both = {"if-none-match": '"5"', "if-modified-since": CREATED}
    assert (await client.get("/Patient/inger-test", headers=both)).status_code == 200


@pytest.mark.parametrize(
    "since", ["yesterday", "", "0", "Sun, 99 Nov 2026 09:00:00 GMT", "Sun, 22 Nov 99999 09:00:00 GMT"]
)
async def test_unreadable_date_counts_for_nothing(client, patient, since):
    assert (await client.get("/Patient/inger-test", headers={"if-modified-since": since})).status_code == 200


async def test_head_answers_as_get_does(client, patient, refused):
    """R4-11. The body is left out by the server that speaks HTTP; see the test on processes."""
    for address in (
        "/Patient/inger-test",
        "/Patient/nobody",
        "/metadata",
        "/Patient",
        "/Patient/inger-test/_history/1",
    ):
        get, head = await client.get(address), await client.head(address)
        assert head.status_code == get.status_code
        assert dict(head.headers.items()) == dict(get.headers.items()), address


async def test_ids_are_case_sensitive(client, patient, refused):
    """R4-17."""
    refused(await client.get("/Patient/Inger-Test"), 404, "not-found")


@pytest.mark.parametrize("id", ["a b", "a_b", "%C3%A6", "a%00b", "x" * 65, "(1)", "'--", "%F0%9F%98%80"])
async def test_what_cannot_be_an_id_is_not_found(client, refused, example, id):
    """R4-17."""
    refused(await client.get(f"/Patient/{id}"), 404)
    refused(await client.delete(f"/Patient/{id}"), 404)
    refused(await client.get(f"/Patient/{id}/_history"), 404)


async def test_an_encoded_slash_is_a_slash_and_leads_nowhere_else(client, refused):
    """R4-17."""
    refused(await client.get("/Patient/%2e%2e%2fmetadata"), 404)
    refused(await client.delete("/Patient/%2e%2e%2fmetadata"), 405)


@pytest.mark.parametrize("id", ["a_b", "x" * 65, "æ", "a\nb", "a b", "a\n"])
async def test_nothing_is_stored_under_what_cannot_be_an_id(client, refused, example, id):
    """R4-17."""
    refused(await client.put(f"/Patient/{quote(id)}", content=dump(example("Patient", id=id))), 404)
    assert await total(client, "Patient") == 0


@pytest.mark.parametrize("number", ["2", "0", "01", "-1", "x", "99999999999999999999", "1.0", "%D9%A1", "²"])
async def test_version_that_never_was_is_not_found(client, patient, refused, number):
    """R4-18."""
    refused(await client.get(f"/Patient/inger-test/_history/{number}"), 404, "not-found")


async def test_summary_and_elements_work_on_read_and_other_parameters_do_not(client, patient):
    """R4-19."""
    part = (await client.get("/Patient/inger-test", params={"_elements": "gender", "name": "nobody"})).json()
    assert set(part) == {"resourceType", "id", "meta", "gender"}
    assert part["meta"]["tag"][0]["code"] == "SUBSETTED"
    plain = (await client.get("/Patient/inger-test", params={"_summary": "data"})).json()
    assert "text" not in plain
    assert plain["gender"] == "female"


# ── update and delete ────────────────────────────────────────────────────────────────────────────


async def test_current_if_match_is_taken_and_stale_one_refused(client, patient, example, refused):
    """R4-32."""
    first = await client.put(
        "/Patient/inger-test", content=dump(example("Patient", gender="male")), headers={"if-match": 'W/"1"'}
    )
    assert (first.status_code, first.headers["etag"]) == (200, 'W/"2"')
    for tag in ('W/"1"', '"1"', "1", 'W/"3"', '"x"', 'W/""'):
        late = await client.put("/Patient/inger-test", content=dump(example("Patient")), headers={"if-match": tag})
        refused(late, 412, "precondition-failed")
    assert (await client.get("/Patient/inger-test")).content == first.content


async def test_identical_update_with_stale_if_match_is_refused_too(client, patient, example, refused):
    await client.put("/Patient/inger-test", content=dump(example("Patient", gender="male")))
    late = await client.put(
        "/Patient/inger-test", content=dump(example("Patient", gender="male")), headers={"if-match": '"1"'}
    )
    refused(late, 412, "precondition-failed")


@pytest.mark.parametrize("tag", ['W/"1"', "*"])
async def test_if_match_on_what_is_not_there_is_refused(client, example, refused, tag):
    """R4-32."""
    answer = await client.put("/Patient/inger-test", content=dump(example("Patient")), headers={"if-match": tag})
    refused(answer, 412, "precondition-failed")
    refused(await client.get("/Patient/inger-test"), 404)


async def test_any_version_will_do_for_a_star(client, patient, example):
    answer = await client.put(
        "/Patient/inger-test", content=dump(example("Patient", gender="male")), headers={"if-match": "*"}
    )
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"2"')


async def test_tags_that_cannot_be_read_are_refused(client, patient, example, refused):
    for tag in ('"1', "a b", '"1","2"'):
        answer = await client.put(
            "/Patient/inger-test", content=dump(example("Patient", gender="male")), headers={"if-match": tag}
        )
        refused(answer, 400, "parameter-invalid")


async def test_if_none_match_star_only_creates(client, example, refused):
    """R4-33."""
    once = {"if-none-match": "*"}
    first = await client.put("/Patient/inger-test", content=dump(example("Patient")), headers=once)
    assert first.status_code == 201
    second = await client.put("/Patient/inger-test", content=dump(example("Patient", gender="male")), headers=once)
    refused(second, 412, "precondition-failed")
    await client.delete("/Patient/inger-test")
    third = await client.put("/Patient/inger-test", content=dump(example("Patient")), headers=once)
    assert (third.status_code, third.headers["etag"]) == (201, 'W/"3"')


@pytest.mark.parametrize("address", ["/Patient/inger-test", "/Patient?_id=inger-test"])
async def test_if_none_match_refuses_the_version_it_names(client, patient, example, refused, address):
    """R4-33: by RFC 9110, 13.1.2."""
    changed = dump(example("Patient", gender="male"))
    for tag in ('W/"1"', '"1"', "1", '"7", W/"1"'):
        refused(await client.put(address, content=changed, headers={"if-none-match": tag}), 412, "precondition-failed")
    refused(await client.put(address, content=changed, headers={"if-none-match": '"1'}), 400, "parameter-invalid")
    assert (await client.get("/Patient/inger-test")).json() == patient
    other = await client.put(address, content=changed, headers={"if-none-match": 'W/"2"'})
    assert (other.status_code, other.headers["etag"]) == (200, 'W/"2"')


async def test_stale_if_match_stops_a_delete(client, patient, example, refused):
    await client.put("/Patient/inger-test", content=dump(example("Patient", gender="male")))
    refused(await client.delete("/Patient/inger-test", headers={"if-match": '"1"'}), 412, "precondition-failed")
    assert (await client.get("/Patient/inger-test")).status_code == 200
    assert (await client.delete("/Patient/inger-test", headers={"if-match": '"2"'})).status_code == 204
    assert (await client.delete("/Patient/inger-test")).status_code == 204
    assert (await client.get("/Patient/inger-test/_history")).json()["total"] == 3


# ── create ───────────────────────────────────────────────────────────────────────────────────────


async def test_preferences_decide_what_a_write_answers(client, example):
    """R4-23."""
    answers = {}
    for wish in (
        "return=minimal",
        "return=representation",
        "return=OperationOutcome",
        "return=everything",
        "respond-async",
    ):
        answers[wish] = await client.post("/Patient", content=dump(example("Patient")), headers={"prefer": wish})
        assert answers[wish].status_code == 201
        assert answers[wish].headers["etag"] == 'W/"1"'
        assert answers[wish].headers["location"].endswith("/_history/1")
        assert answers[wish].headers["last-modified"] == CREATED
    assert answers["return=minimal"].content == b""
    assert answers["return=OperationOutcome"].json()["resourceType"] == "OperationOutcome"
    for wish in ("return=representation", "return=everything", "respond-async"):
        assert answers[wish].json()["resourceType"] == "Patient"


async def test_preferences_may_stand_in_several_header_lines(client, example, refused):
    lines = [("prefer", "handling=strict"), ("prefer", "return=minimal"), ("content-type", "application/fhir+json")]
    assert (await client.post("/Patient", content=dump(example("Patient")), headers=lines)).content == b""
    refused(
        await client.get("/Patient?nonsense=1", headers=[("prefer", "return=minimal"), ("prefer", "handling=strict")]),
        400,
    )
    for written in ('handling="strict"', "HANDLING=Strict", "return=minimal; handling = strict"):
        refused(await client.get("/Patient?nonsense=1", headers={"prefer": written}), 400)


CRITERIA = "identifier=urn:oid:1.2.208.176.1.2|1203589990"


async def test_conditional_create_finds_the_one_that_is_there(client, patient, example):
    """R4-26, R4-27."""
    encoded = "identifier=urn%3Aoid%3A1.2.208.176.1.2%7C1203589990"
    for text in (CRITERIA, encoded, f"?{CRITERIA}", f"Patient?{CRITERIA}"):
        answer = await client.post("/Patient", content=dump(example("Patient")), headers={"if-none-exist": text})
        assert answer.status_code == 200, answer.text
        assert answer.headers["location"] == "http://test/fhir/Patient/inger-test/_history/1"
        assert answer.json() == patient
    in_the_address = await client.post(f"/Patient?{CRITERIA}", content=dump(example("Patient")))
    assert in_the_address.status_code == 200, "as fhirpy asks"
    assert await total(client, "Patient") == 1


async def test_conditional_create_makes_what_is_not_there(client, example):
    answer = await client.post("/Patient", content=dump(example("Patient")), headers={"if-none-exist": CRITERIA})
    assert answer.status_code == 201
    assert await total(client, "Patient") == 1


async def test_conditional_create_with_several_matches_is_refused(client, example, refused):
    for _ in range(2):
        await client.post("/Patient", content=dump(example("Patient")))
    answer = await client.post("/Patient", content=dump(example("Patient")), headers={"if-none-exist": CRITERIA})
    refused(answer, 412, "multiple-matches")
    assert await total(client, "Patient") == 2


@pytest.mark.parametrize(
    "criteria",
    [
        "shoe-size=46",
        "identifier=",
        "?",
        "&&",
        "_count=1",
        "_sort=name",
        "birthdate=soon",
        "name:below=x",
        "%FF=1",
        "gender=%FF",
        "_format=json",
    ],
)
async def test_criteria_that_are_not_understood_never_count_as_met(client, patient, example, refused, criteria):
    """R4-27."""
    answer = await client.post(
        "/Patient", content=dump(example("Patient", gender="male")), headers={"if-none-exist": criteria}
    )
    refused(answer, 400)
    assert await total(client, "Patient") == 1
