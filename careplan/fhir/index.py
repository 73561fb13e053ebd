"""Resource → search values, extracted once, the same for every store.

Which element feeds which parameter stands in the registry; here the expressions of a type become one tree of
members, walked once along the resource. Not here: `_id` and `_lastUpdated`, which every stored version carries
itself. https://hl7.org/fhir/R4/search.html · checklist K.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from careplan.fhir import registry
from careplan.fhir.path import Path, fits
from careplan.fhir.value import DateValue as DateValue
from careplan.fhir.value import NumberValue as NumberValue
from careplan.fhir.value import ReferenceValue as ReferenceValue
from careplan.fhir.value import StringValue as StringValue
from careplan.fhir.value import TokenValue as TokenValue
from careplan.fhir.value import UriValue as UriValue
from careplan.fhir.value import boolean, later_words, number_of, reference_of, span_of, texts_of, tokens_of, uris_of

Json: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class SearchValues:
    """What a resource can be found by: (parameter, value) pairs by kind, none twice."""

    tokens: tuple[tuple[str, TokenValue], ...] = ()
    dates: tuple[tuple[str, DateValue], ...] = ()
    numbers: tuple[tuple[str, NumberValue], ...] = ()
    strings: tuple[tuple[str, StringValue], ...] = ()
    references: tuple[tuple[str, ReferenceValue], ...] = ()
    uris: tuple[tuple[str, UriValue], ...] = ()


def extract(resource: Mapping[str, Json], base: str | None = None) -> SearchValues:
    """What a resource can be found by; what cannot be read as its parameter's kind is passed over.

    base  this server's FHIR base, so that absolute references to itself become relative
    Raises TypeUnknown
    """
    found = _Found(base)
    tree = _tree(registry.row(str(resource.get("resourceType"))).name)
    tree.walk(resource, found)
    for name in tree.presences - found.present:
        found.tokens.append((name, boolean(False)))
    for name in found.present:
        found.tokens.append((name, boolean(True)))
    return found.values()


def folded(text: str) -> str:
    """Text as searches compare it: no case, accents or superfluous space; æ ø å as ae oe aa, as Danes write them too.

    Folding twice changes nothing.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    before, now = "", text
    while now != before:
        before, now = now, _folded_once(now)
    return now


_LETTERS = str.maketrans(
    {"æ": "ae", "ø": "oe", "å": "aa", "œ": "oe", "ð": "d", "đ": "d", "ł": "l", "þ": "th", "ı": "i"}
)


def _folded_once(text: str) -> str:
    danish = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", danish) if not unicodedata.combining(letter))
    return " ".join(plain.split())


# ── the tree of members ──────────────────────────────────────────────────────────────────────────


class _Found:
    """What the walk has gathered so far."""

    __slots__ = ("base", "dates", "numbers", "present", "references", "strings", "tokens", "uris")

    def __init__(self, base: str | None) -> None:
        self.base = base
        self.present: set[str] = set()
        self.tokens: list[tuple[str, TokenValue]] = []
        self.dates: list[tuple[str, DateValue]] = []
        self.numbers: list[tuple[str, NumberValue]] = []
        self.strings: list[tuple[str, StringValue]] = []
        self.references: list[tuple[str, ReferenceValue]] = []
        self.uris: list[tuple[str, UriValue]] = []

    def values(self) -> SearchValues:
        return SearchValues(
            tuple(dict.fromkeys(self.tokens)),
            tuple(dict.fromkeys(self.dates)),
            tuple(dict.fromkeys(self.numbers)),
            tuple(dict.fromkeys(self.strings)),
            tuple(dict.fromkeys(self.references)),
            tuple(dict.fromkeys(self.uris)),
        )


_Sink: TypeAlias = Callable[[Json, _Found], None]
_Feeds: TypeAlias = tuple[tuple[str, str | None], ...]
"""Parameters an element feeds: name, and the type a reference must point to."""


