"""How long the statements of one question may run.

SQLite asks back every so many steps of its machine and ends the statement when told to; the connection stays as it
was. https://sqlite.org/c3ref/progress_handler.html
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator

from careplan.store.protocol import QueryTooLong

STEPS = 1000
"""Of SQLite's machine between two looks at the clock: some tens of microseconds."""


class Clock:
    """Counts the steps of a walk while there is one, and looks at the time."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._left: int | None = None

    @property
    def late(self) -> bool:
        return time.monotonic() > self._until

    @contextlib.contextmanager
    def giving_up_after(self, steps: int | None) -> Iterator[None]:
        """Statements inside end after so many steps, too; None: they need not."""
        self._left = steps
        try:
            yield
        finally:
            self._left = None

    def tick(self) -> bool:
        """Whether the statement has to end."""
        if self._left is not None:
            self._left -= STEPS
            if self._left < 0:
                return True
        return self.late


@contextlib.contextmanager
def clocked(connection: sqlite3.Connection, seconds: float) -> Iterator[Clock]:
    """Statements inside end after so many seconds. Raises QueryTooLong."""
    clock = Clock(seconds)
    connection.set_progress_handler(clock.tick, STEPS)
    try:
        yield clock
    except sqlite3.OperationalError as error:
        if is_ended(error) and clock.late:
            raise QueryTooLong(f"this took longer than {seconds:g} seconds; ask for less, or for one patient") from None
        raise
    finally:
        connection.set_progress_handler(None, 0)


def is_ended(error: sqlite3.OperationalError) -> bool:
    """Whether a clock ended the statement."""
    return error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
