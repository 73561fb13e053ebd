"""Any bytes to any route: never an error of ours, always an OperationOutcome, and the store still answers (design §10).

Seeded, so a failure names what repeats it. FUZZ_SECONDS and FUZZ_SEED make a longer or another run:
`FUZZ_SECONDS=300 FUZZ_SEED=7 python -m pytest tests/api/test_fuzz.py`.
"""

import copy
import json
import os
import random
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from oddities import ODD_DATES, ODD_HEADERS, ODD_QUERIES, ODD_TEXTS, ODD_VALUES, RAW_VALUES

from careplan.app import identify
from careplan.fhir.registry import ROWS, TYPES
from careplan.fhir.text import dump, parse
from careplan.interactions.caller import SYSTEM, Caller

SECONDS = float(os.environ.get("FUZZ_SECONDS", "4"))
SEED = int(os.environ.get("FUZZ_SEED", "20261122"))
FIXTURES = [
    parse(path.read_bytes()) for path in sorted((Path(__file__).resolve().parents[2] / "fixtures").glob("*.json"))
]
WRITABLE = [one for one in FIXTURES if not TYPES[one["resourceType"]].read_only]
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW")
OPERATIONS = sorted({name for row in ROWS for names in row.operations.values() for name in names})

CALLED = [
    *(f"/{row.name}/inger-test/${name}" for row in ROWS for name in row.operations.get("instance", ())),
    *(f"/Goal/inger-test-hba1c/${name}" for name in TYPES["Goal"].operations["instance"]),
    *(f"/{row.name}/${name}" for row in ROWS for name in row.operations.get("type", ())),
    "/PlanDefinition/diabetes/$apply",
]
CALLERS = [
    SYSTEM,
    SYSTEM,
    Caller(
        "clinic",
        "Læge",
        organization="laegehuset-test",
        reference="PractitionerRole/karen-test-laege",
    ),
    Caller("clinic", "Nogen", organization="elsewhere"),
    Caller("patient", "Inger", patient="inger-test", reference="Patient/inger-test"),
    Caller("municipality", "Visitator", organization="laegehuset-test"),
    Caller("lps", "System", organization="laegehuset-test"),
    Caller("statistics", "Ingen"),
]


@dataclass
class Call:
    """One request as a server hands it to the application."""

    method: str
    path: str
    query: str = ""
    headers: list = field(
        default_factory=lambda: [("content-type", "application/fhir+json"), ("host", "127.0.0.1:8000")]
    )
    body: bytes = b""

    def says(self):
        return f"{self.method} {self.path}?{self.query} {self.headers} {self.body[:3000]!r}"


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


# ── what is sent ─────────────────────────────────────────────────────────────────────────────────


