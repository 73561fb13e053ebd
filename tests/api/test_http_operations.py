"""Operations over HTTP: how they are called, what is refused, and that refusals store nothing (checklist M)."""

import pytest

from careplan.fhir.registry import ROWS
from careplan.fhir.text import dump

CHANGING = [
    ("/CarePlan/$establish", "establish"),
    ("/Goal/inger-test-hba1c/$set-individual-target", "set-individual-target"),
    ("/Goal/inger-test-hba1c/$follow-recommendation", "follow-recommendation"),
]


def parameters(*pairs):
    return dump({"resourceType": "Parameters", "parameter": [{"name": name, **value} for name, value in pairs]})


@pytest.fixture
async def record(put, example):
    for name in ("Organization", "Patient", "Goal", "Condition", "Observation"):
        await put(example(name))


async def versions(house):
    return len(await house.store.changes(0, 1000))


@pytest.mark.parametrize(("address", "name"), CHANGING)
async def test_what_changes_the_record_is_not_done_by_get(client, record, house, refused, address, name):
    """R4-108."""
    before = await versions(house)
    issues = refused(await client.get(address), 405, "not-allowed")
    assert name in issues[0]["diagnostics"]
    assert (await client.head(address)).status_code == 405
    assert await versions(house) == before


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_unknown_operations_are_not_found(client, refused, row):
    """R4-108."""
    for address in (
        f"/{row.name}/$no-such",
        f"/{row.name}/1/$no-such",
        f"/{row.name}/$apply",
        f"/{row.name}/1/$eligible",
    ):
        if address == "/PlanDefinition/$apply":
            address = "/PlanDefinition/$establish"
        refused(await client.get(address), 404)
        refused(await client.post(address, content=parameters()), 404)


async def test_unknown_operations_of_the_whole_system_are_not_found(client, refused):
    """R4-108."""
    refused(await client.get("/$no-such"), 404)
    refused(await client.post("/$no-such", content=parameters()), 404)
    refused(await client.post("/Foo/$establish", content=parameters()), 404, "type-unknown")


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Patient"},
        {},
        {"resourceType": "Parameters", "parameter": [{}]},
        {"resourceType": "Parameters", "parameter": [{"name": "subject"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "subject", "valueString": "a", "valueCode": "b"}]},
        {"resourceType": "Parameters", "parameter": ["subject"]},
        {"resourceType": "Parameters", "parameter": None},
        {"resourceType": "Parameters", "parameter": 7},
        {"resourceType": "Parameters", "parameter": {"name": "subject", "valueString": "x"}},
        {"resourceType": "Parameters", "parameter": [{"name": ["subject"], "valueString": "x"}]},
    ],
)
async def test_faulty_parameters_are_refused(client, record, house, refused, body):
    before = await versions(house)
    for address, _ in CHANGING:
        answer = await client.post(address, content=dump(body))
        assert answer.status_code in (400, 422), (address, answer.text)
        refused(answer, answer.status_code)
    assert await versions(house) == before


