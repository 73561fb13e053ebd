"""The SQL of a Query: ways into the tables, sort keys, and the place a page starts after.

Text and values only; running and choosing are in `sqlite_search.py`, filters on the way in `sqlite_filter.py`.
https://sqlite.org/lang_select.html · https://sqlite.org/lang_indexedby.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from careplan.fhir.query import Criterion, Link, Order, Query
from careplan.store.condition import COMPOSITE, RESOURCE, Condition, conditions_of, kind_of
from careplan.store.cursor import Place
from careplan.store.order import effective_orders
from careplan.store.sqlite_filter import LISTED, Done, Known, filters, is_listed, practitioner, values_of
from careplan.store.sqlite_statement import Numbers, Sql, all_of, any_of, joined, list_of, united

Row: TypeAlias = tuple[Any, ...]
"""id, number, at, patient, body, position, method, then the sort values."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way into the tables: FROM and WHERE with resource as `r`.

    keys     what it leaves, as a SELECT to count, where that tells something
    done     what the way answers already
    first    the first sort key, where the way is in its order
    present  False: only resources without the first sort key
    narrows  whether it leaves less than the whole type
    """

    into: Sql
    keys: Sql | None = None
    done: Done = None
    first: Sql | None = None
    present: bool = True
    narrows: bool = True


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


# ── orders ───────────────────────────────────────────────────────────────────────────────────────


def _sort_key(numbers: Numbers, type: str, order: Order) -> Sql:
    if order.parameter == "_lastUpdated":
        return Sql("r.at")
    kind = kind_of(order)
    chosen = _SORTED[kind][order.descending]
    return Sql(
        f"(SELECT {chosen} FROM {kind} v WHERE v.key = r.key AND v.parameter = ?)", (numbers.of(type, order.parameter),)
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
            found.append(all_of([*equal, beyond]))
        equal.append(Sql(f"{key.text} IS ?", (*key.values, value)))
    sign = "<" if orders[-1].descending else ">"
    found.append(all_of([*equal, Sql(f"r.id {sign} ?", (place.id,))]))
    return [any_of(found)]


def _from_place(place: Place, orders: Sequence[Order], key: Sql | None) -> list[Sql]:
    """The same as one bound on the first sort key, so that a walk starts at the place."""
    if key is None or (place.values and place.values[0] is None):
        return []
    if len(orders) == 1:
        return [Sql(f"r.id {'<' if orders[0].descending else '>'} ?", (place.id,))]
    return [Sql(f"{key.text} {'<=' if orders[0].descending else '>='} ?", (place.values[0],))]


# ── statements ───────────────────────────────────────────────────────────────────────────────────


def page_of(numbers: Numbers, known: Known, query: Query, way: Way, place: Place | None, limit: int) -> Sql:
    """The statement that fetches rows after the place."""
    orders = effective_orders(query)
    keys = [_sort_key(numbers, query.type, order) for order in orders[:-1]]
    if keys and way.first is not None:
        keys[0] = way.first
    where = filters(numbers, known, query, way.done)
    if place is not None:
        where += _from_place(place, orders, way.first) + _after(place, orders, keys)
    columns = "".join(f", {key.text} AS s{place}" for place, key in enumerate(keys))
    inner = joined(" AND ", [way.into, *where])
    sorts = "".join(f", p.s{place}" for place in range(len(keys)))
    text = (
        f"SELECT p.id, w.number, w.at, w.patient, w.body, w.position, w.method{sorts} FROM"
        f" (SELECT r.id AS id, r.position AS position{columns} {inner.text}"
        f" ORDER BY {_ordering(orders, way.first is not None)} LIMIT ?) p"
        " CROSS JOIN version w ON w.position = p.position"
    )
    return Sql(text, (*(value for key in keys for value in key.values), *inner.values, limit))


def inside(numbers: Numbers, query: Query, patients: str) -> Sql:
    """The statement that fetches what the query describes in these compartments: a list as `list_of` makes it."""
    asked = joined(" AND ", [Sql("r.type = ?", (query.type,)), *filters(numbers, {}, query)])
    text = (
        "SELECT r.id, w.number, w.at, w.patient, w.body, w.position, w.method FROM json_each(?) c"
        " CROSS JOIN resource r INDEXED BY resource_patient ON r.patient = c.value"
        f" CROSS JOIN version w ON w.position = r.position WHERE {asked.text}"
    )
    return Sql(text, (patients, *asked.values))


def total_of(numbers: Numbers, known: Known, query: Query, way: Way) -> Sql:
    """The statement that counts all matches."""
    inner = joined(" AND ", [way.into, *filters(numbers, known, query, way.done)])
    return Sql(f"SELECT count(*) {inner.text}", inner.values)


def counting(way: Way, bound: int) -> Sql:
    """The statement that counts what a way leaves, up to bound + 1."""
    keys = way.keys or Sql(f"SELECT r.key {way.into.text}", way.into.values)
    return Sql(f"SELECT count(*) FROM (SELECT 1 FROM ({keys.text}) LIMIT ?)", (*keys.values, bound + 1))


def listed(numbers: Numbers, organization: str, patient: str) -> Sql:
    """The statement that says whether the patient is listed with the organisation."""
    found = is_listed(numbers, organization, Sql("?", (patient,)))
    return Sql(f"SELECT {found.text}", found.values)


def patients_listed(numbers: Numbers, organization: str) -> Sql:
    """The statement of the ids of the patients that are listed with the organisation."""
    return Sql(LISTED, (practitioner(numbers), organization))


def listing(numbers: Numbers, organization: str, besides: frozenset[str]) -> Sql:
    """The statement of the ids of those, and of others besides."""
    who = patients_listed(numbers, organization)
    if not besides:
        return who
    return Sql(f"{who.text} UNION SELECT value FROM json_each(?)", (*who.values, list_of(besides)))


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


def ways(numbers: Numbers, query: Query) -> list[Way]:
    """The ways that an index gives. Within one patient only those that know the patient: codes and ids."""
    found = []
    for criterion in query.criteria:
        if not criterion.negated and criterion.missing is None:
            found += _criterion_ways(numbers, query, criterion)
    if query.patient is None:
        found += _restricted_ways(numbers, query)
    return found


def _criterion_ways(numbers: Numbers, query: Query, criterion: Criterion) -> list[Way]:
    """In by the values asked for; of a composite, by those of either part."""
    conditions = conditions_of(criterion, query.type)
    if kind_of(criterion) != COMPOSITE:
        return _condition_ways(numbers, query, conditions, criterion)
    if not all(condition.parts for condition in conditions):
        return []
    parts = zip(*(condition.parts for condition in conditions), strict=True)
    return [way for some in parts for way in _condition_ways(numbers, query, some, None)]


def _condition_ways(numbers: Numbers, query: Query, conditions: Sequence[Condition], done: Done) -> list[Way]:
    """In by any of the conditions, where an index finds each of them."""
    if query.patient is not None and any(one.kind not in ("token", RESOURCE) for one in conditions):
        return []
    selects = [_keys(numbers, query, condition) for condition in conditions]
    return [_by_keys(query, united([sql for sql in selects if sql]), done)] if selects and all(selects) else []


def leading(numbers: Numbers, known: Known, type: str, link: Link, other: Query, way: Way) -> Sql:
    """The statement of the ids by which resources of the type are found that the link ties to one of its queries.

    way  into what that query describes
    """
    inner = joined(" AND ", [way.into, *filters(numbers, known, other, way.done)])
    if not link.reverse:
        return Sql(f"SELECT r.id {inner.text}", inner.values)
    return Sql(
        f"SELECT DISTINCT l.id FROM (SELECT r.key AS key {inner.text}) i CROSS JOIN reference l ON l.key = i.key"
        " WHERE l.parameter = ? AND l.type = ?",
        (*inner.values, numbers.of(other.type, link.parameter), type),
    )


def link_way(numbers: Numbers, query: Query, link: Link, ids: Sequence[Sql]) -> Way:
    """In by what the link leads to, which is known and few."""
    tied = _keys_backward if link.reverse else _keys_forward
    selects = [tied(numbers, query, link, other, some) for other, some in zip(link.queries, ids, strict=True)]
    return _by_keys(query, united(selects), link)


def walks(numbers: Numbers, query: Query) -> tuple[Way, ...]:
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
    parameter = numbers.of(query.type, first.parameter)
    into = Sql(
        f"FROM {kind_of(first)} o INDEXED BY {index} CROSS JOIN resource r ON r.key = o.key"
        f" WHERE o.parameter = ? AND o.{mark} = 1",
        (parameter,),
    )
    none = Sql(f"NOT EXISTS (SELECT 1 FROM {kind_of(first)} v WHERE v.key = r.key AND v.parameter = ?)", (parameter,))
    without = joined(" AND ", [type_way(query).into, none])
    return (Way(into, first=Sql(f"o.{column}")), Way(without, first=Sql("NULL"), present=False))


def _by_keys(query: Query, keys: Sql, done: Done) -> Way:
    into = Sql(f"FROM resource r NOT INDEXED WHERE r.type = ? AND r.key IN ({keys.text})", (query.type, *keys.values))
    return Way(into, keys=keys, done=done)


def _keys(numbers: Numbers, query: Query, condition: Condition) -> Sql | None:
    """The keys of the resources with a value that fulfils the condition; None when no index finds them."""
    if condition.unless:
        return None
    columns = {comparison.column for comparison in condition.where if comparison.operator != "contains"}
    for column, index in _INDEXES[condition.kind]:
        if column in columns or not column:
            where = values_of(numbers, query.type, condition, condition.where)
            if query.patient is not None and condition.kind == "token":
                index, where = "token_patient", [Sql("v.patient = ?", (query.patient,)), *where]
            found = joined(" AND ", where)
            return Sql(f"SELECT v.key FROM {condition.kind} v INDEXED BY {index} WHERE {found.text}", found.values)
    return None


def _restricted_ways(numbers: Numbers, query: Query) -> list[Way]:
    found = []
    inside = "SELECT v.key FROM resource v INDEXED BY resource_patient WHERE v.type = ? AND v.patient IN"
    if query.patients is not None:
        keys = Sql(f"{inside} (SELECT value FROM json_each(?))", (query.type, list_of(query.patients)))
        found.append(_by_keys(query, keys, "patients"))
    if query.listed_with is not None:
        who = listing(numbers, query.listed_with, query.besides)
        keys = Sql(f"{inside} ({who.text})", (query.type, *who.values))
        found.append(_by_keys(query, keys, "listed_with"))
    return found


def _keys_forward(numbers: Numbers, query: Query, link: Link, other: Query, ids: Sql) -> Sql:
    """Of what refers to these."""
    return Sql(
        "SELECT v.key FROM reference v INDEXED BY reference_id"
        f" WHERE v.id IN ({ids.text}) AND v.parameter = ? AND v.type = ?",
        (*ids.values, numbers.of(query.type, link.parameter), other.type),
    )


def _keys_backward(numbers: Numbers, query: Query, link: Link, other: Query, ids: Sql) -> Sql:
    """Of these themselves."""
    text = f"SELECT v.key FROM resource v INDEXED BY resource_id WHERE v.type = ? AND v.id IN ({ids.text})"
    return Sql(text, (query.type, *ids.values))
