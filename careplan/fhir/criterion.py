"""One parameter of a query string as a criterion: modifiers, alternatives, prefixes, escapes, precision.

Not here: which parameters there are (`registry`), and those that steer the answer (`search`).
https://hl7.org/fhir/R4/search.html#ptypes · checklist K
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

from careplan.domain.errors import CareplanError
from careplan.domain.quantity import scaled
from careplan.fhir.folding import folded
from careplan.fhir.query import (
    Alternative,
    CompositeIs,
    Criterion,
    DateIs,
    IdIs,
    NumberIs,
    ReferenceIs,
    StringIs,
    TokenIs,
    UriIs,
)
from careplan.fhir.reference import ID, find_target
from careplan.fhir.registry import Parameter, known
from careplan.fhir.sound import sounds_of
from careplan.fhir.span import OPEN_HIGH, OPEN_LOW, find_span
from careplan.fhir.systems import UCUM, normal_code, normal_system
from careplan.fhir.unit import factor, units_like

MOST_ALTERNATIVES = 400
"""Of one parameter, counted in every unit that a quantity is asked for in: what every store bears."""

MODIFIERS: Mapping[str, frozenset[str]] = {
    "token": frozenset({"missing", "not"}),
    "string": frozenset({"missing", "exact", "contains"}),
    "uri": frozenset({"missing", "below"}),
    "reference": frozenset({"missing", "identifier"}),
    "date": frozenset({"missing"}),
    "number": frozenset({"missing"}),
    "quantity": frozenset({"missing"}),
    "id": frozenset({"missing"}),
    "composite": frozenset({"missing"}),
    "phonetic": frozenset({"missing"}),
}
"""What may follow a parameter's name, by kind.

A reference also takes the type it leads to, an identifier `of-type`, and a coded parameter `text` where it is kept.
"""

SYNTHETIC: Mapping[str, str] = {"of-type": "token", "text": "string"}
"""Modifiers that look at values kept under a name of their own (`identifier:of-type`, `code:text`), and the kind."""

PREFIXES = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})

_PIECE = re.compile(r"\\.|[^\\,|$]+|.", re.DOTALL)
_ESCAPED = re.compile(r"\\([,$|\\])")
_NUMBER = re.compile(r"-?\d{1,40}(?:\.(\d{1,40}))?(?:[eE]([+-]?\d{1,3}))?", re.ASCII)
_BARE_ID = re.compile(ID)


class ParameterInvalid(CareplanError):
    """A search parameter has a value or modifier that cannot be read or is not offered."""

    code = "parameter-invalid"


def criterion_from_text(parameter: Parameter, modifier: str, text: str, base: str) -> Criterion:
    """What `name:modifier=text` asks; the text is more than separators. Raises ParameterInvalid."""
    _check_modifier(parameter, modifier)
    if modifier == "missing":
        return Criterion(parameter.name, parameter.kind, missing=_missing(parameter, text))
    written = [part for part in split(text, ",") if part.strip()]
    _check_number(parameter, len(written))
    read = _READERS.get(modifier) or _READERS[sort_of(parameter)]
    alternatives = tuple(one for part in written for one in read(parameter, modifier, part, base))
    _check_number(parameter, len(alternatives))
    name = f"{parameter.name}:{modifier}" if modifier in SYNTHETIC else parameter.name
    kind = SYNTHETIC.get(modifier, parameter.kind)
    return Criterion(name, kind, alternatives, negated=modifier == "not")


def sort_of(parameter: Parameter) -> str:
    """What a parameter's values are read as: its kind, or `phonetic`."""
    return "phonetic" if parameter.phonetic else parameter.kind


def split(text: str, separator: str) -> list[str]:
    """The parts between separators (`,` `|` or `$`) that no backslash stands before; escapes are left as they are."""
    parts = [""]
    for piece in _PIECE.findall(text):
        if piece == separator:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def unescaped(text: str) -> str:
    """The text that `\\,` `\\$` `\\|` and `\\\\` stand for."""
    return _ESCAPED.sub(r"\1", text)


def read_whole(name: str, text: str, maximum: int) -> int:
    """A whole number of 0 or more; one above the maximum is the maximum. Raises ParameterInvalid."""
    if not (text.isascii() and text.isdigit()):
        raise ParameterInvalid(f"{name} is a whole number, 0 or more")
    digits = text.lstrip("0") or "0"
    return min(int(digits), maximum) if len(digits) < 10 else maximum


def _check_modifier(parameter: Parameter, modifier: str) -> None:
    if not modifier or modifier in MODIFIERS[sort_of(parameter)]:
        return
    if (modifier == "of-type" and parameter.identifies) or (modifier == "text" and parameter.worded):
        return
    if modifier[:1].isupper() and parameter.leads_to(modifier) and (parameter.targets or known(modifier)):
        return
    raise ParameterInvalid(f"{parameter.name} has no modifier :{modifier[:64]} here")


def _check_number(parameter: Parameter, number: int) -> None:
    if number > MOST_ALTERNATIVES:
        raise ParameterInvalid(f"{parameter.name} takes at most {MOST_ALTERNATIVES} values, each unit of them counted")


def _missing(parameter: Parameter, text: str) -> bool:
    if text not in ("true", "false"):
        raise ParameterInvalid(f"{parameter.name}:missing is true or false")
    return text == "true"


# ── a value, by kind ─────────────────────────────────────────────────────────────────────────────


