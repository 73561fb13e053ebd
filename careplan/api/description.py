"""The FHIR door described for machines as OpenAPI 3.1: the routes it has, spelled out for every row of the registry.

It reads the same routes that requests are matched by, so nothing is described that is not there. Not here: what a
resource may hold, which the profiles and the CapabilityStatement say. https://spec.openapis.org/oas/v3.1.0
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from careplan import __version__
from careplan.api.door import FHIR, door_of
from careplan.api.exchange import EXCHANGES, Exchange
from careplan.api.headers import FHIR_JSON
from careplan.fhir.definition_of_operation import operation_url
from careplan.fhir.registry import ROWS, Parameter, Row
from careplan.fhir.text import Json
from careplan.interactions.operations import OPERATIONS, Operation

Offered = tuple[str, str]
"""A path below the FHIR base as the router has it, and a method."""

_RESOURCE = {"$ref": "#/components/schemas/Resource"}
_OUTCOME = {"$ref": "#/components/schemas/OperationOutcome"}
_REFUSED = {"$ref": "#/components/responses/refused"}
_LEVELS = {"/{type}/${operation}": "type", "/{type}/{id}/${operation}": "instance"}
_SUCCESS = {
    200: "as asked",
    201: "made",
    202: "begun; Content-Location says where it is followed",
    204: "done",
    206: "the part that was asked for",
    304: "unchanged since the version held",
}
_IN_PATH = {
    "id": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"},
    "number": {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"},
}


async def describe(request: Request) -> Response:
    """The description, with no credentials, like the CapabilityStatement."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    servers = json.dumps({"servers": [{"url": door_of(request).base_of(request)}]}).encode()
    signed = door_of(request).addresses is not None
    body = servers[:-1] + b"," + _unplaced(tuple(offered(routes)), signed=signed)[1:]
    return Response(body, 200, {"cache-control": "no-store"}, "application/json")


@lru_cache(maxsize=2)
def _unplaced(found: tuple[Offered, ...], *, signed: bool) -> bytes:
    """The description without its servers, made once: only where it is read from differs.

    signed  whether who asks brings a token
    """
    told = description(found)
    return json.dumps(_with_token(told) if signed else told, ensure_ascii=False, separators=(",", ":")).encode()


def _with_token(told: Json) -> Json:
    """The same, asked with an access token but for what is open to everybody."""
    scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    paths = {
        path: {method: said | {"security": []} for method, said in methods.items()} if path in _OPEN else methods
        for path, methods in told["paths"].items()
    }
    components = told["components"] | {"securitySchemes": {"token": scheme}}
    return told | {"paths": paths, "components": components, "security": [{"token": []}]}


_OPEN = frozenset({"/metadata", "/openapi.json"})
"""What is answered without a token."""


def offered(routes: Iterable[Route]) -> Iterator[Offered]:
    """What is below the FHIR base; HEAD goes with GET without saying."""
    for route in routes:
        if route.include_in_schema and (route.path.startswith(f"{FHIR}/") or route.path == FHIR):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield route.path.removeprefix(FHIR), method


def description(found: Sequence[Offered]) -> Json:
    """The whole description, but for the server its paths are below. found: what `offered` found."""
    paths: dict[str, Json] = {}
    for path, method in found:
        for where, said in _spelled(path, method):
            paths.setdefault(where or "/", {})[method.lower()] = said
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Forløbsplan, FHIR R4",
            "version": __version__,
            "summary": "Care plans for KOL, type 2 diabetes and heart disease as FHIR 4.0.1 resources.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": _schemas(), "parameters": _parameters(), "responses": _responses()},
    }


def _spelled(path: str, method: str) -> Iterator[tuple[str, Json]]:
    """Each path that a route stands for, and what is said of this method there."""
    exchange = EXCHANGES.get((path, method), Exchange(path))
    if path in _LEVELS:
        yield from _operations(path, method, exchange)
    elif "{member}" in path:
        yield from _compartment(path, method, exchange)
    elif "{type}" in path:
        for row in ROWS:
            if exchange.code is None or exchange.code in row.interactions:
                yield path.replace("{type}", row.name, 1), _said(path, method, exchange, row)
    else:
        yield path, _said(path, method, exchange, None)


