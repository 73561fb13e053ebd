"""An interaction's trail goes into the audit log: before its answer leaves, or with what it writes.

Doors call `settle` for every request, whatever became of it. https://hl7.org/fhir/R4/auditevent.html · R4-121
"""

from collections.abc import Iterable, Sequence

from careplan.interactions.audit.entry import entry_from_trail
from careplan.interactions.audit.record import Entry
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.trail import Trail
from careplan.store.protocol import Guard, Version, Write

DONE, REFUSED, FAILED = "0", "4", "8"
"""Of AuditEvent.outcome."""


def outcome_of_status(status: int) -> str:
    """How an answer of this HTTP status ended."""
    return DONE if status < 400 else REFUSED if status < 500 else FAILED


def settle(context: Context, outcome: str = DONE) -> None:
    """Log what this request has touched; from then on it will be in the log. Raises StoreUnavailable."""
    journal = context.house.journal
    if journal is None:
        return
    trail = context.trail
    entries = _entries(context, trail, outcome)
    if entries:
        trail.touched.clear()
        trail.missed = False
        journal.keep(entries)


def _entries(context: Context, trail: Trail, outcome: str) -> list[Entry]:
    found = []
    if trail.missed or (trail.touched and not trail.touched.keys() <= trail.kept):
        entry = entry_from_trail(context.caller, context.now, trail, REFUSED if trail.missed else outcome)
        found += [entry] if entry.patients or trail.missed else []
    for part in trail.parts:
        found += _entries(context, part, part.outcome)
    return found


async def commit_with_entry(
    context: Context,
    writes: Sequence[Write],
    guards: Sequence[Guard],
    changes: Sequence[Change],
    met: Iterable[str] = (),
) -> tuple[Version, ...]:
    """Store writes and, in the same commit, one entry that names the persons whose records they change.

    met  persons whom something is about that changes no record
    """
    journal, trail = context.house.journal, context.trail
    written = Trail(trail.act or "write")
    for one in met:
        written.touched.setdefault(one, [])
    for change in changes:
        for patient in {change.patient, change.previous.patient if change.previous else None} - {None}:
            written.touched.setdefault(str(patient), []).append(f"{change.reference}/_history/{change.number}")
    if journal is None or not written.touched:
        return await context.store.commit(writes, guards)
    written.made = "".join(sorted({change.act for change in changes}))
    versions = await journal.commit(
        context.store, writes, guards, [entry_from_trail(context.caller, context.now, written, DONE)]
    )
    trail.kept |= written.touched.keys()
    return versions
