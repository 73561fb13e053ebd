"""Goals of invented people: what the rules recommend, what was agreed, and what matters to the person.

The recommended targets come from the rules; none is computed here. Agreed equals recommended except for the
one measure of a deviation. Shape: design §2 and https://hl7.org/fhir/R4/goal.html.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

from careplan.fhir import systems
from careplan.synthetic.observation import Newest, Record, Resource, concept

Recommend: TypeAlias = Callable[[list[Resource], date], list[Resource]]
"""One person's resources and a day → proposed Goals, each target with its target-kind extension."""

AGREED_CODE: Mapping[str, str] = {
    "MCS88186": "MCS88025",
    "MCS88185": "MCS88026",
    "MCS88187": "MCS88027",
    "MCS88188": "MCS88033",
}
"""MedCom code of a recommended target to the code of the agreed one."""

_HBA1C, _LDL, _SYSTOLIC = "hba1c", "ldl", "systolic"
_NAMES: Mapping[str, str] = {"NPU27300": _HBA1C, "NPU01568": _LDL, "DNK05472": _SYSTOLIC, "8480-6": _SYSTOLIC}
_PLANS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("NPU27300", "NPU01568"): ("diabetes", "hjerte"),
    ("MCS88137", "MCS88022", "MCS88021", "2708-6", "59408-5", "rehab_referral", "kol_group", "gold_grade"): ("kol",),
}
"""Plan types that follow a measure, by its codes, where it is not all of them."""

_TIMES: Mapping[tuple[str, str], int] = {("h/wk", "min/wk"): 60}
"""How many of the target's unit one of the value's unit is, where they differ."""


@dataclass(frozen=True, slots=True)
class Loosening:
    """How a deviation widens a target, why, and how the measure is called.

    reason  a code of CodeSystem/deviation-reason
    """

    step: Decimal
    reason: str
    words: str
    label: str


_LOOSENINGS: Mapping[str, Loosening] = {
    _HBA1C: Loosening(Decimal(5), "hypoglycaemia", "Lavt blodsukker flere gange det seneste år.", "HbA1c"),
    _LDL: Loosening(Decimal("0.4"), "side-effect", "Muskelsmerter på højere dosis statin.", "LDL"),
    _SYSTOLIC: Loosening(Decimal(10), "patient-wish", "Svimmel, når blodtrykket er lavere.", "Blodtryk, systolisk"),
}


@dataclass(frozen=True, slots=True)
class WrittenGoal:
    """The reference to a Goal, and the plan types that follow it; empty means all."""

    reference: Resource
    plans: tuple[str, ...]


def write_goals(
    record: Record,
    proposals: Iterable[Resource],
    *,
    deviation: str | None,
    agreed_on: str,
    due: str,
    status: str,
    ended: str = "",
) -> list[WrittenGoal]:
    """Write a Goal with both slices for each proposal of the rules.

    deviation  the measure whose agreed target is looser than recommended
    agreed_on  the date of the årskontrol; due: of the next
    status     lifecycleStatus; ended: the date of its end, empty while it goes on
    """
    written = []
    for nth, proposal in enumerate(proposals, 1):
        recommended = [target for target in proposal.get("target", ()) if _kind(target) == "recommended"]
        if not recommended:
            continue
        name = _name(recommended[0]["measure"])
        loosening = _LOOSENINGS.get(deviation or "") if name == deviation else None
        agreed = [_agreed(target, loosening, due) for target in _bases(proposal, recommended)]
        goal = {**proposal, "lifecycleStatus": status, "subject": record.subject, "startDate": agreed_on}
        goal |= {"expressedBy": record.nurse} | ({"statusDate": ended} if ended else {})
        goal["target"] = agreed + recommended
        if achieved := _achievement(record, agreed):
            goal["achievementStatus"] = concept((systems.GOAL_ACHIEVEMENT, achieved))
        if loosening is not None and any(map(_differs, agreed, recommended)):
            goal["description"] = {"text": f"{loosening.label} {_in_words(agreed[0])}"}
            goal["extension"] = [*goal.get("extension", ()), _deviation(record, loosening, due)]
        for member in ("resourceType", "id"):
            goal.pop(member, None)
        written.append(WrittenGoal(record.add("Goal", f"g{nth}", goal), _plans(recommended[0]["measure"])))
    return written


def write_personal_goal(record: Record, words: str, agreed_on: str, status: str) -> Resource:
    """Write what matters most, in the person's own words."""
    content: Resource = {
        "lifecycleStatus": status,
        "description": {"text": words},
        "subject": record.subject,
        "startDate": agreed_on,
        "expressedBy": record.subject,
    }
    return record.add("Goal", "g0", content)


def _kind(target: Resource) -> str | None:
    found = (one["valueCode"] for one in target.get("extension", ()) if one.get("url") == systems.EXT_TARGET_KIND)
    return next(found, None)


def _codes(measure: Resource) -> list[str]:
    return [one.get("code", "") for one in measure.get("coding", ())]


