"""The named invariants of our profiles, and of dk-core's: what a StructureDefinition can only say as a formula.

A profile carries the formula in FHIRPath for others; here stands the function of the same key.
Each takes the element it stands on, already of the right structure, and says whether it holds.
Follows https://hl7.org/fhir/R4/elementdefinition.html#constraint (`ElementDefinition.constraint`).
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from careplan.domain.target import is_reason
from careplan.fhir import systems

Item = dict[str, Any]


def extension_of(item: Any, url: str) -> Item | None:
    """The first extension with this url, or None."""
    found = item.get("extension") if isinstance(item, dict) else None
    for extension in found if isinstance(found, list) else ():
        if isinstance(extension, dict) and extension.get("url") == url:
            return extension
    return None


def kind_of_target(target: Any) -> str | None:
    """`agreed` or `recommended`, as the extension target-kind says; None for a target without."""
    extension = extension_of(target, systems.EXT_TARGET_KIND)
    return extension.get("valueCode") if extension else None


def _quantity_has_bound(target: Item) -> bool:
    """One bound: a value, on which side of it the goal lies, and a UCUM unit."""
    quantity = target.get("detailQuantity")
    return quantity is None or bool(_measured(quantity) and "comparator" in quantity)


def _range_is_closed(target: Item) -> bool:
    """Two bounds in one unit, each a bare value, the lower not above the upper."""
    span = target.get("detailRange")
    if span is None:
        return True
    low, high = span.get("low"), span.get("high")
    if not (_measured(low) and _measured(high)) or low["code"] != high["code"]:
        return False
    if "comparator" in low or "comparator" in high:
        return False
    return bool(Decimal(low["value"]) <= Decimal(high["value"]))


def _strict_only_on_range(target: Item) -> bool:
    """`high-exclusive` speaks of the upper of two bounds, and leaves something between them."""
    strict = extension_of(target, systems.EXT_HIGH_EXCLUSIVE)
    if strict is None:
        return True
    if "detailRange" not in target:
        return False
    low, high = (target["detailRange"].get(end, {}).get("value") for end in ("low", "high"))
    return not strict.get("valueBoolean") or low is None or high is None or Decimal(low) < Decimal(high)


def _deviation_explained(goal: Item) -> bool:
    """Where what is agreed differs from what is recommended, the Goal says why."""
    kinds = {kind_of_target(target): target for target in _items(goal, "target")}
    agreed, recommended = kinds.get("agreed"), kinds.get("recommended")
    if agreed is None or recommended is None or bounds_of(agreed) == bounds_of(recommended):
        return True
    deviation = extension_of(goal, systems.EXT_DEVIATION)
    return deviation is not None and extension_of(deviation, "reason") is not None


def _deviation_needed(goal: Item) -> bool:
    """A Goal that says why it deviates does deviate: from what is recommended, or from no recommendation at all."""
    if extension_of(goal, systems.EXT_DEVIATION) is None:
        return True
    kinds = {kind_of_target(target): target for target in _items(goal, "target")}
    agreed, recommended = kinds.get("agreed"), kinds.get("recommended")
    return agreed is not None and (recommended is None or bounds_of(agreed) != bounds_of(recommended))


def _one_reason(deviation: Item) -> bool:
    """One reason of ours; codings of others may stand beside it."""
    concept = (extension_of(deviation, "reason") or {}).get("valueCodeableConcept", {})
    return [one.get("system") for one in _items(concept, "coding")].count(systems.DEVIATION_REASON) == 1


def _author_named(deviation: Item) -> bool:
    """Who decided is somebody who can be looked up, not a name, an identifier or something contained."""
    reference = (extension_of(deviation, "author") or {}).get("valueReference", {}).get("reference", "")
    return "/" in reference and not reference.startswith("#")


def _until_a_day(deviation: Item) -> bool:
    """The last day is a whole date."""
    return len((extension_of(deviation, "validUntil") or {}).get("valueDate", "")) == len("2027-11-22")


def _other_reason_told(deviation: Item) -> bool:
    """The reason `other` is told in words."""
    reason = extension_of(deviation, "reason") or {}
    concept = reason.get("valueCodeableConcept", {})
    codes = {coding.get("code") for coding in _items(concept, "coding")}
    told = (extension_of(deviation, "text") or {}).get("valueString", ""), concept.get("text", "")
    return "other" not in codes or any(words.strip() for words in told)


def _one_plan_type(plan: Item) -> bool:
    """A plan is of exactly one plan type: one coding of that system in all its categories."""
    codings = [coding for category in _items(plan, "category") for coding in _items(category, "coding")]
    return len([coding for coding in codings if coding.get("system") == systems.PLAN_TYPE]) == 1


def _observation_dated(observation: Item) -> bool:
    """A value has its time, unless the observation never took place or is in error."""
    if observation.get("status") in ("entered-in-error", "cancelled"):
        return True
    return any(name.lstrip("_").startswith("effective") for name in observation)


def _organisation_identified(organisation: Item) -> bool:
    """dk-core: an organisation has a SOR, FK-ORG or CVR identifier."""
    known = {systems.SOR, systems.FK_ORG, systems.CVR, "urn:oid:1.3.198"}
    return any(identifier.get("system") in known for identifier in _items(organisation, "identifier"))


def _quantity_has_unit(item: Item) -> bool:
    """dk-core: a quantity with a value has a unit or a code."""
    quantity = item.get("valueQuantity", {})
    return "value" not in quantity or "unit" in quantity or "code" in quantity


def _partner_not_unclear(patient: Item) -> bool:
    """dk-core: marital status is not both P and A."""
    codes = {coding.get("code") for coding in _items(patient.get("maritalStatus", {}), "coding")}
    return not {"P", "A"} <= codes


def _gln_checks(value: Any) -> bool:
    """GLN check digit, modulus 10 with the weights 1 and 3 alternating."""
    digits = _digits(value)
    if len(digits) != 13:
        return False
    total = sum(digit * (1, 3)[place % 2] for place, digit in enumerate(digits[:12]))
    return (10 - total % 10) % 10 == digits[12]


def _cvr_checks(value: Any) -> bool:
    """CVR number, modulus 11 with the weights 2 7 6 5 4 3 2 1."""
    digits = _digits(value)
    weights = (2, 7, 6, 5, 4, 3, 2, 1)
    return len(digits) == 8 and sum(a * b for a, b in zip(digits, weights, strict=True)) % 11 == 0


INVARIANTS: dict[str, Callable[[Any], bool]] = {
    "fp-target-quantity": _quantity_has_bound,
    "fp-target-range": _range_is_closed,
    "fp-target-strict": _strict_only_on_range,
    "fp-goal-deviation": _deviation_explained,
    "fp-goal-deviation-needed": _deviation_needed,
    "fp-deviation-other": _other_reason_told,
    "fp-deviation-reason": _one_reason,
    "fp-deviation-author": _author_named,
    "fp-deviation-until": _until_a_day,
    "fp-plan-one-type": _one_plan_type,
    "fp-observation-time": _observation_dated,
    "dk-core-organization-mandatory-identifier": _organisation_identified,
    "dk-core-observation-mandatory-units": _quantity_has_unit,
    "marital-status-unknown-usage": _partner_not_unclear,
    "gln-modulus-10": _gln_checks,
    "CVR-modulus-11": _cvr_checks,
}
"""Key of a constraint → the function that holds it."""


def _measured(quantity: Any) -> bool:
    return (
        isinstance(quantity, dict)
        and {"value", "system", "code"} <= quantity.keys()
        and quantity["system"] == systems.UCUM
    )


def bounds_of(target: Item) -> tuple[Any, ...]:
    """What a target demands, comparable: units by code, numbers by value."""
    name = next((name for name in target if name.startswith("detail")), "")
    value: Any = target.get(name)
    strict = (extension_of(target, systems.EXT_HIGH_EXCLUSIVE) or {}).get("valueBoolean", False)
    if name == "detailQuantity":
        return name, value.get("comparator"), *_amount(value)
    if name == "detailRange":
        return name, strict, *_amount(value.get("low", {})), *_amount(value.get("high", {}))
    if name == "detailCodeableConcept":
        return name, frozenset((c.get("system"), c.get("code")) for c in _items(value, "coding")), value.get("text")
    if name == "detailString" and isinstance(value, str) and is_reason(value):
        return (name,)
    return name, value


def _amount(quantity: Item) -> tuple[Any, Any]:
    return quantity.get("value"), quantity.get("code")


def _items(item: Any, name: str) -> Iterator[Item]:
    found = item.get(name) if isinstance(item, dict) else None
    yield from (part for part in found if isinstance(part, dict)) if isinstance(found, list) else ()


def _digits(value: Any) -> list[int]:
    return [int(sign) for sign in value] if isinstance(value, str) and value.isdecimal() else []
