"""Plan type → PlanDefinition and the ActivityDefinitions it names, so that other systems read what our templates hold.

https://hl7.org/fhir/R4/plandefinition.html · https://hl7.org/fhir/R4/activitydefinition.html ·
Goals carry the measure and its unit without a number: the number is the person's, and comes from `$apply` and
`$recommended-targets`. What is not known is left out: no period of validity and no day of approval, as nobody has
signed; no priority of a goal, as the rules give none.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from careplan.domain.danish import danish_date, danish_list, fact_name, question_text
from careplan.domain.guideline import Activity, FromRecord, Knowledge, PlanType, Row
from careplan.domain.measure import Measure
from careplan.domain.source import Source
from careplan.fhir import systems
from careplan.fhir.goal import measure_concept
from careplan.fhir.text import Json

_PATIENT = {"coding": [{"system": "http://hl7.org/fhir/resource-types", "code": "Patient", "display": "Patient"}]}
_CATEGORIES = {
    "behavioral": ("Behavioral", "Livsstil", frozenset({"smoking", "alcohol", "activity"})),
    "nursing": ("Nursing", "Symptomer", frozenset({"cat", "mrc", "exacerbations", "ccs_angina_class"})),
}
_UNVERIFIED = "unverified"


def plan_definition(plan: PlanType, knowledge: Knowledge) -> Json:
    """The PlanDefinition of a plan type: whom it is for, the measures it follows, what it makes."""
    measures = [knowledge.measures[name] for name in plan.follows]
    goals = [measure for measure in measures if measure.goal]
    resource: dict[str, Any] = {
        "resourceType": "PlanDefinition",
        "id": plan.id,
        "url": f"{systems.CANONICAL}/PlanDefinition/{plan.id}",
        "version": plan.version,
        "name": plan.id.capitalize(),
        "title": plan.title,
        "type": {"coding": [{"system": systems.PLAN_DEFINITION_TYPE, "code": "clinical-protocol"}]},
        "status": "active",
        "experimental": not plan.review.signed,
        "subjectCodeableConcept": _PATIENT,
        "description": " ".join(row.says for row in plan.eligible),
        "purpose": plan.offer.says,
        "usage": f"Skal ses efter senest {danish_date(plan.review.next)}.",
        "jurisdiction": [{"coding": [{"system": "urn:iso:std:iso:3166", "code": "DK"}]}],
        "author": [{"name": plan.review.author}],
        "reviewer": [{"name": plan.review.checked_by}],
        "relatedArtifact": _artifacts(plan),
        "goal": [_goal(plan, measure, knowledge) for measure in goals],
        "action": [_action(plan, activity, knowledge) for activity in plan.activities],
    }
    return _without_empty(resource)


def activity_definitions(plan: PlanType, knowledge: Knowledge) -> tuple[Json, ...]:
    """What a plan type has done: one ActivityDefinition an activity, for the Task or order that a plan makes of it."""
    return tuple(_activity_definition(plan, activity, knowledge) for activity in plan.activities)


def activity_canonical(plan: PlanType, activity: Activity) -> str:
    """`…/ActivityDefinition/diabetes-aarskontrol|2026.1`."""
    return f"{systems.CANONICAL}/ActivityDefinition/{_activity_id(plan, activity)}|{plan.version}"


def _activity_definition(plan: PlanType, activity: Activity, knowledge: Knowledge) -> Json:
    resource = {
        "resourceType": "ActivityDefinition",
        "id": _activity_id(plan, activity),
        "url": f"{systems.CANONICAL}/ActivityDefinition/{_activity_id(plan, activity)}",
        "version": plan.version,
        "name": "".join(word.capitalize() for word in (plan.id, activity.id)),
        "title": activity.title,
        "status": "active",
        "experimental": not plan.review.signed,
        "subjectCodeableConcept": _PATIENT,
        "description": activity.says or activity.title,
        "usage": _applies(activity, knowledge),
        "author": [{"name": plan.review.author}],
        "reviewer": [{"name": plan.review.checked_by}],
        "relatedArtifact": [_artifact(source, flag) for source, flag in _sources_of(plan, activity.serves)],
        "kind": activity.kind,
        "intent": "plan",
        "priority": "routine" if activity.kind == "ServiceRequest" else None,
        "code": _code(activity),
        "participant": _participants(activity),
        **_timing(activity),
    }
    return _without_empty(resource)


def _activity_id(plan: PlanType, activity: Activity) -> str:
    return f"{plan.id}-{activity.id}"


# ── goals ────────────────────────────────────────────────────────────────────────────────────────


def _goal(plan: PlanType, measure: Measure, knowledge: Knowledge) -> Json:
    table = knowledge.guidelines.get(measure.id)
    months = [one.every.months for one in plan.monitors if one.measure == measure.id and one.every is not None]
    unit = measure.unit or measure.ucum
    return {
        "id": goal_id(measure.id),
        "category": _category(measure),
        "description": {"text": measure.name},
        "addresses": _addresses(plan, knowledge),
        "documentation": _documentation(table.rows if table is not None else ()),
        "target": [
            {
                "measure": measure_concept(measure),
                "detailQuantity": {"unit": unit, "system": systems.UCUM, "code": measure.ucum}
                if measure.ucum
                else None,
                "due": _duration(min(months)) if months else None,
            }
        ],
    }


def goal_id(measure: str) -> str:
    """What an action calls the goal of a measure: an id has no underscores."""
    return measure.replace("_", "-")


def _category(measure: Measure) -> Json:
    """By HL7's goal categories where one fits; else in words: what is measured."""
    for code, (display, text, names) in _CATEGORIES.items():
        if measure.id in names:
            return {"coding": [{"system": systems.GOAL_CATEGORY, "code": code, "display": display}], "text": text}
    return {"text": {"blood": "Blodprøve", "urine": "Urinprøve"}.get(measure.sample, "Måling")}


