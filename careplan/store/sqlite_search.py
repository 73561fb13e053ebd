"""A Query on the SQLite file: on indexes only, one page at a time.

Not here: what a criterion means (`condition.py`), its SQL (`sqlite_query.py`), and threads (`sqlite.py`).
https://sqlite.org/queryplanner.html

SQLite keeps no statistics here, so the way in is chosen in this module. A patient's own resources are few: go in by
the compartment, or by (parameter, code, patient). Otherwise count, up to a bound, how many resources each criterion
leaves: go in by the fewest when they are few, and sort them; else walk an index in the order asked for and check each
resource on the way, so that a page does not sort the whole store. A walk that meets too few matches is given up for
the way with the fewest. What a link leads to is found first, in the same manner, and kept where it is few.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from careplan.fhir.query import Link, Query
from careplan.store.cursor import Place, place_from_text, text_from_place
from careplan.store.order import effective_orders, sort_type
from careplan.store.protocol import QUERY_SECONDS, Page, Version, method_of_old
from careplan.store.sortable import at_from_milliseconds
from careplan.store.sqlite_clock import Clock, clocked, is_ended
from careplan.store.sqlite_query import (
    Row,
    Way,
    compartment_way,
    counting,
    inside,
    leading,
    link_way,
    listed,
    page_of,
    patients_listed,
    total_of,
    type_way,
    walks,
    ways,
)
from careplan.store.sqlite_statement import Names, Numbers, Sql, list_of

FEW = 1000
"""Up to this many resources are fetched and sorted; above it an index is walked in order."""

MANY = 20 * FEW
"""What a way leaves is counted up to here; a link is gone in by when what it leads to is no more."""

_FEW_OF_A_PATIENT = 50
_BOUNDS = (_FEW_OF_A_PATIENT, FEW, MANY)
_WALK_STEPS = 3_000_000
_STEPS_A_ROW = 150
"""What fetching and sorting a resource costs, about: a walk is given up when it has cost as much as sorting would."""

_COLUMNS = 7


def find(connection: sqlite3.Connection, names: Names, query: Query, seconds: float = QUERY_SECONDS) -> Page:
    """One page. Raises CursorInvalid, QueryTooLong. Sees one state of the file when the caller holds a transaction."""
    place = None
    if query.after is not None:
        place = place_from_text(query.after, [sort_type(order) for order in effective_orders(query)[:-1]])
    if query.patients is not None and not query.patients:
        return Page((), None, 0 if query.total else None)
    numbers = Numbers(connection, names)
    with clocked(connection, seconds) as clock:
        return _Search(numbers, _listed_once(numbers, query), place, clock, {}).page()


def _listed_once(numbers: Numbers, query: Query) -> Query:
    """The same search; where links would look several times for those listed with an organisation, they stand in it."""
    organization = query.listed_with
    if organization is None or query.patient is not None or not query.links:
        return query
    statement = patients_listed(numbers, organization)
    ids = frozenset(id for (id,) in numbers.connection.execute(statement.text, statement.values))
    return _within(query, organization, ids)


def _within(query: Query, organization: str, ids: frozenset[str]) -> Query:
    links = tuple(
        replace(link, queries=tuple(_within(one, organization, ids) for one in link.queries)) for link in query.links
    )
    inside = replace(query, links=links)
    if query.listed_with != organization:
        return inside
    return replace(inside.within(ids | query.besides), listed_with=None, besides=frozenset())


@dataclass(frozen=True, slots=True)
class _Search:
    """One search under way on one connection."""

    numbers: Numbers
    query: Query
    place: Place | None
    clock: Clock
    known: dict[tuple[str, Link], tuple[Sql, ...]]

    def page(self) -> Page:
        query = self.query
        if query.patient is not None and query.listed_with is not None:
            known = query.patient in query.besides
            if not known and not self._number(listed(self.numbers, query.listed_with, query.patient)):
                return Page((), None, 0 if query.total else None)
            return replace(self, query=replace(query, listed_with=None)).page()
        fewest, count = self._fewest()
        total = self._number(total_of(self.numbers, self.known, query, fewest)) if query.total else None
        rows = self._rows(fewest, count) if query.count > 0 else []
        matches = tuple(_version(query.type, row) for row in rows[: query.count])
        more = len(rows) > query.count > 0
        last = rows[query.count - 1] if more else None
        following = None if last is None else text_from_place(last[_COLUMNS:], last[0])
        return Page(matches, following, total, self._beside(matches))

    def _beside(self, matches: Sequence[Version]) -> tuple[Version, ...]:
        """What comes with the matches out of their compartments."""
        patients = list_of({match.patient for match in matches if match.patient is not None})
        found = []
        for query in self.query.beside:
            statement = inside(self.numbers, query, patients)
            rows = self.numbers.connection.execute(statement.text, statement.values)
            found += [_version(query.type, row) for row in rows]
        return tuple(found)

    def _fewest(self) -> tuple[Way, int]:
        """The way that leaves the fewest resources, and how many they are, counted up to a bound."""
        found = ways(self.numbers, self.query)
        if self.query.patient is not None:
            return self._fewest_of_patient(found or [compartment_way(self.query)])
        found += self._link_ways()
        return self._counted(found or [type_way(self.query)])

    def _counted(self, found: list[Way]) -> tuple[Way, int]:
        """The way that leaves the fewest; none is counted much further than the fewest are.

        Where no way leaves next to nothing, links and restrictions are counted first: they leave as many however
        large the store is.
        """
        for bound, some in zip(_BOUNDS, (found, found[::-1], found[::-1]), strict=True):
            count, way = min(self._counts(some, bound), key=lambda pair: pair[0])
            if count <= bound:
                break
        return way, count

    def _counts(self, found: list[Way], bound: int) -> Iterator[tuple[int, Way]]:
        """What each way leaves, up to a bound and no further than the fewest so far; no more of them once there is one
        that leaves next to nothing.
        """
        for way in found:
            count = self._number(counting(way, bound))
            yield count, way
            bound = min(bound, count)
            if count <= _FEW_OF_A_PATIENT:
                return

    def _fewest_of_patient(self, found: list[Way]) -> tuple[Way, int]:
        if len(found) == 1:
            return found[0], 0
        return min(found, key=lambda way: self._number(counting(way, _FEW_OF_A_PATIENT))), 0

    def _link_ways(self) -> list[Way]:
        """In by the links that lead to few."""
        type = self.query.type
        found = [(link, self.known.get((type, link)) or self._learn(link)) for link in self.query.links]
        return [link_way(self.numbers, self.query, link, ids) for link, ids in found if ids]

    def _learn(self, link: Link) -> tuple[Sql, ...] | None:
        """What a link leads to, and what is in it; None unless it is few."""
        found = []
        for query in link.queries:
            search = replace(self, query=query, place=None)
            way, count = search._fewest()
            if not way.narrows or count > MANY:
                return None
            found.append(search._ids(link, self.query.type, way))
        self.known[self.query.type, link] = tuple(found)
        return tuple(found)

    def _ids(self, link: Link, type: str, way: Way) -> Sql:
        statement = leading(self.numbers, self.known, type, link, self.query, way)
        ids = self.numbers.connection.execute(statement.text, statement.values)
        return Sql("SELECT value FROM json_each(?)", (list_of(id for (id,) in ids),))

    def _rows(self, fewest: Way, count: int) -> list[Row]:
        if count > max(FEW, self.query.count) and (walk := walks(self.numbers, self.query)):
            steps = _WALK_STEPS if count > MANY else count * _STEPS_A_ROW
            try:
                with self.clock.giving_up_after(steps if fewest.narrows else None):
                    return self._walked(walk)
            except sqlite3.OperationalError as error:
                if not is_ended(error) or self.clock.late:
                    raise
        return self._page(fewest, self.query.count + 1)

    def _walked(self, walk: tuple[Way, ...]) -> list[Row]:
        """The rows with the first sort value in its order, then those without one."""
        rows: list[Row] = []
        for way in walk:
            past = len(walk) > 1 and self.place is not None and self.place.values[0] is None and way.present
            if not past and len(rows) <= self.query.count:
                rows += self._page(way, self.query.count + 1 - len(rows))
        return rows

    def _page(self, way: Way, limit: int) -> list[Row]:
        place = self.place
        if place is not None and not way.present and place.values[0] is not None:
            place = None
        statement = page_of(self.numbers, self.known, self.query, way, place, limit)
        return self.numbers.connection.execute(statement.text, statement.values).fetchall()

    def _number(self, statement: Sql) -> int:
        """The one number that a statement gives."""
        return int(self.numbers.connection.execute(statement.text, statement.values).fetchone()[0])


def _version(type: str, row: Row) -> Version:
    id, number, at, patient, body, position, method = row[:_COLUMNS]
    made_by = method or method_of_old(number, body is None)
    return Version(type, id, number, at_from_milliseconds(at), patient, body, position, made_by)
