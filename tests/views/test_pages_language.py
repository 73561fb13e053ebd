"""Languages: a page is in one of them whole, says so, and is chosen by the person, never guessed."""

import re

import pytest
from page_house import Browser, World, text_of

from careplan.views.catalogue import LANGUAGES
from careplan.views.frame import catalogue
from careplan.views.language import SIZES, languages_of
from careplan.views.pages import PAGES

DANISH = catalogue()
NAMES = r"Nørre|Østergaard|Østerbro|Lægehuset|sygeplejerske|Åby|lægevagten"
"""Names of people and places are what they are."""
PATIENT_PAGES = [
    *(one.path for one in PAGES if one.method == "GET" and "patient" in one.roles and "{" not in one.path),
    "/plan/maaling/ldl",
    "/plan/maaling/sbp",
    "/plan/maaling/no-such-measure",
    "/hjaelp",
    "/tilgaengelighed",
]


async def reader(world: World, language: str, persona: str = "patient-birthe") -> Browser:
    """Somebody signed in who has chosen a language on the front page."""
    browser = Browser(world)
    await browser.sign_in(persona)
    await browser.post("/sprog", {"sprog": language}, token="")
    return browser


def outside_danish(html: str) -> str:
    """A page without what it says is Danish, and without what people have written themselves."""
    return re.sub(r'<(\w+)[^>]*(?:lang="da"|dir="auto")[^>]*>.*?</\1>', " ", html, flags=re.S)


def texts_in(said: str) -> list[str]:
    """Texts of the Danish catalogue that stand in some words; those of a word or two may stand anywhere."""
    texts = [text for text in DANISH.texts.values() if len(text.split()) > 2 and "{" not in text]
    return [text for text in texts if text in said]


def danish_in(html: str) -> list[str]:
    """Texts of the Danish catalogue, and words with Danish letters, that a page has outside what it calls Danish."""
    said = text_of(outside_danish(html))
    return texts_in(said) + re.findall(r"\w*[æøåÆØÅ]\w*", re.sub(NAMES, "", said))


@pytest.mark.parametrize("path", PATIENT_PAGES)
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_a_patients_page_is_in_the_chosen_language_whole(world: World, language: str, path: str) -> None:
    browser = await reader(world, language)
    answer = await browser.get(path)
    if answer.status_code == 303:
        await browser.follow(answer)
    start = browser.html[:200]
    assert f'<html lang="{language}"' in start and ('dir="rtl"' in start) == (language == "ar")
    assert danish_in(browser.html) == []


@pytest.mark.parametrize("path", ["/plan", "/plan/kommune"])
@pytest.mark.parametrize("language", ["en", "ar"])
async def test_a_referral_is_told_in_the_chosen_language_whole(world: World, language: str, path: str) -> None:
    browser = await reader(world, language, "patient-carl")
    await browser.get(path)
    assert danish_in(browser.html) == []


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_the_plan_tells_values_targets_and_days_in_the_chosen_language(world: World, language: str) -> None:
    browser, t = await reader(world, language), catalogue(language)
    await browser.get("/plan")
    for key in ("plan.title", "plan.goals", "measure-name.hba1c", "measure-name.ldl", "plan-name.diabetes"):
        assert t(key) in browser.text, key
    assert not re.search(r"\d,\d", text_of(outside_danish(browser.html))), "a decimal comma"
    assert re.search(r"\d{2}\.\d{2}\.20\d{2}", browser.text)


async def test_what_a_clinician_wrote_stands_marked_inside_a_sentence_of_the_page(world: World) -> None:
    browser = await reader(world, "en", "patient-fatima")
    await browser.get("/plan/maaling/hba1c")
    assert re.search(r'The clinic writes: «<span lang="da" dir="ltr">[^<&]+</span>»', browser.html)
    assert danish_in(browser.html) == []


async def test_what_clinic_and_rules_have_written_stays_danish_and_is_marked(world: World) -> None:
    english, danish = await reader(world, "en"), Browser(world)
    await english.get("/plan")
    await danish.sign_in("patient-birthe")
    marked = re.findall(r'<span lang="da" dir="ltr">([^<]+)</span>', english.html)
    assert len(marked) > 3 and all(one in danish.html for one in marked)
    assert catalogue("en")("frame.in-danish") in english.text


@pytest.mark.parametrize(("language", "said"), [("da", False), ("en", True), ("ar", True)])
async def test_a_page_says_that_no_clinician_has_read_its_language(world: World, language: str, said: bool) -> None:
    browser = await reader(world, language)
    await browser.get("/plan")
    assert (catalogue(language)("frame.unread") in browser.text) == said
    assert said != bool(LANGUAGES[language].read_by)


