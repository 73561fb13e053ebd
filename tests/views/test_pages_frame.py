"""What holds for every page: headers, one heading, labels, captions, weight, texts that are there."""

import re
from pathlib import Path

import pytest
from page_house import Browser, World
from starlette.requests import Request

from careplan.views import pages, plan, wording
from careplan.views.form import find_day, find_number
from careplan.views.frame import STATIC, assets
from careplan.views.page import Opened, endpoint

VIEWS = Path(plan.__file__).parent
PAGES = [
    ("", "/"),
    ("", "/hjaelp"),
    ("", "/tilgaengelighed"),
    ("patient-birthe", "/plan"),
    ("patient-birthe", "/plan/vigtigst"),
    ("patient-hanne", "/plan"),
    ("patient-gunnar", "/plan"),
    ("patient-fatima", "/plan"),
    ("nurse", "/arbejdsliste?fane=i-orden"),
    ("nurse", "/arbejdsliste?fane=egnet"),
    ("nurse", "/patient/birthe/aarskontrol"),
    ("nurse", "/patient/dorte/aarskontrol"),
    ("nurse", "/patient/anna/aarskontrol"),
    ("nurse", "/patient/anna/opret-plan"),
    ("nurse", "/patient/fatima/maal/fatima-g1"),
    ("nurse", "/patient/birthe/historik?dato=22.11.2026&maaling=ldl"),
    ("nurse", "/patient/anna/historik?fra=01.11.2026&til=22.11.2026"),
    ("nurse", "/patient/nobody/aarskontrol"),
    ("visitator", "/henvisninger"),
    ("visitator", "/borger/carl"),
]
HEAVIEST = 100_000
"""Bytes over the wire, with the stylesheet and the script as if neither had been seen before."""


@pytest.fixture(params=PAGES, ids=lambda pair: f"{pair[0] or 'nobody'}{pair[1]}")
async def page(request: pytest.FixtureRequest, world: World) -> Browser:
    persona, path = request.param
    browser = Browser(world)
    if persona:
        await browser.sign_in(persona)
    answer = await browser.get(path)
    assert answer.status_code in (200, 403)
    return browser


async def test_every_page_keeps_to_the_frame(page: Browser) -> None:
    html = page.html
    assert html.startswith('<!doctype html>\n<html lang="da">')
    title = re.search(r"<title>([^<]+)</title>", html)
    assert title is not None and title[1].endswith(" – Forløbsplan")
    assert len(re.findall(r"<h1[ >]", html)) == 1
    assert 'href="#indhold"' in html and 'id="indhold"' in html
    assert "Testtjeneste – kun opdigtede personer" in html
    assert "Tilgængelighedserklæring" in html and 'href="/hjaelp"' in html


async def test_no_page_carries_style_or_script_of_its_own(page: Browser) -> None:
    assert page.last is not None
    policy = page.last.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", page.html)
    assert not re.search(r"<script(?![^>]*\ssrc=)", page.html)
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?![^"]*"\s+rel="noreferrer")', page.html)


async def test_every_field_has_a_label_and_every_table_a_caption(page: Browser) -> None:
    html = page.html
    labelled = set(re.findall(r'<label[^>]*\sfor="([^"]+)"', html))
    wrapped = "".join(re.findall(r"<label[^>]*>.*?</label>", html, flags=re.S))
    for tag in re.findall(r"<(?:input|select|textarea)[^>]*>", html):
        if 'type="hidden"' in tag or "aria-label=" in tag or tag in wrapped:
            continue
        name = re.search(r'\sid="([^"]+)"', tag)
        assert name is not None and name[1] in labelled, tag
    for table in re.findall(r"<table.*?</table>", html, flags=re.S):
        assert "<caption" in table
        assert all("scope=" in head for head in re.findall(r"<th[ >][^>]*", table))


async def test_ids_are_unique_and_links_inside_a_page_lead_somewhere(page: Browser) -> None:
    ids = re.findall(r'\sid="([^"]+)"', page.html)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="#([^"]+)"', page.html):
        assert target in ids
    for name in re.findall(r'aria-(?:labelledby|describedby)="([^"]+)"', page.html):
        assert set(name.split()) <= set(ids)


async def test_no_page_is_heavier_than_it_may_be(page: Browser) -> None:
    assert page.last is not None
    sent = int(page.last.headers["content-length"])
    assert sent + sum(len(asset.body) for asset in assets().values()) <= HEAVIEST
    assert len(page.html.encode()) <= 2 * HEAVIEST


