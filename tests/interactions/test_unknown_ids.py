"""Whoever tries an id learns nothing of it: one that was never used is answered as one that is somebody else's."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from careplan.fhir.search import parse as parse_query
from careplan.fhir.text import dump, read_text
from careplan.interactions.access import Forbidden
from careplan.interactions.write import update_matching

from .conftest import BASE, Json, Town, hba1c, patient

Try = Callable[[Town, str, str], Awaitable[Any]]
UNGUESSABLE = "6f7a1c9e-3b52-4d0f-9a61-2f6f3f5a7b10"


def entry(method: str, url: str, resource: Json | None = None) -> Json:
    return {**({"resource": resource} if resource else {}), "request": {"method": method, "url": url}}


async def put(town: Town, who: str, id: str) -> None:
    await town.put(patient(id), who=who)


async def put_where(town: Town, who: str, id: str) -> None:
    query = parse_query("Patient", [("identifier", "x|none")], strict=True, base=BASE, count=10)
    await update_matching(town.as_(who), query, read_text(dump(patient(id))))


async def delete(town: Town, who: str, id: str) -> None:
    await town.delete(f"Patient/{id}", who)


async def put_in_a_transaction(town: Town, who: str, id: str) -> None:
    await town.bundle(entry("PUT", f"Patient/{id}", patient(id)), who=who)


async def put_where_in_a_transaction(town: Town, who: str, id: str) -> None:
    await town.bundle(entry("PUT", "Patient?identifier=x|none", patient(id)), who=who)


async def delete_in_a_transaction(town: Town, who: str, id: str) -> None:
    await town.bundle(entry("DELETE", f"Patient/{id}"), who=who)


async def patch_in_a_transaction(town: Town, who: str, id: str) -> None:
    step = {
        "name": "operation",
        "part": [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": "Patient.gender"}],
    }
    await town.bundle(entry("PATCH", f"Patient/{id}", {"resourceType": "Parameters", "parameter": [step]}), who=who)


WAYS = (
    put,
    put_where,
    delete,
    put_in_a_transaction,
    put_where_in_a_transaction,
    delete_in_a_transaction,
    patch_in_a_transaction,
)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", ["doctor", "lps", "visitator", "anna", "statistics"])
async def test_an_id_of_a_patient_that_is_free_is_refused_in_the_words_of_one_that_is_taken(
    town: Town, who: str, way: Try
) -> None:
    await town.put(patient("moved", "south"))
    await town.delete("Patient/moved", "system")
    before, said = await town.everything(), set[str]()
    for id in ("carl", "moved", "ghost"):
        with pytest.raises(Forbidden) as refusal:
            await way(town, who, id)
        said.add(str(refusal.value).replace(id, "[id]"))
    assert len(said) == 1
    assert await town.everything() == before


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_a_deletion_of_what_was_never_there_is_refused_in_a_bundle_as_by_itself(town: Town, kind: str) -> None:
    await town.put({**hba1c(60, of="carl"), "id": "carl-1"})
    for id in ("carl-1", "never"):
        if kind == "transaction":
            with pytest.raises(Forbidden):
                await town.bundle(entry("DELETE", f"Observation/{id}"))
        else:
            made = await town.bundle(entry("DELETE", f"Observation/{id}"), kind=kind)
            assert [one.status for one in made.results] == [403]


async def test_a_new_patient_comes_under_an_id_that_nobody_guesses(town: Town) -> None:
    for id, way in ((UNGUESSABLE, put_in_a_transaction), (UNGUESSABLE[:-1] + "1", put_where)):
        await way(town, "doctor", id)
        assert (await town.get(f"Patient/{id}"))["id"] == id


@pytest.mark.parametrize("id", ["nobodyyet", "carl", "gone"])
async def test_whom_a_transaction_deletes_it_does_not_register(town: Town, id: str) -> None:
    await town.put(patient("gone", "south"))
    await town.delete("Patient/gone", "system")
    value = {"resource": hba1c(99, of=id), "request": {"method": "POST", "url": "Observation"}}
    with pytest.raises(Forbidden):
        await town.bundle(entry("DELETE", f"Patient/{id}"), value)
