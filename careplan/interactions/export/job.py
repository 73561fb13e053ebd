"""One export as values: what was asked for, how far it has come, and how both are written down.

Not here: where they are written (`folder`).
"""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from careplan.interactions.caller import Caller


@dataclass(frozen=True, slots=True)
class Job:
    """What was asked for at kick-off. It never changes.

    request   the URL that was called
    base      absolute FHIR base as the caller sees it
    at        the transaction time: nothing later is in the export; UTC, whole milliseconds
    types     resource types, in the order they are read
    level     `system`, `patient` or `group`
    members   logical ids of the patients of a group, as they were at kick-off; None at the other levels
    since     only what changed after this instant
    elements  as in `_elements`: `birthDate` of every type, `Patient.birthDate` of one
    notes     what was asked and is not supported, for the error file
    """

    id: str
    request: str
    base: str
    caller: Caller
    at: datetime
    types: tuple[str, ...]
    level: str
    group: str | None = None
    members: tuple[str, ...] | None = None
    since: datetime | None = None
    elements: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def is_of(self, caller: Caller) -> bool:
        """Whether this is who kicked it off, in the same role for the same organisation."""
        return _identity(self.caller) == _identity(caller)


@dataclass(frozen=True, slots=True)
class Part:
    """One NDJSON file: its resource type, its name, and how many lines and bytes of it count."""

    type: str
    name: str
    count: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an export ended without its files: our code and message."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export has come, as of its last page on disk.

    type   place in `Job.types` of the type that is being read
    block  which of a group's members are being read, counted in blocks of them
    after  the store's position of the next page
    parts  files so far, by type in order; the last one may still grow
    """

    type: int = 0
    block: int = 0
    after: str | None = None
    parts: tuple[Part, ...] = ()
    errors: tuple[Part, ...] = ()
    finished: datetime | None = None
    failed: Failure | None = None

    @property
    def count(self) -> int:
        """Resources so far."""
        return sum(part.count for part in self.parts)

    @property
    def ended(self) -> bool:
        return self.finished is not None


def says(job: Job, progress: Progress) -> str:
    """How far it has come, in words: `Observation (3 of 12 types), 4200 resources so far`."""
    if progress.type >= len(job.types):
        return f"finishing, {progress.count} resources"
    place = f"{progress.type + 1} of {len(job.types)} types"
    return f"{job.types[progress.type]} ({place}), {progress.count} resources so far"


def _identity(caller: Caller) -> tuple[str | None, ...]:
    """Who somebody is: by what their issuer calls them and the client they use, else by their name on this machine."""
    who = (caller.subject, caller.client) if caller.subject else (caller.name, "")
    return (caller.role, *who, caller.organization, caller.patient, caller.reference)


JOB: TypeAdapter[Job] = TypeAdapter(Job)
PROGRESS: TypeAdapter[Progress] = TypeAdapter(Progress)
"""How both are written as JSON, and read back."""
