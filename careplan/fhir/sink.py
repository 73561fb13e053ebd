"""Where the values of a resource flow on the way into the index: for each sort of parameter, what an element adds.

Not here: which element feeds which parameter (`index`), and what one element says (`value`).
https://hl7.org/fhir/R4/search.html#ptypes · checklist K
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from careplan.fhir import registry
from careplan.fhir.composite import Pair, coded, pair_of, pairs
from careplan.fhir.folding import folded
from careplan.fhir.sound import sounds_of
from careplan.fhir.value import (
    CompositeValue,
    DateValue,
    NumberValue,
    ReferenceValue,
    SearchValues,
    StringValue,
    TokenValue,
    UriValue,
    number_of,
    reference_of,
    span_of,
    starts_of,
    texts_of,
    tokens_of,
    uris_of,
    words_of,
)

Json: TypeAlias = Any


class Found:
    """What the walk has gathered so far."""

    __slots__ = ("base", "composites", "dates", "numbers", "present", "references", "strings", "tokens", "uris")

    def __init__(self, base: str | None) -> None:
        self.base = base
        self.present: set[str] = set()
        self.tokens: list[tuple[str, TokenValue]] = []
        self.dates: list[tuple[str, DateValue]] = []
        self.numbers: list[tuple[str, NumberValue]] = []
        self.strings: list[tuple[str, StringValue]] = []
        self.references: list[tuple[str, ReferenceValue]] = []
        self.uris: list[tuple[str, UriValue]] = []
        self.composites: list[tuple[str, CompositeValue]] = []

    def values(self) -> SearchValues:
        return SearchValues(
            tuple(dict.fromkeys(self.tokens)),
            tuple(dict.fromkeys(self.dates)),
            tuple(dict.fromkeys(self.numbers)),
            tuple(dict.fromkeys(self.strings)),
            tuple(dict.fromkeys(self.references)),
            tuple(dict.fromkeys(self.uris)),
            tuple(dict.fromkeys(self.composites)),
        )


Sink: TypeAlias = Callable[[Json, Found], None]
Feed: TypeAlias = tuple[registry.Parameter, str | None]
"""A parameter that an element feeds, and the type a reference must point to."""
Feeds: TypeAlias = tuple[Feed, ...]


def _names(feeds: Feeds) -> tuple[str, ...]:
    return tuple(parameter.name for parameter, _ in feeds)


def _token_sink(feeds: Feeds) -> Sink:
    names = _names(feeds)

    def sink(value: Json, found: Found) -> None:
        for token in tokens_of(value):
            for name in names:
                found.tokens.append((name, token))

    return sink


def _date_sink(feeds: Feeds) -> Sink:
    names = _names(feeds)

    def sink(value: Json, found: Found) -> None:
        span = span_of(value)
        if span is not None:
            found.dates += [(name, DateValue(*span)) for name in names]

    return sink


def _number_sink(feeds: Feeds) -> Sink:
    names = _names(feeds)

    def sink(value: Json, found: Found) -> None:
        number = number_of(value)
        if number is not None:
            found.numbers += [(name, number) for name in names]

    return sink


def _string_sink(feeds: Feeds) -> Sink:
    names = _names(feeds)

    def sink(value: Json, found: Found) -> None:
        for text in texts_of(value):
            strings = (StringValue(text), *(StringValue(start, word=True) for start in starts_of(text)))
            found.strings += [(name, string) for name in names for string in strings]

    return sink


def _reference_sink(feeds: Feeds) -> Sink:
    wanting = tuple((parameter.name, wanted) for parameter, wanted in feeds)

    def sink(value: Json, found: Found) -> None:
        reference, leads_to = reference_of(value, found.base)
        if reference is None:
            return
        for name, wanted in wanting:
            if wanted is None or leads_to in (wanted, ""):
                found.references.append((name, reference))

    return sink


def _uri_sink(feeds: Feeds) -> Sink:
    names = _names(feeds)

    def sink(value: Json, found: Found) -> None:
        for uri in uris_of(value):
            found.uris += [(name, uri) for name in names]

    return sink


def _presence_sink(feeds: Feeds) -> Sink:
    names = frozenset(_names(feeds))

    def sink(value: Json, found: Found) -> None:
        if value is not False:
            found.present |= names

    return sink


def _phonetic_sink(feeds: Feeds) -> Sink:
    """Each word by how it sounds, and each text as a whole."""
    names = _names(feeds)

    def sink(value: Json, found: Found) -> None:
        for text in texts_of(value):
            sounds = sounds_of(folded(text))
            if sounds:
                found.strings += [(name, StringValue(one)) for name in names for one in (*sounds, " ".join(sounds))]

    return sink


def _of_type_sink(feeds: Feeds) -> Sink:
    """An Identifier's value with each coding of its type as `system|code`, for `identifier:of-type`."""
    names = tuple(f"{name}:of-type" for name in _names(feeds))

    def sink(value: Json, found: Found) -> None:
        held = value.get("value") if isinstance(value, dict) and "type" in value else None
        if isinstance(held, str):
            for token in coded(tokens_of(value["type"])):
                found.tokens += [(name, TokenValue(f"{token.system}|{token.code}", held)) for name in names]

    return sink


def _text_sink(feeds: Feeds) -> Sink:
    """Text and displays of a concept, for `code:text`."""
    names = tuple(f"{name}:text" for name in _names(feeds))

    def sink(value: Json, found: Found) -> None:
        for text in words_of(value):
            found.strings += [(name, StringValue(text)) for name in names]

    return sink


def _composite_sink(feeds: Feeds) -> Sink:
    """Every code of an element with every value of it; parameters that take the same parts are fed together."""
    alike: dict[Pair, list[str]] = {}
    for parameter, _ in feeds:
        alike.setdefault(pair_of(parameter), []).append(parameter.name)

    def sink(element: Json, found: Found) -> None:
        for pair, names in alike.items():
            for value in pairs(pair, element, found.base):
                found.composites += [(name, value) for name in names]

    return sink


SINKS: Mapping[str, Callable[[Feeds], Sink]] = {
    "token": _token_sink,
    "date": _date_sink,
    "number": _number_sink,
    "quantity": _number_sink,
    "string": _string_sink,
    "reference": _reference_sink,
    "uri": _uri_sink,
    "presence": _presence_sink,
    "phonetic": _phonetic_sink,
    "of-type": _of_type_sink,
    "text": _text_sink,
    "composite": _composite_sink,
}