def places(value, path=()):
    """Every place in a JSON value."""
    found = [path] if path else []
    members = (
        ()
        if len(path) > 50
        else value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in members:
        found += places(part, (*path, key))
    return found


def odd_value(rng, resource):
    match rng.randrange(6):
        case 0 | 1:
            return rng.choice(ODD_TEXTS)
        case 2:
            value = copy.deepcopy(rng.choice(ODD_VALUES))
            return f"RAW{rng.randrange(len(RAW_VALUES))}" if value == "RAW" else value
        case 3:
            deep = []
            for _ in range(rng.choice((3, 20, 40))):
                deep = [deep] if rng.random() < 0.5 else {"extension": deep}
            return deep
        case 4:
            path = rng.choice(places(rng.choice(FIXTURES)) or [()])
            return {str(path[-1]) if path else "x": rng.choice(ODD_TEXTS)}
        case _:
            value = resource
            for key in rng.choice(places(resource)):
                value = value[key]
            return copy.deepcopy(value)


def mutated(rng, resource):
    """A copy with a few places dropped, doubled, renamed or given something else."""
    value = json.loads(json.dumps(resource, default=float))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        there = places(value)
        if not there:
            return value
        *path, last = rng.choice(there)
        holder = value
        for key in path:
            holder = holder[key]
        if isinstance(holder[last], str) and holder[last][:4].isdigit() and rng.random() < 0.6:
            holder[last] = rng.choice(ODD_DATES)
            continue
        match rng.randrange(6):
            case 0:
                del holder[last]
            case 1 if isinstance(holder, list):
                holder.append(holder[last])
            case 1:
                holder[last] = [holder[last], holder[last]]
            case 2 if isinstance(holder, dict):
                holder[rng.choice(("_" + last, last.upper(), last + "x", rng.choice(ODD_TEXTS)[:40]))] = holder.pop(
                    last
                )
            case _:
                holder[last] = odd_value(rng, value)
    return value


def text_of(rng, value):
    """The JSON text, now and then with what no JSON writer would write."""
    try:
        text = json.dumps(value, ensure_ascii=rng.random() < 0.5, default=float)
    except (RecursionError, ValueError):
        text = "[" * 3000
    for number, raw in enumerate(RAW_VALUES):
        text = text.replace(f'"RAW{number}"', raw)
    body = text.encode("utf-8", "surrogatepass")
    match rng.randrange(16):
        case 0:
            return body[: rng.randrange(len(body) + 1)]
        case 1:
            at = rng.randrange(len(body) + 1)
            return body[:at] + bytes([rng.randrange(256)]) + body[at:]
        case 2:
            return text.encode(rng.choice(("utf-16", "utf-32", "utf-8-sig", "utf-7")), "replace")
        case 3:
            return body + rng.choice((b" ", b"{}", b"\x00", b"]"))
        case 4:
            return body.replace(b"{", b'{"id":"x","id":"y",', 1)
        case _:
            return body


def path_of(rng, resource):
    """An address: mostly one that exists, else something like it."""
    kind, id = resource["resourceType"], resource.get("id", "x")
    kind = kind if isinstance(kind, str) else "Patient"
    id = id if isinstance(id, str) and rng.random() < 0.8 else rng.choice(ODD_TEXTS)[:80]
    id = id if rng.random() < 0.5 else quote(id, safe="")
    number = rng.choice(("1", "2", "0", "-1", "x", "9" * 30, "%00"))
    operation = rng.choice([*OPERATIONS, "validate", "", "%00"])
    paths = [
        "",
        "/",
        "/metadata",
        f"/{kind}",
        f"/{kind}/{id}",
        f"/{kind}/{id}",
        f"/{kind}/{id}",
        f"/{kind}/_search",
        f"/{kind}/_history",
    ]
    paths += [
        f"/{kind}/{id}/_history",
        f"/{kind}/{id}/_history/{number}",
        f"/{kind}/${operation}",
        f"/{kind}/{id}/${operation}",
        f"/{kind}/{id}/x/y",
    ]
    path = rng.choice(paths)
    if rng.random() < 0.1:
        at = rng.randrange(len(path) + 1)
        path = (
            path[:at]
            + rng.choice(("/", "//", "%2F", "%00", "%0A", "%", "%zz", "%C3%28", "..", ";x=1", "$", "?", "%F0%9F%98%80"))
            + path[at:]
        )
    return path


def bundle_of(rng):
    """A batch or transaction of mutated entries, itself sometimes mutated."""
    entries = []
    for _ in range(rng.randrange(1, 5)):
        resource = mutated(rng, rng.choice(WRITABLE)) if rng.random() < 0.5 else rng.choice(WRITABLE)
        method = rng.choice(("POST", "POST", "PUT", "GET", "DELETE", "HEAD"))
        kind = resource.get("resourceType", "Patient") if isinstance(resource, dict) else "Patient"
        id = resource.get("id", "x") if isinstance(resource, dict) else "x"
        url = (
            str(kind)
            if method == "POST"
            else f"{kind}/{id}"
            if method != "GET"
            else f"{kind}?{rng.choice(ODD_QUERIES)}"
        )
        entry = {"fullUrl": f"urn:uuid:{rng.randrange(4)}", "request": {"method": method, "url": url}}
        if method in ("POST", "PUT"):
            entry["resource"] = resource
        for name in ("ifNoneExist", "ifMatch", "ifNoneMatch"):
            if rng.random() < 0.15:
                entry["request"][name] = rng.choice(
                    ("identifier=x|y", 'W/"1"', "*", 7, None, "_id=x", rng.choice(ODD_TEXTS))
                )
        entries.append(entry)
    bundle = {"resourceType": "Bundle", "type": rng.choice(("batch", "transaction")), "entry": entries}
    return mutated(rng, bundle) if rng.random() < 0.4 else bundle


def parameters_of(rng):
    names = (
        "subject",
        "definition",
        "exclude",
        "reason",
        "low",
        "high",
        "unit",
        "comparator",
        "text",
        "valid-until",
        "on",
        "clinic",
    )
    kinds = (
        "valueString",
        "valueCode",
        "valueDecimal",
        "valueReference",
        "valueDate",
        "valueBoolean",
        "resource",
        "part",
    )
    listed = [
        {
            "name": rng.choice(names),
            rng.choice(kinds): rng.choice(
                ("Patient/inger-test", "PlanDefinition/diabetes", odd_value(rng, FIXTURES[0]))
            ),
        }
        for _ in range(3)
    ]
    return mutated(rng, {"resourceType": "Parameters", "parameter": listed})


def call_of(rng):
    resource = rng.choice(FIXTURES)
    call = Call(rng.choice(METHODS), path_of(rng, resource))
    match rng.randrange(10):
        case 0 | 1 | 2 | 3:
            changed = mutated(rng, resource)
            kind = resource["resourceType"]
            call.method, call.path = rng.choice((("POST", f"/{kind}"), ("PUT", f"/{kind}/{resource['id']}")))
            call.body = text_of(rng, changed)
        case 4 | 5:
            call.method, call.path, call.body = "POST", "", text_of(rng, bundle_of(rng))
        case 6:
            call.body = text_of(rng, parameters_of(rng))
            call.path = rng.choice(CALLED)
            call.method = rng.choice(("POST", "POST", "GET"))
        case 7:
            call.method, call.path = "GET", f"/{resource['resourceType']}"
            name = rng.choice([*TYPES[resource["resourceType"]].parameters])
            modifier = rng.choice(
                (
                    "",
                    "",
                    "",
                    ":missing",
                    ":not",
                    ":exact",
                    ":contains",
                    ":below",
                    ":identifier",
                    ":Patient",
                    ":text",
                    ":x",
                )
            )
            call.query = (
                f"{name}{modifier}={quote(rng.choice(('', 'eq', 'ap', 'gt', 'sa')) + rng.choice(ODD_TEXTS)[:200])}"
            )
        case 8:
            call.body = text_of(rng, rng.choice(ODD_VALUES))
    if rng.random() < 0.3:
        call.query = "&".join([*([call.query] if call.query else []), *rng.choices(ODD_QUERIES, k=rng.randrange(1, 3))])
    if rng.random() < 0.2:
        for name, value in rng.choices(ODD_HEADERS, k=rng.randrange(1, 4)):
            call.headers = [pair for pair in call.headers if pair[0] != name or rng.random() < 0.2] + [(name, value)]
    return call


# ── what is answered ─────────────────────────────────────────────────────────────────────────────


def complaint(call, status, headers, body):
    """What is wrong with an answer; None when nothing is."""
    if status >= 500:
        return f"{status}: {body[:300]!r}"
    if status in (204, 304):
        return "a body where there is none" if body else None
    if 300 <= status < 400:
        return f"sent elsewhere: {headers}"
    beside = call.path[:1] not in ("", "/") and unquote(call.path)[:1] not in ("", "/")
    if (status < 300 and not body) or beside:
        return None
    if not headers.get("content-type", "").startswith("application/fhir+json"):
        return f"content type {headers.get('content-type')}"
    value = json.loads(body)
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
        for name in ("overview", "recommended-targets")
    ]
    for address in ["/Patient/$eligible", "/Patient/inger-test/$overview", *looks]:
        status, headers, body = await answer_of(app, Call("GET", address))
        fault = complaint(Call("GET", address), status, headers, body)
        if fault:
            wrong.append((address, fault))
    return wrong


