"""The tjekliste of the årskontrol: its lines over all plans, how they are answered on the page, and what is still open.

What an answer becomes is `interactions.review`. Not here: values and targets (`control`, `measured`).
"""

from dataclasses import replace

from careplan.domain.guideline import Check, Knowledge
from careplan.interactions.overview import Overview
from careplan.interactions.review import RESULTS, Review
from careplan.views.form import Form

CHECKED, DONE = "tjek-", "gjort"


def checks_of(knowledge: Knowledge, overview: Overview) -> tuple[Check, ...]:
    """The tjekliste of all plans, each line once; mandatory where any plan says so, and those first.

    Where plans put a line in words of their own it has them all: breathlessness is asked about for the lungs as well.
    """
    types = [knowledge.plans[kind] for kind in overview.plan_types if kind in knowledge.plans]
    lines: dict[str, Check] = {}
    for check in (check for plan in types for check in plan.checks):
        known = lines.get(check.id)
        if known is None or check.mandatory > known.mandatory:
            lines[check.id] = check
        elif check.mandatory == known.mandatory and check.says not in known.says:
            lines[check.id] = replace(known, says=f"{known.says} · {check.says}")
    return tuple(sorted(lines.values(), key=lambda one: not one.mandatory))


def review_from_form(form: Form) -> Review:
    checks = {name: result for name, result in form.starting(CHECKED).items() if result in RESULTS}
    return Review(checks, frozenset(form.all(DONE)))


def lacking_in(checks: tuple[Check, ...], form: Form) -> tuple[str, ...]:
    """Mandatory lines of the tjekliste that have no result."""
    return tuple(one.id for one in checks if one.mandatory and form.text(CHECKED + one.id) not in RESULTS)


def with_rest(form: Form, checks: tuple[str, ...]) -> Form:
    """The form with «Udført» at these lines."""
    return Form({**form.values, **{CHECKED + id: (RESULTS[0],) for id in checks}})
