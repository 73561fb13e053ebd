"""The door itself: how it is reached behind a proxy, how much it takes, and what a wait for the store becomes."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from pydantic import ValidationError

from careplan.api.gate import Gate
from careplan.app import create_app, identify, limits_of
from careplan.fhir.text import dump
from careplan.settings import Settings
from careplan.store.protocol import QueryTooLong

HTTPS = {"x-forwarded-proto": "https", "x-forwarded-host": "plan.example"}


# ── behind a proxy ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("says", "base"),
    [
        ({}, "http://test/fhir"),
        ({"x-forwarded-proto": "https"}, "https://test/fhir"),
        (HTTPS, "https://plan.example/fhir"),
        (HTTPS | {"x-forwarded-port": "443"}, "https://plan.example/fhir"),
        (HTTPS | {"x-forwarded-port": "8443"}, "https://plan.example:8443/fhir"),
        (HTTPS | {"x-forwarded-host": "plan.example:8443"}, "https://plan.example:8443/fhir"),
        (HTTPS | {"x-forwarded-host": "[2001:db8::1]:8443"}, "https://[2001:db8::1]:8443/fhir"),
        (HTTPS | {"x-forwarded-prefix": "/gate/way/"}, "https://plan.example/gate/way/fhir"),
        ({"forwarded": "for=127.0.0.1;proto=https;host=plan.example"}, "https://plan.example/fhir"),
        ({"forwarded": 'For="[::1]:4711";Proto=HTTPS;Host="plan.example:8443"'}, "https://plan.example:8443/fhir"),
        (HTTPS | {"forwarded": "proto=http;host=other.example"}, "http://other.example/fhir"),
        (
            {"forwarded": "host=forged.example, for=192.0.2.1;host=plan.example;proto=https"},
            "https://plan.example/fhir",
        ),
        ({"forwarded": "host=plan.example;proto=https, for=127.0.0.1;host=inner"}, "https://plan.example/fhir"),
        (HTTPS | {"forwarded": "for=127.0.0.1"}, "https://plan.example/fhir"),
        (HTTPS | {"x-forwarded-port": "1", "forwarded": "host=other.example"}, "https://other.example/fhir"),
        (HTTPS | {"x-forwarded-host": "forged.example, plan.example"}, "https://plan.example/fhir"),
    ],
)
async def test_addresses_are_those_of_the_proxy(client, example, says, base):
    """R4-80: Location, fullUrl, link and the statement, all alike."""
    made = await client.post("/Patient", content=dump(example("Patient")), headers=says)
    assert made.headers["location"] == f"{base}/Patient/{made.json()['id']}/_history/1"
    await client.post("/Patient", content=dump(example("Patient")))
    found = (await client.get("/Patient?_count=1", headers=says)).json()
    assert found["entry"][0]["fullUrl"].startswith(f"{base}/Patient/")
    assert {one["relation"] for one in found["link"]} >= {"self", "next"}
    assert all(one["url"].startswith(f"{base}/Patient?") for one in found["link"])
    history = (await client.get(f"/Patient/{made.json()['id']}/_history", headers=says)).json()
    assert history["entry"][0]["fullUrl"] == f"{base}/Patient/{made.json()['id']}"
    assert (await client.get("/metadata", headers=says)).json()["implementation"]["url"] == base


async def test_next_page_through_the_proxy_is_followed(client, put, example):
    """R4-80, R4-75: the proxy takes its prefix off and says so again."""
    for name in ("a", "b", "c"):
        await put(example("Patient", id=name))
    says, seen, address = HTTPS | {"x-forwarded-prefix": "/gate"}, [], "/Patient?_count=1"
    while address:
        page = (await client.get(address, headers=says)).json()
        seen += [one["resource"]["id"] for one in page["entry"]]
        url = next((one["url"] for one in page["link"] if one["relation"] == "next"), "")
        address = url.removeprefix("https://plan.example/gate/fhir")
    assert sorted(seen) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "says",
    [
        {"x-forwarded-host": "evil.example/x"},
        {"x-forwarded-host": "evil.example?x"},
        {"x-forwarded-host": 'evil.example"><b>'},
        {"x-forwarded-host": "user@evil.example"},
        {"x-forwarded-host": "evil.example:99999"},
        {"x-forwarded-host": "evil.example:x"},
        {"x-forwarded-host": ""},
        {"x-forwarded-host": "["},
        {"x-forwarded-host": "a" * 300},
        {"x-forwarded-proto": "javascript"},
        {"x-forwarded-port": "0"},
        {"x-forwarded-port": "evil"},
        {"x-forwarded-prefix": "//evil.example"},
        {"x-forwarded-prefix": "/../x"},
        {"x-forwarded-prefix": "evil.example"},
        {"x-forwarded-prefix": "/a?b#c"},
        {"forwarded": 'host="evil.example/x";proto=ftp'},
        {"forwarded": 'host="evil.example'},
        {"forwarded": "host=evil.example;" * 200},
        {"forwarded": ",;=,"},
    ],
)
async def test_what_is_no_host_gets_into_no_address(client, says):
    answer = await client.get("/Patient", headers=says)
    assert answer.json()["link"][0]["url"].startswith("http://test/fhir/Patient")


@pytest.mark.parametrize("host", ['evil"><b>', "evil.example/x", "a b", "u@evil.example", "["])
async def test_a_host_header_that_is_no_host_gets_into_no_address(client, host):
    answer = await client.get("/Patient", headers={"host": host})
    assert answer.json()["link"][0]["url"].startswith("http://localhost/fhir/Patient")


async def test_nobody_but_a_trusted_proxy_is_heard(app):
    """R4-80: the setting `trusted_proxies`; by default this machine."""
    for client_address, expected in (("127.0.0.1", "https://plan.example"), ("192.0.2.7", "http://test")):
        transport = httpx.ASGITransport(app=app, client=(client_address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://test/fhir") as client:
            url = (await client.get("/Patient", headers=HTTPS)).json()["link"][0]["url"]
        assert url.startswith(f"{expected}/fhir/"), client_address


async def test_trusted_proxies_are_a_setting(app):
    chosen = create_app(Settings(store=":memory:", trusted_proxies="192.0.2.0/24"))
    chosen.state.door = app.state.door
    for client_address, expected in (("127.0.0.1", "http://test"), ("192.0.2.7", "https://plan.example")):
        transport = httpx.ASGITransport(app=chosen, client=(client_address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://test/fhir") as client:
            url = (await client.get("/Patient", headers=HTTPS)).json()["link"][0]["url"]
        assert url.startswith(f"{expected}/fhir/"), client_address


async def test_base_that_is_set_goes_before_every_proxy(app, client):
    app.state.door = replace(app.state.door, base="https://set.example/fhir/")
    url = (await client.get("/Patient", headers=HTTPS)).json()["link"][0]["url"]
    assert url.startswith("https://set.example/fhir/Patient")


@pytest.mark.parametrize(
    "sent",
    [
        {"host": "evil.example", "x-forwarded-host": "localhost"},
        {"host": "evil.example", "forwarded": "host=127.0.0.1;for=127.0.0.1"},
        {"host": "127.0.0.1", "x-forwarded-for": "192.0.2.7"},
        {"host": "127.0.0.1", "x-forwarded-for": "127.0.0.1, 192.0.2.7"},
        {"host": "127.0.0.1", "forwarded": 'for="[2001:db8::7]:1"'},
        {"host": "127.0.0.1", "forwarded": "for=unknown"},
        {"host": "127.0.0.1", "forwarded": "for=_hidden"},
    ],
)
async def test_a_forged_or_foreign_forward_is_not_this_machine(app, client, refused, sent):
    """Without sign-in only this machine gets in, whatever a header says of names."""
    app.state.door = replace(app.state.door, identify=identify)
    refused(await client.get("/Patient", headers=sent), 401, "login-required")


async def test_a_proxy_on_this_machine_for_this_machine_gets_in(app, client):
    app.state.door = replace(app.state.door, identify=identify)
    for source in ({"x-forwarded-for": "127.0.0.1"}, {"forwarded": 'for="[::1]:9"'}):
        answer = await client.get("/Patient", headers={"host": "127.0.0.1:8000"} | HTTPS | source)
        assert answer.status_code == 200
        assert answer.json()["link"][0]["url"].startswith("https://plan.example/fhir/")


# ── how much, and how long ───────────────────────────────────────────────────────────────────────


class SlowStore:
    """A store whose searches wait until they are told, then say what they were told to."""

    def __init__(self):
        self.asked, self.go = asyncio.Semaphore(0), asyncio.Event()

    async def search(self, query):
        self.asked.release()
        await self.go.wait()
        raise QueryTooLong("the search took longer than 10 s; ask for less")


async def test_a_query_that_takes_too_long_is_unavailable(app, client, house, refused):
    """R4-12: 503 with an OperationOutcome, and when to come again."""
    store = SlowStore()
    store.go.set()
    app.state.door = replace(app.state.door, house=replace(house, store=store))
    answer = await client.get("/Patient?name=x")
    assert refused(answer, 503, "query-too-long")[0]["code"] == "timeout"
    assert answer.headers["retry-after"].isdigit()


async def test_more_requests_than_the_process_bears_are_put_off(app, client, house, refused):
    """R4-12: 503 with Retry-After; those who are in are served, and their places are free again."""
    store = SlowStore()
    app.state.door = replace(app.state.door, house=replace(house, store=store), gate=Gate(2))
    inside = [asyncio.create_task(client.get("/Patient?name=x")) for _ in range(2)]
    for _ in inside:
        await store.asked.acquire()
    put_off = await client.get("/Patient?name=x")
    assert refused(put_off, 503, "busy")[0]["code"] == "throttled"
    assert put_off.headers["retry-after"].isdigit()
    store.go.set()
    for answer in await asyncio.gather(*inside):
        refused(answer, 503, "query-too-long")
    assert (await client.get("/metadata")).status_code == 200


async def test_depth_of_a_body_is_a_limit_that_is_named(app, client, house, refused):
    """Bad input: deeper than the setting is 400, and the limit is said."""
    limits = limits_of(Settings(store=":memory:", json_depth=16))
    app.state.door = replace(app.state.door, house=replace(house, limits=limits))
    fits, deep = (b'{"resourceType":"Patient","x":' + b"[" * n + b"]" * n + b"}" for n in (15, 16))
    refused(await client.post("/Patient", content=fits), 422)
    for address in ("/Patient", "", "/Patient/$validate", "/CarePlan/$establish"):
        issues = refused(await client.post(address, content=deep), 400, "text-unparsable")
        assert "deeper than 16" in issues[0]["diagnostics"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_reads_of_a_bundle_bring_only_so_much_together(app, client, house, put, example, kind):
    """R4-59, R4-61: a few letters ask for a page each, and five thousand of them asked for more than memory held."""
    size = len((await put(example("Patient", id="a"))).content)
    limits = replace(house.limits, bundle_answer=3 * size)
    app.state.door = replace(app.state.door, house=replace(house, limits=limits))
    asked = ["Patient/a", "Patient?_id=a", "Patient/none", "Patient?_id=a", "Patient?_id=a", "Patient/a"]
    entries = [{"request": {"method": "GET", "url": url}} for url in asked]
    answer = await client.post("", content=dump({"resourceType": "Bundle", "type": kind, "entry": entries}))
    got = [one["response"] for one in answer.json()["entry"]]
    assert [one["status"][:3] for one in got] == ["200", "200", "404", "200", "422", "422"]
    assert got[4]["outcome"]["issue"][0]["code"] == "too-costly"


@pytest.mark.parametrize("text", ["localhost", "10.0.0.0/33", "127.0.0.1;::1", "*"])
def test_trusted_proxies_are_addresses(text):
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=text)
    assert Settings(trusted_proxies="none").proxies == ()


def test_every_limit_is_a_setting():
    given = {"page": 3, "page_maximum": 7, "bundle_entries": 5, "bundle_answer": 4096, "includes": 9}
    given |= {"include_depth": 2, "search_parameters": 11, "json_depth": 17}
    limits = limits_of(Settings(**given))
    assert {name: getattr(limits, name) for name in limits.__dataclass_fields__} == given


# ── what is taken and given ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("accept", ["*/*;q=0", "application/fhir+json; q=0.0", "application/json;q=0.000, text/html"])
async def test_json_that_is_explicitly_unwanted_is_not_written(client, refused, accept):
    """R4-3."""
    refused(await client.get("/Patient", headers={"accept": accept}), 406, "not-acceptable")
    wanted = f"{accept}, application/json;q=0.01"
    assert (await client.get("/Patient", headers={"accept": wanted})).status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "x"])
async def test_a_compressed_body_is_of_a_kind_that_is_not_read(client, example, refused, encoding):
    """Said as such, not as bad JSON."""
    body, sent = dump(example("Patient")), {"content-encoding": encoding}
    refused(await client.post("/Patient", content=body, headers=sent), 415, "media-type-unsupported")
    sent = {"content-encoding": "identity"}
    assert (await client.post("/Patient", content=body, headers=sent)).status_code == 201
