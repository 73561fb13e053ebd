"""A criterion of a query as comparisons of stored values, the same for every store, which only translate them.

What each prefix, modifier and form of value means is decided here, once.
Follows https://hl7.org/fhir/R4/search.html#prefix and the checklist, K.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from careplan.fhir import registry
from careplan.fhir.folding import folded
from careplan.fhir.query import (
    Alternative,
    CompositeIs,
    Criterion,
    DateIs,
    IdIs,
    NumberIs,
    Order,
    ReferenceIs,
    StringIs,
    TokenIs,
    UriIs,
)
from careplan.store.sortable import after_prefix, span_from_range, text_from_decimal


@dataclass(frozen=True, slots=True)
class Comparison:
    """One column of a stored value compared: operator = < <= > >= or `contains`."""

    column: str
    operator: str
    value: str | int


Comparisons: TypeAlias = tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """A resource has one value of `parameter` for which all of `where` holds, and none for which all of `unless` does.

    kind     token date number string reference uri; `resource` for its own id and instant (`_id`, `_lastUpdated`);
             `composite` for a pair, with the columns of `PAIRED`
    parts    of a pair: what is asked of its token and of its value, each by itself. Pairs that a resource's parts
             tell are not kept (`pair.py`), so: a pair fulfils the condition, or none is kept and all parts do
    """

    kind: str
    parameter: str
    where: Comparisons = ()
    unless: Comparisons = ()
    parts: tuple["Condition", ...] = ()


RESOURCE = "resource"

COMPOSITE = "composite"

PAIRED: Mapping[str, Mapping[str, str]] = {
    "token": {"code": "low", "system": "high"},
    "date": {"low": "low", "high": "high"},
    "number": {"low": "low", "high": "high", "system": "unit_system", "code": "unit_code", "unit": "unit"},
    "string": {"folded": "low", "text": "high"},
    "reference": {"id": "low", "type": "high"},
}
"""Kind of the value of a pair → its columns, as they stand beside the pair's own `code` and `system`."""

_KINDS = {"quantity": "number", "id": RESOURCE}


@dataclass(frozen=True, slots=True)
class Part:
    """A parameter that a composite is made of."""

    name: str
    kind: str


def _parts_of(parameter: registry.Parameter) -> tuple[Part, Part]:
    """The token first; where both are tokens, in the order of the definition."""
    first, second = (Part(one.name, _KINDS.get(one.kind, one.kind)) for one in parameter.parts)
    return (first, second) if first.kind == "token" else (second, first)


COMPOSITES: Mapping[str, Mapping[str, tuple[Part, Part]]] = {
    row.name: {name: _parts_of(parameter) for name, parameter in row.parameters.items() if parameter.parts}
    for row in registry.ROWS
}
"""Type → composite → the parameters of its token and of its value."""


def none_of(parameter: str) -> str:
    """The parameter of the mark that a resource has no pair, though it has both parts."""
    return parameter + ":none"


_ALONE: Mapping[type, str] = {
    TokenIs: "token",
    DateIs: "date",
    NumberIs: "number",
    StringIs: "string",
    ReferenceIs: "reference",
}

# column, operator, which end of the range asked for: both ranges are half-open
_DATE: dict[str, tuple[tuple[str, str, str], ...]] = {
    "eq": (("low", ">=", "low"), ("low", "<", "high"), ("high", "<=", "high")),
    "gt": (("high", ">", "high"),),
    "lt": (("low", "<", "low"),),
    "ge": (("high", ">", "low"),),
    "le": (("low", "<", "high"),),
    "sa": (("low", ">=", "high"),),
    "eb": (("high", "<=", "low"),),
    "ap": (("low", "<", "high"), ("high", ">", "low")),
}

# likewise; stored [low, high] is closed, the range asked for half-open, `value` exact
_NUMBER: dict[str, tuple[tuple[str, str, str], ...]] = {
    "eq": (("low", ">=", "low"), ("low", "<", "high"), ("high", "<", "high")),
    "gt": (("high", ">", "value"),),
    "lt": (("low", "<", "value"),),
    "ge": (("high", ">=", "value"),),
    "le": (("low", "<=", "value"),),
    "sa": (("low", ">", "value"),),
    "eb": (("high", "<", "value"),),
    "ap": (("low", "<=", "high"), ("high", ">=", "low")),
}


def kind_of(criterion: Criterion | Order) -> str:
    """Where the values stand that the criterion or order looks at."""
    if criterion.parameter in ("_id", "_lastUpdated"):
        return RESOURCE
    return _KINDS.get(criterion.kind, criterion.kind)


def conditions_of(criterion: Criterion, type: str) -> tuple[Condition, ...]:
    """What the alternatives of a criterion ask: any one is enough. `negated` and `missing` are the caller's."""
    found = (condition for alternative in criterion.alternatives for condition in _conditions(criterion, alternative))
    return tuple(_with_parts(condition, type) for condition in found)


def presence_of(criterion: Criterion, type: str) -> Condition:
    """The resource has any value of the criterion's parameter."""
    return _with_parts(Condition(kind_of(criterion), criterion.parameter), type)