@dataclass(slots=True)
class _Node:
    """One place in a resource: what is fed from here, and which members lead on."""

    sinks: list[_Sink] = field(default_factory=list)
    members: dict[str, list[tuple[tuple[str, str] | None, "_Node"]]] = field(default_factory=dict)
    presences: set[str] = field(default_factory=set)

    def walk(self, value: Mapping[str, Json], found: _Found) -> None:
        for name, item in value.items():
            for equals, node in self.members.get(name, ()):
                for one in item if isinstance(item, list) else (item,):
                    if one is not None and (equals is None or fits(one, equals)):
                        node.take(one, found)

    def take(self, value: Json, found: _Found) -> None:
        for sink in self.sinks:
            sink(value, found)
        if self.members and isinstance(value, dict):
            self.walk(value, found)

    def at(self, path: Path) -> "_Node":
        """The node at the end of a path, made where it is not there yet."""
        node = self
        for step in path.steps:
            branches = node.members.setdefault(step.name, [])
            following = next((branch for equals, branch in branches if equals == step.equals), None)
            if following is None:
                following = _Node()
                branches.append((step.equals, following))
            node = following
        return node


@lru_cache(maxsize=256)
def _tree(type_name: str) -> _Node:
    """All expressions of a type as one tree; an element that feeds several parameters is converted once."""
    root = _Node()
    feeds: dict[int, tuple[_Node, dict[str, list[tuple[str, str | None]]]]] = {}
    for parameter in registry.row(type_name).parameters.values():
        if parameter.name in ("_id", "_lastUpdated"):
            continue
        for path in parameter.paths:
            if path.presence:
                root.presences.add(parameter.name)
            node = root.at(path)
            kinds = feeds.setdefault(id(node), (node, {}))[1]
            kind = "presence" if path.presence else parameter.kind
            kinds.setdefault(kind, []).append((parameter.name, path.points_to))
    for node, kinds in feeds.values():
        node.sinks += [_SINKS[kind](tuple(names)) for kind, names in kinds.items()]
    return root


# ── from elements to values, by kind ─────────────────────────────────────────────────────────────


def _token_sink(feeds: _Feeds) -> _Sink:
    names = tuple(name for name, _ in feeds)

    def sink(value: Json, found: _Found) -> None:
        for token in tokens_of(value):
            for name in names:
                found.tokens.append((name, token))

    return sink


def _date_sink(feeds: _Feeds) -> _Sink:
    names = tuple(name for name, _ in feeds)

    def sink(value: Json, found: _Found) -> None:
        span = span_of(value)
        if span is not None:
            found.dates += [(name, DateValue(*span)) for name in names]

    return sink


def _number_sink(feeds: _Feeds) -> _Sink:
    names = tuple(name for name, _ in feeds)

    def sink(value: Json, found: _Found) -> None:
        number = number_of(value)
        if number is not None:
            found.numbers += [(name, number) for name in names]

    return sink


def _string_sink(feeds: _Feeds) -> _Sink:
    names = tuple(name for name, _ in feeds)

    def sink(value: Json, found: _Found) -> None:
        for text in texts_of(value):
            strings = (StringValue(text), *(StringValue(rest, word=True) for rest in later_words(text)))
            found.strings += [(name, string) for name in names for string in strings]

    return sink


def _reference_sink(feeds: _Feeds) -> _Sink:
    def sink(value: Json, found: _Found) -> None:
        reference, leads_to = reference_of(value, found.base)
        if reference is None:
            return
        for name, wanted in feeds:
            if wanted is None or leads_to in (wanted, ""):
                found.references.append((name, reference))

    return sink


def _uri_sink(feeds: _Feeds) -> _Sink:
    names = tuple(name for name, _ in feeds)

    def sink(value: Json, found: _Found) -> None:
        for uri in uris_of(value):
            found.uris += [(name, uri) for name in names]

    return sink


def _presence_sink(feeds: _Feeds) -> _Sink:
    names = frozenset(name for name, _ in feeds)

    def sink(value: Json, found: _Found) -> None:
        if value is not False:
            found.present |= names

    return sink


_SINKS: Mapping[str, Callable[[_Feeds], _Sink]] = {
    "token": _token_sink,
    "date": _date_sink,
    "number": _number_sink,
    "quantity": _number_sink,
    "string": _string_sink,
    "reference": _reference_sink,
    "uri": _uri_sink,
    "presence": _presence_sink,
}
