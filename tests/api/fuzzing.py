"""What the fuzzer sends: requests of every kind, made from valid resources and from what has broken services before.

Everything is drawn from one seeded generator, so the same seed sends the same requests. Not here: what must come back.
"""

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from oddities import (
    FITTING,
    HEAVY_QUERIES,
    MODIFIERS,
    ODD_DATES,
    ODD_HEADERS,
    ODD_QUERIES,
    ODD_TEXTS,
    ODD_VALUES,
    PARAMETERS,
    PATCH_PATHS,
    PATCHES,
    RAW_VALUES,
    SEARCHED,
    STEERING,
    VALUES,
)

from careplan.fhir.registry import ROWS, TYPES
from careplan.fhir.text import parse
from careplan.interactions.operations import OPERATIONS as TABLE

_FOUND = [
    parse(path.read_bytes()) for path in sorted((Path(__file__).resolve().parents[2] / "fixtures").glob("*.json"))
]
_BARE = [
    {"resourceType": row.name, "id": "x"} for row in ROWS if row.name not in {one["resourceType"] for one in _FOUND}
]
FIXTURES = [*_FOUND, *_BARE]
"""One resource of every type of the registry; of types without an example, a bare one."""

WRITABLE = [one for one in _FOUND if not TYPES[one["resourceType"]].read_only]
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW")
OPERATIONS = sorted({name for row in ROWS for names in row.operations.values() for name in names})
IDS = {one["resourceType"]: one["id"] for one in FIXTURES} | {"PlanDefinition": "diabetes"}
CALLED = [
    *(f"/{row.name}/{IDS[row.name]}/${name}" for row in ROWS for name in row.operations.get("instance", ())),
    *(f"/{row.name}/${name}" for row in ROWS for name in row.operations.get("type", ())),
]

OPERATIONS_TAKE = {name: sorted(one.takes or ()) for (_, _, name), one in sorted(TABLE.items())}


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


# ── the parts of a request ───────────────────────────────────────────────────────────────────────


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
    match rng.randrange(30):
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
        "/_history",
        "/_search",
        "/openapi.json",
    ]
    paths += [
        f"/Patient/{id}/{kind}",
        f"/Patient/{id}/*",
        f"/{kind}/{id}/_search",
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
    entries = [entry_of(rng) for _ in range(rng.randrange(1, 5))]
    bundle = {"resourceType": "Bundle", "type": rng.choice(("batch", "transaction")), "entry": entries}
    return mutated(rng, bundle) if rng.random() < 0.4 else bundle


def entry_of(rng):
    resource = mutated(rng, rng.choice(WRITABLE)) if rng.random() < 0.5 else rng.choice(WRITABLE)
    method = rng.choice(("POST", "POST", "PUT", "PUT", "GET", "DELETE", "HEAD", "PATCH"))
    kind = resource.get("resourceType", "Patient") if isinstance(resource, dict) else "Patient"
    id = resource.get("id", "x") if isinstance(resource, dict) else "x"
    one = f"{kind}/{id}" if rng.random() < 0.7 else f"{kind}?{query_of(rng, TYPES.get(str(kind), ROWS[0]))}"
    wide = rng.choice((f"{kind}?{rng.choice(ODD_QUERIES)}", f"{kind}/{id}/_history", f"{kind}/$validate", one))
    url = {"POST": str(kind), "GET": wide}.get(method, one)
    entry = {"fullUrl": f"urn:uuid:{rng.randrange(4)}", "request": {"method": method, "url": url}}
    if method in ("POST", "PUT"):
        entry["resource"] = resource
    if method == "PATCH":
        entry["resource"] = fhirpath_patch_of(rng, rng.choice(WRITABLE))
        if rng.random() < 0.3:
            entry["resource"] = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "W10="}
    for name in ("ifNoneExist", "ifMatch", "ifNoneMatch", "ifModifiedSince"):
        if rng.random() < 0.15:
            entry["request"][name] = rng.choice(
                ("identifier=x|y", 'W/"1"', "*", 7, None, "_id=x", rng.choice(ODD_TEXTS), rng.choice(ODD_DATES))
            )
    return entry


