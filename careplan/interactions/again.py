"""Work that somebody else's write may overtake, done again from what stands then.

A pause of random length between tries keeps those who lost from meeting again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

Made = TypeVar("Made")

TRIES = 32
"""Each try that is lost means that somebody else's write stands."""

_PAUSE = 0.004


async def again(work: Callable[[], Awaitable[Made]], *overtaken: type[Exception]) -> Made:
    """What the work makes; raises what overtook it the last time."""
    for attempt in range(1, TRIES):
        try:
            return await work()
        except overtaken:
            await asyncio.sleep(random.uniform(0, _PAUSE * attempt))
    return await work()
