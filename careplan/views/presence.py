"""Who is signed in on the pages: a small file for each session, gone when it ends.

So a copied cookie is worth nothing any more. Files, so that all workers know at once, after a restart too. They are
named by a digest of the session's id: whoever reads the folder can sign in as nobody. Not here: the cookie and its time
limits (`cookie`). https://cheatsheetseries.owasp.org/cheatsheets/Session_Management_Cheat_Sheet.html
"""

import contextlib
import os
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from careplan.interactions.caller import Caller
from careplan.views.cookie import ABSOLUTE

OURS, FOLDER = 0o600, 0o700

_CALLER: TypeAdapter[Caller] = TypeAdapter(Caller)


@dataclass(frozen=True, slots=True)
class Presence:
    """The sessions of everybody who is signed in."""

    folder: Path

    def enter(self, session: str, caller: Caller, now: datetime) -> None:
        """From now on this session is this caller's. Raises OSError."""
        self.folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        self._sweep(now.timestamp() - ABSOLUTE.total_seconds())
        path = self._path(session)
        with open(os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, OURS), "wb") as file:
            file.write(_CALLER.dump_json(caller))
        os.utime(path.with_suffix(".new"), (now.timestamp(), now.timestamp()))
        path.with_suffix(".new").rename(path)

    def find(self, session: str) -> Caller | None:
        """Who a session is of, until it is left."""
        try:
            return _CALLER.validate_json(self._path(session).read_bytes())
        except (OSError, ValidationError):
            return None

    def leave(self, session: str) -> None:
        """End a session, for every copy of its cookie."""
        self._path(session).unlink(missing_ok=True)

    def _path(self, session: str) -> Path:
        return self.folder / sha256(session.encode()).hexdigest()

    def _sweep(self, before: float) -> None:
        """Take away what nobody has signed out of and is too old to count."""
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
