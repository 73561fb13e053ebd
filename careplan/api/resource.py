"""One resource over HTTP: read, vread, history, create, update, delete.

https://hl7.org/fhir/R4/http.html · checklist B, C, D, F, G. Not here: searches, bundles, operations.
"""

from starlette.requests import Request
from starlette.responses import Response

from careplan.api.door import door_of
from careplan.api.headers import header, names_of, query_pairs, read_body
from careplan.api.render import json_response, version_headers, version_response, written_response
from careplan.fhir import registry
from careplan.fhir.bundle import history_bundle
from careplan.fhir.conditional import (
    find_http_date,
    not_modified,
    pairs_from_if_none_exist,
    tags_from_header,
)
from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.instant import find_instant
from careplan.fhir.link import PAGE
from careplan.fhir.search import Query, parse, self_link, sign, unsign
from careplan.fhir.summary import reduced
from careplan.interactions import read as reading
from careplan.interactions import write


async def read(request: Request) -> Response:
    context = door_of(request).context(request)
    version = await reading.read(context, *names_of(request))
    matched = header(request, "if-none-match")
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
    return version_response(await reading.vread(context, *names_of(request), request.path_params["number"]))


async def history(request: Request) -> Response:
    context = door_of(request).context(request)
    type_name, id = names_of(request)
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
    unless = write.criteria(context, type_name, pairs_from_if_none_exist(condition)) if condition else None
    written = await write.create(context, type_name, source, unless)
    return written_response(request, written.version, 201 if written.created else 200, context.base)


async def update(request: Request) -> Response:
    context = door_of(request).context(request)
    type_name, id = names_of(request)
    registry.row(type_name)
    source = await read_body(request)
    absent = header(request, "if-none-match").strip() == "*"
    written = await write.update(context, type_name, id, source, expects=_expected(request), absent=absent)
    return written_response(request, written.version, 201 if written.created else 200, context.base)


async def delete(request: Request) -> Response:
    context = door_of(request).context(request)
    version = await write.delete(context, *names_of(request), expects=_expected(request))
    return Response(status_code=204, headers=version_headers(version) if version else {})


def _expected(request: Request) -> int | None:
    text = header(request, "if-match")
    return write.expected_version(tags_from_header(text)) if text else None


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ParameterInvalid(f"{name} is a whole number, 0 or more")
    return int(text)
