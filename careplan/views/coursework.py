"""D3 «Afklarende samtale», D4 «Forløb» and D5 «Afslutningsnotat»: small forms in which a receiver of referrals writes.

What they write is `interactions.coursework`'s. For a hospital the last one is «Svar til egen læge».
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from starlette.responses import Response

from careplan.domain.referral import OUTCOMES, RECEIVER, STEPS, StepNeedsReason, StepNotAllowed, steps_from
from careplan.domain.words import LENGTH
from careplan.domain.workday import add_workdays
from careplan.interactions.access import Forbidden
from careplan.interactions.casework import Opened as Case
from careplan.interactions.casework import read_case
from careplan.interactions.coursework import (
    RESULTS,
    TESTS,
    Ending,
    Test,
    attendance,
    close_course,
    hold_talk,
    keep_course,
    notes_of,
    with_result,
)
from careplan.interactions.overview import Overview, read_overview
from careplan.interactions.precondition import PreconditionFailed
from careplan.views.agreement import agreements
from careplan.views.case import panel_of, references_in
from careplan.views.contact import person_name
from careplan.views.directory import directory_of
from careplan.views.form import find_day, find_number
from careplan.views.page import Opened, go
from careplan.views.wording import danish_date

TALK = ("ressourcer", "motivation", "oensker", "tilbud")
GOALS = ("maal-1", "maal-2", "maal-3")
FOLLOW_UP_WITHIN = 20
"""Working days until the clinic's follow-up is due, unless something else is written."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A case with the citizen it is about."""

    case: Case
    overview: Overview


async def talk(opened: Opened) -> Response:
    """D3: the note of the first talk."""
    return await _page(opened, "talk", await _shown(opened), {})


async def keep_talk(opened: Opened) -> Response:
    """Kept, and on to the citizen."""
    form, shown = opened.form, await _shown(opened)
    lines = [_labelled(opened, name) for name in TALK if form.text(name)]
    goals, next_on = [form.text(name) for name in GOALS], find_day(form.text("dag"))
    errors = _too_long(opened, (*TALK, *GOALS)) | _day_error(opened, "dag", needed=False)
    if not errors and not lines and not any(goals):
        errors = {"ressourcer": opened.t("coursework.nothing")}
    if errors:
        return await _page(opened, "talk", shown, errors, 422)
    work = hold_talk(opened.context, opened.path("task"), form.whole("version"), lines, goals, next_on)
    try:
        await work
    except (StepNotAllowed, PreconditionFailed):
        return await _page(opened, "talk", await _shown(opened), {}, 409)
    return go(f"/borger/{opened.path('id')}", besked="sag-gemt")


async def course(opened: Opened) -> Response:
    """D4: attendance, tests and notes."""
    return await _page(opened, "course", await _shown(opened), {})


async def keep_meeting(opened: Opened) -> Response:
    """One meeting, kept; the page as it is then."""
    form, shown, t = opened.form, await _shown(opened), opened.t
    errors = _too_long(opened, ("notat",)) | _day_error(opened, "dag", needed=True, past=True)
    tests = []
    for test in TESTS:
        value = find_number(form.text(test.id))
        if form.text(test.id) and (value is None or not test.low <= value <= test.high):
            errors[test.id] = t("coursework.no-number", low=test.low, high=test.high)
        elif value is not None:
            tests.append((test, value))
    came = {"ja": True, "nej": False}.get(form.text("moedt"))
    if not errors and came is None and not tests and not form.text("notat"):
        errors = {"notat": t("coursework.nothing")}
    if errors:
        return await _page(opened, "course", shown, errors, 422)
    try:
        await _keep_meeting(opened, came, tests)
    except (StepNotAllowed, PreconditionFailed):
        return await _page(opened, "course", await _shown(opened), {}, 409)
    return go(f"/borger/{opened.path('id')}/sag/{opened.path('task')}/forloeb", besked="sag-gemt")


async def _keep_meeting(opened: Opened, came: bool | None, tests: list[tuple[Test, Decimal]]) -> None:
    form = opened.form
    await keep_course(
        opened.context,
        opened.path("task"),
        form.whole("version"),
        on=find_day(form.text("dag")) or opened.context.on,
        came=came,
        words=form.text("notat"),
        tests=tests,
    )


