"""C7: what a newer guideline would recommend otherwise, looked at, accepted together or one by one, or declined."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from page_house import Browser, World, open_world
from revised import stricter_ldl

from careplan.fhir.goal import AGREED, find_deviation, find_target
from careplan.fhir.mapping import ChartReader
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions.audit.record import TYPE as RECORD
from careplan.knowledge.load import load_knowledge
from careplan.views import renewal


@pytest.fixture(scope="module")
def stricter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stricter_ldl(tmp_path_factory.mktemp("stricter") / "new")


@pytest.fixture
async def world(filled: Path, stricter: Path, tmp_path: Path) -> AsyncIterator[World]:
    """The invented clinic, served by newer rules than its plans were made with."""
    async with open_world(filled, tmp_path) as opened:
        knowledge = load_knowledge(stricter)
        yield World(replace(opened.house, knowledge=knowledge, reader=ChartReader(knowledge)), opened.clock)


@pytest.fixture
async def nurse(world: World) -> Browser:
    signed_in = Browser(world)
    await signed_in.sign_in("nurse")
    return signed_in


async def gone_through(browser: Browser, path: str) -> None:
    """The page, once it no longer says how far it is: a busy machine takes longer than a page waits."""
    for _ in range(100):
        await browser.get(path)
        if "Klinikkens planer gennemgås" not in browser.text:
            return
        await asyncio.sleep(0.1)


async def open_group(browser: Browser) -> list[str]:
    """On to the patients of the change in LDL; what their boxes carry."""
    await gone_through(browser, "/forskelle")
    key = re.search(r'href="/forskelle\?gruppe=(ldl_[^"]+)"', browser.html)
    assert key is not None
    await gone_through(browser, f"/forskelle?gruppe={key[1]}")
    return re.findall(r'name="valgt" value="([^"]+)"', browser.html)


async def goals(world: World, patient: str) -> dict[str, Json]:
    page = await world.house.store.search(Query("Goal", patient=patient, count=100))
    return {one.id: parse(one.body or b"") for one in page.matches}


async def written(world: World) -> list[str]:
    """Every version there is; the log of who looked, which is written when there is time, is none of them."""
    every = await world.house.store.changes(0, 100_000)
    return [f"{one.reference}/{one.number}" for one in every if one.type != RECORD]


async def target_of(world: World, seen: str) -> str:
    patient, goal, *_ = seen.split("/")
    target = find_target((await goals(world, patient))[goal], AGREED)
    assert target is not None
    return target.says()


async def test_a_change_is_headed_by_both_targets_and_says_where_it_comes_from(nurse: Browser) -> None:
    boxes = await open_group(nurse)
    for words in (
        "LDL-kolesterol: under 1,4 mmol/L bliver under 1,2 mmol/L",
        "regel LDL-04, version 2026.1",
        "regel LDL-04, version 2026.2",
        "Iskæmisk hjertesygdom: LDL under 1,2 mmol/l",
        "NBV appendiks 29.1",
        "Vejledningen har en ny version.",
        f"Patienter, som det gælder ({len(boxes)})",
    ):
        assert words in nurse.text, words
    assert boxes and "Birthe Test Nielsen" in nurse.text


async def test_the_worklist_leads_there_with_how_many(nurse: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "GLANCE", 30)
    await nurse.get("/forskelle")
    count = re.search(r"(\d+) patienter får i dag", nurse.text)
    await nurse.get("/arbejdsliste")
    assert count is not None and f"Forskelle i skabeloner ({count[1]})" in nurse.text


async def test_accepting_says_how_many_first_and_keeps_nothing_before(nurse: Browser, world: World) -> None:
    boxes = await open_group(nurse)
    before = await written(world)
    await nurse.post("/forskelle", [("gruppe", "x"), ("valgt", boxes[0]), ("trin", "godkend")])
    assert "Du godkender den nye anbefaling for 1 patient." in nurse.text
    alle = [("alle", one) for one in boxes]
    await nurse.post("/forskelle", [("gruppe", "x"), *alle, ("trin", "godkend-alle")])
    assert f"Godkend for {len(boxes)}" in nurse.text
    assert await written(world) == before


async def test_what_is_accepted_together_is_agreed_and_leaves_the_list(nurse: Browser, world: World) -> None:
    boxes = await open_group(nurse)
    plain = [one for one in boxes if await target_of(world, one) == "under 1,4"]
    assert len(plain) > 1
    sent = [("valgt", one) for one in boxes]
    await nurse.post("/forskelle", [("gruppe", "x"), *sent, ("trin", "godkend")])
    answer = await nurse.post("/forskelle", [*sent, ("trin", "godkend-nu")])
    assert answer.headers["location"] == "/forskelle?besked=godkendt-anbefaling"
    await nurse.follow(answer)
    assert "Den nye anbefaling er godkendt." in nurse.text and "gruppe=ldl_LDL-04_2026.1" not in nurse.html
    assert {await target_of(world, one) for one in plain} == {"under 1,2"}


async def test_what_somebody_changed_meanwhile_is_named_and_the_rest_is_taken(nurse: Browser, world: World) -> None:
    boxes = await open_group(nurse)
    sent = [("valgt", one) for one in boxes]
    await nurse.post("/forskelle", [("valgt", boxes[0]), ("trin", "godkend")])
    await nurse.post("/forskelle", [("valgt", boxes[0]), ("trin", "godkend-nu")])
    await nurse.get("/forskelle")
    answer = await nurse.post("/forskelle", [*sent, ("trin", "godkend")])
    answer = await nurse.post("/forskelle", [*sent, ("trin", "godkend-nu")])
    assert answer.status_code == 409
    assert "Ikke gemt for 1" in nurse.text and f"Gemt for {len(boxes) - 1}." in nurse.text
    assert "Målet eller oplysningerne er ændret, siden du så listen." in nurse.text


async def test_declining_needs_a_reason_and_keeps_the_target(nurse: Browser, world: World) -> None:
    boxes = await open_group(nurse)
    (own,) = [one for one in boxes if one.startswith("birthe/")]
    await nurse.post("/forskelle", [("valgt", own), ("trin", "afslaa")])
    assert "Du beholder det aftalte mål for 1 patient." in nurse.text
    answer = await nurse.post("/forskelle", [("valgt", own), ("trin", "afslaa-nu")])
    assert answer.status_code == 422 and 'href="#aarsag"' in nurse.html
    was = await target_of(world, own)
    answer = await nurse.post("/forskelle", [("valgt", own), ("aarsag", "patient-wish"), ("trin", "afslaa-nu")])
    assert answer.headers["location"] == "/forskelle?besked=afslaaet-anbefaling"
    goal = (await goals(world, "birthe"))[own.split("/")[1]]
    deviation = find_deviation(goal)
    assert deviation is not None and deviation.reason == "patient-wish"
    assert await target_of(world, own) == was
    assert own not in await open_group(nurse)


async def test_a_patient_of_another_clinic_is_refused_without_a_name_or_a_link(nurse: Browser, world: World) -> None:
    boxes = await open_group(nurse)
    _, rest = boxes[0].split("/", 1)
    await nurse.post("/forskelle", [("valgt", boxes[0]), ("trin", "godkend")])
    answer = await nurse.post("/forskelle", [("valgt", f"nobody/{rest}"), ("trin", "godkend-nu")])
    assert answer.status_code == 409 and "/patient/nobody" not in nurse.html
    assert "En patient, som klinikken ikke har adgang til: Patienten er ikke tilmeldt klinikken." in nurse.text


@pytest.fixture
async def silent(filled: Path, tmp_path: Path) -> AsyncIterator[Browser]:
    """A nurse of the invented clinic, served by rules that say nothing of LDL any more."""
    async with open_world(filled, tmp_path) as opened:
        knowledge = opened.house.knowledge
        table = replace(knowledge.guidelines["ldl"], rows=(), version="2026.2")
        knowledge = replace(knowledge, guidelines={**knowledge.guidelines, "ldl": table})
        browser = Browser(
            World(replace(opened.house, knowledge=knowledge, reader=ChartReader(knowledge)), opened.clock)
        )
        await browser.sign_in("nurse")
        yield browser


async def test_what_is_recommended_no_longer_is_told_and_taken_off(silent: Browser) -> None:
    boxes = await open_group(silent)
    assert boxes and "anbefales ikke længere" in silent.text
    assert "Reglerne siger ikke længere noget om målet." in silent.text and "None" not in silent.text
    await silent.post("/forskelle", [("valgt", boxes[0]), ("trin", "godkend")])
    assert "Det aftalte mål bliver stående uden anbefaling." in silent.text
    answer = await silent.post("/forskelle", [("valgt", boxes[0]), ("trin", "godkend-nu")])
    assert answer.headers["location"] == "/forskelle?besked=godkendt-anbefaling"


@pytest.mark.parametrize("step", ["godkend", "afslaa", "godkend-nu"])
async def test_nothing_chosen_is_an_error_that_leads_to_the_boxes(nurse: Browser, step: str) -> None:
    boxes = await open_group(nurse)
    answer = await nurse.post("/forskelle", {"gruppe": nurse.field("gruppe"), "trin": step})
    assert answer.status_code == 422 and "Vælg mindst én patient." in nurse.text
    assert 'role="alert"' in nurse.html and 'href="#valgt"' in nurse.html and 'class="notice"' not in nurse.html
    assert re.search(r'<input[^>]*id="valgt"[^>]*aria-invalid="true" aria-describedby="e-valgt"', nurse.html)
    assert re.findall(r'name="valgt" value="([^"]+)"', nurse.html) == boxes


async def test_nothing_chosen_of_a_change_that_is_gone_leads_back_to_the_changes(nurse: Browser) -> None:
    await open_group(nurse)
    answer = await nurse.post("/forskelle", {"gruppe": "x", "trin": "godkend"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/forskelle")


async def test_nothing_chosen_on_a_later_page_comes_back_to_it(nurse: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewal, "ROWS", 1)
    await open_group(nurse)
    assert nurse.field("side") == "1"
    await nurse.post("/forskelle", {"gruppe": nurse.field("gruppe"), "side": "2", "trin": "afslaa"})
    assert "Side 2 af" in nurse.text and "Vælg mindst én patient." in nurse.text and nurse.field("side") == "2"


async def test_a_large_clinic_is_gone_through_beside_the_page(nurse: Browser, world: World) -> None:
    survey = await world.view.surveys.look(world.context("nurse"), "clinic-own", 0)
    if survey.task is not None and not survey.ended:
        await nurse.get("/forskelle")
        assert survey.ended or "Klinikkens planer gennemgås" in nurse.text
        await survey.task
    await nurse.get("/forskelle")
    assert "får i dag en anden anbefaling" in nurse.text


async def test_a_long_change_is_cut_into_pages(nurse: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    every = await open_group(nurse)
    monkeypatch.setattr(renewal, "ROWS", 1)
    first = await open_group(nurse)
    assert first == every[:1] and f"Side 1 af {len(every)}" in nurse.text
    following = re.search(r'rel="next" href="([^"]+)"', nurse.html)
    assert following is not None
    await nurse.get(following[1].replace("&amp;", "&"))
    assert re.findall(r'name="valgt" value="([^"]+)"', nurse.html) == every[1:2]


async def test_others_do_not_come_here(world: World) -> None:
    for persona in ("patient-birthe", "visitator"):
        browser = Browser(world)
        await browser.sign_in(persona)
        assert (await browser.get("/forskelle")).status_code == 403


async def test_no_difference_is_said(filled: Path, tmp_path: Path) -> None:
    async with open_world(filled, tmp_path) as same:
        browser = Browser(same)
        await browser.sign_in("nurse")
        await browser.get("/forskelle")
        assert "Ingen forskelle. Alle planer følger den nyeste vejledning." in browser.text
