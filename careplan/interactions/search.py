"""Run a query as the caller may ask it, and cut a page with what its includes bring.

https://hl7.org/fhir/R4/search.html · checklist I–L. Not here: following includes (`inclusion`), and searches over
several types (`across`).
"""

from dataclasses import dataclass

from careplan.fhir.search import Query
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.inclusion import brought
from careplan.interactions.inclusion import search_all as search_all
from careplan.interactions.read import store_of
from careplan.store.protocol import Page, Version


@dataclass(frozen=True, slots=True)
class Found:
    """A page and what its matches bring along."""

    page: Page
    included: tuple[Version, ...] = ()


async def search(context: Context, query: Query) -> Found:
    """One page of matches with its includes. Raises Forbidden, CursorInvalid, QueryTooLong, TooCostly."""
    allowed = await access.restrict(context, query)
    page = await store_of(context, query.type).search(allowed)
    return Found(page, await brought(context, query.includes, page.matches) if query.includes else ())
