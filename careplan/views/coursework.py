"""D3 «Afklarende samtale», D4 «Forløb» and D5 «Afslutningsnotat»: small forms in which a receiver of referrals writes.

What they write is `interactions.coursework`'s. For a hospital the last one is «Svar til egen læge». What stands in the
record is Danish whatever language the page is in: the headings and results in a note come from the Danish texts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from starlette.responses import Response

from careplan.domain.calendar import add_months
from careplan.domain.referral import OUTCOMES, RECEIVER, STEPS, StepNeedsReason, StepNotAllowed, steps_from
from careplan.domain.words import LENGTH, is_blank
from careplan.domain.workday import add_workdays
from careplan.fhir.text import Json
from careplan.interactions.access import Forbidden
from careplan.interactions.casework import CaseFile, read_case
from careplan.interactions.course_check import keep_checks
from careplan.interactions.coursework import (
    RESULTS,
    TESTS,
    Ending,
    NoteFaulty,
    Test,
    attendance,
    close_course,
    hold_talk,
    keep_course,
    needs_farewell,
    notes_of,
)
from careplan.interactions.overview import Overview, read_overview
from careplan.interactions.precondition import PreconditionFailed
from careplan.views.agreement import agreements
from careplan.views.case import panel_of, past_fault, references_in
from careplan.views.catalogue import Catalogue
from careplan.views.contact import person_name
from careplan.views.course_check import CHECKS, UNTIL, checklist_of, filled_from_form
from careplan.views.directory import directory_of
from careplan.views.form import find_day, find_number
from careplan.views.frame import catalogue
from careplan.views.page import Opened, go
from careplan.views.wording import danish_date

TALK = ("ressourcer", "motivation", "oensker", "tilbud")
GOALS = ("maal-1", "maal-2", "maal-3")
LONGEST = 12
"""Months ahead that a day may lie."""

FOLLOW_UP_WITHIN = 20
"""Working days until the clinic's follow-up is due, unless something else is written."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A case with the citizen it is about."""

    case: CaseFile
    overview: Overview


async def talk(opened: Opened) -> Response:
    """D3: the note of the first talk."""
    return await _page(opened, "talk", await _shown(opened), {})


async def keep_talk(opened: Opened) -> Response:
    """Kept, and on to the citizen."""
    form, shown = opened.form, await _shown(opened)
    lines = [_labelled(opened, name) for name in TALK if _said(opened, name)]
    goals, next_on = [_said(opened, name) for name in GOALS], find_day(form.text("dag"))
    errors = _too_long(opened, (*TALK, *GOALS)) | _coming_error(opened, "dag")
    if not errors and not lines and not any(goals):
        errors = {"ressourcer": opened.t("coursework.nothing")}
    if errors:
        return await _page(opened, "talk", shown, errors, 422)
    work = hold_talk(opened.context, opened.path("task"), form.whole("version"), lines, goals, next_on)
    try:
        await work
    except (StepNotAllowed, PreconditionFailed):
        return await _page(opened, "talk", await _shown(opened), {}, 409)
    except NoteFaulty:
        return await _page(opened, "talk", shown, {"ressourcer": opened.t("coursework.faulty")}, 422)
    return go(f"/borger/{opened.path('id')}", besked="sag-gemt")


async def course(opened: Opened) -> Response:
    """D4: attendance, tests and notes."""
    return await _page(opened, "course", await _shown(opened), {})


