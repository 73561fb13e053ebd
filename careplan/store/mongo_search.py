"""One question to MongoDB, in one session: a page of a search, the matches of a guard, a page of a history.

MongoDB joins nothing on indexes, so what a link leads to is found first, as ids, and the search goes by those. Of
several things asked for that one index finds, it goes in by the first it sees; so the fewest are counted out here.
Not here: the filters (`mongo_query.py`), and connections, sessions and writes (`mongo.py`).
https://www.mongodb.com/docs/manual/reference/operator/meta/maxTimeMS/
"""

import inspect
import time
from collections.abc import Sequence
from typing import Any

from careplan.fhir.query import Link, Query
from careplan.store.cursor import Place, number_from_text, place_from_text, text_from_number, text_from_place
from careplan.store.mongo_document import Document, version_from_document
from careplan.store.mongo_query import (
    NOTHING,
    Asked,
    after_place,
    asked_from_query,
    filter_from_past,
    find_lead,
    leads,
    listing,
    may_be_missing,
    pipeline_sort,
    references,
    referring,
    sort_values,
    target_ids,
)
from careplan.store.order import effective_orders, sort_type
from careplan.store.protocol import HistoryPage, Page, Past, QueryTooLong, TooCostly, Version

MOST_LINKED = 20_000
"""How many resources the links of one search may lead to, all together: they go back to the server as ids."""

FEW = 1000
"""So many resources are fetched and sorted rather than met on the way along an index."""

_SHOWN = {"n": 1, "at": 1, "p": 1, "pos": 1, "m": 1, "body": 1, "id": 1, "s": 1}


