"""The store on a MongoDB replica set: for where users outgrow one machine.

Through Motor; or through PyMongo's own async client (`driver="pymongo"`), which takes over when Motor ends. The two
differ in what has to be awaited, and `settled` is all that knows. Not here: how questions are asked
(`mongo_search.py`). https://motor.readthedocs.io ·
https://www.mongodb.com/docs/manual/core/transactions-in-applications/

Writes are acknowledged by the majority and its journals. The commits that wait go into one transaction, whose first
step takes their feed positions, and the instant they may not be before, from one counter document. So transactions
come one after the other, over all processes: a position seen means that no lower one appears later, and no guard can
miss a write that it raced with. Reads are of majority-committed data on the primary, after the last write of this
process.
"""

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient, InsertOne, ReadPreference, ReplaceOne, ReturnDocument, timeout
from pymongo.errors import ExecutionTimeout, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from careplan.domain.errors import CareplanError
from careplan.fhir.query import Query
from careplan.store.edition import outdated, reindex
from careplan.store.feed import rising
from careplan.store.mongo_document import (
    INDEXES,
    LIVE,
    TYPED,
    UNTYPED,
    VERSION_INDEXES,
    Document,
    resource_document,
    version_document,
    version_from_document,
)
from careplan.store.mongo_edition import INDEXING, MongoShelf
from careplan.store.mongo_read import FIELDS, Reads, asked_for
from careplan.store.mongo_search import Question, settled, too_long
from careplan.store.mongo_watch import Watch, application_of
from careplan.store.order import guarding
from careplan.store.protocol import (
    QUERY_SECONDS,
    Extract,
    Guard,
    GuardFailed,
    HistoryPage,
    Page,
    Past,
    StoreUnavailable,
    Tell,
    Version,
    VersionConflict,
    Write,
    mark_of,
)
from careplan.store.sortable import milliseconds_from_at

Outcome: TypeAlias = tuple[Version, ...] | Exception

_CLIENTS: dict[str, Any] = {"motor": AsyncIOMotorClient, "pymongo": AsyncMongoClient}
_MAJORITY = WriteConcern(w="majority", j=True)
_READ_MAJORITY = ReadConcern("majority")
_COMMITS_TOGETHER = 128
_GONE_SECONDS = 0.1
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
    instant: int | None
    numbers: dict[str, int]
    versions: list[Document] = field(default_factory=list)
    resources: dict[str, Document] = field(default_factory=dict)


