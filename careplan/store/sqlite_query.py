"""The SQL of a Query: ways into the tables, filters on the way, sort keys, and the place a page starts after.

Text and values only; running and choosing are in `sqlite_search.py`. Every name in the text is from this module;
whatever a caller sent is bound. https://sqlite.org/lang_select.html · https://sqlite.org/lang_indexedby.html
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from json import dumps
from typing import Any, TypeAlias

from careplan.fhir.query import Criterion, Order, Query
from careplan.store.condition import RESOURCE, Comparison, Comparisons, Condition, conditions_of, kind_of, presence_of
from careplan.store.cursor import Place
from careplan.store.order import effective_orders

Bound: TypeAlias = str | int | None
Row: TypeAlias = tuple[Any, ...]
"""id, number, at, patient, body, position, then the sort values."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL with the values it binds."""

    text: str
    values: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """A way into the tables: FROM and WHERE with resource as `r`.

    keys     what it leaves, as a SELECT to count, where that tells something
    done     what the way answers already: a criterion, or `patients` or `listed_with`
    first    the first sort key, where the way is in its order
    present  False: only resources without the first sort key
    narrows  whether it leaves less than the whole type
    """

    into: Sql
    keys: Sql | None = None
    done: Criterion | str | None = None
    first: Sql | None = None
    present: bool = True
    narrows: bool = True


