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
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient, InsertOne, ReadPreference, ReplaceOne, ReturnDocument
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from careplan.fhir.query import Query
from careplan.store.cursor import number_from_text, place_from_text, text_from_number, text_from_place
from careplan.store.mongo_query import (
    INDEXES,
    LIVE,
    Document,
    after_place,
    filter_from_query,
    hint_for,
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
from careplan.store.sortable import milliseconds_from_at

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
                await store._check_replicas()
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
        self,
        type: str,
        id: str,
        *,
        since: datetime | None = None,
        count: int = 100,
        after: str | None = None,
        patients: frozenset[str] | None = None,
    ) -> HistoryPage:
        """Versions of one resource, newest first; the place of a page is a version number."""
        asked: Document = {"of": f"{type}/{id}"}
        if since is not None:
            asked["at"] = {"$gte": milliseconds_from_at(since)}
        if patients is not None:
            asked["p"] = {"$in": sorted(patients)}
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
            total = await self._total(asked, query, session) if query.total else None
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
            await asyncio.wait([self._writer])
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
            try:
                yield session
            finally:
                self._sessions.append(session)

    async def _filter(self, query: Query, session: Any) -> Document:
        if query.listed_with is None:
            return filter_from_query(query, None)
        asked = listing(query.listed_with)
        if query.patient is not None:
            asked["id"] = query.patient
        found = await self._resources.find(asked, {"_id": 0, "id": 1}, session=session).to_list(None)
        return filter_from_query(query, [document["id"] for document in found])

    async def _total(self, asked: Document, query: Query, session: Any) -> int:
        return int(await self._resources.count_documents(asked, session=session, **_hinted(query)))

    async def _sorted(self, asked: Document, query: Query, session: Any) -> list[Document]:
        orders = effective_orders(query)
        marks, sort = pipeline_sort(orders)
        if not any(may_be_missing(order) and not order.descending for order in orders):
            found = self._resources.find(asked, _SHOWN, session=session, **_hinted(query))
            documents: list[Document] = await found.sort(list(sort.items())).limit(query.count + 1).to_list(None)
            return documents
        steps: list[Document] = [{"$match": asked}, {"$set": marks}, {"$sort": sort}, {"$limit": query.count + 1}]
        cursor = await _settled(
            self._resources.aggregate([*steps, {"$project": _SHOWN}], session=session, **_hinted(query))
        )
        documents = await cursor.to_list(None)
        return documents

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    async def _write_on(self) -> None:
        """Commit what waits, together, until nothing waits; when cancelled, answer those that wait all the same."""
        commits: list[_Commit] = []
        try:
            while self._waiting:
                commits = [self._waiting.popleft() for _ in range(min(len(self._waiting), _COMMITS_TOGETHER))]
                for commit, outcome in zip(commits, await self._outcomes(commits), strict=True):
                    _settle(commit, outcome)
        except asyncio.CancelledError as error:
            for commit in (*commits, *self._waiting):
                _settle(commit, _unavailable(error))
            self._waiting.clear()
            raise

    async def _outcomes(self, commits: Sequence[_Commit]) -> list[Outcome]:
        """What each commit comes to, together; each alone when one of them cannot be stored at all. Raises nothing."""
        try:
            return await self._committed(commits)
        except PyMongoError as error:
            return [_unavailable(error) for _ in commits]
        except Exception:
            return [await self._committed_alone(commit) for commit in commits]

    async def _committed_alone(self, commit: _Commit) -> Outcome:
        try:
            return (await self._committed([commit]))[0]
        except Exception as error:
            return _unavailable(error)

    async def _committed(self, commits: Sequence[_Commit]) -> list[Outcome]:
        """What each commit comes to, in one transaction, tried again while the server asks for it."""
        until, pause = time.monotonic() + _RETRY_SECONDS, _PAUSE_SECONDS
        session = await _settled(self._client.start_session())
        try:
            while True:
                try:
                    return await self._tried(session, commits, until)
                except PyMongoError as error:
                    if not error.has_error_label("TransientTransactionError") or time.monotonic() > until:
                        raise
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        finally:
            await _settled(session.end_session())

    async def _tried(self, session: Any, commits: Sequence[_Commit], until: float) -> list[Outcome]:
        await _settled(
            session.start_transaction(
                read_concern=ReadConcern("snapshot"), write_concern=_MAJORITY, read_preference=ReadPreference.PRIMARY
            )
        )
        try:
            outcomes = await self._applied(session, commits)
            if all(isinstance(outcome, Exception) for outcome in outcomes):
                await session.abort_transaction()
                return outcomes
            await _end(session, until)
        except BaseException:
            if session.in_transaction:
                with contextlib.suppress(PyMongoError):
                    await session.abort_transaction()
            raise
        self._seen = (session.cluster_time, session.operation_time)
        return outcomes

    async def _applied(self, session: Any, commits: Sequence[_Commit]) -> list[Outcome]:
        """Everything but the end of the transaction."""
        writes = [write for commit in commits for write in commit.writes]
        counter = await self._counters.find_one_and_update(
            {"_id": "position"},
            {"$inc": {"value": len(writes)}},
            session=session,
            return_document=ReturnDocument.AFTER,
        )
        ids = sorted({f"{write.type}/{write.id}" for write in writes})
        current = await self._resources.find({"_id": {"$in": ids}}, {"n": 1}, session=session).to_list(None)
        numbers = {document["_id"]: document["n"] for document in current}
        batch = _Batch(session, counter["value"] - len(writes), numbers)
        outcomes = [await self._taken(batch, commit) for commit in commits]
        await self._flush(batch)
        return outcomes

    async def _taken(self, batch: _Batch, commit: _Commit) -> Outcome:
        """One commit into the batch, or what is wrong with it."""
        try:
            for guard in commit.guards:
                await self._flush(batch)
                await self._check(batch, guard)
            return _numbered(batch, commit.writes)
        except (GuardFailed, VersionConflict) as error:
            return error

    async def _check(self, batch: _Batch, guard: Guard) -> None:
        query = guarding(guard)
        asked = await self._filter(query, batch.session)
        found = self._resources.find(asked, {"id": 1, "n": 1}, session=batch.session).limit(query.count)
        if any(f"{match['id']}@{match['n']}" not in guard.allowed for match in await found.to_list(None)):
            raise GuardFailed(guard.key)

    async def _flush(self, batch: _Batch) -> None:
        """Send the batch's documents to the server, inside the transaction."""
        if not batch.versions:
            return
        await self._versions.insert_many(batch.versions, session=batch.session)
        await self._resources.bulk_write(
            [
                InsertOne(document) if document["n"] == 1 else ReplaceOne({"_id": id}, document, upsert=True)
                for id, document in batch.resources.items()
            ],
            ordered=False,
            session=batch.session,
        )
        batch.versions.clear()
        batch.resources.clear()

    # ── indexes ──────────────────────────────────────────────────────────────────────────────────

    async def _check_replicas(self) -> None:
        hello = await self._client.get_database("admin").command("hello")
        if "setName" not in hello:
            raise StoreUnavailable("the server is not a member of a replica set, which transactions need")

    async def _make_indexes(self) -> None:
        for name, keys in INDEXES.items():
            await self._resources.create_index(list(keys), name=name, unique=name == "id", partialFilterExpression=LIVE)
        await self._versions.create_index([("of", 1), ("n", 1)], name="number", unique=True)
        await self._counters.update_one({"_id": "position"}, {"$setOnInsert": {"value": 0}}, upsert=True)
        there = set(await self._resources.index_information()) | set(await self._versions.index_information())
        if missing := {*INDEXES, "number"} - there:
            raise StoreUnavailable(f"the database lacks the indexes {', '.join(sorted(missing))}")


