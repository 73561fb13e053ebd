"""A Query as a MongoDB filter, sort and place. Values only, no driver.

Not here: what a criterion means (`condition.py`), what documents look like (`mongo_document.py`), and every call of a
driver (`mongo_search.py`, `mongo.py`). https://www.mongodb.com/docs/manual/reference/operator/query/
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from careplan.fhir.query import Alternative, Criterion, Order, Query, ReferenceIs, StringIs, Without
from careplan.store.condition import (
    COMPOSITE,
    RESOURCE,
    Comparisons,
    Condition,
    conditions_of,
    kind_of,
    none_of,
    presence_of,
)
from careplan.store.cursor import Place, SortValue
from careplan.store.mongo_document import END, PAIR_FIELDS, Document, escaped, text_of
from careplan.store.protocol import Past
from careplan.store.sortable import after_prefix, milliseconds_from_at

NOTHING: Document = {"_id": {"$in": []}}

_TEXTS = "v"
_NEVER: Document = {"n": {"$lt": 0}}
"""Beside it the server looks for nothing else in an index."""


_LETTERS = {"token": "t", "string": "f", "reference": "r", "uri": "u"}
_PARTS = {"token": ("code", "system"), "reference": ("id", "type"), "uri": ("uri",), "string": ("folded",)}
_ARRAYS = {"date": "d", "number": "q"}
_FIELDS = {"low": "l", "high": "h", "system": "s", "code": "c", "unit": "u"}
_OPERATORS = {"=": "$eq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte", "contains": "$regex"}


# ── filters ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Asked:
    """What goes to the server: a filter, and the index to go in by; None leaves that to the server."""

    filter: Document
    hint: str | None = None

    @property
    def hinted(self) -> dict[str, str]:
        """The hint as an argument of the driver's."""
        return {} if self.hint is None else {"hint": self.hint}


def asked_from_query(
    query: Query, listed: Sequence[str] | None, linked: Sequence[Document] = (), lead: Document | None = None
) -> Asked:
    """What a match fulfils, but for the place.

    listed  the patients that the query's `listed_with` means, when it is set
    linked  what each link comes to, once it is known what it leads to
    lead    one of `leads`, to go in by; all else is checked on the way
    """
    parts: list[Document] = []
    if query.patient is not None:
        parts.append({"p": query.patient})
    if query.patients is not None:
        parts.append({"p": {"$in": sorted(query.patients)}} if query.patients else NOTHING)
    if listed is not None:
        parts.append({"p": {"$in": list(listed)}})
    parts += [_criterion(query.type, criterion) for criterion in query.criteria]
    parts += [_without(query.type, one) for one in query.without]
    if query.either:
        parts.append({"$or": [{"$and": [_criterion(query.type, one) for one in some]} for some in query.either]})
    parts += linked
    if lead is None:
        return Asked({"$and": [{"type": query.type}, *parts]}, _hint(query))
    checked = [{"$or": [part, _NEVER]} for part in parts if part != lead]
    return Asked({"$and": [{"type": query.type}, lead, *checked]}, "value")


def _without(type: str, one: Without) -> Document:
    """Not of these patients, or not such as is left out."""
    criteria = [_criterion(type, criterion) for criterion in one.criteria]
    return {"$nor": [{"$and": [{"p": {"$in": sorted(one.patients)}}, *criteria]}]}


def leads(query: Query, linked: Sequence[Document]) -> list[Document]:
    """What the index over the texts finds by itself. Of several the server would take any, and try no other."""
    found = [_criterion(query.type, criterion) for criterion in query.criteria if _leads(criterion)]
    return [*found, *(document for document in linked if _TEXTS in document)]


def find_lead(query: Query) -> Document | None:
    """What leaves few without counting: a reference to patients."""
    for criterion in query.criteria:
        if _leads(criterion) and all(_is_patient(alternative) for alternative in criterion.alternatives):
            return _criterion(query.type, criterion)
    return None


def _leads(criterion: Criterion) -> bool:
    exact = not any(isinstance(one, StringIs) and one.match == "contains" for one in criterion.alternatives)
    asked = bool(criterion.alternatives) and not criterion.negated and criterion.missing is None
    return kind_of(criterion) in _LETTERS and asked and exact


def _is_patient(alternative: Alternative) -> bool:
    return isinstance(alternative, ReferenceIs) and alternative.type == "Patient"


def _hint(query: Query) -> str | None:
    """The index to go in by within one patient, which no trial of plans finds better."""
    if query.patient is None:
        return None
    coded = any(c.kind == "token" and not c.negated and c.missing is None for c in query.criteria)
    return "patient-value" if coded else "patient-newest"


def listing(organization: str) -> Document:
    """The patients whose general practitioner is this organisation."""
    return {"type": "Patient", "v": text_of("r", "general-practitioner", organization, "Organization")}


def referring(parameter: str, type: str, ids: Iterable[str]) -> Document:
    """What refers to one of these resources."""
    return {_TEXTS: {"$in": [text_of("r", parameter, id, type) for id in ids]}}


def references(parameter: str) -> Document:
    """The expression of a resource's references under a parameter, as `target_ids` reads them."""
    start = "r" + parameter + END
    wanted = {"$and": [{"$gte": ["$$text", start]}, {"$lt": ["$$text", after_prefix(start)]}]}
    return {"$filter": {"input": "$v", "as": "text", "cond": wanted}}


