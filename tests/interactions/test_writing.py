"""Create, update and delete: versions, conditions, and the Provenance each clinical write leaves."""

import asyncio
from typing import Any

import pytest

from careplan.domain.errors import CareplanError
from careplan.fhir.conditional import Tags
from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.query import Query
from careplan.fhir.registry import TypeUnknown
from careplan.fhir.search import parse as parse_query
from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.access import Forbidden
from careplan.interactions.match import MultipleMatches
from careplan.interactions.precondition import NotAllowed, PreconditionFailed, ResourceTypeMismatch
from careplan.interactions.write import IdMismatch, Written, create, delete, update
from careplan.store.protocol import VersionConflict

from .conftest import BASE, Json, Town, condition, hba1c, patient


def weight(kg: str, **more: Any) -> bytes:
    text = dump(hba1c(51, **more)).decode().replace('"value":51', f'"value":{kg}')
    return text.encode()


async def put(town: Town, resource: Json, who: str = "doctor", **conditions: Any) -> Written:
    return await update(
        town.as_(who), resource["resourceType"], resource["id"], read_text(dump(resource)), **conditions
    )


# ── create ───────────────────────────────────────────────────────────────────────────────────────


async def test_create_gives_an_id_of_ours_and_the_first_version(town: Town) -> None:
    made = await town.post({**hba1c(51), "id": "theirs"})
    assert made.id != "theirs"
    assert (made.number, made.patient) == (1, "anna")
    body = parse(made.body or b"")
    assert (body["id"], body["meta"]["versionId"]) == (made.id, "1")
    assert body["meta"]["lastUpdated"] == "2026-11-22T09:00:00.000Z"


async def test_digits_and_spacing_of_what_came_in_are_kept(town: Town) -> None:
    raw = weight("56.50").replace(b'"status":', b'"status" :  ')
    made = (await create(town.as_("doctor"), "Observation", read_text(raw))).version
    assert b'"value":56.50' in (made.body or b"")
    assert b'"status" :  "final"' in (made.body or b"")


async def test_invalid_resource_is_refused_with_every_fault_and_nothing_is_written(town: Town) -> None:
    before = await town.everything()
    broken = {**hba1c(51), "status": "nope", "effectiveDateTime": "i går"}
    with pytest.raises(ResourceInvalid) as refused:
        await town.post(broken)
    assert {fault.expression for fault in refused.value.faults} >= {
        "Observation.status",
        "Observation.effectiveDateTime",
    }
    assert await town.everything() == before


async def test_body_of_another_type_is_refused(town: Town) -> None:
    with pytest.raises(ResourceTypeMismatch):
        await create(town.as_("system"), "Goal", read_text(dump(hba1c(51))))


@pytest.mark.parametrize("type_name", ["PlanDefinition", "StructureDefinition"])
async def test_what_we_publish_cannot_be_written(town: Town, type_name: str) -> None:
    source = read_text(dump({"resourceType": type_name, "id": "diabetes"}))
    with pytest.raises(NotAllowed, match=type_name):
        await create(town.as_("system"), type_name, source)
    with pytest.raises(NotAllowed, match=type_name):
        await update(town.as_("system"), type_name, "diabetes", source)
    with pytest.raises(NotAllowed, match=type_name):
        await delete(town.as_("system"), type_name, "diabetes")


async def test_a_type_nobody_serves_is_unknown(town: Town) -> None:
    with pytest.raises(TypeUnknown):
        await create(town.as_("system"), "Basic", read_text(b'{"resourceType":"Basic"}'))


def by_identifier(value: str) -> Query:
    return parse_query("Observation", [("identifier", f"urn:lab|{value}")], strict=True, base=BASE)


def from_lab(value: str) -> Json:
    return {**hba1c(51), "identifier": [{"system": "urn:lab", "value": value}]}


async def test_conditional_create_makes_one_and_then_answers_it(town: Town) -> None:
    source = read_text(dump(from_lab("1")))
    first = await create(town.as_("lps"), "Observation", source, by_identifier("1"))
    again = await create(town.as_("lps"), "Observation", source, by_identifier("1"))
    assert (first.created, again.created, again.changed) == (True, False, False)
    assert again.version.reference == first.version.reference


