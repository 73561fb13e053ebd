"""The pairs that composite parameters ask for: a code, and the value that stands with it in one element.

Not here: what a caller asks (`criterion`). https://hl7.org/fhir/R4/search.html#composite · checklist R4-96
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from careplan.fhir.registry import Parameter
from careplan.fhir.value import (
    CompositeValue,
    DateValue,
    NumberValue,
    ReferenceValue,
    StringValue,
    TokenValue,
    number_of,
    reference_of,
    span_of,
    texts_of,
    tokens_of,
)

Json: TypeAlias = Any
Part: TypeAlias = TokenValue | DateValue | NumberValue | StringValue | ReferenceValue


@dataclass(frozen=True, slots=True)
class Pair:
    """The members of an element that hold the coded part of a composite, and the other one of this kind."""

    coded: tuple[str, ...]
    others: tuple[str, ...]
    kind: str


def pair_of(parameter: Parameter) -> Pair:
    """What a composite takes together."""
    first, second = parameter.parts
    code, other = (first, second) if first.kind == "token" else (second, first)
    return Pair(_members(code), _members(other), other.kind)


def pairs(pair: Pair, element: Json, base: str | None) -> Iterator[CompositeValue]:
    """Every code of an element with every value of it. base: as in `index.extract`."""
    if not isinstance(element, dict):
        return
    for member in pair.others:
        if member in element:
            tokens = list(coded(token for name in pair.coded for token in tokens_of(element.get(name))))
            for value in _PARTS[pair.kind](element[member], base):
                yield from (CompositeValue(token, value) for token in tokens)


def coded(tokens: Iterable[TokenValue]) -> Iterator[TokenValue]:
    """Those with a code, and without the text, which is not asked for here."""
    return (TokenValue(token.system, token.code) for token in tokens if token.code)


def _members(part: Parameter) -> tuple[str, ...]:
    return tuple(step.name for path in part.paths for step in path.steps)


def _dates(value: Json, base: str | None) -> list[DateValue]:
    span = span_of(value)
    return [] if span is None else [DateValue(*span)]


def _numbers(value: Json, base: str | None) -> list[NumberValue]:
    number = number_of(value)
    return [] if number is None else [number]


def _references(value: Json, base: str | None) -> list[ReferenceValue]:
    reference, _ = reference_of(value, base)
    return [] if reference is None else [reference]


_PARTS: Mapping[str, Callable[[Json, str | None], Iterable[Part]]] = {
    "token": lambda value, base: coded(tokens_of(value)),
    "date": _dates,
    "quantity": _numbers,
    "string": lambda value, base: [StringValue(text) for text in texts_of(value)],
    "reference": _references,
}
"""What the other part of a composite says, by its kind."""
