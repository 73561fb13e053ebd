"""Signing in, signing out, and not being let in, in the audit log: entries that are about nobody's record.

Whoever was let in is named as in every entry. Of whoever was not, nobody knows who it was: the log tells the address,
and why. A client with an old token asks on and on, so of the same refusal from the same address in an hour the log
tells the first, the tenth, the hundredth and so on, each with how many it were: nothing is left out that matters, and
nobody can fill the log. Not here: what the log says (`entry`). R4-121
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from careplan.domain.errors import CareplanError
from careplan.interactions.audit.entry import entry_of_arrival, entry_of_stranger
from careplan.interactions.audit.journal import Journal
from careplan.interactions.caller import Caller

SIGN_IN, SIGN_OUT, TOKEN = "sign-in", "sign-out", "token"

TOGETHER = timedelta(hours=1)
"""How long refusals from one address are counted together."""

MOST = 1000
"""Addresses and reasons that are counted at the same time; of more, all others are counted as one."""


@dataclass(slots=True)
class Attendance:
    """The doors of one process."""

    _refused: dict[tuple[str, str, str], tuple[int, datetime]] = field(default_factory=dict)

    def entered(self, journal: Journal | None, caller: Caller, at: datetime) -> None:
        """Somebody signed in. Raises StoreUnavailable: then nobody may be let in."""
        if journal is not None:
            journal.keep([entry_of_arrival(caller, at, SIGN_IN)])

    def left(self, journal: Journal | None, caller: Caller, at: datetime) -> None:
        """Somebody signed out. Raises StoreUnavailable."""
        if journal is not None:
            journal.keep([entry_of_arrival(caller, at, SIGN_OUT)])

    def turned_away(self, journal: Journal | None, act: str, why: CareplanError, source: str, at: datetime) -> None:
        """Somebody was not let in. Raises StoreUnavailable.

        act     SIGN_IN, or TOKEN for what came with a request
        source  the address it came from; empty where that is not known
        """
        source, count = self._counted(act, why.code, source, at)
        if journal is not None and count in _TOLD:
            said = f"{why.code}: {why.message}" + (f" ({count} times)" if count > 1 else "")
            journal.keep([entry_of_stranger(at, act, source, said)])

    def _counted(self, act: str, code: str, source: str, at: datetime) -> tuple[str, int]:
        """Under which address it counts, and how often it was so far."""
        key = act, code, source
        if key not in self._refused and len(self._refused) >= MOST:
            self._refused = {one: known for one, known in self._refused.items() if at - known[1] < TOGETHER}
            key = key if len(self._refused) < MOST else (act, code, "")
        count, since = self._refused.get(key, (0, at))
        if at - since >= TOGETHER:
            count, since = 0, at
        self._refused[key] = count + 1, since
        return key[2], count + 1


_TOLD = frozenset(10**digits for digits in range(10))
