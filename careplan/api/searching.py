"""Searches over HTTP, asked by query or by form, and their pages: of a type, of a patient's record, of everything.

https://hl7.org/fhir/R4/http.html#search · checklist I, J, R4-100, R4-101. Not here: what a parameter means
(`careplan.fhir.search`, `careplan.fhir.across`).
"""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from careplan.api.door import door_of
from careplan.api.headers import check_accept, check_content, form_pairs, names_of, prefer_of, query_pairs, read_raw
from careplan.api.render import json_response
from careplan.fhir import registry
from careplan.fhir.across import Across, parse_across, record_types, types_asked
from careplan.fhir.bundle import searchset
from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.include import EVERY
from careplan.fhir.page_link import PAGE, binding_of, sign, unsign
from careplan.fhir.query import Query
from careplan.fhir.search import Pairs
from careplan.fhir.veil import VEIL, unveiled, veiled
from careplan.interactions.access import Forbidden, types_read
from careplan.interactions.across import search_across
from careplan.interactions.context import Context
from careplan.interactions.search import Found, check_record, query_from_pairs, search

FORM = frozenset({"application/x-www-form-urlencoded"})


async def of_type(request: Request) -> Response:
    """`Observation?…`, and `Observation/_search` by form."""
    pairs = await _pairs(request)
    context = door_of(request).context(request)
    query = query_from_pairs(context, request.path_params["type"], pairs, strict=prefer_of(request).strict)
    return await _search(request, context, query, _token(pairs))


async def of_record(request: Request) -> Response:
    """`Patient/1/Observation?…`: one type of a patient's record, or all of them (`Patient/1/*`)."""
    pairs = await _pairs(request)
    context = door_of(request).context(request)
    owner, id = names_of(request)
    member = request.path_params["member"]
    check_record(owner, member)
    path = f"Patient/{id}/{member}"
    if member == EVERY:
        asked = read_across(context, record_types(), pairs, strict=prefer_of(request).strict, patient=id)
        return await _search_across(request, context, asked, path, _token(pairs))
    query = query_from_pairs(context, member, pairs, strict=prefer_of(request).strict)
    return await _search(request, context, replace(query, patient=id), _token(pairs), path)


async def of_system(request: Request) -> Response:
    """`[base]?_type=Patient,Observation&…`: several types, or all that the caller's role reads."""
    pairs = await _pairs(request)
    context = door_of(request).context(request)
    every = tuple(row.name for row in registry.ROWS)
    asked = read_across(context, every, pairs, strict=prefer_of(request).strict)
    return await _search_across(request, context, asked, "", _token(pairs))


def read_across(
    context: Context, types: tuple[str, ...], pairs: Pairs, *, strict: bool, patient: str | None = None
) -> Across:
    """The pairs of a search over those of the types that `_type` names, or else that the caller's role reads.

    Raises Forbidden where it reads none; ParameterInvalid, and what `parse_across` raises
    """
    limits = context.house.limits
    named = types_asked(pairs)
    for outside in set(named or ()) - set(types):
        raise ParameterInvalid(f"_type: {outside} is no part of a patient's record")
    readable = types_read(context, [one for one in types if one != registry.LOG])
    if not named and not readable:
        raise Forbidden(f"role {context.caller.role} reads none of these types")
    return parse_across(
        named or readable,
        [(name, value) for name, value in pairs if name != PAGE],
        strict=strict,
        base=context.base,
        maximum=limits.page_maximum,
        count=limits.page,
        patient=patient,
        parameters=limits.search_parameters,
    )


def searchset_of(
    context: Context,
    query: Query,
    found: Found,
    token: str | None = None,
    path: str | None = None,
    *,
    openly: bool = False,
) -> bytes:
    """A page of a search as a Bundle, with a signed link to the next.

    path    as in `self_link`
    openly  as in `veiled`
    """
    page = found.page
    return searchset(
        replace(query, used=veiled(query.used, context.house.secret, openly=openly)),
        page.matches,
        base=context.base,
        included=found.included,
        faults=found.faults,
        total=page.total,
        page=token,
        next=sign(page.next, _binding(query, path), context.house.secret) if page.next else None,
        path=path,
    )


async def _pairs(request: Request) -> Pairs:
    """The parameters of the address, those that are sealed there, and those of a form."""
    asked = unveiled(query_pairs(request), door_of(request).house.secret)
    if request.method != "POST":
        return asked
    check_content(request, FORM)
    form = form_pairs(await read_raw(request))
    check_accept(request, form)
    return [*asked, *form]


def _is_open(request: Request) -> bool:
    """Whether all that is asked stands in the address, for everybody to read who sees it."""
    return request.method != "POST" and all(name != VEIL for name, _ in query_pairs(request))


def _token(pairs: Pairs) -> str | None:
    return next((value for name, value in pairs if name == PAGE), None)


def _binding(query: Query, path: str | None) -> str:
    """What the pages of a search belong to; a search of several types is known by where it stands."""
    return binding_of(query if query.type else replace(query, type=f"/{path}"))


async def _search(
    request: Request, context: Context, query: Query, token: str | None, path: str | None = None
) -> Response:
    after = unsign(token, _binding(query, path), context.house.secret) if token else None
    found = await search(context, replace(query, after=after))
    return json_response(searchset_of(context, query, found, token, path, openly=_is_open(request)))


async def _search_across(request: Request, context: Context, asked: Across, path: str, token: str | None) -> Response:
    after = unsign(token, _binding(asked.shape, path), context.house.secret) if token else None
    found = await search_across(context, asked, after)
    return json_response(searchset_of(context, asked.shape, found, token, path, openly=_is_open(request)))
