"""Search values → rows of the value tables of the SQLite file. Not here: when they are written (`sqlite_write.py`)."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TypeAlias

from careplan.fhir.folding import folded
from careplan.fhir.value import CompositeValue, NumberValue, SearchValues
from careplan.store.condition import COMPOSITES, identifier_parameter, none_of
from careplan.store.pair import kept_pairs, paired_from_value
from careplan.store.protocol import Write
from careplan.store.sortable import span_from_range, text_from_decimal

Row: TypeAlias = tuple[str | int | bytes | None, ...]

TABLES = ("token", "date", "number", "string", "reference", "uri", "composite")
"""The tables of search values; the first column of each is the key of the resource."""


def rows_of(key: int, write: Write, numbers: Mapping[str, int]) -> Iterator[tuple[str, list[Row]]]:
    """What a resource is found by, as rows of the tables that have some.

    numbers  of the parameters of the write's type
    """
    values, patient = write.values, write.patient
    tokens: list[Row] = [(key, numbers[n], v.code, v.system, patient) for n, v in values.tokens]
    for name, reference in values.references:
        if (v := reference.identifier) is not None:
            tokens.append((key, numbers[identifier_parameter(name)], v.code, v.system, patient))
    if tokens:
        yield "token", tokens
    if values.dates:
        yield "date", _date_rows(key, values, numbers)
    if values.numbers:
        yield "number", [(key, numbers[n], *_number(v)) for n, v in values.numbers]
    if values.strings:
        yield "string", _string_rows(key, values, numbers)
    if values.references:
        yield "reference", [(key, numbers[n], v.id, v.type) for n, v in values.references]
    if values.uris:
        yield "uri", [(key, numbers[n], v.uri) for n, v in values.uris]
    if pairs := [(key, numbers[n], *_pair(v)) for n, v in kept_pairs(write.type, values)]:
        yield "composite", [*pairs]


def parameters_in(write: Write) -> Iterable[str]:
    """The parameters that the values of a write stand under, or may."""
    values = write.values
    names = set(_parameters_of_pairs(write.type))
    for pairs in (values.tokens, values.dates, values.numbers, values.strings, values.references, values.uris):
        names.update([name for name, _ in pairs])
    for name, _ in values.composites:
        names |= {name, none_of(name)}
    names.update([identifier_parameter(name) for name, v in values.references if v.identifier is not None])
    return names


@lru_cache(maxsize=256)
def _parameters_of_pairs(type: str) -> tuple[str, ...]:
    return tuple(one for name in COMPOSITES.get(type, ()) for one in (name, none_of(name)))


def _number(value: NumberValue) -> tuple[str, ...]:
    return text_from_decimal(value.low), text_from_decimal(value.high), value.system, value.code, value.unit


def _pair(pair: CompositeValue) -> tuple[str | int, ...]:
    """The columns of a pair, but for key and parameter."""
    stands = paired_from_value(pair.value)
    units = (stands.get(column, "") for column in ("unit_system", "unit_code", "unit"))
    return (pair.token.code, stands["low"], stands["high"], pair.token.system, *units)


def _date_rows(key: int, values: SearchValues, numbers: Mapping[str, int]) -> list[Row]:
    ranges: dict[str, set[tuple[int, int]]] = {}
    for name, value in values.dates:
        ranges.setdefault(name, set()).add(span_from_range(value.low, value.high))
    rows: list[Row] = []
    for name, some in ranges.items():
        first, last = min(some), max(some, key=lambda r: (r[1], r[0]))
        rows += [(key, numbers[name], *r, int(r == first), int(r == last)) for r in some]
    return rows


def _string_rows(key: int, values: SearchValues, numbers: Mapping[str, int]) -> list[Row]:
    """Whole texts; and later words, which stand for themselves in no way but by how they start."""
    texts: dict[str, set[tuple[str, str]]] = {}
    rows: list[Row] = []
    for name, value in values.strings:
        if value.word:
            rows.append((key, numbers[name], folded(value.text), "", 0, 0))
        else:
            texts.setdefault(name, set()).add((folded(value.text), value.text))
    for name, some in texts.items():
        first, last = min(some), max(some)
        rows += [(key, numbers[name], *t, int(t == first), int(t == last)) for t in some]
    return rows
