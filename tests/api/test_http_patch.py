"""PATCH over HTTP: both formats, their refusals, conditions, preferences, and by criteria."""

import pytest

from careplan.fhir.text import dump

JSON_PATCH = {"content-type": "application/json-patch+json"}
AMENDED = [{"op": "replace", "path": "/status", "value": "amended"}]


def path_patch(kind, path, *parts):
    listed = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}, *parts]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": listed}]}


def value(**given):
    return {"name": "value", **given}


@pytest.fixture
async def observation(put, example):
    """A stored value; the address of it."""
    await put(example("Observation", id="o1"))
    return "/Observation/o1"


@pytest.fixture
def patch(client):
    """Send operations as JSON Patch, or Parameters as FHIRPath Patch."""

    async def sent(address, body, **headers):
        kind = JSON_PATCH if isinstance(body, list) else {}
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return await client.patch(address, content=dump(body), headers={**kind, **named})

    return sent


# ── the two formats ──────────────────────────────────────────────────────────────────────────────


async def test_a_json_patch_makes_the_next_version(client, patch, observation):
    """R4-38."""
    answer = await patch(observation, AMENDED)
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"2"')
    assert answer.headers["location"] == "http://test/fhir/Observation/o1/_history/2"
    assert answer.json()["status"] == "amended"
    assert (await client.get(observation)).content == answer.content
    assert (await client.get(f"{observation}/_history/1")).json()["status"] == "final"


async def test_digits_survive_a_patch_of_something_else(client, patch):
    """R4-24, R4-38."""
    text = (
        '{"resourceType":"Observation","id":"o2","status":"final","code":{"text":"x"},'
        '"valueQuantity":{"value":7.10},"referenceRange":[{"low":{"value":1E-22},"high":{"value":9.00}}]}'
    )
    assert (await client.put("/Observation/o2", content=text)).status_code == 201
    raw = b'[{"op":"replace","path":"/referenceRange/0/high/value","value":6.50}]'
    answer = await client.patch("/Observation/o2", content=raw, headers=JSON_PATCH)
    for number in (b'"value":7.10', b'"value":1E-22', b'"value":6.50'):
        assert number in answer.content
    assert answer.content == (await client.get("/Observation/o2")).content


@pytest.mark.parametrize("kind", ["application/json", "text/json", "application/merge-patch+json", "text/plain", ""])
async def test_a_json_patch_of_another_name_is_refused(client, observation, refused, kind):
    """R4-38."""
    answer = await client.patch(observation, content=dump(AMENDED), headers={"content-type": kind})
    refused(answer, 415, "media-type-unsupported")
    assert (await client.get(observation)).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (path_patch("replace", "Observation.status", value(valueCode="amended")), {"status": "amended"}),
        (path_patch("delete", "Observation.bodySite"), {"status": "final"}),
        (
            path_patch(
                "add", "Observation", {"name": "name", "valueString": "note"}, value(valueAnnotation={"text": "a"})
            ),
            {"note": [{"text": "a"}]},
        ),
        (
            path_patch(
                "insert", "Observation.note", {"name": "index", "valueInteger": 0}, value(valueAnnotation={"text": "b"})
            ),
            {"note": [{"text": "b"}]},
        ),
        (
            path_patch(
                "move",
                "Observation.code.coding",
                {"name": "source", "valueInteger": 0},
                {"name": "destination", "valueInteger": 0},
            ),
            {"status": "final"},
        ),
    ],
    ids=["replace", "delete", "add", "insert", "move"],
)
async def test_a_fhirpath_patch_is_applied(client, patch, observation, body, found):
    """R4-41."""
    answer = await patch(observation, body)
    assert answer.status_code == 200, answer.text
    assert found.items() <= answer.json().items()


async def test_a_path_that_selects_several_is_refused(client, put, example, patch, refused):
    """R4-41."""
    await put(example("Observation", id="o1", note=[{"text": "a"}, {"text": "b"}]))
    answer = await patch("/Observation/o1", path_patch("delete", "Observation.note"))
    (issue,) = refused(answer, 422, "patch-failed")
    assert issue["expression"] == ["Parameters.parameter[0]"]
    assert (await client.get("/Observation/o1")).headers["etag"] == 'W/"1"'


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        [{"op": "test", "path": "/status", "value": "amended"}],
        [*AMENDED, {"op": "test", "path": "/status", "value": "final"}],
        [*AMENDED, {"op": "remove", "path": "/nothing"}],
        [*AMENDED, {"op": "replace", "path": "/nothing/below", "value": 1}],
        path_patch("replace", "Observation.bodySite", value(valueCodeableConcept={"text": "x"})),
        path_patch("delete", "Observation.exists()"),
    ],
)
async def test_what_cannot_be_done_changes_nothing(client, patch, observation, refused, body):
    """R4-39."""
    before = (await client.get(observation)).content
    refused(await patch(observation, body), 422, "patch-failed")
    assert (await client.get(observation)).content == before
    assert (await client.get(f"{observation}/_history")).json()["total"] == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ([{"op": "replace", "path": "/status", "value": "nope"}], "Observation.status"),
        ([{"op": "remove", "path": "/code"}], "Observation.code"),
        ([{"op": "add", "path": "/favourite", "value": True}], "Observation.favourite"),
        (path_patch("replace", "Observation.status", value(valueCode="nope")), "Observation.status"),
        (path_patch("replace", "Observation.code", value(valueString="x")), "Observation.code"),
    ],
)
async def test_a_result_that_is_not_valid_names_the_element_and_changes_nothing(
    client, patch, observation, refused, body, place
):
    """R4-40."""
    issues = refused(await patch(observation, body), 422)
    assert place in [one for issue in issues for one in issue["expression"]]
    assert (await client.get(f"{observation}/_history")).json()["total"] == 1


