"""Whether the audit log still is what was written: every line in its place, and no lane cut back.

Found: an entry that was changed, removed, added or moved; a record that is missing or was stored again; a lane whose
end was cut off, as far as another lane or an earlier seal has seen it; records that are no longer found by whom, whose
and when they say; a store of patients without any log. Not found: the newest records of the log, cut
off before anything else was written and before a seal was kept elsewhere; and a log that was written anew as a whole
by somebody who may write to the store. So keep the seal on another machine (docs/runbook-breach.md).
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from careplan.fhir import registry
from careplan.fhir.query import Criterion, DateIs, Query
from careplan.fhir.text import Json
from careplan.interactions.audit.record import TYPE, agents_of, entries_of, hash_of, lines_of, record_id
from careplan.interactions.audit.shelf import about, by, records
from careplan.store.protocol import Store, Version

_SOME = 20
"""Resources of a type that are looked at for whose they are; hardly any of these types is ever nobody's."""

TOLD = {"patient": "a patient", "agent": "who acted", "date": "their day"}
"""What records are found by, in words."""

_FIRST = datetime(1900, 1, 1, tzinfo=UTC)
EVER = Criterion("date", "date", (DateIs("ge", _FIRST, _FIRST + timedelta(days=1)),))
"""Records of any day."""


@dataclass(slots=True)
class Walked:
    """One lane as far as it was read: the hash of the end of each record, None for one that is missing."""

    ends: list[str | None] = field(default_factory=list)
    closed: bool = False


@dataclass(slots=True)
class Verified:
    """What was found: entries and records that were read, and every fault in words.

    seen     of each lane the newest that is known from outside it: number, hash, and who has seen it
    waiting  files of entries that are not in the store yet
    named    of what the store finds records by, how many say so: `patient` or `agent`, and which
    sealed   whether an earlier seal was there to hold the log against
    """

    entries: int = 0
    records: int = 0
    faults: list[str] = field(default_factory=list)
    lanes: dict[str, Walked] = field(default_factory=dict)
    seen: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    waiting: int = 0
    named: Counter[tuple[str, str]] = field(default_factory=Counter)
    sealed: bool = False

    @property
    def open_lanes(self) -> tuple[str, ...]:
        """Lanes that were not ended in good order: of processes that run, or were killed; or cut back unseen."""
        return tuple(name for name, lane in self.lanes.items() if not lane.closed)

    @property
    def seal(self) -> dict[str, tuple[int, str]]:
        """The heads of all lanes, to be kept elsewhere."""
        return {name: (len(lane.ends), lane.ends[-1] or "") for name, lane in self.lanes.items() if lane.ends}


Tell = Callable[[int], None]
"""Hears how many records were read."""


async def verify(store: Store, seal: Mapping[str, Sequence[Json]], tell: Tell) -> Verified:
    """Read the whole log.

    seal    the heads of an earlier time; empty: none was kept
    Raises  StoreUnavailable
    """
    found = Verified(sealed=bool(seal))
    async for record in records(store, newest=False):
        _take(found, record)
        tell(found.records)
    for lane, (number, head) in seal.items():
        _notice(found, lane, int(number), str(head), "the seal")
    for lane, (number, head, witness) in found.seen.items():
        _check_seen(found, lane, number, head, witness)
    await _check_found(store, found)
    if not found.records and await _holds_patients(store):
        found.faults.append("the store holds records of patients, and no log of it: the log was taken away")
    return found


async def _check_found(store: Store, found: Verified) -> None:
    """Whether the store still finds as many records by what they say; since they were read there may be more."""
    lost = {"patient": 0, "agent": 0, "date": found.records - await _count(store, EVER)}
    for (parameter, value), count in found.named.items():
        criterion = about([value]) if parameter == "patient" else by(value)
        lost[parameter] += max(0, count - await _count(store, criterion))
    for parameter, count in lost.items():
        if count > 0:
            said = f"{count} times a record is not found by {TOLD[parameter]}, as it says"
            found.faults.append(f"{said}: what the log is searched by was changed or removed")


async def _count(store: Store, criterion: Criterion) -> int:
    return (await store.search(Query(TYPE, (criterion,), count=0, total=True))).total or 0


async def _holds_patients(store: Store) -> bool:
    """Whether something of anybody's record is there."""
    for row in registry.ROWS:
        there = (await store.search(Query(row.name, count=_SOME))).matches if row.compartment else ()
        if any(one.patient is not None for one in there):
            return True
    return False


def _take(found: Verified, record: Version) -> None:
    name, _, text = record.id.rpartition(".")
    number, lane = int(text), found.lanes.setdefault(name, Walked())
    if number > len(lane.ends) + 1:
        first, last = record_id(name, len(lane.ends) + 1), record_id(name, number - 1)
        found.faults.append(f"{first}: this record is missing" + (f", and all to {last}" if first != last else ""))
        lane.ends += [None] * (number - 1 - len(lane.ends))
    if record.number != 1:
        found.faults.append(f"{record.id}: this record was stored {record.number} times")
    before = lane.ends[-1] if lane.ends else ""
    lines = lines_of(record.body or b"")
    lane.ends.append(hash_of(lines[-1]))
    found.records += 1
    found.entries += max(0, len(lines) - 2)
    entries = [entry for _, entry in entries_of(record.body or b"")]
    found.named.update({("patient", one) for entry in entries for one in entry.get("of", ())})
    found.named.update({("agent", one) for entry in entries for one in agents_of(entry)})
    _check_lines(found, record.id, lines, before)
    header = _read(lines[0])
    if (header.get("lane"), header.get("record")) != (name, number):
        found.faults.append(f"{record.id}: this record does not stand where it was written")
    lane.closed = bool(header.get("ends"))
    for other, (seen, head) in header.get("seen", {}).items():
        _notice(found, other, seen, head, record.id)


def _check_lines(found: Verified, record: str, lines: Sequence[str], before: str | None) -> None:
    """Each line holds the hash of the one before; `before` None: that is missing, and said already."""
    for place, line in enumerate(lines):
        told = _read(line)
        if before is not None and told.get("prev") != before:
            where = f"{record}..{place - 1}" if place else record
            what = "this entry was changed, or what followed it was removed or moved"
            found.faults.append(f"{where}: {what if place else 'this record does not follow the one before it'}")
        before = hash_of(line)
    if set(_read(lines[-1])) != {"prev"}:
        found.faults.append(f"{record}: the end of this record was cut off")


def _notice(found: Verified, lane: str, number: int, head: str, by: str) -> None:
    """The newest that is known of a lane from outside it."""
    if number > found.seen.get(lane, (0, "", ""))[0]:
        found.seen[lane] = (number, head, by)


def _check_seen(found: Verified, lane: str, number: int, head: str, by: str) -> None:
    ends = found.lanes.get(lane, Walked()).ends
    if number > len(ends):
        missing = f"{record_id(lane, len(ends) + 1)} to {record_id(lane, number)}"
        found.faults.append(f"{missing}: cut off, though {by} has seen them")
    elif ends[number - 1] not in (None, head):
        found.faults.append(f"{record_id(lane, number)}: {by} has seen another end of this record")


def _read(line: str) -> Json:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
