"""A Write as the documents that MongoDB keeps, and a document as the Version it is. Values only, no driver.

A resource is one document: `type`, `id`, `n` number, `at`, `p` patient, `pos`, `m` method, `body`, and what it is
found by:
v  texts `<kind><parameter>␟<parts>`: t token (code, system), f folded string, x string as it is, r reference
   (id, type), u uri. One index over them serves all, a prefix serves `any system`
d  dates {n parameter, l, h}    q  numbers {n, l, h, s system, c code, u unit}
c  pairs that are kept (`pair.py`) {n, c code, s system, l, h, us, uc, u}: `l` to `u` are the value, by the
   columns of `condition.PAIRED`
s  what sorts go by: parameter → {a ascending, z descending}, but for texts beside a parameter (`code:text`)
A deleted resource keeps only its number: it has no `type`, which every index and search asks for.
A version is one document under its feed position: `of` reference, `t` type, `n`, `at`, `p`, `m`, `body`.
https://www.mongodb.com/docs/manual/core/indexes/index-types/index-multikey/
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from careplan.fhir.folding import folded
from careplan.fhir.value import CompositeValue, SearchValues
from careplan.store.condition import identifier_parameter
from careplan.store.cursor import SortValue
from careplan.store.pair import kept_pairs, paired_from_value
from careplan.store.protocol import Version, Write, method_of_old
from careplan.store.sortable import (
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

VERSION_INDEXES: dict[str, tuple[tuple[str, int], ...]] = {
    "number": (("of", 1), ("n", 1)),
    "type": (("t", 1), ("_id", -1), ("at", 1)),
    "patient": (("p", 1), ("_id", -1), ("t", 1), ("at", 1)),
    "at": (("at", 1), ("_id", -1)),
}
"""Indexes over the versions, by name."""

LIVE: Document = {"type": {"$exists": True}}
END = "\x1f"
"""Ends the parameter and each part of a text."""

PAIR_FIELDS = {
    "code": "c",
    "system": "s",
    "low": "l",
    "high": "h",
    "unit_system": "us",
    "unit_code": "uc",
    "unit": "u",
}
"""Columns of a pair → its fields."""

_ESCAPED = str.maketrans({"\x00": "\x1e2", "\x1e": "\x1e0", "\x1f": "\x1e1"})

# Versions that were stored before their type was: it stands before the slash
UNTYPED: Document = {"t": {"$exists": False}}
TYPED: list[Document] = [{"$set": {"t": {"$arrayElemAt": [{"$split": ["$of", "/"]}, 0]}}}]


def version_document(write: Write, number: int, position: int) -> Document:
    """The version as history and feed keep it, under its position."""
    return {
        "_id": position,
        "of": f"{write.type}/{write.id}",
        "t": write.type,
        "n": number,
        "at": milliseconds_from_at(write.at),
        "p": write.patient,
        "m": write.made_by,
        "body": write.body,
    }


def resource_document(write: Write, number: int, position: int) -> Document:
    """The resource as it is now, with what it is found by; only its number when it is deleted."""
    document = version_document(write, number, position)
    document |= {"_id": document.pop("of"), "pos": position}
    del document["t"]
    if write.body is not None:
        document |= {"type": write.type, "id": write.id, **found_by(write.type, write.values)}
    return document


def version_from_document(document: Mapping[str, Any]) -> Version:
    """The Version in a document of either kind."""
    of, position = (document["of"], document["_id"]) if "of" in document else (document["_id"], document["pos"])
    type, _, id = of.partition("/")
    body, number, at = document["body"], document["n"], at_from_milliseconds(document["at"])
    method = document.get("m") or method_of_old(number, body is None)
    return Version(type, id, number, at, document["p"], None if body is None else bytes(body), position, method)


def found_by(type: str, values: SearchValues) -> Document:
    """The fields of a resource that it is found by."""
    dates = {(name, *span_from_range(value.low, value.high)) for name, value in values.dates}
    numbers = {
        (name, text_from_decimal(v.low), text_from_decimal(v.high), v.system, v.code, v.unit)
        for name, v in values.numbers
    }
    return {
        "v": sorted(set(_texts(values))),
        "d": [{"n": n, "l": low, "h": high} for n, low, high in sorted(dates)],
        "q": [{"n": n, "l": low, "h": high, "s": s, "c": c, "u": u} for n, low, high, s, c, u in sorted(numbers)],
        "c": [_pair(name, pair) for name, pair in kept_pairs(type, values)],
        "s": _sorts(values),
    }


def _pair(name: str, pair: CompositeValue) -> Document:
    token = {"c": pair.token.code, "s": pair.token.system}
    value = {PAIR_FIELDS[column]: part for column, part in paired_from_value(pair.value).items()}
    return {"n": name, **token, **value}


def _texts(values: SearchValues) -> Iterable[str]:
    for name, token in values.tokens:
        yield text_of("t", name, token.code, token.system)
    for name, string in values.strings:
        yield text_of("f", name, folded(string.text))
        if not string.word:
            yield text_of("x", name, string.text)
    for name, reference in values.references:
        yield text_of("r", name, reference.id, reference.type)
        if reference.identifier is not None:
            yield text_of("t", identifier_parameter(name), reference.identifier.code, reference.identifier.system)
    for name, uri in values.uris:
        yield text_of("u", name, uri.uri)


def text_of(letter: str, name: str, *parts: str) -> str:
    """A value as one text of `v`."""
    return letter + name + END + END.join(map(escaped, parts))


def escaped(part: str) -> str:
    """A part without the signs that stand between parts."""
    return part.translate(_ESCAPED)


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
        if not string.word and ":" not in name:
            yield name, folded(string.text), folded(string.text)
    for name, reference in values.references:
        yield name, f"{reference.type}/{reference.id}", f"{reference.type}/{reference.id}"
    for name, uri in values.uris:
        yield name, uri.uri, uri.uri
