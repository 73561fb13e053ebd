"""The edition of the search values in MongoDB, and the place and lease of the walk towards another.

Two documents beside each other. `position`, which every commit takes its feed positions from, has `edition`: the one
that commits are of. `indexing` has `towards`, the edition of the last walk, `position`, how far that came, `complete`,
whether it came to the end, and the lease: `holder` and, by the server's clock, `until`. Values are exchanged a document
at a time where it is still the version that was read, so it needs no transaction: what is half done is done again.
Not here: when to walk (`edition.py`). https://www.mongodb.com/docs/manual/core/write-operations-atomicity/
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pymongo import UpdateOne

from careplan.store.edition import LEASE_SECONDS, PORTION, PORTION_BYTES, Place, Portion
from careplan.store.mongo_document import LIVE, Document, found_by, version_from_document
from careplan.store.protocol import Write

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

INDEXING: Document = {"towards": "", "position": 0, "complete": False, "holder": "", "until": _EPOCH}
"""The document before the first walk."""

_FEED = {"_id": "position"}
_WALK = {"_id": "indexing"}
_SIZED = {"of": 1, "size": {"$bsonSize": "$$ROOT"}}


class MongoShelf:
    """The walk on one database, in a causally consistent session of its own."""

    def __init__(self, resources: Any, versions: Any, counters: Any, session: Any) -> None:
        self._resources, self._versions, self._counters, self._session = resources, versions, counters, session

    async def claim(self, edition: str, holder: str) -> Place:
        """Looks first, so that a start with nothing to do writes nothing."""
        if (known := await self._place(edition, holder)).done:
            return known
        free: list[Document] = [{"holder": {"$in": ["", holder]}}, {"$expr": {"$lt": ["$until", "$$NOW"]}}]
        wanted = {"$literal": edition}
        same = {"$eq": ["$towards", wanted]}
        place = {"position": {"$cond": [same, "$position", 0]}, "complete": {"$and": ["$complete", same]}}
        taken = {"$set": {**place, "towards": wanted, "holder": holder, "until": _until()}}
        await self._counters.update_one({**_WALK, "$or": free}, [taken], session=self._session)
        return await self._place(edition, holder)

    async def _place(self, edition: str, holder: str) -> Place:
        walk = await self._counters.find_one(_WALK, session=self._session)
        noted = (await self._counters.find_one(_FEED, session=self._session)).get("edition")
        return Place(walk["position"], walk["holder"] == holder, noted == edition and walk["complete"])

    async def read(self, after: int) -> Portion:
        """The counter first: whatever it has given by then is there, or never will be."""
        last = (await self._counters.find_one(_FEED, session=self._session))["value"]
        above = self._versions.find({"_id": {"$gt": after, "$lte": last}}, _SIZED, session=self._session)
        positions, full = _first_of(await above.sort("_id", 1).limit(PORTION).to_list(None))
        ids = sorted(set(positions.values()))
        found = self._resources.find({"_id": {"$in": ids}, **LIVE}, session=self._session)
        current = {one["pos"]: version_from_document(one) for one in await found.to_list(None)}
        versions = tuple(current[position] for position in positions if position in current)
        return Portion(versions, max(positions) if full else last, last)

    async def put(self, holder: str, portion: Portion, writes: Iterable[Write]) -> bool:
        """Exchanges between two looks at the lease, so that whoever stood still for long overwrites nothing."""
        positions = {version.reference: version.position for version in portion.versions}
        updates = [_exchange(write, positions[f"{write.type}/{write.id}"]) for write in writes]
        if not await self._renew(holder, {}):
            return False
        if updates:
            await self._resources.bulk_write(updates, ordered=False, session=self._session)
        return await self._renew(holder, {"position": portion.upto})

    async def finish(self, edition: str, last: int) -> None:
        """A commit under way has the counter, and this waits for it; then the feed ends elsewhere."""
        noted = {"$set": {"edition": edition}}
        done = await self._counters.update_one({**_FEED, "value": last}, noted, session=self._session)
        if done.matched_count:
            complete = {"$set": {"complete": True}}
            await self._counters.update_one({**_WALK, "towards": edition}, complete, session=self._session)

    async def release(self, holder: str) -> None:
        await self._counters.update_one({**_WALK, "holder": holder}, {"$set": {"holder": ""}}, session=self._session)

    async def _renew(self, holder: str, place: Document) -> bool:
        renewed = [{"$set": {**place, "until": _until()}}]
        done = await self._counters.update_one({**_WALK, "holder": holder}, renewed, session=self._session)
        return bool(done.matched_count)


def _first_of(documents: Iterable[Document]) -> tuple[dict[int, str], bool]:
    """As many as make a portion, by position, and whether they do."""
    positions: dict[int, str] = {}
    size = 0
    for document in documents:
        positions[document["_id"]] = document["of"]
        size += document["size"]
        if len(positions) == PORTION or size >= PORTION_BYTES:
            return positions, True
    return positions, False


def _exchange(write: Write, position: int) -> UpdateOne:
    """New values for a resource, where it is still the version at this position."""
    return UpdateOne({"_id": f"{write.type}/{write.id}", "pos": position}, {"$set": found_by(write.type, write.values)})


def _until() -> Document:
    """When the lease ends that is taken now."""
    return {"$add": ["$$NOW", LEASE_SECONDS * 1000]}
