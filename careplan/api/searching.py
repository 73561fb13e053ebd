"""Searches over HTTP, asked by query or by form, and their pages.

https://hl7.org/fhir/R4/http.html#search · checklist I, J. Not here: what a parameter means (`careplan.fhir.search`).
"""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from careplan.api.door import door_of
from careplan.api.headers import check_content, check_format, form_pairs, prefer_of, query_pairs, read_raw
from careplan.api.render import json_response
from careplan.fhir.bundle import searchset
from careplan.fhir.link import PAGE
from careplan.fhir.search import Pairs, Query, binding_of, parse, sign, unsign
from careplan.interactions.context import Context
from careplan.interactions.search import Found, search

FORM = frozenset({"application/x-www-form-urlencoded"})


async def search_by_query(request: Request) -> Response:
    return await _search(request, query_pairs(request))


async def search_by_form(request: Request) -> Response:
    check_content(request, FORM)
    form = form_pairs(await read_raw(request))
    check_format(form)
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