class Names:
    """The numbers of (type, parameter) pairs, remembered once they are known."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], int] = {}

    def find(self, connection: sqlite3.Connection, type: str, name: str) -> int | None:
        """The number, or None when no value was ever stored under that name."""
        known = self._known.get((type, name))
        if known is None:
            row = connection.execute("SELECT key FROM parameter WHERE type = ? AND name = ?", (type, name)).fetchone()
            if row is not None:
                known = self._known[type, name] = int(row[0])
        return known

    def read(self, connection: sqlite3.Connection, type: str, name: str) -> int:
        """The number; -1, under which nothing stands, when there is none."""
        known = self.find(connection, type, name)
        return -1 if known is None else known


# kind → (column compared, index of `parameter` and it); "" takes all values of the parameter
_INDEXES: dict[str, tuple[tuple[str, str], ...]] = {
    "token": (("code", "token_code"), ("", "token_code")),
    "date": (("low", "date_low"), ("high", "date_high")),
    "number": (("low", "number_low"), ("", "number_low")),
    "string": (("folded", "string_folded"), ("", "string_folded")),
    "reference": (("id", "reference_id"),),
    "uri": (("uri", "uri_uri"),),
    RESOURCE: (("id", "resource_id"), ("at", "resource_at")),
}

# kind → what an ascending and a descending sort go by; the + keeps SQLite on the resource's own few rows
_SORTED: dict[str, tuple[str, str]] = {
    "token": ("min(+v.code)", "max(+v.code)"),
    "date": ("min(+v.low)", "max(+v.high)"),
    "number": ("min(+v.low)", "max(+v.high)"),
    "string": ("min(+v.folded) FILTER (WHERE v.first)", "max(+v.folded) FILTER (WHERE v.last)"),
    "reference": ("min(+v.type || '/' || v.id)", "max(+v.type || '/' || v.id)"),
    "uri": ("min(+v.uri)", "max(+v.uri)"),
}

# (kind, descending) → index with one marked entry a resource in that order, its column, its mark
_WALKS: dict[tuple[str, bool], tuple[str, str, str]] = {
    ("date", False): ("date_low", "low", "first"),
    ("date", True): ("date_high", "high", "last"),
    ("string", False): ("string_folded", "folded", "first"),
    ("string", True): ("string_folded", "folded", "last"),
}

_LISTED = (
    "SELECT g.id FROM reference v INDEXED BY reference_id CROSS JOIN resource g ON g.key = v.key"
    " WHERE v.parameter = ? AND v.id = ? AND v.type = 'Organization'"
)
_IS_LISTED = (
    "SELECT 1 FROM resource g INDEXED BY resource_id CROSS JOIN reference v ON v.key = g.key"
    " WHERE g.type = 'Patient' AND g.id = {} AND v.parameter = ? AND v.id = ? AND v.type = 'Organization'"
)
_TOGETHER = 100
"""More terms than this are nested: SQLite bears 500 in a compound SELECT, and expressions 1000 deep."""


# ── orders ───────────────────────────────────────────────────────────────────────────────────────


def _sort_key(number: "_Number", order: Order) -> Sql:
    if order.parameter == "_lastUpdated":
        return Sql("r.at")
    kind = kind_of(order)
    chosen = _SORTED[kind][order.descending]
    return Sql(
        f"(SELECT {chosen} FROM {kind} v WHERE v.key = r.key AND v.parameter = ?)", (number.of(order.parameter),)
    )


def _ordering(orders: Sequence[Order], walked: bool) -> str:
    """ORDER BY of the sort keys s0, s1 … and the id. A walked index has no missing value first."""
    terms = []
    for place, order in enumerate(orders[:-1]):
        terms.append(f"s{place} {'DESC' if order.descending else 'ASC'}")
        if not order.descending and not (walked and place == 0) and order.parameter != "_lastUpdated":
            terms[-1] += " NULLS LAST"
    return ", ".join([*terms, f"r.id {'DESC' if orders[-1].descending else 'ASC'}"])


def _after(place: Place, orders: Sequence[Order], keys: Sequence[Sql]) -> list[Sql]:
    """What comes after the place, in words of the sort keys; missing values come last either way."""
    found: list[Sql] = []
    equal: list[Sql] = []
    for order, key, value in zip(orders, keys, place.values, strict=False):
        if value is not None:
            sign = "<" if order.descending else ">"
            beyond = Sql(f"({key.text} {sign} ? OR {key.text} IS NULL)", (*key.values, value, *key.values))
            found.append(_all([*equal, beyond]))
        equal.append(Sql(f"{key.text} IS ?", (*key.values, value)))
    sign = "<" if orders[-1].descending else ">"
    found.append(_all([*equal, Sql(f"r.id {sign} ?", (place.id,))]))
    return [_any(found)]


def _from_place(place: Place, orders: Sequence[Order], key: Sql | None) -> list[Sql]:
    """The same as one bound on the first sort key, so that a walk starts at the place."""
    if key is None or (place.values and place.values[0] is None):
        return []
    if len(orders) == 1:
        return [Sql(f"r.id {'<' if orders[0].descending else '>'} ?", (place.id,))]
    return [Sql(f"{key.text} {'<=' if orders[0].descending else '>='} ?", (place.values[0],))]


# ── statements ───────────────────────────────────────────────────────────────────────────────────


def page_of(
    connection: sqlite3.Connection, names: Names, query: Query, way: Way, place: Place | None, limit: int
) -> Sql:
    """The statement that fetches rows after the place."""
    number = _Number(connection, names, query.type)
    orders = effective_orders(query)
    keys = [_sort_key(number, order) for order in orders[:-1]]
    if keys and way.first is not None:
        keys[0] = way.first
    where = _filters(number, query, way)
    if place is not None:
        where += _from_place(place, orders, way.first) + _after(place, orders, keys)
    columns = "".join(f", {key.text} AS s{place}" for place, key in enumerate(keys))
    inner = _joined(" AND ", [way.into, *where])
    sorts = "".join(f", p.s{place}" for place in range(len(keys)))
    text = (
        f"SELECT p.id, w.number, w.at, w.patient, w.body, w.position{sorts} FROM"
        f" (SELECT r.id AS id, r.position AS position{columns} {inner.text}"
        f" ORDER BY {_ordering(orders, way.first is not None)} LIMIT ?) p"
        " CROSS JOIN version w ON w.position = p.position"
    )
    return Sql(text, (*(value for key in keys for value in key.values), *inner.values, limit))


def total_of(connection: sqlite3.Connection, names: Names, query: Query, way: Way) -> Sql:
    """The statement that counts all matches."""
    number = _Number(connection, names, query.type)
    inner = _joined(" AND ", [way.into, *_filters(number, query, way)])
    return Sql(f"SELECT count(*) {inner.text}", inner.values)


def counting(way: Way, bound: int) -> Sql:
    """The statement that counts what a way leaves, up to bound + 1."""
    keys = way.keys or Sql(f"SELECT r.key {way.into.text}", way.into.values)
    return Sql(f"SELECT count(*) FROM (SELECT 1 FROM ({keys.text}) LIMIT ?)", (*keys.values, bound + 1))


def listed(connection: sqlite3.Connection, names: Names, query: Query, patient: str) -> Sql:
    """The statement that finds a row when the patient is listed with the query's organisation."""
    return Sql(_IS_LISTED.format("?"), (patient, _practitioner(connection, names), query.listed_with))


