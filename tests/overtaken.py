"""A store in which somebody else is faster: what tests of lost races stand on."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from careplan.interactions.context import House
from careplan.store.protocol import Guard, Store, Version, Write

Work = Callable[[], Awaitable[object]]


class Overtaken:
    """Does somebody else's work just before the first commit that comes; all else is the store itself."""

    def __init__(self, store: Store, work: Work) -> None:
        self.store, self.works = store, [work]

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    async def commit(self, writes: Sequence[Write], guards: Sequence[Guard] = ()) -> tuple[Version, ...]:
        if self.works:
            await self.works.pop()()
        return await self.store.commit(writes, guards)


def overtaken(house: House, work: Work) -> House:
    """The same house for one who is too late; the work itself is done in the house as it was."""
    store: Any = Overtaken(house.store, work)
    return replace(house, store=store)
