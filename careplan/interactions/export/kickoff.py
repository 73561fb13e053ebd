"""What an export is asked for, and its beginning.

Not here: the reading (`run`). https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters · R4-114, R4-116.
"""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from careplan.domain.errors import CareplanError
from careplan.fhir import registry
from careplan.fhir.instant import find_instant
from careplan.fhir.models import shape
from careplan.fhir.reference import find_target
from careplan.fhir.search import ParameterUnsupported
from careplan.fhir.span import find_span
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.caller import Caller
from careplan.interactions.context import Context
from careplan.interactions.export.folder import Folder, alone_in
from careplan.interactions.export.job import Job
from careplan.interactions.export.run import in_thread
from careplan.interactions.export.shelf import jobs_in
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.read import read
from careplan.store.protocol import StoreUnavailable

FORMATS = ("application/fhir+ndjson", "application/ndjson", "ndjson")

KEPT = 20
"""Exports of one caller on disk, ended ones too; for one more, an old one is deleted or expires."""

_NAME = re.compile(r"[A-Za-z]{1,40}(\.[A-Za-z]{1,40})?")
_ELEMENT = re.compile(r"(?:([A-Z][A-Za-z]*)\.)?([a-z][A-Za-z]*)")


class TooManyExports(CareplanError):
    """The caller has as many exports as one may have."""

    code = "too-many-exports"


@dataclass(slots=True)
class Wanted:
    """What is asked for.

    level  `system`, `patient` or `group`
    types  None: every type that the level and the caller's rights leave
    notes  what is not supported and left out of account
    """

    level: str
    group: str | None = None
    types: tuple[str, ...] | None = None
    since: datetime | None = None
    elements: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


def wanted_from_asked(level: str, asked: Asked, *, lenient: bool = False) -> Wanted:
    """The parameters of a kick-off, each checked.

    lenient  what is not supported is left out and noted, not refused
    Raises   ParameterUnsupported, ParameterFaulty
    """
    wanted = Wanted(level, asked.id)
    for name in asked.values:
        reader = _READERS.get(name)
        faults = [f"$export has no parameter {name[:64]} here"] if reader is None else reader(wanted, asked)
        if faults and not lenient:
            raise ParameterUnsupported(faults[0])
        wanted.notes += faults
    return wanted


async def kick_off(context: Context, wanted: Wanted, request: str) -> Job:
    """Begin an export in a folder of its own; some process goes on with it.

    request  the URL that was called
    Raises   Forbidden, NotFound (no such group), TooManyExports, StoreUnavailable
    """
    if context.caller.within is not None:
        raise access.Forbidden("the scopes of the token are about one patient; $everything gives their record")
    job = await job_from_wanted(context, wanted, request)
    try:
        await in_thread(partial(_begin, context.house.exports.folder, context.house.exports.jobs, job))
    except OSError as error:
        raise StoreUnavailable(f"the folder of exports cannot be written: {error.strerror}") from None
    return job


async def job_from_wanted(context: Context, wanted: Wanted, request: str) -> Job:
    """The job as it is asked at this moment. Raises Forbidden, NotFound, Deleted."""
    now = context.now
    return Job(
        id=context.new_id(),
        request=request,
        base=context.base,
        caller=replace(context.caller, scopes=None),  # what they give was asked for each type
        at=now - timedelta(microseconds=now.microsecond % 1000),
        types=_types(context, wanted),
        level=wanted.level,
        group=wanted.group,
        members=None if wanted.group is None else await _members(context, wanted.group),
        since=wanted.since,
        elements=wanted.elements,
        notes=tuple(wanted.notes),
    )


def _types(context: Context, wanted: Wanted) -> tuple[str, ...]:
    """Those asked for. Raises Forbidden for one that the caller's role never reads, or when it reads none."""
    offered = _offered(wanted.level)
    whole = access.types_whole(context)
    readable = tuple(name for name in offered if whole is None or name in whole)
    if not readable:
        raise access.Forbidden(f"role {context.caller.role} has nothing to export")
    if wanted.types is None:
        return readable
    for name in wanted.types:
        access.check_whole_type(context, name)
    return tuple(name for name in offered if name in wanted.types)


def _offered(level: str) -> tuple[str, ...]:
    """Types of a level: all of them, or those that a patient's record is made of."""
    listed = (row for row in registry.ROWS if row.name != registry.LOG)
    return tuple(row.name for row in listed if level == "system" or row.compartment)