# ── ways in ──────────────────────────────────────────────────────────────────────────────────────


def type_way(query: Query) -> Way:
    """All of the type, by id."""
    into = Sql("FROM resource r INDEXED BY resource_id WHERE r.type = ?", (query.type,))
    return Way(into, narrows=False)


def compartment_way(query: Query) -> Way:
    """One patient's resources of the type."""
    return Way(
        Sql(
            "FROM resource r INDEXED BY resource_patient WHERE r.type = ? AND r.patient = ?",
            (query.type, query.patient),
        )
    )


def ways(connection: sqlite3.Connection, names: Names, query: Query) -> list[Way]:
    """The ways that an index gives. Within one patient only those that know the patient: codes and ids."""
    number = _Number(connection, names, query.type)
    kinds = ("token", RESOURCE) if query.patient is not None else tuple(_INDEXES)
    found = []
    for criterion in query.criteria:
        if not criterion.negated and criterion.missing is None and kind_of(criterion) in kinds:
            selects = [_keys(number, condition, query.patient) for condition in conditions_of(criterion)]
            if selects and all(selects):
                found.append(_by_keys(query, _united([sql for sql in selects if sql]), criterion))
    if query.patient is None:
        found += _restricted_ways(connection, names, query)
    return found


def walks(connection: sqlite3.Connection, names: Names, query: Query) -> tuple[Way, ...]:
    """The type in the order of the first sort key: those that have it, then the others. Empty: no such index."""
    first = effective_orders(query)[0]
    if first.parameter == "_id":
        return (replace(type_way(query), first=Sql("r.id")),)
    if first.parameter == "_lastUpdated":
        into = Sql("FROM resource r INDEXED BY resource_at WHERE r.type = ?", (query.type,))
        return (Way(into, first=Sql("r.at")),)
    if (walk := _WALKS.get((kind_of(first), first.descending))) is None:
        return ()
    index, column, mark = walk
    parameter = names.read(connection, query.type, first.parameter)
    into = Sql(
        f"FROM {kind_of(first)} o INDEXED BY {index} CROSS JOIN resource r ON r.key = o.key"
        f" WHERE o.parameter = ? AND o.{mark} = 1",
        (parameter,),
    )
    none = Sql(f"NOT EXISTS (SELECT 1 FROM {kind_of(first)} v WHERE v.key = r.key AND v.parameter = ?)", (parameter,))
    without = _joined(" AND ", [type_way(query).into, none])
    return (Way(into, first=Sql(f"o.{column}")), Way(without, first=Sql("NULL"), present=False))


def _by_keys(query: Query, keys: Sql, done: Criterion | str) -> Way:
    into = Sql(f"FROM resource r NOT INDEXED WHERE r.type = ? AND r.key IN ({keys.text})", (query.type, *keys.values))
    return Way(into, keys=keys, done=done)


def _keys(number: "_Number", condition: Condition, patient: str | None) -> Sql | None:
    """The keys of the resources with a value that fulfils the condition; None when no index finds them."""
    if condition.unless:
        return None
    columns = {comparison.column for comparison in condition.where if comparison.operator != "contains"}
    for column, index in _INDEXES[condition.kind]:
        if column in columns or not column:
            where = _value(number, condition, condition.where)
            if patient is not None and condition.kind == "token":
                index, where = "token_patient", [Sql("v.patient = ?", (patient,)), *where]
            found = _joined(" AND ", where)
            return Sql(f"SELECT v.key FROM {condition.kind} v INDEXED BY {index} WHERE {found.text}", found.values)
    return None


def _restricted_ways(connection: sqlite3.Connection, names: Names, query: Query) -> list[Way]:
    found = []
    inside = "SELECT v.key FROM resource v INDEXED BY resource_patient WHERE v.type = ? AND v.patient IN"
    if query.patients is not None:
        keys = Sql(f"{inside} (SELECT value FROM json_each(?))", (query.type, _list(query.patients)))
        found.append(_by_keys(query, keys, "patients"))
    if query.listed_with is not None:
        keys = Sql(f"{inside} ({_LISTED})", (query.type, _practitioner(connection, names), query.listed_with))
        found.append(_by_keys(query, keys, "listed_with"))
    return found