class Question:
    """One question under way: its session, how long it may still take, and what it has found on the way."""

    def __init__(self, resources: Any, session: Any, seconds: float) -> None:
        self._resources, self._session, self._seconds = resources, session, seconds
        self._until = time.monotonic() + seconds
        self._linked = 0
        self._listings: dict[tuple[str, str | None], list[str]] = {}

    async def page(self, query: Query) -> Page:
        """One page, in the query's order. Raises CursorInvalid, QueryTooLong, TooCostly."""
        orders = effective_orders(query)
        place = None
        if query.after is not None:
            place = place_from_text(query.after, [sort_type(order) for order in orders[:-1]])
        asked = await self._asked(query)
        total = await self._total(asked) if query.total else None
        if query.count <= 0:
            return Page((), None, total)
        documents = await self._sorted(asked, query, place)
        shown = documents[: query.count]
        more = len(documents) > query.count
        last = text_from_place(sort_values(shown[-1], orders), shown[-1]["id"]) if more else None
        matches = tuple(map(version_from_document, shown))
        return Page(matches, last, total, await self._beside(query, matches))

    async def _beside(self, query: Query, matches: Sequence[Version]) -> tuple[Version, ...]:
        """What comes with the matches out of their compartments."""
        patients = frozenset(match.patient for match in matches if match.patient is not None)
        found: list[Document] = []
        for other in query.beside if patients else ():
            wanted = Query(other.type, other.criteria, patients=patients, without=other.without)
            asked = asked_from_query(wanted, None)
            hint = {} if any(one.kind != "token" for one in other.criteria) else {"hint": "patient-value"}
            found += await self._listed(self._resources.find(asked.filter, _SHOWN, session=self._session, **hint))
        return tuple(map(version_from_document, found))

    async def some(self, query: Query) -> list[Document]:
        """Ids and numbers of matches, in no order, no more than the query's count. Raises QueryTooLong, TooCostly."""
        asked = await self._asked(query)
        found = self._resources.find(asked.filter, {"id": 1, "n": 1}, session=self._session, **asked.hinted)
        found = found.limit(query.count)
        return await self._listed(found)

    async def history(self, versions: Any, past: Past) -> HistoryPage:
        """One page of a history. Raises CursorInvalid, QueryTooLong."""
        field = "_id" if past.id is None else "n"
        place = [] if past.after is None else [{field: {"$lt": number_from_text(past.after)}}]
        count = max(past.count, 0)
        patients = None
        if past.listed_with and past.restricted:
            patients = [*await self._patients(past.listed_with), *past.besides]
        asked = filter_from_past(past, patients)
        total = await versions.count_documents(asked, session=self._session, maxTimeMS=self._left())
        found = versions.find({"$and": [asked, *place]}, session=self._session).sort(field, -1).limit(count + 1)
        documents = await self._listed(found)
        shown = tuple(map(version_from_document, documents[:count]))
        more = len(documents) > len(shown) > 0
        return HistoryPage(shown, int(total), text_from_number(documents[count - 1][field]) if more else None)

    # ── what is asked ────────────────────────────────────────────────────────────────────────────

    async def _asked(self, query: Query) -> Asked:
        listed = None
        if query.listed_with is not None:
            listed = [*await self._patients(query.listed_with, query.patient), *query.besides]
        linked = [await self._link(query, link) for link in query.links]
        return asked_from_query(query, listed, linked, await self._lead(query, linked))

    async def _lead(self, query: Query, linked: Sequence[Document]) -> Document | None:
        """Of several things to go in by, the one that leaves the fewest, where they are few."""
        found = [] if query.patient is not None else leads(query, linked)
        if len(found) < 2:
            return None
        if (lead := find_lead(query)) is not None:
            return lead
        counted = [(await self._total(Asked({"type": query.type, **one}, "value"), FEW + 1), one) for one in found]
        count, lead = min(counted, key=lambda pair: pair[0])
        return lead if count <= FEW else None

    async def _patients(self, organization: str, patient: str | None = None) -> list[str]:
        """The patients listed with an organisation; of one patient, whether that one is."""
        known = self._listings.get((organization, patient))
        if known is None:
            asked = {**listing(organization), **({} if patient is None else {"id": patient})}
            found = self._resources.find(asked, {"_id": 0, "id": 1}, session=self._session)
            known = self._listings[organization, patient] = [one["id"] for one in await self._listed(found)]
        return known

    async def _link(self, query: Query, link: Link) -> Document:
        """What a match fulfils that has one of the resources that the link's queries describe."""
        found = []
        for other in link.queries:
            if link.reverse:
                found.append({"id": {"$in": await self._targets(query.type, link.parameter, other)}})
            else:
                found.append(referring(link.parameter, other.type, await self._ids(other)))
        if len(found) == 1:
            return found[0]
        return {"$or": found} if found else NOTHING

    async def _ids(self, query: Query) -> list[str]:
        """The ids of all that match."""
        asked = await self._asked(query)
        found = self._resources.find(asked.filter, {"_id": 0, "id": 1}, session=self._session, **asked.hinted)
        documents = await self._listed(found.limit(MOST_LINKED - self._linked + 1))
        self._count(len(documents))
        return [document["id"] for document in documents]

    async def _targets(self, type: str, parameter: str, query: Query) -> list[str]:
        """The ids of all of a type that matches refer to under a parameter."""
        asked = await self._asked(query)
        steps: list[Document] = [
            {"$match": asked.filter},
            {"$project": {"text": references(parameter)}},
            {"$unwind": "$text"},
            {"$group": {"_id": "$text"}},
            {"$limit": MOST_LINKED - self._linked + 1},
        ]
        documents = await self._gathered(steps, asked)
        self._count(len(documents))
        return target_ids((document["_id"] for document in documents), type)

    def _count(self, more: int) -> None:
        self._linked += more
        if self._linked > MOST_LINKED:
            raise TooCostly(f"what is linked to is more than {MOST_LINKED} resources; ask for less of it")

    # ── asking ───────────────────────────────────────────────────────────────────────────────────

    async def _total(self, asked: Asked, limit: int | None = None) -> int:
        options = asked.hinted if limit is None else {**asked.hinted, "limit": limit}
        return int(
            await self._resources.count_documents(
                asked.filter, session=self._session, maxTimeMS=self._left(), **options
            )
        )

    async def _sorted(self, asked: Asked, query: Query, place: Place | None) -> list[Document]:
        orders = effective_orders(query)
        after = [] if place is None else [after_place(place, orders)]
        wanted: Document = {"$and": [asked.filter, *after]}
        marks, sort = pipeline_sort(orders)
        if not any(may_be_missing(order) and not order.descending for order in orders):
            found = self._resources.find(wanted, _SHOWN, session=self._session, **asked.hinted)
            return await self._listed(found.sort(list(sort.items())).limit(query.count + 1))
        steps: list[Document] = [{"$match": wanted}, {"$set": marks}, {"$sort": sort}, {"$limit": query.count + 1}]
        return await self._gathered([*steps, {"$project": _SHOWN}], asked)

    async def _listed(self, cursor: Any) -> list[Document]:
        documents: list[Document] = await cursor.max_time_ms(self._left()).to_list(None)
        return documents

    async def _gathered(self, steps: Sequence[Document], asked: Asked) -> list[Document]:
        options = {"session": self._session, "maxTimeMS": self._left(), **asked.hinted}
        cursor = await settled(self._resources.aggregate(list(steps), **options))
        documents: list[Document] = await cursor.to_list(None)
        return documents

    def _left(self) -> int:
        """Milliseconds that are left. Raises QueryTooLong when none are."""
        left = int((self._until - time.monotonic()) * 1000)
        if left <= 0:
            raise too_long(self._seconds)
        return left


def too_long(seconds: float) -> QueryTooLong:
    return QueryTooLong(f"this took longer than {seconds:g} seconds; ask for less, or for one patient")


async def settled(answer: Any) -> Any:
    """The answer of a call that one driver awaits and the other does not."""
    return await answer if inspect.isawaitable(answer) else answer
