"""Update and delete by criteria over HTTP (R4-37, R4-46), and what a delete answers (R4-43 to R4-47)."""

import pytest

from careplan.fhir.text import dump

LAB = [{"system": "urn:lab", "value": "1"}]
CRITERIA = "/Observation?identifier=urn:lab|1"


@pytest.fixture
def lab(example):
    def made(id=None, **changed):
        return example("Observation", id=id, identifier=LAB, **changed)

    return made


async def total(client):
    return (await client.get("/Observation?_summary=count")).json()["total"]


# ── update ───────────────────────────────────────────────────────────────────────────────────────


async def test_an_update_that_fits_nothing_makes_the_resource(client, lab):
    """R4-37: none without an id."""
    answer = await client.put(CRITERIA, content=dump(lab()))
    assert (answer.status_code, answer.headers["etag"]) == (201, 'W/"1"')
    made = answer.json()["id"]
    assert answer.headers["location"] == f"http://test/fhir/Observation/{made}/_history/1"
    assert (await client.get(f"/Observation/{made}")).content == answer.content


async def test_an_update_that_fits_nothing_makes_it_under_the_id_it_brings(client, lab):
    """R4-37: none with an id, as updateCreate says."""
    answer = await client.put(CRITERIA, content=dump(lab("mine")))
    assert (answer.status_code, answer.json()["id"]) == (201, "mine")
    await client.delete("/Observation/mine")
    again = await client.put(CRITERIA, content=dump(lab("mine")))
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"3"')


async def test_an_id_that_another_resource_has_is_not_taken_over(client, put, lab, example, refused):
    """R4-37: none with an id that is in use by what does not fit."""
    await put(example("Observation", id="mine"))
    refused(await client.put(CRITERIA, content=dump(lab("mine"))), 409, "id-taken")
    assert (await client.get("/Observation/mine")).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize("id", [None, "o1"])
async def test_an_update_that_fits_one_changes_it(client, put, lab, id):
    """R4-37: one, with no id or the same."""
    await put(lab("o1"))
    answer = await client.put(CRITERIA, content=dump(lab(id, status="amended")))
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"2"')
    assert (answer.json()["id"], answer.json()["status"]) == ("o1", "amended")
    assert await total(client) == 1
    same = await client.put(CRITERIA, content=dump(lab(id, status="amended")))
    assert (same.status_code, same.headers["etag"]) == (200, 'W/"2"')


async def test_an_update_that_fits_one_of_another_id_is_refused(client, put, lab, refused):
    """R4-37."""
    await put(lab("o1"))
    refused(await client.put(CRITERIA, content=dump(lab("o2"))), 400, "id-mismatch")
    refused(await client.put("/Observation?_id=o1", content=dump(lab("o2"))), 400, "id-mismatch")
    assert await total(client) == 1


@pytest.mark.parametrize("id", [7, ["o1"], {"a": 1}, True, "", "a b", "x" * 65, "010203-1234"])
async def test_an_odd_id_is_refused(client, lab, refused, id):
    """R4-17."""
    answer = await client.put(CRITERIA, content=dump(lab() | {"id": id}))
    refused(answer, answer.status_code)
    assert answer.status_code in (400, 422)
    assert await total(client) == 0


async def test_an_update_that_fits_several_is_refused(client, put, lab, refused):
    """R4-37."""
    await put(lab("o1"))
    await put(lab("o2"))
    refused(await client.put(CRITERIA, content=dump(lab())), 412, "multiple-matches")
    refused(await client.put(CRITERIA, content=dump(lab("o1"))), 412, "multiple-matches")


async def test_an_update_may_take_itself_out_of_its_criteria(client, put, lab, example):
    await put(lab("o1"))
    answer = await client.put(CRITERIA, content=dump(example("Observation", id=None)))
    assert (answer.status_code, answer.json()["id"]) == (200, "o1")
    assert await total(client) == 1


async def test_conditions_hold_for_what_fits(client, lab, refused):
    """R4-32, R4-33, R4-37."""
    refused(await client.put(CRITERIA, content=dump(lab()), headers={"if-match": '"1"'}), 412, "precondition-failed")
    refused(await client.put(CRITERIA, content=dump(lab()), headers={"if-match": "*"}), 412, "precondition-failed")
    once = {"if-none-match": "*"}
    assert (await client.put(CRITERIA, content=dump(lab()), headers=once)).status_code == 201
    other = dump(lab(status="amended"))
    refused(await client.put(CRITERIA, content=other, headers=once), 412, "precondition-failed")
    refused(await client.put(CRITERIA, content=other, headers={"if-match": '"2"'}), 412, "precondition-failed")
    assert (await client.put(CRITERIA, content=other, headers={"if-match": '"1"'})).status_code == 200


UNKNOWN = [
    "",
    "?",
    "?shoe-size=46",
    "?status=",
    "?_count=1",
    "?_format=json",
    "?status=final&shoe-size=46",
    "?date=soon",
]


