"""Batch and transaction: all or nothing, links between entries, the order of work."""

import asyncio
from typing import Any

import pytest
from overtaken import overtaken

from careplan.domain.errors import CareplanError
from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.query import Query
from careplan.fhir.text import parse
from careplan.interactions.access import Forbidden
from careplan.interactions.entry import BundleInvalid
from careplan.interactions.match import MultipleMatches
from careplan.interactions.performed import Performed
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.resolution import ReferenceUnresolved
from careplan.store.protocol import Page

from .conftest import BASE, Json, Town, condition, hba1c, patient


def entry(method: str, url: str, resource: Json | None = None, full: str | None = None, **request: Any) -> Json:
    asked = {"method": method, "url": url} | {key: value for key, value in request.items() if value is not None}
    return {"request": asked} | ({"resource": resource} if resource else {}) | ({"fullUrl": full} if full else {})


def post(resource: Json, full: str | None = None, **request: Any) -> Json:
    return entry("POST", resource["resourceType"], resource, full, **request)


def put(resource: Json, **request: Any) -> Json:
    return entry("PUT", f"{resource['resourceType']}/{resource['id']}", resource, **request)


def statuses(performed: Performed) -> list[int]:
    return [one.status for one in performed.results]


def value(performed: Performed, index: int) -> Json:
    version = performed.results[index].version
    assert version is not None
    found: Json = parse(version.body or b"")
    return found


# ── links ────────────────────────────────────────────────────────────────────────────────────────


async def test_entries_refer_to_one_another_before_they_have_ids(town: Town) -> None:
    disease = {name: part for name, part in condition("x", "R95").items() if name != "id"}
    plan = {
        "resourceType": "CarePlan",
        "status": "draft",
        "intent": "plan",
        "subject": {"reference": "Patient/anna"},
        "addresses": [{"reference": "urn:uuid:0d0a0000-0000-4000-8000-000000000001"}],
    }
    done = await town.bundle(post(plan), post(disease, "urn:uuid:0d0a0000-0000-4000-8000-000000000001"))
    assert statuses(done) == [201, 201]
    assert value(done, 0)["addresses"] == [{"reference": f"Condition/{value(done, 1)['id']}"}]
    (found,) = await town.find("CarePlan", patient="anna")
    assert found["addresses"] == value(done, 0)["addresses"]


async def test_a_conditional_reference_becomes_the_one_it_fits(town: Town) -> None:
    await town.put(patient("dorte", identifier=[{"system": "urn:nr", "value": "7"}]))
    done = await town.bundle(post({**hba1c(51), "subject": {"reference": "Patient?identifier=urn:nr|7"}}))
    assert value(done, 0)["subject"] == {"reference": "Patient/dorte"}
    assert done.results[0].version is not None and done.results[0].version.patient == "dorte"


BY_NUMBER = {"reference": "Patient?identifier=urn:nr|7"}


async def numbered(town: Town, *ids: str) -> None:
    await town.put(*(patient(id, identifier=[{"system": "urn:nr", "value": "7"}]) for id in ids))


async def refused_link(town: Town, fits: str) -> None:
    before = await town.everything()
    with pytest.raises(ReferenceUnresolved, match=fits):
        await town.bundle(post({**hba1c(51), "subject": BY_NUMBER}))
    assert await town.everything() == before


async def test_a_conditional_reference_that_fits_none_is_refused(town: Town) -> None:
    """R4-56: none."""
    await refused_link(town, "no resources")


async def test_a_conditional_reference_that_fits_several_is_refused(town: Town) -> None:
    """R4-56: several."""
    await numbered(town, "d0", "d1")
    await refused_link(town, "2 resources")


