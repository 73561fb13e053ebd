"""One export on disk: its job, its progress and its files, for this user alone.

A page counts when the progress that names it is renamed into place; what a dead process wrote beyond that is cut off
before the next page. `flock` says who is at it: the system lets go of it when a process dies, however it dies.
https://man7.org/linux/man-pages/man2/flock.2.html
"""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from careplan.interactions.export.job import JOB, PROGRESS, Job, Part, Progress

OURS = 0o600
FOLDER = 0o700

_JOB, _PROGRESS, _LOCK, _ENDED = "job.json", "progress.json", "lock", "ended"
_BEGUN = (_LOCK, f".{_PROGRESS}", _PROGRESS)
_GONE = ".gone-"


@dataclass(frozen=True, slots=True)
class Folder:
    """Where one export lies. All methods raise OSError; FileNotFoundError when it was taken away."""

    path: Path

    def begin(self, job: Job) -> None:
        """Write down a new export; it is there from when its job is."""
        self.path.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        os.close(os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, OURS))
        self.keep(Progress())
        self._replace(_JOB, JOB.dump_json(job))

    def holds_one(self) -> bool:
        return (self.path / _JOB).is_file()

    def is_free(self) -> bool:
        """Whether an export may begin here: nothing is there but what one leaves that did not get as far."""
        return not self.path.exists() or (
            self.path.is_dir() and all(one.name in (*_BEGUN, f".{_JOB}") for one in self.path.iterdir())
        )

    def job(self) -> Job:
        return JOB.validate_json((self.path / _JOB).read_bytes())

    def progress(self) -> Progress:
        return PROGRESS.validate_json((self.path / _PROGRESS).read_bytes())

    def state(self) -> tuple[Job, Progress]:
        return self.job(), self.progress()

    def has_ended(self) -> bool:
        """Whether its progress says so; a mark beside it saves reading that, for those who look every second."""
        return (self.path / _ENDED).is_file() or self.progress().ended

    def keep(self, progress: Progress) -> None:
        """Put the progress on disk: the old one or the new one is there, never half of one."""
        self._replace(_PROGRESS, PROGRESS.dump_json(progress))
        if progress.ended:
            os.close(os.open(self.path / _ENDED, os.O_WRONLY | os.O_CREAT, OURS))

    def touched(self) -> float:
        """When it last went on, in seconds since 1970: each page renames a file in it."""
        return self.path.stat().st_mtime

    def cut(self, progress: Progress) -> None:
        """Drop what a dead process wrote after its last page that counts."""
        for part in progress.parts[-1:]:
            os.truncate(self.path / part.name, part.size)

    def append(self, part: Part, lines: Sequence[bytes]) -> Part:
        """The part with these lines after what counts of it so far. It is on disk when this returns."""
        data = b"".join(lines)
        with open(os.open(self.path / part.name, os.O_RDWR | os.O_CREAT, OURS), "r+b") as file:
            file.seek(part.size)
            file.truncate()
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return replace(part, count=part.count + len(lines), size=part.size + len(data))

    def write(self, name: str, data: bytes) -> None:
        """A small file, whole or not at all."""
        self._replace(name, data)

    @contextlib.contextmanager
    def claim(self) -> Iterator[bool]:
        """The right to go on with it: False when another process, or task, has it."""
        with open(os.open(self.path / _LOCK, os.O_RDWR), "r+b") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield self.holds_one()

    def take_away(self) -> None:
        """Nobody finds it from now on; its files go as soon as nobody writes them."""
        self.path.rename(self.path.with_name(f"{_GONE}{uuid.uuid4()}"))

    def _replace(self, name: str, data: bytes) -> None:
        fresh = self.path / f".{name}"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, OURS), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self.path / name)
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def folders_in(root: Path) -> list[Folder]:
    """The exports below a folder, the one that has waited longest first; none when it is not there."""
    found = []
    for path in _inside(root):
        if not path.name.startswith("."):
            with contextlib.suppress(OSError):
                found.append((Folder(path).touched(), path))
    return [Folder(path) for _, path in sorted(found)]


def remove_gone(root: Path) -> None:
    """Delete the files of exports that were taken away."""
    for path in _inside(root):
        if path.name.startswith(_GONE):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def alone_in(root: Path) -> Iterator[None]:
    """One process at a time decides here whether another export may begin."""
    root.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    with open(os.open(root / ".lock", os.O_RDWR | os.O_CREAT, OURS), "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _inside(root: Path) -> list[Path]:
    try:
        return [path for path in root.iterdir() if path.is_dir()]
    except FileNotFoundError:
        return []
