"""The message for a home value outside the target: agreed on the page of the target, read by the patient at B4."""

import re

import pytest
from page_house import Browser, World, stored

from careplan.fhir.text import Json

from .sharing import send, signed_in
from .test_pages_target_form import goal_page

WORDS = "Ring til os, hvis tallet er over 160 tre dage i træk."
FILLED = {"fra": "130", "til": "139", "graense": "med", "aarsag": "frailty", "tekst": "", "gaelder": "22.11.2027"}
NAME = "Systolisk blodtryk"


async def opened(nurse: Browser) -> tuple[str, dict[str, str]]:
    """The page of a target that values are taken of at home, and the version it was seen in."""
    page = await goal_page(nurse, "birthe", NAME)
    return page, {"version": nurse.field("version")}


async def goal(world: World, page: str) -> Json:
    (found,) = [one for one in await stored(world, "Goal", "birthe") if one["id"] == page.rpartition("/")[2]]
    return found


def message(browser: Browser) -> str:
    found = re.search(r'<textarea id="besked"[^>]*>([^<]*)</textarea>', browser.html)
    assert found is not None
    return found[1]


async def test_the_message_is_seen_with_the_target_and_kept_in_one_version(nurse: Browser, world: World) -> None:
    page, seen = await opened(nurse)
    await nurse.post(page, {**FILLED, **seen, "besked": WORDS, "trin": "vis"})
    assert "Det har du og klinikken aftalt:" in nurse.text and f"<p>{WORDS}</p>" in nurse.html
    assert message(nurse) == WORDS and "LIX" in nurse.html.split('id="h-besked"')[1].split("</span>")[0]
    assert "note" not in await goal(world, page)
    await send(nurse, page, **FILLED, **seen, besked=message(nurse), trin="gem")
    kept = await goal(world, page)
    assert int(kept["meta"]["versionId"]) == int(seen["version"]) + 1
    assert kept["note"] == [{"authorString": "Lars Test Krogh", "time": "2026-11-22T09:03:00.000Z", "text": WORDS}]


async def test_the_patient_reads_the_message_at_a_value_outside_the_target(nurse: Browser, world: World) -> None:
    page, seen = await opened(nurse)
    await send(nurse, page, **seen, besked=WORDS, trin="gem-besked")
    patient = await signed_in(world, "patient-birthe")
    await patient.get("/plan/hjemmemaaling/sbp")
    value = {"vaerdi-sbp": "178", "vaerdi-dbp": "70", "dag": "22.11.2026", "klokken": "09.30", "trin": "se"}
    await send(patient, "/plan/hjemmemaaling/sbp", **value, til="gem")
    assert f"Det har du og klinikken aftalt: {WORDS}" in patient.text


async def test_the_message_alone_needs_no_reason_and_leaves_the_target(nurse: Browser, world: World) -> None:
    page, seen = await opened(nurse)
    before = await goal(world, page)
    fields = {**seen, "fra": "", "til": "139", "graense": "med", "aarsag": "", "besked": WORDS}
    await nurse.post(page, {**fields, "trin": "vis-besked"})
    assert "målet ændres ikke" in nurse.text and WORDS in nurse.text and nurse.field("til") == "139"
    await send(nurse, page, **fields, trin="gem-besked")
    assert "Den aftalte besked er gemt." in nurse.text
    kept = await goal(world, page)
    assert {**kept, "note": [], "meta": {}} == {**before, "note": [], "meta": {}}


async def test_a_message_is_read_changed_and_taken_away_later(nurse: Browser, world: World) -> None:
    page, seen = await opened(nurse)
    await send(nurse, page, **seen, besked=WORDS, trin="gem-besked")
    page, seen = await opened(nurse)
    assert message(nurse) == WORDS and "Skrevet 22.11.2026 af Lars Test Krogh." in nurse.text
    await nurse.post(page, {**seen, "besked": "", "trin": "vis-besked"})
    assert "Ingen besked er aftalt." in nurse.text
    await send(nurse, page, **seen, besked="", trin="gem-besked")
    assert "Den aftalte besked er fjernet." in nurse.text and "note" not in await goal(world, page)


async def test_a_message_stays_when_it_is_not_sent_and_when_the_recommendation_is_followed_again(
    nurse: Browser, world: World
) -> None:
    page, seen = await opened(nurse)
    await send(nurse, page, **FILLED, **seen, besked=WORDS, trin="gem")
    await send(nurse, page, **FILLED, version=str(int(seen["version"]) + 1), trin="gem")
    assert (await goal(world, page))["note"][0]["text"] == WORDS
    page, seen = await opened(nurse)
    assert "Den aftalte besked bliver stående, til nogen ændrer den." in nurse.text
    await send(nurse, f"{page}/anbefaling", **seen)
    assert (await goal(world, page))["note"][0]["text"] == WORDS


@pytest.mark.parametrize("step", ["gem", "gem-besked"])
async def test_a_message_from_a_stale_form_stands_beside_what_is_kept_and_overwrites_nothing(
    nurse: Browser, world: World, step: str
) -> None:
    page, seen = await opened(nurse)
    await send(nurse, page, **seen, besked="Ring straks.", trin="gem-besked")
    answer = await nurse.post(page, {**FILLED, **seen, "besked": WORDS, "trin": step})
    assert answer.status_code == 409
    assert "Ring straks." in nurse.text and WORDS in nurse.text
    assert (await goal(world, page))["note"][0]["text"] == "Ring straks."
    await send(nurse, page, **FILLED, version=nurse.field("version"), besked=message(nurse), trin=step)
    assert (await goal(world, page))["note"][0]["text"] == WORDS


@pytest.mark.parametrize("step", ["vis", "gem", "vis-besked", "gem-besked"])
@pytest.mark.parametrize(
    ("words", "says"), [("x" * 601, "Beskeden er for lang."), ("\u2063", "Beskeden kan ikke læses.")]
)
async def test_a_message_with_a_fault_says_so_at_its_field(nurse: Browser, step: str, words: str, says: str) -> None:
    page, seen = await opened(nurse)
    answer = await nurse.post(page, {**FILLED, **seen, "besked": words, "trin": step})
    assert answer.status_code == 422 and says in nurse.text and 'href="#besked"' in nurse.html
    assert re.search(r'id="besked"[^>]*aria-invalid="true" aria-describedby="e-besked h-besked"', nurse.html)


async def test_what_is_not_taken_at_home_has_no_message(nurse: Browser, world: World) -> None:
    page = await goal_page(nurse, "birthe", "HbA1c")
    assert 'name="besked"' not in nurse.html and "vis-besked" not in nurse.html
    fields = {**FILLED, "fra": "55", "til": "61", "version": nurse.field("version"), "besked": WORDS, "trin": "gem"}
    await send(nurse, page, **fields)
    assert "note" not in await goal(world, page)


async def test_a_message_is_told_in_the_history_and_since_last_time(nurse: Browser, world: World) -> None:
    page, seen = await opened(nurse)
    await send(nurse, page, **seen, besked=WORDS, trin="gem-besked")
    assert "22.11.2026: Lars Test Krogh aftalte en besked om hjemmetal for systolisk blodtryk." in nurse.text
    page, seen = await opened(nurse)
    await send(nurse, page, **seen, besked="", trin="gem-besked")
    await nurse.get("/patient/birthe/historik?slags=goal")
    assert f"Aftalt besked om hjemmetal for Systolisk blodtryk: «{WORDS}»" in nurse.text
    assert "Den aftalte besked om hjemmetal for Systolisk blodtryk er fjernet." in nurse.text
