"""Current versions from MongoDB: reads that are asked for together go to the server together.

A call of the driver costs several times what it finds. So the reads of one turn of the event loop, and those that come
while a call is under way, share one; a read alone goes at once. Each call starts after all its reads were asked for,
so it sees what was written before them. Not here: sessions, and what a fault is to a caller (`mongo.py`).
https://www.mongodb.com/docs/manual/reference/operator/query/in/
"""

import asyncio
import copy
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from careplan.store.mongo_document import Document
from careplan.store.protocol import StoreUnavailable, Version

FIELDS = {"n": 1, "at": 1, "p": 1, "pos": 1, "m": 1, "body": 1}
"""Of a resource, what makes its Version: not what it is found by."""

_TOGETHER = 64

Ask: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, Version]]]
"""References → the versions that there are. Raises StoreUnavailable."""

_Read: TypeAlias = "tuple[str, asyncio.Future[Version | None]]"


def asked_for(references: Sequence[str]) -> Document:
    """The filter for these resources; for one in the words that the server answers fastest."""
    return {"_id": references[0] if len(references) == 1 else {"$in": references}}


class Reads:
    """The reads of one process."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._waiting: list[_Read] = []
        self._asking: asyncio.Task[None] | None = None

    async def find(self, reference: str) -> Version | None:
        """The current version of `Goal/17`; None when there is none. Raises StoreUnavailable."""
        answer: asyncio.Future[Version | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((reference, answer))
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_on(), name="careplan-reads")
        return await answer

    async def close(self) -> None:
        """Wait until all are answered."""
        if self._asking is not None:
            await asyncio.wait([self._asking])

    async def _ask_on(self) -> None:
        """Ask for what waits until nothing does; when cancelled, answer those that wait all the same."""
        while self._waiting:
            reads, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
            try:
                _answer(reads, await self._ask(list({reference for reference, _ in reads})))
            except Exception as error:
                _refuse(reads, error)
            except asyncio.CancelledError:
                _refuse([*reads, *self._waiting], StoreUnavailable("the store is being closed"))
                self._waiting.clear()
                raise


def _answer(reads: Sequence[_Read], found: Mapping[str, Version]) -> None:
    for reference, answer in reads:
        if not answer.done():
            answer.set_result(found.get(reference))


def _refuse(reads: Sequence[_Read], error: Exception) -> None:
    """To each an error of its own, since whoever gets it adds where that was."""
    for _, answer in reads:
        if not answer.done():
            answer.set_exception(copy.copy(error))