ODD = [7, True, {}, [], [[]], {"reference": 7}, {"reference": None}, {"reference": "x"}, {"value": "x"}, {"value": {}}]
ODD += [{"value": None}, {"coding": 7}, {"coding": [7]}, {"coding": [None]}, {"code": {}}, "", " ", "x" * 10_000, None]
ODD += ["Patient/../1", "\u0000", "NaN", "-1", "1e999999", "2026-02-30", "0001-01-01", "9999-12-31", "²", "\U0001f600"]
ESTABLISH, SET = "/CarePlan/$establish", "/Goal/inger-test-hba1c/$set-individual-target"
FOLLOW = "/Goal/inger-test-hba1c/$follow-recommendation"
APPLY, ELIGIBLE = "/PlanDefinition/diabetes/$apply", "/Patient/$eligible"
TARGETS, OVERVIEW = "/Patient/inger-test/$recommended-targets", "/Patient/inger-test/$overview"
VALIDATE, EVERYTHING = "/Observation/$validate", "/Patient/inger-test/$everything"
LASTN, EXPAND, LOOKUP = "/Observation/$lastn", "/ValueSet/$expand", "/CodeSystem/$lookup"
TAKEN = (
    {"subject": (ESTABLISH, APPLY), "definition": (ESTABLISH,), "exclude": (ESTABLISH,), "reason": (ESTABLISH, SET)}
    | dict.fromkeys(("low", "high", "unit", "comparator", "strict", "text", "valid-until", "author"), (SET,))
    | dict.fromkeys(("clinic", "plan-type", "state", "_offset"), (ELIGIBLE,))
    | dict.fromkeys(("_count", "_page"), (ELIGIBLE, EVERYTHING, LASTN))
    | dict.fromkeys(("_since", "_type", "start", "end"), (EVERYTHING,))
    | dict.fromkeys(("resource", "mode", "profile"), (VALIDATE, "/Observation/inger-test-hba1c/$validate"))
    | dict.fromkeys(("max", "patient", "category", "date", "_include", "_sort", "patient.name"), (LASTN,))
    | dict.fromkeys(("url", "valueSet", "filter", "count", "offset", "activeOnly"), (EXPAND, "/ValueSet/fact/$expand"))
    | dict.fromkeys(("system", "code", "coding", "version", "property"), (LOOKUP, "/CodeSystem/fact/$lookup"))
    | {"on": (ELIGIBLE, TARGETS, OVERVIEW), "audience": (OVERVIEW,), "no-such": (ESTABLISH, SET, APPLY, TARGETS)}
)
GOOD = {
    "subject": "Patient/inger-test",
    "definition": "PlanDefinition/diabetes",
    "low": 50,
    "high": 60,
    "reason": "hypoglycaemia",
    "author": "Organization/laegehuset-test",
    "patient": "inger-test",
    "url": "https://careplan.example/fhir/ValueSet/fact",
    "system": "https://careplan.example/fhir/CodeSystem/fact",
    "code": "score2-category",
}


@pytest.mark.parametrize("name", TAKEN)
async def test_odd_values_of_parameters_break_nothing(client, record, refused, name):
    """Whatever stands in a parameter, the answer is a result or a refusal."""
    for address in TAKEN[name]:
        for value in ODD:
            kind = "valueString" if isinstance(value, str) else "valueReference"
            given = [(n, typed(v)) for n, v in GOOD.items() if n != name]
            calls = [("POST", parameters(*given, (name, {kind: value})), {})]
            if isinstance(value, str):
                query = {**{n: str(v) for n, v in GOOD.items()}, name: value}
                calls += [("GET", b"", query), ("POST", b"", query)]
            for method, body, asked in calls:
                answer = await client.request(method, address, content=body, params=asked)
                assert answer.status_code < 500, (address, value, answer.text)
                if answer.status_code >= 400:
                    refused(answer, answer.status_code)


def typed(value):
    return {"valueDecimal" if isinstance(value, int) else "valueString": value}


@pytest.mark.parametrize("name", ["nobody", "inger-test-hba1c"])
async def test_operations_on_nothing_are_not_found(client, refused, name):
    body = parameters(("low", {"valueDecimal": 50}), ("reason", {"valueCode": "hypoglycaemia"}))
    refused(await client.post(f"/Goal/{name}/$set-individual-target", content=body), 404, "not-found")
    refused(await client.post(f"/Goal/{name}/$follow-recommendation"), 404, "not-found")
    refused(await client.get(f"/Patient/{name}/$recommended-targets"), 404, "not-found")
    refused(await client.get(f"/Patient/{name}/$overview"), 404, "not-found")
    refused(await client.get(f"/PlanDefinition/diabetes/$apply?subject=Patient/{name}"), 404, "not-found")


async def test_deleted_patients_are_gone_for_operations_too(client, record, refused):
    await client.delete("/Patient/inger-test")
    refused(await client.get("/Patient/inger-test/$overview"), 410, "deleted")
    refused(await client.get("/Patient/inger-test/$recommended-targets"), 410, "deleted")


async def test_parameters_may_stand_in_the_address_or_in_the_body(client, record):
    by_get = await client.get("/PlanDefinition/diabetes/$apply?subject=Patient/inger-test")
    by_post = await client.post(
        "/PlanDefinition/diabetes/$apply", content=parameters(("subject", {"valueString": "Patient/inger-test"}))
    )
    by_reference = await client.post(
        "/PlanDefinition/diabetes/$apply",
        content=parameters(("subject", {"valueReference": {"reference": "Patient/inger-test"}})),
    )
    assert [one.status_code for one in (by_get, by_post, by_reference)] == [200, 200, 200], by_get.text
    assert by_get.json()["resourceType"] == "CarePlan"
    assert by_get.headers["content-type"] == "application/fhir+json; charset=utf-8"


