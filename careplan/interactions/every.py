"""All matches of a search and all versions of a history, page after page.

Access is asked by whoever asks; here the query is run as it is.
"""

from dataclasses import replace

from careplan.fhir.query import Query
from careplan.interactions.context import Context
from careplan.store.protocol import Past, Version


async def every(context: Context, query: Query) -> list[Version]:
    """Every match, in the query's order."""
    query = replace(query, count=context.house.limits.page_maximum)
    found: list[Version] = []
    while True:
        page = await context.store.search(query)
        found += page.matches
        if page.next is None:
            return found
        query = replace(query, after=page.next)


async def every_version(context: Context, past: Past) -> list[Version]:
    """Every version a history has to show, newest first."""
    found: list[Version] = []
    while True:
        page = await context.store.history(past)
        found += page.versions
        if page.next is None:
            return found
        past = replace(past, after=page.next)