def _compartment(path: str, method: str, exchange: Exchange) -> Iterator[tuple[str, Json]]:
    """What is in a patient's compartment: each type, and all of them."""
    for row in (*(one for one in ROWS if one.compartment), None):
        said = _said(path, method, exchange, row)
        said["operationId"] = f"compartment-{row.name if row else 'all'}-{method.lower()}"
        yield path.replace("{type}", "Patient").replace("{member}", row.name if row else "*"), said


def _operations(path: str, method: str, exchange: Exchange) -> Iterator[tuple[str, Json]]:
    level = _LEVELS[path]
    for row in ROWS:
        for name in row.operations.get(level, ()):
            operation = OPERATIONS.get((row.name, level, name))
            if operation is not None and method in operation.methods:
                where = path.replace("{type}", row.name, 1).replace("{operation}", name)
                yield where, _operated(row, level, name, operation, _said(path, method, exchange, row))


def _operated(row: Row, level: str, name: str, operation: Operation, said: Json) -> Json:
    """What is said of one operation; `takes` is None where any search parameter is taken."""
    known = [_query_parameter(one, "Parameter of the operation") for one in sorted(operation.takes or ())]
    taken = known if operation.takes is not None else [_free("search", "Search parameters of the type, by name")]
    method = "post" if "requestBody" in said else "get"
    return said | {
        "summary": f"${name} on {row.name}",
        "operationId": f"{row.name}-{level}-{name}-{method}",
        "externalDocs": {"url": operation_url(row.name, name)},
        "parameters": [*said["parameters"], *taken],
    }


def _said(path: str, method: str, exchange: Exchange, row: Row | None) -> Json:
    name = row.name if row else ""
    where = path.removeprefix("/{type}").replace("{", "").replace("}", "").replace("/", "-")
    said: Json = {
        "summary": exchange.summary.replace("{type}", name or "the whole record"),
        "operationId": f"{name or 'system'}{where}-{method.lower()}",
        "tags": [name or "system"],
        "parameters": [*_of_path(path), *_of_query(exchange, row), *_of_headers(exchange)],
        "responses": {str(status): _answer(status, exchange, row) for status in exchange.success}
        | {"default": _REFUSED},
    }
    return said | ({"requestBody": _sent(exchange, row)} if exchange.sends else {})


def _of_path(path: str) -> Iterator[Json]:
    for part in path.split("/"):
        name = part.removeprefix("$").strip("{}").partition(":")[0]
        if "{" in part and name not in ("type", "operation", "member"):
            yield {"name": name, "in": "path", "required": True, "schema": _IN_PATH.get(name, {"type": "string"})}


def _of_query(exchange: Exchange, row: Row | None) -> Iterator[Json]:
    """Parameters of the address: `search` stands for every search parameter of the type, `*` for whatever is asked."""
    for name in exchange.query:
        if name == "search":
            yield from ({"$ref": f"#/components/parameters/{_key(row, one)}"} for one in _searched(row))
        elif name == "*":
            yield _free("parameters", "Parameters of the operation or of the search, by name")
        else:
            yield {"$ref": f"#/components/parameters/{name}"}


def _of_headers(exchange: Exchange) -> Iterator[Json]:
    for name in exchange.headers:
        yield {"$ref": f"#/components/parameters/{name}"}


def _searched(row: Row | None) -> Iterable[Parameter]:
    return row.parameters.values() if row else ()


def _key(row: Row | None, parameter: Parameter) -> str:
    """Where the components hold a search parameter; those of every type once."""
    return parameter.name if parameter.name.startswith("_") or row is None else f"{row.name}.{parameter.name}"


def _answer(status: int, exchange: Exchange, row: Row | None) -> Json:
    said: Json = {"description": _SUCCESS.get(status, "done")}
    if status in (204, 304) or exchange.answers == "":
        return said
    if exchange.answers == "description":
        return said | {"content": {"application/json": {"schema": {"type": "object"}}}}
    return said | {"content": {kind: {"schema": _shown(exchange, row)} for kind in exchange.kinds or (FHIR_JSON,)}}


def _shown(exchange: Exchange, row: Row | None) -> Json:
    """Schema of an answer; a write may be answered by an outcome, or by nothing, as `Prefer` asks."""
    if exchange.answers == "resource" and row is not None:
        return {"anyOf": [_schema(row.name), _OUTCOME]} if exchange.sends else _schema(row.name)
    general: dict[str, Json] = {"any": _RESOURCE, "resource": _RESOURCE, "file": True}
    return general.get(exchange.answers) or _schema(exchange.answers)