def target_ids(texts: Iterable[str], type: str) -> list[str]:
    """The ids of the resources of a type that these texts refer to."""
    parts = (text.split(END) for text in texts)
    return [id for _, id, target in parts if target == type]


def filter_from_past(past: Past, listed: Sequence[str] | None) -> Document:
    """What a version fulfils that a history shows, but for the place."""
    parts: list[Document] = []
    if past.id is not None:
        parts.append({"of": f"{past.type}/{past.id}"})
    elif past.type is not None:
        parts.append({"t": past.type})
    if past.types is not None:
        parts.append({"t": {"$in": sorted(past.types)}})
    if past.since is not None:
        parts.append({"at": {"$gte": milliseconds_from_at(past.since)}})
    if past.restricted:
        theirs: list[Document] = [{"p": {"$in": sorted(some)}} for some in (past.patients, listed) if some is not None]
        opened = [] if past.type is not None else [{"t": {"$in": sorted(past.open)}}]
        parts.append({"$or": [{"$and": theirs}, *opened]})
    for hidden in past.without:
        kinds: list[Document] = [] if hidden.types is None else [{"t": {"$in": sorted(hidden.types)}}]
        parts.append({"$nor": [{"$and": [{"p": {"$in": sorted(hidden.patients)}}, *kinds]}]})
    return {"$and": parts} if parts else {}


def _criterion(type: str, criterion: Criterion) -> Document:
    if criterion.missing is not None:
        present = _condition(presence_of(criterion, type))
        return {"$nor": [present]} if criterion.missing else present
    alternatives = _together([_condition(condition) for condition in conditions_of(criterion, type)]) or [NOTHING]
    if criterion.negated:
        return {"$nor": alternatives}
    return alternatives[0] if len(alternatives) == 1 else {"$or": alternatives}


def _together(alternatives: list[Document]) -> list[Document]:
    """Texts and patterns asked for as one list, which one walk along the index answers."""
    texts = [text for one in alternatives if len(one) == 1 and (text := _listable(one.get(_TEXTS))) is not None]
    return alternatives if len(texts) < max(2, len(alternatives)) else [{_TEXTS: {"$in": texts}}]


def _listable(asked: Any) -> str | re.Pattern[str] | None:
    """A text or pattern as a list of them holds it; None for a range."""
    if isinstance(asked, dict):
        return re.compile(asked["$regex"], re.DOTALL) if "$regex" in asked else None
    return asked if isinstance(asked, str) else None


def _condition(condition: Condition) -> Document:
    found = _some(condition, condition.where)
    if condition.unless:
        found = {"$and": [found, {"$nor": [_some(condition, condition.unless)]}]}
    if not condition.parts:
        return found
    token, value = map(_condition, condition.parts)
    none_kept = {"c.n": {"$nin": [condition.parameter, none_of(condition.parameter)]}}
    narrower = _condition(replace(condition.parts[1], unless=()))
    return {"$and": [token, narrower, {"$or": [found, {"$and": [none_kept, value]}]}]}


def _some(condition: Condition, where: Comparisons) -> Document:
    """Some value of the parameter fulfils all comparisons."""
    if condition.kind == RESOURCE:
        return _compared(where, {"id": "id", "at": "at"}) or {"type": {"$exists": True}}
    if condition.kind == COMPOSITE:
        return {"c": {"$elemMatch": {"n": condition.parameter, **_compared(where, PAIR_FIELDS)}}}
    if condition.kind in _ARRAYS:
        return {_ARRAYS[condition.kind]: {"$elemMatch": {"n": condition.parameter, **_compared(where, _FIELDS)}}}
    return {"v": _matched(condition, where)}


def _compared(where: Comparisons, fields: Mapping[str, str]) -> Document:
    found: Document = {}
    for comparison in where:
        operator, value = _OPERATORS[comparison.operator], comparison.value
        field = found.setdefault(fields[comparison.column], {})
        field[operator] = re.escape(str(value)) if operator == "$regex" else value
    return found


def _matched(condition: Condition, where: Comparisons) -> Any:
    """The texts that mean the comparisons: one, those with a prefix, or those of a pattern."""
    asked = {c.column: str(c.value) for c in where if c.operator in ("=", ">=")}
    if "text" in asked:
        return text_of("x", condition.parameter, asked["text"])
    letter, parts = _LETTERS[condition.kind], _PARTS[condition.kind]
    start = letter + condition.parameter + END
    for comparison in where:
        if comparison.operator == "contains":
            return _pattern(start, ".*" + re.escape(escaped(str(comparison.value))))
    given = [asked.get(part) for part in parts]
    if all(comparison.operator == "=" for comparison in where) and None not in given:
        return text_of(letter, condition.parameter, *(text for text in given if text is not None))
    if given[0] is None and len(given) > 1 and given[1] is not None:
        return _pattern(start, f"[^{END}]*" + re.escape(END + escaped(given[1])) + "$(?!\n)")
    below = len(parts) > 1 and any(c.column == parts[0] and c.operator == ">=" for c in where)
    if below and given[0] is not None and given[1] is not None:
        return _pattern(start + escaped(given[0]), f"[^{END}]*" + re.escape(END + escaped(given[1])) + "$(?!\n)")
    prefix = start if given[0] is None else start + escaped(given[0]) + (END if len(parts) > 1 and not below else "")
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
