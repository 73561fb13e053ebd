"""Histories over HTTP: of one resource, of a type and of the whole system, page by page.

https://hl7.org/fhir/R4/http.html#history · checklist G. Parameters other than `_since` and `_count` are ignored.
"""

from collections.abc import Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from careplan.api.door import door_of
from careplan.api.headers import names_of, query_pairs
from careplan.api.render import json_response
from careplan.fhir import registry
from careplan.fhir.bundle import history_bundle
from careplan.fhir.criterion import ParameterInvalid, read_whole
from careplan.fhir.page_link import PAGE, self_link, sign, unsign
from careplan.fhir.query import Query
from careplan.fhir.span import find_span
from careplan.interactions import read as reading


async def of_resource(request: Request) -> Response:
    return await _history(request, *names_of(request))


async def of_type(request: Request) -> Response:
    type_name = request.path_params["type"]
    registry.row(type_name)
    return await _history(request, type_name, None)


async def of_system(request: Request) -> Response:
    return await _history(request, None, None)


async def _history(request: Request, type_name: str | None, id: str | None) -> Response:
    context = door_of(request).context(request)
    secret, limits = context.house.secret, context.house.limits
    given = dict(query_pairs(request))
    since = _since(given)
    count = read_whole("_count", given.get("_count") or str(limits.page), limits.page_maximum)
    path = "/".join([*filter(None, (type_name, id)), "_history"])
    binding = f"{path}?{since}"
    after = unsign(given[PAGE], binding, secret) if given.get(PAGE) else None
    page = await reading.history(context, type_name, id, since=since, count=max(count, 1), after=after)
    used = tuple((name, value) for name, value in (("_since", given.get("_since")), ("_count", str(count))) if value)
    asked = Query(type_name or "", used=used)
    following = sign(page.next, binding, secret) if page.next and count else None
    bundle = history_bundle(
        page.versions if count else (),
        base=context.base,
        total=page.total,
        url=self_link(context.base, asked, path=path, page=given.get(PAGE)),
        next_url=self_link(context.base, asked, path=path, page=following) if following else None,
    )
    return json_response(bundle)


def _since(given: Mapping[str, str]) -> datetime | None:
    """`_since` as an instant, when it is sent. Raises ParameterInvalid."""
    text = given.get("_since")
    span = find_span(text) if text else None
    if text and span is None:
        raise ParameterInvalid("_since is an instant like 2026-11-22T09:00:00Z")
    return span[0] if span else None
