"""Signing in on the pages at a certified OpenID provider: the way there and back, the session, and the way out."""

import json
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from issuing import AUDIENCE, EC
from provided import Visitor, form_token, provider, settings_for

from careplan.app import app_from_environment, create_app
from careplan.cli import run
from careplan.interactions.audit.inquiry import entries_about
from careplan.settings import Settings
from careplan.store.protocol import StoreUnavailable
from careplan.views.cookie import Session, Sessions

BASE = "https://careplan.test"
COOKIE = "__Host-forloebsplan"
UNDER_WAY = "__Host-forloebsplan-log-ind"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with provider(BASE) as address:
        yield address


@pytest.fixture
def settings(issuer: str, filled: Path, tmp_path: Path) -> Settings:
    shutil.copy(filled, tmp_path / "pages.db")
    return settings_for(issuer, tmp_path / "pages.db")


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    made = create_app(settings)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def visitor(app: FastAPI, issuer: str) -> AsyncIterator[Visitor]:
    one = Visitor(app, BASE, issuer)
    yield one
    await one.close()


@pytest.fixture
async def stranger(app: FastAPI, issuer: str) -> AsyncIterator[Visitor]:
    """Another browser."""
    one = Visitor(app, BASE, issuer)
    yield one
    await one.close()


# ── in ───────────────────────────────────────────────────────────────────────────────────────────


async def test_the_front_page_offers_to_sign_in_and_chooses_nobody(visitor: Visitor) -> None:
    page = await visitor.get("/")
    assert 'href="/log-ind"' in page.text and "Hvem vil du være" not in page.text
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize(("name", "home"), [("karen", "/arbejdsliste"), ("birthe", "/plan")])
async def test_whoever_the_issuer_names_gets_the_pages_of_their_role(visitor: Visitor, name: str, home: str) -> None:
    answer = await visitor.sign_in(name)
    assert (answer.status_code, answer.headers["location"]) == (303, home)
    page = await visitor.get(home)
    assert page.status_code == 200 and "Log ud" in page.text
    assert (await visitor.get("/")).headers["location"] == home
    assert (await visitor.get("/log-ind")).headers["location"] == home


async def test_the_request_to_the_issuer_is_bound_to_this_browser_and_says_nothing_else(visitor: Visitor) -> None:
    asked = parse_qs(urlsplit(await visitor.leave("/patient/birthe/historik")).query)
    assert set(asked) == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    assert asked["response_type"] == ["code"] and asked["code_challenge_method"] == ["S256"]
    again = parse_qs(urlsplit(await visitor.leave()).query)
    for name in ("state", "nonce", "code_challenge"):
        assert again[name] != asked[name] and len(asked[name][0]) >= 43


async def test_the_cookies_are_for_this_host_over_https_and_no_script(visitor: Visitor) -> None:
    under_way = (await visitor.get("/log-ind")).headers["set-cookie"]
    session = (await visitor.sign_in("karen")).headers.get_list("set-cookie")
    assert [one.partition("=")[0] for one in (under_way, *session)] == [UNDER_WAY, COOKIE, UNDER_WAY]
    for cookie in (under_way, *session):
        for part in ("HttpOnly", "Path=/", "SameSite=lax", "Secure"):
            assert part in cookie
        assert "Domain" not in cookie and "karen" not in cookie.lower()
    assert "Max-Age=0" in session[1]


async def test_the_cookie_is_written_over_plain_http_on_this_machine_alone(app: FastAPI, issuer: str) -> None:
    for host, secure in (("127.0.0.1:8000", False), ("localhost", False), ("[::1]:1", False), ("plan.test", True)):
        one = Visitor(app, f"http://{host}", issuer)
        assert ("Secure" in (await one.get("/log-ind")).headers["set-cookie"]) is secure, host
        await one.close()


async def test_after_signing_in_one_is_where_one_was_going(visitor: Visitor) -> None:
    lost = await visitor.get("/patient/birthe/historik")
    assert lost.headers["location"] == "/?besked=log-ind&til=%2Fpatient%2Fbirthe%2Fhistorik"
    page = await visitor.get(lost.headers["location"])
    assert 'href="/log-ind?til=/patient/birthe/historik"' in page.text
    answer = await visitor.sign_in("karen", "/patient/birthe/historik")
    assert answer.headers["location"] == "/patient/birthe/historik"
    assert (await visitor.get("/patient/birthe/historik")).status_code == 200


