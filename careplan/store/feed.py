"""Instants along the feed: a later position never has an earlier instant, whichever process wrote it.

A client that polls goes on from the newest instant it has seen, so what came behind that would be lost to it. Writes
are stamped before their place in the feed is known; the store moves those that come late, inside its commit.
Not here: a resource's own versions rise in instant by themselves (`careplan.interactions.change`).
https://hl7.org/fhir/R4/http.html#history · checklist R4-48, R4-49
"""

from collections.abc import Iterable
from dataclasses import replace

from careplan.fhir.instant import instant_text
from careplan.store.protocol import Write
from careplan.store.sortable import at_from_milliseconds, milliseconds_from_at


def rising(writes: Iterable[Write], last: int | None) -> tuple[list[Write], int | None]:
    """The writes, none earlier than `last` or than the one before it; and the instant of the last of them.

    last  milliseconds since 1970; None where nothing was ever stored
    """
    risen = []
    for write in writes:
        at = milliseconds_from_at(write.at)
        if last is None or at >= last:
            last = at
        else:
            write = _moved(write, last)
        risen.append(write)
    return risen, last


def _moved(write: Write, instant: int) -> Write:
    """The write at another instant, which its body says too."""
    at, body = at_from_milliseconds(instant), write.body
    if body is not None and write.place is not None:
        said = instant_text(at).encode()
        body = body[: write.place] + said + body[write.place + len(said) :]
    return replace(write, at=at, body=body)
