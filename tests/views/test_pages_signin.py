"""Signing in as an invented person, and what keeps a form and a cookie one's own."""

from datetime import date, datetime
from pathlib import Path

import pytest
from page_house import NOW, Browser, World, open_world
from starlette.requests import Request

from careplan.app import invented_people
from careplan.views.cookie import Session, Sessions
from careplan.views.session import caller_of_cookie


async def test_the_front_page_offers_the_cast_and_the_staff(browser: Browser) -> None:
    answer = await browser.get("/")
    assert answer.status_code == 200
    for name in ("Birthe Test Nielsen", "sygeplejerske i Lægehuset Nord", "læge i Lægehuset Nord", "visitator"):
        assert name in browser.text


@pytest.mark.parametrize("on", [date(2026, 1, 1), date(2026, 9, 1), date(2026, 9, 2), date(2026, 12, 31)])
def test_the_cast_is_as_old_as_their_birthdays_say(on: date) -> None:
    ages = {one.key: one.caller.name for one in invented_people(on)}
    assert ages["patient-birthe"] == "Birthe Test Nielsen, 71 år"
    assert ages["patient-gunnar"] == "Gunnar Test Bruun, 74 år"


@pytest.mark.parametrize(
    ("persona", "home"),
    [
        ("patient-birthe", "/plan"),
        ("nurse", "/arbejdsliste"),
        ("doctor", "/arbejdsliste"),
        ("visitator", "/henvisninger"),
    ],
)
async def test_each_role_begins_on_its_own_page(browser: Browser, persona: str, home: str) -> None:
    await browser.get("/")
    answer = await browser.post("/log-ind", {"person": persona})
    assert answer.headers["location"] == home
    assert (await browser.follow(answer)).status_code == 200
    assert (await browser.get("/")).headers["location"] == home


async def test_the_cookie_is_for_this_site_and_no_script(browser: Browser) -> None:
    cookie = (await browser.get("/")).headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert part in cookie
    assert "Secure" not in cookie


async def test_the_cookie_is_secure_over_https(world: World) -> None:
    answer = await Browser(world, "https://test").get("/")
    assert "Secure" in answer.headers["set-cookie"]


async def test_signing_in_gives_a_session_that_was_not_there_before(browser: Browser, world: World) -> None:
    await browser.get("/")
    before = browser.client.cookies["forloebsplan"]
    await browser.post("/log-ind", {"person": "nurse"})
    after = browser.client.cookies["forloebsplan"]
    found = [world.view.sessions.find(text, NOW) for text in (before, after)]
    assert found[0] and found[1] and found[0].id != found[1].id
    browser.client.cookies.set("forloebsplan", before)
    assert (await browser.get("/arbejdsliste")).headers["location"].startswith("/?")


async def test_half_an_hour_without_a_click_signs_out(browser: Browser, world: World) -> None:
    await browser.sign_in("nurse")
    world.clock.forward(minutes=29)
    assert (await browser.get("/arbejdsliste")).status_code == 200
    world.clock.forward(minutes=29)
    assert (await browser.get("/arbejdsliste")).status_code == 200
    world.clock.forward(minutes=31)
    assert (await browser.get("/arbejdsliste")).status_code == 303


async def test_eight_hours_sign_out_however_busy_one_is(browser: Browser, world: World) -> None:
    await browser.sign_in("nurse")
    for _ in range(23):
        world.clock.forward(minutes=20)
        assert (await browser.get("/arbejdsliste")).status_code == 200
    world.clock.forward(minutes=21)
    assert (await browser.get("/arbejdsliste")).status_code == 303


async def test_signing_out_ends_the_session(browser: Browser) -> None:
    await browser.sign_in("nurse")
    answer = await browser.post("/log-ud", {})
    assert answer.headers["location"] == "/"
    assert (await browser.get("/arbejdsliste")).status_code == 303