def _addresses(plan: PlanType, knowledge: Knowledge) -> Json:
    """The diagnoses a plan is for: one concept a code, as ICPC-2 and SKS write it."""
    found: dict[tuple[str, str], Json] = {}
    for name in plan.addresses:
        definition = knowledge.facts[name].definition
        terms = definition.terms.get("diagnosis") if isinstance(definition, FromRecord) else None
        for system, key in ((systems.ICPC2, "icpc"), (systems.SKS_D, "sks")):
            for code in terms.get(key, ()) if isinstance(terms, dict) else ():
                concept = {"coding": [{"system": system, "code": code}], "text": fact_name(name, knowledge)}
                found.setdefault((system, code), concept)
    return list(found.values())


def _documentation(rows: Iterable[Row]) -> Json:
    """The sources of the rows, each once; those that no source checked against stand out."""
    found: dict[tuple[Source, bool], list[str]] = {}
    for row in rows:
        if row.source is not None:
            found.setdefault((row.source, row.unverified), []).append(row.id)
    return [_artifact(source, unverified, rows) for (source, unverified), rows in found.items()]


# ── sources ──────────────────────────────────────────────────────────────────────────────────────


def _artifacts(plan: PlanType) -> list[Json]:
    """Sources of eligibility, offer and intervals, and the definitions the plan is made of."""
    rows = [(row.source, row.unverified) for row in plan.eligible] + [(plan.offer.source, plan.offer.unverified)]
    monitors = [(one.source, one.unverified) for one in plan.monitors]
    named = [(source, flag) for source, flag in dict.fromkeys((*rows, *monitors)) if source is not None]
    parts = [activity_canonical(plan, activity) for activity in plan.activities]
    return [_artifact(source, flag) for source, flag in named] + [
        {"type": "composed-of", "resource": canonical} for canonical in parts
    ]


def _sources_of(plan: PlanType, serves: Sequence[str]) -> Iterable[tuple[Source, bool]]:
    """Sources of the intervals of these measures, and whether each is unverified."""
    monitors = [one for one in plan.monitors if one.measure in serves]
    return dict.fromkeys((one.source, one.unverified) for one in monitors if one.source is not None)


def _artifact(source: Source, unverified: bool = False, rows: Sequence[str] = ()) -> Json:
    said = ". ".join(part for part in (source.title, source.publisher, source.section) if part)
    year = f" ({source.year})" if source.year else ""
    label = ", ".join([*rows, *([_UNVERIFIED] if unverified else [])])
    return {"type": "justification", "label": label, "display": f"{said}{year}", "url": source.url}


# ── actions ──────────────────────────────────────────────────────────────────────────────────────


def _action(plan: PlanType, activity: Activity, knowledge: Knowledge) -> Json:
    goals = [name for name in plan.follows if knowledge.measures[name].goal]
    served = goals if activity.review else [name for name in goals if name in activity.serves]
    return {
        "title": activity.title,
        "description": activity.says or activity.title,
        "priority": "routine" if activity.kind == "ServiceRequest" else None,
        "code": [_code(activity)],
        "goalId": [goal_id(name) for name in served],
        "condition": [_condition(activity, knowledge)] if activity.when else [],
        "participant": _participants(activity),
        "type": {"coding": [{"system": systems.ACTION_TYPE, "code": "create"}]},
        "definitionCanonical": activity_canonical(plan, activity),
        **_timing(activity),
    }


def _condition(activity: Activity, knowledge: Knowledge) -> Json:
    """For whom the activity is, in words: our rules are data of our own, not an expression language."""
    words = _applies(activity, knowledge)
    return {"kind": "applicability", "expression": {"language": "text/plain", "expression": words}}


def _applies(activity: Activity, knowledge: Knowledge) -> str | None:
    """«Kun ved rygning, eller når det ikke vides»: left out only where it is known not to hold."""
    if not activity.when:
        return None
    questions = danish_list([question_text(term, knowledge) for term in activity.when])
    return f"Kun ved {questions}, eller når det ikke vides."


def _code(activity: Activity) -> Json:
    return {"coding": [{"system": systems.ACTIVITY, "code": activity.id}], "text": activity.title}


def _participants(activity: Activity) -> list[Json]:
    """Whose turn it is, and who does what is ordered."""
    first: dict[str, Any] = {"type": "patient" if activity.who == "patient" else "practitioner"}
    role = {"text": activity.performer}
    if not activity.performer:
        return [first]
    return [first, {"type": "practitioner", "role": role}] if activity.who == "patient" else [{**first, "role": role}]


def _timing(activity: Activity) -> Json:
    if activity.every is None:
        return {}
    return {"timingTiming": {"repeat": {"frequency": 1, "period": activity.every.months, "periodUnit": "mo"}}}


def _duration(months: int) -> Json:
    return {"value": months, "unit": "måneder", "system": systems.UCUM, "code": "mo"}


def _without_empty(value: Json) -> Json:
    if isinstance(value, dict):
        parts = {name: _without_empty(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part not in (None, "", [], {})}
    return [_without_empty(part) for part in value] if isinstance(value, list) else value
