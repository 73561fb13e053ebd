"""D1 and D2: what the municipality sees of a referred person, and that nothing else is there."""

import re

import pytest
from page_house import NOW, Browser, World

from careplan.fhir.query import Query
from careplan.fhir.text import dump, parse, read_text
from careplan.interactions.write import update


@pytest.fixture
async def visitator(world: World) -> Browser:
    signed_in = Browser(world)
    await signed_in.sign_in("visitator")
    return signed_in


async def test_the_open_referrals_stand_with_their_deadline(visitator: Browser) -> None:
    columns = re.findall(r'<th scope="col">([^<]+)</th>', visitator.html)
    assert columns == [
        "Modtaget",
        "Borger (navn, alder)",
        "Henvist til",
        "Fra klinik",
        "Frist",
        "Særlige behov",
        "Ansvarlig",
        "Handlinger",
    ]
    assert 'href="/borger/carl"' in visitator.html
    for words in ("Carl Test Mortensen", "66 år", "Afklarende samtale", "Lægehuset Nord"):
        assert words in visitator.text
    assert "Birthe" not in visitator.text


async def test_the_slice_says_who_shared_it_and_until_when(visitator: Browser) -> None:
    await visitator.get("/borger/carl")
    said = r"Du ser et udsnit\. Delt af Lægehuset Nord \d\d\.\d\d\.2026\. Adgangen slutter \d\d\.\d\d\.2027\."
    assert re.search(said, visitator.text)
    headings = re.findall(r"<h2[^>]*>([^<]+)</h2>", visitator.html.split('class="slice-parts"')[1])
    assert headings == [
        "Henvisningsårsag",
        "Det vigtigste for borgeren",
        "Relevante tal",
        "Aftaler",
        "Kontaktperson",
        "Tolk",
    ]
    assert "Afklarende samtale: KOL" in visitator.text


async def test_a_value_older_than_fifteen_months_is_called_old(visitator: Browser) -> None:
    await visitator.get("/borger/carl")
    rows = {row.split("</th>")[0].split(">")[-1]: row for row in visitator.html.split("<tr>") if "</th><td" in row}
    assert "Alkohol" in rows
    assert {name for name, row in rows.items() if "gammel" in row} == set(rows)  # Carl was last seen 470 days ago


async def test_the_slice_holds_no_medicine_reasons_or_forms(visitator: Browser, world: World) -> None:
    await visitator.get("/borger/carl")
    medicine = await world.house.store.search(Query("MedicationStatement", patient="carl"))
    for version in medicine.matches:
        name = parse(version.body or b"")["medicationCodeableConcept"].get("text", "-")
        assert name not in visitator.html
    for absent in ("Sæt individuelt mål", "Godkend", "Hvorfor dette mål", "Siden sidst"):
        assert absent not in visitator.html.split("<main")[1]
    assert "<form" not in visitator.html.split('class="slice-parts"')[1]


async def test_whoever_is_not_referred_is_closed_without_a_word(visitator: Browser) -> None:
    for path in ("/borger/birthe", "/borger/anna"):
        assert (await visitator.get(path)).status_code == 403
        assert "Birthe" not in visitator.text and "Anna" not in visitator.text


async def test_the_slice_closes_when_the_referral_does(visitator: Browser, world: World) -> None:
    stored = await world.house.store.read("ServiceRequest", "carl-r1")
    assert stored is not None and stored.body is not None
    ended = {**parse(stored.body), "status": "completed"}
    await update(world.context("doctor"), "ServiceRequest", "carl-r1", read_text(dump(ended)))
    assert (await visitator.get("/borger/carl")).status_code == 403
    await visitator.get("/henvisninger")
    assert "Carl" not in visitator.text


async def test_without_referrals_the_inbox_says_so(visitator: Browser, world: World) -> None:
    world.clock.now = NOW.replace(year=NOW.year + 3)
    await visitator.sign_in("visitator")
    await visitator.get("/henvisninger")
    assert "Ingen nye henvisninger." in visitator.text


@pytest.mark.parametrize("path", ["/plan", "/arbejdsliste", "/patient/carl/aarskontrol", "/patient/carl/opret-plan"])
async def test_the_other_roles_pages_are_closed(visitator: Browser, path: str) -> None:
    assert (await visitator.get(path)).status_code == 403
