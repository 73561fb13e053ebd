"""Transactions in MongoDB that nobody goes on with: found by those who wait for them, and ended.

A process that is killed leaves its transaction open on the server, and with it the counter, which every commit starts
with, until the server ends it after a minute. So whoever is refused the counter for a while looks at the open
transactions of this service on this database. One that was asked nothing between two looks is ended. If the process
was not dead but stood still, it loses a try, not a write: it is told that its transaction is gone, and starts again.
Both commands are open to every user for what is its own; where the server refuses them all the same, it is waited for.
Not here: when a commit is tried again (`mongo.py`).
https://www.mongodb.com/docs/manual/reference/operator/aggregation/currentOp/ ·
https://www.mongodb.com/docs/manual/reference/command/killSessions/
"""

import contextlib
import re
import time
from typing import Any, TypeAlias

from pymongo import ReadPreference
from pymongo.errors import PyMongoError

from careplan.store.mongo_document import Document
from careplan.store.mongo_search import settled

ABANDONED_SECONDS = 2.0
"""A transaction that was asked nothing for so long is ended."""

LOOK_SECONDS = 0.5
"""How long a commit is refused before others are looked at, and from one look to the next."""

_DATABASE = re.compile(r"[^:/]+://[^/]+/([^?]*)")
_LONGEST = 128

_Idle: TypeAlias = tuple[Any, int, int]
"""A transaction that waits to be asked: its session, its number there, and the microseconds it has worked so far."""


def application_of(url: str) -> str:
    """The name under which the server shows what this service does on the database of a URL."""
    found = _DATABASE.match(url)
    return f"careplan/{found[1] if found else ''}"[:_LONGEST]


class Watch:
    """What one process has seen of the transactions it had to wait for."""

    def __init__(self, client: Any, application: str) -> None:
        self._admin = client.get_database("admin", read_preference=ReadPreference.PRIMARY)
        self._application = application
        self._looked = 0.0
        self._since: dict[_Idle, float] = {}

    async def look(self, refused: float) -> None:
        """End what is abandoned, if it is time to look.

        refused  since when a commit is (`time.monotonic`)
        """
        if time.monotonic() < max(self._looked, refused) + LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        with contextlib.suppress(PyMongoError):
            found = await self._idle()
            self._since = {one: self._since.get(one, time.monotonic()) for one in found}
            dead = [one for one, since in self._since.items() if self._looked - since >= ABANDONED_SECONDS]
            if dead:
                await self._admin.command("killSessions", [{"id": session} for session, _, _ in dead])

    async def _idle(self) -> list[_Idle]:
        """The service's open transactions that the server does nothing for at the moment."""
        steps: list[Document] = [
            {"$currentOp": {"idleSessions": True}},
            {"$match": {"appName": self._application, "active": False, "transaction.parameters.autocommit": False}},
        ]
        found = await (await settled(self._admin.aggregate(steps))).to_list(None)
        return [
            (one["lsid"]["id"], one["transaction"]["parameters"]["txnNumber"], one["transaction"]["timeActiveMicros"])
            for one in found
        ]