async def test_a_person_number_in_the_address_is_not_gone_on_to(visitor: Visitor) -> None:
    lost = await visitor.get("/patient/0101014321/historik")
    assert lost.headers["location"] == "/?besked=log-ind"
    page = await visitor.get("/?besked=log-ind&til=/patient/0101014321/historik")
    assert "0101014321" not in page.text


@pytest.mark.parametrize(
    "til",
    [
        *("https://evil.test/", "//evil.test", "/\\evil.test", "/%2f/evil.test", "javascript:alert(1)", "evil.test"),
        *("/plan\r\nSet-Cookie:a=b", "/log-ind", "/plan?x=//evil.test", "/plan#x", "\\\\evil.test", "/ /evil.test"),
    ],
)
async def test_nobody_is_led_to_another_site_after_signing_in(visitor: Visitor, til: str) -> None:
    page = await visitor.here.get("/", params={"til": til})
    assert 'href="/log-ind"' in page.text and "evil" not in page.text
    assert (await visitor.sign_in("birthe", til)).headers["location"] == "/plan"


async def test_a_session_that_was_there_before_is_ended_by_signing_in(visitor: Visitor, stranger: Visitor) -> None:
    """Session fixation: a cookie that somebody planted, or looked at, is worth nothing afterwards."""
    await stranger.sign_in("birthe")
    planted = stranger.here.cookies[COOKIE]
    address = await visitor.leave()
    visitor.here.cookies.set(COOKIE, planted, domain="careplan.test")
    await visitor.here.get(await visitor.answer_of(address, "karen"))
    assert "arbejdsliste" in (await visitor.get("/")).headers["location"]
    assert (await stranger.get("/plan")).status_code == 303


async def test_signing_in_writes_nothing_of_the_person_to_a_log(
    visitor: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    answer = await visitor.answer_of(await visitor.leave("/patient/birthe/historik"), "karen")
    await visitor.get(answer)
    for one in (visitor.here, visitor.there):
        one.cookies.clear()
    await visitor.get(await visitor.answer_of(await visitor.leave(), "ole"))
    secrets = [value for values in parse_qs(urlsplit(answer).query).values() for value in values]
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("careplan")]
    for told in ("karen", "Karen", "Vinther", "birthe", *secrets):
        assert all(told not in line for line in ours), told


# ── answers that do not count ────────────────────────────────────────────────────────────────────


async def refused(visitor: Visitor, address: str, code: str, status: int) -> None:
    """A page that says so and offers to try again; nobody is signed in."""
    answer = await visitor.get(address)
    assert (answer.status_code, code in answer.text) == (status, True), answer.text
    assert 'href="/log-ind"' in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer" and answer.headers["cache-control"] == "no-store"
    assert COOKIE not in visitor.here.cookies and UNDER_WAY not in visitor.here.cookies
    assert (await visitor.get("/arbejdsliste")).status_code == 303


async def test_an_answer_to_somebody_elses_sign_in_is_refused(visitor: Visitor, stranger: Visitor) -> None:
    """Login CSRF: whoever follows another's answer is not signed in as them."""
    theirs = await stranger.answer_of(await stranger.leave(), "karen")
    await refused(visitor, theirs, "sign-in-expired", 400)
    await visitor.leave()
    await refused(visitor, theirs, "sign-in-expired", 400)
    await visitor.sign_in("birthe")
    assert (await visitor.get(theirs)).headers["location"] == "/plan"


