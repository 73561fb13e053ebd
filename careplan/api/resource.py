"""One resource over HTTP: read, vread, create, update, patch, delete, by id or by criteria.

https://hl7.org/fhir/R4/http.html · checklist B, C, D, E, F. Not here: history, searches, bundles, operations.
"""

from starlette.requests import Request
from starlette.responses import Response

from careplan.api.door import door_of
from careplan.api.headers import (
    FHIR_JSON,
    asked_pairs,
    check_content,
    content_type,
    header,
    names_of,
    query_pairs,
    read_body,
    read_raw,
)
from careplan.api.render import json_response, version_headers, version_response, written_response
from careplan.fhir.conditional import (
    Tags,
    find_http_date,
    not_modified,
    pairs_from_if_none_exist,
    tags_from_header,
)
from careplan.fhir.patch.result import Patch
from careplan.fhir.query import Query
from careplan.fhir.search import parse
from careplan.fhir.summary import reduced
from careplan.fhir.text import read_text
from careplan.interactions import patch as patching
from careplan.interactions import read as reading
from careplan.interactions import write
from careplan.interactions.context import Context
from careplan.interactions.match import criteria
from careplan.interactions.precondition import ResourceTypeMismatch, check_writable, expected_version
from careplan.interactions.write import Written
from careplan.store.protocol import Version

_PATCHES = frozenset({patching.JSON_PATCH, FHIR_JSON})


async def read(request: Request) -> Response:
    context = door_of(request).context(request)
    version = await reading.read(context, *names_of(request))
    since = header(request, "if-modified-since")
    if not_modified(version.number, version.at, _none_match(request), find_http_date(since) if since else None):
        return Response(b"", 304, version_headers(version))
    summary, elements = _shape(request, version.type)
    if summary == "false" and not elements:
        return version_response(version)
    return json_response(reduced(version.body or b"", version.type, summary, elements), 200, version_headers(version))


def _shape(request: Request, type_name: str) -> tuple[str, tuple[str, ...]]:
    """`_summary` and `_elements`; a read ignores all other parameters."""
    if not request.scope["query_string"]:
        return "false", ()
    pairs = [(name, value) for name, value in query_pairs(request) if name in ("_summary", "_elements")]
    if not pairs:
        return "false", ()
    query = parse(type_name, pairs, strict=False, base="")
    return query.summary, query.elements


async def vread(request: Request) -> Response:
    context = door_of(request).context(request)
    return version_response(await reading.vread(context, *names_of(request), request.path_params["number"]))


async def create(request: Request) -> Response:
    context, type_name = _context_and_type(request)
    source = await read_body(request)
    return _written(
        request, context, await write.create(context, type_name, source, _unless(request, context, type_name))
    )


async def update(request: Request) -> Response:
    context, type_name = _context_and_type(request)
    _, id = names_of(request)
    source, expects, none_match = await read_body(request), _expected(request), _none_match(request)
    return _written(
        request, context, await write.update(context, type_name, id, source, expects=expects, none_match=none_match)
    )


async def update_matching(request: Request) -> Response:
    context, type_name = _context_and_type(request)
    query = _criteria(request, context, type_name)
    source, expects, none_match = await read_body(request), _expected(request), _none_match(request)
    return _written(
        request, context, await write.update_matching(context, query, source, expects=expects, none_match=none_match)
    )


async def patch(request: Request) -> Response:
    context, type_name = _context_and_type(request)
    _, id = names_of(request)
    change = await _read_patch(request, context)
    return _written(request, context, await patching.patch(context, type_name, id, change, expects=_expected(request)))


async def patch_matching(request: Request) -> Response:
    context, type_name = _context_and_type(request)
    query = _criteria(request, context, type_name)
    change = await _read_patch(request, context)
    return _written(request, context, await patching.patch_matching(context, query, change, expects=_expected(request)))


async def delete(request: Request) -> Response:
    context = door_of(request).context(request)
    return _deleted(await write.delete(context, *names_of(request), expects=_expected(request)))


async def delete_matching(request: Request) -> Response:
    context, type_name = _context_and_type(request)
    query = _criteria(request, context, type_name)
    return _deleted(await write.delete_matching(context, query, expects=_expected(request)))


def _context_and_type(request: Request) -> tuple[Context, str]:
    """Raises TypeUnknown, and NotAllowed for what cannot be written, before anything else of the request is read."""
    context, type_name = door_of(request).context(request), request.path_params["type"]
    check_writable(type_name)
    return context, type_name


def _unless(request: Request, context: Context, type_name: str) -> Query | None:
    """What must not be there yet: by If-None-Exist; some clients, such as fhirpy, put it into the address instead."""
    condition = request.headers.get("if-none-exist")
    pairs = [*(() if condition is None else pairs_from_if_none_exist(condition)), *asked_pairs(request)]
    return criteria(context, type_name, pairs) if pairs else None


def _criteria(request: Request, context: Context, type_name: str) -> Query:
    return criteria(context, type_name, asked_pairs(request))


async def _read_patch(request: Request, context: Context) -> Patch:
    """JSON Patch or FHIRPath Patch by its media type; `application/json` says neither, and is refused (R4-38)."""
    check_content(request, _PATCHES)
    raw = await read_raw(request)
    if content_type(request) == patching.JSON_PATCH:
        return patching.patch_from_body(context, raw)
    source = read_text(raw, depth=context.house.limits.json_depth)
    if source.value.get("resourceType") != "Parameters":
        raise ResourceTypeMismatch("the body is not a FHIRPath Patch; its resourceType must be Parameters")
    return patching.patch_from_resource(context, source.value)


def _written(request: Request, context: Context, written: Written) -> Response:
    return written_response(request, written.version, 201 if written.created else 200, context.base)


def _deleted(version: Version | None) -> Response:
    """204 whether there was something to delete or not; the deletion is a version, so it has a tag."""
    return Response(status_code=204, headers=version_headers(version) if version else {})


def _expected(request: Request) -> int | None:
    text = header(request, "if-match")
    return expected_version(tags_from_header(text)) if text else None


def _none_match(request: Request) -> Tags | None:
    text = header(request, "if-none-match")
    return tags_from_header(text) if text else None
