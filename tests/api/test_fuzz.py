"""Any bytes to any route: never an error of ours, always an OperationOutcome, and the store still answers (design §10).

Seeded, so a failure names what repeats it. FUZZ_CALLS and FUZZ_SEED make a longer or another run, `make fuzz` 20,000
calls: `FUZZ_CALLS=20000 FUZZ_SEED=7 python -m pytest -s tests/api/test_fuzz.py -k sqlite`.
"""

import json
import os
import random
import sys
import time
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

import pytest
import pytest_asyncio
from fuzzing import WRITABLE, Call, call_of

from careplan.api.door import Door, new_id
from careplan.app import create_app, identify
from careplan.fhir.registry import ROWS
from careplan.fhir.text import dump
from careplan.interactions.caller import SYSTEM, Caller
from careplan.settings import Settings
from careplan.views.cookie import Sessions
from careplan.views.view import View

CALLS = int(os.environ.get("FUZZ_CALLS", "500"))
ON_MONGO = int(os.environ.get("FUZZ_CALLS_MONGO", str(min(CALLS, 3000))))
SEED = int(os.environ.get("FUZZ_SEED", "20261122"))
BODY_LIMIT = 256 * 1024
CHECK_EVERY = 2000
CALLERS = [
    SYSTEM,
    SYSTEM,
    Caller("clinic", "Læge", organization="laegehuset-test", reference="PractitionerRole/karen-test-laege"),
    Caller("clinic", "Nogen", organization="elsewhere"),
    Caller("patient", "Inger", patient="inger-test", reference="Patient/inger-test"),
    Caller("municipality", "Visitator", organization="laegehuset-test"),
    Caller("lps", "System", organization="laegehuset-test"),
    Caller("statistics", "Ingen"),
]


@dataclass
class Run:
    """How far a run has come, and what it found."""

    app: object
    calls: int
    seed: int = SEED
    done: int = 0
    wrong: list = field(default_factory=list)
    statuses: dict = field(default_factory=dict)
    first: dict = field(default_factory=dict)
    links: list = field(default_factory=list)
    slowest: tuple = (0.0, "")
    began: float = field(default_factory=time.monotonic)

    def tell(self):
        """A line of progress where somebody looks."""
        seen = " ".join(f"{status}:{count}" for status, count in sorted(self.statuses.items()))
        took = time.monotonic() - self.began
        sys.stderr.write(f"\r{self.done} of {self.calls} calls, {took:.0f} s, {len(self.wrong)} findings, {seen} ")
        sys.stderr.flush()


async def answer_of(app, call):
    """Status, headers and body, over ASGI without any client's tidying."""
    parts = [call.body[at : at + 65_536] for at in range(0, len(call.body), 65_536)] or [b""]
    events = [{"type": "http.request", "body": part, "more_body": n + 1 < len(parts)} for n, part in enumerate(parts)]
    sent = []

    async def receive():
        return events.pop(0) if events else {"type": "http.disconnect"}

    async def send(event):
        sent.append(event)

    raw = f"/fhir{call.path}".encode("ascii", "ignore")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": call.method,
        "scheme": "http",
        "path": unquote(raw.decode()),
        "raw_path": raw,
        "root_path": "",
        "query_string": call.query.encode("latin-1", "replace"),
        "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in call.headers],
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
    }
    await app(scope, receive, send)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(event.get("body", b"") for event in sent[1:])


def complaint(call, status, headers, body):
    """What is wrong with an answer; None when nothing is."""
    if status >= 500:
        return f"{status}: {body[:300]!r}"
    if b"guard-failed" in body:
        return f"overtaken, though nobody else writes: {body[:300]!r}"
    if status in (204, 304):
        return "a body where there is none" if body else None
    if 300 <= status < 400:
        return f"sent elsewhere: {headers}"
    beside = call.path[:1] not in ("", "/") and unquote(call.path)[:1] not in ("", "/")
    if (status < 300 and not body) or beside:
        return None
    kinds = ("application/fhir+json", "application/fhir+ndjson") if status < 300 else ("application/fhir+json",)
    if status < 300 and ("openapi" in call.path or "$export/" in call.path):
        kinds += ("application/json",)
    if not headers.get("content-type", "").startswith(kinds):
        return f"content type {headers.get('content-type')}"
    if b"Traceback" in body or b'File \\"' in body:
        return f"a stack trace: {body[:300]!r}"
    value = json.loads(body) if "ndjson" not in headers["content-type"] else {}
    if status >= 400 and (value.get("resourceType") != "OperationOutcome" or not value.get("issue")):
        return f"no OperationOutcome: {body[:300]!r}"
    if value.get("type") in ("batch-response", "transaction-response"):
        failed = [one["response"]["status"] for one in value.get("entry", []) if one["response"]["status"] >= "5"]
        return f"entries ended with {failed}" if failed else None
    return None


