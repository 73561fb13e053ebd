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
        f"/{row.name}/1/$validate",
    ):
        if address == "/PlanDefinition/$apply":
            address = "/PlanDefinition/$establish"
        refused(await client.get(address), 404)
        refused(await client.post(address, content=parameters()), 404)


async def test_operations_of_the_whole_system_are_not_found(client, refused):
    refused(await client.get("/$export"), 404)
    refused(await client.post("/$export", content=parameters()), 404)
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
APPLY, ELIGIBLE = "/PlanDefinition/diabetes/$apply", "/Patient/$eligible"
TARGETS, OVERVIEW = "/Patient/inger-test/$recommended-targets", "/Patient/inger-test/$overview"
TAKEN = (
    {"subject": (ESTABLISH, APPLY), "definition": (ESTABLISH,), "exclude": (ESTABLISH,), "reason": (ESTABLISH, SET)}
    | dict.fromkeys(("low", "high", "unit", "comparator", "strict", "text", "valid-until"), (SET,))
    | dict.fromkeys(("clinic", "plan-type", "state", "_count", "_offset"), (ELIGIBLE,))
    | {"on": (ELIGIBLE, TARGETS, OVERVIEW), "audience": (OVERVIEW,), "no-such": (ESTABLISH, SET, APPLY, TARGETS)}
)
GOOD = {
    "subject": "Patient/inger-test",
    "definition": "PlanDefinition/diabetes",
    "low": 50,
    "high": 60,
    "reason": "hypoglycaemia",
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


async def test_preview_stores_nothing(client, record, house):
    """R4-112."""
    before = await versions(house)
    assert (await client.get("/PlanDefinition/diabetes/$apply?subject=Patient/inger-test")).status_code == 200
    assert (await client.get("/Patient/inger-test/$recommended-targets")).status_code == 200
    assert (await client.get("/Patient/inger-test/$overview")).status_code == 200
    assert (await client.get("/Patient/$eligible")).status_code == 200
    assert await versions(house) == before


async def test_plan_is_made_once(client, put, example, record, house, refused):
    """R4-112, design §5: an active plan of the type is a conflict, and nothing is stored."""
    body = parameters(
        ("subject", {"valueString": "Patient/inger-test"}), ("definition", {"valueString": "PlanDefinition/diabetes"})
    )
    made = await client.post("/CarePlan/$establish", content=body)
    assert made.status_code == 200, made.text
    assert (await client.get("/CarePlan?subject=Patient/inger-test&status=active")).json()["total"] == 1
    before = await versions(house)
    refused(await client.post("/CarePlan/$establish", content=body), 409, "plan-exists")
    assert await versions(house) == before


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
