"""FHIR over HTTP: the same few routes for every row of the registry.

https://hl7.org/fhir/R4/http.html. They translate; what may be done, and what follows, is decided below.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from careplan import __version__
from careplan.api.door import FHIR, door_of
from careplan.api.errors import error_response
from careplan.api.headers import check_accept, check_content, prefer_of, query_pairs, read_body, read_raw
from careplan.api.render import json_response, version_headers, version_response, written_response
from careplan.domain.errors import CareplanError
from careplan.fhir import registry
from careplan.fhir.bundle import Answer, history_bundle, response_bundle, searchset
from careplan.fhir.capability import Offer, capability_statement
from careplan.fhir.conditional import (
    expected_number,
    find_http_date,
    not_modified,
    pairs_from_if_none_exist,
    tags_from_header,
)
from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.instant import find_instant
from careplan.fhir.link import PAGE
from careplan.fhir.search import Pairs, Query, binding_of, pairs_from_query, parse, self_link, sign, unsign
from careplan.fhir.summary import reduced
from careplan.fhir.text import dump, read_text
from careplan.interactions import read as reading
from careplan.interactions import write
from careplan.interactions.context import Context
from careplan.interactions.operations import OPERATIONS
from careplan.interactions.operations.asked import asked_from_parameters
from careplan.interactions.search import Found, search
from careplan.interactions.transaction import Performed, Result, criteria, perform

Endpoint = Callable[[Request], Awaitable[Response]]

RELEASED = "2026-11-22"
FORM = frozenset({"application/x-www-form-urlencoded"})


class OperationUnknown(CareplanError):
    """No operation of this name is offered on this type."""

    code = "operation-unknown"


def fhir_routes() -> list[Route]:
    """Every route below the FHIR base, most special first."""
    table: list[tuple[str, dict[str, Endpoint]]] = [
        ("", {"POST": bundle}),
        ("/", {"POST": bundle}),
        ("/metadata", {"GET": metadata}),
        ("/{type}/_search", {"POST": search_by_form}),
        ("/{type}/${operation}", {"GET": on_type, "POST": on_type}),
        ("/{type}/{id}/${operation}", {"GET": on_instance, "POST": on_instance}),
        ("/{type}/{id}/_history/{number}", {"GET": vread}),
        ("/{type}/{id}/_history", {"GET": history}),
        ("/{type}/{id}", {"GET": read, "PUT": update, "DELETE": delete}),
        ("/{type}", {"GET": search_by_query, "POST": create}),
    ]
    return [_route(path, endpoints) for path, endpoints in table]


def _route(path: str, endpoints: dict[str, Endpoint]) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            check_accept(request)
            return await endpoints["GET" if request.method == "HEAD" else request.method](request)
        except Exception as error:
            return await error_response(request, error)

    return Route(FHIR + path, endpoint, methods=list(endpoints))


# ── one resource ─────────────────────────────────────────────────────────────────────────────────


async def read(request: Request) -> Response:
    context = door_of(request).context(request)
    version = await reading.read(context, *_names(request))
    matched = request.headers.get("if-none-match")
    since = request.headers.get("if-modified-since")
    tags = tags_from_header(matched) if matched else None
    if not_modified(version.number, version.at, tags, find_http_date(since) if since else None):
        return Response(b"", 304, version_headers(version))
    summary, elements = _shape(request, version.type)
    if summary == "false" and not elements:
        return version_response(version)
    return json_response(reduced(version.body or b"", version.type, summary, elements), 200, version_headers(version))


def _shape(request: Request, type_name: str) -> tuple[str, tuple[str, ...]]:
    """`_summary` and `_elements`; a read ignores all other parameters."""
    pairs = [(name, value) for name, value in query_pairs(request) if name in ("_summary", "_elements")]
    if not pairs:
        return "false", ()
    query = parse(type_name, pairs, strict=False, base="")
    return query.summary, query.elements


async def vread(request: Request) -> Response:
    context = door_of(request).context(request)
    return version_response(await reading.vread(context, *_names(request), request.path_params["number"]))


async def history(request: Request) -> Response:
    context = door_of(request).context(request)
    type_name, id = _names(request)
    limits, given = context.house.limits, dict(query_pairs(request))
    count = min(_whole(given.get("_count", str(limits.page)), "_count"), limits.page_maximum)
    since = find_instant(given["_since"]) if given.get("_since") else None
    if given.get("_since") and since is None:
        raise ParameterInvalid("_since is an instant like 2026-11-22T09:00:00Z")
    binding = f"{type_name}/{id}/_history?{since}"
    after = unsign(given[PAGE], binding, context.house.secret) if given.get(PAGE) else None
    page = await reading.history(context, type_name, id, since=since, count=max(count, 1), after=after)
    asked = Query(
        type_name, used=tuple((k, v) for k, v in (("_since", given.get("_since")), ("_count", str(count))) if v)
    )
    path = f"{type_name}/{id}/_history"
    next_page = sign(page.next, binding, context.house.secret) if page.next and count else None
    return json_response(
        history_bundle(
            page.versions if count else (),
            base=context.base,
            total=page.total,
            url=self_link(context.base, asked, path=path, page=given.get(PAGE)),
            next_url=self_link(context.base, asked, path=path, page=next_page) if next_page else None,
        )
    )


async def create(request: Request) -> Response:
    context = door_of(request).context(request)
    type_name = request.path_params["type"]
    registry.row(type_name)
    source = await read_body(request)
    condition = request.headers.get("if-none-exist")
    unless = criteria(context, type_name, pairs_from_if_none_exist(condition)) if condition else None
    written = await write.create(context, type_name, source, unless)
    return written_response(request, written.version, 201 if written.created else 200, context.base)


async def update(request: Request) -> Response:
    context = door_of(request).context(request)
    type_name, id = _names(request)
    registry.row(type_name)
    source = await read_body(request)
    absent = request.headers.get("if-none-match", "").strip() == "*"
    written = await write.update(context, type_name, id, source, expects=_expected(request), absent=absent)
    return written_response(request, written.version, 201 if written.created else 200, context.base)


async def delete(request: Request) -> Response:
    context = door_of(request).context(request)
    version = await write.delete(context, *_names(request), expects=_expected(request))
    return Response(status_code=204, headers=version_headers(version) if version else {})


def _names(request: Request) -> tuple[str, str]:
    return request.path_params["type"], request.path_params["id"]


def _expected(request: Request) -> int | None:
    text = request.headers.get("if-match")
    return expected_number(tags_from_header(text)) if text else None


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ParameterInvalid(f"{name} is a whole number, 0 or more")
    return int(text)


# ── search ───────────────────────────────────────────────────────────────────────────────────────


async def search_by_query(request: Request) -> Response:
    return await _search(request, query_pairs(request))


async def search_by_form(request: Request) -> Response:
    check_content(request, FORM)
    form = pairs_from_query((await read_raw(request)).decode("latin-1"))
    return await _search(request, [*query_pairs(request), *form])


async def _search(request: Request, pairs: Pairs) -> Response:
    context = door_of(request).context(request)
    kept = [(name, value) for name, value in pairs if name != PAGE]
    token = next((value for name, value in pairs if name == PAGE), None)
    query = read_query(context, request.path_params["type"], kept, strict=prefer_of(request).strict)
    binding = binding_of(query)
    after = unsign(token, binding, context.house.secret) if token else None
    found = await search(context, replace(query, after=after))
    return json_response(searchset_of(context, query, found, token))


def read_query(context: Context, type_name: str, pairs: Pairs, *, strict: bool) -> Query:
    """The pairs of a search as a Query, within the house's limits."""
    limits = context.house.limits
    return parse(type_name, pairs, strict=strict, base=context.base, maximum=limits.page_maximum, count=limits.page)