@pytest.mark.parametrize(
    "body",
    [
        [{"op": "replace", "path": "/id", "value": "o2"}],
        [{"op": "remove", "path": "/id"}],
        [{"op": "replace", "path": "/resourceType", "value": "Condition"}],
        [{"op": "replace", "path": "", "value": {"resourceType": "Observation"}}],
        path_patch("replace", "Observation.id", value(valueId="o2")),
    ],
)
async def test_id_and_type_are_not_patched(client, patch, observation, refused, body):
    """R4-40."""
    refused(await patch(observation, body), 422, "patch-failed")
    assert (await client.get(f"{observation}/_history")).json()["total"] == 1


@pytest.mark.parametrize("raw", [b"", b"{", b"{}", b"null", b"7", b'["a"', b"[NaN]"])
async def test_a_body_that_is_no_array_is_unparsable(client, observation, refused, raw):
    """R4-6."""
    refused(await client.patch(observation, content=raw, headers=JSON_PATCH), 400, "text-unparsable")


async def test_parameters_that_are_not_valid_are_refused_with_their_places(patch, client, observation, refused):
    body = {"resourceType": "Parameters", "parameter": [{"name": "operation", "shoeSize": 46}]}
    issues = refused(await patch(observation, body), 422)
    assert ["Parameters.parameter[0].shoeSize"] in [one["expression"] for one in issues]
    refused(await patch(observation, {"resourceType": "Patient"}), 400, "resource-type-mismatch")


async def test_what_is_published_is_not_patched(patch, refused):
    """R4-9."""
    refused(await patch("/PlanDefinition/diabetes", AMENDED), 405, "not-allowed")
    refused(await patch("/Foo/1", AMENDED), 404, "type-unknown")
    refused(await patch("/Observation/a_b", AMENDED), 404)


# ── conditions and preferences ───────────────────────────────────────────────────────────────────


async def test_conditions_of_a_patch(client, patch, observation, refused):
    """R4-42."""
    for tag in ('W/"7"', '"0"', '"x"'):
        refused(await patch(observation, AMENDED, if_match=tag), 412, "precondition-failed")
    failing = [{"op": "test", "path": "/status", "value": "amended"}]
    refused(await patch(observation, failing, if_match='"7"'), 412, "precondition-failed")
    assert (await patch(observation, AMENDED, if_match='W/"1"')).headers["etag"] == 'W/"2"'
    refused(await patch("/Observation/never", AMENDED), 404, "not-found")
    refused(await patch("/Observation/never", AMENDED, if_match='"1"'), 404, "not-found")
    await client.delete(observation)
    refused(await patch(observation, AMENDED), 410, "deleted")


@pytest.mark.parametrize(
    "body",
    [
        [],
        [{"op": "test", "path": "/status", "value": "final"}],
        [{"op": "replace", "path": "/status", "value": "final"}],
        [{"op": "replace", "path": "/meta/versionId", "value": "7"}],
        {"resourceType": "Parameters"},
    ],
)
async def test_a_patch_that_changes_nothing_makes_no_version(client, patch, observation, body):
    """R4-36."""
    answer = await patch(observation, body)
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"1"')
    assert (await client.get(f"{observation}/_history")).json()["total"] == 1


async def test_preferences_decide_what_a_patch_answers(patch, observation):
    """R4-23."""
    minimal = await patch(observation, AMENDED, prefer="return=minimal")
    assert (minimal.status_code, minimal.content, minimal.headers["etag"]) == (200, b"", 'W/"2"')
    outcome = await patch(observation, AMENDED, prefer="return=OperationOutcome")
    assert outcome.json()["resourceType"] == "OperationOutcome"
    for wish in ("return=representation", "return=everything"):
        assert (await patch(observation, AMENDED, prefer=wish)).json()["resourceType"] == "Observation"


async def test_history_shows_how_each_version_came(client, patch, observation):
    """R4-48."""
    await patch(observation, AMENDED)
    await client.delete(observation)
    entries = (await client.get(f"{observation}/_history")).json()["entry"]
    assert [one["request"]["method"] for one in entries] == ["DELETE", "PATCH", "PUT"]


# ── by criteria ──────────────────────────────────────────────────────────────────────────────────


async def test_a_conditional_patch_changes_the_one_that_fits(client, patch, put, example, refused):
    """R4-42."""
    for body in (AMENDED, path_patch("delete", "Observation.note")):
        refused(await patch("/Observation?identifier=urn:lab|1", body), 404, "not-found")
    lab = {"identifier": [{"system": "urn:lab", "value": "1"}]}
    await put(example("Observation", id="o1", **lab))
    answer = await patch("/Observation?identifier=urn:lab%7C1", AMENDED)
    assert (answer.status_code, answer.headers["etag"], answer.json()["id"]) == (200, 'W/"2"', "o1")
    refused(await patch("/Observation?identifier=urn:lab|1", AMENDED, if_match='"1"'), 412, "precondition-failed")
    await put(example("Observation", id="o2", **lab))
    refused(await patch("/Observation?identifier=urn:lab|1", AMENDED), 412, "multiple-matches")


@pytest.mark.parametrize(
    "criteria", ["", "?", "?shoe-size=46", "?status=", "?_format=json", "?status=final&shoe-size=46"]
)
async def test_a_patch_without_criteria_that_are_understood_changes_nothing(
    client, patch, observation, refused, criteria
):
    """R4-42."""
    refused(await patch(f"/Observation{criteria}", AMENDED), 400)
    assert (await client.get(f"{observation}/_history")).json()["total"] == 1