async def test_twenty_conditional_creates_at_once_make_one(town: Town) -> None:
    source = read_text(dump(from_lab("2")))
    made = await asyncio.gather(
        *(create(town.as_("lps"), "Observation", source, by_identifier("2")) for _ in range(20))
    )
    assert sum(one.created for one in made) == 1
    assert len({one.version.reference for one in made}) == 1
    assert len(await town.find("Observation", identifier="urn:lab|2")) == 1


async def test_conditional_create_that_fits_several_is_refused(town: Town) -> None:
    await town.post(from_lab("3"))
    await town.post(from_lab("3"))
    with pytest.raises(MultipleMatches):
        await create(town.as_("lps"), "Observation", read_text(dump(from_lab("3"))), by_identifier("3"))


# ── update ───────────────────────────────────────────────────────────────────────────────────────


async def test_update_under_an_unused_id_makes_the_resource(town: Town) -> None:
    written = await put(town, {**hba1c(51), "id": "o1"})
    assert (written.created, written.version.number) == (True, 1)


async def test_update_makes_the_next_version_later_than_the_one_before(town: Town) -> None:
    first = await put(town, {**hba1c(51), "id": "o1"})
    second = await put(town, {**hba1c(52), "id": "o1"})
    assert (second.created, second.version.number) == (False, 2)
    assert second.version.at > first.version.at  # the clock stands still, yet versions have an order


async def test_identical_update_makes_no_version_and_no_provenance(town: Town) -> None:
    await put(town, {**hba1c(51), "id": "o1"})
    before = await town.everything()
    again = await put(
        town, {**hba1c(51), "id": "o1", "meta": {"versionId": "99", "lastUpdated": "2020-01-01T00:00:00Z"}}
    )
    assert (again.changed, again.version.number) == (False, 1)
    assert await town.everything() == before


async def test_other_digits_are_other_content(town: Town) -> None:
    one = {**hba1c(51), "id": "o1"}
    await put(town, one)
    source = read_text(dump(one).replace(b'"value":51', b'"value":51.0'))
    assert (await update(town.as_("doctor"), "Observation", "o1", source)).version.number == 2


async def test_stale_if_match_is_refused_and_says_where_it_stands(town: Town) -> None:
    await put(town, {**hba1c(51), "id": "o1"})
    await put(town, {**hba1c(52), "id": "o1"}, expects=1)
    with pytest.raises(PreconditionFailed, match="Observation/o1 is at version 2, not at version 1"):
        await put(town, {**hba1c(53), "id": "o1"}, expects=1)
    with pytest.raises(PreconditionFailed, match="does not exist"):
        await put(town, {**hba1c(53), "id": "o2"}, expects=1)


async def test_if_none_match_star_makes_only_what_is_not_there(town: Town) -> None:
    assert (await put(town, {**hba1c(51), "id": "o1"}, none_match=Tags(every=True))).created
    with pytest.raises(PreconditionFailed, match="exists already"):
        await put(town, {**hba1c(52), "id": "o1"}, none_match=Tags(every=True))


async def test_of_twenty_updates_of_one_version_one_wins(town: Town) -> None:
    await put(town, {**hba1c(40), "id": "o1"})
    tried = [put(town, {**hba1c(41 + n), "id": "o1"}, expects=1) for n in range(20)]
    results = await asyncio.gather(*tried, return_exceptions=True)
    assert sum(isinstance(one, Written) for one in results) == 1
    assert sum(isinstance(one, PreconditionFailed) for one in results) == 19


async def test_updates_without_condition_all_come_in_one_after_the_other(town: Town) -> None:
    await asyncio.gather(*(put(town, {**hba1c(40 + n), "id": "o1"}) for n in range(8)))
    current = await town.house.store.read("Observation", "o1")
    assert current is not None and current.number == 8


@pytest.mark.parametrize("id", [None, "other"])
async def test_body_with_another_id_is_refused(town: Town, id: str | None) -> None:
    source = read_text(dump(hba1c(51) | ({"id": id} if id else {})))
    with pytest.raises(IdMismatch, match="o1"):
        await update(town.as_("doctor"), "Observation", "o1", source)


# ── delete ───────────────────────────────────────────────────────────────────────────────────────


