"""The audit log as a store of AuditEvents: read and searched like every other type, and written by nobody.

What a search may find is taken out of the log, shown as AuditEvents in a store in memory, and searched there. So every
parameter, order and page works as elsewhere, and the log itself stays small. Not here: who may read what (`access`).
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from careplan.domain.errors import CareplanError
from careplan.fhir.auditing import audit_event
from careplan.fhir.index import extract
from careplan.fhir.instant import find_instant
from careplan.fhir.query import Criterion, DateIs, Order, Query, ReferenceIs, TokenIs
from careplan.fhir.text import Json, dump, parse
from careplan.interactions.audit.journal import Journal
from careplan.interactions.audit.record import TYPE, entries_of
from careplan.store.protocol import Extract, Guard, HistoryPage, Page, Past, Store, Tell, TooCostly, Version, Write

MOST = 5000
"""Events that one search looks at."""

_PAGE = 100
_NEWEST = (Order("_lastUpdated", "date", True), Order("_id", "id", True))


class LogClosed(CareplanError):
    """The audit log is written by the service alone."""

    code = "not-allowed"


async def records(store: Store, criteria: Sequence[Criterion] = (), newest: bool = True) -> AsyncIterator[Version]:
    """The records of the log that fit, newest first or as they follow each other."""
    orders = _NEWEST if newest else (Order("_id", "id"),)
    query = Query(TYPE, tuple(criteria), orders, _PAGE)
    while True:
        page = await store.search(query)
        for version in page.matches:
            yield version
        if page.next is None:
            return
        query = Query(TYPE, tuple(criteria), orders, _PAGE, after=page.next)


def about(patients: Sequence[str]) -> Criterion:
    """Records that name one of these patients."""
    return Criterion("patient", "reference", tuple(ReferenceIs("Patient", one) for one in patients))


def by(agent: str) -> Criterion:
    """Records that name this agent: a reference, a subject or a client."""
    return Criterion("agent", "token", (TokenIs(None, agent),))


@dataclass(frozen=True, slots=True)
class Shelf:
    """The `Store` protocol over the log, for reading.

    named    whether events say which employee it was
    """

    store: Store
    journal: Journal
    named: bool

    async def read(self, type: str, id: str) -> Version | None:
        """The event of that id."""
        await self.journal.flush()
        record, _, rest = id.rpartition("..")
        place, _, nth = rest.partition(".")
        version = await self.store.read(TYPE, record) if record and place.isdigit() and nth.isdigit() else None
        for at, entry in entries_of(version.body or b"") if version is not None else ():
            if at == int(place) and int(nth) < len(_people(entry)):
                return self._event(record, at, int(nth), entry)
        return None

    async def vread(self, type: str, id: str, number: int) -> Version | None:
        """An event has one version."""
        return await self.read(type, id) if number == 1 else None

    async def history(self, past: Past) -> HistoryPage:
        """One version of each."""
        if past.id is not None:
            found = await self.read(past.type or "", past.id)
            return HistoryPage((found,) if found else (), 1 if found else 0)
        there = await self._filled((), past.patients)
        try:
            return await there.history(past)
        finally:
            await there.close()

    async def search(self, query: Query) -> Page:
        """As in any store. Raises TooCostly where more than `MOST` events would have to be looked at."""
        wanted = query.patients
        if query.patient is not None:
            wanted = frozenset({query.patient}) if wanted is None else wanted & {query.patient}
        there = await self._filled(query.criteria, wanted)
        try:
            return await there.search(query)
        finally:
            await there.close()

    async def commit(self, writes: Sequence[Write], guards: Sequence[Guard] = ()) -> tuple[Version, ...]:
        """Never. Raises LogClosed."""
        raise LogClosed("AuditEvents are made by the service; nobody writes, changes or deletes them")

    async def changes(self, after: int, limit: int = 1000) -> tuple[Version, ...]:
        """The log is no part of the feed."""
        return ()

    async def reindex(self, extract: Extract, edition: str, tell: Tell) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is open."""

    async def _filled(self, criteria: Sequence[Criterion], patients: frozenset[str] | None) -> Store:
        """A store in memory with the events that may match."""
        narrowed = [found for one in criteria if (found := _narrowing(one)) is not None]
        if patients is not None:
            narrowed.append(about(sorted(patients)))
        writes: list[Write] = []
        await self.journal.flush()
        if patients is None or patients:
            async for record in records(self.store, narrowed):
                for place, entry in entries_of(record.body or b""):
                    events = (self._event(record.id, place, nth, entry) for nth in range(len(_people(entry))))
                    writes += [_write(one) for one in events if patients is None or one.patient in patients]
                if len(writes) > MOST:
                    raise TooCostly(f"more than {MOST} events would have to be looked at; name a patient or days")
        there = self.journal.scratch()
        await there.commit(writes[::-1])
        return there

    def _event(self, record: str, place: int, nth: int, entry: Json) -> Version:
        patient = _people(entry)[nth]
        id = f"{record}..{place}.{nth}"
        at = find_instant(entry["at"])
        assert at is not None, "the log tells instants"
        body = dump(audit_event(entry, patient, id, named=self.named))
        return Version("AuditEvent", id, 1, at, patient, body, 0, "POST")


def _people(entry: Json) -> list[str | None]:
    """Whom an entry makes an event for: each person it touches; nobody, where it is about no record."""
    return list(entry["of"]) or [None]


def _write(event: Version) -> Write:
    values = extract(parse(event.body or b""))
    return Write(event.type, event.id, 0, event.at, event.patient, event.body, values, "POST")


def _narrowing(criterion: Criterion) -> Criterion | None:
    """What a criterion on events asks of the records that hold them, where it asks something of those."""
    if criterion.negated or criterion.missing is not None:
        return None
    found = criterion.alternatives
    if criterion.parameter in ("patient", "entity"):
        people = [one.id for one in found if isinstance(one, ReferenceIs) and one.type in (None, "Patient")]
        return about(people) if len(people) == len(found) else None
    if criterion.parameter == "date" and all(isinstance(one, DateIs) and one.prefix in _OPEN for one in found):
        return criterion
    return None


_OPEN = frozenset({"ge", "gt", "le", "lt"})
