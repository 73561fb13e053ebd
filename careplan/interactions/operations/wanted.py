"""What somebody wants agreed as an individual target: the parameters of `$set-individual-target`, read and checked.

Not here: whether the measure, the patient and the caller allow it (`individual_target`, `interactions.deviation`).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from careplan.domain.errors import OutOfRange, UnitMismatch
from careplan.domain.measure import Measure
from careplan.domain.words import LENGTH, is_blank, words_fault
from careplan.fhir.systems import DEVIATION_REASON
from careplan.fhir.text import Json
from careplan.fhir.unit import value_in_measure
from careplan.interactions.deviation import DeviationNeedsReason
from careplan.interactions.operations.asked import Asked, ParameterFaulty

REASONS = ("hypoglycaemia", "frailty", "side-effect", "patient-wish", "pregnancy", "other")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The target a clinician and a patient agree on, and why it differs.

    valid_until  None: the next årskontrol
    author       whom a caller that is no person names as answering for it; None: the caller
    instruction  what the patient is to do when a value is outside it; None: what stands stays, empty: nothing any more
    """

    low: Decimal | None
    high: Decimal | None
    strict: bool
    reason: str
    text: str | None
    valid_until: date | None
    author: str | None = None
    instruction: str | None = None


def check_wanted(wanted: Wanted) -> None:
    """Raises DeviationNeedsReason, ParameterFaulty for what no measure could have."""
    check_reason(wanted.reason, wanted.text)
    _check_ends(wanted.low, wanted.high, wanted.strict)
    check_instruction(wanted.instruction or "")


def check_reason(reason: str, text: str | None) -> None:
    """Raises DeviationNeedsReason for a reason that is none, and for words too many or none to be read."""
    if reason not in REASONS:
        raise DeviationNeedsReason(f"parameter reason: an individual target needs one of {', '.join(REASONS)}")
    if reason == "other" and is_blank(text or ""):
        raise DeviationNeedsReason("parameter text: the reason other needs a text that says why")
    fault = words_fault(text or "")
    if fault:
        raise DeviationNeedsReason(f"parameter text: {fault}")


def check_instruction(text: str) -> None:
    """Raises ParameterFaulty for words too many, or none that can be read."""
    if words_fault(text):
        raise ParameterFaulty(f"parameter instruction: words that can be read, at most {LENGTH} characters of them")


def _check_ends(low: Decimal | None, high: Decimal | None, strict: bool) -> None:
    for name, end in (("low", low), ("high", high)):
        if end is not None and end < 0:
            raise ParameterFaulty(f"parameter {name}: a target is not negative")
    if low is None and high is None:
        raise ParameterFaulty("parameters low and high: an individual target has a low end, a high end, or both")
    if low is not None and high is not None and (low > high or (strict and low == high)):
        raise ParameterFaulty("parameters low and high: the low end lies at or below its high end, below a strict one")


# ── from parameters ──────────────────────────────────────────────────────────────────────────────


def wanted_from_asked(asked: Asked, measure: Measure) -> Wanted:
    """What the parameters of `$set-individual-target` ask for, in the measure's unit.

    Raises ParameterFaulty, UnitMismatch, OutOfRange
    """
    low, high = _bound(asked, "low", measure), _bound(asked, "high", measure)
    comparator = asked.find("comparator")
    _check_comparator(asked, comparator, low, high)
    return Wanted(
        low=low,
        high=high,
        strict=comparator in ("<", ">") or asked.flag("strict"),
        reason=_reason_code(asked.find("reason")),
        text=_text(asked, "text"),
        valid_until=asked.find_day("valid-until"),
        author=_author(asked),
        instruction=_instruction(asked),
    )


def _bound(asked: Asked, name: str, measure: Measure) -> Decimal | None:
    """One end of the target in the measure's unit: its own where it is a Quantity, else what `unit` says."""
    value, given = asked.find_number(name), asked.find(name)
    if isinstance(given, dict) and "comparator" in given:
        raise ParameterFaulty(f"parameter {name} is an end of the target; parameter comparator says which side counts")
    own = (given.get("code") or given.get("unit")) if isinstance(given, dict) else None
    unit = own or asked.text("unit")
    if value is None or not unit or unit in (measure.unit, measure.ucum):
        return value
    try:
        return value_in_measure(value, str(unit), measure)
    except UnitMismatch as mismatch:
        raise UnitMismatch(f"parameter {name if own else 'unit'}: {mismatch.message}") from None
    except OutOfRange as impossible:
        raise OutOfRange(f"parameter {name}: {impossible.message}") from None


def _text(asked: Asked, name: str) -> str | None:
    """Words; blank are none."""
    text = asked.text(name)
    if any(sign < " " and sign not in "\t\n\r" for sign in text):
        raise ParameterFaulty(f"parameter {name} has control characters; leave them out")
    return text if text.strip() else None


def _instruction(asked: Asked) -> str | None:
    """What the patient is to do; None where it is not given."""
    text = _text(asked, "instruction")
    if text is None and asked.find("instruction") is not None:
        raise ParameterFaulty("parameter instruction says nothing; leave it out and what is agreed stays as it is")
    return text


def _author(asked: Asked) -> str | None:
    value = asked.find("author")
    return str(value.get("reference") or "") if isinstance(value, dict) else asked.text("author") or None


def _check_comparator(asked: Asked, comparator: Json | None, low: Decimal | None, high: Decimal | None) -> None:
    """`<` and `<=` speak of the high end, `>` and `>=` of a low end that stands alone; `strict` says the same."""
    if comparator not in (None, "<", "<=", ">", ">="):
        raise ParameterFaulty("parameter comparator must be <, <=, > or >=")
    if comparator in ("<", "<=") and high is None and low is not None:
        raise ParameterFaulty(f"parameter comparator {comparator} needs parameter high; for a low end use > or >=")
    if comparator in (">", ">=") and high is not None:
        raise ParameterFaulty(f"parameter comparator {comparator} is for a low end alone; for a high end use < or <=")
    if (
        comparator is not None
        and asked.find("strict") is not None
        and asked.flag("strict") != (comparator in ("<", ">"))
    ):
        raise ParameterFaulty("parameters comparator and strict contradict one another; give one of them")


def _reason_code(value: Json | None) -> str:
    """The code of a CodeableConcept, a Coding or a plain code; of codings, the one that is ours."""
    if not isinstance(value, dict):
        return str(value or "")
    there = value.get("coding")
    codings = there if isinstance(there, list) else [value]
    ours = [one for one in codings if isinstance(one, dict) and one.get("system", DEVIATION_REASON) == DEVIATION_REASON]
    return str(ours[0].get("code", "")) if len(ours) == 1 else ""
