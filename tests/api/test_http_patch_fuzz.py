"""Hostile patches over HTTP: whatever they say, the answer is a refusal or a valid version, never a fault of ours."""

import random

import pytest

from careplan.fhir.text import dump, parse

JSON_PATCH = {"content-type": "application/json-patch+json"}
PATHS = (
    "/id /meta /meta/tag /name /name/0 /name/0/given /name/0/given/- /extension /extension/0 /birthDate /_birthDate "
    "/contained /text/div /generalPractitioner /generalPractitioner/0/reference /active /identifier/0/system /nothing"
).split()
VALUES = (
    *(None, True, 0, -1, 1e30, "", "x", "\u0000", "\ufffe", "Patient/1", "#x", "urn:uuid:1", "æ" * 5000, [], {}, [[]]),
    *([None], {"": {}}, {"url": "x"}, [{"url": "x", "valueString": "y"}], {"resourceType": "Patient"}, "<div/>"),
    *({"versionId": "7", "lastUpdated": "x"}, [{"reference": "Patient?identifier=x"}], {"a": {"b": [1, {"c": None}]}}),
)
FHIRPATHS = (
    "Patient Patient.name Patient.name[0] Patient.name[0].given Patient.birthDate Patient.birthDate.extension "
    "Patient.meta Patient.contained Patient.text.div Patient.generalPractitioner[0].reference Patient.id "
    "Patient.identifier[0].system Patient.name.where(use='official') Patient.extension('x') Patient.name. Patient[ "
    "$this ' \u0000"
).split(" ")
KEYS = (
    "valueString",
    "valueCode",
    "valueBoolean",
    "valueHumanName",
    "valueReference",
    "valueExtension",
    "resource",
    "part",
)


def json_patch(chance):
    kinds = ["add", "remove", "replace", "move", "copy", "test", "x"]
    return [
        {
            "op": chance.choice(kinds),
            "path": chance.choice(PATHS),
            "from": chance.choice(PATHS),
            "value": chance.choice(VALUES),
        }
        for _ in range(chance.randint(0, 3))
    ] or [{"op": "add", "path": "/name/0/given/-", "value": f"{chance.random()}"}]


def path_patch(chance):
    operations = []
    for _ in range(chance.randint(0, 3)):
        parts = [
            {"name": "type", "valueCode": chance.choice(["add", "insert", "delete", "replace", "move"])},
            {"name": "path", "valueString": chance.choice(FHIRPATHS)},
            {"name": "name", "valueString": chance.choice(["name", "meta", "extension", "deceased", "contact", "id"])},
            {"name": "index", "valueInteger": chance.randint(0, 2)},
            {"name": "source", "valueInteger": chance.randint(0, 2)},
            {"name": "destination", "valueInteger": chance.randint(0, 2)},
            {"name": "value", chance.choice(KEYS): chance.choice(VALUES)},
        ]
        operations.append({"name": "operation", "part": chance.sample(parts, chance.randint(4, 7))})
    return {"resourceType": "Parameters", "parameter": operations} if operations else {"resourceType": "Parameters"}


@pytest.mark.parametrize("seed", range(4))
async def test_hostile_patches_are_refused_or_leave_a_valid_resource(client, house, put, example, refused, seed):
    """R4-10, R4-40."""
    await put(example("Patient"))
    chance, accepted = random.Random(seed), 0
    for _ in range(100):
        body, headers = (json_patch(chance), JSON_PATCH) if chance.random() < 0.5 else (path_patch(chance), {})
        before = (await client.get("/Patient/inger-test")).content
        answer = await client.patch("/Patient/inger-test", content=dump(body), headers=headers)
        after = (await client.get("/Patient/inger-test")).content
        if answer.status_code == 200:
            accepted += after != before
            assert [one for one in house.validate(parse(after)) if one.severity == "error"] == []
        else:
            refused(answer, answer.status_code)
            assert answer.status_code in (400, 409, 412, 422), (answer.text, body)
            assert after == before
    assert accepted