class MongoStore:
    """The `Store` protocol on one database of a replica set."""

    def __init__(self, client: Any, database: str, seconds: float, watch: Watch) -> None:
        self._client, self._seconds = client, seconds
        db = client.get_database(
            database, read_concern=_READ_MAJORITY, write_concern=_MAJORITY, read_preference=ReadPreference.PRIMARY
        )
        self._resources, self._versions, self._counters = db["resource"], db["version"], db["counter"]
        self._waiting: deque[_Commit] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._reads = Reads(self._current)
        self._watch = watch
        self._sessions: list[Any] = []
        self._seen: tuple[Any, Any] | None = None
        self._edition: str | None = None
        self._closed = False

    @classmethod
    async def connect(cls, url: str, driver: str = "motor", seconds: float = QUERY_SECONDS) -> "MongoStore":
        """Connect, make the indexes, and see that they are there.

        url      `mongodb://host:port/database?replicaSet=name`
        driver   `motor` or `pymongo`
        seconds  how long one search or history may take, those of guards too
        Raises   StoreUnavailable, also when the server is no replica set or the URL names no database
        """
        with _available():
            application = application_of(url)
            client = _client(driver, url, application)
            try:
                store = cls(client, client.get_default_database().name, seconds, Watch(client, application))
                await store._check_replicas()
                await store._make_indexes()
            except BaseException:
                await settled(client.close())
                raise
        return store

    async def read(self, type: str, id: str) -> Version | None:
        """The current version, deletions included."""
        return await self._reads.find(f"{type}/{id}")

    async def vread(self, type: str, id: str, number: int) -> Version | None:
        """That version."""
        asked = {"of": f"{type}/{id}", "n": min(number, 2**62)}
        async with self._reading() as session:
            document = await self._versions.find_one(asked, session=session)
        return None if document is None else version_from_document(document)

    async def history(self, past: Past) -> HistoryPage:
        """One page of the versions."""
        async with self._reading() as session:
            return await self._question(session).history(self._versions, past)

    async def search(self, query: Query) -> Page:
        """One page, in the query's order."""
        async with self._reading() as session:
            return await self._question(session).page(query)

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

    async def reindex(self, extract: Extract, edition: str, tell: Tell) -> None:
        """Bring the search values to an edition, unless they are of it."""
        with _available():
            async with await settled(self._client.start_session()) as session:
                shelf = MongoShelf(self._resources, self._versions, self._counters, session)
                self._edition = await reindex(shelf, extract, edition, tell)
                self._seen = (session.cluster_time, session.operation_time)

    async def close(self) -> None:
        """Write what waits, then let go of the connections. For a server that is gone nothing waits."""
        self._closed = True
        gone = not self._client.topology_description.has_writable_server()
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=_GONE_SECONDS if gone else None)
            self._writer.cancel()
        with contextlib.suppress(PyMongoError, TimeoutError):
            async with asyncio.timeout(_GONE_SECONDS if gone else None):
                await self._reads.close()
                while self._sessions:
                    await settled(self._sessions.pop().end_session())
        with timeout(_GONE_SECONDS if gone else None):
            await settled(self._client.close())

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    async def _current(self, references: Sequence[str]) -> Mapping[str, Version]:
        """The current versions of these that there are."""
        async with self._reading() as session:
            found = self._resources.find(asked_for(references), FIELDS, session=session)
            return {document["_id"]: version_from_document(document) for document in await found.to_list(None)}

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[Any]:
        """A causally consistent session that has seen what this process last wrote; kept for the next reader."""
        with _available(), _in_time(self._seconds):
            session = self._sessions.pop() if self._sessions else await settled(self._client.start_session())
            if self._seen is not None:
                session.advance_cluster_time(self._seen[0])
                session.advance_operation_time(self._seen[1])
            try:
                yield session
            finally:
                self._sessions.append(session)

    def _question(self, session: Any) -> Question:
        return Question(self._resources, session, self._seconds)

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
        if len(commits) == 1:
            return [await self._committed_alone(commits[0])]
        try:
            return await self._committed(commits)
        except Exception as error:
            if isinstance(error, PyMongoError) and not isinstance(error, ExecutionTimeout):
                return [_unavailable(error) for _ in commits]
            return [await self._committed_alone(commit) for commit in commits]

    async def _committed_alone(self, commit: _Commit) -> Outcome:
        try:
            return (await self._committed([commit]))[0]
        except ExecutionTimeout:
            return too_long(self._seconds)
        except Exception as error:
            return _unavailable(error)

    async def _committed(self, commits: Sequence[_Commit]) -> list[Outcome]:
        """What each commit comes to, in one transaction, tried again while the server asks for it."""
        start, pause = time.monotonic(), _PAUSE_SECONDS
        until = start + _RETRY_SECONDS
        session = await settled(self._client.start_session())
        try:
            while True:
                try:
                    return await self._tried(session, commits, until)
                except PyMongoError as error:
                    if not error.has_error_label("TransientTransactionError") or time.monotonic() > until:
                        raise
                await self._watch.look(start)
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        finally:
            await settled(session.end_session())

    async def _tried(self, session: Any, commits: Sequence[_Commit], until: float) -> list[Outcome]:
        await settled(
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
            {"_id": "position"} if self._edition is None else {"_id": "position", "edition": self._edition},
            _taking(writes),
            session=session,
            return_document=ReturnDocument.BEFORE,
        )
        if counter is None:
            raise outdated()
        ids = sorted({f"{write.type}/{write.id}" for write in writes})
        current = await self._resources.find({"_id": {"$in": ids}}, {"n": 1}, session=session).to_list(None)
        numbers = {document["_id"]: document["n"] for document in current}
        batch = _Batch(session, counter["value"], counter.get("at"), numbers)
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
        except CareplanError as error:
            return error

    async def _check(self, batch: _Batch, guard: Guard) -> None:
        found = await self._question(batch.session).some(guarding(guard))
        if any(mark_of(match["id"], match["n"]) not in guard.allowed for match in found):
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
        for name, keys in VERSION_INDEXES.items():
            await self._versions.create_index(list(keys), name=name, unique=name == "number")
        await self._versions.update_many(UNTYPED, TYPED)
        await self._counters.update_one({"_id": "position"}, {"$setOnInsert": {"value": 0}}, upsert=True)
        newest = await self._versions.find_one({}, {"at": 1}, sort=[("at", -1)])
        if newest is not None:
            await self._counters.update_one({"_id": "position", "at": None}, {"$set": {"at": newest["at"]}})
        await self._counters.update_one({"_id": "indexing"}, {"$setOnInsert": INDEXING}, upsert=True)
        missing = set(INDEXES) - set(await self._resources.index_information())
        missing |= set(VERSION_INDEXES) - set(await self._versions.index_information())
        if missing:
            raise StoreUnavailable(f"the database lacks the indexes {', '.join(sorted(missing))}")


def _taking(writes: Sequence[Write]) -> Document:
    """What becomes of the counter: places for so many, and the newest of their instants, if it is the newest of all."""
    instants = [milliseconds_from_at(write.at) for write in writes]
    return {"$inc": {"value": len(writes)}} | ({"$max": {"at": max(instants)}} if instants else {})


def _numbered(batch: _Batch, writes: Sequence[Write]) -> tuple[Version, ...]:
    """Give each write its number, position and instant and put it into the batch: all of them, or none."""
    writes, instant = rising(writes, batch.instant)
    numbers = dict(batch.numbers)
    for write in writes:
        current = numbers.get(f"{write.type}/{write.id}", 0)
        if current != write.expects:
            raise VersionConflict(f"{write.type}/{write.id}")
        numbers[f"{write.type}/{write.id}"] = current + 1
    batch.numbers, batch.instant = numbers, instant
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


def _client(driver: str, url: str, application: str) -> Any:
    """A client of a driver. Raises StoreUnavailable, without the address, which may hold a password."""
    try:
        return _CLIENTS[driver](url, tz_aware=True, appname=application)
    except ValueError:
        said = "mongodb://host:port/database?replicaSet=name, user and password percent-encoded"
        raise StoreUnavailable(f"the address of the store cannot be read; it is {said}") from None


@contextlib.contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        raise _unavailable(error) from error


@contextlib.contextmanager
def _in_time(seconds: float) -> Iterator[None]:
    try:
        yield
    except ExecutionTimeout:
        raise too_long(seconds) from None


def _unavailable(error: BaseException) -> StoreUnavailable:
    """What a fault is to a caller: its kind alone, since the driver's words may hold values."""
    if isinstance(error, StoreUnavailable):
        return error
    return StoreUnavailable(f"the store did not answer: {type(error).__name__}")