async def _members(context: Context, group: str) -> tuple[str, ...]:
    """Logical ids of the patients in a group now. Raises NotFound, Deleted, Forbidden."""
    version = await read(context, "Group", group)
    found = (_member(context, one) for one in parse(version.body or b"").get("member", ()))
    return tuple(dict.fromkeys(id for id in found if id is not None))


def _member(context: Context, member: Json) -> str | None:
    """The patient; None for a member of another kind, an inactive one, or one whose time has ended."""
    target = find_target(str(member.get("entity", {}).get("reference", "")), context.base)
    end = find_span(str(member.get("period", {}).get("end", "")))
    gone = member.get("inactive") is True or (end is not None and end[1] <= context.now)
    return None if gone or target is None or target.type != "Patient" else target.id


def _begin(root: Path, most: int, job: Job) -> None:
    """Raises TooManyExports."""
    with alone_in(root):
        _check_room(root, most, job.caller)
        Folder(root / job.id).begin(job)


def _check_room(root: Path, most: int, caller: Caller) -> None:
    theirs = []
    for folder, job in jobs_in(root):
        with contextlib.suppress(FileNotFoundError):  # one that goes away meanwhile is gone
            if job.is_of(caller):
                theirs.append(folder.has_ended())
    if theirs.count(False) >= most:
        raise TooManyExports(f"{most} of your exports are under way, which is the most; wait for one or delete it")
    if len(theirs) >= KEPT:
        raise TooManyExports(f"{KEPT} of your exports are kept here, which is the most; delete one at its status URL")


# ── parameters: what each asks, and what of it is not supported ──────────────────────────────────


def _read_types(wanted: Wanted, asked: Asked) -> list[str]:
    names = _listed(asked, "_type")
    offered = _offered(wanted.level)
    wanted.types = tuple(name for name in names if name in offered)
    whose = "here" if wanted.level == "system" else "in a patient's record; ask for it at [base]/$export"
    return [f"_type: {_named(name)} is not a type {whose}" for name in names if name not in offered]


def _read_since(wanted: Wanted, asked: Asked) -> list[str]:
    text = str(asked.read("_since")).replace(" ", "+")  # an unencoded + of a query has become a space
    wanted.since = find_instant(text)
    if wanted.since is None:
        raise ParameterFaulty("_since is an instant like 2026-11-22T09:03:00Z")
    return []


def _read_format(wanted: Wanted, asked: Asked) -> list[str]:
    text = str(asked.read("_outputFormat")).partition(";")[0].strip().lower().replace(" ", "+")
    return [] if text in FORMATS else [f"_outputFormat: files are written as {FORMATS[0]} only"]


def _read_elements(wanted: Wanted, asked: Asked) -> list[str]:
    offered = _offered(wanted.level)
    types = [name for name in _listed(asked, "_type") if name in offered] or offered
    names = _listed(asked, "_elements")
    wanted.elements = tuple(name for name in names if _is_element(name, types))
    whose = "is not an element, like birthDate or Patient.birthDate, of a type that is exported"
    return [f"_elements: {_named(name)} {whose}" for name in names if name not in wanted.elements]


def _is_element(name: str, types: Sequence[str]) -> bool:
    """Whether the type it names has this element, or one of these types; `value` is any `value[x]`."""
    match = _ELEMENT.fullmatch(name)
    if match is None or (match[1] and not registry.known(match[1])):
        return False
    shapes = [shape(one) for one in ([match[1]] if match[1] else types)]
    return any(match[2] in one.elements or match[2] in one.choices for one in shapes)


def _listed(asked: Asked, name: str) -> Sequence[str]:
    """The values of a parameter that may be repeated, and may hold several between commas."""
    values = asked.all(name)
    if not all(isinstance(value, str) for value in values):
        raise ParameterFaulty(f"parameter {name} must be a text")
    parts = (part.strip() for value in values for part in value.split(","))
    return list(dict.fromkeys(part for part in parts if part))


def _named(name: str) -> str:
    """A type or an element as a message names it; what looks like neither may be anything, and is not repeated."""
    return name if _NAME.fullmatch(name) else "one of them"


_READERS: Mapping[str, Callable[[Wanted, Asked], list[str]]] = {
    "_type": _read_types,
    "_since": _read_since,
    "_outputFormat": _read_format,
    "_elements": _read_elements,
}