def _practitioner(connection: sqlite3.Connection, names: Names) -> int:
    return names.read(connection, "Patient", "general-practitioner")


def _list(patients: Iterable[str]) -> str:
    return dumps(sorted(patients))


# ── filters ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Number:
    """The numbers of one type's parameters."""

    connection: sqlite3.Connection
    names: Names
    type: str

    def of(self, parameter: str) -> int:
        return self.names.read(self.connection, self.type, parameter)


def _filters(number: _Number, query: Query, way: Way) -> list[Sql]:
    """What is asked besides what the way answers."""
    found = [_criterion(number, criterion) for criterion in query.criteria if criterion != way.done]
    if query.patient is not None:
        found.append(Sql("r.patient = ?", (query.patient,)))
    if query.patients is not None and way.done != "patients":
        text = "r.patient IN (SELECT value FROM json_each(?))"
        found.append(Sql(text, (_list(query.patients),)))
    if query.listed_with is not None and query.patient is None and way.done != "listed_with":
        text = f"EXISTS ({_IS_LISTED.format('r.patient')})"
        found.append(Sql(text, (_practitioner(number.connection, number.names), query.listed_with)))
    return found


def _criterion(number: _Number, criterion: Criterion) -> Sql:
    if criterion.missing is not None:
        present = _condition(number, presence_of(criterion))
        return Sql(f"NOT {present.text}", present.values) if criterion.missing else present
    found = _any([_condition(number, condition) for condition in conditions_of(criterion)])
    return Sql(f"NOT {found.text}", found.values) if criterion.negated else found


def _condition(number: _Number, condition: Condition) -> Sql:
    some = _exists(number, condition, condition.where)
    if not condition.unless:
        return some
    none = _exists(number, condition, condition.unless)
    return _all([some, Sql(f"NOT {none.text}", none.values)])


def _exists(number: _Number, condition: Condition, where: Comparisons) -> Sql:
    if condition.kind == RESOURCE:
        return _all([_compared("r", comparison) for comparison in where])
    inner = _joined(" AND ", _value(number, condition, where))
    return Sql(f"EXISTS (SELECT 1 FROM {condition.kind} v WHERE v.key = r.key AND {inner.text})", inner.values)


def _value(number: _Number, condition: Condition, where: Comparisons) -> list[Sql]:
    """The value `v` stands under the condition's parameter, and fulfils all of `where`."""
    if condition.kind == RESOURCE:
        return [Sql("v.type = ?", (number.type,)), *(_compared("v", comparison) for comparison in where)]
    of = Sql("v.parameter = ?", (number.of(condition.parameter),))
    return [of, *(_compared("v", comparison) for comparison in where)]


def _compared(table: str, comparison: Comparison) -> Sql:
    if comparison.operator == "contains":
        return Sql(f"instr({table}.{comparison.column}, ?) > 0", (comparison.value,))
    return Sql(f"{table}.{comparison.column} {comparison.operator} ?", (comparison.value,))


def _all(parts: Sequence[Sql]) -> Sql:
    return _joined(" AND ", parts, around=True) if parts else Sql("(1)")


def _any(parts: Sequence[Sql]) -> Sql:
    if len(parts) > _TOGETHER:
        return _any([_any(some) for some in _grouped(parts)])
    return _joined(" OR ", parts, around=True) if parts else Sql("(0)")


def _united(selects: Sequence[Sql]) -> Sql:
    """The keys of all these SELECTs."""
    if len(selects) > _TOGETHER:
        groups = [_united(some) for some in _grouped(selects)]
        return _united([Sql(f"SELECT key FROM ({group.text})", group.values) for group in groups])
    return _joined(" UNION ALL ", selects)


def _grouped(parts: Sequence[Sql]) -> list[Sequence[Sql]]:
    return [parts[start : start + _TOGETHER] for start in range(0, len(parts), _TOGETHER)]


def _joined(by: str, parts: Sequence[Sql], *, around: bool = False) -> Sql:
    text = by.join(part.text for part in parts)
    return Sql(f"({text})" if around else text, tuple(value for part in parts for value in part.values))