def json_patch_of(rng, resource):
    """A JSON Patch of places that are there, or nearly; often one that can be done."""
    made = [pointed(rng, resource) for _ in range(rng.choice((1, 1, 2, 5)))]
    return mutated(rng, made) if rng.random() < 0.2 else made


def pointed(rng, resource):
    """One operation of a JSON Patch."""
    there = rng.choice(places(resource))
    pointer = pointer_of(there)
    if rng.random() < 0.5:
        op = rng.choice(("test", "replace", "replace", "remove", "add", "copy", "move"))
        good = {"op": op, "path": pointer, "value": at_place(resource, there), "from": pointer}
        if op == "replace" and isinstance(good["value"], str):
            good["value"] = rng.choice((good["value"], *ODD_DATES, "final", "active", rng.choice(ODD_TEXTS)))
        return good
    pointer = rng.choice((pointer, pointer, pointer + "/-", pointer + "/x", *PATCH_PATHS))
    one = {"op": rng.choice(("add", "remove", "replace", "move", "copy", "test", "x")), "path": pointer}
    if rng.random() < 0.8:
        one["value"] = odd_value(rng, resource)
    if rng.random() < 0.3:
        one["from"] = rng.choice((pointer, pointer_of(there[:1]), *PATCH_PATHS))
    return one


def pointer_of(path):
    """A place as JSON Pointer."""
    return "/" + "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in path)


def at_place(resource, path):
    """What stands at a place."""
    value = resource
    for key in path:
        value = value[key]
    return value


def fhirpath_patch_of(rng, resource):
    """A FHIRPath Patch of places that are there, or nearly; often one that can be done."""
    listed = [{"name": "operation", "part": parts_of(rng, resource)} for _ in range(rng.choice((1, 1, 2)))]
    made = {"resourceType": "Parameters", "parameter": listed}
    return mutated(rng, made) if rng.random() < 0.2 else made


def parts_of(rng, resource):
    """One operation of a FHIRPath Patch."""
    if rng.random() < 0.5:
        kind, path, rest = rng.choice(PATCHES)
        path = path.replace("%type", resource["resourceType"])
        return [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}, *rest]
    kind = rng.choice(("add", "insert", "delete", "delete", "replace", "move", "x"))
    path = rng.choice((path_text(resource, rng.choice(places(resource))), *PATCH_PATHS))
    value = rng.choice(
        ({"valueString": rng.choice(ODD_TEXTS)}, {"valueCode": "male"}, {"valueDate": rng.choice(ODD_DATES)}, {})
    )
    part = [
        {"name": "type", "valueCode": kind},
        {"name": "path", "valueString": path},
        {"name": "name", "valueString": rng.choice(("gender", "birthDate", "status", "id", rng.choice(ODD_TEXTS)))},
        {"name": "index", "valueInteger": rng.choice((0, 1, -1, 10**12))},
        {"name": "source", "valueInteger": rng.choice((0, 1, -1))},
        {"name": "destination", "valueInteger": rng.choice((0, 1, 99))},
        {"name": "value", **value},
    ]
    wanted = {"delete": ("type", "path"), "move": ("type", "path", "source", "destination")}.get(kind)
    return [one for one in part if rng.random() < 0.95 and (wanted is None or one["name"] in wanted)]


def path_text(resource, path):
    """A place as FHIRPath: `Patient.name[0].given`."""
    text = str(resource.get("resourceType"))
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text


def asked_of(rng, row, depth=0):
    """One search parameter with its value: plain, with a modifier, chained or reverse chained."""
    parameter = row.parameters[rng.choice([*row.parameters])]
    if rng.random() < 0.12 and depth < 5:
        other = rng.choice(ROWS)
        name, value = asked_of(rng, other, depth + 1)
        return f"_has:{other.name}:{rng.choice([*other.parameters])}:{name}", value
    if parameter.kind == "reference" and rng.random() < 0.4 and depth < 5:
        target = rng.choice([one for one in ROWS if one.name in parameter.targets] or ROWS)
        name, value = asked_of(rng, target, depth + 1)
        return f"{parameter.name}{rng.choice(('', f':{target.name}'))}.{name}", value
    modifier = rng.choice(MODIFIERS if rng.random() < 0.2 else FITTING.get(parameter.kind, [""]))
    value = rng.choice(("true", "false")) if modifier == "missing" else value_of(rng, parameter)
    return f"{parameter.name}:{modifier}".removesuffix(":"), value