@pytest.mark.parametrize("subject", ["inger-test", "Patient/inger-test", "http://test/fhir/Patient/inger-test"])
async def test_the_subject_of_a_preview_is_named_in_any_form(client, record, subject):
    """R4-112: goals and activities of the plan, for the patient."""
    plan = (await client.get("/PlanDefinition/diabetes/$apply", params={"subject": subject})).json()
    assert plan["resourceType"] == "CarePlan" and plan["subject"] == {"reference": "Patient/inger-test"}
    assert {one["resourceType"] for one in plan["contained"]} == {"Goal", "Task", "ServiceRequest"}
    assert plan["goal"] and plan["activity"]


@pytest.mark.parametrize("subject", ["https://other.example/fhir/Patient/inger-test", "Group/inger-test", "Patient/"])
async def test_the_subject_of_a_preview_is_a_patient_of_this_service(client, record, refused, subject):
    refused(await client.get("/PlanDefinition/diabetes/$apply", params={"subject": subject}), 400, "parameter-invalid")


async def test_preview_stores_nothing(client, record, house):
    """R4-112."""
    before = await versions(house)
    assert (await client.get("/PlanDefinition/diabetes/$apply?subject=Patient/inger-test")).status_code == 200
    assert (await client.get("/Patient/inger-test/$recommended-targets")).status_code == 200
    assert (await client.get("/Patient/inger-test/$overview")).status_code == 200
    assert (await client.get("/Patient/$eligible")).status_code == 200
    assert await versions(house) == before


async def test_plan_is_made_once(client, put, example, record, house, refused):
    """Design §5: an active plan of the type is a conflict, and nothing is stored."""
    body = parameters(
        ("subject", {"valueString": "Patient/inger-test"}), ("definition", {"valueString": "PlanDefinition/diabetes"})
    )
    made = await client.post("/CarePlan/$establish", content=body)
    assert made.status_code == 200, made.text
    assert (await client.get("/CarePlan?subject=Patient/inger-test&status=active")).json()["total"] == 1
    before = await versions(house)
    refused(await client.post("/CarePlan/$establish", content=body), 409, "plan-exists")
    assert await versions(house) == before


async def test_a_target_is_set_on_the_version_that_if_match_names(client, record, house, refused):
    """Of two who set a target on one look, the second is told."""
    names = (
        ("high", "valueDecimal", 60),
        ("reason", "valueCode", "frailty"),
        ("author", "valueString", GOOD["author"]),
    )
    body = parameters(*((name, {kind: value}) for name, kind, value in names))
    first = await client.post(SET, content=body, headers={"If-Match": 'W/"1"'})
    assert (first.status_code, first.json()["meta"]["versionId"]) == (200, "2")
    before = await versions(house)
    for address in (SET, FOLLOW):
        again = await client.post(address, content=body, headers={"If-Match": 'W/"1"'})
        refused(again, 412, "precondition-failed")
    assert await versions(house) == before
    last = await client.post(SET, content=body, headers={"If-Match": "*"})
    assert last.status_code == 200
    tag = f'W/"{last.json()["meta"]["versionId"]}"'
    assert (await client.post(FOLLOW, headers={"If-Match": tag})).status_code == 200


async def test_individual_target_needs_a_known_reason_and_a_bound(client, record, house, refused):
    before = await versions(house)
    address = "/Goal/inger-test-hba1c/$set-individual-target"
    for pairs, status in (
        ([("low", {"valueDecimal": 50})], 422),
        ([("low", {"valueDecimal": 50}), ("reason", {"valueCode": "because"})], 422),
        ([("reason", {"valueCode": "hypoglycaemia"})], 400),
        (
            [("low", {"valueDecimal": 60}), ("high", {"valueDecimal": 50}), ("reason", {"valueCode": "hypoglycaemia"})],
            400,
        ),
        (
            [
                ("low", {"valueDecimal": 50}),
                ("unit", {"valueString": "parsec"}),
                ("reason", {"valueCode": "hypoglycaemia"}),
            ],
            422,
        ),
        (
            [("low", {"valueDecimal": 50}), ("low", {"valueDecimal": 51}), ("reason", {"valueCode": "hypoglycaemia"})],
            400,
        ),
    ):
        refused(await client.post(address, content=parameters(*pairs)), status)
    assert await versions(house) == before


EDGES = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", "9999-12-31", "0001", "9999"]


