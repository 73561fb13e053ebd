"""Who goes on with exports: each process of the service looks for one that nobody holds, a few at a time.

A process that dies lets go of its exports, and whoever looks next goes on with them.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from careplan.domain.errors import CareplanError
from careplan.interactions.context import Context, House
from careplan.interactions.export.folder import Folder, folders_in, remove_gone
from careplan.interactions.export.job import Failure, Job, Progress
from careplan.interactions.export.run import ContextOf, in_thread, run
from careplan.store.protocol import QueryTooLong, StoreUnavailable

log = logging.getLogger("careplan.export")

AT_ONCE = 2
"""Exports that one process goes on with at the same time."""

LOOK = 1.0
"""Seconds between two looks for work."""

BREATH = 0.01
"""Seconds between two pages, for those who use the service meanwhile."""

_LATER = (StoreUnavailable, QueryTooLong, OSError)
"""What may be over when the export is gone on with at the next look."""


async def work(house: House, clock: Callable[[], datetime], new_id: Callable[[], str]) -> None:
    """Go on with exports until cancelled; nothing that goes wrong with one of them ends it."""
    await asyncio.gather(*(_look_on(house, clock, new_id) for _ in range(AT_ONCE)))


async def go_on(house: House, clock: Callable[[], datetime], new_id: Callable[[], str]) -> None:
    """One look: bring every export that nobody holds to its end, and clear away what has expired."""

    def context_of(job: Job) -> Context:
        return Context(house, job.caller, clock(), new_id, job.base)

    root = house.exports.folder
    for folder in await in_thread(partial(waiting, root)):
        await _go_on_with(folder, context_of)
    await in_thread(partial(sweep, root, clock() - house.exports.keep))


def waiting(root: Path) -> list[Folder]:
    """Exports that have not ended, the one that has waited longest first."""
    found = []
    for folder in folders_in(root):
        with contextlib.suppress(OSError):
            if folder.holds_one() and not folder.has_ended():
                found.append(folder)
    return found


def sweep(root: Path, before: datetime) -> None:
    """Take away what nothing has happened with since a moment, and delete what is taken away."""
    for folder in folders_in(root):
        with contextlib.suppress(OSError):
            if folder.touched() < before.timestamp() and (not folder.holds_one() or _is_left(folder)):
                folder.take_away()
    remove_gone(root)


def _is_left(folder: Folder) -> bool:
    """Whether nobody holds it."""
    with folder.claim() as ours:
        return ours


async def _look_on(house: House, clock: Callable[[], datetime], new_id: Callable[[], str]) -> None:
    while True:
        try:
            await go_on(house, clock, new_id)
        except OSError as error:
            log.error("the folder of exports ended with %s", type(error).__name__)
        await asyncio.sleep(LOOK)


async def _go_on_with(folder: Folder, context_of: ContextOf) -> None:
    """To its end, unless somebody else holds it. What goes wrong for good ends it; the rest is tried again later."""
    try:
        with folder.claim() as ours:
            if ours:
                await _to_the_end(folder, context_of)
    except FileNotFoundError:
        return
    except _LATER as error:
        log.error("an export waits after %s", type(error).__name__)


async def _to_the_end(folder: Folder, context_of: ContextOf) -> None:
    try:
        async for _ in run(folder, context_of):
            await asyncio.sleep(BREATH)
    except _LATER:
        raise
    except CareplanError as error:
        await in_thread(partial(_fail, folder, context_of, Failure(error.code, error.message)))
    except Exception as error:
        log.error("an export ended with %s", type(error).__name__)
        await in_thread(partial(_fail, folder, context_of, Failure("careplan-error", "")))


def _fail(folder: Folder, context_of: ContextOf, failure: Failure) -> Progress:
    ended = replace(folder.progress(), failed=failure, finished=context_of(folder.job()).now)
    folder.keep(ended)
    return ended