def _sent(exchange: Exchange, row: Row | None) -> Json:
    found: dict[str, Json] = {
        "resource": {FHIR_JSON: {"schema": _schema(row.name if row else "Resource")}},
        "bundle": {FHIR_JSON: {"schema": _schema("Sent")}},
        "parameters": {FHIR_JSON: {"schema": {"anyOf": [_schema("Parameters"), _RESOURCE]}}},
        "form": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "additionalProperties": _TEXT}}},
        "patch": {
            "application/json-patch+json": {"schema": _schema("JSONPatch")},
            FHIR_JSON: {"schema": _schema("Parameters")},
        },
    }
    return {"required": exchange.sends not in ("form", "parameters"), "content": found[exchange.sends]}


_TEXT = {"type": "string"}


def _schema(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _free(name: str, says: str) -> Json:
    schema = {"type": "object", "additionalProperties": _TEXT}
    return {"name": name, "in": "query", "description": says, "style": "form", "explode": True, "schema": schema}


def _responses() -> Json:
    says = "Refused or failed: the outcome says why"
    return {"refused": {"description": says, "content": {FHIR_JSON: {"schema": _OUTCOME}}}}


def _schemas() -> Json:
    """Resources are open: the profiles say what they hold."""
    named = {one.name: _resource_schema(one.name) for one in ROWS}
    issue = {"type": "object", "required": ["severity", "code"], "properties": {"severity": _TEXT, "code": _TEXT}}
    issues = {"type": "array", "minItems": 1, "items": issue}
    entries = {"type": "array", "items": {"type": "object"}}
    operation = {"enum": ["add", "remove", "replace", "move", "copy", "test"]}
    patched = {"op": operation, "path": _TEXT, "from": _TEXT, "value": {}}
    return named | {
        "Resource": _resource_schema(None),
        "OperationOutcome": _resource_schema("OperationOutcome", issue=issues),
        "CapabilityStatement": _resource_schema("CapabilityStatement"),
        "Bundle": _resource_schema("Bundle", optional=True, type=_TEXT, entry=entries),
        "Sent": _resource_schema("Bundle", type={"enum": ["batch", "transaction"]}, entry=entries),
        "Parameters": _resource_schema("Parameters", optional=True, parameter=entries),
        "JSONPatch": {"type": "array", "items": {"type": "object", "required": ["op", "path"], "properties": patched}},
    }


def _resource_schema(name: str | None, *, optional: bool = False, **members: Json) -> Json:
    kind: Json = {"const": name} if name else _TEXT
    needed = ["resourceType"] if optional else ["resourceType", *members]
    return {"type": "object", "required": needed, "properties": {"resourceType": kind, **members}}


def _parameters() -> Json:
    """Search parameters of every type, those that steer an answer, and headers."""
    found: dict[str, Json] = {name: _query_parameter(name, says) for name, says in _STEERING.items()}
    found |= {
        name: {"name": name, "in": "header", "description": says, "schema": _TEXT} for name, says in _HEADERS.items()
    }
    for row in ROWS:
        for one in row.parameters.values():
            found[_key(row, one)] = _query_parameter(
                one.name, f"{one.declared}; modifiers follow the name: {one.name}:…"
            )
    return found


def _query_parameter(name: str, says: str) -> Json:
    schema = {"type": "array", "items": _TEXT}
    return {"name": name, "in": "query", "description": says, "style": "form", "explode": True, "schema": schema}


_STEERING: Mapping[str, str] = {
    "_count": "Most matches on a page",
    "_sort": "Search parameters to sort by, between commas; - before one turns it round",
    "_include": "Source:parameter or Source:parameter:Target; also _include:iterate",
    "_revinclude": "Source:parameter or Source:parameter:Target; also _revinclude:iterate",
    "_summary": "true, text, data, count or false",
    "_elements": "Names of elements, between commas",
    "_total": "none, estimate or accurate",
    "_has": "Reverse chain: _has:Observation:patient:code",
    "_since": "Versions at or after this instant",
    "_type": "Resource types, between commas",
    "_outputFormat": "application/fhir+ndjson",
    "_format": "json",
}

_HEADERS: Mapping[str, str] = {
    "If-Match": 'W/"version" that is expected to be the current one',
    "If-None-Match": 'W/"version" that is held, or * for an update that must create',
    "If-Modified-Since": "An HTTP date",
    "If-None-Exist": "A search that must find nothing for a create",
    "Prefer": "return=minimal, representation or OperationOutcome; handling=strict or lenient; respond-async",
}
