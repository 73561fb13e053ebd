"""Who has seen or changed one person's record, day by day, newest first: what the person reads of the audit log.

Whole days, so that a page begins where the one before it ended. Not here: the words (`views.access_log`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from careplan.fhir import registry
from careplan.fhir.instant import COPENHAGEN, day_of, find_instant
from careplan.fhir.query import Criterion, DateIs
from careplan.fhir.text import Json
from careplan.interactions import access
from careplan.interactions.audit.record import entries_of
from careplan.interactions.audit.shelf import about, records
from careplan.interactions.context import Context

MOST_RECORDS = 2000
"""Records of the log that one page looks at."""

_WHO = ("role", "org", "who", "do", "made", "why", "out")


@dataclass(frozen=True, slots=True)
class Access:
    """What one party did on one day, once however often: role, organisation, who, do, made, why, out of the entry."""

    on: date
    entry: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Accesses of whole days, newest day first; `older` is the day to go on from, None at the end."""

    accesses: tuple[Access, ...]
    older: date | None


async def read_access_log(context: Context, patient: str, until: date | None, lines: int) -> AccessLog:
    """The newest days up to `until`, as many as have this many lines.

    Raises  Forbidden for anybody who may not read the person's AuditEvents; StoreUnavailable
    """
    access.check_type(context, registry.LOG, "s")
    await access.check_patient(context, patient)
    journal = context.house.journal
    if journal is not None:
        await journal.flush()
    until = min(until, context.on) if until else None
    criteria = [about([patient]), *([_before(until)] if until else [])]
    found: dict[tuple[date, str], Access] = {}
    looked = 0
    async for record in records(context.store, criteria):
        looked += 1
        if looked > MOST_RECORDS:
            return _cut(found, min((one.on for one in found.values()), default=None))
        for _, entry in reversed(list(entries_of(record.body or b""))):
            at = find_instant(entry["at"])
            if patient not in entry["of"] or at is None or (until is not None and day_of(at) > until):
                continue
            told = {name: entry[name] for name in _WHO if entry.get(name)}
            key = (day_of(at), str(sorted(told.items())))
            if key not in found and len(found) >= lines and key[0] < min(one.on for one in found.values()):
                return _cut(found, min(one.on for one in found.values()))
            found.setdefault(key, Access(key[0], told))
    return AccessLog(_sorted(found), None)


def _cut(found: dict[tuple[date, str], Access], last: date | None) -> AccessLog:
    return AccessLog(_sorted(found), last - timedelta(days=1) if last else None)


def _sorted(found: dict[tuple[date, str], Access]) -> tuple[Access, ...]:
    return tuple(sorted(found.values(), key=lambda one: one.on, reverse=True))


def _before(until: date) -> Criterion:
    end = datetime.combine(until + timedelta(days=1), time(), COPENHAGEN).astimezone(UTC)
    return Criterion("date", "date", (DateIs("lt", end, end + timedelta(milliseconds=1)),))
