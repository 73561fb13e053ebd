"""What one element says to a search, by kind of parameter: the values that `index` gathers and stores keep.

The shape of the JSON decides what data type it is, so no schema is needed; what has another shape says nothing.
Values are tuples, because a resource has many and each is compared and hashed.
https://hl7.org/fhir/R4/search.html#ptypes
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from careplan.fhir.folding import bare
from careplan.fhir.reference import find_target, points_to
from careplan.fhir.span import OPEN_HIGH, OPEN_LOW, Span, find_span
from careplan.fhir.systems import normal_code, normal_system

Json: TypeAlias = Any


class TokenValue(NamedTuple):
    """A coded value; `system` is "" when it has none. Aliases of `systems.py` are folded to one normal form.

    A diagnosis stands in its normal form and, where that differs, also as it was written. Text alone has code "".
    """

    system: str
    code: str
    text: str = ""


class DateValue(NamedTuple):
    """The range [low, high) of instants (UTC) an element stands for; an open end is the year 1 or 9999."""

    low: datetime
    high: datetime


class NumberValue(NamedTuple):
    """A number or quantity in the unit it came in, as the range its comparator leaves.

    low, high  both inclusive; ±Infinity where the comparator (`<3`) leaves it open
    code       the UCUM code when `system` is UCUM; searches ask for every unit of the same dimension
    unit       the unit as people read it
    """

    low: Decimal
    high: Decimal
    system: str = ""
    code: str = ""
    unit: str = ""


class StringValue(NamedTuple):
    """Text as it is; stores also keep `folded(text)`.

    word  the text from a later word on, so that `Quinones` finds `Carreno Quinones`: for `starts` only, neither for
          `exact` nor for sorting
    """

    text: str
    word: bool = False


class ReferenceValue(NamedTuple):
    """Type and logical id of a reference to this server; a URL elsewhere stands in `id` with type "".

    identifier  Reference.identifier, of a logical reference; stores keep it as a token of `name:identifier`
    """

    type: str
    id: str
    identifier: TokenValue | None = None


class UriValue(NamedTuple):
    """A uri or canonical; one with a version stands with it and without it."""

    uri: str


class CompositeValue(NamedTuple):
    """Two values that stand in one element, for composite parameters; `token` is the coded part that is asked first."""

    token: TokenValue
    value: TokenValue | DateValue | NumberValue | StringValue | ReferenceValue


@dataclass(frozen=True, slots=True)
class SearchValues:
    """What a resource can be found by: (parameter, value) pairs by kind, none twice."""

    tokens: tuple[tuple[str, TokenValue], ...] = ()
    dates: tuple[tuple[str, DateValue], ...] = ()
    numbers: tuple[tuple[str, NumberValue], ...] = ()
    strings: tuple[tuple[str, StringValue], ...] = ()
    references: tuple[tuple[str, ReferenceValue], ...] = ()
    uris: tuple[tuple[str, UriValue], ...] = ()
    composites: tuple[tuple[str, CompositeValue], ...] = ()


def tokens_of(value: Json) -> Iterable[TokenValue]:
    """Of a code, boolean, string, Coding, CodeableConcept, Identifier or ContactPoint."""
    if isinstance(value, dict):
        if "coding" in value or "text" in value:
            return _concept(value)
        code = value.get("code")
        if isinstance(code, str):
            return _coding(_text(value, "system"), code, _text(value, "display"))
        held = value.get("value")
        return (TokenValue(normal_system(_text(value, "system")), held),) if isinstance(held, str) else ()
    if isinstance(value, bool):
        return (boolean(value),)
    return _coding("", str(value), "") if isinstance(value, str | int) else ()


def _concept(value: Mapping[str, Json]) -> list[TokenValue]:
    text, codings = _text(value, "text"), value.get("coding")
    found: list[TokenValue] = []
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            found += _coding(_text(coding, "system"), coding["code"], _text(coding, "display") or text)
    return found or ([TokenValue("", "", text)] if text else [])


@lru_cache(maxsize=8192)
def _coding(system: str, code: str, text: str) -> tuple[TokenValue, ...]:
    """The normal form, and the written one where the code itself changes in it."""
    normal = TokenValue(*normal_code(system, code), text)
    return (normal,) if normal.code == code else (normal, TokenValue(normal_system(system), code, text))


@lru_cache(maxsize=2)
def boolean(value: bool) -> TokenValue:
    return TokenValue("", "true" if value else "false")


def span_of(value: Json) -> Span | None:
    """Of a date, dateTime, instant, Period or Timing (its outer limits)."""
    if isinstance(value, str):
        return find_span(value)
    if not isinstance(value, dict):
        return None
    if "start" in value or "end" in value:
        return _period(value)
    if "event" in value or "repeat" in value or "code" in value:
        return _timing(value)
    return None


def _period(value: Mapping[str, Json]) -> Span | None:
    start, end = find_span(_text(value, "start")), find_span(_text(value, "end"))
    if start is None and end is None:
        return None
    low = start[0] if start else OPEN_LOW
    high = end[1] if end else OPEN_HIGH
    return (low, high) if low < high else (high, low)


def _timing(value: Mapping[str, Json]) -> Span:
    """First to last event, or the bounds of the repetition; a timing without limits goes on for ever."""
    events = value.get("event")
    spans = [span for event in (events if isinstance(events, list) else ()) if (span := span_of(event)) is not None]
    repeat = value.get("repeat")
    bounds = span_of(repeat.get("boundsPeriod")) if isinstance(repeat, dict) else None
    spans += [bounds] if bounds else []
    return (min(low for low, _ in spans), max(high for _, high in spans)) if spans else (OPEN_LOW, OPEN_HIGH)


_INFINITE = Decimal("Infinity")


def number_of(value: Json) -> NumberValue | None:
    """Of a decimal, integer, Quantity (Age, Duration …), Money or Range."""
    if not isinstance(value, dict):
        plain = _decimal(value)
        return None if plain is None else NumberValue(plain, plain)
    if "low" in value or "high" in value:
        return _range(value)
    exact = _decimal(value.get("value"))
    if exact is None:
        return None
    comparator = value.get("comparator")
    low = -_INFINITE if comparator in ("<", "<=") else exact
    high = _INFINITE if comparator in (">", ">=") else exact
    if "currency" in value:
        return NumberValue(low, high, "urn:iso:std:iso:4217", _text(value, "currency"))
    return NumberValue(low, high, _text(value, "system"), _text(value, "code"), _text(value, "unit"))


def _range(value: Mapping[str, Json]) -> NumberValue | None:
    low, high = (number_of(part) if isinstance(part, dict) else None for part in (value.get("low"), value.get("high")))
    unit = low or high
    if unit is None:
        return None
    return NumberValue(
        low.low if low else -_INFINITE, high.high if high else _INFINITE, unit.system, unit.code, unit.unit
    )


def _decimal(value: Json) -> Decimal | None:
    """A JSON number with at most 28 digits, as stores can hold it; numbers beyond 1E±300 are left out."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float):
        return None
    number = Decimal(str(value) if isinstance(value, float) else value)
    if not number.is_finite() or (number and abs(number.adjusted()) > 300):
        return None
    return +number if number else Decimal(0)


