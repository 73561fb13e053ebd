"""Criteria in place of an id: which resource a conditional write is about, and how that stays true until it is written.

https://hl7.org/fhir/R4/http.html#ccreate · #cond-update · #3.1.0.7.1 · checklist R4-26..28, R4-37, R4-42, R4-46. A
caller's criteria find what that caller may see, and nothing else counts as a match.
"""

from dataclasses import dataclass

from careplan.domain.errors import CareplanError
from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.query import Query
from careplan.fhir.search import Pairs
from careplan.fhir.search import parse as parse_query
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.named import note_asked
from careplan.store.protocol import Guard, Version, guard_of


class MultipleMatches(CareplanError):
    """The criteria of a conditional write fit more than one resource."""

    code = "multiple-matches"


@dataclass(frozen=True, slots=True)
class Matched:
    """The one resource that fits, or None; and the guard that nothing else fits at the moment of writing."""

    version: Version | None
    guard: Guard


def criteria(context: Context, type_name: str, pairs: Pairs) -> Query:
    """Criteria of a conditional write or reference; one that is not known never counts as met.

    Raises ParameterInvalid, ParameterUnsupported
    """
    query = parse_query(type_name, pairs, strict=True, base=context.base)
    if not query.criteria and not query.links:
        raise ParameterInvalid("the criteria of a conditional write name at least one search parameter")
    return Query(type_name, query.criteria, links=query.links, count=2)


async def match(context: Context, query: Query) -> Matched:
    """What fits the criteria now. Raises MultipleMatches, Forbidden."""
    try:
        allowed = await access.restrict(context, query)
    except access.Forbidden:
        await note_asked(context, [query])
        raise
    page = await context.store.search(allowed)
    if len(page.matches) > 1:
        raise MultipleMatches(f"several {query.type} fit the criteria; make them name one")
    context.trail.met(version.patient for version in page.matches)
    if not page.matches:
        await note_asked(context, [query])
    guard = guard_of(f"{query.type}?{query.criteria}", allowed, page.matches)
    return Matched(page.matches[0] if page.matches else None, guard)