def searchset_of(context: Context, query: Query, found: Found, token: str | None = None) -> bytes:
    """A page of a search as a Bundle, with a signed link to the next."""
    page = found.page
    return searchset(
        query,
        page.matches,
        base=context.base,
        included=found.included,
        total=page.total,
        page=token,
        next=sign(page.next, binding_of(query), context.house.secret) if page.next else None,
    )


# ── whole system ─────────────────────────────────────────────────────────────────────────────────


async def metadata(request: Request) -> Response:
    base = door_of(request).base_of(request)
    offer = Offer(conditional_create=True, system=("transaction", "batch"))
    return json_response(dump(capability_statement(base, version=__version__, date=RELEASED, offer=offer)))


async def bundle(request: Request) -> Response:
    context = door_of(request).context(request)
    performed = await perform(context, await read_body(request))
    show = "return=representation" in request.headers.get("prefer", "")
    return json_response(performed_bundle(context, performed, show=show))


def performed_bundle(context: Context, performed: Performed, *, show: bool) -> bytes:
    """A batch- or transaction-response."""
    answers = [_answer(context, result, show=show) for result in performed.results]
    return response_bundle(f"{performed.kind}-response", answers, base=context.base)


def _answer(context: Context, result: Result, *, show: bool) -> Answer:
    version = result.version
    if result.found is not None:
        return Answer(result.status, body=searchset_of(context, *result.found))
    if version is None:
        return Answer(result.status, outcome=result.outcome)
    return Answer(
        result.status,
        location=None if result.show or version.deleted else f"{version.reference}/_history/{version.number}",
        number=version.number,
        at=version.at,
        body=version.body if show or result.show else None,
        full_url=f"{context.base}/{version.reference}",
    )


# ── operations ───────────────────────────────────────────────────────────────────────────────────


async def on_type(request: Request) -> Response:
    return await _operate(request, "type")


async def on_instance(request: Request) -> Response:
    return await _operate(request, "instance")


async def _operate(request: Request, level: str) -> Response:
    context = door_of(request).context(request)
    type_name, name = request.path_params["type"], request.path_params["operation"]
    row = registry.row(type_name)
    operation = OPERATIONS.get((type_name, level, name)) if name in row.operations.get(level, ()) else None
    if operation is None:
        raise OperationUnknown(f"${name[:64]} is not an operation on {type_name} ({level} level)")
    method = "GET" if request.method == "HEAD" else request.method
    if method not in operation.methods:
        raise write.NotAllowed(f"${name} changes the record and is called by POST")
    raw = await read_raw(request) if method == "POST" else b""
    body = read_text(raw).value if raw.strip() else None
    asked = asked_from_parameters(request.path_params.get("id"), body, _arguments(query_pairs(request)))
    return json_response(await operation.run(context, asked))


def _arguments(pairs: Pairs) -> Sequence[tuple[str, str]]:
    return [(name, value) for name, value in pairs if name not in ("_format", "_pretty") and value]
