"""An export in a folder that somebody chose, as the command line makes it; running it again goes on with it.

Not here: the service's own exports (`kickoff`, `worker`, `shelf`).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from careplan.domain.errors import CareplanError
from careplan.fhir.text import dump
from careplan.interactions.context import Context
from careplan.interactions.export.folder import Folder
from careplan.interactions.export.job import Job, Progress
from careplan.interactions.export.kickoff import Wanted, job_from_wanted
from careplan.interactions.export.run import ContextOf, in_thread, run
from careplan.interactions.export.shelf import manifest

MANIFEST = "manifest.json"

Told = Callable[[Job, Progress], None]


class FolderTaken(CareplanError):
    """The folder holds something else than the export that is asked for, or somebody else writes in it."""

    code = "folder-taken"


async def begin_in(context: Context, wanted: Wanted, path: Path) -> Folder:
    """Begin here, or find what was begun here and asked for the same.

    Raises Forbidden, NotFound (no such group), FolderTaken
    """
    job = await job_from_wanted(context, wanted, "careplan export")
    return await in_thread(partial(_begin, Folder(path), job))


async def complete(
    folder: Folder, context_of: ContextOf, told: Callable[[Job, Progress], None]
) -> tuple[Job, Progress]:
    """Go on to the end, and leave the manifest beside the files. Raises FolderTaken, and what `run` raises."""
    with folder.claim() as ours:
        if not ours:
            raise FolderTaken(f"another process writes in {folder.path}; wait for it, or choose another folder")
        async for job, progress in run(folder, context_of):
            told(job, progress)
        job, progress = await in_thread(folder.state)
        listed = manifest(job, progress, lambda part: part.name, token=False)
        await in_thread(partial(folder.write, MANIFEST, dump(listed) + b"\n"))
    return job, progress


def _begin(folder: Folder, job: Job) -> Folder:
    if folder.holds_one():
        if _asks(folder.job()) != _asks(job):
            raise FolderTaken(f"{folder.path} holds an export that was asked for differently; choose another folder")
    elif not folder.is_free():
        raise FolderTaken(f"{folder.path} holds something else than an export; choose another folder")
    else:
        folder.begin(job)
    return folder


def _asks(job: Job) -> tuple[object, ...]:
    return (job.level, job.group, job.types, job.since, job.elements)
