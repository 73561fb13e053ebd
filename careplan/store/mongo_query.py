"""A Query as a MongoDB filter, sort and place; a Write as the document that they look at. Values only, no driver.

Not here: what a criterion means (`condition.py`), and every call of a driver (`mongo.py`).
https://www.mongodb.com/docs/manual/core/indexes/index-types/index-multikey/

A resource is one document: `type`, `id`, `n` number, `at`, `p` patient, `pos`, `body`, and what it is found by:
v  texts `<kind><parameter>␟<parts>`: t token (code, system), f folded string, x string as it is, r reference
   (id, type), u uri. One index over them serves all, a prefix serves `any system`
d  dates {n parameter, l, h}    q  numbers {n, l, h, s system, c code, u unit}
s  what sorts go by: parameter → {a ascending, z descending}
A deleted resource keeps only its number: it has no `type`, which every index and search asks for.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from careplan.fhir.index import SearchValues, folded
from careplan.fhir.query import Criterion, Order, Query
from careplan.store.condition import (
    RESOURCE,
    Comparisons,
    Condition,
    conditions_of,
    identifier_parameter,
    kind_of,
    presence_of,
)
from careplan.store.cursor import Place, SortValue
from careplan.store.protocol import Version, Write
from careplan.store.sortable import (
    after_prefix,
    at_from_milliseconds,
    milliseconds_from_at,
    span_from_range,
    text_from_decimal,
)

Document: TypeAlias = dict[str, Any]

INDEXES: dict[str, tuple[tuple[str, int], ...]] = {
    "id": (("type", 1), ("id", 1)),
    "value": (("type", 1), ("v", 1), ("id", 1)),
    "patient-value": (("type", 1), ("p", 1), ("v", 1)),
    "patient-newest": (("type", 1), ("p", 1), ("s.date.z", -1), ("id", 1)),
    "at": (("type", 1), ("at", 1), ("id", 1)),
    "latest": (("type", 1), ("at", -1), ("id", 1)),
    "date": (("type", 1), ("d.n", 1), ("d.l", 1), ("d.h", 1)),
    "number": (("type", 1), ("q.n", 1), ("q.l", 1), ("q.h", 1)),
    "newest": (("type", 1), ("s.date.z", -1), ("id", 1)),
}
"""Indexes over the resources that are not deleted, by name."""

LIVE: Document = {"type": {"$exists": True}}
NOTHING: Document = {"_id": {"$in": []}}

_END = "\x1f"
_ESCAPED = str.maketrans({"\x00": "\x1e2", "\x1e": "\x1e0", "\x1f": "\x1e1"})
_LETTERS = {"token": "t", "string": "f", "reference": "r", "uri": "u"}
_PARTS = {"token": ("code", "system"), "reference": ("id", "type"), "uri": ("uri",), "string": ("folded",)}
_ARRAYS = {"date": "d", "number": "q"}
_FIELDS = {"low": "l", "high": "h", "system": "s", "code": "c", "unit": "u"}
_OPERATORS = {"=": "$eq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}


# ── documents ────────────────────────────────────────────────────────────────────────────────────


def version_document(write: Write, number: int, position: int) -> Document:
    """The version as history and feed keep it, under its position."""
    return {
        "_id": position,
        "of": f"{write.type}/{write.id}",
        "n": number,
        "at": milliseconds_from_at(write.at),
        "p": write.patient,
        "body": write.body,
    }


def resource_document(write: Write, number: int, position: int) -> Document:
    """The resource as it is now, with what it is found by; only its number when it is deleted."""
    document = version_document(write, number, position)
    document |= {"_id": document.pop("of"), "pos": position}
    if write.body is not None:
        document |= {"type": write.type, "id": write.id, **_found_by(write.values)}
    return document


def version_from_document(document: Mapping[str, Any]) -> Version:
    """The Version in a document of either kind."""
    of, position = (document["of"], document["_id"]) if "of" in document else (document["_id"], document["pos"])
    type, _, id = of.partition("/")
    body = document["body"]
    at = at_from_milliseconds(document["at"])
    return Version(type, id, document["n"], at, document["p"], None if body is None else bytes(body), position)


def _found_by(values: SearchValues) -> Document:
    dates = {(name, *span_from_range(value.low, value.high)) for name, value in values.dates}
    numbers = {
        (name, text_from_decimal(v.low), text_from_decimal(v.high), v.system, v.code, v.unit)
        for name, v in values.numbers
    }
    return {
        "v": sorted(set(_texts(values))),
        "d": [{"n": n, "l": low, "h": high} for n, low, high in sorted(dates)],
        "q": [{"n": n, "l": low, "h": high, "s": s, "c": c, "u": u} for n, low, high, s, c, u in sorted(numbers)],
        "s": _sorts(values),
    }


def _texts(values: SearchValues) -> Iterable[str]:
    for name, token in values.tokens:
        yield _text("t", name, token.code, token.system)
    for name, string in values.strings:
        yield _text("f", name, folded(string.text))
        if not string.word:
            yield _text("x", name, string.text)
    for name, reference in values.references:
        yield _text("r", name, reference.id, reference.type)
        if reference.identifier is not None:
            yield _text("t", identifier_parameter(name), reference.identifier.code, reference.identifier.system)
    for name, uri in values.uris:
        yield _text("u", name, uri.uri)


def _text(letter: str, name: str, *parts: str) -> str:
    return letter + name + _END + _END.join(part.translate(_ESCAPED) for part in parts)


def _sorts(values: SearchValues) -> Document:
    sorts: Document = {}
    for name, ascending, descending in _sort_values(values):
        known = sorts.get(name)
        if known is None:
            sorts[name] = {"a": ascending, "z": descending}
        else:
            sorts[name] = {"a": min(known["a"], ascending), "z": max(known["z"], descending)}
    return sorts


def _sort_values(values: SearchValues) -> Iterable[tuple[str, SortValue, SortValue]]:
    for name, token in values.tokens:
        yield name, token.code, token.code
    for name, date in values.dates:
        low, high = span_from_range(date.low, date.high)
        yield name, low, high
    for name, number in values.numbers:
        yield name, text_from_decimal(number.low), text_from_decimal(number.high)
    for name, string in values.strings:
        if not string.word:
            yield name, folded(string.text), folded(string.text)
    for name, reference in values.references:
        yield name, f"{reference.type}/{reference.id}", f"{reference.type}/{reference.id}"
    for name, uri in values.uris:
        yield name, uri.uri, uri.uri


# ── filters ──────────────────────────────────────────────────────────────────────────────────────


def filter_from_query(query: Query, listed: Sequence[str] | None) -> Document:
    """What a match fulfils, but for the place.

    listed  the patients that the query's `listed_with` means, when it is set
    """
    parts: list[Document] = [{"type": query.type}]
    if query.patient is not None:
        parts.append({"p": query.patient})
    if query.patients is not None:
        parts.append({"p": {"$in": sorted(query.patients)}} if query.patients else NOTHING)
    if listed is not None:
        parts.append({"p": {"$in": list(listed)}})
    parts += [_criterion(criterion) for criterion in query.criteria]
    return {"$and": parts}


def hint_for(query: Query) -> str | None:
    """The index to go in by within one patient, which no trial of plans finds better; None leaves it to the server."""
    if query.patient is None:
        return None
    coded = any(c.kind == "token" and not c.negated and c.missing is None for c in query.criteria)
    return "patient-value" if coded else "patient-newest"


def listing(organization: str) -> Document:
    """The patients whose general practitioner is this organisation."""
    return {"type": "Patient", "v": _text("r", "general-practitioner", organization, "Organization")}


def _criterion(criterion: Criterion) -> Document:
    if criterion.missing is not None:
        present = _condition(presence_of(criterion))
        return {"$nor": [present]} if criterion.missing else present
    alternatives = [_condition(condition) for condition in conditions_of(criterion)] or [NOTHING]
    if criterion.negated:
        return {"$nor": alternatives}
    return alternatives[0] if len(alternatives) == 1 else {"$or": alternatives}


def _condition(condition: Condition) -> Document:
    some = _some(condition, condition.where)
    return {"$and": [some, {"$nor": [_some(condition, condition.unless)]}]} if condition.unless else some


def _some(condition: Condition, where: Comparisons) -> Document:
    """Some value of the parameter fulfils all comparisons."""
    if condition.kind == RESOURCE:
        return _compared(where, {"id": "id", "at": "at"}) or {"type": {"$exists": True}}
    if condition.kind in _ARRAYS:
        return {_ARRAYS[condition.kind]: {"$elemMatch": {"n": condition.parameter, **_compared(where, _FIELDS)}}}
    return {"v": _matched(condition, where)}


def _compared(where: Comparisons, fields: Mapping[str, str]) -> Document:
    found: Document = {}
    for comparison in where:
        found.setdefault(fields[comparison.column], {})[_OPERATORS[comparison.operator]] = comparison.value
    return found


def _matched(condition: Condition, where: Comparisons) -> Any:
    """The texts that mean the comparisons: one, those with a prefix, or those of a pattern."""
    asked = {c.column: str(c.value) for c in where if c.operator in ("=", ">=")}
    if "text" in asked:
        return _text("x", condition.parameter, asked["text"])
    letter, parts = _LETTERS[condition.kind], _PARTS[condition.kind]
    start = letter + condition.parameter + _END
    for comparison in where:
        if comparison.operator == "contains":
            return _pattern(start, ".*" + re.escape(str(comparison.value).translate(_ESCAPED)))
    given = [asked.get(part) for part in parts]
    if all(comparison.operator == "=" for comparison in where) and None not in given:
        return _text(letter, condition.parameter, *(text for text in given if text is not None))
    if given[0] is None and len(given) > 1 and given[1] is not None:
        return _pattern(start, f"[^{_END}]*" + re.escape(_END + given[1].translate(_ESCAPED)) + "$(?!\n)")
    prefix = start if given[0] is None else start + given[0].translate(_ESCAPED) + (_END if len(parts) > 1 else "")
    return {"$elemMatch": {"$gte": prefix, "$lt": after_prefix(prefix)}}


def _pattern(start: str, rest: str) -> Document:
    return {"$regex": "^" + re.escape(start) + rest, "$options": "s"}


# ── orders ───────────────────────────────────────────────────────────────────────────────────────


def path_of(order: Order) -> str:
    """The field that an order goes by."""
    if order.parameter in ("_id", "_lastUpdated"):
        return {"_id": "id", "_lastUpdated": "at"}[order.parameter]
    return f"s.{order.parameter}.{'z' if order.descending else 'a'}"


def may_be_missing(order: Order) -> bool:
    """Whether a resource may lack it."""
    return kind_of(order) != RESOURCE


def sort_values(document: Mapping[str, Any], orders: Sequence[Order]) -> list[SortValue]:
    """The values a document sorts by, but for its id."""
    found: list[SortValue] = []
    for order in orders[:-1]:
        value: Any = document
        for step in path_of(order).split("."):
            value = value.get(step) if value is not None else None
        found.append(value)
    return found


def pipeline_sort(orders: Sequence[Order]) -> tuple[Document, Document]:
    """Marks to add and the sort by them. MongoDB puts missing values first when it ascends; we want them last."""
    marks: Document = {}
    sort: Document = {}
    for place, order in enumerate(orders):
        if may_be_missing(order) and not order.descending:
            marks[f"m{place}"] = {"$eq": [{"$type": f"${path_of(order)}"}, "missing"]}
            sort[f"m{place}"] = 1
        sort[path_of(order)] = -1 if order.descending else 1
    return marks, sort


def after_place(place: Place, orders: Sequence[Order]) -> Document:
    """What comes after the place; missing values come last either way."""
    found: list[Document] = []
    equal: list[Document] = []
    for order, value in zip(orders, (*place.values, place.id), strict=True):
        path = path_of(order)
        none: Document = {path: {"$exists": False}}
        if value is not None:
            found.append({"$and": [*equal, {path: {"$lt" if order.descending else "$gt": value}}]})
            if may_be_missing(order):
                found.append({"$and": [*equal, none]})
        equal.append(none if value is None else {path: value})
    return {"$or": found}
