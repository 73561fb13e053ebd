"""The CapabilityStatement is true: what it lists works, and what it does not list is refused (R4-1)."""

import pytest

from careplan.fhir.page_link import PAGE
from careplan.fhir.registry import ROWS, TYPES
from careplan.fhir.text import dump
from careplan.interactions.operations import OPERATIONS

STRICT = {"prefer": "handling=strict"}
JSON_PATCH = {"content-type": "application/json-patch+json"}
WRITTEN = [row.name for row in ROWS if not row.read_only]

ASKED_WITH = {
    "token": "no-such-code",
    "date": "ge2026-11",
    "string": "Zzqqxx",
    "reference": "nobody",
    "uri": "urn:no-such-uri",
    "quantity": "987654321",
    "number": "987654321",
}
"""A value that every parameter of a type can read."""


@pytest.fixture
def statement(client):
    async def asked():
        return (await client.get("/metadata")).json()

    return asked


@pytest.fixture
def rest_of(statement):
    async def found(type_name):
        return next(one for one in (await statement())["rest"][0]["resource"] if one["type"] == type_name)

    return found


async def every(client, address):
    """All matches of a search, page after page."""
    found, link = [], address
    while link:
        bundle = (await client.get(link)).json()
        found += [one["resource"] for one in bundle.get("entry", ())]
        link = next((one["url"] for one in bundle["link"] if one["relation"] == "next"), None)
    return found


async def test_statement_needs_no_credentials_and_says_what_it_is(client):
    """R4-1."""
    answer = await client.get("/metadata")
    statement = answer.json()
    assert answer.status_code == 200
    assert (statement["resourceType"], statement["kind"]) == ("CapabilityStatement", "instance")
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == "http://test/fhir"
    assert [one["type"] for one in statement["rest"][0]["resource"]] == [row.name for row in ROWS]


async def test_statement_is_valid_r4(statement, house):
    """R4-1."""
    assert list(house.validate(await statement())) == []