def _name(measure: Resource) -> str | None:
    return next((_NAMES[code] for code in _codes(measure) if code in _NAMES), None)


def _plans(measure: Resource) -> tuple[str, ...]:
    codes = _codes(measure)
    return next((plans for some, plans in _PLANS.items() if any(code in some for code in codes)), ())


def _bases(proposal: Resource, recommended: list[Resource]) -> list[Resource]:
    """What an agreed slice is made from: the one proposed, else the recommended one."""
    return [target for target in proposal["target"] if _kind(target) == "agreed"] or recommended


def _agreed(recommended: Resource, loosening: Loosening | None, due: str) -> Resource:
    """The agreed slice: the same bound, or a looser one, under the agreed code."""
    ours = (systems.EXT_TARGET_KIND, systems.EXT_RECOMMENDATION)
    others = [one for one in recommended["extension"] if one["url"] not in ours]
    measure = {**recommended["measure"], "coding": [_agreed_coding(one) for one in recommended["measure"]["coding"]]}
    bounds = {name: value for name, value in recommended.items() if name.startswith("detail")}
    if loosening is not None:
        bounds = {name: _loosened(value, loosening.step) for name, value in bounds.items()}
    kind = {"url": systems.EXT_TARGET_KIND, "valueCode": "agreed"}
    return {"extension": [kind, *others], "measure": measure, **bounds, "dueDate": due}


def _agreed_coding(coding: Resource) -> Resource:
    return {**coding, "code": AGREED_CODE.get(coding["code"], coding["code"])}


def _loosened(bound: Any, step: Decimal) -> Any:
    """A range moved up, an upper bound raised, a lower bound lowered; text stays."""
    if not isinstance(bound, dict):
        return bound
    if "value" in bound:
        sign = -1 if str(bound.get("comparator", "<")).startswith(">") else 1
        return {**bound, "value": _plain(Decimal(str(bound["value"])) + sign * step)}
    return {end: _loosened(value, step) if end in ("low", "high") else value for end, value in bound.items()}


def _plain(number: Decimal) -> int | Decimal:
    return int(number) if number == number.to_integral_value() else number


def _differs(agreed: Resource, recommended: Resource) -> bool:
    return any(agreed[name] != value for name, value in recommended.items() if name.startswith("detail"))


def _deviation(record: Record, loosening: Loosening, due: str) -> Resource:
    return {
        "url": systems.EXT_DEVIATION,
        "extension": [
            {"url": "reason", "valueCodeableConcept": concept((systems.DEVIATION_REASON, loosening.reason))},
            {"url": "text", "valueString": loosening.words},
            {"url": "author", "valueReference": record.doctor},
            {"url": "validUntil", "valueDate": due},
        ],
    }


def _in_words(target: Resource) -> str:
    """A bound as a clinician says it: `mellem 53 og 58`, `under 1,8`."""
    if "detailRange" in target:
        low, high = (_danish(target["detailRange"][end]["value"]) for end in ("low", "high"))
        return f"mellem {low} og {high}"
    quantity = target["detailQuantity"]
    words = {"<": "under", "<=": "højst", ">": "over", ">=": "mindst"}
    return f"{words[quantity.get('comparator', '<=')]} {_danish(quantity['value'])}"


def _danish(number: object) -> str:
    return str(number).replace(".", ",")


def _achievement(record: Record, targets: Iterable[Resource]) -> str | None:
    """Whether the newest values reach the agreed targets; None where nothing is measured or no number is set."""
    verdicts = [verdict for target in targets for verdict in _verdicts(record, target)]
    return ("achieved" if all(verdicts) else "not-achieved") if verdicts else None


def _verdicts(record: Record, target: Resource) -> Iterator[bool]:
    newest = record.newest_of(_codes(target["measure"]))
    value = None if newest is None else _converted(newest, target)
    if value is None:
        return
    if "detailRange" in target:
        strict = any(
            one["url"] == systems.EXT_HIGH_EXCLUSIVE and one.get("valueBoolean") for one in target["extension"]
        )
        low, high = (Decimal(str(target["detailRange"][end]["value"])) for end in ("low", "high"))
        yield low <= value and (value < high if strict else value <= high)
    elif "detailQuantity" in target:
        bound = Decimal(str(target["detailQuantity"]["value"]))
        match target["detailQuantity"].get("comparator", "<="):
            case "<":
                yield value < bound
            case "<=":
                yield value <= bound
            case ">":
                yield value > bound
            case _:
                yield value >= bound


def _converted(newest: Newest, target: Resource) -> Decimal | None:
    """The newest value in the target's unit (a whole number has none), or None where it has another."""
    detail = target.get("detailRange", {}).get("low") or target.get("detailQuantity", {})
    wanted = detail.get("code")
    if wanted in (newest.unit, None) or not newest.unit:
        return newest.value
    times = _TIMES.get((newest.unit, wanted))
    return None if times is None else newest.value * times