@pytest.mark.parametrize("part", range(2))
async def test_no_bytes_to_any_route_break_the_service(app, part):
    rng = random.Random(SEED + part)
    door, chance = app.state.door, random.Random(SEED)

    def somebody(request):
        return identify(request) if chance.random() < 0.5 else chance.choice(CALLERS)

    for resource in WRITABLE:
        where = f"/{resource['resourceType']}/{resource['id']}"
        status, _, body = await answer_of(app, Call("PUT", where, body=dump(resource)))
        assert status == 201, body
    until, calls, wrong, statuses = time.monotonic() + SECONDS, 0, [], {}
    while time.monotonic() < until and len(wrong) < 20:
        call, calls = call_of(rng), calls + 1
        app.state.door = replace(door, identify=somebody)
        status, headers, body = await answer_of(app, call)
        statuses[status] = statuses.get(status, 0) + 1
        fault = complaint(call, status, headers, body)
        if fault:
            wrong.append((f"seed {SEED + part}, call {calls}", call.says(), fault))
        app.state.door = door
        if calls % 1000 == 0:
            wrong += await still_answers(app)
    wrong += await still_answers(app)
    assert not wrong, "\n\n".join(map(str, wrong))
    assert calls > 100
    assert {200, 201, 400, 404, 405, 422} <= set(statuses), statuses
