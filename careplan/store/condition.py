"""A criterion of a query as comparisons of stored values, the same for every store, which only translate them.

What each prefix, modifier and form of value means is decided here, once.
Follows https://hl7.org/fhir/R4/search.html#prefix and the checklist, K.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

from careplan.fhir.index import folded
from careplan.fhir.query import (
    Alternative,
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

    kind     token date number string reference uri; `resource` for its own id and instant (`_id`, `_lastUpdated`)
    """

    kind: str
    parameter: str
    where: Comparisons = ()
    unless: Comparisons = ()


RESOURCE = "resource"

_KINDS = {"quantity": "number", "id": RESOURCE}

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


def conditions_of(criterion: Criterion) -> tuple[Condition, ...]:
    """What the alternatives of a criterion ask: any one is enough. `negated` and `missing` are the caller's."""
    return tuple(
        condition for alternative in criterion.alternatives for condition in _conditions(criterion, alternative)
    )


def presence_of(criterion: Criterion) -> Condition:
    """The resource has any value of the criterion's parameter."""
    return Condition(kind_of(criterion), criterion.parameter)


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


def _token(asked: TokenIs) -> Comparisons:
    code = () if asked.code is None else (Comparison("code", "=", asked.code),)
    system = () if asked.system is None else (Comparison("system", "=", asked.system),)
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