def _with_parts(condition: Condition, type: str) -> Condition:
    """The condition with its parts under the parameters that they stand under by themselves."""
    if condition.kind != COMPOSITE:
        return condition
    known = COMPOSITES.get(type, {}).get(condition.parameter, ())
    parts = condition.parts or tuple(Condition(part.kind, "") for part in known)
    named = (replace(one, parameter=part.name) for one, part in zip(parts, known, strict=False))
    return replace(condition, parts=tuple(named))


def identifier_parameter(parameter: str) -> str:
    """The token parameter under which the identifier of a logical reference is kept (`subject:identifier`)."""
    return parameter + ":identifier"


def _conditions(criterion: Criterion, alternative: Alternative) -> tuple[Condition, ...]:
    kind, parameter = kind_of(criterion), criterion.parameter
    match alternative:
        case TokenIs() if kind == "reference":
            return (Condition("token", identifier_parameter(parameter), _token(alternative)),)
        case TokenIs():
            return (Condition(kind, parameter, _token(alternative)),)
        case DateIs() if kind == RESOURCE:
            return (_of_instant(_ranged(Condition(kind, parameter), alternative.prefix, _date_ends(alternative))),)
        case DateIs():
            return (_ranged(Condition(kind, parameter), alternative.prefix, _date_ends(alternative)),)
        case NumberIs():
            return tuple(
                _ranged(Condition(kind, parameter), alternative.prefix, _number_ends(alternative), unit)
                for unit in _units(alternative)
            )
        case StringIs():
            return (Condition(kind, parameter, _string(alternative)),)
        case ReferenceIs():
            target = () if alternative.type is None else (Comparison("type", "=", alternative.type),)
            return (Condition(kind, parameter, (Comparison("id", "=", alternative.id), *target)),)
        case UriIs():
            return (Condition(kind, parameter, _uri(alternative)),)
        case IdIs():
            return (Condition(kind, parameter, (Comparison("id", "=", alternative.id),)),)
        case CompositeIs():
            alone = Criterion(parameter, _ALONE[type(alternative.value)])
            return tuple(_paired(alternative.token, one) for one in _conditions(alone, alternative.value))


def _paired(token: TokenIs, value: Condition) -> Condition:
    """What is asked of the value, asked of the pairs with this token alone."""

    def both(asked: Comparisons) -> Comparisons:
        columns = PAIRED[value.kind]
        return (*_token(token), *(replace(comparison, column=columns[comparison.column]) for comparison in asked))

    parts = (Condition("token", value.parameter, _token(token)), value)
    return Condition(COMPOSITE, value.parameter, both(value.where), both(value.unless) if value.unless else (), parts)


def _token(asked: TokenIs) -> Comparisons:
    system = () if asked.system is None else (Comparison("system", "=", asked.system),)
    if asked.code is None:
        return system
    code = _starting("code", asked.code) if asked.below else (Comparison("code", "=", asked.code),)
    return (*code, *system)


def _ranged(of: Condition, prefix: str, ends: dict[str, str | int], unit: Comparisons = ()) -> Condition:
    """`ne` is the complement of `eq` among resources that have a value (of the unit asked for): R4-82."""
    table = _NUMBER if of.kind == "number" else _DATE
    if prefix == "ne":
        equal = tuple(Comparison(column, operator, ends[end]) for column, operator, end in table["eq"])
        return replace(of, where=unit, unless=(*unit, *equal))
    asked = tuple(Comparison(column, operator, ends[end]) for column, operator, end in table[prefix])
    return replace(of, where=(*unit, *asked))


def _date_ends(asked: DateIs) -> dict[str, str | int]:
    return dict(zip(("low", "high"), span_from_range(asked.low, asked.high), strict=True))


def _of_instant(condition: Condition) -> Condition:
    """The instant of a version is the millisecond [at, at + 1): both ends are written as `at`."""

    def told(comparison: Comparison) -> Comparison:
        assert isinstance(comparison.value, int)
        shift = 1 if comparison.column == "high" else 0
        return Comparison("at", comparison.operator, comparison.value - shift)

    return replace(condition, where=tuple(map(told, condition.where)), unless=tuple(map(told, condition.unless)))


def _number_ends(asked: NumberIs) -> dict[str, str | int]:
    return {
        "low": text_from_decimal(asked.low),
        "high": text_from_decimal(asked.high),
        "value": text_from_decimal(asked.value),
    }


def _units(asked: NumberIs) -> tuple[Comparisons, ...]:
    """`5.4|system|code` exactly; `5.4||mg` by code or by the unit as written; `5.4` in any unit (R4-95)."""
    if asked.system:
        code = (Comparison("code", "=", asked.code),) if asked.code else ()
        return ((Comparison("system", "=", asked.system), *code),)
    if asked.code:
        return ((Comparison("code", "=", asked.code),), (Comparison("unit", "=", asked.code),))
    return ((),)


def _string(asked: StringIs) -> Comparisons:
    if asked.match == "exact":
        return (Comparison("folded", "=", folded(asked.text)), Comparison("text", "=", asked.text))
    if asked.match == "contains":
        return (Comparison("folded", "contains", asked.text),)
    return _starting("folded", asked.text)


def _uri(asked: UriIs) -> Comparisons:
    return _starting("uri", asked.uri) if asked.match == "below" else (Comparison("uri", "=", asked.uri),)


def _starting(column: str, prefix: str) -> Comparisons:
    end = after_prefix(prefix)
    return (Comparison(column, ">=", prefix), *(() if end is None else (Comparison(column, "<", end),)))
