"""Goal ↔ target: the agreed and the recommended slice of design §2, written and read.

A Goal has one measure and at most one target of each kind. What is agreed and what is recommended are never
overwritten with one another.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from careplan.domain.chart import Fact
from careplan.domain.evaluation import Recommendation
from careplan.domain.measure import Measure
from careplan.domain.target import Standing, Target, is_reason
from careplan.fhir import systems
from careplan.fhir.instant import find_date, instant_text
from careplan.fhir.reading import Codes, coding_keys
from careplan.fhir.text import Json

AGREED, RECOMMENDED = "agreed", "recommended"
ACTIVE_GOAL = frozenset({"active", "accepted", "planned", "on-hold"})

_ACHIEVEMENT = {
    Standing.IN: ("achieved", "Achieved"),
    Standing.NEAR: ("not-achieved", "Not Achieved"),
    Standing.OUT: ("not-achieved", "Not Achieved"),
}


@dataclass(frozen=True, slots=True)
class Deviation:
    """Why an agreed target differs from the recommended one, who said so, and until when."""

    reason: str
    text: str | None
    author: str | None
    valid_until: date | None


def is_expired(deviation: Deviation, on: date) -> bool:
    """Whether its last day is past. Nothing changes by itself on that day: somebody looks at the target again."""
    return deviation.valid_until is not None and deviation.valid_until < on


def quantity(value: Decimal, measure: Measure, comparator: str | None = None) -> dict[str, Any]:
    """A FHIR Quantity in the measure's unit; `unit` as people read it."""
    written: dict[str, Any] = {"value": value}
    if comparator:
        written["comparator"] = comparator
    unit = measure.unit or measure.ucum
    if unit:
        written["unit"] = unit
    if measure.ucum:
        written |= {"system": systems.UCUM, "code": measure.ucum}
    return written


def detail_from_target(target: Target, measure: Measure) -> dict[str, Any]:
    """The `detail[x]` of a Goal.target: one bound, two bounds, a decided value, or deliberately no number."""
    if target.low is not None and target.high is not None:
        return {"detailRange": {"low": quantity(target.low, measure), "high": quantity(target.high, measure)}}
    if target.high is not None:
        return {"detailQuantity": quantity(target.high, measure, "<" if target.strict else "<=")}
    if target.low is not None:
        return {"detailQuantity": quantity(target.low, measure, ">" if target.strict else ">=")}
    if isinstance(target.value, bool):
        return {"detailBoolean": target.value}
    if isinstance(target.value, Decimal):
        return {"detailInteger": int(target.value)}
    return {"detailString": str(target.value) if target.value is not None else target.why or "Intet tal"}


def measure_concept(measure: Measure, kind: str | None = None) -> dict[str, Any]:
    """The measure's main coding, and MedCom's goal code of the kind where there is one."""
    codings = [{"system": one.system, "code": one.code, "display": one.display} for one in measure.codes[:1]]
    goal_code = measure.goal_codes.get(kind) if kind else None
    if goal_code:
        codings.append({"system": systems.MCS, "code": goal_code})
    own = {"system": systems.MEASURE, "code": measure.id}
    return {"coding": codings or [own], "text": measure.name}


def target_entry(target: Target, measure: Measure, kind: str, **more: Any) -> dict[str, Any]:
    """One Goal.target slice."""
    extensions: list[dict[str, Any]] = [{"url": systems.EXT_TARGET_KIND, "valueCode": kind}]
    if target.strict and target.low is not None and target.high is not None:
        extensions.append({"url": systems.EXT_HIGH_EXCLUSIVE, "valueBoolean": True})
    extensions += more.pop("extension", [])
    concept = measure_concept(measure, kind)
    return {"extension": extensions, "measure": concept, **detail_from_target(target, measure), **more}


