"""The audit log as it is stored: lines that each carry the hash of the line before, cut into records.

A *lane* is one chain: lines from first to last, written by one process, one record after the other. A record is a
stored resource of the internal type `AuditRecord` whose body is some lines of a lane: a header (lane, number of the
record, heads of other lanes that this process knows of), the entries, and a last line that holds only the hash of the
line before. So any line that is changed, removed or moved no longer fits its neighbours; and a lane whose end is cut
off no longer fits what another lane has seen of it. Not here: when a record is written (`journal`), and whether what
is stored still fits (`verification`). https://www.rfc-editor.org/rfc/rfc6962 does the same for a public log.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from careplan.fhir.instant import instant_text
from careplan.fhir.value import DateValue, ReferenceValue, SearchValues, TokenValue
from careplan.store.protocol import Write

TYPE = "AuditRecord"
"""No resource type: nothing outside the audit log reads or shows it."""

_MILLISECOND = timedelta(milliseconds=1)

Seen = Mapping[str, tuple[int, str]]
"""Heads of lanes: number of the last record, and the hash of its last line."""


class Entry(NamedTuple):
    """One line to be: its members as JSON without braces, and what it is found by.

    agents  references, subjects and clients of whoever acted
    """

    at: datetime
    text: str
    patients: tuple[str, ...]
    agents: tuple[str, ...]


@dataclass(slots=True)
class Lane:
    """The end of a chain: `number` records, the last of which ends with a line of this hash."""

    name: str
    number: int = 0
    head: str = ""


class Made(NamedTuple):
    """A record about to be stored, and the end of the lane once it is."""

    write: Write
    number: int
    head: str


def hash_of(line: str) -> str:
    """SHA-256 of a line, in hex."""
    return sha256(line.encode()).hexdigest()


def record_id(lane: str, number: int) -> str:
    """The logical id of a record; ids of a lane sort as its records follow each other."""
    return f"{lane}.{number:09d}"


def make_record(lane: Lane, entries: Sequence[Entry], seen: Seen, at: datetime, *, ends: bool = False) -> Made:
    """The next record of a lane.

    seen  heads of other lanes, which from now on cannot be cut back unseen
    ends  whether the process ends the lane here, in good order
    """
    number = lane.number + 1
    told = f',"seen":{json.dumps(seen, separators=(",", ":"))}' if seen else ""
    closing = ',"ends":true' if ends else ""
    texts = [f'"lane":"{lane.name}","record":{number},"at":"{instant_text(at)}"{told}{closing}']
    texts += [entry.text for entry in entries]
    head, lines = lane.head, []
    for text in texts:
        line = f'{{"prev":"{head}",{text}}}'
        lines.append(line)
        head = hash_of(line)
    lines.append(f'{{"prev":"{head}"}}')
    body = "\n".join(lines).encode()
    write = Write(TYPE, record_id(lane.name, number), 0, at, None, body, _values(entries, lane, at), "POST")
    return Made(write, number, hash_of(lines[-1]))


def _values(entries: Sequence[Entry], lane: Lane, at: datetime) -> SearchValues:
    patients = dict.fromkeys(patient for entry in entries for patient in entry.patients)
    agents = dict.fromkeys(agent for entry in entries for agent in entry.agents)
    first = min((entry.at for entry in entries), default=at)
    last = max((entry.at for entry in entries), default=at)
    return SearchValues(
        tokens=(("lane", TokenValue("", lane.name)), *(("agent", TokenValue("", one)) for one in agents)),
        dates=(("date", DateValue(first, last + _MILLISECOND)),),
        references=tuple(("patient", ReferenceValue("Patient", one)) for one in patients),
    )


def agents_of(told: Mapping[str, Any]) -> tuple[str, ...]:
    """What whoever acted is found by, in an entry: reference, subject, client, role; of strangers their address."""
    named = [str(told[name]) for name in ("who", "sub", "client", "from") if told.get(name)]
    return (*named, f"role:{told.get('role')}")


def lines_of(body: bytes) -> list[str]:
    """The lines of a record, header and last line included."""
    return body.decode(errors="replace").split("\n")


def entries_of(body: bytes) -> Iterable[tuple[int, dict[str, Any]]]:
    """(place in the record, entry); what is no entry any more is left to `verification`."""
    for place, line in enumerate(lines_of(body)):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "do" in found:
            yield place, found
