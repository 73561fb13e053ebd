"""The tjekliste of the årskontrol: its lines over all plans, how they are answered on the page, and what is still open.

What is not relevant says why, and what is postponed says until when. What an answer becomes is `interactions.review`.
Not here: values and targets (`control`, `measured`).
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from careplan.domain.guideline import Check, Knowledge
from careplan.fhir import check as kept
from careplan.fhir.agreed import activity_of
from careplan.fhir.check import NOT_RELEVANT, POSTPONED, RESULTS
from careplan.fhir.instant import find_date
from careplan.fhir.text import Json
from careplan.interactions.overview import Overview
from careplan.interactions.review import Review
from careplan.views.catalogue import Catalogue
from careplan.views.form import Form, find_day
from careplan.views.wording import danish_date

CHECKED, REASON, UNTIL, DONE = "tjek-", "hvorfor-", "udsat-", "gjort"
"""What the fields of a line begin with, and the field of what else is done."""

ANSWERS = (CHECKED, REASON, UNTIL)
LONGEST = 200
"""Characters of a reason."""


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
    days = {id: day for id in checks if (day := find_day(form.text(UNTIL + id))) is not None}
    reasons = {id: why for id in checks if (why := form.text(REASON + id))}
    return Review(checks, frozenset(form.all(DONE)), days, reasons)


def faults_of(checks: Iterable[Check], form: Form, on: date, t: Catalogue) -> dict[str, str]:
    """What is missing of lines that are answered, by field: why it is not relevant, or a day from today on."""
    found: dict[str, str] = {}
    for id, result in ((one.id, form.text(CHECKED + one.id)) for one in checks):
        if result == NOT_RELEVANT and not 0 < len(form.text(REASON + id)) <= LONGEST:
            found[REASON + id] = t("control.no-reason", most=LONGEST)
        if result == POSTPONED and (find_day(form.text(UNTIL + id)) or date.min) < on:
            found[UNTIL + id] = t("control.no-day")
    return found


def answer_text(form: Form, id: str, t: Catalogue) -> str:
    """A line as the form answers it: «Udsat til 01.12.2026»; a dash without an answer."""
    return _text(form.text(CHECKED + id), form.text(REASON + id), form.text(UNTIL + id), t)


def kept_text(task: Json, id: str, t: Catalogue) -> str:
    """A line as a control has it."""
    day = kept.postponed_in(task).get(id)
    result, why = kept.checks_of(task).get(id, ""), kept.reasons_in(task).get(id, "")
    return _text(result, why, danish_date(day) if day else "", t)


def _text(result: str, why: str, until: str, t: Catalogue) -> str:
    if result not in RESULTS:
        return "–"
    said = t(f"control.result.{result}")
    if result == POSTPONED and until:
        return t("control.postponed-until", result=said, day=until)
    return t("control.not-relevant-why", result=said, why=why) if result == NOT_RELEVANT and why else said


def last_answers(checks: Iterable[Check], overview: Overview, knowledge: Knowledge, t: Catalogue) -> dict[str, str]:
    """What came of each line the last time it was answered, and when: «Sidst 22.11.2026: Udført»."""
    reviews = {one.id for plan in knowledge.plans.values() for one in plan.activities if one.review}
    held = [one for one in overview.tasks if one.get("status") == "completed" and activity_of(one) in reviews]
    held.sort(key=lambda one: _held_on(one) or date.min, reverse=True)
    found: dict[str, str] = {}
    for id in (one.id for one in checks):
        control = next((one for one in held if id in kept.checks_of(one)), None)
        day = None if control is None else _held_on(control)
        if control is not None and day is not None:
            found[id] = t("control.last", day=danish_date(day), said=kept_text(control, id, t))
    return found


def _held_on(task: Json) -> date | None:
    return find_date(task.get("executionPeriod", {}).get("end"))


def lacking_in(checks: tuple[Check, ...], form: Form) -> tuple[str, ...]:
    """Mandatory lines of the tjekliste that have no result."""
    return tuple(one.id for one in checks if one.mandatory and form.text(CHECKED + one.id) not in RESULTS)


def with_rest(form: Form, checks: tuple[str, ...]) -> Form:
    """The form with «Udført» at these lines."""
    return Form({**form.values, **{CHECKED + id: (RESULTS[0],) for id in checks}})