async def test_an_answer_counts_once(visitor: Visitor) -> None:
    address = await visitor.leave()
    kept = visitor.here.cookies[UNDER_WAY]
    answer = await visitor.answer_of(address, "karen")
    assert (await visitor.get(answer)).headers["location"] == "/arbejdsliste"
    visitor.here.cookies.clear()
    await refused(visitor, answer, "sign-in-expired", 400)
    visitor.here.cookies.set(UNDER_WAY, kept, domain="careplan.test")
    await refused(visitor, answer, "sign-in-refused", 403)


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        ("access_denied", "sign-in-denied", 403),
        ("login_required", "sign-in-needed", 403),
        ("temporarily_unavailable", "issuer-unavailable", 503),
        ("<script>", "sign-in-refused", 403),
    ],
)
async def test_what_the_issuer_refuses_is_said_in_plain_words(
    visitor: Visitor, issuer: str, error: str, code: str, status: int
) -> None:
    state = parse_qs(urlsplit(await visitor.leave()).query)["state"][0]
    await refused(visitor, f"/log-ind/svar?error={error}&state={state}&iss={issuer}", code, status)


@pytest.mark.parametrize("change", ["&iss=https://evil.test", "", "&state=x&state=y&iss={issuer}"])
async def test_an_answer_of_another_issuer_or_of_nobody_is_refused(visitor: Visitor, issuer: str, change: str) -> None:
    """RFC 9207: this provider names itself in each answer."""
    state = parse_qs(urlsplit(await visitor.leave()).query)["state"][0]
    given = "" if "state" in change else f"&state={state}"
    await refused(visitor, f"/log-ind/svar?code=x{given}{change.format(issuer=issuer)}", "sign-in-refused", 403)


async def test_a_changed_or_foreign_errand_is_refused(visitor: Visitor) -> None:
    for changed in (lambda text: text[:-3] + "abc", lambda text: "", lambda text: "x" * 5000, lambda text: "a.b.c.d.e"):
        answer = await visitor.answer_of(await visitor.leave(), "karen")
        visitor.here.cookies.set(UNDER_WAY, changed(visitor.here.cookies[UNDER_WAY]), domain="careplan.test")
        await refused(visitor, answer, "sign-in-expired", 400)


@pytest.mark.parametrize("name", ["ole", "system"])
async def test_whoever_has_no_role_with_pages_is_told_so(visitor: Visitor, name: str) -> None:
    await refused(visitor, await visitor.answer_of(await visitor.leave(), name), "sign-in-unfit", 403)


async def test_an_issuer_that_is_down_has_a_page(settings: Settings) -> None:
    made = create_app(settings.model_copy(update={"oidc_issuer": "http://127.0.0.1:9"}))
    async with made.router.lifespan_context(made):
        one = Visitor(made, BASE, "http://127.0.0.1:9")
        await refused(one, "/log-ind", "issuer-unavailable", 503)
        await one.close()


async def test_a_folder_of_sessions_that_cannot_be_written_has_a_page(visitor: Visitor, settings: Settings) -> None:
    answer = await visitor.answer_of(await visitor.leave(), "karen")
    settings.sessions().write_text("in the way")
    await refused(visitor, answer, "store-unavailable", 503)


@pytest.mark.parametrize(
    "more",
    [
        {"oidc_resource": AUDIENCE, "oidc_prompt": "login"},
        {"oidc_client_id": "keyed", "oidc_client_secret": "", "oidc_resource": AUDIENCE},
    ],
)
async def test_role_and_person_may_stand_in_the_access_token_instead(
    filled: Path, tmp_path: Path, more: dict[str, str]
) -> None:
    """The same claims as a bearer token's; the second client shows who it is by a key of its own."""
    shutil.copy(filled, tmp_path / "pages.db")
    if not more.get("oidc_client_secret", "yes"):
        (tmp_path / "key.json").write_text(json.dumps(EC.as_dict(private=True)))
        more = {**more, "oidc_client_key_file": str(tmp_path / "key.json")}
    with provider(BASE, "access") as issuer:
        made = create_app(settings_for(issuer, tmp_path / "pages.db", **more))
        async with made.router.lifespan_context(made):
            one = Visitor(made, BASE, issuer)
            assert (await one.sign_in("karen")).headers["location"] == "/arbejdsliste"
            assert "Karen Test Lund" in (await one.get("/arbejdsliste")).text
            await one.close()


# ── the session ──────────────────────────────────────────────────────────────────────────────────


