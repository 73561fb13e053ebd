"""B2 where the record cannot be read: words, a code, the day of the last sheet; no blank page, nobody's data."""

import re

import pytest
from page_house import Browser, World, text_of

from careplan.views.catalogue import read_catalogue

PRINT = "/plan/udskriv"
SAYS = {
    "da": "Vi kan ikke vise dine tal lige nu. Prøv igen om lidt. Haster det, så ring til din læge.",
    "en": "We cannot show your values right now. Try again in a moment. If it is urgent, call your doctor.",
    "ar": "لا يمكننا عرض أرقامك الآن. حاول بعد قليل. إذا كان الأمر عاجلاً فاتصل بطبيبك.",
}
NUMBER = re.compile(r"\d{6}-?(\d{4}|••••)")


async def printed(world: World, language: str = "da") -> Browser:
    """Birthe, who has got her sheet today, in a language."""
    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    await browser.post("/sprog", {"sprog": language}, token="")
    await browser.get(PRINT)
    await browser.post(PRINT, {"edition": "short", "lang": language})
    return browser


@pytest.mark.parametrize("language", SAYS)
@pytest.mark.parametrize("path", ["/plan", "/plan/maaling/hba1c"])
async def test_a_store_that_is_shut_leaves_words_a_code_and_the_day_of_the_last_sheet(
    world: World, language: str, path: str
) -> None:
    browser = await printed(world, language)
    await world.house.store.close()
    assert (await browser.get(path)).status_code == 503
    t, said = read_catalogue(language), text_of(browser.html.partition("<main")[2].partition("</main>")[0])
    assert f'<html lang="{language}"' in browser.html and browser.html.count("<h1>") == 1
    assert SAYS[language] in said
    assert t("error.code", code="store-unavailable") in said
    assert t("error.printed", day="22.11.2026") in said
    assert "Birthe" not in said and "birthe" not in said and not NUMBER.search(said)


async def test_the_day_of_the_last_sheet_is_told_only_to_whose_it_is(world: World) -> None:
    browser = await printed(world)
    await browser.get("/plan")
    await browser.post("/log-ud", {})
    await browser.sign_in("patient-carl")
    await world.house.store.close()
    assert (await browser.get("/plan")).status_code == 503
    assert SAYS["da"] in browser.text and "Du skrev sidst" not in browser.text


async def test_what_nobody_foresaw_is_the_same_page_with_a_code_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await printed(world)
    monkeypatch.setattr(type(world.house.store), "search", None)
    assert (await browser.get("/plan")).status_code == 500
    assert SAYS["da"] in browser.text and "Fejlkode: E500" in browser.text
    assert "Du skrev sidst din plan ud 22.11.2026." in browser.text
