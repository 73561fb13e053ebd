"""The exports of the service as their callers find them: status, files, end. Others' are as if they were not there.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request · R4-115.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from careplan.fhir.instant import instant_text
from careplan.fhir.reference import ID
from careplan.fhir.text import Json
from careplan.interactions.access import types_whole
from careplan.interactions.context import Context
from careplan.interactions.export.folder import Folder, folders_in
from careplan.interactions.export.job import Job, Part, Progress
from careplan.store.protocol import NotFound

_ID = re.compile(ID)


@dataclass(frozen=True, slots=True)
class Export:
    """One export as it stands. `expires`: when its files go, once it has ended."""

    folder: Folder
    job: Job
    progress: Progress
    expires: datetime | None


def read_export(context: Context, id: str) -> Export:
    """The caller's export. Raises NotFound for one that is not there, has expired, is somebody else's, or holds what a
    client has no scope for.
    """
    folder = Folder(context.house.exports.folder / id)
    try:
        if not _ID.fullmatch(id) or id.startswith("."):
            raise FileNotFoundError
        job, progress = folder.state()
    except (FileNotFoundError, NotADirectoryError):
        raise _unknown() from None
    expires = None if progress.finished is None else progress.finished + context.house.exports.keep
    if not job.is_of(context.caller) or (expires is not None and expires <= context.now):
        raise _unknown()
    whole = types_whole(context)
    if whole is not None and not whole.issuperset(job.types):
        raise _unknown()
    return Export(folder, job, progress, expires)


def read_part(context: Context, id: str, name: str) -> tuple[Path, Part]:
    """One file of an export that has ended. Raises NotFound."""
    export = read_export(context, id)
    parts = (*export.progress.parts, *export.progress.errors) if _has_files(export.progress) else ()
    for part in parts:
        if part.name == name:
            return export.folder.path / name, part
    raise _unknown()


def cancel(context: Context, id: str) -> None:
    """End an export, or let go of its files: nobody finds it from now on. Raises NotFound."""
    export = read_export(context, id)
    try:
        export.folder.take_away()
    except FileNotFoundError:
        raise _unknown() from None


def manifest(job: Job, progress: Progress, url: Callable[[Part], str], *, token: bool) -> Json:
    """What there is to fetch.

    url    where a file is fetched
    token  whether the files are fetched with an access token, as the export was asked for
    """

    def listed(part: Part) -> Json:
        return {"type": part.type, "url": url(part), "count": part.count}

    return {
        "transactionTime": instant_text(job.at),
        "request": job.request,
        "requiresAccessToken": token,
        "output": [listed(part) for part in progress.parts],
        "error": [listed(part) for part in progress.errors],
    }


def jobs_in(root: Path) -> Iterator[tuple[Folder, Job]]:
    """Every export below a folder."""
    for folder in folders_in(root):
        with contextlib.suppress(FileNotFoundError):
            yield folder, folder.job()


def _has_files(progress: Progress) -> bool:
    return progress.ended and progress.failed is None


def _unknown() -> NotFound:
    return NotFound("there is no such export, or no such file of it; files go when they expire or are deleted")