async def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(visitor: Visitor, settings: Settings) -> None:
    await visitor.sign_in("karen")
    copied = visitor.here.cookies[COOKIE]
    page = await visitor.get("/arbejdsliste")
    answer = await visitor.post("/log-ud", form_token(page.text))
    assert answer.status_code == 200 and "Du er logget ud" in answer.text
    assert answer.headers["clear-site-data"] == '"cache"'
    assert COOKIE not in visitor.here.cookies and list(settings.sessions().iterdir()) == []
    visitor.here.cookies.set(COOKIE, copied, domain="careplan.test")
    assert (await visitor.get("/arbejdsliste")).status_code == 303


async def test_signing_out_goes_on_to_the_issuer_and_says_there_nothing_of_the_person(
    visitor: Visitor, issuer: str
) -> None:
    await visitor.sign_in("karen")
    page = await visitor.get("/arbejdsliste")
    out = (await visitor.post("/log-ud", form_token(page.text))).text
    address = f"{issuer}/session/end?client_id=pages&amp;post_logout_redirect_uri=https%3A%2F%2Fcareplan.test%2F"
    assert f'http-equiv="refresh" content="0; url={address}"' in out and f'href="{address}"' in out
    assert (await visitor.get(address.replace("&amp;", "&"))).status_code == 200


async def test_a_form_of_another_site_signs_nobody_out(visitor: Visitor) -> None:
    await visitor.sign_in("karen")
    token = form_token((await visitor.get("/arbejdsliste")).text)
    cross = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"}
    assert (await visitor.post("/log-ud", token, **cross)).status_code == 403
    assert (await visitor.post("/log-ud", "wrong")).status_code == 403
    assert (await visitor.here.get("/log-ud")).status_code in (404, 405)
    assert (await visitor.get("/arbejdsliste")).status_code == 200


async def test_a_cookie_that_was_changed_or_signed_by_another_is_nobodys(visitor: Visitor) -> None:
    await visitor.sign_in("karen")
    cookie = visitor.here.cookies[COOKIE]
    now = datetime.now(UTC)
    session = Sessions(b"a secret of the tests").find(cookie, now)
    assert session is not None
    forged = Sessions(b"another secret").text(session)
    unknown = Sessions(b"a secret of the tests").text(Session("never-entered", "nurse", session.started, session.seen))
    for text in (cookie[:-2] + "xx", "x" + cookie, forged, unknown, ""):
        visitor.here.cookies.set(COOKIE, text, domain="careplan.test")
        assert (await visitor.get("/arbejdsliste")).status_code == 303, text
    visitor.here.cookies.delete(COOKIE)
    visitor.here.cookies.set("forloebsplan", cookie, domain="careplan.test")
    assert (await visitor.get("/arbejdsliste")).status_code == 303


@pytest.mark.parametrize("ago", [{"minutes": 31}, {"hours": 8, "minutes": 1}])
async def test_a_session_ends_by_itself(visitor: Visitor, ago: dict[str, int]) -> None:
    await visitor.sign_in("karen")
    sessions, now = Sessions(b"a secret of the tests"), datetime.now(UTC)
    session = sessions.find(visitor.here.cookies[COOKIE], now)
    assert session is not None
    then = int((now - timedelta(**ago)).timestamp())
    old = Session(session.id, "", then, then if "hours" not in ago else session.seen)
    visitor.here.cookies.set(COOKIE, sessions.text(old), domain="careplan.test")
    assert (await visitor.get("/arbejdsliste")).status_code == 303


async def test_another_worker_knows_who_is_signed_in_and_who_has_left(
    visitor: Visitor, settings: Settings, issuer: str
) -> None:
    made = create_app(settings)
    async with made.router.lifespan_context(made):
        other = Visitor(made, BASE, issuer)
        await visitor.sign_in("karen")
        other.here.cookies.set(COOKIE, visitor.here.cookies[COOKIE], domain="careplan.test")
        page = await other.get("/arbejdsliste")
        assert page.status_code == 200
        await other.post("/log-ud", form_token(page.text))
        assert (await visitor.get("/arbejdsliste")).status_code == 303
        await other.close()