def recommended_entry(recommendation: Recommendation, measure: Measure, at: datetime) -> dict[str, Any]:
    """The recommended slice, with row, version, moment, basis and missing facts."""
    parts: list[dict[str, Any]] = [
        {"url": "row", "valueCode": recommendation.row.id},
        {"url": "knowledge", "valueString": recommendation.canonical},
        {"url": "computedAt", "valueDateTime": instant_text(at)},
    ]
    references = dict.fromkeys(ref for fact in recommendation.because for ref in fact.references)
    parts += [{"url": "basis", "valueReference": {"reference": ref}} for ref in references]
    parts += [{"url": "missing", "valueString": name} for name in recommendation.missing]
    parts += [{"url": "provisional", "valueBoolean": True}] if recommendation.provisional else []
    extension = {"url": systems.EXT_RECOMMENDATION, "extension": parts}
    return target_entry(recommendation.target, measure, RECOMMENDED, extension=[extension])


def says_target(measure: Measure, target: Target) -> str:
    """«HbA1c mellem 53 og 58»; for no number the reason."""
    if not target.is_number and target.value is None:
        return f"{measure.name}: {target.why or 'intet tal'}"
    return f"{measure.name} {target.says()}"


def goal_from_recommendation(
    recommendation: Recommendation, measure: Measure, patient: str, at: datetime, *, agreed: bool, status: str
) -> dict[str, Any]:
    """A Goal proposed by the rules; with `agreed`, the same target is what is agreed with the patient."""
    entries = [recommended_entry(recommendation, measure, at)]
    if agreed:
        entries.insert(0, target_entry(recommendation.target, measure, AGREED))
    return {
        "resourceType": "Goal",
        "meta": {"profile": [systems.PROFILE_GOAL]},
        "lifecycleStatus": status,
        "description": {"text": says_target(measure, recommendation.target)},
        "subject": {"reference": f"Patient/{patient}"},
        "target": entries,
    }


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def find_entry(goal: Json, kind: str) -> Json | None:
    """The target slice of a kind."""
    for entry in goal.get("target", ()):
        if any(
            e.get("url") == systems.EXT_TARGET_KIND and e.get("valueCode") == kind for e in entry.get("extension", ())
        ):
            return entry
    return None


def find_target(goal: Json, kind: str) -> Target | None:
    """The agreed or recommended target of a Goal; None when it has no such slice."""
    entry = find_entry(goal, kind)
    return None if entry is None else target_from_entry(entry)


def target_from_entry(entry: Json) -> Target:
    """The inverse of `target_entry`."""
    if "detailRange" in entry:
        low, high = entry["detailRange"].get("low", {}), entry["detailRange"].get("high", {})
        strict = any(
            e.get("url") == systems.EXT_HIGH_EXCLUSIVE and e.get("valueBoolean") for e in entry.get("extension", ())
        )
        unit = high.get("unit", low.get("unit", ""))
        return Target(_decimal(low.get("value")), _decimal(high.get("value")), unit, strict)
    if "detailQuantity" in entry:
        bound = entry["detailQuantity"]
        value, comparator = _decimal(bound.get("value")), bound.get("comparator", "<=")
        strict, unit = comparator in ("<", ">"), bound.get("unit", "")
        return Target(None, value, unit, strict) if comparator in ("<", "<=") else Target(value, None, unit, strict)
    if "detailBoolean" in entry:
        return Target(value=bool(entry["detailBoolean"]))
    if "detailInteger" in entry:
        return Target(value=Decimal(entry["detailInteger"]))
    text = entry.get("detailString")
    return Target(why=text) if text is None or is_reason(text) else Target(value=text)


def _decimal(value: Json) -> Decimal | None:
    return None if value is None else Decimal(value)


def measure_of_goal(goal: Json, codes: Codes, measures: Mapping[str, Measure]) -> Measure | None:
    """The measure a Goal is about: by a code of its values, of its targets, or our own; None for a personal goal."""
    for entry in goal.get("target", ()):
        concept = entry.get("measure")
        found = codes.find(concept)
        if found is not None:
            return found[0]
        for key in coding_keys(concept):
            measure = codes.goals.get(key) or (measures.get(key[1]) if key[0] == systems.MEASURE else None)
            if measure is not None:
                return measure
    return None


