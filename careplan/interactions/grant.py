"""What a client's SMART scopes leave of what the caller may do (design §7); a caller without a client has no scopes.

A scope with a query narrows what is read and searched of its type: the query goes into the search. Such a scope gives
no writing. Scopes of one type are a sum; of several with queries those over the first one's parameter count.
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
    return bool(_criteria(context, type_name, "r") or _criteria(context, type_name, "s"))


def narrowed(context: Context, query: Query) -> Query:
    """The query, asking for no more than the scopes of its type give."""
    criteria = _criteria(context, query.type, "s")
    return replace(query, criteria=(*query.criteria, *criteria)) if criteria else query


async def is_within(context: Context, version: Version) -> bool:
    """Whether a resource, as it stands now, is what the scopes of its type give to read."""
    criteria = _criteria(context, version.type, "r")
    if not criteria:
        return True
    own = Criterion("_id", "id", (IdIs(version.id),))
    store = context.house.catalogue if registry.row(version.type).read_only else context.store
    return bool((await store.search(Query(version.type, (own, *criteria), count=1))).matches)


def _criteria(context: Context, type_name: str, act: str) -> tuple[Criterion, ...]:
    """What a type is narrowed to; nothing where one of its scopes gives everything."""
    found = [one.criteria for one in fitting(context.caller.scopes or (), type_name, act)]
    if len(found) < 2 or not all(found):
        return found[0] if len(found) == 1 else ()
    first = found[0][0]
    same = [one[0] for one in found if len(one) == 1 and replace(one[0], alternatives=first.alternatives) == first]
    if not same:
        return found[0]
    return (replace(first, alternatives=tuple(value for one in same for value in one.alternatives)),)
