"""When an activity is due, late or done. Dates only; who is told is for the doors."""

from datetime import date

from careplan.domain.calendar import add_months
from careplan.domain.evaluation import Answer
from careplan.domain.guideline import Activity

REVIEW = "review_interval"
"""The table that rules the interval to the next årskontrol, in months."""


def review_months(answer: Answer) -> int | None:
    """The longest interval to the next årskontrol that the rules allow; None when no rule speaks."""
    recommendation = answer.recommendations.get(REVIEW)
    high = None if recommendation is None else recommendation.target.high
    return None if high is None else int(high)


def first_due(activity: Activity, answer: Answer) -> date | None:
    """When an activity of a new plan is due: the årskontrol by the rules, others by their own interval."""
    if activity.every is None:
        return None
    ruled = review_months(answer) if activity.review else None
    return add_months(answer.on, min(activity.every.months, ruled or activity.every.months))


def is_late(due: date | None, on: date) -> bool:
    return due is not None and due < on
