"""A Query on the SQLite file: on indexes only, one page at a time.

Not here: what a criterion means (`condition.py`), its SQL (`sqlite_query.py`), and threads (`sqlite.py`).
https://sqlite.org/queryplanner.html

SQLite keeps no statistics here, so the way in is chosen in this module. A patient's own resources are few: go in by
the compartment, or by (parameter, code, patient). Otherwise count, up to a bound, how many resources each criterion
leaves: go in by the fewest when they are few, and sort them; else walk an index in the order asked for and check each
resource on the way, so that a page does not sort the whole store. A walk that meets too few matches is given up for
the way with the fewest.
"""

import sqlite3
from dataclasses import dataclass

from careplan.fhir.query import Query
from careplan.store.cursor import Place, place_from_text, text_from_place
from careplan.store.order import effective_orders, sort_type
from careplan.store.protocol import Page, Version
from careplan.store.sortable import at_from_milliseconds
from careplan.store.sqlite_query import (
    Names,
    Row,
    Way,
    compartment_way,
    counting,
    listed,
    page_of,
    total_of,
    type_way,
    walks,
    ways,
)

FEW = 1000
"""Up to this many resources are fetched and sorted; above it an index is walked in order."""

_FEW_OF_A_PATIENT = 50
_WALK_INSTRUCTIONS = 3_000_000


def find(connection: sqlite3.Connection, names: Names, query: Query) -> Page:
    """One page. Raises CursorInvalid. Sees one state of the file when the caller holds a transaction."""
    place = None
    if query.after is not None:
        place = place_from_text(query.after, [sort_type(order) for order in effective_orders(query)[:-1]])
    if query.patients is not None and not query.patients:
        return Page((), None, 0 if query.total else None)
    return _Search(connection, names, query, place).page()


@dataclass(frozen=True, slots=True)
class _Search:
    """One search under way on one connection."""

    connection: sqlite3.Connection
    names: Names
    query: Query
    place: Place | None

    def page(self) -> Page:
        query = self.query
        if query.patient is not None and query.listed_with is not None and not self._is_listed(query.patient):
            return Page((), None, 0 if query.total else None)
        fewest, count = self._fewest()
        total = self._total(fewest) if query.total else None
        rows = self._rows(fewest, count) if query.count > 0 else []
        matches = tuple(_version(query.type, row) for row in rows[: query.count])
        more = len(rows) > query.count > 0
        last = rows[query.count - 1] if more else None
        return Page(matches, None if last is None else text_from_place(last[6:], last[0]), total)

    def _fewest(self) -> tuple[Way, int]:
        """The way that leaves the fewest resources, and how many they are, counted up to a bound."""
        found = ways(self.connection, self.names, self.query)
        if self.query.patient is not None:
            found = found or [compartment_way(self.query)]
            bound = _FEW_OF_A_PATIENT
        else:
            found = found or [type_way(self.query)]
            bound = FEW * 20
        if len(found) == 1 and self.query.patient is not None:
            return found[0], 0
        counted = [(self._count(way, bound), way) for way in found]
        count, way = min(counted, key=lambda pair: pair[0])
        return way, 0 if self.query.patient is not None else count

    def _rows(self, fewest: Way, count: int) -> list[Row]:
        if count > FEW and (walk := walks(self.connection, self.names, self.query)):
            self.connection.set_progress_handler(lambda: 1, _WALK_INSTRUCTIONS if fewest.narrows else 0)
            try:
                return self._walked(walk)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                    raise
            finally:
                self.connection.set_progress_handler(None, 0)
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
        statement = page_of(self.connection, self.names, self.query, way, place, limit)
        return self.connection.execute(statement.text, statement.values).fetchall()

    def _total(self, way: Way) -> int:
        statement = total_of(self.connection, self.names, self.query, way)
        return int(self.connection.execute(statement.text, statement.values).fetchone()[0])

    def _count(self, way: Way, bound: int) -> int:
        statement = counting(way, bound)
        return int(self.connection.execute(statement.text, statement.values).fetchone()[0])

    def _is_listed(self, patient: str) -> bool:
        statement = listed(self.connection, self.names, self.query, patient)
        return self.connection.execute(statement.text, statement.values).fetchone() is not None


def _version(type: str, row: Row) -> Version:
    id, number, at, patient, body, position = row[:6]
    return Version(type, id, number, at_from_milliseconds(at), patient, body, position)