async def keep_meeting(opened: Opened) -> Response:
    """One meeting, or the tjekliste, kept; the page as it is then."""
    if opened.form.text("handling") == CHECKS:
        return await _keep_checks(opened)
    form, shown, t = opened.form, await _shown(opened), opened.t
    errors = _too_long(opened, ("notat",))
    if fault := past_fault(form.text("dag"), shown.case, opened.context.on, t):
        errors["dag"] = fault
    tests = []
    for test in TESTS:
        value = find_number(form.text(test.id))
        if form.text(test.id) and (value is None or not test.holds(value)):
            key = "coursework.no-whole" if test.whole else "coursework.no-number"
            errors[test.id] = t(key, low=test.low, high=test.high)
        elif value is not None:
            tests.append((test, value))
    came = {"ja": True, "nej": False}.get(form.text("moedt"))
    if not errors and came is None and not tests and not _said(opened, "notat"):
        errors = {"notat": t("coursework.nothing")}
    if errors:
        return await _page(opened, "course", shown, errors, 422)
    try:
        await _keep_meeting(opened, came, tests)
    except (StepNotAllowed, PreconditionFailed):
        return await _page(opened, "course", await _shown(opened), {}, 409)
    except NoteFaulty:
        return await _page(opened, "course", shown, {"notat": t("coursework.faulty")}, 422)
    return go(f"/borger/{opened.path('id')}/sag/{opened.path('task')}/forloeb", besked="sag-gemt")


async def _keep_meeting(opened: Opened, came: bool | None, tests: list[tuple[Test, Decimal]]) -> None:
    form = opened.form
    await keep_course(
        opened.context,
        opened.path("task"),
        form.whole("version"),
        on=find_day(form.text("dag")) or opened.context.on,
        came=came,
        words=_said(opened, "notat"),
        tests=tests,
    )


async def _keep_checks(opened: Opened) -> Response:
    form, shown, t = opened.form, await _shown(opened), opened.t
    filled = filled_from_form(form)
    errors = {UNTIL + id: t("coursework.no-check-day") for id in filled.without_day(opened.context.on)}
    if errors:
        return await _page(opened, "course", shown, errors, 422)
    expects = form.whole("version")
    try:
        await keep_checks(opened.context, opened.path("task"), expects, filled.checks, filled.until)
    except (StepNotAllowed, PreconditionFailed):
        return await _page(opened, "course", await _shown(opened), {}, 409)
    return go(f"/borger/{opened.path('id')}/sag/{opened.path('task')}/forloeb", besked="sag-gemt")


async def closing(opened: Opened) -> Response:
    """D5: the closing note, filled in with who came."""
    return await _page(opened, "closing", await _shown(opened), {})


async def close(opened: Opened) -> Response:
    """The end: the clinic gets the note, the citizen a sentence, and the slice is closed."""
    form, shown, t = opened.form, await _shown(opened), opened.t
    errors = _too_long(opened, ("deltagelse", "notat", "opfoelgning", "hilsen")) | _coming_error(opened, "dag")
    if form.text("udfald") not in _outcomes(shown):
        errors["udfald"] = t("coursework.no-outcome")
    if not _said(opened, "deltagelse"):
        errors["deltagelse"] = t("coursework.nothing")
    if not _said(opened, "hilsen") and needs_farewell(form.text("udfald")):
        errors["hilsen"] = t("coursework.no-farewell")
    if errors:
        return await _page(opened, "closing", shown, errors, 422)
    try:
        await close_course(opened.context, opened.path("task"), form.whole("version"), _ending(opened, shown))
    except (StepNotAllowed, StepNeedsReason, PreconditionFailed):
        return await _page(opened, "closing", await _shown(opened), {}, 409)
    except NoteFaulty:
        return await _page(opened, "closing", shown, {"notat": t("coursework.faulty")}, 422)
    return go("/henvisninger", besked="sag-slut")


def _ending(opened: Opened, shown: Shown) -> Ending:
    form = opened.form
    results = [
        catalogue()(f"coursework.with-result.{form.text(f'resultat-{id}')}", goal=words)
        for id, words in _goals(shown)
        if form.text(f"resultat-{id}") in RESULTS
    ]
    lines = (_said(opened, "deltagelse"), *results, _said(opened, "notat"))
    due = find_day(form.text("dag"))
    return Ending(form.text("udfald"), "", lines, _said(opened, "opfoelgning"), due, _said(opened, "hilsen"))