@pytest.mark.parametrize(
    "path", ["/arbejdsliste", "/patient/birthe/aarskontrol", "/indstillinger", "/patient/nobody/aarskontrol"]
)
async def test_a_staff_page_asked_for_in_arabic_is_danish_whole(world: World, path: str) -> None:
    asked, plain = await reader(world, "ar", "nurse"), Browser(world)
    await plain.sign_in("nurse")
    await asked.get(path)
    await plain.get(path)
    assert '<html lang="da">' in asked.html
    assert asked.text == plain.text


@pytest.mark.parametrize(
    ("persona", "path"),
    [
        *(
            ("nurse", one.path)
            for one in PAGES
            if one.method == "GET" and "clinic" in one.roles and "{" not in one.path
        ),
        ("nurse", "/arbejdsliste?fane=egnet"),
        ("nurse", "/patient/birthe/aarskontrol"),
        ("nurse", "/patient/anna/opret-plan"),
        ("nurse", "/patient/fatima/maal/fatima-g1"),
        ("nurse", "/patient/birthe/historik?dato=22.11.2026&maaling=ldl"),
        ("visitator", "/henvisninger"),
        ("visitator", "/borger/carl"),
    ],
)
async def test_a_staff_page_is_in_english_for_who_chose_it(world: World, persona: str, path: str) -> None:
    """Names and sentences of the knowledge files are Danish there, since clinicians know them so."""
    browser = await reader(world, "en", persona)
    await browser.get(path)
    assert '<html lang="en"' in browser.html
    assert texts_in(text_of(outside_danish(browser.html))) == []


async def test_nothing_is_guessed_from_what_the_browser_prefers(world: World) -> None:
    browser = Browser(world)
    browser.client.headers["Accept-Language"] = "ar, en;q=0.5"
    await browser.get("/")
    assert '<html lang="da">' in browser.html
    assert all(one.name in browser.html for one in LANGUAGES.values())


async def test_the_front_page_offers_every_language_and_keeps_where_one_was_going(browser: Browser) -> None:
    await browser.get("/?til=/plan/adgang")
    answer = await browser.post("/sprog", {"sprog": "ar", "til": "/plan/adgang"}, token="")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?til=%2Fplan%2Fadgang")
    await browser.follow(answer)
    assert '<html lang="ar" dir="rtl">' in browser.html and danish_in(browser.html.split("<section")[0]) == []


async def test_a_language_is_not_taken_from_another_site_and_leads_to_none(browser: Browser) -> None:
    sent = {"Sec-Fetch-Site": "cross-site", "Content-Type": "application/x-www-form-urlencoded"}
    refused = await browser.client.post("/sprog", content="sprog=ar", headers=sent)
    assert refused.status_code == 403 and "set-cookie" not in refused.headers
    away = await browser.post("/sprog", {"sprog": "en", "til": "//evil.test/x"}, token="")
    assert away.headers["location"] == "/"


@pytest.mark.parametrize("unknown", ["tlh", "", "../da"])
async def test_a_language_we_do_not_have_is_not_kept(browser: Browser, unknown: str) -> None:
    answer = await browser.post("/sprog", {"sprog": unknown}, token="")
    assert "set-cookie" not in answer.headers


# ── B9 ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("persona", "path"), [("patient-birthe", "/plan/indstillinger"), ("nurse", "/indstillinger")])
async def test_language_and_text_size_are_kept_and_shown_at_once(world: World, persona: str, path: str) -> None:
    browser = Browser(world)
    await browser.sign_in(persona)
    await browser.get(path)
    answer = await browser.post(path, {"sprog": "en", "tekst": "150"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?besked=gemt")
    await browser.follow(answer)
    assert '<html lang="en" class="size-150">' in browser.html
    assert re.search(r'value="150" checked', browser.html) and re.search(r'value="en"[^>]* checked', browser.html)
    assert "Saved." in browser.text


async def test_settings_offer_staff_no_language_that_their_pages_lack(nurse: Browser) -> None:
    await nurse.get("/indstillinger")
    assert re.findall(r'name="sprog" value="(\w+)"', nurse.html) == ["da", "en"]
    assert [one.code for one in languages_of("patient")] == ["da", "en", "ar"]


async def test_a_text_size_that_is_none_of_ours_is_not_kept(nurse: Browser) -> None:
    await nurse.get("/indstillinger")
    answer = await nurse.post("/indstillinger", {"sprog": "da", "tekst": "900"})
    await nurse.follow(answer)
    assert '<html lang="da">' in nurse.html
    assert SIZES[0] == 100 and SIZES[-1] == 200


async def test_the_plan_leads_to_the_settings(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    row = browser.html.split('class="quietrow"')[1].split("</nav>")[0]
    assert 'href="/plan/indstillinger"' in row
