"""What a search brings along besides its matches: includes, forward and back, round after round.

Everything is found by searches that are restricted as the caller's own would be, so that nothing leaks.
https://hl7.org/fhir/R4/search.html#include · checklist R4-103 to R4-107
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence, Set
from contextlib import aclosing
from dataclasses import replace
from itertools import count, islice
from typing import NamedTuple, TypeVar

from careplan.domain.errors import Fault
from careplan.fhir import registry
from careplan.fhir.criterion import MOST_ALTERNATIVES
from careplan.fhir.include import EVERY
from careplan.fhir.index import extract
from careplan.fhir.query import Criterion, IdIs, Include, Query, ReferenceIs
from careplan.fhir.text import parse
from careplan.interactions import access
from careplan.interactions.context import Context, Limits
from careplan.interactions.read import store_of
from careplan.store.protocol import Version

One = TypeVar("One")


async def search_all(context: Context, query: Query) -> AsyncIterator[Version]:
    """Every match, page after page, as the caller may see them. Raises Forbidden."""
    allowed = await access.restrict(context, replace(query, count=context.house.limits.page_maximum))
    store = store_of(context, query.type)
    while True:
        page = await store.search(allowed)
        for version in page.matches:
            yield version
        if page.next is None:
            return
        allowed = replace(allowed, after=page.next)


class Brought(NamedTuple):
    """What includes bring, and a warning when it is not all."""

    versions: tuple[Version, ...] = ()
    faults: tuple[Fault, ...] = ()


async def brought(context: Context, includes: Sequence[Include], matches: Sequence[Version]) -> Brought:
    """What includes bring besides the matches, each once; past the limits one more is looked for, and no further.

    The first round follows all of them from the matches, each further one those that iterate from what the round
    before has brought; it ends when nothing new comes, or at a limit, of resources or of rounds.
    """
    if not includes:
        return Brought()
    limits = context.house.limits
    there = {version.reference for version in matches}
    found: list[Version] = []
    fresh: Sequence[Version] = matches
    for depth in count():
        followed = [include for include in includes if include.iterate or depth == 0]
        if not followed or not fresh:
            break
        too_deep = depth > limits.include_depth
        fresh, more = await _round(context, followed, fresh, there, 0 if too_deep else limits.includes - len(found))
        there |= {version.reference for version in fresh}
        found += fresh
        if more:
            return Brought(tuple(found), (_cut_off(limits, too_deep=too_deep),))
    return Brought(tuple(found))


def _cut_off(limits: Limits, *, too_deep: bool) -> Fault:
    which = (
        f"they are followed for {limits.include_depth} rounds (CAREPLAN_INCLUDE_DEPTH); search on from the last ones"
        if too_deep
        else f"a page has at most {limits.includes} of them (CAREPLAN_INCLUDES); ask for a smaller _count"
    )
    return Fault("", "too-costly", f"included resources are missing here: {which}", "warning")


async def _round(
    context: Context, includes: Sequence[Include], versions: Sequence[Version], there: Set[str], room: int
) -> tuple[tuple[Version, ...], bool]:
    """What includes bring from these versions that is not there yet, as far as there is room, and whether more is."""
    fresh: dict[str, Version] = {}
    for query in _queries(context, includes, versions, there):
        async with aclosing(_readable(context, query)) as some:
            async for version in some:
                if version.reference in there or version.reference in fresh:
                    continue
                if len(fresh) == room:
                    return tuple(fresh.values()), True
                fresh[version.reference] = version
    return tuple(fresh.values()), False


async def _readable(context: Context, query: Query) -> AsyncGenerator[Version, None]:
    """Matches; none where the caller may not look."""
    try:
        async for version in search_all(context, query):
            yield version
    except access.Forbidden:
        return


def _queries(
    context: Context, includes: Sequence[Include], versions: Sequence[Version], there: Set[str]
) -> Iterator[Query]:
    """The searches that find what the includes ask for, in pieces that every store bears."""
    ids = _targets(context, includes, versions)
    for type_name, of_type in ids.items():
        wanted = (IdIs(id) for id in of_type if f"{type_name}/{id}" not in there)
        for some in _pieces(wanted):
            yield Query(type_name, (Criterion("_id", "id", some),))
    for include in includes:
        if include.reverse:
            for piece in _pieces(ReferenceIs(one.type, one.id) for one in versions if _leads_to(include, one.type)):
                yield Query(include.source, (Criterion(include.parameter, "reference", piece),))


def _pieces(values: Iterator[One]) -> Iterator[tuple[One, ...]]:
    while piece := tuple(islice(values, MOST_ALTERNATIVES)):
        yield piece


def _leads_to(include: Include, type_name: str) -> bool:
    parameter = registry.row(include.source).parameter(include.parameter)
    return parameter is not None and parameter.leads_to(type_name) and include.target in (None, type_name)


def _targets(context: Context, includes: Sequence[Include], versions: Sequence[Version]) -> dict[str, dict[str, None]]:
    """Ids that forward includes lead to, by type, in the order of the resources that name them."""
    wanted: dict[str, dict[str, None]] = {}
    for version in versions:
        mine = [one for one in includes if not one.reverse and one.source in (version.type, EVERY)]
        if not mine or version.body is None:
            continue
        for name, value in extract(parse(version.body), context.base).references:
            if value.id and registry.known(value.type) and any(_takes(one, name, value.type) for one in mine):
                wanted.setdefault(value.type, {})[value.id] = None
    return wanted


def _takes(include: Include, parameter: str, target: str) -> bool:
    return include.parameter in (parameter, EVERY) and include.target in (None, target)
