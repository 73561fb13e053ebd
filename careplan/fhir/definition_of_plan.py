"""Plan type → PlanDefinition and the ActivityDefinitions it names, so that other systems read what our templates hold.

https://hl7.org/fhir/R4/plandefinition.html · https://hl7.org/fhir/R4/activitydefinition.html ·
Goals carry the measure without a number: the number is the person's,
and comes from `$apply` and `$recommended-targets`.
"""

from typing import Any

from careplan.domain.guideline import Activity, Knowledge, PlanType, Source
from careplan.fhir import systems
from careplan.fhir.goal import measure_concept
from careplan.fhir.text import Json


def plan_definition(plan: PlanType, knowledge: Knowledge) -> Json:
    """The PlanDefinition of a plan type: whom it is for, the measures it follows, what it makes."""
    goals = [knowledge.measures[name] for name in plan.follows if knowledge.measures[name].goal]
    resource: dict[str, Any] = {
        "resourceType": "PlanDefinition",
        "id": plan.id,
        "url": f"{systems.CANONICAL}/PlanDefinition/{plan.id}",
        "version": plan.version,
        "name": plan.id.capitalize(),
        "title": plan.title,
        "type": {"coding": [{"system": systems.PLAN_DEFINITION_TYPE, "code": "clinical-protocol"}]},
        "status": "active",
        "experimental": True,
        "subjectCodeableConcept": {
            "coding": [{"system": "http://hl7.org/fhir/resource-types", "code": "Patient", "display": "Patient"}]
        },
        "description": " ".join(row.says for row in plan.eligible),
        "purpose": plan.offer.says,
        "author": [{"name": plan.review.author}],
        "reviewer": [{"name": plan.review.checked_by}],
        "relatedArtifact": [_artifact(row.source) for row in plan.eligible if row.source is not None],
        "goal": [
            {
                "description": {"text": measure.name},
                "target": [{"measure": measure_concept(measure)}],
            }
            for measure in goals
        ],
        "action": [_action(plan, activity) for activity in plan.activities],
    }
    return _without_empty(resource)


def activity_definitions(plan: PlanType) -> tuple[Json, ...]:
    """What a plan type has done: one ActivityDefinition an activity, for the Task that a plan makes of it."""
    return tuple(_activity_definition(plan, activity) for activity in plan.activities)


def _activity_definition(plan: PlanType, activity: Activity) -> Json:
    return {
        "resourceType": "ActivityDefinition",
        "id": _activity_id(plan, activity),
        "url": f"{systems.CANONICAL}/ActivityDefinition/{_activity_id(plan, activity)}",
        "version": plan.version,
        "name": "".join(word.capitalize() for word in (plan.id, activity.id)),
        "title": activity.title,
        "status": "active",
        "experimental": True,
        "subjectCodeableConcept": {
            "coding": [{"system": "http://hl7.org/fhir/resource-types", "code": "Patient", "display": "Patient"}]
        },
        "description": activity.says or activity.title,
        "author": [{"name": plan.review.author}],
        "reviewer": [{"name": plan.review.checked_by}],
        "kind": activity.kind,
        "intent": "plan",
        "code": _code(activity),
        "participant": [{"type": _participant(activity)}],
        **_timing(activity),
    }


def _activity_id(plan: PlanType, activity: Activity) -> str:
    return f"{plan.id}-{activity.id}"


def _artifact(source: Source) -> Json:
    return {"type": "justification", "display": f"{source.title}. {source.publisher}", "url": source.url}


def _action(plan: PlanType, activity: Activity) -> Json:
    return {
        "title": activity.title,
        "description": activity.says or activity.title,
        "code": [_code(activity)],
        "participant": [{"type": _participant(activity)}],
        "definitionCanonical": f"{systems.CANONICAL}/ActivityDefinition/{_activity_id(plan, activity)}|{plan.version}",
        **_timing(activity),
    }


def _code(activity: Activity) -> Json:
    return {"coding": [{"system": systems.ACTIVITY, "code": activity.id}], "text": activity.title}


def _participant(activity: Activity) -> str:
    return "patient" if activity.who == "patient" else "practitioner"


def _timing(activity: Activity) -> Json:
    if activity.every is None:
        return {}
    return {"timingTiming": {"repeat": {"frequency": 1, "period": activity.every.months, "periodUnit": "mo"}}}


def _without_empty(value: Json) -> Json:
    if isinstance(value, dict):
        parts = {name: _without_empty(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part not in (None, [], {})}
    return [_without_empty(part) for part in value] if isinstance(value, list) else value
