"""What a store remembers and how it is asked: the contract that SQLite and MongoDB both keep.

Knows no HTTP and no medicine. Six methods for the record, and `reindex` for what it is found by; the day one gains
an argument for one store, stop (style.md).
Behaviour is stated by `tests/contract/`, which runs on every store.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from careplan.domain.errors import CareplanError
from careplan.fhir.query import Query
from careplan.fhir.value import SearchValues

QUERY_SECONDS = 10.0
"""How long one query may take, where nothing else is set."""


class NotFound(CareplanError):
    """No resource, or no such version of it, was ever stored."""

    code = "not-found"


class Deleted(CareplanError):
    """The resource (or that version of it) is a deletion."""

    code = "deleted"


class VersionConflict(CareplanError):
    """Someone else wrote first: the version expected of `reference` (`Goal/17`) is not the current one."""

    code = "version-conflict"

    def __init__(self, reference: str) -> None:
        super().__init__(f"{reference} was changed by someone else")
        self.reference = reference


class GuardFailed(CareplanError):
    """A search that had to find nothing at the moment of writing found something; `key` names the guard."""

    code = "guard-failed"

    def __init__(self, key: str) -> None:
        super().__init__("the record changed while this was being worked out; nothing was stored, try again")
        self.key = key


class StoreUnavailable(CareplanError):
    """The store cannot be reached now; trying again later may help."""

    code = "store-unavailable"


class QueryTooLong(CareplanError):
    """A search took longer than the service lets it; asking for less, or later, may help."""

    code = "query-too-long"


class TooCostly(CareplanError):
    """A search or an operation that would have to look at more than the service lets it."""

    code = "too-costly"


class CursorInvalid(CareplanError):
    """A page link that is expired or was never ours."""

    code = "cursor-invalid"


@dataclass(frozen=True, slots=True)
class Version:
    """One stored version of one resource.

    number     1, 2, 3 … for each resource; a deletion has a number too
    at         the instant it was written, UTC, whole milliseconds; never before that of a lower position
    patient    logical id of the patient whose compartment it is in; None when in none
    body       the JSON text as stored, meta included; None for a deletion
    position   place in the change feed, ascending over the whole store; 0 where not asked for
    method     the interaction that made it, as history shows it: POST PUT PATCH DELETE
    """

    type: str
    id: str
    number: int
    at: datetime
    patient: str | None
    body: bytes | None
    position: int = 0
    method: str = "PUT"

    @property
    def deleted(self) -> bool:
        return self.body is None

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"

    @property
    def mark(self) -> str:
        """What a Guard knows it by, among those of its type."""
        return mark_of(self.id, self.number)


def mark_of(id: str, number: int) -> str:
    """`17@3`: the third version of 17."""
    return f"{id}@{number}"


@dataclass(frozen=True, slots=True)
class Write:
    """One new version to store.

    expects  number of the version this one follows; 0 when the resource must not exist yet. The stored version
             gets `expects + 1`; anything else current is a VersionConflict
    at       when it is written; where a version of a later instant is stored already, it gets that one's
    body     None deletes
    values   what `careplan.fhir.index` extracted from the body; empty for a deletion
    method   as in Version; a deletion is a DELETE whatever it says
    place    index in the body of the 24 bytes that say `at`, as `stamp` tells it; None: the body says none
    """

    type: str
    id: str
    expects: int
    at: datetime
    patient: str | None
    body: bytes | None
    values: SearchValues = field(default_factory=SearchValues)
    method: str = "PUT"
    place: int | None = None

    @property
    def made_by(self) -> str:
        """The method that is stored."""
        return "DELETE" if self.body is None else self.method


@dataclass(frozen=True, slots=True)
class Guard:
    """A search that must match nothing but `allowed` at the moment of commit: closes the race of conditional create.

    key      serialises: two commits with guards of one key never both succeed unseen by each other
    allowed  marks of the matches that were seen before: the same version of them does not count

    Evaluated inside the commit, before its own writes.
    """

    key: str
    query: Query
    allowed: tuple[str, ...] = ()


def guard_of(key: str, query: Query, versions: Iterable[Version]) -> Guard:
    """A guard that the search finds nothing but what it found."""
    return Guard(key, query, tuple(version.mark for version in versions))


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search.

    next   opaque position after the last match (the store's own, unsigned); None on the last page
    total  number of matches, only when the query asks for it
    beside what the query wants to come with them, in no order
    """

    matches: tuple[Version, ...]
    next: str | None = None
    total: int | None = None
    beside: tuple[Version, ...] = ()