async def test_a_conditional_reference_is_asked_once_a_transaction(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """R4-56: however many entries write it, and in however many places."""
    await numbered(town, "dorte")
    asked = []
    search = town.house.store.search

    async def counted(query: Query) -> Page:
        if query.type == "Patient" and query.criteria:
            asked.append(query)
        return await search(query)

    monkeypatch.setattr(town.house.store, "search", counted)
    done = await town.bundle(*(post({**hba1c(50 + n), "subject": BY_NUMBER, "focus": [BY_NUMBER]}) for n in range(5)))
    assert [value(done, n)["subject"] for n in range(5)] == [{"reference": "Patient/dorte"}] * 5
    assert len(asked) == 1


async def test_a_transaction_that_is_tried_again_asks_its_conditional_references_again(town: Town) -> None:
    """R4-56: what somebody else wrote meanwhile counts."""
    await numbered(town, "dorte")
    await town.put(hba1c(49, id="o1"))
    house = town.house

    async def meanwhile() -> None:
        await numbered(own, "double")
        await own.put(hba1c(48, id="o1"))

    own = Town(house)
    town.house = overtaken(house, meanwhile)
    with pytest.raises(ReferenceUnresolved, match="2 resources"):
        await town.bundle(put(hba1c(47, id="o1")), post({**hba1c(51), "subject": BY_NUMBER}))


async def test_if_none_exist_takes_what_is_there_and_links_to_it(town: Town) -> None:
    await town.post({**condition("x", "R95"), "identifier": [{"system": "urn:lps", "value": "9"}]})
    (kol,) = await town.find("Condition", identifier="urn:lps|9")
    disease = {**condition("x", "R95"), "identifier": [{"system": "urn:lps", "value": "9"}]}
    value_of = {**hba1c(51), "focus": [{"reference": "urn:uuid:0d0a0000-0000-4000-8000-000000000001"}]}
    done = await town.bundle(
        post(disease, "urn:uuid:0d0a0000-0000-4000-8000-000000000001", ifNoneExist="identifier=urn:lps|9"),
        post(value_of),
    )
    assert statuses(done) == [200, 201]
    assert value(done, 1)["focus"] == [{"reference": f"Condition/{kol['id']}"}]


async def test_the_same_bundle_twice_makes_each_value_once(town: Town) -> None:
    entries = [
        post(
            {**hba1c(50 + n), "identifier": [{"system": "urn:lab", "value": str(n)}]},
            ifNoneExist=f"identifier=urn:lab|{n}",
        )
        for n in range(5)
    ]
    await asyncio.gather(*(town.bundle(*entries, who="lps") for _ in range(4)))
    assert len(await town.find("Observation", patient="anna")) == 5


async def test_if_none_exist_that_fits_several_is_refused(town: Town) -> None:
    for _ in range(2):
        await town.post({**hba1c(51), "identifier": [{"system": "urn:lab", "value": "1"}]})
    with pytest.raises(MultipleMatches):
        await town.bundle(post(hba1c(51), ifNoneExist="identifier=urn:lab|1"))


# ── all or nothing ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (post({**hba1c(51), "status": "nope"}), ResourceInvalid),
        (put({**hba1c(51), "id": "o1"}, ifMatch='W/"7"'), PreconditionFailed),
        (entry("DELETE", "Condition/anna-t2d", ifMatch='W/"7"'), PreconditionFailed),
        (post(hba1c(51, of="carl")), Forbidden),
        (put(condition("carl-t2d", "K74")), Forbidden),
        (entry("DELETE", "Condition/carl-t2d"), Forbidden),
    ],
)
async def test_one_bad_entry_undoes_all_and_leaves_no_trace(town: Town, bad: Json, error: type[CareplanError]) -> None:
    before = await town.everything()
    with pytest.raises(error) as refused:
        await town.bundle(post(hba1c(49)), put(condition("c-new", "R95")), bad)
    assert await town.everything() == before
    assert await town.find("Observation") == []
    assert await town.find("Condition", code="R95") == []
    assert refused.value.faults[0].expression.startswith("Bundle.entry[2]")


async def test_every_fault_of_every_entry_is_told_with_its_place(town: Town) -> None:
    with pytest.raises(ResourceInvalid) as refused:
        await town.bundle(post({**hba1c(51), "status": "nope"}), post(hba1c(51)), post({**hba1c(51), "status": "no"}))
    assert [fault.expression for fault in refused.value.faults] == [
        "Bundle.entry[0].resource.status",
        "Bundle.entry[2].resource.status",
    ]


async def test_a_transaction_leaves_one_provenance_a_patient_that_names_every_version(town: Town) -> None:
    position = (await town.house.store.changes(0, 100_000))[-1].position
    await town.bundle(post(hba1c(51)), put(condition("c-new", "R95")), post(hba1c(52, of="birthe")))
    fresh = await town.house.store.changes(position)
    proofs = [parse(one.body or b"") for one in fresh if one.type == "Provenance"]
    assert sorted(len(proof["target"]) for proof in proofs) == [2, 3]
    named = {target["reference"] for proof in proofs for target in proof["target"]}
    assert {f"{one.reference}/_history/{one.number}" for one in fresh if one.type != "Provenance"} <= named