async def test_a_form_without_this_sessions_token_is_refused(browser: Browser) -> None:
    await browser.sign_in("patient-birthe")
    answer = await browser.post("/plan/vigtigst", {"ord": "noget andet"}, token="wrong")
    assert answer.status_code == 403
    assert "form-expired" in browser.text
    await browser.get("/plan")
    assert "noget andet" not in browser.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://test"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://other.test"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    ],
)
async def test_a_form_from_another_site_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    await browser.sign_in("patient-birthe")
    body = f"formular={browser.token}&ord=noget+andet"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.client.post("/plan/vigtigst", content=body, headers={**headers, **kind})
    assert answer.status_code == 403


async def test_a_form_that_says_nothing_of_where_it_comes_from_is_refused(browser: Browser) -> None:
    await browser.sign_in("patient-birthe")
    token = browser.token
    del browser.client.headers["Sec-Fetch-Site"]
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.client.post("/plan/vigtigst", content=f"formular={token}&ord=x", headers=kind)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/json", b"{}"), ("application/x-www-form-urlencoded", b"\xff\xfe=1"), ("text/plain", b"a=b")],
)
async def test_a_body_that_is_no_form_is_refused(browser: Browser, kind: str, body: bytes) -> None:
    await browser.sign_in("patient-birthe")
    headers = {"Content-Type": kind, "Origin": "http://test"}
    answer = await browser.client.post("/plan/vigtigst", content=body, headers=headers)
    assert answer.status_code == 400


async def test_a_form_beyond_its_limit_is_refused(browser: Browser) -> None:
    await browser.sign_in("patient-birthe")
    answer = await browser.post("/plan/vigtigst", {"ord": "x" * 200_000})
    assert answer.status_code == 400


def test_a_cookie_that_was_changed_is_nobodys() -> None:
    sessions = Sessions(b"one secret")
    session = Session("id", "nurse", int(NOW.timestamp()), int(NOW.timestamp()))
    text = sessions.text(session)
    assert sessions.find(text, NOW) == session
    assert sessions.find(text[:-2] + "xx", NOW) is None
    assert Sessions(b"another secret").find(text, NOW) is None
    assert sessions.find(None, NOW) is None


def test_a_form_token_is_new_each_time_and_one_sessions_alone() -> None:
    sessions = Sessions(b"one secret")
    mine, other = Session("a", "nurse", 0, 0), Session("b", "nurse", 0, 0)
    first, second = sessions.form_token(mine), sessions.form_token(mine)
    assert first != second
    assert sessions.is_form_token(mine, first) and sessions.is_form_token(mine, second)
    for wrong in ("", ".", first[:-1], first.partition(".")[2], "æ", sessions.form_token(other)):
        assert not sessions.is_form_token(mine, wrong)


async def test_outside_the_demo_nobody_can_be_chosen(filled: Path, tmp_path: Path) -> None:
    async with open_world(filled, tmp_path, demo=False) as world:
        browser = Browser(world)
        await browser.get("/")
        assert "Login er ikke sat op" in browser.text
        assert "person" not in browser.html.split("<main", 1)[1]
        now = int(NOW.timestamp())
        browser.client.cookies.set("forloebsplan", world.view.sessions.text(Session("x", "nurse", now, now)))
        assert (await browser.get("/arbejdsliste")).status_code == 303


def request_of(world: World, method: str, now: datetime, **headers: str) -> Request:
    session = Session("x", "patient-anna", int(now.timestamp()), int(now.timestamp()))
    named = {"host": "test", "cookie": f"forloebsplan={world.view.sessions.text(session)}", **headers}
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]
    scope = {"type": "http", "method": method, "path": "/", "headers": raw, "query_string": b"", "app": world.app}
    return Request({**scope, "scheme": "http", "server": ("test", 80)})


async def test_the_cookie_says_who_calls_at_the_fhir_door_too(world: World) -> None:
    caller = caller_of_cookie(request_of(world, "GET", NOW))
    assert caller is not None and (caller.role, caller.patient) == ("patient", "anna")


async def test_a_write_from_another_site_has_no_caller(world: World) -> None:
    assert caller_of_cookie(request_of(world, "POST", NOW)) is None
    assert caller_of_cookie(request_of(world, "POST", NOW, origin="http://evil.test")) is None
    own = caller_of_cookie(request_of(world, "POST", NOW, origin="http://test"))
    assert own is not None and own.patient == "anna"
