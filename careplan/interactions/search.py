"""Run a query as the caller may ask it, and cut a page with what its includes bring.

https://hl7.org/fhir/R4/search.html · checklist I–L. Not here: following includes (`inclusion`), and searches over
several types (`across`).
"""

from dataclasses import dataclass, replace

from careplan.domain.errors import Fault
from careplan.fhir import registry
from careplan.fhir.include import EVERY
from careplan.fhir.page_link import PAGE
from careplan.fhir.query import Query
from careplan.fhir.search import Pairs, parse
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.inclusion import brought
from careplan.interactions.named import note_asked
from careplan.interactions.read import store_of
from careplan.store.protocol import NotFound, Page, Version


@dataclass(frozen=True, slots=True)
class Found:
    """A page, what its matches bring along, and what the caller is warned of: that not all of this came."""

    page: Page
    included: tuple[Version, ...] = ()
    faults: tuple[Fault, ...] = ()


def query_from_pairs(context: Context, type_name: str, pairs: Pairs, *, strict: bool) -> Query:
    """What a search asks, within the limits of the house; the token of a page is left out.

    strict  as of `fhir.search.parse`, which says what it raises
    """
    limits = context.house.limits
    return parse(
        type_name,
        [(name, value) for name, value in pairs if name != PAGE],
        strict=strict,
        base=context.base,
        maximum=limits.page_maximum,
        count=limits.page,
        parameters=limits.search_parameters,
    )


def check_record(owner: str, member: str) -> None:
    """Raises TypeUnknown, and NotFound unless a member (`*`: all of them) is searched in a patient's record."""
    if registry.row(owner).name != "Patient":
        raise NotFound(f"{owner} has no compartment here; search by its reference, or in the record of a Patient")
    if member != EVERY and not registry.row(member).compartment:
        raise NotFound(f"{member} is no part of a patient's record; search it by itself")


async def search(context: Context, query: Query, *, emergency: bool = True) -> Found:
    """One page of matches with its includes. Raises Forbidden, CursorInvalid, QueryTooLong, TooCostly.

    emergency  whether people whom the caller has opened in an emergency are among those found
    """
    try:
        allowed = await access.restrict(context, query)
    except access.Forbidden:
        await note_asked(context, [query])
        raise
    if not emergency and allowed.listed_with is not None:
        allowed = replace(allowed, besides=frozenset())
    page = await store_of(context, query.type).search(allowed)
    found = Found(page, *await brought(context, query.includes, page.matches))
    note_search(context, query, found)
    if not page.matches:
        await note_asked(context, [query])
    return found


def note_search(context: Context, query: Query, found: Found) -> None:
    """What was asked, without values, and everybody whose resources came."""
    context.trail.asked = f"{query.type}?{'&'.join(dict.fromkeys(name for name, _ in query.used))}"
    context.trail.met(version.patient for version in (*found.page.matches, *found.included))