@pytest.mark.parametrize("at", EDGES)
async def test_dates_at_the_ends_of_the_calendar_harm_nobody(client, put, example, record, at):
    """One odd date in one record must not take the overview, or the worklist of everybody, away."""
    await put(example("Patient", id="other", birthDate=at[:10]))
    medicine = example("MedicationStatement", effectivePeriod={"start": at}, effectiveDateTime=None)
    for resource in (
        example("Condition", id="c1", onsetDateTime=at, subject={"reference": "Patient/other"}),
        example("Condition", id="c2", onsetDateTime=at),
        medicine,
        example("Observation", id="o1", effectiveDateTime=at),
        example("Observation", id="o2", effectiveDateTime=at, subject={"reference": "Patient/other"}),
        example("Encounter", period={"start": at}),
    ):
        await put(resource)
    for address in (
        "/Patient/$eligible",
        *(f"/Patient/{id}/${name}" for id in ("other", "inger-test") for name in ("overview", "recommended-targets")),
        "/PlanDefinition/diabetes/$apply?subject=Patient/inger-test",
    ):
        answer = await client.get(address)
        assert answer.status_code == 200, (address, answer.text)


# ── the standard operations ──────────────────────────────────────────────────────────────────────


LOOKS = [
    "/Patient/$eligible",
    TARGETS,
    OVERVIEW,
    f"{APPLY}?subject=Patient/inger-test",
    EVERYTHING,
    f"{LASTN}?patient=inger-test",
    "/Patient/inger-test/$validate",
    f"{EXPAND}?url=https://careplan.example/fhir/ValueSet/fact",
    "/ValueSet/fact/$expand",
    f"{LOOKUP}?system=https://careplan.example/fhir/CodeSystem/fact&code=score2-category",
    "/CodeSystem/fact/$lookup?code=score2-category",
]


@pytest.mark.parametrize("address", LOOKS)
async def test_what_only_looks_answers_get_head_and_post_and_stores_nothing(client, record, house, refused, address):
    """R4-108: parameters that nobody knows are passed over, and refused by name under strict handling."""
    before = await versions(house)
    got, head, posted = [await client.request(method, address) for method in ("GET", "HEAD", "POST")]
    assert (got.status_code, head.status_code, posted.status_code) == (200, 200, 200), got.text
    assert got.headers["content-type"] == head.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert not head.content
    more = address + ("&" if "?" in address else "?") + "no-such=1"
    assert (await client.get(more)).status_code == 200
    issues = refused(await client.get(more, headers={"prefer": "handling=strict"}), 400, "parameter-unsupported")
    assert "no-such" in issues[0]["diagnostics"]
    assert (await client.get(address, headers={"prefer": "handling=strict"})).status_code == 200
    assert await versions(house) == before


async def test_a_resource_is_validated_bare_or_in_parameters(client, example, house, refused):
    """R4-109: 200 with the errors; only what cannot be read at all is refused."""
    good, bad = example("Observation"), example("Observation", status="nope", bogus=1)
    for resource, severities in ((good, {"information"}), (bad, {"error"})):
        for body in (
            resource,
            {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": resource}]},
        ):
            answer = await client.post(VALIDATE, content=dump(body))
            assert {one["severity"] for one in refused(answer, 200)} == severities, answer.text
    places = {one["expression"][0] for one in (await client.post(VALIDATE, content=dump(bad))).json()["issue"]}
    assert places == {"Observation.status", "Observation.bogus"}
    assert await versions(house) == 0


async def test_profile_and_mode_stand_in_the_address_or_in_parameters(client, put, example, refused):
    """R4-109."""
    profile = "https://careplan.example/fhir/StructureDefinition/forloebsplan-goal"
    good = example("Observation")
    by_address = await client.post(VALIDATE, params={"profile": profile, "mode": "profile"}, content=dump(good))
    listed = [{"name": "profile", "valueUri": profile}, {"name": "mode", "valueCode": "profile"}]
    whole = {"resourceType": "Parameters", "parameter": [*listed, {"name": "resource", "resource": good}]}
    by_parameters = await client.post(VALIDATE, content=dump(whole))
    assert by_address.json() == by_parameters.json()
    assert refused(by_address, 200, "profile-violated")
    await put(good)
    stored = await client.get(f"/Observation/{good['id']}/$validate", params={"profile": profile})
    assert stored.json() == by_address.json()
    assert refused(await client.get(VALIDATE), 400, "parameter-invalid")
    assert refused(await client.get("/Observation/nobody/$validate"), 404, "not-found")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/fhir+json", 400),
        (b"[]", "application/fhir+json", 400),
        (b"null", "application/json", 400),
        (b"{}", "application/fhir+json", 400),
        (b'{"resourceType":"Patient"}', "application/fhir+json", 400),
        (b'{"resourceType":"Observation"}', "text/plain", 415),
        (b'{"resourceType":"Parameters","parameter":[{"name":"resource"}]}', "application/fhir+json", 400),
        (b'{"resourceType":"Parameters","parameter":{"name":"resource"}}', "application/fhir+json", 422),
        (b'{"resourceType":"Parameters","parameter":[{"name":"mode","valueCode":7}]}', "application/fhir+json", 422),
    ],
)
async def test_what_cannot_be_validated_is_refused(client, refused, content, kind, status):
    """R4-109: unparsable, of another type, or faulty Parameters."""
    refused(await client.post(VALIDATE, content=content, headers={"content-type": kind}), status)


