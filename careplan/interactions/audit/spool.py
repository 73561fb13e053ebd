"""Entries that the operating system has and the store does not yet: what a read waits for instead of a commit.

A segment is a file that grows while its entries are gathered; it becomes one record of the process's first lane and is
then taken away. A process that is killed leaves its segments and lets go of its lock; whoever comes next stores them
as the same records (`recovery`). Nobody waits for a sync to disk, which would cost a read more than all the rest: a
machine that loses its power loses what was read in the last quarter of a second, and no write.
https://man7.org/linux/man-pages/man2/write.2.html · https://man7.org/linux/man-pages/man2/flock.2.html
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from careplan.interactions.audit.record import Entry, record_id

LOCK, SEGMENT = ".lock", ".log"


@dataclass(slots=True)
class Segment:
    """One file, and what is in it."""

    number: int
    path: Path
    descriptor: int
    entries: list[Entry] = field(default_factory=list)


class Spool:
    """The segments of one process. Raises OSError where the folder cannot be written."""

    def __init__(self, folder: Path, lane: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._lane = folder, lane
        self._lock = _locked(folder / f"{lane}{LOCK}")
        self._segment: Segment | None = None
        self.number = 0
        """Of the newest segment."""

    @property
    def count(self) -> int:
        """Entries in the segment that grows now."""
        return 0 if self._segment is None else len(self._segment.entries)

    def add(self, entries: Sequence[Entry]) -> None:
        """Whatever becomes of this process, they will be stored. Raises OSError."""
        segment = self._segment or self._begin()
        lines = "".join([f"{entry.text}\n" for entry in entries]).encode()
        if os.write(segment.descriptor, lines) < len(lines):
            os.write(segment.descriptor, b"\n")  # what was cut short stays a line of its own, which nobody reads
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        segment.entries += entries

    def cut(self) -> Segment | None:
        """End the segment that grows; the next entry begins another. None when there is none."""
        segment, self._segment = self._segment, None
        if segment is not None:
            os.close(segment.descriptor)
        return segment

    def close(self) -> None:
        """Let go of the lock; segments that are left are for the next process."""
        self.cut()
        with contextlib.suppress(OSError):
            if not any(self._folder.glob(f"{self._lane}.*{SEGMENT}")):
                (self._folder / f"{self._lane}{LOCK}").unlink()
        os.close(self._lock)

    def _begin(self) -> Segment:
        path = self._folder / f"{record_id(self._lane, self.number + 1)}{SEGMENT}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.number += 1
        self._segment = Segment(self.number, path, descriptor)
        return self._segment


def _locked(path: Path) -> int:
    """A file that is locked before anybody can find it."""
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fresh.rename(path)
    return descriptor


def left_segments(folder: Path) -> Iterator[tuple[str, list[Path], int]]:
    """(lane, its segments in order, descriptor of the lock that is held) of each process that is gone.

    The lock is held until the caller closes the descriptor.
    """
    for lock in sorted(folder.glob(f"*{LOCK}")):
        try:
            descriptor = os.open(lock, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            continue
        lane = lock.name.removesuffix(LOCK)
        yield lane, sorted(folder.glob(f"{lane}.*{SEGMENT}")), descriptor
