"""Reading an export page by page, from where it stands to its end.

Not here: who may go on with it, and when (`worker`). Memory holds one page, however large the record is.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from careplan.domain.errors import Fault
from careplan.fhir.outcome import outcome
from careplan.fhir.query import Criterion, DateIs, Query
from careplan.fhir.summary import reduced
from careplan.fhir.text import dump
from careplan.interactions.context import Context
from careplan.interactions.export.folder import Folder
from careplan.interactions.export.job import Job, Part, Progress
from careplan.interactions.read import store_of
from careplan.interactions.search import search
from careplan.interactions.settlement import settle
from careplan.store.protocol import Page, Version

PAGE = 200
"""Resources read at a time."""

BLOCK = 50
"""Members of a group asked for in one search."""

_MILLISECOND = timedelta(milliseconds=1)

ContextOf = Callable[[Job], Context]
Answer = TypeVar("Answer")


async def run(folder: Folder, context_of: ContextOf) -> AsyncIterator[tuple[Job, Progress]]:
    """Go on until the end; what is on disk after each page.

    context_of  the job's caller at this moment: access is asked again with every page
    Raises      Forbidden when the caller may no longer; StoreUnavailable; OSError, FileNotFoundError when taken away
    """
    job, progress = await in_thread(folder.state)
    await in_thread(partial(folder.cut, progress))
    await _settle(job, context_of(job))
    while progress.type < len(job.types):
        context = context_of(job)
        page = await _page(context, job, progress)
        lines = await _lines(context, job, page.matches)
        context.trail.act = "export"
        settle(context)
        onward = _onward(job, progress, page.next)
        limit = context.house.exports.resources
        progress = await in_thread(partial(_keep, folder, job, progress, lines, onward, limit))
        yield job, progress
    if not progress.ended:
        at = context_of(job).now
        progress = await in_thread(partial(_finish, folder, job, progress, at))
        yield job, progress


async def in_thread(work: Callable[[], Answer]) -> Answer:
    """Work on the disk, off the loop. It is whole even when the one who waits for it is stopped."""
    doing = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await doing
        raise


async def _settle(job: Job, context: Context) -> None:
    """Wait for writes that were stamped before the transaction time and are not in the store yet."""
    left = job.at + context.house.exports.settle - context.now
    if left > timedelta():
        await asyncio.sleep(left.total_seconds())


async def _page(context: Context, job: Job, progress: Progress) -> Page:
    count = min(PAGE, context.house.limits.page_maximum)
    query = Query(job.types[progress.type], _criteria(job), count=count, after=progress.after)
    if job.members is not None:
        query = query.within(frozenset(_block(job, progress.block)))
    return (await search(context, query)).page


def _criteria(job: Job) -> tuple[Criterion, ...]:
    if job.since is None:
        return ()
    return (Criterion("_lastUpdated", "date", (DateIs("gt", job.since, job.since + _MILLISECOND),)),)


def _block(job: Job, number: int) -> Sequence[str]:
    return (job.members or ())[number * BLOCK : (number + 1) * BLOCK]


def _onward(job: Job, progress: Progress, after: str | None) -> Progress:
    """Where it stands after a page: at the next page, else the next block of members, else the next type."""
    if after is not None:
        return replace(progress, after=after)
    if _block(job, progress.block + 1):
        return replace(progress, block=progress.block + 1, after=None)
    return replace(progress, type=progress.type + 1, block=0, after=None)


async def _lines(context: Context, job: Job, found: Sequence[Version]) -> list[bytes]:
    """The resources of a page as they stood at the transaction time, a line each."""
    bodies = [await _body_then(context, job, version) for version in found]
    type_name = found[0].type if found else ""
    elements = _elements_of(type_name, job.elements)
    return [one_line(reduced(body, type_name, elements=elements)) for body in bodies if body is not None]


async def _body_then(context: Context, job: Job, version: Version) -> bytes | None:
    """What stood at the transaction time, in the same record; None when there was nothing, or nothing asked for."""
    then: Version | None = version
    while then is not None and then.at > job.at:
        then = await store_of(context, then.type).vread(then.type, then.id, then.number - 1)
    if then is None or then.patient != version.patient or (job.since is not None and then.at <= job.since):
        return None
    if job.level != "system" and then.patient is None:
        return None
    return then.body


def _elements_of(type_name: str, elements: Sequence[str]) -> list[str]:
    """Those of `_elements` that are about this type. With none of them it is shown whole."""
    return [name for name in elements if "." not in name or name.partition(".")[0] == type_name]


def one_line(body: bytes) -> bytes:
    """A stored body as a line of NDJSON. JSON keeps line ends out of strings, so all there are stand between tokens."""
    return body.translate(None, b"\r\n") + b"\n"


# ── on disk ──────────────────────────────────────────────────────────────────────────────────────


def _keep(folder: Folder, job: Job, before: Progress, lines: list[bytes], onward: Progress, limit: int) -> Progress:
    """The lines in the files, then the progress that counts them."""
    parts = list(before.parts)
    for part, some in _cut(parts, job.types[before.type], lines, limit):
        grown = folder.append(part, some)
        if parts and parts[-1].name == grown.name:
            parts[-1] = grown
        else:
            parts.append(grown)
    after = replace(onward, parts=tuple(parts))
    folder.keep(after)
    return after


def _cut(parts: Sequence[Part], type_name: str, lines: list[bytes], limit: int) -> Iterator[tuple[Part, list[bytes]]]:
    """Which lines go into which file: the one that may still grow, then new ones of at most `limit` lines."""
    number = sum(part.type == type_name for part in parts)
    part = parts[-1] if number else Part(type_name, f"{type_name}-1.ndjson")
    number = max(number, 1)
    while lines:
        room = max(limit - part.count, 0)
        some, lines = lines[:room], lines[room:]
        if some:
            yield part, some
        number += 1
        part = Part(type_name, f"{type_name}-{number}.ndjson")


def _finish(folder: Folder, job: Job, progress: Progress, at: datetime) -> Progress:
    """The error file with what was left out of account, and the end."""
    errors: tuple[Part, ...] = ()
    if job.notes:
        found = [outcome([Fault("", "parameter-unsupported", note, "warning")]) for note in job.notes]
        lines = [dump(one) + b"\n" for one in found]
        errors = (folder.append(Part("OperationOutcome", "errors.ndjson"), lines),)
    ended = replace(progress, errors=errors, finished=at)
    folder.keep(ended)
    return ended