def value_of(rng, parameter):
    """A value that fits the kind of parameter, or nearly, or not at all."""
    if parameter.kind == "composite" and rng.random() < 0.9:
        return "$".join(value_of(rng, part) for part in parameter.parts)
    known = SEARCHED.get(parameter.kind, ODD_TEXTS)
    found = [rng.choice(known) if rng.random() < 0.85 else rng.choice(ODD_TEXTS)[:200] for _ in range(2)]
    compared = parameter.kind in ("date", "number", "quantity") or rng.random() < 0.05
    prefix = rng.choice(("", "", "eq", "ne", "ap", "gt", "le", "sa", "eb")) if compared else ""
    return prefix + (",".join(found) if rng.random() < 0.3 else found[0])


def query_of(rng, row):
    """A search of this type."""
    pairs = [asked_of(rng, row) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))]
    for _ in range(rng.choice((0, 0, 1, 2))):
        name, values = rng.choice(STEERING)
        other = rng.choice(ROWS)
        fitting = [f"{other.name}:{rng.choice([*other.parameters])}", f"{row.name}:{rng.choice([*row.parameters])}"]
        pairs.append((name, rng.choice((*values, *fitting) if "include" in name else values)))
    return "&".join(f"{quote(name, safe=':')}={quote(value)}" for name, value in pairs)


def parameters_of(rng):
    """Parameters of operations: names they know, values of every kind."""
    values = ("Patient/inger-test", "PlanDefinition/diabetes", "http://unitsofmeasure.org", "create", 2, True)
    listed = [
        {
            "name": rng.choice(PARAMETERS),
            rng.choice(VALUES): rng.choice((*values, mutated(rng, rng.choice(FIXTURES)), odd_value(rng, FIXTURES[0]))),
        }
        for _ in range(rng.randrange(5))
    ]
    made = {"resourceType": "Parameters", "parameter": listed}
    if rng.random() < 0.2:
        return mutated(rng, rng.choice(FIXTURES))
    return mutated(rng, made) if rng.random() < 0.5 else made