@pytest.mark.parametrize("criteria", UNKNOWN)
async def test_criteria_that_are_not_understood_write_nothing(client, put, lab, refused, criteria):
    """R4-27, R4-37, R4-46: nothing is deleted, and nothing is written."""
    await put(lab("o1"))
    refused(await client.put(f"/Observation{criteria}", content=dump(lab(status="amended"))), 400)
    refused(await client.delete(f"/Observation{criteria}"), 400)
    assert (await client.get("/Observation/o1/_history")).json()["total"] == 1


async def test_parameters_of_the_answer_are_no_criteria(client, put, lab):
    await put(lab("o1"))
    answer = await client.put(f"{CRITERIA}&_format=json&_pretty=true", content=dump(lab(status="amended")))
    assert answer.status_code == 200, answer.text


async def test_a_chain_is_part_of_the_criteria(client, put, lab, example):
    """A chain that were left out would find too much (R4-98)."""
    await put(example("Patient"))
    await put(lab("o1"))
    assert (await client.delete(f"{CRITERIA}&subject:Patient.gender=male")).status_code == 204
    assert await total(client) == 1
    assert (await client.delete("/Observation?subject:Patient.gender=female")).status_code == 204
    assert await total(client) == 0


async def test_what_is_published_is_not_written_by_criteria(client, refused):
    """R4-9."""
    for method in ("PUT", "PATCH", "DELETE"):
        refused(await client.request(method, "/PlanDefinition?name=x"), 405, "not-allowed")
        refused(await client.request(method, "/Foo?name=x"), 404, "type-unknown")


async def test_a_create_with_an_empty_condition_is_refused(client, lab, refused):
    """R4-27: who sends If-None-Exist means something by it."""
    refused(await client.post("/Observation", content=dump(lab()), headers={"if-none-exist": ""}), 400)
    assert await total(client) == 0


async def test_an_empty_value_in_the_address_is_as_not_sent(client, put, lab, refused):
    """R4-26, R4-37: it is no condition, and alone it leaves none."""
    assert (await client.post("/Observation?foo=&_pretty=true", content=dump(lab()))).status_code == 201
    found = await client.put(f"{CRITERIA}&foo=", content=dump(lab()))
    assert (found.status_code, found.headers["etag"]) == (200, 'W/"1"')
    refused(await client.put("/Observation?foo=", content=dump(lab())), 400, "parameter-invalid")
    assert await total(client) == 1


# ── delete ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_delete_answers_alike_whatever_there_was(client, put, example):
    """R4-43, R4-44."""
    await put(example("Observation", id="o1"))
    for address in ("/Observation/o1", "/Observation/o1", "/Observation/never", CRITERIA):
        answer = await client.delete(address)
        assert (answer.status_code, answer.content) == (204, b""), address
        assert "content-type" not in answer.headers


async def test_if_match_on_a_delete_means_that_something_is_there(client, put, example, refused):
    """R4-32, R4-44: of two who delete the same version, one is told that the other was first."""
    await put(example("Observation", id="o1"))
    condition = {"if-match": 'W/"1"'}
    assert (await client.delete("/Observation/o1", headers=condition)).status_code == 204
    for address in ("/Observation/o1", "/Observation/never", CRITERIA):
        refused(await client.delete(address, headers=condition), 412, "precondition-failed")


async def test_what_is_deleted_is_gone_and_its_past_is_not(client, put, example, refused):
    """R4-45."""
    await put(example("Observation", id="o1"))
    await client.delete("/Observation/o1")
    refused(await client.get("/Observation/o1"), 410, "deleted")
    assert (await client.get("/Observation/o1/_history/1")).status_code == 200
    refused(await client.get("/Observation/o1/_history/2"), 410, "deleted")
    assert await total(client) == 0
    newest = (await client.get("/Observation/o1/_history")).json()["entry"][0]
    assert newest["request"]["method"] == "DELETE"
    assert "resource" not in newest


async def test_a_conditional_delete_takes_one_and_never_several(client, put, lab, refused):
    """R4-46."""
    assert (await client.delete(CRITERIA)).status_code == 204
    await put(lab("o1"))
    await put(lab("o2"))
    refused(await client.delete(CRITERIA), 412, "multiple-matches")
    assert await total(client) == 2
    refused(await client.delete(f"{CRITERIA}&_id=o1", headers={"if-match": '"7"'}), 412, "precondition-failed")
    assert (await client.delete(f"{CRITERIA}&_id=o1")).headers["etag"] == 'W/"2"'
    assert (await client.delete(CRITERIA)).status_code == 204
    assert await total(client) == 0


async def test_what_others_refer_to_may_be_deleted(client, put, example):
    """R4-47: allowed, and the same each time."""
    await put(example("Patient"))
    await put(example("Observation", id="o1"))
    assert (await client.delete("/Patient/inger-test")).status_code == 204
    assert (await client.get("/Observation/o1")).json()["subject"]["reference"] == "Patient/inger-test"
    await put(example("Patient"))
    assert (await client.delete("/Patient/inger-test")).status_code == 204


async def test_what_is_put_where_something_was_deleted_goes_on_counting(client, put, example):
    """R4-34."""
    await put(example("Patient"))
    await client.delete("/Patient/inger-test")
    again = await client.put("/Patient/inger-test", content=dump(example("Patient")))
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"3"')