def _tokens(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    parts = [unescaped(part) for part in split(text, "|")]
    if len(parts) == 1:
        return (TokenIs(None, parts[0]),)
    system, code = parts[0], "|".join(parts[1:])
    if len(parts) > 2 or not (system or code):
        raise ParameterInvalid(f"{parameter.name} is code, system|code, system| or |code")
    if parameter.system and system == parameter.system:
        return (TokenIs("", code or None),)
    return (TokenIs(*normal_code(system, code)) if code else TokenIs(normal_system(system), None),)


def _typed_identifiers(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    """`identifier:of-type=system|code|value`: the type of the identifier, and its value."""
    parts = [unescaped(part) for part in split(text, "|")]
    if len(parts) != 3 or not (parts[1] and parts[2]):
        raise ParameterInvalid(f"{parameter.name}:of-type is system|code|value, the system and code of its type first")
    return (TokenIs("|".join(normal_code(parts[0], parts[1])), parts[2]),)


def _dates(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    prefix, rest = _prefixed(unescaped(text))
    span = find_span(rest)
    if span is None:
        raise ParameterInvalid(f"{parameter.name} is a date or time such as 2026-11, 2026-11-22 or 2026-11-22T10:00Z")
    low, high = span
    if prefix == "ap":
        width = high - low
        low = low - width if low - OPEN_LOW > width else OPEN_LOW
        high = high + width if OPEN_HIGH - high > width else OPEN_HIGH
    return (DateIs(prefix, low, high),)


def _numbers(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    return (_number(parameter, unescaped(text)),)


def _quantities(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    parts = [unescaped(part) for part in split(text, "|")]
    if len(parts) not in (1, 3):
        raise ParameterInvalid(f"{parameter.name} is a number, number|system|code or number||unit")
    number = _number(parameter, parts[0])
    if len(parts) == 1 or not (parts[1] or parts[2]):
        return (number,)
    system, code = normal_system(parts[1]) or None, parts[2] or None
    if code is None or system not in (None, UCUM):
        return (NumberIs(number.prefix, number.value, number.low, number.high, system, code),)
    return tuple(_in_unit(number, system, code, unit) for unit in units_like(code))


def _in_unit(number: NumberIs, system: str | None, unit: str, into: str) -> NumberIs:
    by = factor(unit, into)
    value, low, high = (scaled(one, by) for one in (number.value, number.low, number.high))
    return NumberIs(number.prefix, value, low, high, system, into)


def _strings(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    plain = unescaped(text)
    if modifier == "exact":
        return (StringIs("exact", plain),)
    if not folded(plain):
        raise ParameterInvalid(f"{parameter.name} needs a letter, digit or sign to look for")
    return (StringIs("contains" if modifier == "contains" else "starts", folded(plain)),)


def _sounds(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    sounds = sounds_of(folded(unescaped(text)))
    if not sounds:
        raise ParameterInvalid(f"{parameter.name} needs a letter or digit to listen for")
    return (StringIs("exact", " ".join(sounds)),)


def _references(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    plain = unescaped(text)
    if _BARE_ID.fullmatch(plain):
        only = parameter.targets[0] if len(parameter.targets) == 1 else None
        return (ReferenceIs(modifier or only, plain),)
    target = find_target(plain, base)
    if target is None or (modifier and target.type not in ("", modifier)):
        raise ParameterInvalid(f"{parameter.name} is an id, Type/id or URL" + (f" of a {modifier}" if modifier else ""))
    return (ReferenceIs(target.type, target.id),)


def _uris(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    return (UriIs(modifier or "exact", unescaped(text)),)


def _composites(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    """Both parts, in every unit that a quantity of them is asked for in."""
    written = split(text, "$")
    if len(written) != len(parameter.parts) or not all(part.strip() for part in written):
        raise ParameterInvalid(f"{parameter.name} is {'$'.join(part.name for part in parameter.parts)}")
    read = [_READERS[part.kind](part, "", one, base) for part, one in zip(parameter.parts, written, strict=True)]
    coded, others = read if parameter.parts[0].kind == "token" else reversed(read)
    token = coded[0]
    if not isinstance(token, TokenIs) or token.code is None:
        raise ParameterInvalid(f"{parameter.name} needs a code in its coded part, with or without a system")
    return tuple(CompositeIs(token, one) for one in others if not isinstance(one, UriIs | IdIs | CompositeIs))


def _ids(parameter: Parameter, modifier: str, text: str, base: str) -> tuple[Alternative, ...]:
    return (IdIs(unescaped(text)),)


_READERS: Mapping[str, Callable[[Parameter, str, str, str], tuple[Alternative, ...]]] = {
    "token": _tokens,
    "identifier": _tokens,
    "date": _dates,
    "number": _numbers,
    "quantity": _quantities,
    "string": _strings,
    "reference": _references,
    "uri": _uris,
    "id": _ids,
    "composite": _composites,
    "phonetic": _sounds,
    "of-type": _typed_identifiers,
    "text": _strings,
}


def _prefixed(text: str) -> tuple[str, str]:
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)


def _number(parameter: Parameter, text: str) -> NumberIs:
    """A number with the range its digits leave: 5.4 is [5.35, 5.45), 100 is [99.5, 100.5), 1e2 is [95, 105)."""
    prefix, rest = _prefixed(text)
    match = _NUMBER.fullmatch(rest)
    if match is None:
        raise ParameterInvalid(f"{parameter.name} takes a number such as 5.4, with a prefix or none")
    value = +Decimal(rest)
    if value and abs(value.adjusted()) > 300:
        raise ParameterInvalid(f"{parameter.name} takes a number between 1E-300 and 1E300")
    decimals, exponent = len(match[1] or ""), match[2]
    last = int(exponent) - max(decimals, 1) if exponent else -decimals
    half = abs(value) / 10 if prefix == "ap" else Decimal(5).scaleb(last - 1)
    return NumberIs(prefix, value, value - half, value + half)
