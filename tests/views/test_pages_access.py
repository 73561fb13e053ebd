"""B7 «Hvem har set min plan?»: the page as text (R4-121, UX brief B7)."""

import re
from typing import Any

import pytest
from page_house import Browser, World

from careplan.domain.readability import readability
from careplan.fhir.query import Query
from careplan.interactions.audit.inquiry import entries_about


async def as_anna(world: World) -> Browser:
    anna = Browser(world)
    await anna.sign_in("patient-anna")
    return anna


async def test_a_patient_reads_who_opened_the_plan_where_and_what_for(world: World, nurse: Browser) -> None:
    await nurse.get("/patient/anna/aarskontrol")
    anna = await as_anna(world)
    answer = await anna.get("/plan/adgang")
    assert answer.status_code == 200
    assert "22.11.2026" in anna.text
    assert "Lægehuset Nord, praksissygeplejerske · åbnede planen · årskontrol" in anna.text
    assert "Du · åbnede planen" in anna.text
    assert "Krogh" not in anna.text


async def test_the_plan_links_to_the_page(world: World) -> None:
    anna = await as_anna(world)
    await anna.get("/plan")
    assert 'href="/plan/adgang"' in anna.html


async def test_a_refused_attempt_is_told_in_plain_words(world: World) -> None:
    visitator = Browser(world)
    await visitator.sign_in("visitator")
    assert (await visitator.get("/borger/hanne")).status_code == 403
    hanne = Browser(world)
    await hanne.sign_in("patient-hanne")
    await hanne.get("/plan/adgang")
    assert "Nordby Kommune, Forebyggelsescenter, visitator · ville se din plan, men fik nej " in hanne.text


async def test_nobody_reads_of_anybody_else(world: World, nurse: Browser) -> None:
    await nurse.get("/patient/anna/aarskontrol")
    birthe = Browser(world)
    await birthe.sign_in("patient-birthe")
    await birthe.get("/plan/adgang")
    assert "anna" not in birthe.text.lower().replace("sanna", "")
    assert "årskontrol" not in birthe.text


async def test_older_days_come_page_by_page_and_the_end_is_said(world: World, nurse: Browser) -> None:
    for _ in range(45):
        await nurse.get("/patient/anna/aarskontrol")
        world.clock.forward(days=1)
        await nurse.sign_in("nurse")
    anna = await as_anna(world)
    await anna.get("/plan/adgang")
    first = anna.text
    assert "Vis ældre dage" in first
    link = anna.html.partition('rel="next" href="')[2].partition('"')[0]
    await anna.get(link)
    assert "22.11.2026" in anna.text
    assert "22.11.2026" not in first
    await anna.get("/plan/adgang?til=2020-01-01")
    assert "Der er ikke mere at vise." in anna.text


@pytest.mark.parametrize("day", ["31.12.9999", "9999-12-31", "01.01.0001"])
async def test_a_day_at_the_end_of_the_calendar_is_no_fault_of_ours(world: World, day: str) -> None:
    anna = await as_anna(world)
    assert (await anna.get(f"/plan/adgang?til={day}")).status_code == 200
    assert ("22.11.2026" in anna.text) is (day != "01.01.0001")


@pytest.mark.parametrize("day", ["99991231", "00010101"])
async def test_a_line_of_a_day_that_never_was_is_not_there(world: World, day: str) -> None:
    anna = await as_anna(world)
    assert (await anna.get(f"/plan/adgang/undrer/{day}-{'a' * 20}")).status_code == 404


async def test_nobody_is_asked_to_wonder_about_what_they_did_themselves(world: World, nurse: Browser) -> None:
    await nurse.get("/patient/anna/aarskontrol")
    anna = await as_anna(world)
    await anna.get("/plan")
    await anna.get("/plan/adgang")
    lines = anna.html.partition('<ul class="plain log">')[2].partition("</ul>")[0].split("</li>")
    wondered = {line.partition("<li>")[2].partition(" · ")[0]: "/undrer/" in line for line in lines if "<li>" in line}
    assert wondered.pop("Du") is False
    assert wondered and all(wondered.values())


