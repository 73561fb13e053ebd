"""An evaluation as `careplan targets --json` prints it: one object a bundle, names as in the guideline tables."""

from careplan.domain.evaluation import Answer, Eligibility, Recommendation
from careplan.domain.guideline import Knowledge
from careplan.fhir.goal import because_json
from careplan.fhir.text import Json

PLAN_NAMES = {"hjerte": "heart"}
"""The guideline tables say `heart` for our plan type `hjerte`."""


def answer_json(name: str, answer: Answer, knowledge: Knowledge) -> Json:
    """Plans with row, state and offer; targets with bounds, row, provisional, missing and because."""
    return {
        "bundle": name,
        "plans": {
            PLAN_NAMES.get(kind, kind): _plan(plan) for kind, plan in answer.plans.items() if plan.row is not None
        },
        "targets": {
            measure: _target(recommendation, knowledge) for measure, recommendation in answer.recommendations.items()
        },
    }


def _plan(plan: Eligibility) -> Json:
    assert plan.row is not None
    return {"row": plan.row.id, "state": plan.state, "must_offer": plan.must_offer}


def _target(recommendation: Recommendation, knowledge: Knowledge) -> Json:
    target = recommendation.target
    value = {} if target.value is None else {"value": target.value}
    return {
        "low": target.low,
        "high": target.high,
        "unit": target.unit or knowledge.measures[recommendation.measure].unit,
        "strict": target.strict,
        **value,
        "row": recommendation.row.id,
        "provisional": recommendation.provisional,
        "missing": list(recommendation.missing),
        "because": because_json(recommendation.because),
    }
