"""Which edition the kept search values are of, and the walk that brings those of an older one to another.

What a resource can be found by is worked out when it is written. When that changes with a release, what is stored
already lacks the new values; so a store notes an edition and, asked for another, walks once along its change feed and
has the values of every resource worked out again. Versions, instants, compartments and positions stay as they are.

The walk goes by feed position, which is noted after each portion: what is killed goes on there. What is written
meanwhile stands further up the feed; by a process of the same edition it is found as it should be, and by an older
one it is met before the walk ends. From then on the store takes no writes of a process of another edition, which
would leave out values unseen. Of several processes that start at once the one with the lease walks, the others wait.
Not here: what is extracted (`careplan.fhir.index`), and how a store keeps place and lease (`sqlite_edition.py`,
`mongo_edition.py`). Decided in docs/decisions/0002-two-stores.md.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from careplan.store.protocol import Extract, StoreUnavailable, Tell, Version, Write

FORM = 1
"""Raise by one when a store keeps other things of the same search values: other pairs (`pair.py`), other forms to
compare (`sortable.py`, `cursor.py`), other columns or fields."""

PORTION = 500
"""Most resources of one portion; `PORTION_BYTES`: as soon as their bodies are that large, it is enough."""

PORTION_BYTES = 8 * 1024 * 1024

LEASE_SECONDS = 15
"""How long a process that was killed keeps the others waiting. Each portion renews it; one that takes longer is done
twice, which does no harm."""

_WAIT_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Portion:
    """The current versions of some resources, by feed position: all there are up to and including `upto`.

    last  the last position of the feed when it was read; a portion with nothing left to do has upto = after
    """

    versions: tuple[Version, ...]
    upto: int
    last: int


@dataclass(frozen=True, slots=True)
class Place:
    """How far the walk towards an edition is. `held`: whether the lease is ours. `done`: all is of that edition."""

    position: int
    held: bool
    done: bool


class Shelf(Protocol):
    """What the walk needs of a store. Each method can be asked again; `holder` names who has the lease."""

    async def claim(self, edition: str, holder: str) -> Place:
        """Take or renew the lease, if it is free; a walk towards another edition starts over."""
        ...

    async def read(self, after: int) -> Portion:
        """The next portion above a feed position."""
        ...

    async def put(self, holder: str, portion: Portion, writes: Iterable[Write]) -> bool:
        """Exchange the values of those that are still current and note the place. False: the lease was lost."""
        ...

    async def finish(self, edition: str, last: int) -> None:
        """Note the edition, if the feed still ends at `last`."""
        ...

    async def release(self, holder: str) -> None:
        """Give the lease back, if it is held."""
        ...


async def reindex(shelf: Shelf, extract: Extract, edition: str, tell: Tell) -> str:
    """Bring all kept values to an edition, by this process or by one that started beside it.

    Returns the edition as it is noted, with the form in which this release keeps values
    """
    edition, holder = f"{edition}/{FORM}", uuid4().hex
    while not (place := await shelf.claim(edition, holder)).done:
        if place.held:
            await _walk(shelf, extract, edition, holder, place.position, tell)
        else:
            await asyncio.sleep(_WAIT_SECONDS)
    if place.held:
        await shelf.release(holder)
    return edition


async def _walk(shelf: Shelf, extract: Extract, edition: str, holder: str, after: int, tell: Tell) -> None:
    """Walk to the end of the feed and note the edition; less far where the lease was lost, or others have written."""
    try:
        while (portion := await shelf.read(after)).upto > after:
            writes = [write for version in portion.versions if (write := _rewritten(version, extract)) is not None]
            if not await shelf.put(holder, portion, writes):
                return
            after = portion.upto
            tell(after, portion.last)
        await shelf.finish(edition, after)
    finally:
        await shelf.release(holder)


def _rewritten(version: Version, extract: Extract) -> Write | None:
    """The write that made this version, with the values of today."""
    values = extract(version)
    if values is None:
        return None
    number, method = version.number - 1, version.method
    return Write(version.type, version.id, number, version.at, version.patient, version.body, values, method)


def outdated() -> StoreUnavailable:
    """Why a process of another edition than the store's writes no more."""
    return StoreUnavailable("another release of the service has taken over this store; stop this one, or start it anew")