_NAME_PARTS = ("text", "family", "given", "prefix", "suffix")
_ADDRESS_PARTS = ("line", "city", "district", "state", "postalCode", "country")


def texts_of(value: Json) -> Iterator[str]:
    """Of a string or markdown, or every part of a HumanName or Address."""
    if isinstance(value, str):
        if value and not value.isspace():
            yield value
    elif isinstance(value, dict):
        for part in (*_NAME_PARTS, *_ADDRESS_PARTS):
            held = value.get(part)
            for text in held if isinstance(held, list) else (held,):
                if isinstance(text, str):
                    yield from texts_of(text)


def words_of(value: Json) -> Iterator[str]:
    """What people read of a CodeableConcept or Coding: its text and its displays."""
    if isinstance(value, dict):
        codings = value.get("coding")
        for held in (value, *(codings if isinstance(codings, list) else ())):
            if isinstance(held, dict):
                yield from texts_of(_text(held, "text") or _text(held, "display"))


_WORD = re.compile(r"(?<=[\s\-])(?=\w)")
_LONGEST_NAME = 100


def starts_of(text: str) -> list[str]:
    """What else a search may start with: later words, and all of it without ø and å. Of no text longer than a name.

    `Hansen` of `Berggren Hansen`; `Sorensen` of `Sørensen`
    """
    if len(text) > _LONGEST_NAME:
        return []
    plain = bare(text)
    return [*_later_words(text), *([plain, *_later_words(plain)] if plain != text else ())]


def _later_words(text: str) -> list[str]:
    if " " not in text and "-" not in text:
        return []
    return [text[match.start() :] for match in _WORD.finditer(text)]


def uris_of(value: Json) -> tuple[UriValue, ...]:
    """A uri, url or canonical as it is; with a version also without it."""
    if not isinstance(value, str) or not value:
        return ()
    bare = value.partition("|")[0]
    return (UriValue(value),) if bare in ("", value) else (UriValue(value), UriValue(bare))


def reference_of(value: Json, base: str | None) -> tuple[ReferenceValue | None, str]:
    """A Reference and the type it leads to ("" when it does not say); None for contained and empty ones."""
    if not isinstance(value, dict):
        return None, ""
    text, held = value.get("reference"), value.get("identifier")
    target = find_target(text, base) if isinstance(text, str) else None
    identifier = next(iter(tokens_of(held)), None) if isinstance(held, dict) else None
    leads_to = points_to(value, target)
    if target is not None:
        return ReferenceValue(target.type, target.id, identifier), leads_to
    return (ReferenceValue(leads_to, "", identifier) if identifier else None), leads_to


def _text(value: Mapping[str, Json], name: str) -> str:
    held = value.get(name)
    return held if isinstance(held, str) else ""
