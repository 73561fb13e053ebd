"""When an activity is due, late or done. Dates only; who is told is for the doors."""

from collections.abc import Iterable
from datetime import date

from careplan.domain.calendar import add_months
from careplan.domain.evaluation import Answer
from careplan.domain.guideline import Activity, PlanType

REVIEW = "review_interval"
"""The table that rules the interval to the next årskontrol, in months."""

_YEAR = 12


def review_months(answer: Answer) -> int | None:
    """The longest interval to the next årskontrol that the rules allow; None when no rule speaks."""
    recommendation = answer.recommendations.get(REVIEW)
    high = None if recommendation is None else recommendation.target.high
    return None if high is None else int(high)


def next_control(answer: Answer, dues: Iterable[date]) -> date:
    """The day of the next årskontrol: the first set after today, else as late as the rules allow, else in a year."""
    return min((day for day in dues if day > answer.on), default=add_months(answer.on, review_months(answer) or 12))


def first_due(activity: Activity, answer: Answer) -> date | None:
    """When an activity of a new plan is due: by its own interval, and no later than the rules allow an årskontrol where
    it is one or goes with it.
    """
    if activity.every is None:
        return None
    ruled = review_months(answer) if activity.ruled else None
    return add_months(answer.on, min(activity.every.months, ruled or activity.every.months))


def goal_due(plan: PlanType, measure: str, answer: Answer) -> date:
    """When an agreed target is to be looked at again: as often as the plan follows the measure and the rules ask.

    A year where neither says.
    """
    followed = [one.every.months for one in plan.monitors if one.measure == measure and one.every is not None]
    ruled = review_months(answer)
    return add_months(answer.on, min([*followed, *([ruled] if ruled else [])], default=_YEAR))


def is_late(due: date | None, on: date) -> bool:
    return due is not None and due < on
