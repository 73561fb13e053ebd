"""Run one search over several types: type after type, in one row of pages.

A position is the search that the next match is of and the store's own position there, so that a page ends anywhere.
Of one type there may be several searches, which no match fits together.
Not here: what is asked (`careplan.fhir.across`). https://hl7.org/fhir/R4/http.html#search · checklist R4-100, R4-101
"""

from collections.abc import Sequence
from dataclasses import replace

from careplan.fhir.across import Across
from careplan.fhir.query import Query
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.inclusion import brought
from careplan.interactions.named import note_asked
from careplan.interactions.read import store_of
from careplan.interactions.search import Found, note_search
from careplan.store.protocol import CursorInvalid, Page, Version


async def search_across(context: Context, asked: Across, after: str | None = None) -> Found:
    """One page of the matches of all its types, with its includes.

    after   the `next` of an earlier page
    Raises  Forbidden (for one of the types), CursorInvalid, QueryTooLong, TooCostly
    """
    try:
        allowed = [await access.restrict(context, query) for query in asked.queries]
    except access.Forbidden:
        await note_asked(context, asked.queries)
        raise
    names = _names(allowed)
    start, position = _position(names, after)
    matches: list[Version] = []
    next: str | None = None
    for name, query in list(zip(names, allowed, strict=True))[start:] if asked.shape.count else ():
        page = await _page(context, query, asked.shape.count - len(matches), position)
        matches += page.matches
        next, position = _cursor(name, page.next) if page.next else None, None
        if next is not None:
            break
    total = await _total(context, allowed) if asked.shape.total else None
    found = Found(Page(tuple(matches), next, total), *await brought(context, asked.shape.includes, matches))
    note_search(context, asked.shape, found)
    if not matches:
        await note_asked(context, asked.queries)
    return found


async def _page(context: Context, query: Query, room: int, after: str | None) -> Page:
    """The next matches of a type; once the page is full, only whether there are more of them."""
    page = await store_of(context, query.type).search(replace(query, count=max(room, 1), after=after, total=False))
    if room or not page.matches:
        return page
    return Page((), _FIRST)


async def _total(context: Context, queries: Sequence[Query]) -> int:
    pages = [await store_of(context, one.type).search(replace(one, count=0, total=True, after=None)) for one in queries]
    return sum(page.total or 0 for page in pages)


_FIRST = "^"
"""The position before the first match of a type."""


def _names(queries: Sequence[Query]) -> list[str]:
    """What each search is called in a position: its type, numbered."""
    types = [query.type for query in queries]
    return [f"{name}.{types[:place].count(name)}" for place, name in enumerate(types)]


def _cursor(name: str, position: str) -> str:
    return f"{name} {position}"


def _position(names: Sequence[str], after: str | None) -> tuple[int, str | None]:
    """The place of the search to go on with, and the store's position in it."""
    if after is None:
        return 0, None
    name, _, position = after.partition(" ")
    if name in names:
        return names.index(name), None if position == _FIRST else position
    raise CursorInvalid("the page is of a search of other types; start again without it")
