"""Whether a value can be believed, asked of every Observation that is written, whichever door it comes through.

A unit that does not convert, or a value that cannot be, is refused: nothing could be read from it. A value that is
only unlikely is refused until somebody says that it is right: by extension `value-confirmed` on the Observation, as
the pages do once a clinician has ticked it. Who cannot be asked is not: a GP system (role `lps`) and our own load,
and a laboratory's answer (category laboratory, an identifier of its own, a final status) keep their record whole.
A withdrawn value, and one that stood in the version before, is never refused: mistakes must be mendable.
"""

from collections.abc import Iterator
from decimal import Decimal

from careplan.domain.errors import Fault, OutOfRange, UnitMismatch
from careplan.domain.measure import Code, Measure, Span
from careplan.fhir import systems
from careplan.fhir.reading import WITHDRAWN, Codes, coding_keys, parts_of, value_of_quantity
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
        found = codes.find(part.get("code"))
        if found is None or _said(part) is None or (found[0].id, _said(part)) in stood:
            continue
        place = "Observation" if index == 0 else f"Observation.component[{index - 1}]"
        fault = _fault(*found, part, place, sure)
        if fault is not None:
            yield fault


def _fault(measure: Measure, code: Code, part: Json, place: str, sure: bool) -> Fault | None:
    if measure.kind not in ("quantity", "score"):
        return None
    element = f"{place}.valueQuantity" if "valueQuantity" in part else f"{place}.valueInteger"
    try:
        value = _value(measure, code, part)
    except (UnitMismatch, OutOfRange) as error:
        return Fault(element, error.code, error.message)
    if not measure.possible.holds(value):
        message = f"a value of {measure.id} is {_says(measure.possible)} {measure.ucum}; correct it, or its unit"
        return Fault(element, "out-of-range", message)
    if not sure and not measure.plausible.holds(value):
        usual = f"a value of {measure.id} is as a rule {_says(measure.plausible)} {measure.ucum}"
        way = f"correct it or its unit, or say that it is right by extension {systems.EXT_VALUE_CONFIRMED} (true)"
        return Fault(element, "value-implausible", f"{usual}; {way}")
    return None


def _value(measure: Measure, code: Code, part: Json) -> Decimal:
    if "valueQuantity" in part:
        return value_of_quantity(measure, code, part["valueQuantity"])
    return Decimal(part["valueInteger"])


def _said(part: Json) -> tuple[object, ...] | None:
    """The number and unit as they are written; None where there is no number."""
    if "valueInteger" in part:
        return (part["valueInteger"],)
    quantity = part.get("valueQuantity")
    if not quantity or "value" not in quantity:
        return None
    return tuple(quantity.get(name) for name in ("value", "comparator", "code", "unit"))


def _values_before(change: Change, codes: Codes) -> set[tuple[str, tuple[object, ...] | None]]:
    """(measure, value) of the version that this one follows."""
    if change.previous is None or change.previous.body is None:
        return set()
    parts = parts_of(parse(change.previous.body))
    return {(found[0].id, _said(part)) for part in parts if (found := codes.find(part.get("code"))) is not None}


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