def is_active(goal: Json) -> bool:
    return goal.get("lifecycleStatus") in ACTIVE_GOAL


def is_personal(goal: Json) -> bool:
    """What matters to the person: a Goal with words and no measure. The Goal need not be valid yet."""
    targets = goal.get("target", [])
    return isinstance(targets, list) and all(isinstance(one, dict) and "measure" not in one for one in targets)


def find_deviation(goal: Json) -> Deviation | None:
    """The reason, author and validity of an individual target."""
    extensions = goal.get("extension", ())
    parts = next((e.get("extension", ()) for e in extensions if e.get("url") == systems.EXT_DEVIATION), None)
    if parts is None:
        return None
    concept = _first(parts, "reason", "valueCodeableConcept") or {}
    author = _first(parts, "author", "valueReference") or {}
    codings: Iterable[Json] = concept.get("coding", ())
    return Deviation(
        reason=next((c.get("code", "") for c in codings if c.get("system") == systems.DEVIATION_REASON), ""),
        text=_first(parts, "text", "valueString") or concept.get("text"),
        author=author.get("reference"),
        valid_until=find_date(_first(parts, "validUntil", "valueDate")),
    )


def deviation_extension(deviation: Deviation) -> dict[str, Any]:
    """The extension a Goal carries when its agreed target differs from the recommended one."""
    coding = {"system": systems.DEVIATION_REASON, "code": deviation.reason}
    parts: list[dict[str, Any]] = [{"url": "reason", "valueCodeableConcept": {"coding": [coding]}}]
    if deviation.text:
        parts.append({"url": "text", "valueString": deviation.text})
    if deviation.author:
        parts.append({"url": "author", "valueReference": {"reference": deviation.author}})
    if deviation.valid_until:
        parts.append({"url": "validUntil", "valueDate": deviation.valid_until.isoformat()})
    return {"url": systems.EXT_DEVIATION, "extension": parts}


def with_target(goal: Json, kind: str, entry: Json) -> dict[str, Any]:
    """The Goal with its slice of a kind replaced or added; agreed stands first."""
    kept = [one for one in goal.get("target", ()) if one is not find_entry(goal, kind)]
    targets = [entry, *kept] if kind == AGREED else [*kept, entry]
    return {**goal, "target": targets}


def with_deviation(goal: Json, deviation: Deviation | None) -> dict[str, Any]:
    """The Goal with its deviation replaced, or taken away."""
    kept = [one for one in goal.get("extension", ()) if one.get("url") != systems.EXT_DEVIATION]
    extensions = [*kept, deviation_extension(deviation)] if deviation else kept
    bare = {name: value for name, value in goal.items() if name != "extension"}
    return {**bare, "extension": extensions} if extensions else bare


def with_achievement(goal: Json, standing: Standing) -> dict[str, Any]:
    """The Goal with `achievementStatus` as the newest value stands; without one where nothing can be said."""
    bare = {name: value for name, value in goal.items() if name != "achievementStatus"}
    if standing not in _ACHIEVEMENT:
        return bare
    code, display = _ACHIEVEMENT[standing]
    coding = {"system": systems.GOAL_ACHIEVEMENT, "code": code, "display": display}
    return {**bare, "achievementStatus": {"coding": [coding]}}


def achievement_of(goal: Json) -> str | None:
    codings: Iterable[Json] = (goal.get("achievementStatus") or {}).get("coding", ())
    return next((c.get("code") for c in codings if c.get("system") == systems.GOAL_ACHIEVEMENT), None)


def because_json(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Facts as `targets --json` prints them; `reference` is the first of `references`, and the value is not rounded."""
    return [
        {
            "fact": fact.name,
            "value": fact.judged,
            "date": fact.day,
            "reference": fact.references[0] if fact.references else None,
            "references": list(fact.references),
            "formula": fact.formula or None,
            **({"comparator": fact.comparator} if fact.comparator else {}),
        }
        for fact in facts
    ]


def _first(parts: Iterable[Json], url: str, member: str) -> Any:
    return next((part.get(member) for part in parts if part.get("url") == url), None)