async def test_statement_has_an_etag_that_answers_304(client):
    """R4-1."""
    etag = (await client.get("/metadata")).headers["etag"]
    again = await client.get("/metadata", headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


# ── interactions ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("type_name", WRITTEN)
async def test_every_listed_interaction_of_a_written_type_works(client, example, rest_of, type_name):
    """R4-1, R4-30, R4-51."""
    value, listed = example(type_name), await rest_of(type_name)
    address, body = f"/{type_name}/{value['id']}", dump(value)
    patch = b'[{"op": "add", "path": "/language", "value": "da-DK"}]'
    made = await client.post(f"/{type_name}", content=body)
    await client.delete(f"/{type_name}/{made.json()['id']}")  # a patient has one active plan of a type, one goal
    codes = {
        "create": made.status_code,
        "update": (await client.put(address, content=body)).status_code,
        "patch": (await client.patch(address, content=patch, headers=JSON_PATCH)).status_code,
        "read": (await client.get(address)).status_code,
        "vread": (await client.get(f"{address}/_history/1")).status_code,
        "history-instance": (await client.get(f"{address}/_history")).status_code,
        "history-type": (await client.get(f"/{type_name}/_history")).status_code,
        "search-type": (await client.get(f"/{type_name}")).status_code,
        "delete": (await client.delete(address)).status_code,
    }
    assert {one["code"] for one in listed["interaction"]} == codes.keys()
    assert codes == dict.fromkeys(codes, 200) | {"create": 201, "update": 201, "delete": 204}
    assert (listed["updateCreate"], listed["readHistory"], listed["versioning"]) == (True, True, "versioned-update")


@pytest.mark.parametrize("type_name", WRITTEN)
async def test_every_listed_condition_works(client, example, rest_of, type_name):
    """R4-1, R4-14, R4-15, R4-26, R4-37, R4-46."""
    listed, body = await rest_of(type_name), dump(example(type_name))
    mark = f"_id={example(type_name)['id']}"
    assert (listed["conditionalCreate"], listed["conditionalUpdate"]) == (True, True)
    assert (listed["conditionalDelete"], listed["conditionalRead"]) == ("single", "full-support")
    assert (await client.put(f"/{type_name}?{mark}", content=body)).status_code == 201
    assert (await client.put(f"/{type_name}?{mark}", content=body)).status_code == 200
    again = await client.post(f"/{type_name}", content=body, headers={"if-none-exist": mark})
    assert again.status_code == 200
    for held in ({"if-none-match": again.headers["etag"]}, {"if-modified-since": again.headers["last-modified"]}):
        assert (await client.get(f"/{type_name}/{again.json()['id']}", headers=held)).status_code == 304
    assert (await client.delete(f"/{type_name}?{mark}")).status_code == 204
    assert (await client.get(f"/{type_name}?{mark}")).json()["total"] == 0


@pytest.mark.parametrize("type_name", [row.name for row in ROWS if row.read_only])
async def test_what_is_read_only_is_read_and_never_written(client, put, example, refused, rest_of, type_name):
    """R4-1, R4-9."""
    listed = await rest_of(type_name)
    await put(example("Patient"))
    one = (await client.get(f"/{type_name}")).json()["entry"][0]["resource"]
    address, body = f"/{type_name}/{one['id']}", dump(one)
    assert {one["code"] for one in listed["interaction"]} == {
        *("read", "vread", "history-instance", "history-type", "search-type")
    }
    for known in (address, f"{address}/_history/1", f"{address}/_history", f"/{type_name}/_history"):
        assert (await client.get(known)).status_code == 200
    assert (listed["conditionalCreate"], listed["conditionalUpdate"], listed["updateCreate"]) == (False, False, False)
    assert listed["conditionalDelete"] == "not-supported"
    refused(await client.post(f"/{type_name}", content=body), 405, "not-allowed")
    refused(await client.put(address, content=body), 405, "not-allowed")
    refused(await client.patch(address, content=b"[]", headers=JSON_PATCH), 405, "not-allowed")
    refused(await client.delete(address), 405, "not-allowed")
    refused(await client.put(f"/{type_name}?_id=1", content=body), 405)
    refused(await client.delete(f"/{type_name}?_id=1"), 405)
    assert (await client.get(address)).json() == one


async def test_every_listed_interaction_of_the_system_works(client, put, example, statement):
    """R4-1, R4-51."""
    await put(example("Patient"))
    (rest,) = (await statement())["rest"]
    bundle = {"resourceType": "Bundle", "type": "batch"}
    codes = {
        "batch": (await client.post("", content=dump(bundle))).status_code,
        "transaction": (await client.post("", content=dump({**bundle, "type": "transaction"}))).status_code,
        "search-system": (await client.get("", params={"_type": "Patient,Goal"}, headers=STRICT)).status_code,
        "history-system": (await client.get("/_history")).status_code,
    }
    assert {one["code"] for one in rest["interaction"]} == codes.keys()
    assert codes == dict.fromkeys(codes, 200)
    for one in rest["searchParam"]:
        asked = {"_type": "Patient,Goal", one["name"]: ASKED_WITH[one["type"]]}
        assert (await client.get("", params=asked, headers=STRICT)).status_code == 200, asked
    strange = await client.get("", params={"_type": "Patient,Goal", "birthdate": "2026"}, headers=STRICT)
    assert strange.status_code == 400


async def test_every_listed_patch_format_works(client, put, example, statement, refused):
    """R4-1, R4-38, R4-41."""
    await put(example("Patient"))
    parts = [
        ("type", "valueCode", "replace"),
        ("path", "valueString", "Patient.gender"),
        ("value", "valueCode", "other"),
    ]
    operation = {"name": "operation", "part": [{"name": name, kind: value} for name, kind, value in parts]}
    bodies = {
        "application/json-patch+json": b'[{"op": "replace", "path": "/gender", "value": "unknown"}]',
        "application/fhir+json": dump({"resourceType": "Parameters", "parameter": [operation]}),
    }
    assert set((await statement())["patchFormat"]) == bodies.keys()
    for media, body in bodies.items():
        answer = await client.patch("/Patient/inger-test", content=body, headers={"content-type": media})
        assert answer.status_code == 200, answer.text
    other = {"content-type": "application/xml-patch+xml"}
    refused(await client.patch("/Patient/inger-test", content=b"<diff/>", headers=other), 415)


async def test_listed_compartments_are_searched_and_others_are_not(client, put, example, statement, refused):
    """R4-1, R4-101."""
    assert (await statement())["rest"][0]["compartment"] == ["http://hl7.org/fhir/CompartmentDefinition/patient"]
    for type_name in ("Patient", "Observation", "Immunization", "Appointment", "Communication", "Consent"):
        await put(example(type_name))
    for type_name in ("Observation", "Immunization", "Appointment", "Communication", "Consent"):
        found = (await client.get(f"/Patient/inger-test/{type_name}")).json()
        assert [one["resource"]["id"] for one in found["entry"]] == [example(type_name)["id"]]
        assert "entry" not in (await client.get(f"/Patient/nobody/{type_name}")).json()
    await put(example("Practitioner"))
    assert (await client.get("/Practitioner/karen-test/Observation")).status_code in (400, 404)


# ── searching ────────────────────────────────────────────────────────────────────────────────────


def value_for(definitions, listed):
    """A value that a listed parameter can read; a composite's is made of those of its components."""
    components = definitions[listed["definition"]].get("component", ())
    if components:
        return "$".join(ASKED_WITH[definitions[one["definition"]]["type"]] for one in components)
    return ASKED_WITH[listed["type"]]


async def test_every_listed_parameter_is_defined_and_answers_when_strict(client, statement):
    """R4-1, R4-64, R4-72, R4-89."""
    definitions = {
        one.get("derivedFrom", one["url"]): one for one in await every(client, "/SearchParameter?_count=1000")
    }
    for resource in (await statement())["rest"][0]["resource"]:
        type_name = resource["type"]
        for one in resource["searchParam"]:
            defined = definitions[one["definition"]]
            assert (defined["code"], defined["type"]) == (one["name"], one["type"])
            assert type_name in defined["base"]
            asked = [(one["name"], value_for(definitions, one)), (f"{one['name']}:missing", "false")]
            answer = await client.get(f"/{type_name}", params=dict([*asked, ("_count", "1")]), headers=STRICT)
            assert answer.status_code == 200, (type_name, asked, answer.text)
            link = answer.json()["link"][0]["url"]
            assert link.startswith(f"http://test/fhir/{type_name}?{one['name']}="), link
            assert f"{one['name']}:missing=false" in link.replace("%3A", ":")
    offered = {(row.name, name) for row in ROWS for name in row.parameters}
    assert {(base, one["code"]) for one in definitions.values() for base in one["base"]} == offered


async def test_every_modifier_and_comparator_that_is_published_answers(client):
    """R4-65, R4-83, R4-90."""
    definitions = {
        one.get("derivedFrom", one["url"]): one for one in await every(client, "/SearchParameter?_count=1000")
    }
    assert definitions
    plain = {"missing": "true", "identifier": "urn:x|1", "ofType": "urn:x|MR|1", "text": "x"}
    for canonical, one in definitions.items():
        type_name, listed = one["base"][0], {"definition": canonical, "type": one["type"]}
        value = value_for(definitions, listed)
        asked = [(f"{one['code']}:{code}", plain.get(code, value)) for code in one["modifier"] if code != "type"]
        asked = [(key.replace(":ofType", ":of-type"), text) for key, text in asked]
        if "type" in one["modifier"]:
            asked.append((f"{one['code']}:{(one.get('target') or ['Patient'])[0]}", "nobody"))
        asked += [(one["code"], f"{prefix}{value.removeprefix('ge')}") for prefix in one.get("comparator", ())]
        for pair in asked:
            answer = await client.get(f"/{type_name}", params=dict([pair, ("_count", "0")]), headers=STRICT)
            assert answer.status_code == 200, (type_name, pair, answer.text)
        strange = await client.get(f"/{type_name}", params={f"{one['code']}:no-such": value})
        assert strange.status_code == 400, (type_name, one["code"])


async def test_search_parameters_are_found_by_code_base_and_canonical(client):
    (one,) = await every(client, "/SearchParameter?code=patient&base=CarePlan")
    assert (one["id"], one["derivedFrom"]) == (
        "clinical-patient",
        "http://hl7.org/fhir/SearchParameter/clinical-patient",
    )
    for asked in ("url=https://careplan.example/fhir/SearchParameter/clinical-patient", "code=patient&base=Goal"):
        assert [found["id"] for found in await every(client, f"/SearchParameter?{asked}")] == ["clinical-patient"]
    assert await every(client, "/SearchParameter?code=patient&base=Organization") == []


@pytest.mark.parametrize("type_name", TYPES)
async def test_every_listed_include_answers_when_strict_and_others_are_refused(client, refused, rest_of, type_name):
    """R4-1, R4-105."""
    listed = await rest_of(type_name)
    for name, key in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
        values = listed.get(key, [])
        for some in (values[at : at + 8] for at in range(0, len(values), 8)):
            answer = await client.get(f"/{type_name}", params={name: some}, headers=STRICT)
            assert answer.status_code == 200, (name, some, answer.text)
        strange = {name: f"{type_name}:no-such"}
        refused(await client.get(f"/{type_name}", params=strange, headers=STRICT), 400, "parameter-unsupported")
        assert (await client.get(f"/{type_name}", params=strange)).status_code == 200


@pytest.mark.parametrize("type_name", TYPES)
async def test_unlisted_parameters_are_refused_when_strict(client, refused, rest_of, type_name):
    """R4-1, R4-64, R4-102."""
    names = {one["name"] for one in (await rest_of(type_name))["searchParam"]}
    for name in {"_text", "_content", "_list", "_query", "_filter", "near", "birthdate", "combo-code"} - names:
        issues = refused(await client.get(f"/{type_name}", params={name: "x"}, headers=STRICT), 400)
        assert name in issues[0]["diagnostics"]


# ── operations ───────────────────────────────────────────────────────────────────────────────────


def parameters(**values):
    """A Parameters resource: `subject=("valueReference", {...})`."""
    listed = [{"name": name.replace("_", "-"), kind: value} for name, (kind, value) in values.items()]
    return dump({"resourceType": "Parameters"} | ({"parameter": listed} if listed else {}))


PLAN_TYPES = "https://careplan.example/fhir/ValueSet/plan-type"
CALLS = {
    ("Patient", "type", "eligible"): ("GET", "/Patient/$eligible?state=new", None, 200),
    ("Patient", "type", "export"): ("GET", "/Patient/$export", None, 202),
    ("Patient", "instance", "recommended-targets"): ("GET", "/Patient/inger-test/$recommended-targets", None, 200),
    ("Patient", "instance", "overview"): ("GET", "/Patient/inger-test/$overview?audience=clinic", None, 200),
    ("Patient", "instance", "everything"): ("GET", "/Patient/inger-test/$everything", None, 200),
    ("Patient", "instance", "exclude"): (
        "POST",
        "/Patient/inger-test/$exclude",
        parameters(plan_type=("valueCode", "hjerte"), reason=("valueCode", "patient-wish")),
        200,
    ),
    ("Patient", "instance", "end-exclusion"): (
        "POST",
        "/Patient/inger-test/$end-exclusion",
        parameters(plan_type=("valueCode", "hjerte")),
        200,
    ),
    ("Patient", "type", "emergency-access"): ("POST", "/Patient/$emergency-access", parameters(), 403),
    ("Patient", "instance", "emergency-access"): ("POST", "/Patient/inger-test/$emergency-access", parameters(), 403),
    ("Organization", "instance", "emergency-accesses"): (
        "GET",
        "/Organization/laegehuset-test/$emergency-accesses",
        None,
        200,
    ),
    ("Observation", "type", "lastn"): (
        "GET",
        "/Observation/$lastn?patient=inger-test&category=laboratory&max=2",
        None,
        200,
    ),
    ("Goal", "instance", "set-individual-target"): (
        "POST",
        "/Goal/inger-test-hba1c/$set-individual-target",
        parameters(
            high=("valueDecimal", 58),
            reason=("valueCode", "frailty"),
            author=("valueString", "Organization/laegehuset-test"),
        ),
        200,
    ),
    ("Goal", "instance", "follow-recommendation"): (
        "POST",
        "/Goal/inger-test-hba1c/$follow-recommendation",
        parameters(),
        200,
    ),
    ("CarePlan", "type", "establish"): (
        "POST",
        "/CarePlan/$establish",
        parameters(
            subject=("valueReference", {"reference": "Patient/inger-test"}),
            definition=("valueCanonical", "https://careplan.example/fhir/PlanDefinition/kol"),
            reason=("valueString", "aftalt"),
        ),
        200,
    ),
    ("Group", "instance", "export"): ("GET", "/Group/kol-hold-test/$export", None, 202),
    ("PlanDefinition", "instance", "apply"): (
        "GET",
        "/PlanDefinition/diabetes/$apply?subject=Patient/inger-test",
        None,
        200,
    ),
    ("CodeSystem", "type", "lookup"): (
        "GET",
        "/CodeSystem/$lookup?system=https://careplan.example/fhir/CodeSystem/plan-type&code=kol",
        None,
        200,
    ),
    ("CodeSystem", "instance", "lookup"): ("GET", "/CodeSystem/plan-type/$lookup?code=kol", None, 200),
    ("ValueSet", "type", "expand"): ("GET", f"/ValueSet/$expand?url={PLAN_TYPES}", None, 200),
    ("ValueSet", "instance", "expand"): ("GET", "/ValueSet/plan-type/$expand", None, 200),
}
"""How each operation is called once; `$validate` is of every type."""


async def test_every_listed_operation_works(client, put, example, statement):
    """R4-1, R4-108, R4-109."""
    for type_name in WRITTEN:
        await put(example(type_name))
    (rest,) = (await statement())["rest"]
    listed = {(one["type"], name["name"]) for one in rest["resource"] for name in one["operation"]}
    assert listed == {(type_name, name) for type_name, _, name in CALLS} | {(one, "validate") for one in TYPES}
    for method, address, body, status in CALLS.values():
        asked = {"prefer": "respond-async"} if status == 202 else {}
        answer = await client.request(method, address, content=body, headers=asked)
        assert answer.status_code == status, (address, answer.text)
    for type_name in TYPES:
        one = (await client.get(f"/{type_name}?_count=1")).json()["entry"][0]["resource"]
        for address in (f"/{type_name}/$validate", f"/{type_name}/{one['id']}/$validate"):
            answer = await client.post(address, content=dump(one))
            assert (answer.status_code, answer.json()["resourceType"]) == (200, "OperationOutcome"), address


async def test_operations_of_ours_are_defined_as_they_are_called(client, statement):
    """R4-1."""
    defined = {one["url"]: one for one in await every(client, "/OperationDefinition")}
    (rest,) = (await statement())["rest"]
    for resource in rest["resource"]:
        for one in resource["operation"]:
            if one["definition"].startswith("http://hl7.org/"):
                continue
            (found,) = await every(client, f"/OperationDefinition?url={one['definition']}")
            assert found == defined.pop(one["definition"])
            taken = {argument["name"] for argument in found["parameter"] if argument["use"] == "in"}
            for level in ("type", "instance"):
                operation = OPERATIONS.get((resource["type"], level, one["name"]))
                assert found[level] == (operation is not None)
                if operation is not None:
                    assert taken == operation.takes - {PAGE}
                    assert found["affectsState"] == ("GET" not in operation.methods)
    assert defined == {}


async def test_listed_operations_of_the_system_work_and_unlisted_ones_do_not(client, refused, statement):
    """R4-1, R4-108."""
    (rest,) = (await statement())["rest"]
    assert [one["name"] for one in rest["operation"]] == ["export"]
    assert (await client.get("/$export", headers={"prefer": "respond-async"})).status_code == 202
    for type_name in TYPES:
        for address in (f"/{type_name}/$no-such", f"/{type_name}/nobody/$no-such"):
            refused(await client.get(address), 404, "operation-unknown")
    for address in ("/Task/$everything", "/Goal/$lastn", "/Patient/$expand", "/Task/1/$apply", "/Device/1/$export"):
        refused(await client.get(address), 404, "operation-unknown")


async def test_other_types_of_r4_are_not_served(client, refused):
    """R4-8."""
    for type_name in ("Foo", "patient", "Bundle", "Parameters", "Binary", "Subscription", "Patients"):
        refused(await client.get(f"/{type_name}"), 404, "type-unknown")
        refused(await client.get(f"/{type_name}/1"), 404, "type-unknown")
        refused(await client.post(f"/{type_name}", content=b"{}"), 404, "type-unknown")
        refused(await client.put(f"/{type_name}/1", content=b"{}"), 404, "type-unknown")
        refused(await client.delete(f"/{type_name}/1"), 404, "type-unknown")


async def test_a_published_definition_is_what_a_plan_names(client):
    plan = (await client.get("/PlanDefinition/diabetes")).json()
    for action in plan["action"]:
        url, _, version = action["definitionCanonical"].partition("|")
        (found,) = await every(client, f"/ActivityDefinition?url={url}&version={version}")
        assert found["code"] == action["code"][0]
        assert found.get("timingTiming") == action.get("timingTiming")