async def test_everything_is_followed_by_its_links(client, record, refused):
    """R4-110: absolute links over HTTP, also after POST; a link that was changed is refused."""
    whole = (await client.get(EVERYTHING)).json()
    listed = [one["fullUrl"] for one in whole["entry"]]
    assert listed[0] == "http://test/fhir/Patient/inger-test" and len(set(listed)) == len(listed)
    page = (await client.post(EVERYTHING, content=parameters(("_count", {"valueInteger": 2})))).json()
    found = []
    while True:
        found += [one["fullUrl"] for one in page["entry"]]
        links = {one["relation"]: one["url"] for one in page["link"]}
        assert (await client.get(links["self"])).json()["entry"] == page["entry"]
        if "next" not in links:
            break
        last, page = links["next"], (await client.get(links["next"])).json()
    assert sorted(found) == sorted(listed)
    refused(await client.get(last[:-3] + "xyz"), 400)


async def test_newest_values_are_asked_for_by_get_or_post(client, record, example, put):
    """R4-111."""
    for day in (5, 6, 7):
        await put(example("Observation", id=f"day-{day}", effectiveDateTime=f"2026-11-{day:02d}"))
    asked = {"patient": "inger-test", "max": "2", "category": "laboratory", "date": "lt2026-11-10"}
    got = (await client.get(LASTN, params=asked)).json()
    assert [one["resource"]["id"] for one in got["entry"]] == ["day-7", "day-6"]
    body = parameters(*((name, {"valueString": value}) for name, value in asked.items()))
    assert (await client.post(LASTN, content=body)).json()["entry"] == got["entry"]


async def test_expansions_are_refused_as_the_specification_says(client, refused):
    """R4-113: 404 for an unknown set, 422 too-costly for one that is too large, 422 for one we cannot know."""
    refused(await client.get(f"{EXPAND}?url=unknown"), 404, "not-found")
    refused(await client.get("/ValueSet/unknown/$expand"), 404, "not-found")

    def sent(*include):
        return dump({"resourceType": "ValueSet", "status": "draft", "compose": {"include": list(include)}})

    many = {"system": "http://example.org/s", "concept": [{"code": f"c{number}"} for number in range(1001)]}
    issues = refused(await client.post(EXPAND, content=sent(many)), 422, "expansion-too-large")
    assert issues[0]["code"] == "too-costly"
    page = await client.post(f"{EXPAND}?count=2&offset=1000", content=sent(many))
    assert [one["code"] for one in page.json()["expansion"]["contains"]] == ["c1000"]
    issues = refused(await client.post(EXPAND, content=sent({"system": "http://loinc.org"})), 422)
    assert "http://loinc.org" in issues[0]["diagnostics"]
    refused(await client.post(EXPAND, content=sent({"concept": 7})), 422)
    refused(await client.post(EXPAND, content=dump({"resourceType": "Patient"})), 400)


async def test_codes_are_looked_up_over_http(client, refused):
    """The codes of the knowledge too; what is unknown is not found."""
    found = await client.get(f"{LOOKUP}?system=urn:oid:1.2.208.176.2.1&code=NPU27300")
    shown = {one["name"]: one.get("valueString") for one in found.json()["parameter"]}
    assert shown["name"] == "NPU" and "Hæmoglobin A1c" in shown["display"]
    coding = {"valueCoding": {"system": "http://npu-terminology.org", "code": "NPU27300"}}
    assert (await client.post(LOOKUP, content=parameters(("coding", coding)))).json() == found.json()
    refused(await client.get(f"{LOOKUP}?system=http://loinc.org&code=0-0"), 404, "not-found")
    refused(await client.get(f"{LOOKUP}?code=0-0"), 400, "parameter-invalid")
