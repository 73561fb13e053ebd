"""Run a query as the caller may ask it, follow its includes, cut a page.

https://hl7.org/fhir/R4/search.html · checklist I–L.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from careplan.fhir import registry
from careplan.fhir.index import ReferenceValue, extract
from careplan.fhir.search import Criterion, Include, Query, ReferenceIs
from careplan.fhir.text import parse
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.read import store_of
from careplan.store.protocol import Page, Version


@dataclass(frozen=True, slots=True)
class Found:
    """A page and what its matches bring along."""

    page: Page
    included: tuple[Version, ...] = ()


async def search(context: Context, query: Query) -> Found:
    """One page of matches with its includes. Raises Forbidden, CursorInvalid."""
    allowed = await access.restrict(context, query)
    page = await store_of(context, query.type).search(allowed)
    return Found(page, await _included(context, query, page.matches) if query.includes else ())


async def search_all(context: Context, query: Query) -> AsyncIterator[Version]:
    """Every match, page after page, as the caller may see them."""
    allowed = await access.restrict(context, replace(query, count=context.house.limits.page_maximum))
    store = store_of(context, query.type)
    while True:
        page = await store.search(allowed)
        for version in page.matches:
            yield version
        if page.next is None:
            return
        allowed = replace(allowed, after=page.next)


async def _included(context: Context, query: Query, matches: tuple[Version, ...]) -> tuple[Version, ...]:
    """What the includes bring besides the matches, each once; nothing is read past the limit."""
    there = {version.reference for version in matches}
    found: dict[str, Version] = {}
    async with aclosing(_brought(context, query, matches)) as brought:
        while len(found) < context.house.limits.includes and (version := await anext(brought, None)) is not None:
            if version.reference not in there:
                found[version.reference] = version
    return tuple(found.values())


async def _brought(context: Context, query: Query, matches: tuple[Version, ...]) -> AsyncGenerator[Version, None]:
    for include in query.includes:
        follow = _backward if include.reverse else _forward
        async for version in follow(context, include, matches):
            yield version


async def _forward(context: Context, include: Include, matches: tuple[Version, ...]) -> AsyncIterator[Version]:
    wanted = dict.fromkeys(
        value
        for version in matches
        if version.type == include.source and version.body is not None
        for name, value in extract(parse(version.body), context.base).references
        if name == include.parameter or include.parameter == "*"
    )
    for reference in wanted:
        version = await _target(context, include, reference)
        if version is not None:
            yield version


async def _target(context: Context, include: Include, reference: ReferenceValue) -> Version | None:
    if not reference.type or include.target not in (None, reference.type) or not registry.known(reference.type):
        return None
    version = await store_of(context, reference.type).read(reference.type, reference.id)
    if version is None or version.deleted:
        return None
    try:
        await access.check_read(context, version)
    except access.Forbidden:
        return None
    return version


async def _backward(context: Context, include: Include, matches: tuple[Version, ...]) -> AsyncIterator[Version]:
    targets = tuple(ReferenceIs(version.type, version.id) for version in matches)
    if not targets or not registry.known(include.source):
        return
    criterion = Criterion(include.parameter, "reference", targets)
    try:
        async for version in search_all(context, Query(include.source, (criterion,))):
            yield version
    except access.Forbidden:
        return
