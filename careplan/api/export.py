"""`$export` over HTTP: kick-off, status, files. The work itself goes on in the background.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html · checklist R4-114 to R4-116. Not here: what is exported
(`careplan.interactions.export`).
"""

import asyncio
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from careplan.api.door import door_of
from careplan.api.headers import asked_pairs, check_accept, header, names_of
from careplan.api.operation import find_parameters
from careplan.api.render import outcome_response
from careplan.api.route import Endpoint, address_routes
from careplan.domain.errors import CareplanError, Fault
from careplan.fhir.conditional import http_date
from careplan.fhir.outcome import ANSWERS, UNFORESEEN, outcome, outcome_from_error
from careplan.interactions.export.job import says
from careplan.interactions.export.kickoff import kick_off, wanted_from_asked
from careplan.interactions.export.shelf import cancel, manifest, read_export, read_part
from careplan.interactions.operations.asked import asked_from_parameters
from careplan.interactions.precondition import NotAllowed
from careplan.store.protocol import NotFound

NDJSON = "application/fhir+ndjson"

WAIT = 2
"""Seconds until it is worth asking for the status again."""

_KICK_OFFS = ("GET", "POST")
"""Not by HEAD, which asks for nothing to be done."""

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))", re.ASCII)


class AsyncRequired(CareplanError):
    """An export is made in the background, and the request does not say that this is welcome."""

    code = "async-required"


class RangeBeyond(CareplanError):
    """The part of the file that is asked for begins after its end."""

    code = "range-beyond"


def export_routes() -> list[Route]:
    """Kick-off at three levels, and what comes of it; to stand before the routes of types."""
    levels = [("/$export", of_system), ("/Patient/$export", of_patients), ("/Group/{id}/$export", of_group)]
    table: list[tuple[str, dict[str, Endpoint]]] = [
        ("/$export/{export}", {"GET": status, "DELETE": end}),
        ("/$export/{export}/{file}", {"GET": file}),
    ]
    kick_offs = (address_routes(path, {"GET": of, "POST": of}, _check_accept, of) for path, of in levels)
    results = (address_routes(path, endpoints, _check_accept) for path, endpoints in table)
    return [route for routes in (*kick_offs, *results) for route in routes]


async def of_system(request: Request) -> Response:
    return await _kick_off(request, "system")


async def of_patients(request: Request) -> Response:
    return await _kick_off(request, "patient")


async def of_group(request: Request) -> Response:
    return await _kick_off(request, "group")


async def _kick_off(request: Request, level: str) -> Response:
    if request.method not in _KICK_OFFS:
        raise NotAllowed("an export begins by GET or POST", _KICK_OFFS)
    context = door_of(request).context(request)
    preferences = {part.strip().lower() for part in header(request, "prefer").replace(";", ",").split(",")}
    if "respond-async" not in preferences:
        raise AsyncRequired("$export answers later: send the header Prefer: respond-async")
    sent = await find_parameters(context, request) if request.method == "POST" else None
    group = _group_of(request) if level == "group" else None
    asked = asked_from_parameters(group, sent, asked_pairs(request))
    wanted = wanted_from_asked(level, asked, lenient="handling=lenient" in preferences)
    place = {"system": "", "patient": "/Patient", "group": f"/Group/{group}"}[level]
    address = f"{context.base}{place}/$export" + (f"?{request.url.query}" if request.url.query else "")
    job = await kick_off(context, wanted, address)
    return Response(b"", 202, {"content-location": f"{context.base}/$export/{job.id}", "cache-control": "no-store"})


def _group_of(request: Request) -> str:
    """The group of the address. Raises NotFound for what cannot be an id."""
    request.path_params["type"] = "Group"
    return names_of(request)[1]


async def status(request: Request) -> Response:
    """How far it is; in the end, what there is to fetch."""
    context = door_of(request).context(request)
    export = await asyncio.to_thread(read_export, context, request.path_params["export"])
    progress = export.progress
    if progress.failed is not None:
        code, message = progress.failed.code, progress.failed.message
        return outcome_response(outcome([Fault("", code, message)]), ANSWERS.get(code, UNFORESEEN).status)
    if export.expires is None:
        going = {"x-progress": says(export.job, progress)[:100], "retry-after": str(WAIT), "cache-control": "no-store"}
        return Response(b"", 202, going)
    address = f"{export.job.base}/$export/{export.job.id}"
    with_token = "authorization" in request.headers
    body = manifest(export.job, progress, lambda part: f"{address}/{part.name}", token=with_token)
    return JSONResponse(body, headers={"expires": http_date(export.expires), "cache-control": "no-store"})


async def end(request: Request) -> Response:
    """Stop it, or let go of its files."""
    context = door_of(request).context(request)
    await asyncio.to_thread(cancel, context, request.path_params["export"])
    return outcome_response(outcome(()), 202)


async def file(request: Request) -> Response:
    """One file, or the part of it that `Range` asks for."""
    context = door_of(request).context(request)
    path, part = await asyncio.to_thread(read_part, context, request.path_params["export"], request.path_params["file"])
    sought = _find_start(request)
    if sought is not None and sought >= part.size:
        code, resource = outcome_from_error(RangeBeyond(f"the file has {part.size} bytes"))
        return outcome_response(resource, code, {"content-range": f"bytes */{part.size}"})
    return await _file_response(path)


async def _file_response(path: Path) -> Response:
    try:
        found = await asyncio.to_thread(path.stat)
    except FileNotFoundError:
        raise NotFound("the export was deleted") from None
    return FileResponse(path, media_type=NDJSON, stat_result=found, headers={"cache-control": "no-store"})


def _find_start(request: Request) -> int | None:
    """The first byte that is asked for; None for the whole file.

    A Range in another form than one stretch of bytes is left out of account, as HTTP allows.
    """
    match = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    backward = match is not None and match[3] is not None
    if match is None or (match[2] and int(match[2]) < int(match[1])) or (backward and int(match[3]) == 0):
        request.scope["headers"] = [one for one in request.scope["headers"] if one[0].lower() != b"range"]
        return None
    return None if backward else int(match[1])


def _check_accept(request: Request) -> None:
    """As everywhere, but that who asks for the files' own format is welcome, too."""
    if "ndjson" not in header(request, "accept"):
        check_accept(request)
