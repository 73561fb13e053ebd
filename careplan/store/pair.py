"""Which pairs of a composite a store keeps, and how; the same for every store.

Most resources have one coded element with one value: their pairs are every token with every value, which the parts
tell by themselves. Only where that is not so (components, of which each has its own) are pairs kept; or a mark that
there is none, under a parameter of its own. So an ordinary Observation pays nothing for its composites.
https://hl7.org/fhir/R4/search.html#composite · checklist R4-96
"""

from collections.abc import Hashable, Iterator, Mapping, Set
from functools import lru_cache
from typing import TypeAlias

from careplan.fhir.folding import folded
from careplan.fhir.value import (
    CompositeValue,
    DateValue,
    NumberValue,
    ReferenceValue,
    SearchValues,
    StringValue,
    TokenValue,
)
from careplan.store.condition import COMPOSITES, none_of
from careplan.store.sortable import span_from_range, text_from_decimal

Value: TypeAlias = TokenValue | DateValue | NumberValue | StringValue | ReferenceValue

Bare: TypeAlias = tuple[Hashable, Hashable]
"""Token and value of a pair, without what goes along."""

_NO_VALUES: Set[Hashable] = frozenset()
_NO_PAIR = CompositeValue(TokenValue("", ""), TokenValue("", ""))


def kept_pairs(type: str, values: SearchValues) -> Iterator[tuple[str, CompositeValue]]:
    """The pairs to keep, with their parameters."""
    given: dict[str, dict[Bare, CompositeValue]] = {}
    for name, pair in values.composites:
        given.setdefault(name, {})[_bare(pair.token), _bare(pair.value)] = pair
    alone = _alone(type, values)
    for name, (token, value) in COMPOSITES.get(type, {}).items():
        pairs = given.pop(name, None)
        tokens, others = alone.get(token.name, _NO_VALUES), alone.get(value.name, _NO_VALUES)
        if pairs is not None and not _told(pairs, tokens, others):
            yield from ((name, pair) for pair in pairs.values())
        elif pairs is None and tokens and others:
            yield none_of(name), _NO_PAIR
    yield from ((name, pair) for name, pairs in given.items() for pair in pairs.values())


@lru_cache(maxsize=256)
def _parts(type: str) -> frozenset[str]:
    """The parameters that the composites of a type are made of."""
    return frozenset(part.name for parts in COMPOSITES.get(type, {}).values() for part in parts)


def _alone(type: str, values: SearchValues) -> Mapping[str, set[Hashable]]:
    """The values that may be parts of pairs, by parameter."""
    found: dict[str, set[Hashable]] = {}
    wanted = _parts(type)
    for some in (values.tokens, values.dates, values.numbers, values.strings, values.references) if wanted else ():
        for name, value in some:
            if name in wanted:
                found.setdefault(name, set()).add(_bare(value))
    return found


def _told(pairs: Mapping[Bare, CompositeValue], tokens: Set[Hashable], others: Set[Hashable]) -> bool:
    """Whether the pairs are every token with every other value."""
    if len(pairs) != len(tokens) * len(others):
        return False
    return all(token in tokens and other in others for token, other in pairs)


def _bare(value: Value) -> Hashable:
    """What a value is searched by in a pair, without what goes along."""
    match value:
        case TokenValue(system, code):
            return system, code
        case ReferenceValue(type, id):
            return type, id
    return value


def paired_from_value(value: Value) -> dict[str, str | int]:
    """The value of a pair under the columns of `condition.PAIRED`."""
    match value:
        case TokenValue():
            return {"low": value.code, "high": value.system}
        case DateValue():
            return dict(zip(("low", "high"), span_from_range(value.low, value.high), strict=True))
        case NumberValue(low, high, system, code, unit):
            ends = {"low": text_from_decimal(low), "high": text_from_decimal(high)}
            return {**ends, "unit_system": system, "unit_code": code, "unit": unit}
        case StringValue():
            return {"low": folded(value.text), "high": "" if value.word else value.text}
        case ReferenceValue():
            return {"low": value.id, "high": value.type}