async def test_a_browser_that_takes_no_gzip_gets_the_page_as_it_is(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    packed = await browser.get("/plan")
    browser.client.headers["Accept-Encoding"] = "identity"
    plain = await browser.get("/plan")
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.headers["vary"] == "Accept-Encoding"
    assert plain.headers["content-security-policy"] == packed.headers["content-security-policy"]
    assert without_tokens(plain.text) == without_tokens(packed.text)


def without_tokens(html: str) -> str:
    return re.sub(r'name="formular" value="[^"]+"', "", html)


async def test_no_number_of_a_person_stands_in_a_page_or_address(page: Browser, world: World) -> None:
    assert not re.search(r"\b\d{6}-?(?:9989|9990|9995|9996)\b", page.html)


async def test_an_error_page_keeps_the_name_and_the_way_out(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("nurse")
    assert (await browser.get("/patient/nobody/aarskontrol")).status_code in (403, 404)
    assert "Log ud" in browser.text and "Krogh" in browser.text
    assert (await browser.post("/log-ud", {})).status_code == 303


async def test_patients_meet_no_red_and_no_words_of_the_trade(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    for word in ("compliance", "komorbiditet", "titrering", "parameter", "monitorering", "visitation"):
        assert word not in browser.text.lower()


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


async def test_refusals_are_danish_pages_with_a_code_and_no_detail(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    for path, status, code in (
        ("/arbejdsliste", 403, "forbidden"),
        ("/print/Patient/carl/plan.pdf", 403, "forbidden"),
        ("/plan/vigtigst?id=nothing", 403, "forbidden"),
    ):
        answer = await browser.get(path)
        assert answer.status_code == status
        assert f"Fejlkode: {code}" in browser.text
        assert "carl" not in browser.html.lower().replace("/print/patient/carl", "")


async def test_an_address_that_is_none_has_a_page_too(world: World) -> None:
    scope = {"type": "http", "method": "GET", "path": "/nix", "headers": [(b"host", b"test")], "app": world.app}
    answer = await pages.not_found(Request({**scope, "query_string": b"", "scheme": "http", "server": ("test", 80)}))
    assert answer.status_code == 404
    assert "Siden findes ikke" in bytes(answer.body).decode()


async def test_what_nobody_foresaw_is_a_page_and_says_nothing_of_itself(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(opened: Opened) -> None:
        raise ZeroDivisionError(" ".join(("a", "secret")))

    browser = Browser(world)
    await browser.sign_in("patient-birthe")
    answer = endpoint(broken, pages.PATIENT)  # type: ignore[arg-type]
    cookie = f"forloebsplan={browser.client.cookies['forloebsplan']}".encode()
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"test"), (b"cookie", cookie)]}
    found = await answer(Request({**scope, "query_string": b"", "scheme": "http", "path_params": {}, "app": world.app}))
    assert found.status_code == 500
    assert "Vi kan ikke vise dine tal lige nu" in bytes(found.body).decode()
    assert "ZeroDivisionError" in caplog.text and "a secret" not in caplog.text


async def test_signed_out_every_page_leads_to_the_sign_in(browser: Browser) -> None:
    for one in pages.PAGES:
        path = re.sub(r"\{\w+\}", "some", one.path)
        answer = await (browser.client.get(path) if one.method == "GET" else browser.client.post(path))
        assert (answer.status_code, answer.headers["location"]) == (303, "/?besked=log-ind")


# ── print ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("persona", ["patient-birthe", "nurse"])
async def test_the_plan_is_printed_and_not_cached(world: World, persona: str) -> None:
    browser = Browser(world)
    await browser.sign_in(persona)
    answer = await browser.get("/print/Patient/birthe/plan.pdf?edition=short")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf" and answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith(b"%PDF-")


@pytest.mark.parametrize("query", ["edition=poster", "lang=tlh"])
async def test_an_edition_that_is_not_made_is_refused_in_words(nurse: Browser, query: str) -> None:
    answer = await nurse.get(f"/print/Patient/birthe/plan.pdf?{query}")
    assert answer.status_code == 400
    assert "Vælg en anden udgave eller et andet sprog." in nurse.text


async def test_without_a_plan_there_is_nothing_to_print(nurse: Browser) -> None:
    assert (await nurse.get("/print/Patient/hanne/plan.pdf")).status_code == 404


# ── static files ─────────────────────────────────────────────────────────────────────────────────


async def test_static_files_are_kept_a_year_by_their_content(browser: Browser) -> None:
    await browser.get("/")
    link = re.search(r'href="(/static/plan\.css\?v=\w+)"', browser.html)
    assert link is not None
    answer = await browser.client.get(link[1])
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
    plain = await browser.client.get("/static/plan.css")
    assert "immutable" not in plain.headers["cache-control"]
    again = await browser.client.get("/static/plan.css", headers={"If-None-Match": plain.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    assert (await browser.client.get("/static/da.toml")).status_code == 404


def test_the_stylesheet_is_small() -> None:
    assert (STATIC / "plan.css").stat().st_size <= 20_000


# ── what people type ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "number"),
    [("82,5", "82.5"), ("82.5", "82.5"), (" 7,10 ", "7.10"), ("0", "0"), ("58", "58")],
)
def test_danish_numbers_are_read_with_their_digits(text: str, number: str) -> None:
    assert str(find_number(text)) == number


@pytest.mark.parametrize("text", ["", "x", "-1", "1e5", "1,2,3", "NaN", "٣", "1234567", "<5"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert find_number(text) is None


@pytest.mark.parametrize("text", ["22.11.2027", "22-11-2027", "22/11/2027", "2027-11-22"])
def test_days_are_read_as_people_write_them(text: str) -> None:
    day = find_day(text)
    assert day is not None and wording.danish_date(day) == "22.11.2027"


@pytest.mark.parametrize("text", ["", "31.02.2027", "22.11", "i morgen", "2027-13-01"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert find_day(text) is None