async def closing(opened: Opened) -> Response:
    """D5: the closing note, filled in with who came."""
    return await _page(opened, "closing", await _shown(opened), {})


async def close(opened: Opened) -> Response:
    """The end: the clinic gets the note, the citizen a sentence, and the slice is closed."""
    form, shown, t = opened.form, await _shown(opened), opened.t
    errors = _too_long(opened, ("deltagelse", "notat", "opfoelgning", "hilsen")) | _day_error(
        opened, "dag", needed=False
    )
    if form.text("udfald") not in _outcomes(shown):
        errors["udfald"] = t("coursework.no-outcome")
    if not form.text("deltagelse"):
        errors["deltagelse"] = t("coursework.nothing")
    if not form.text("hilsen"):
        errors["hilsen"] = t("coursework.no-farewell")
    if errors:
        return await _page(opened, "closing", shown, errors, 422)
    try:
        await close_course(opened.context, opened.path("task"), form.whole("version"), _ending(opened, shown))
    except (StepNotAllowed, StepNeedsReason, PreconditionFailed):
        return await _page(opened, "closing", await _shown(opened), {}, 409)
    return go("/henvisninger", besked="sag-slut")


def _ending(opened: Opened, shown: Shown) -> Ending:
    form = opened.form
    results = [
        with_result(words, form.text(f"resultat-{id}"))
        for id, words in _goals(shown)
        if form.text(f"resultat-{id}") in RESULTS
    ]
    lines = (form.text("deltagelse"), *results, form.text("notat"))
    due = find_day(form.text("dag"))
    return Ending(form.text("udfald"), "", lines, form.text("opfoelgning"), due, form.text("hilsen"))


# ── the pages ────────────────────────────────────────────────────────────────────────────────────


async def _shown(opened: Opened) -> Shown:
    """Raises Forbidden for a case of somebody else than the address says."""
    case = await read_case(opened.context, opened.path("task"))
    if case.patient != opened.path("id"):
        raise Forbidden("the case is of somebody else")
    return Shown(case, await read_overview(opened.context, case.patient, "referral"))


def _labelled(opened: Opened, name: str) -> str:
    return f"{opened.t(f'coursework.field.{name}')}: {opened.form.text(name)}"


def _too_long(opened: Opened, names: tuple[str, ...]) -> dict[str, str]:
    long = (name for name in names if len(opened.form.text(name)) > LENGTH - 60)
    return {name: opened.t("case.long-text", most=LENGTH - 60) for name in long}


def _day_error(opened: Opened, name: str, *, needed: bool, past: bool = False) -> dict[str, str]:
    text, on = opened.form.text(name), opened.context.on
    day = find_day(text)
    if not text and not needed:
        return {}
    if day is None or (day > on if past else day < on):
        return {name: opened.t("coursework.no-past-day" if past else "case.no-day")}
    return {}


def _goals(shown: Shown) -> tuple[tuple[str, str], ...]:
    """(id, words) of what a course can have reached: what matters to the person, and their own agreements."""
    found = agreements(shown.overview.tasks, shown.overview.directory, shown.overview.on)
    wishes = tuple((str(one["id"]), str(one["description"]["text"])) for one in shown.overview.personal)
    return (*wishes, *((one.id, one.title) for one in found if one.own))


def _outcomes(shown: Shown) -> tuple[str, ...]:
    steps = set(steps_from(shown.case.case.status, RECEIVER)) & {"complete", "fail"}
    return tuple(one for one in OUTCOMES if any(one in STEPS[step].reasons for step in steps))


def _came(opened: Opened, case: Case) -> str:
    """«Mødt 3 af 4 gange.»"""
    found = attendance(case)
    came = sum(one for _, one in found)
    return opened.t("coursework.came", came=came, times=len(found)) if found else ""


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
        came=_came(opened, case),
        tests=TESTS,
        goals=_goals(shown),
        results=RESULTS,
        outcomes=_outcomes(shown),
        today=danish_date(context.on),
        due=danish_date(add_workdays(context.on, FOLLOW_UP_WITHIN)),
        fields=TALK,
        common=GOALS,
    )
