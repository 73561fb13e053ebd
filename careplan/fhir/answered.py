"""An evaluation as `careplan targets --json` prints it: one object a bundle, names as in the guideline tables.

Everything that the rules looked at stands in it: what decided, what was considered before, what is missing. For
people: `printed`.
"""

from collections.abc import Iterable
from datetime import date

from careplan.domain.account import Account, account_of
from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import Condition
from careplan.domain.danish import question_text, undecided_plan_text
from careplan.domain.evaluation import Answer, Eligibility, Tried
from careplan.domain.explanation import Explanation, Gap, explanations
from careplan.domain.guideline import Knowledge, Row
from careplan.domain.source import Source
from careplan.fhir.goal import because_json
from careplan.fhir.text import Json

PLAN_NAMES = {"hjerte": "heart"}
"""The guideline tables say `heart` for our plan type `hjerte`."""


def answer_json(name: str, chart: Chart, answer: Answer, knowledge: Knowledge) -> Json:
    """Plans and targets with the keys of design §5; each target, what is undecided and each plan with why.

    answer  the evaluation of `chart`
    """
    plans = {PLAN_NAMES.get(kind, kind): plan for kind, plan in answer.plans.items()}
    explained = explanations(knowledge, chart, answer)
    told = {measure: (one, account_of(one, knowledge, chart.on, chart.lapsed)) for measure, one in explained.items()}
    return {
        "bundle": name,
        "plans": {kind: _plan(plan) for kind, plan in plans.items() if plan.row is not None},
        "targets": {measure: _target(*one, chart, knowledge) for measure, one in told.items() if one[0].row},
        "undecided": {measure: _undecided(*one, chart, knowledge) for measure, one in told.items() if not one[0].row},
        "eligibility": {kind: _eligibility(plan, knowledge) for kind, plan in plans.items()},
    }


def _plan(plan: Eligibility) -> Json:
    assert plan.row is not None
    return {"row": plan.row.id, "state": plan.state, "must_offer": plan.must_offer}


def _eligibility(plan: Eligibility, knowledge: Knowledge) -> Json:
    """Why a plan type is for this person, is not, or cannot be decided: no row then, and what is missing."""
    undecided = None if plan.row or not plan.missing else undecided_plan_text(plan.missing, knowledge)
    return {
        "row": plan.row.id if plan.row else None,
        "says": plan.row.says if plan.row else undecided,
        "because": because_json(plan.because),
        "considered": [_considered(one, knowledge) for one in plan.tried],
        "missing": list(plan.missing),
    }


def _target(explained: Explanation, account: Account, chart: Chart, knowledge: Knowledge) -> Json:
    row = explained.row
    assert row is not None
    return {
        **_bounds(row, explained, knowledge),
        "row": row.id,
        "provisional": explained.provisional,
        "missing": [gap.fact for gap in explained.gaps],
        "because": because_json(explained.because),
        "says": row.says,
        "knowledge": explained.canonical,
        "source": _source(row.source),
        "unverified": row.unverified,
        "unverified_facts": list(explained.unverified),
        **_reasons(explained, account, chart, knowledge),
    }


def _undecided(explained: Explanation, account: Account, chart: Chart, knowledge: Knowledge) -> Json:
    return {
        "missing": [gap.fact for gap in explained.gaps],
        "says": account.undecided,
        "knowledge": explained.canonical,
        **_reasons(explained, account, chart, knowledge),
    }


def _bounds(row: Row, explained: Explanation, knowledge: Knowledge) -> Json:
    target = row.target
    value = {} if target.value is None else {"value": target.value}
    unit = target.unit or knowledge.measures[explained.measure].unit
    return {"low": target.low, "high": target.high, "unit": unit, "strict": target.strict, **value}


def _reasons(explained: Explanation, account: Account, chart: Chart, knowledge: Knowledge) -> Json:
    """What was considered before, and what is missing and would change it."""
    gaps = zip(explained.gaps, account.lacks, strict=True)
    return {
        "considered": [_considered(one, knowledge) for one in explained.tried],
        "gaps": [_gap(gap, lack.changes, explained, chart, knowledge) for gap, lack in gaps],
    }


def _considered(tried: Tried, knowledge: Knowledge) -> Json:
    """A row that did not decide; date and reference are those of the value, or of the newest fact behind it."""
    fact = tried.failed.fact if isinstance(tried.failed, Condition) else None
    newest = max(tried.facts, key=lambda one: one.on or date.min, default=None) if tried.failed else None
    own: Fact | None = next((one for one in tried.facts if one.name == fact), newest)
    return {
        "row": tried.row.id,
        "says": tried.row.says,
        "failed": question_text(tried.failed, knowledge) if tried.failed else None,
        "fact": fact,
        "value": tried.value,
        "date": own.day if own else None,
        "reference": own.references[0] if own and own.references else None,
        "missing": list(tried.missing),
        "because": because_json(tried.facts),
    }


def _gap(gap: Gap, changes: Iterable[str], explained: Explanation, chart: Chart, knowledge: Knowledge) -> Json:
    last = chart.lapsed.get(gap.fact)
    return {
        "fact": gap.fact,
        "last": last.day if last else None,
        "rows": [{"row": row.id, **_bounds(row, explained, knowledge)} for row in gap.rows],
        "says": list(changes),
    }


def _source(source: Source | None) -> Json:
    if source is None:
        return None
    named = {"title": source.title, "publisher": source.publisher, "year": source.year, "url": source.url}
    return named | {"section": source.section or None}
