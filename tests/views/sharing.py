"""Relatives and others around the people of the pages' tests, and how one goes about sharing."""

from typing import Any

from page_house import Browser, World

from careplan.fhir.text import dump, parse, read_text
from careplan.fhir.trust import power_of_attorney
from careplan.interactions.write import update

HANNE = "paaroerende-hanne"
"""Hanne Friis, as the relative that stands in Dorte's record."""


async def write(world: World, resource: dict[str, Any]) -> None:
    await update(world.context(), resource["resourceType"], resource["id"], read_text(dump(resource)))


async def relate(world: World, patient: str = "dorte", id: str = HANNE, *, whose: str = "hanne", **more: Any) -> None:
    """Enter somebody (a Patient of the cast) as a relative of a patient."""
    version = await world.house.store.read("Patient", whose)
    assert version is not None
    person = parse(version.body or b"")
    relative = {
        "resourceType": "RelatedPerson",
        "id": id,
        "identifier": person["identifier"],
        "active": True,
        "patient": {"reference": f"Patient/{patient}"},
        "relationship": [{"text": "Datter"}],
        "name": person["name"],
    }
    await write(world, {**relative, **more})


async def trust(world: World, patient: str = "dorte", id: str = HANNE, *, writes: bool = True, days: int = 365) -> str:
    """The patient's power of attorney for a relative; its id."""
    now = world.clock()
    until = now.date().fromordinal(now.date().toordinal() + days)
    consent = power_of_attorney(patient, id, now.date(), until, now, writes=writes)
    await write(world, {**consent, "id": f"fuldmagt-{patient}-{id}"})
    return f"fuldmagt-{patient}-{id}"


async def signed_in(world: World, persona: str) -> Browser:
    browser = Browser(world)
    await browser.sign_in(persona)
    return browser


async def send(browser: Browser, path: str, **fields: str) -> Any:
    """Post, and go on to where it leads."""
    answer = await browser.post(path, fields)
    return await browser.follow(answer) if answer.status_code == 303 else answer