# ── the pages ────────────────────────────────────────────────────────────────────────────────────


async def _shown(opened: Opened) -> Shown:
    """Raises Forbidden for a case of somebody else than the address says."""
    case = await read_case(opened.context, opened.path("task"))
    if case.patient != opened.path("id"):
        raise Forbidden("the case is of somebody else")
    return Shown(case, await read_overview(opened.context, case.patient, "referral"))


def _said(opened: Opened, name: str) -> str:
    """The text of a field; empty where nothing of it can be seen."""
    text = opened.form.text(name)
    return "" if is_blank(text) else text


def _labelled(opened: Opened, name: str) -> str:
    return f"{catalogue()(f'coursework.field.{name}')}: {opened.form.text(name)}"


def _too_long(opened: Opened, names: tuple[str, ...]) -> dict[str, str]:
    long = (name for name in names if len(opened.form.text(name)) > LENGTH - 60)
    return {name: opened.t("case.long-text", most=LENGTH - 60) for name in long}


def _coming_error(opened: Opened, name: str) -> dict[str, str]:
    """What is wrong with a day to come, which may be left out."""
    text, on = opened.form.text(name), opened.context.on
    day, last = find_day(text), add_months(on, LONGEST)
    if not text or (day is not None and on <= day <= last):
        return {}
    far = day is not None and day > last
    return {name: opened.t("coursework.far-day", last=danish_date(last)) if far else opened.t("case.no-day")}


def _goals(shown: Shown) -> tuple[tuple[str, str], ...]:
    """(id, words) of what a course can have reached: what matters to the person, and their own agreements."""
    found = agreements(shown.overview.tasks, shown.overview.directory, shown.overview.on)
    wishes = ((str(one["id"]), _words(one.get("description") or {})) for one in shown.overview.personal)
    return (*(one for one in wishes if one[1]), *((one.id, one.title) for one in found if one.own))


def _words(concept: Json) -> str:
    """What a concept says: its text, else the name of a code of it; empty where it says neither."""
    said = (concept.get("text"), *(one.get("display") for one in concept.get("coding", ())))
    return next((str(one) for one in said if one), "")


def _outcomes(shown: Shown) -> tuple[str, ...]:
    steps = set(steps_from(shown.case.case.status, RECEIVER)) & {"complete", "fail"}
    return tuple(one for one in OUTCOMES if any(one in STEPS[step].reasons for step in steps))


def _came(case: CaseFile, t: Catalogue) -> str:
    """«Mødt 3 af 4 gange.»"""
    found = attendance(case)
    came = sum(one for _, one in found)
    return t("coursework.came", came=came, times=len(found)) if found else ""


async def _page(opened: Opened, kind: str, shown: Shown, errors: Mapping[str, str], status: int = 200) -> Response:
    t, context, case = opened.t, opened.context, shown.case
    directory = await directory_of(context, references_in([case]))
    hospital = context.caller.role == "hospital" and kind == "closing"
    return opened.page(
        f"{kind}.html",
        t("coursework.reply" if hospital else f"coursework.title.{kind}"),
        status,
        panel=panel_of(case, directory, context.on, t, RECEIVER, context.caller.reference),
        patient=case.patient,
        name_of=person_name(shown.overview.patient),
        form=opened.form,
        posted=opened.posted,
        overtaken=status == 409,
        errors=errors,
        length=LENGTH - 60,
        notes=await notes_of(context, case),
        attended=[(danish_date(day), came) for day, came in attendance(case)],
        came=_came(case, t),
        participation=_came(case, catalogue()),
        tests=TESTS,
        goals=_goals(shown),
        results=RESULTS,
        outcomes=_outcomes(shown),
        today=danish_date(context.on),
        due=danish_date(add_workdays(context.on, FOLLOW_UP_WITHIN)),
        checklist=checklist_of(context.knowledge, case, opened.form) if kind == "course" else None,
        fields=TALK,
        common=GOALS,
    )
