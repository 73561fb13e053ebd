"""Tokens that do not count are in the audit log, without the log being anybody's to fill (R4-121)."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from issuing import AUDIENCE, Issuer, issuing

from careplan.api.door import Door
from careplan.app import create_app
from careplan.fhir.text import Json, parse
from careplan.identity.bearer import caller_of
from careplan.interactions.audit.attendance import TOKEN, Attendance
from careplan.interactions.audit.inquiry import entries_about, line_of_entry
from careplan.interactions.audit.verification import verify
from careplan.interactions.caller import SYSTEM, Caller, TokenRefused
from careplan.interactions.context import House
from careplan.interactions.signin import SignInDenied
from careplan.settings import Settings

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
NURSE = Caller("clinic", "Lars Krogh", "north", reference="PractitionerRole/n", subject="nurse-1", client="pages")


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


@pytest.fixture
async def client(issuer: Issuer, house: House) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings(store=":memory:", auth="oidc", oidc_issuer=issuer.url, oidc_audience=AUDIENCE))
    app.state.door = Door(house, caller_of, "", 256 * 1024)
    transport = httpx.ASGITransport(app=app, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://careplan.test") as found:
        yield found


async def entries(house: House, user: str | None = None) -> list[Json]:
    assert house.journal is not None
    await house.journal.flush()
    return [entry async for _, entry in entries_about(house.store, None, user)]


async def events(house: House, who: Caller) -> list[Json]:
    """The AuditEvents that somebody finds."""
    app = create_app(Settings(store=":memory:"))
    app.state.door = Door(house, lambda request: who, "", 256 * 1024)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="https://careplan.test") as client:
        bundle = parse((await client.get("/fhir/AuditEvent")).content)
    return [one["resource"] for one in bundle.get("entry", [])]


async def test_a_token_that_does_not_count_is_logged_by_reason_and_address(
    client: httpx.AsyncClient, issuer: Issuer, house: House
) -> None:
    for token in (issuer.token(exp=1), "nonsense"):
        await client.get("/fhir/Patient/a", headers={"authorization": f"Bearer {token}"})
    told = await entries(house, "192.0.2.7")
    assert [one["said"].partition(":")[0] for one in told] == ["token-refused"] * 2 or len(told) == 1
    assert {(one["role"], one["do"], one["out"]) for one in told} == {("unknown", "token", "4")}
    assert all(set(one) == {"prev", "at", "role", "from", "do", "said", "of", "out"} and not one["of"] for one in told)
    assert "nonsense" not in str(told) and "nurse-1" not in str(told)


async def test_who_comes_without_a_token_is_no_refused_sign_in(client: httpx.AsyncClient, house: House) -> None:
    assert (await client.get("/fhir/Patient/a")).status_code == 401
    assert await entries(house) == []


async def test_a_client_that_asks_on_with_an_old_token_does_not_fill_the_log(
    client: httpx.AsyncClient, issuer: Issuer, house: House
) -> None:
    """The first, the tenth, the hundredth …"""
    token = issuer.token(exp=1)
    for _ in range(120):
        assert (await client.get("/fhir/metadata", headers={"authorization": f"Bearer {token}"})).status_code == 200
    said = [one["said"].rpartition(" expired")[2] for one in await entries(house)]
    assert sorted(said) == ["", " (10 times)", " (100 times)"]


async def test_they_are_events_of_user_authentication_in_nobodys_record(house: House) -> None:
    """R4-121: DICOM's codes, for the installation to see; no patient and no clinic finds them."""
    attendance = Attendance()
    attendance.entered(house.journal, NURSE, AT)
    attendance.left(house.journal, NURSE, AT)
    attendance.turned_away(house.journal, TOKEN, TokenRefused("the token has expired"), "192.0.2.7", AT)
    found = await events(house, SYSTEM)
    assert {one["type"]["code"] for one in found} == {"110114"} and {one["action"] for one in found} == {"E"}
    shown = sorted((one["subtype"][0]["code"], one["outcome"], one.get("outcomeDesc")) for one in found)
    why = "token-refused: the token has expired"
    assert shown == [("110122", "0", None), ("110122", "4", why), ("110123", "0", None)]
    refused = next(one for one in found if one["outcome"] == "4")
    assert refused["agent"] == [{"requestor": True, "network": {"address": "192.0.2.7", "type": "2"}}]
    assert all("entity" not in one and house.validate(one) == [] for one in found)
    for other in (NURSE, Caller("patient", "Inger", patient="a", reference="Patient/a")):
        assert await events(house, other) == []


async def test_careplan_audit_shows_them_and_the_log_stays_whole(house: House) -> None:
    attendance = Attendance()
    attendance.entered(house.journal, NURSE, AT)
    attendance.turned_away(house.journal, "sign-in", SignInDenied("the issuer says no"), "192.0.2.7", AT)
    (entered,) = await entries(house, "PractitionerRole/n")
    line = line_of_entry(entered, None)
    assert line.split("\t")[1:] == [
        "PractitionerRole/n nurse-1 pages",
        "clinic",
        "Organization/north",
        "-",
        "sign-in",
        "allowed",
        "-",
    ]
    (refused,) = await entries(house, "192.0.2.7")
    assert "sign-in-denied: the issuer says no" in line_of_entry(refused, None)
    assert (await verify(house.store, {}, lambda done: None)).faults == []


async def test_what_was_not_stored_yet_is_found_again_after_a_crash(house: House, tmp_path: Path) -> None:
    """Agents of a stranger are found from the line alone."""
    attendance = Attendance()
    attendance.turned_away(house.journal, TOKEN, TokenRefused("x"), "192.0.2.7", AT)
    assert [one["from"] for one in await entries(house, "192.0.2.7")] == ["192.0.2.7"]


def test_an_hour_later_and_from_elsewhere_counting_begins_anew() -> None:
    attendance, why = Attendance(), TokenRefused("x")
    counts = [attendance._counted(TOKEN, why.code, "a", AT) for _ in range(3)]
    assert [count for _, count in counts] == [1, 2, 3]
    assert attendance._counted(TOKEN, why.code, "b", AT) == ("b", 1)
    assert attendance._counted(TOKEN, why.code, "a", AT + timedelta(hours=1)) == ("a", 1)


def test_a_thousand_addresses_are_told_apart_and_all_others_are_one() -> None:
    attendance = Attendance()
    for number in range(5000):
        attendance._counted(TOKEN, "token-refused", f"a{number}", AT)
    assert len(attendance._refused) <= 1001
    assert attendance._counted(TOKEN, "token-refused", "new", AT) == ("", 4001)