async def test_delete_takes_it_out_of_searches_and_keeps_its_history(town: Town) -> None:
    await put(town, {**hba1c(51), "id": "o1"})
    gone = await town.delete("Observation/o1")
    assert gone is not None and (gone.number, gone.deleted, gone.patient) == (2, True, "anna")
    assert await town.find("Observation") == []
    first = await town.house.store.vread("Observation", "o1", 1)
    assert first is not None and not first.deleted
    assert await town.delete("Observation/o1") is None


async def test_delete_with_a_stale_if_match_is_refused(town: Town) -> None:
    await put(town, {**hba1c(51), "id": "o1"})
    await put(town, {**hba1c(52), "id": "o1"})
    with pytest.raises(PreconditionFailed):
        await delete(town.as_("doctor"), "Observation", "o1", expects=1)


async def test_a_delete_of_what_never_was_is_no_fault_and_told_to_the_installation_alone(town: Town) -> None:
    """R4-44: everybody else is answered as if it were somebody else's, so that nobody learns which ids there are."""
    assert await town.delete("Observation/never", who="system") is None
    await town.put({**hba1c(51, of="carl"), "id": "carl-1"})
    said = []
    for reference in ("Observation/never", "Observation/carl-1"):
        with pytest.raises(Forbidden) as refused:
            await town.delete(reference)
        said.append(refused.value.message.replace(reference, "…"))
    assert said[0] == said[1]
    with pytest.raises(Forbidden):
        await town.delete("Organization/never")
    with pytest.raises(Forbidden):
        await town.delete("Condition/never", who="anna")


async def test_a_person_is_put_under_no_id_that_others_may_hit_upon(town: Town) -> None:
    """Whether somebody is known here is not to be found out by trying ids; ours, and other UUIDs, nobody hits upon."""
    said = []
    for id in ("carl", "nobody-at-all"):
        with pytest.raises(Forbidden) as refused:
            await put(town, patient(id))
        said.append(refused.value.message.replace(id, "…"))
    assert said[0] == said[1]
    made = await put(town, patient("0190163d-8694-739b-aea5-966c26f8ad91"))
    assert made.created


async def test_what_was_deleted_may_be_made_again_as_the_next_version(town: Town) -> None:
    await put(town, {**hba1c(51), "id": "o1"})
    await town.delete("Observation/o1")
    again = await put(town, {**hba1c(51), "id": "o1"})
    assert (again.created, again.version.number) == (True, 3)


# ── provenance ───────────────────────────────────────────────────────────────────────────────────


async def provenances(town: Town) -> list[Json]:
    return sorted(await town.find("Provenance", patient="anna"), key=lambda one: int(one["id"].rpartition("-")[2] or 0))


async def test_every_clinical_write_leaves_one_provenance_with_who_and_which_version(town: Town) -> None:
    before = len(await provenances(town))
    made = await town.post(hba1c(51))
    await put(town, {**hba1c(52), "id": made.id})
    await town.delete(made.reference)
    found = (await provenances(town))[before:]
    assert [one["activity"]["coding"][0]["code"] for one in found] == ["CREATE", "UPDATE", "DELETE"]
    assert [one["target"][0]["reference"] for one in found] == [f"{made.reference}/_history/{n}" for n in (1, 2, 3)]
    for one in found:
        (agent,) = one["agent"]
        assert agent["who"] == {"reference": "PractitionerRole/doctor", "display": "Mette Holm"}
        assert agent["onBehalfOf"] == {"reference": "Organization/north"}
        assert one["recorded"] == "2026-11-22T09:00:00.000Z"
        assert {"reference": "Patient/anna"} in one["target"]


async def test_provenance_is_in_the_same_commit(town: Town) -> None:
    position = (await town.house.store.changes(0, 100_000))[-1].position
    made = await town.post(hba1c(51))
    fresh = await town.house.store.changes(position)
    assert [version.type for version in fresh] == ["Observation", "Provenance"]
    assert made.at == fresh[1].at


async def test_what_is_not_clinical_leaves_none(town: Town) -> None:
    before = await town.find("Provenance")
    await town.put(patient("dorte"))
    assert await town.find("Provenance") == before


async def test_conflict_is_an_error_of_ours(town: Town) -> None:
    await town.put(condition("c9", "K86"))
    assert issubclass(VersionConflict, CareplanError)
    assert VersionConflict("Goal/17").message == "Goal/17 was changed by someone else"