async def still_answers(app):
    """Everything that was let in is found and read again, and every operation that only looks works on it."""
    wrong = []
    for row in ROWS:
        call = Call("GET", f"/{row.name}", "_count=1000&_total=accurate&_sort=-_lastUpdated")
        status, _, body = await answer_of(app, call)
        found = json.loads(body)
        if status != 200 or len(found.get("entry", [])) != min(found.get("total", -1), 1000):
            wrong.append((call.says(), status, body[:300]))
        for one in found.get("entry", [])[:20]:
            address = one["fullUrl"].partition("/fhir")[2]
            again = await answer_of(app, Call("GET", address))
            if again[0] != 200 or json.loads(again[2]) != one["resource"]:
                wrong.append((address, again[0], again[2][:300]))
    patients = json.loads((await answer_of(app, Call("GET", "/Patient", "_count=50")))[2]).get("entry", [])
    looks = [
        f"{one['fullUrl'].partition('/fhir')[2]}/${name}"
        for one in patients
        for name in ("overview", "recommended-targets", "everything")
    ]
    for address in ["/Patient/$eligible", "/Patient/inger-test/$overview", *looks]:
        status, headers, body = await answer_of(app, Call("GET", address))
        fault = complaint(Call("GET", address), status, headers, body)
        if fault:
            wrong.append((address, fault))
    return wrong


async def store_examples(run):
    """Every example under its own id, again when it was changed; its first version is read again in the end."""
    for resource in WRITABLE:
        where = f"/{resource['resourceType']}/{resource['id']}"
        status, _, body = await answer_of(run.app, Call("PUT", where, body=dump(resource)))
        assert status in (200, 201, 409), (where, body)
        run.first.setdefault(where, body)


async def first_versions_stand(run):
    """What was stored before is still there byte for byte, whatever came after."""
    read = {where: await answer_of(run.app, Call("GET", f"{where}/_history/1")) for where in run.first}
    return [(where, status) for where, (status, _, body) in read.items() if status != 200 or body != run.first[where]]


def remember_links(run, headers, body):
    """Where an answer says that there is more: next pages, and exports under way."""
    if b'"relation":"next"' in body and body[:1] == b"{":
        links = json.loads(body).get("link", ())
        run.links += [one["url"] for one in links if one["relation"] == "next"]
    if "content-location" in headers:
        run.links.append(headers["content-location"])
    run.links = run.links[-50:]


def followed(rng, run):
    """One of these links, as it is or with a letter changed."""
    path, _, query = rng.choice(run.links).partition("/fhir")[2].partition("?")
    if query and rng.random() < 0.6:
        at = rng.randrange(len(query))
        query = query[:at] + rng.choice("aZ9-_.%=&") + query[at + 1 :]
    return Call(rng.choice(("GET", "GET", "GET", "DELETE")), path, query)


async def send_all(run):
    """Every call of the run, each by somebody else."""
    rng, chance, door = random.Random(run.seed), random.Random(run.seed), run.app.state.door

    def somebody(request):
        return identify(request) if chance.random() < 0.5 else chance.choice(CALLERS)

    while run.done < run.calls and len(run.wrong) < 20:
        call, run.done = followed(rng, run) if run.links and rng.random() < 0.03 else call_of(rng), run.done + 1
        run.app.state.door = replace(door, identify=somebody)
        asked = time.monotonic()
        status, headers, body = await answer_of(run.app, call)
        run.slowest = max(run.slowest, (time.monotonic() - asked, call.says()))
        run.app.state.door = door
        run.statuses[status] = run.statuses.get(status, 0) + 1
        remember_links(run, headers, body)
        fault = complaint(call, status, headers, body)
        if fault:
            run.wrong.append((f"seed {run.seed}, call {run.done}", call.says(), fault))
        if run.done % 250 == 0:
            run.tell()
            await store_examples(run)
        if run.done % CHECK_EVERY == 0:
            run.wrong += await still_answers(run.app)


@pytest_asyncio.fixture
async def fuzzed(shared_house, home, tmp_path):
    """The application on a store of this test's own, SQLite or MongoDB."""
    store = await home()
    app = create_app(Settings(store=":memory:"))
    house = replace(shared_house, store=store, exports=replace(shared_house.exports, folder=tmp_path / "exports"))
    app.state.door = Door(house, lambda request: SYSTEM, "", BODY_LIMIT)
    app.state.view = View(house, Sessions(house.secret), app.state.door.clock, new_id, "", False)
    yield app
    await store.close()


@pytest.mark.parametrize(("home", "calls"), [("sqlite", CALLS), ("mongo", ON_MONGO)], indirect=["home"])
async def test_no_bytes_to_any_route_break_the_service(fuzzed, calls):
    run = Run(fuzzed, calls)
    await store_examples(run)
    await send_all(run)
    run.wrong += await still_answers(run.app)
    run.wrong += await first_versions_stand(run)
    run.tell()
    sys.stderr.write(f"\nslowest: {run.slowest[0]:.1f} s, {run.slowest[1][:300]}\n")
    assert not run.wrong, "\n\n".join(map(str, run.wrong))
    assert {200, 201, 400, 404, 405, 422} <= set(run.statuses), run.statuses
