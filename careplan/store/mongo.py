"""The store on a MongoDB replica set: for where users outgrow one machine. The only module that knows a driver.

Through Motor; or through PyMongo's own async client (`driver="pymongo"`), which takes over when Motor ends. The two
differ in what has to be awaited, and `_settled` is all that knows. https://motor.readthedocs.io ·
https://www.mongodb.com/docs/manual/core/transactions-in-applications/

Writes are acknowledged by the majority and its journals. The commits that wait go into one transaction, whose first
step takes their feed positions from one counter document. So transactions come one after the other, over all
processes: a position seen means that no lower one appears later, and no guard can miss a write that it raced with.
Reads are of majority-committed data on the primary, after the last write of this process.
"""

import asyncio
import contextlib
import inspect
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient, InsertOne, ReadPreference, ReplaceOne, ReturnDocument
from pymongo.errors import ConfigurationError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from careplan.fhir.search import Query
from careplan.store.cursor import number_from_text, place_from_text, text_from_number, text_from_place
from careplan.store.mongo_query import (
    INDEXES,
    LIVE,
    Document,
    after_place,
    filter_from_query,
    listing,
    may_be_missing,
    pipeline_sort,
    resource_document,
    sort_values,
    version_document,
    version_from_document,
)
from careplan.store.order import effective_orders, guarding, sort_type
from careplan.store.protocol import (
    Guard,
    GuardFailed,
    HistoryPage,
    Page,
    StoreUnavailable,
    Version,
    VersionConflict,
    Write,
)
from careplan.store.sortable import at_from_milliseconds, milliseconds_from_at

Outcome: TypeAlias = tuple[Version, ...] | Exception

