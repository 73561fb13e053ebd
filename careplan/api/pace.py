"""How often one asker may come: so many a second on average, and some at once after a while of silence.

A token bucket, told by one number an asker: the instant at which the bucket will be full again (GCRA, ITU-T I.371). Who
is full again need not be remembered at all, so what is kept stays small whoever asks. Not here: who an asker is
(`asker`), and what is answered (`throttle`).
"""

from heapq import nsmallest


class Pace:
    """The askers of one process. Times are seconds of one clock that never goes back.

    per_second  how many come through on average; 0: everybody does
    burst       how many after a silence, at once
    most        askers remembered; of more, those that owe least are forgotten, and may come as after a silence
    """

    def __init__(self, per_second: float, burst: int, most: int = 10_000) -> None:
        self._each = 1.0 / per_second if per_second else 0.0
        self._ahead = self._each * max(burst, 1)
        self._most = most
        self._full: dict[str, float] = {}

    def wait(self, asker: str, now: float) -> float:
        """0 for come in, which counts; else the seconds after which one more will come through, which does not."""
        if not self._each:
            return 0.0
        full = max(self._full.get(asker, now), now) + self._each
        if full - now > self._ahead:
            return full - now - self._ahead
        if asker not in self._full and len(self._full) >= self._most:
            self._forget(now)
        self._full[asker] = full
        return 0.0

    def __len__(self) -> int:
        """How many askers are remembered."""
        return len(self._full)

    def _forget(self, now: float) -> None:
        """Make room for as many again: those that are full, and of the others those that are nearest to it."""
        self._full = {asker: full for asker, full in self._full.items() if full > now}
        over = len(self._full) - self._most // 2
        for asker in nsmallest(over, self._full, key=self._full.__getitem__) if over > 0 else ():
            del self._full[asker]
