"""What one process remembers of the store for a moment, and forgets as soon as it writes something else.

Nothing is kept that was read while something was written: whoever writes calls `forget` before the answer leaves, and
what was looked for meanwhile is not kept. What another process writes is seen after `KEPT` at the latest.
"""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

Value = TypeVar("Value")

KEPT = timedelta(seconds=2)
"""How long something may be remembered that another process has changed."""

MOST = 4096


@dataclass(slots=True)
class Memory(Generic[Value]):
    """Values by key. One event loop uses it, so nothing changes between two awaits."""

    _kept: dict[Hashable, tuple[Value, datetime]] = field(default_factory=dict)
    _written: int = 0

    async def recall(self, key: Hashable, now: datetime, find: Callable[[], Awaitable[Value]]) -> Value:
        """What is remembered under a key, else what is found now."""
        known = self._kept.get(key)
        if known is not None and known[1] <= now < known[1] + KEPT:
            return known[0]
        before = self._written
        value = await find()
        if before == self._written:
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = value, now
        return value

    def forget(self) -> None:
        """Something was written."""
        self._written += 1
        self._kept.clear()