@dataclass(frozen=True, slots=True)
class Hidden:
    """Versions that stood in the compartments of some patients and are left out; types None: of any type."""

    patients: frozenset[str]
    types: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """Which versions a history is to show: of one resource, of a type, or of the whole store.

    id           only with `type`
    since        at or after this instant
    after        the store's opaque position from an earlier HistoryPage
    types        only of these types; None: of any
    patients     only versions that stood in these compartments; None: no restriction
    listed_with  only versions in the compartments of patients whose current generalPractitioner is this Organization
    besides      patients whom `listed_with` lets in too
    without      what is left out of that
    open         types that `patients` and `listed_with` leave alone
    """

    type: str | None = None
    id: str | None = None
    since: datetime | None = None
    count: int = 100
    after: str | None = None
    types: frozenset[str] | None = None
    patients: frozenset[str] | None = None
    listed_with: str | None = None
    besides: frozenset[str] = frozenset()
    without: tuple[Hidden, ...] = ()
    open: frozenset[str] = frozenset()

    @property
    def restricted(self) -> bool:
        """Whether only versions of some patients are shown, besides those of open types."""
        return (self.patients is not None or self.listed_with is not None) and self.type not in self.open


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Versions newest first; `next` as in Page."""

    versions: tuple[Version, ...]
    total: int
    next: str | None = None


Extract: TypeAlias = Callable[[Version], SearchValues | None]
"""What a current version can be found by; None leaves what is kept as it is."""

Tell: TypeAlias = Callable[[int, int], None]
"""Hears how far a reindexing is: the feed position reached, and the last there is."""


def method_of_old(number: int, deleted: bool) -> str:
    """The method of a version that was stored before methods were."""
    return "DELETE" if deleted else "POST" if number == 1 else "PUT"


class Store(Protocol):
    """Remembers versions and finds them again. All methods may raise StoreUnavailable."""

    async def read(self, type: str, id: str) -> Version | None:
        """The current version, deletions included; None when the id was never used. A copy of the stored bytes."""
        ...

    async def vread(self, type: str, id: str, number: int) -> Version | None:
        """That version; None when there is none."""
        ...

    async def history(self, past: Past) -> HistoryPage:
        """Versions newest first: of one resource by number, else by feed position. Raises CursorInvalid, QueryTooLong.

        The total counts what the restrictions leave, on every page.
        """
        ...

    async def search(self, query: Query) -> Page:
        """Current, undeleted resources that match.

        Raises CursorInvalid for a bad `query.after`, QueryTooLong, and TooCostly where a link leads to too many.
        """
        ...

    async def commit(self, writes: Sequence[Write], guards: Sequence[Guard] = ()) -> tuple[Version, ...]:
        """Store all writes or none, durably before it returns; in the order given, each with its feed position.

        Raises VersionConflict (naming the resource), GuardFailed, or for a guard QueryTooLong or TooCostly; then
        nothing is stored.
        """
        ...

    async def changes(self, after: int, limit: int = 1000) -> tuple[Version, ...]:
        """Versions with a feed position above `after`, ascending, never skipping one that commits later."""
        ...

    async def reindex(self, extract: Extract, edition: str, tell: Tell) -> None:
        """Bring what resources are found by to an edition of `extract`; returns at once when it is of that edition.

        Changes no version, instant, compartment or position. What is interrupted goes on where it was; of several
        callers one works and the others wait for it. From then on this store commits only while its data is of that
        edition (else StoreUnavailable): what an older release wrote would lack values. A store that was never asked
        to reindex commits whatever it is given.
        """
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of files and connections."""
        ...