_CLIENTS: dict[str, Any] = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}
_MAJORITY = WriteConcern(w="majority", j=True)
_READ_MAJORITY = ReadConcern("majority")
_SHOWN = {"n": 1, "at": 1, "p": 1, "pos": 1, "body": 1, "id": 1, "s": 1}
_COMMITS_TOGETHER = 128
_RETRY_SECONDS = 30.0
_PAUSE_SECONDS = 0.002
_LONGEST_PAUSE_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit that waits, and where its answer goes."""

    writes: tuple[Write, ...]
    guards: tuple[Guard, ...]
    answer: "asyncio.Future[tuple[Version, ...]]"


@dataclass(slots=True)
class _Batch:
    """What one try of a transaction has found and is about to write."""

    session: Any
    position: int
    numbers: dict[str, int]
    versions: list[Document] = field(default_factory=list)
    resources: dict[str, Document] = field(default_factory=dict)


class MongoStore:
    """The `Store` protocol on one database of a replica set."""

    def __init__(self, client: Any, database: str) -> None:
        self._client = client
        db = client.get_database(
            database, read_concern=_READ_MAJORITY, write_concern=_MAJORITY, read_preference=ReadPreference.PRIMARY
        )
        self._resources, self._versions, self._counters = db["resource"], db["version"], db["counter"]
        self._waiting: deque[_Commit] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._sessions: list[Any] = []
        self._seen: tuple[Any, Any] | None = None
        self._closed = False

    @classmethod
    async def connect(cls, url: str, driver: str = "motor") -> "MongoStore":
        """Connect, make the indexes, and see that they are there.

        url     `mongodb://host:port/database?replicaSet=name`
        driver  `motor` or `pymongo`
        Raises  StoreUnavailable, also when the server is no replica set or the URL names no database
        """
        with _available():
            client = _CLIENTS[driver](url, tz_aware=True)
            try:
                store = cls(client, client.get_default_database().name)
                await store._make_indexes()
            except BaseException:
                await _settled(client.close())
                raise
        return store

    async def read(self, type: str, id: str) -> Version | None:
        """The current version, deletions included."""
        return await self._find_one(self._resources, {"_id": f"{type}/{id}"})

    async def vread(self, type: str, id: str, number: int) -> Version | None:
        """That version."""
        return await self._find_one(self._versions, {"of": f"{type}/{id}", "n": min(number, 2**62)})

    async def history(
        self, type: str, id: str, *, since: datetime | None = None, count: int = 100, after: str | None = None
    ) -> HistoryPage:
        """Versions of one resource, newest first; the place of a page is a version number."""
        asked: Document = {"of": f"{type}/{id}"}
        if since is not None:
            asked["at"] = {"$gte": milliseconds_from_at(since)}
        place = {} if after is None else {"n": {"$lt": number_from_text(after)}}
        count = max(count, 0)
        async with self._reading() as session:
            total = await self._versions.count_documents(asked, session=session)
            found = self._versions.find({**asked, **place}, session=session).sort("n", -1).limit(count + 1)
            documents = await found.to_list(None)
        versions = tuple(map(version_from_document, documents[:count]))
        more = len(documents) > len(versions) > 0
        return HistoryPage(versions, total, text_from_number(versions[-1].number) if more else None)

    async def search(self, query: Query) -> Page:
        """One page, in the query's order."""
        orders = effective_orders(query)
        place = None
        if query.after is not None:
            place = place_from_text(query.after, [sort_type(order) for order in orders[:-1]])
        async with self._reading() as session:
            asked = await self._filter(query, session)
            total = await self._resources.count_documents(asked, session=session) if query.total else None
            if query.count <= 0:
                return Page((), None, total)
            if place is not None:
                asked = {"$and": [asked, after_place(place, orders)]}
            documents = await self._sorted(asked, query, session)
        shown = documents[: query.count]
        more = len(documents) > query.count
        last = text_from_place(sort_values(shown[-1], orders), shown[-1]["id"]) if more else None
        return Page(tuple(map(version_from_document, shown)), last, total)

    async def commit(self, writes: Sequence[Write], guards: Sequence[Guard] = ()) -> tuple[Version, ...]:
        """All writes or none, on the majority's disks before it returns."""
        if self._closed:
            raise StoreUnavailable("the store is closed")
        answer: asyncio.Future[tuple[Version, ...]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Commit(tuple(writes), tuple(guards), answer))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_on(), name="careplan-writer")
        return await answer

    async def changes(self, after: int, limit: int = 1000) -> tuple[Version, ...]:
        """The feed, by position."""
        async with self._reading() as session:
            found = self._versions.find({"_id": {"$gt": after}}, session=session).sort("_id", 1).limit(limit)
            return tuple(map(version_from_document, await found.to_list(None)))

    async def close(self) -> None:
        """Write what waits, then let go of the connections."""
        self._closed = True
        if self._writer is not None:
            await self._writer
        with contextlib.suppress(PyMongoError):
            while self._sessions:
                await _settled(self._sessions.pop().end_session())
        await _settled(self._client.close())

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    async def _find_one(self, collection: Any, asked: Document) -> Version | None:
        async with self._reading() as session:
            document = await collection.find_one(asked, session=session)
        return None if document is None else version_from_document(document)

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[Any]:
        """A causally consistent session that has seen what this process last wrote; kept for the next reader."""
        with _available():
            session = self._sessions.pop() if self._sessions else await _settled(self._client.start_session())
            if self._seen is not None:
                session.advance_cluster_time(self._seen[0])
                session.advance_operation_time(self._seen[1])
            yield session
            self._sessions.append(session)

    async def _filter(self, query: Query, session: Any) -> Document:
        if query.listed_with is None:
            return filter_from_query(query, None)
        asked = listing(query.listed_with)
        if query.patient is not None:
            asked["id"] = query.patient
        found = await self._resources.find(asked, {"_id": 0, "id": 1}, session=session).to_list(None)
        return filter_from_query(query, [document["id"] for document in found])

    async def _sorted(self, asked: Document, query: Query, session: Any) -> list[Document]:
        orders = effective_orders(query)
        marks, sort = pipeline_sort(orders)
        if not any(may_be_missing(order) and not order.descending for order in orders):
            found = self._resources.find(asked, _SHOWN, session=session)
            documents: list[Document] = await found.sort(list(sort.items())).limit(query.count + 1).to_list(None)
            return documents
        steps: list[Document] = [{"$match": asked}, {"$set": marks}, {"$sort": sort}, {"$limit": query.count + 1}]
        cursor = await _settled(self._resources.aggregate([*steps, {"$project": _SHOWN}], session=session))
        documents = await cursor.to_list(None)
        return documents

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    async def _write_on(self) -> None:
        """Commit what waits, together, until nothing waits."""
        while self._waiting:
            commits = [self._waiting.popleft() for _ in range(min(len(self._waiting), _COMMITS_TOGETHER))]
            outcomes = await self._committed(commits)
            if len(commits) > 1 and any(isinstance(outcome, StoreUnavailable) for outcome in outcomes):
                outcomes = [(await self._committed([commit]))[0] for commit in commits]
            for commit, outcome in zip(commits, outcomes, strict=True):
                _settle(commit, outcome)
