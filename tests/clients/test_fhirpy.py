"""fhirpy, the async client of many Python integrations, against the running service.

https://github.com/beda-software/fhir-py
"""

import pytest
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound
from fhirpy.lib import AsyncFHIRResource
from people import NPU, OWN, Json, fresh, hba1c, patient, personal_goal


def made(client: AsyncFHIRClient, body: Json) -> AsyncFHIRResource:
    """A resource of the client's own, not saved yet."""
    return client.resource(
        body["resourceType"], **{name: part for name, part in body.items() if name != "resourceType"}
    )


@pytest.fixture
def client(service: str) -> AsyncFHIRClient:
    return AsyncFHIRClient(service)


async def test_a_resource_is_made_read_changed_and_deleted(client: AsyncFHIRClient) -> None:
    """R4-13, R4-20, R4-29, R4-43: through save, get, update and delete."""
    person = made(client, patient(fresh()))
    await person.save()
    assert person["meta"]["versionId"] == "1"

    person["gender"] = "other"
    await person.save()
    assert person["meta"]["versionId"] == "2"
    person["active"] = True
    await person.update()
    again = await client.get("Patient", person.id)
    assert (again["gender"], again["active"], again["meta"]["versionId"]) == ("other", True, "3")
    await person.delete()
    with pytest.raises((ResourceNotFound, OperationOutcome)):
        await client.get("Patient", person.id)


async def test_searches_page_include_and_chain(client: AsyncFHIRClient) -> None:
    """R4-72, R4-75, R4-98, R4-99, R4-103: fetch_all walks the pages that the service links."""
    family = fresh()
    person = made(client, patient(family))
    await person.save()
    subject = person.to_reference()["reference"]
    for day in range(1, 8):
        await made(client, hba1c(subject, 50 + day, f"2026-10-{day:02}")).save()

    values = client.resources("Observation")
    newest = await values.search(patient=subject, code=f"{NPU}|NPU27300").sort("-date").limit(3).fetch()
    assert [one["valueQuantity"]["value"] for one in newest] == [57, 56, 55]
    everything = await values.search(patient=subject).sort("date").limit(2).fetch_all()
    assert [one["valueQuantity"]["value"] for one in everything] == [51, 52, 53, 54, 55, 56, 57]
    assert await values.search(patient=subject, date__ge="2026-10-05").count() == 3
    chained = await values.search(patient__Patient__name=family).limit(50).fetch()
    assert len(chained) == 7

    people = client.resources("Patient")
    found = await people.has("Observation", "patient", code="NPU27300").search(family=family).fetch()
    assert [one.id for one in found] == [person.id]
    bundle = await values.search(patient=subject).include("Observation", "subject").limit(1).fetch_raw()
    assert {entry["search"]["mode"] for entry in bundle["entry"]} == {"match", "include"}


async def test_conditional_writes_find_the_one_there_is(client: AsyncFHIRClient) -> None:
    """R4-26, R4-37, R4-46: get_or_create, which POSTs to its criteria; update and delete by criteria."""
    family = fresh()
    people = client.resources("Patient").search(identifier=f"{OWN}|{family}")
    there, was_made = await people.get_or_create(made(client, patient(family)))
    found, was_made_again = await people.get_or_create(made(client, patient(family)))
    assert (was_made, was_made_again) == (True, False)
    assert there.id == found.id

    changed, was_new = await people.update(made(client, patient(family) | {"gender": "male"}))
    assert (changed["id"], changed["gender"], was_new) == (there.id, "male", False)
    await people.delete()
    assert await people.first() is None


async def test_a_refusal_reaches_the_caller_as_an_outcome(client: AsyncFHIRClient) -> None:
    """R4-7, R4-10: the client raises its OperationOutcome with what the service said."""
    goal = made(client, personal_goal(f"Patient/{fresh()}"))
    goal["lifecycleStatus"] = "nope"
    with pytest.raises(OperationOutcome) as refused:
        await goal.save()
    assert refused.value.resource["issue"][0]["severity"] == "error"
    assert any("lifecycleStatus" in text for one in refused.value.resource["issue"] for text in one["expression"])


async def test_a_transaction_is_executed_with_its_references(client: AsyncFHIRClient) -> None:
    """R4-52, R4-55: urn:uuid references lead to the resource that the same Bundle makes."""
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:9b2f6d3e-0d3c-4e0a-8f0e-6a1c0a3f5c11",
                "resource": patient(fresh()),
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "resource": personal_goal("urn:uuid:9b2f6d3e-0d3c-4e0a-8f0e-6a1c0a3f5c11"),
                "request": {"method": "POST", "url": "Goal"},
            },
        ],
    }
    answer = await client.execute("", method="post", data=bundle)
    assert [entry["response"]["status"][:3] for entry in answer["entry"]] == ["201", "201"]
    goal = await client.get(*answer["entry"][1]["response"]["location"].split("/")[-4:-2])
    assert answer["entry"][0]["response"]["location"].split("/_history")[0].endswith(goal["subject"]["reference"])


async def test_a_merge_patch_is_refused_in_words(client: AsyncFHIRClient) -> None:
    """R4-38: the client patches by merging, which R4 does not have; it is told what to send."""
    person = made(client, patient(fresh()))
    await person.save()
    with pytest.raises(OperationOutcome) as refused:
        await person.patch(birthDate="1954-03-03")
    assert "json-patch" in refused.value.resource["issue"][0]["diagnostics"]
    assert (await client.get("Patient", person.id))["meta"]["versionId"] == "1"
