"""What a client's SMART scopes leave of what the caller may do (design §7); a caller without a client has no scopes.

A scope with a query narrows what is read and searched of its type: the query goes into the search. Such a scope gives
no writing. Scopes of one type are a sum: of several with queries, what one at least of them finds.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html · R4-119
"""

from dataclasses import replace

from careplan.fhir import registry
from careplan.fhir.query import Criterion, IdIs, Query
from careplan.interactions.context import Context
from careplan.interactions.smart import fitting
from careplan.store.protocol import Version

READING = frozenset("rs")


def is_granted(context: Context, type_name: str, act: str) -> bool:
    """Whether a client may do this (one of `cruds`) to something of a type."""
    scopes = context.caller.scopes
    if scopes is None:
        return True
    found = fitting(scopes, type_name, act)
    return any(act in READING or not one.criteria for one in found)


def is_narrowed(context: Context, type_name: str) -> bool:
    """Whether the scopes of a type give only what a query finds."""
    return bool(_several(context, type_name, "r") or _several(context, type_name, "s"))


def narrowed(context: Context, query: Query) -> Query:
    """The query, asking for no more than the scopes of its type give."""
    return _within(query, _several(context, query.type, "s"))


async def is_within(context: Context, version: Version) -> bool:
    """Whether a resource, as it stands now, is what the scopes of its type give to read."""
    several = _several(context, version.type, "r")
    if not several:
        return True
    own = Query(version.type, (Criterion("_id", "id", (IdIs(version.id),)),), count=1)
    store = context.house.catalogue if registry.row(version.type).read_only else context.store
    return bool((await store.search(_within(own, several))).matches)


def _within(query: Query, several: tuple[tuple[Criterion, ...], ...]) -> Query:
    """The query, of what one at least of these finds; a query on its own finds its way by its criteria."""
    if len(several) == 1:
        return replace(query, criteria=(*query.criteria, *several[0]))
    return replace(query, either=several) if several else query


def _several(context: Context, type_name: str, act: str) -> tuple[tuple[Criterion, ...], ...]:
    """The queries that a type is narrowed to; none where one of its scopes gives everything."""
    scopes = context.caller.scopes
    if not scopes:
        return ()
    found = tuple(dict.fromkeys(one.criteria for one in fitting(scopes, type_name, act)))
    return found if all(found) else ()
