"""Help and the accessibility statement: whom to tell, also when nobody is signed in."""

from dataclasses import replace

import pytest
from page_house import Browser, World

from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.write import update
from careplan.views import about

from .sharing import HANNE, relate, send, signed_in, trust


async def test_the_accessibility_statement_names_whom_to_call_and_write_to_and_when_it_was_gone_through(
    browser: Browser,
) -> None:
    await browser.get("/tilgaengelighed")
    assert "Lægehuset Nord Ring til: 00 10 20 30" in browser.text.replace("\xa0", " ")
    assert 'href="tel:00102030"' in browser.html
    assert 'Skriv til: <a class="tap" href="mailto:clinic-own@example.invalid">' in browser.html
    assert f"Vi gik siden igennem {about.REVIEWED:%d.%m.%Y}. Det gør vi hvert år." in browser.text


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"telecom": [{"system": "phone", "value": "00 99"}]}, "Ring til: 00 99"),
        (
            {"telecom": None, "address": [{"line": ["Nørregade 1"], "postalCode": "9999", "city": "Nordby"}]},
            "Skriv til: Nørregade 1, 9999 Nordby",
        ),
    ],
)
async def test_what_is_not_on_record_is_left_out(world: World, place: dict[str, object], said: str) -> None:
    stored = await world.house.store.read("Organization", "clinic-own")
    assert stored is not None
    changed = {name: part for name, part in {**parse(stored.body or b""), **place}.items() if part}
    await update(world.context(), "Organization", "clinic-own", read_text(dump(changed)))
    browser = Browser(world)
    await browser.get("/tilgaengelighed")
    shown = browser.text.replace("\xa0", " ")
    assert said in shown and shown.count("Ring til:") + shown.count("Skriv til:") == 1


async def test_the_contact_is_the_organization_of_the_setting_and_nobody_where_it_is_not_on_record(
    world: World,
) -> None:
    browser = Browser(world)
    for contact, named in (("Organization/kommune-nord", True), ("Organization/nowhere", False)):
        world.app.state.view = replace(world.view, contact=contact)
        assert (await browser.get("/tilgaengelighed")).status_code == 200
        assert ("Nordby Kommune, Forebyggelsescenter" in browser.text) is named
        assert ("Ring til:" in browser.text) is named


async def test_help_is_there_for_a_relative_whose_power_of_attorney_was_taken_back(world: World) -> None:
    await relate(world)
    consent = await trust(world)
    hanne = await signed_in(world, "patient-hanne")
    await hanne.get("/plan/person")
    await send(hanne, "/plan/person", person=HANNE)
    stored = await world.house.store.read("Consent", consent)
    assert stored is not None
    ended = {**parse(stored.body or b""), "status": "inactive"}
    await update(world.context(), "Consent", consent, read_text(dump(ended)))
    assert (await hanne.get("/hjaelp")).status_code == 200
    assert "Du ser Dortes plan." not in hanne.text


@pytest.mark.parametrize("path", ["/hjaelp", "/tilgaengelighed"])
async def test_both_are_there_when_the_record_is_not(world: World, path: str) -> None:
    birthe = await signed_in(world, "patient-birthe")
    await world.house.store.close()
    assert (await birthe.get(path)).status_code == 200
    assert "Ring til:" not in birthe.text