def headed(call, **headers):
    """The call with these headers in place of what it has."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    call.headers = [pair for pair in call.headers if pair[0] not in named] + [*named.items()]
    return call


# ── one kind of request each ─────────────────────────────────────────────────────────────────────


def resource_call(rng, resource):
    kind = resource["resourceType"]
    method, path = rng.choice((("POST", f"/{kind}"), ("PUT", f"/{kind}/{resource['id']}")))
    return Call(method, path, body=text_of(rng, mutated(rng, resource) if rng.random() < 0.8 else resource))


def bundle_call(rng, resource):
    return Call("POST", "", body=text_of(rng, bundle_of(rng)))


def patch_call(rng, resource):
    resource = rng.choice(WRITABLE)
    path = f"/{resource['resourceType']}/{resource['id']}"
    if rng.random() < 0.6:
        made, kind = json_patch_of(rng, resource), "application/json-patch+json"
    else:
        made, kind = fhirpath_patch_of(rng, resource), "application/fhir+json"
    kind = kind if rng.random() < 0.9 else rng.choice(("application/json", "text/plain", ""))
    return headed(Call("PATCH", path, body=text_of(rng, made)), content_type=kind)


def search_call(rng, resource):
    row = TYPES[resource["resourceType"]]
    query = query_of(rng, row) if rng.random() < 0.9 else rng.choice(HEAVY_QUERIES)
    match rng.randrange(8):
        case 0:
            call = Call("POST", f"/{row.name}/_search", body=query.encode())
            return headed(call, content_type="application/x-www-form-urlencoded")
        case 1:
            return Call("GET", f"/Patient/{rng.choice(('inger-test', 'x'))}/{rng.choice((row.name, '*'))}", query)
        case 2:
            return Call("GET", "", rng.choice((query, f"_type={row.name},Patient&{query}")))
        case _:
            call = Call("GET", f"/{row.name}", query)
            return headed(call, prefer="handling=strict") if rng.random() < 0.2 else call


def condition_call(rng, resource):
    """Conditional create, update, patch and delete."""
    row, method = TYPES[resource["resourceType"]], rng.choice(("PUT", "PATCH", "DELETE", "POST"))
    query = rng.choice((query_of(rng, row), f"_id={resource['id']}", "identifier=a|b", rng.choice(ODD_QUERIES)))
    if method == "POST":
        return headed(Call("POST", f"/{row.name}", body=text_of(rng, resource)), if_none_exist=query)
    if method == "PATCH":
        call = Call(method, f"/{row.name}", query, body=text_of(rng, json_patch_of(rng, resource)))
        return headed(call, content_type="application/json-patch+json")
    return Call(method, f"/{row.name}", query, body=text_of(rng, resource) if method == "PUT" else b"")


def operation_call(rng, resource):
    name = rng.choice(OPERATIONS)
    where = rng.choice([one for one in CALLED if one.endswith(f"${name}")])
    sent = mutated(rng, resource) if name == "validate" and rng.random() < 0.6 else parameters_of(rng)
    call = Call(rng.choice(("POST", "POST", "GET")), where, body=text_of(rng, sent))
    known = OPERATIONS_TAKE.get(name, ())
    if known and rng.random() < 0.5:
        values = (
            "2026-11-22",
            "Patient/inger-test",
            "1",
            "http://npu-terminology.org",
            "NPU27300",
            rng.choice(ODD_TEXTS),
        )
        asked = [(rng.choice(known), rng.choice(values)) for _ in range(rng.choice((1, 2, 3)))]
        call.query = "&".join(f"{one}={quote(value)}" for one, value in asked)
        call.method = "GET"
    elif rng.random() < 0.4:
        call.query = rng.choice((query_of(rng, TYPES[resource["resourceType"]]), rng.choice(ODD_QUERIES)))
    return call


def history_call(rng, resource):
    at = rng.choice(("", f"/{resource['resourceType']}", f"/{resource['resourceType']}/{resource['id']}"))
    asked = [(name, rng.choice(values)) for name, values in STEERING if name in ("_since", "_at", "_count", "_sort")]
    query = "&".join(f"{name}={quote(value)}" for name, value in asked if rng.random() < 0.5)
    return Call("GET", f"{at}/_history", query)


def export_call(rng, resource):
    where = rng.choice(("/$export", "/Patient/$export", "/Group/x/$export", f"/Group/{IDS['Group']}/$export"))
    where = rng.choice(
        (where, where, "/$export/x", "/$export/%2e%2e", "/$export/x/Patient.ndjson", "/$export/x/%2e%2e")
    )
    asked = [(name, rng.choice((*values, rng.choice(ODD_TEXTS)[:100]))) for name, values in STEERING]
    query = "&".join(f"{name}={quote(value)}" for name, value in asked if rng.random() < 0.1)
    call = Call(rng.choice(("GET", "GET", "POST", "DELETE")), where, query)
    call.body = text_of(rng, parameters_of(rng)) if call.method == "POST" else b""
    return headed(call, prefer=rng.choice(("respond-async", "respond-async, handling=lenient", "x", "")))


def odd_call(rng, resource):
    return Call(rng.choice(METHODS), path_of(rng, resource), body=text_of(rng, rng.choice(ODD_VALUES)))


KINDS = (
    *(resource_call,) * 4,
    *(bundle_call,) * 2,
    *(patch_call,) * 2,
    *(search_call,) * 4,
    condition_call,
    *(operation_call,) * 2,
    history_call,
    export_call,
    *(odd_call,) * 2,
)


def call_of(rng):
    """One request."""
    call = rng.choice(KINDS)(rng, rng.choice(FIXTURES))
    if rng.random() < 0.2:
        call.query = "&".join([*([call.query] if call.query else []), *rng.choices(ODD_QUERIES, k=rng.randrange(1, 3))])
    if rng.random() < 0.2:
        for name, value in rng.choices(ODD_HEADERS, k=rng.randrange(1, 4)):
            call.headers = [pair for pair in call.headers if pair[0] != name or rng.random() < 0.2] + [(name, value)]
    return call