@pytest.mark.parametrize(
    "entries",
    [
        [put({**hba1c(51), "id": "o1"}), put({**hba1c(52), "id": "o1"})],
        [put({**hba1c(51), "id": "o1"}), entry("DELETE", "Observation/o1")],
    ],
    ids=["two puts", "put and delete"],
)
async def test_two_entries_about_one_resource_are_refused(town: Town, entries: list[Json]) -> None:
    before = await town.everything()
    with pytest.raises(BundleInvalid, match="two entries"):
        await town.bundle(*entries)
    assert await town.everything() == before


async def test_two_entries_of_one_condition_make_one_resource(town: Town) -> None:
    one = post({**hba1c(51), "identifier": [{"system": "urn:lab", "value": "1"}]}, ifNoneExist="identifier=urn:lab|1")
    done = await town.bundle(one, one)
    assert len(await town.find("Observation", patient="anna")) == 1
    assert value(done, 0)["id"] == value(done, 1)["id"]


# ── order and kinds of work ──────────────────────────────────────────────────────────────────────


async def test_work_goes_delete_post_put_get_whatever_the_order(town: Town) -> None:
    lab = {"identifier": [{"system": "urn:lab", "value": "1"}]}
    await town.put({**hba1c(60), "id": "old", **lab})
    done = await town.bundle(
        entry("GET", "Observation/fresh"),
        put({**hba1c(48), "id": "fresh"}),
        entry("DELETE", "Observation/old"),
        entry("GET", "Observation?patient=anna"),
    )
    assert statuses(done) == [200, 201, 204, 200]
    assert value(done, 0)["id"] == "fresh"
    assert done.results[3].found is not None
    assert [one.id for one in done.results[3].found[1].page.matches] == ["fresh"]


async def test_identical_put_in_a_transaction_makes_no_version(town: Town) -> None:
    await town.bundle(put({**hba1c(51), "id": "o1"}))
    before = await town.everything()
    assert statuses(await town.bundle(put({**hba1c(51), "id": "o1"}))) == [200]
    assert await town.everything() == before


async def test_deleting_what_is_no_longer_there_is_no_fault(town: Town) -> None:
    await town.bundle(put({**hba1c(51), "id": "o1"}))
    for _ in range(2):
        assert statuses(await town.bundle(entry("DELETE", "Observation/o1"))) == [204]


async def test_a_get_that_finds_nothing_does_not_undo_the_rest(town: Town) -> None:
    done = await town.bundle(entry("GET", "Observation/never"), post(hba1c(51)))
    assert statuses(done) == [403, 201]


async def test_addresses_may_be_absolute(town: Town) -> None:
    assert statuses(await town.bundle(entry("POST", f"{BASE}/Observation", hba1c(51)))) == [201]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"resource": hba1c(51)}, r"entry\[0\].request is missing"),
        (entry("MERGE", "Observation/1"), "needs a method"),
        (entry("PATCH", "Observation/1"), "a resource belongs to POST, PUT and PATCH"),
        (entry("POST", "https://elsewhere.example/Observation", hba1c(51)), "not an address"),
        (entry("POST", "Observation"), "a resource belongs to POST, PUT and PATCH"),
        (entry("DELETE", "Observation/1", hba1c(51)), "a resource belongs to POST, PUT and PATCH"),
        (entry("POST", "Observation/1", hba1c(51)), "without an id"),
        (entry("PUT", "Observation", hba1c(51)), "goes to a resource"),
        (entry("DELETE", "Observation"), "goes to a resource"),
        (entry("DELETE", "Observation?"), "goes to a resource"),
    ],
)
async def test_an_entry_that_cannot_be_worked_on_is_named(town: Town, bad: Json, says: str) -> None:
    with pytest.raises(BundleInvalid, match=says):
        await town.bundle(bad)


async def test_other_bundles_are_not_worked_on(town: Town) -> None:
    with pytest.raises(BundleInvalid, match="batch or transaction"):
        await town.bundle(post(hba1c(51)), kind="collection")


async def test_a_batch_does_each_entry_alone(town: Town) -> None:
    done = await town.bundle(
        post(hba1c(51)),
        post({**hba1c(51), "status": "nope"}),
        post(hba1c(51, of="carl")),
        put({**hba1c(52), "id": "o1"}),
        entry("DELETE", "Condition/anna-ihd"),
        entry("GET", "Condition/carl-t2d"),
        entry("GET", "Condition/anna-t2d"),
        kind="batch",
    )
    assert statuses(done) == [201, 422, 403, 201, 204, 403, 200]
    assert done.results[1].outcome is not None
    assert len(await town.find("Observation", patient="anna")) == 2
    assert await town.find("Observation", patient="carl") == []