async def test_a_question_sent_again_with_other_words_shows_both(world: World, nurse: Browser) -> None:
    await nurse.get("/patient/anna/aarskontrol")
    anna = await as_anna(world)
    await anna.get("/plan/adgang")
    place = re.findall(r'href="(/plan/adgang/undrer/[^"]+)"', anna.html)[0]
    await anna.get(place)
    fields = {"maerke": anna.field("maerke"), "ord": "Hvem var det?"}
    assert (await anna.post(place, fields)).status_code == 303
    await anna.get(place)
    assert (await anna.post(place, {**fields, "ord": "Hvorfor?"})).status_code == 409
    assert "Hvem var det?" in anna.text and "Hvorfor?" in anna.text
    assert anna.field("maerke") != fields["maerke"]


async def test_the_page_is_easy_to_read_and_says_whom_to_ask(world: World, nurse: Browser) -> None:
    await nurse.get("/patient/anna/aarskontrol")
    anna = await as_anna(world)
    await anna.get("/plan/adgang")
    main = anna.text[anna.text.index("Her kan du se") :]
    assert "Er der noget, du undrer dig over, så spørg din læge." in main
    assert "Lægehuset Nord" in main
    assert 'href="tel:' in anna.html
    said = [line.strip() for line in main.replace(" · ", ". ").split(".") if line.strip()]
    assert readability(". ".join(said)).lix <= 34


async def test_staff_do_not_open_the_page(nurse: Browser) -> None:
    assert (await nurse.get("/plan/adgang")).status_code == 403


ADDRESSES = {
    "patient-erik": (
        "/plan",
        "/plan/maaling/hba1c",
        "/plan/adgang",
        "/print/Patient/erik/plan.pdf?edition=short&lang=da",
    ),
    "nurse": (
        "/patient/erik/aarskontrol",
        "/patient/erik/historik",
        "/patient/erik/opret-plan",
        "/patient/erik/fravalg",
        "/print/Patient/erik/plan.pdf?edition=short&lang=da",
    ),
}


async def test_every_page_about_a_person_makes_an_entry_that_names_the_page(world: World) -> None:
    """R4-121."""
    for persona, addresses in ADDRESSES.items():
        browser = Browser(world)
        await browser.sign_in(persona)
        for address in addresses:
            before = await entries(world)
            answer = await browser.get(address)
            made = (await entries(world))[len(before) :]
            outcome = "0" if answer.status_code < 400 else "4"
            assert [(one["do"][:4], one["out"]) for one in made] in ([("page", outcome)], [("prin", outcome)]), address


async def entries(world: World) -> list[dict[str, Any]]:
    """What the log says of Erik, oldest first."""
    journal = world.house.journal
    assert journal is not None
    await journal.flush()
    return [one async for _, one in entries_about(world.house.store, "erik", None)][::-1]


async def test_a_form_that_comes_back_has_shown_the_plan_and_is_told_so(world: World) -> None:
    """A 422 or 409 page shows the record like any other: nobody reads by mistakes and stands as turned away."""
    nurse, patient = Browser(world), Browser(world)
    await nurse.sign_in("nurse")
    await nurse.get("/patient/birthe/aarskontrol")
    sent = await nurse.post("/patient/birthe/aarskontrol", {"handling": "gem", "vaerdi-weight": "abc"})
    assert sent.status_code == 422
    await patient.sign_in("patient-birthe")
    await patient.get("/plan/adgang")
    assert "åbnede planen" in patient.text and "fik nej" not in patient.text


async def test_looking_for_a_number_of_nobody_is_in_the_log(world: World) -> None:
    nurse = Browser(world)
    await nurse.sign_in("nurse")
    await nurse.get("/vaerdispring")
    fields = {"cpr": "010101-9995", "aarsag": "Bevidstløs, medicinen skal kendes", "forstaaet": "ja"}
    assert (await nurse.post("/vaerdispring", fields)).status_code in (403, 422)
    journal = world.house.journal
    assert journal is not None
    await journal.flush()
    page = await world.house.store.search(Query("AuditRecord", count=1000))
    lines = b"".join(version.body or b"" for version in page.matches)
    assert b'"do":"page/BTG"' in lines and b'"of":{},"out":"4"' in lines and b"9995" not in lines
