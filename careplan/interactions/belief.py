"""Whether a value can be believed, asked of every Observation that is written, whichever door it comes through.

A unit that does not convert, a value that cannot be, and one of another type than its measure or its question of
CodeSystem/fact asks for is refused: nothing could be read from it. A value that is only unlikely is refused until
somebody says that it is right: by extension `value-confirmed` on the Observation, as the pages do once a clinician has
ticked it. Who cannot be asked is not: a GP system (role `lps`) and our own load, and a laboratory's answer (category
laboratory, an identifier of its own, a final status) keep their record whole. A withdrawn value, and one that stood in
the version before and counted, is never refused: mistakes must be mendable.
"""

from collections.abc import Iterator
from decimal import Decimal

from careplan.domain.errors import Fault, OutOfRange, UnitMismatch
from careplan.domain.measure import Code, Measure, Span
from careplan.fhir import systems
from careplan.fhir.reading import (
    ASKED_TYPES,
    TYPES,
    WITHDRAWN,
    Codes,
    coding_keys,
    find_type,
    find_word,
    parts_of,
    value_of_quantity,
)
from careplan.fhir.text import Json, parse
from careplan.interactions.caller import Caller
from careplan.interactions.change import Change

UNASKED = frozenset({"system", "lps"})
"""Roles of systems that carry a record over: nobody stands there to be asked."""

_FINAL = frozenset({"final", "amended", "corrected"})


def disbelieved(change: Change, codes: Codes, caller: Caller) -> Iterator[Fault]:
    """Why the values of an Observation cannot be taken as they are; nothing for any other change."""
    value = change.value
    if change.type != "Observation" or value is None or value.get("status") in WITHDRAWN:
        return
    sure = caller.role in UNASKED or _is_laboratory(value) or _is_confirmed(value)
    stood = _values_before(change, codes)
    for index, part in enumerate(parts_of(value)):
        asked = codes.find_asked(part.get("code")) if index == 0 else None
        found = asked or codes.find(part.get("code"))
        if found is None or _said(part) is None or (found[0].id, _said(part)) in stood:
            continue
        place = "Observation" if index == 0 else f"Observation.component[{index - 1}]"
        types = TYPES if asked is None else ASKED_TYPES
        fault = _misfit(found[0], part, place, types[found[0].kind]) or _fault(*found, part, place, sure)
        if fault is not None:
            yield fault


def _misfit(measure: Measure, part: Json, place: str, types: frozenset[str]) -> Fault | None:
    """A value of a type that nothing is read from, or a word that is no answer to a question."""
    name = find_type(part)
    if name not in types:
        message = f"a value of {measure.id}, a {measure.kind}, comes as {' or '.join(sorted(types))}; send it so"
        return Fault(f"{place}.{name}", "value-type", message)
    if types is ASKED_TYPES["choice"] and find_word(measure, part[name]) is None:
        known = ", ".join(one.value for one in measure.answers)
        return Fault(f"{place}.{name}", "value-type", f"an answer to {measure.id} is one of {known}; send one of these")
    return None


def _fault(measure: Measure, code: Code, part: Json, place: str, sure: bool) -> Fault | None:
    name = find_type(part)
    if measure.kind not in ("quantity", "score") or name not in ("valueQuantity", "valueInteger"):
        return None
    element = f"{place}.{name}"
    try:
        value = _value(measure, code, part)
    except (UnitMismatch, OutOfRange) as error:
        return Fault(element, error.code, error.message)
    if not measure.possible.holds(value) or _lies_beyond(measure.possible, value, part):
        message = f"a value of {measure.id} is {_says(measure.possible)} {measure.ucum}; correct it, or its unit"
        return Fault(element, "out-of-range", message)
    if not sure and not measure.plausible.holds(value):
        usual = f"a value of {measure.id} is as a rule {_says(measure.plausible)} {measure.ucum}"
        way = f"correct it or its unit, or say that it is right by extension {systems.EXT_VALUE_CONFIRMED} (true)"
        return Fault(element, "value-implausible", f"{usual}; {way}")
    return None


def _value(measure: Measure, code: Code, part: Json) -> Decimal:
    if "valueQuantity" in part:
        return value_of_quantity(measure, code, part["valueQuantity"])[0]
    return Decimal(part["valueInteger"])


def _lies_beyond(possible: Span, value: Decimal, part: Json) -> bool:
    """Whether a bound leaves nothing that can be: `<0`, or `>40` of a score that ends there."""
    comparator = part.get("valueQuantity", {}).get("comparator")
    return (comparator == "<" and value == possible.low) or (comparator == ">" and value == possible.high)


def _said(part: Json) -> tuple[object, ...] | None:
    """The value as it is written, a number with its unit; None where there is none."""
    name = find_type(part)
    if name != "valueQuantity":
        return None if name is None else (name, repr(part[name]))
    quantity = part[name]
    if "value" not in quantity:
        return None
    return tuple(quantity.get(one) for one in ("value", "comparator", "code", "unit"))


def _values_before(change: Change, codes: Codes) -> set[tuple[str, tuple[object, ...] | None]]:
    """(measure, value) of the version that this one follows; of one that was withdrawn nothing stands."""
    before = None if change.previous is None or change.previous.body is None else parse(change.previous.body)
    if before is None or before.get("status") in WITHDRAWN:
        return set()
    found = ((codes.find_asked(part.get("code")) or codes.find(part.get("code")), part) for part in parts_of(before))
    return {(one[0].id, _said(part)) for one, part in found if one is not None}


def _is_laboratory(value: Json) -> bool:
    categories = {code for concept in value.get("category", ()) for _, code in coding_keys(concept)}
    return "laboratory" in categories and bool(value.get("identifier")) and value.get("status") in _FINAL


def _is_confirmed(value: Json) -> bool:
    marks = (one for one in value.get("extension", ()) if one.get("url") == systems.EXT_VALUE_CONFIRMED)
    return any(one.get("valueBoolean") is True for one in marks)


def _says(span: Span) -> str:
    if span.low is not None and span.high is not None:
        return f"between {span.low} and {span.high}"
    return f"{span.low} or more" if span.low is not None else f"{span.high} or less"
