"""B8 «Udskriv»: what can be chosen, a preview of the same blocks, and that a sheet that was got is a delivery."""

import re

import pytest
from page_house import NOW, Browser, World, stored, text_of

from careplan.interactions.overview import read_overview
from careplan.views import typeset
from careplan.views.catalogue import read_catalogue
from careplan.views.sheet import BLOCKS, Edition, sheet_of

PATH = "/plan/udskriv"


async def patient(world: World, who: str = "birthe") -> Browser:
    browser = Browser(world)
    await browser.sign_in(f"patient-{who}")
    return browser


async def printed(world: World) -> list[str]:
    return [one["payload"][0]["contentString"] for one in await stored(world, "Communication", "birthe")]


async def test_the_plan_page_leads_to_the_choices_and_says_when_it_was_last_printed(world: World) -> None:
    browser = await patient(world)
    assert f'href="{PATH}"' in browser.html
    assert "Sidst " not in browser.text
    await browser.get(PATH)
    await browser.post(PATH, {"edition": "short", "lang": "da"})
    await browser.get("/plan")
    assert "Sidst 22.11.2026" in browser.text


async def test_the_choices_are_edition_language_and_number_and_short_danish_without_it_is_chosen(world: World) -> None:
    browser = await patient(world)
    await browser.get(PATH)
    chosen = re.findall(r'name="(edition|lang|cpr)" value="(\w+)" checked', browser.html)
    assert chosen == [("edition", "short"), ("lang", "da")]
    for said in ("Kort (1 side)", "Hele planen", "Stor skrift", "English", "العربية", "Skriv hele CPR-nummeret"):
        assert said in browser.text
    assert 'dir="rtl"' not in browser.html


@pytest.mark.parametrize("name", BLOCKS)
async def test_the_preview_has_the_blocks_of_the_sheet_in_their_order(world: World, name: str) -> None:
    browser = await patient(world)
    await browser.get(f"{PATH}?edition={name}")
    context = world.context("patient-birthe")
    overview = await read_overview(context, "birthe", "patient")
    sheet = sheet_of(overview, Edition(name), read_catalogue("da"), NOW)
    article = browser.html[browser.html.index("<article") :]
    heads = re.findall(r"<h3>(.*?)</h3>", article)
    assert heads == [sheet["words"][one] for one in sheet["blocks"] if one != "history"]
    text = text_of(article)
    for goal in sheet["goals"]:
        assert goal["measure"] in text and goal["status"] in text
    assert article.count("<svg") == len(sheet["courses"])


async def test_a_preview_in_another_language_says_so_to_readers_and_marks_danish_words(world: World) -> None:
    browser = await patient(world)
    await browser.get(f"{PATH}?lang=ar")
    assert '<article class="paper" lang="ar" dir="rtl">' in browser.html
    assert '<span lang="da" dir="ltr">' in browser.html
    assert '<html lang="da">' in browser.html


async def test_looking_records_nothing_and_getting_the_sheet_records_a_delivery_once_a_day(world: World) -> None:
    browser = await patient(world)
    await browser.get(f"{PATH}?edition=full")
    assert await printed(world) == []
    for _ in range(2):
        answer = await browser.post(PATH, {"edition": "full", "lang": "en"})
        assert answer.status_code == 303
        assert answer.headers["location"] == "/print/Patient/birthe/plan.pdf?edition=full&lang=en"
        sheet = await browser.follow(answer)
        assert sheet.content.startswith(b"%PDF-") and b"/Lang(en)" in sheet.content
    assert await printed(world) == ["edition=full; lang=en"]


async def test_the_sheet_that_is_chosen_is_shown_before_it_is_got(world: World) -> None:
    browser = await patient(world)
    await browser.get(PATH)
    answer = await browser.post(PATH, {"edition": "full", "lang": "en", "cpr": "ja", "handling": "vis"})
    assert answer.headers["location"] == f"{PATH}?edition=full&lang=en&cpr=ja"
    await browser.follow(answer)
    assert "My care plan" in browser.text
    assert "CPR number:" not in browser.text, "the number is on the paper alone, and that is logged"
    assert await printed(world) == []


async def test_looking_at_the_paper_again_records_no_delivery(world: World) -> None:
    browser = await patient(world)
    assert (await browser.get("/print/Patient/birthe/plan.pdf")).status_code == 200
    assert await printed(world) == []


async def test_the_clinic_prints_from_the_control_and_its_history_tells_of_it(world: World, nurse: Browser) -> None:
    await nurse.get("/patient/birthe/aarskontrol")
    assert 'href="/patient/birthe/udskriv"' in nurse.html
    await nurse.get("/patient/birthe/udskriv?edition=large&cpr=ja")
    assert "CPR-nummer:" not in nurse.text
    answer = await nurse.post("/patient/birthe/udskriv", {"edition": "large", "lang": "da", "cpr": "ja"})
    assert answer.headers["location"] == "/print/Patient/birthe/plan.pdf?edition=large&lang=da&cpr=ja"
    await nurse.get("/patient/birthe/historik?slags=print")
    assert "Planen er udleveret på papir: Stor skrift, Dansk." in nurse.text
    await nurse.get("/patient/birthe/aarskontrol")
    assert "Sidst 22.11.2026" in nurse.text


@pytest.mark.parametrize("asked", ["edition=poster", "lang=tlh"])
async def test_an_edition_that_is_not_made_is_refused(world: World, asked: str) -> None:
    browser = await patient(world)
    assert (await browser.get(f"{PATH}?{asked}")).status_code == 400
    assert "edition-unknown" in browser.text


async def test_without_the_font_the_page_says_what_is_missing_and_gives_no_button(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typeset, "ARABIC", ())
    browser = await patient(world)
    await browser.get(f"{PATH}?lang=ar")
    assert "fonts-hosny-amiri" in browser.text and "Hent PDF" not in browser.text
    await browser.get(PATH)
    assert (await browser.post(PATH, {"edition": "short", "lang": "ar"})).status_code == 400
    assert "font-missing" in browser.text
    assert await printed(world) == []


async def test_without_a_plan_there_is_nothing_to_choose(world: World) -> None:
    browser = await patient(world, "hanne")
    assert (await browser.get(PATH)).status_code == 404


async def test_a_closed_plan_can_be_printed(world: World) -> None:
    browser = await patient(world, "gunnar")
    await browser.get(PATH)
    assert "Planen er afsluttet" in browser.text and "Det næste, du skal" not in browser.text


async def test_nobody_prints_the_plan_of_others(world: World) -> None:
    browser = await patient(world)
    assert (await browser.get("/patient/carl/udskriv")).status_code == 403
    assert (await browser.get("/print/Patient/carl/plan.pdf")).status_code == 403