async def test_who_is_signed_in_is_written_down_for_the_services_user_alone(
    visitor: Visitor, settings: Settings
) -> None:
    await visitor.sign_in("karen")
    folder = settings.sessions()
    written = list(folder.iterdir())
    assert folder.stat().st_mode & 0o777 == 0o700 and [one.stat().st_mode & 0o777 for one in written] == [0o600]
    session = Sessions(b"a secret of the tests").find(visitor.here.cookies[COOKIE], datetime.now(UTC))
    assert session is not None and session.id not in written[0].name
    assert session.id not in written[0].read_text()


async def test_the_cookie_of_the_pages_opens_no_fhir(visitor: Visitor) -> None:
    await visitor.sign_in("karen")
    answer = await visitor.here.get("/fhir/Patient")
    assert answer.status_code == 401 and "Bearer" in answer.headers["www-authenticate"]


# ── the demo's personas ──────────────────────────────────────────────────────────────────────────


async def test_nobody_becomes_an_invented_person_outside_the_demo(visitor: Visitor) -> None:
    """Not by the form, and not by a cookie that a demo with the same secret has signed."""
    await visitor.get("/")
    answer = await visitor.here.post(
        "/log-ind",
        content="person=nurse",
        headers={"Origin": BASE, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.headers["location"] == "/?besked=log-ind" and "set-cookie" not in answer.headers
    now = int(datetime.now(UTC).timestamp())
    signed = Sessions(b"a secret of the tests").text(Session("id", "nurse", now, now))
    for name in (COOKIE, "forloebsplan"):
        visitor.here.cookies.set(name, signed, domain="careplan.test")
    assert (await visitor.get("/arbejdsliste")).status_code == 303


async def test_serve_has_no_demo_to_switch_on(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither by a setting nor by an option; without an issuer there is no way in at all."""
    for name, value in {"CAREPLAN_STORE": settings.store, "CAREPLAN_DEMO": "1"}.items():
        monkeypatch.setenv(name, value)
    made = app_from_environment()
    async with made.router.lifespan_context(made):
        one = Visitor(made, "http://127.0.0.1:8000", "http://127.0.0.1:9")
        page = await one.get("/")
        assert "Login er ikke sat op" in page.text and 'name="person"' not in page.text
        assert (await one.get("/log-ind")).headers["location"] == "/"
        assert (await one.get("/log-ind/svar?code=x&state=y")).headers["location"] == "/"
        await one.close()
    with pytest.raises(SystemExit):
        run(["serve", "--demo"])
    assert "--demo" in capsys.readouterr().err


# ── the audit log ────────────────────────────────────────────────────────────────────────────────


async def told_of(app: FastAPI, user: str | None = None) -> list[tuple[str, str, str]]:
    """What the log tells of signing in and out: what, who or from where, and how it ended; oldest first."""
    house = app.state.door.house
    await house.journal.flush()
    found = [entry async for _, entry in entries_about(house.store, None, user)]
    kinds = [one for one in reversed(found) if one["do"] in ("sign-in", "sign-out")]
    return [(one["do"], one.get("who") or one.get("from", ""), one["out"]) for one in kinds]


async def test_signing_in_and_out_is_in_the_audit_log_and_not_in_the_patients_own(
    app: FastAPI, visitor: Visitor
) -> None:
    """R4-121. B7 tells who has opened the plan; signing in opens nobody's."""
    await visitor.sign_in("birthe")
    page = await visitor.get("/plan/adgang")
    assert "sign-in" not in page.text and page.status_code == 200
    await visitor.post("/log-ud", form_token(page.text))
    told = await told_of(app, "Patient/birthe")
    assert told == [("sign-in", "Patient/birthe", "0"), ("sign-out", "Patient/birthe", "0")]
    await visitor.get("/log-ind/svar?code=x")
    assert [one for one in await told_of(app) if one[2] != "0"] == [("sign-in", "127.0.0.1", "4")]
    house = app.state.door.house
    assert all("sign" not in entry["do"] for entry in [e async for _, e in entries_about(house.store, "birthe", None)])


async def test_nobody_is_let_in_whom_the_audit_log_cannot_tell_of(
    app: FastAPI, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(entries: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(app.state.door.house.journal, "keep", full)
    assert (await visitor.sign_in("karen")).status_code == 503
    assert (await visitor.get("/arbejdsliste")).status_code == 303