def _hinted(query: Query) -> dict[str, str]:
    hint = hint_for(query)
    return {} if hint is None else {"hint": hint}


def _numbered(batch: _Batch, writes: Sequence[Write]) -> tuple[Version, ...]:
    """Give each write its number and position and put it into the batch: all of them, or none."""
    numbers = dict(batch.numbers)
    for write in writes:
        current = numbers.get(f"{write.type}/{write.id}", 0)
        if current != write.expects:
            raise VersionConflict(f"{write.type}/{write.id}")
        numbers[f"{write.type}/{write.id}"] = current + 1
    batch.numbers = numbers
    return tuple(_put(batch, write) for write in writes)


def _put(batch: _Batch, write: Write) -> Version:
    batch.position += 1
    number = write.expects + 1
    version = version_document(write, number, batch.position)
    batch.versions.append(version)
    resource = resource_document(write, number, batch.position)
    batch.resources[resource["_id"]] = resource
    return version_from_document(version)


async def _end(session: Any, until: float) -> None:
    """Commit, and ask again while the server does not know whether it did; a commit asked twice happens once."""
    while True:
        try:
            await session.commit_transaction()
            return
        except PyMongoError as error:
            if not error.has_error_label("UnknownTransactionCommitResult") or time.monotonic() > until:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)


def _settle(commit: _Commit, outcome: Outcome) -> None:
    if commit.answer.done():
        return
    if isinstance(outcome, Exception):
        commit.answer.set_exception(outcome)
    else:
        commit.answer.set_result(outcome)


async def _settled(answer: Any) -> Any:
    """The answer of a call that one driver awaits and the other does not."""
    return await answer if inspect.isawaitable(answer) else answer


@contextlib.contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        raise _unavailable(error) from error


def _unavailable(error: BaseException) -> StoreUnavailable:
    """What a fault is to a caller: its kind alone, since the driver's words may hold values."""
    return StoreUnavailable(f"the store did not answer: {type(error).__name__}")
