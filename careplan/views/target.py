"""«Sæt individuelt mål»: another target than the recommended one, with a reason, seen as the patient will see it.

Three steps on one address: fill in, look at it, keep it. Nothing is kept before the last; when somebody else has
changed the goal meanwhile, both versions stand side by side. The rules of it are `operations.individual_target`.

Of a measure that is taken at home it is also agreed here what the patient does when a value is outside the target
(told by B4), with the target or alone.
"""

from dataclasses import dataclass, replace

from starlette.responses import Response

from careplan.domain.evaluation import stands
from careplan.domain.target import Target, is_safe
from careplan.domain.words import LENGTH
from careplan.fhir.goal import Deviation
from careplan.fhir.instant import find_date
from careplan.fhir.instruction import instruction_text
from careplan.fhir.text import Json
from careplan.interactions.deviation import NeedsDoctor, valid_until
from careplan.interactions.operations.individual_target import follow, instruct, set_target
from careplan.interactions.operations.wanted import REASONS, Wanted
from careplan.interactions.overview import Line, Overview, read_overview
from careplan.interactions.person import PLAN_TYPES, read_person
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.profession import is_doctor
from careplan.store.protocol import NotFound
from careplan.views import wording
from careplan.views.banner import banner_of
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.directory import directory_of
from careplan.views.goalrow import differs, goal_row
from careplan.views.measured import example
from careplan.views.page import Opened, go
from careplan.views.target_form import (
    Filled,
    filled_from_form,
    message_faults,
    number_said,
    readable,
    wanted_from_filled,
    with_sentence,
)
from careplan.views.why import why_of

MESSAGE, KEEP_MESSAGE = "vis-besked", "gem-besked"
"""Steps of the message alone."""


@dataclass(frozen=True, slots=True)
class Case:
    """The goal the page is about, and the version it was seen in."""

    overview: Overview
    line: Line
    goal: str
    number: int


async def show(opened: Opened) -> Response:
    """The form, filled with what is agreed today."""
    case = await _case(opened)
    return _form(opened, case, _today(case))


async def change(opened: Opened) -> Response:
    """«Vis» looks at it, «Gem» keeps it, «Ret» goes back to the form with everything still there."""
    case, filled = await _case(opened), filled_from_form(opened.form)
    seen = opened.form.whole("version")
    changed = seen != case.number
    if opened.form.text("trin") == "ret":
        return _form(opened, case, filled, changed=changed)
    if opened.form.text("trin") in (MESSAGE, KEEP_MESSAGE) and case.line.measure.home:
        return await _message(opened, case, filled, seen)
    if opened.form.text("trin") != "gem" and not opened.form.has("sat"):
        filled = with_sentence(filled)
    wanted, errors = wanted_from_filled(filled, case.line.measure, case.overview.on, opened.t)
    if wanted is None or errors:
        return _form(opened, case, filled, errors, 422, changed=changed)
    if not opened.form.has("besked"):
        wanted = replace(wanted, instruction=None)
    if opened.form.text("trin") != "gem":
        if not _is_safe(case, wanted) and not await is_doctor(opened.context):
            return _form(opened, case, filled, _needs_doctor(opened, case, wanted), 403, changed=changed)
        return await _preview(opened, case, filled, wanted, 409 if changed else 200)
    if seen is None:
        return await _preview(opened, case, filled, wanted, 409)
    try:
        await set_target(opened.context, case.goal, wanted, expects=seen)
    except PreconditionFailed:
        return await _preview(opened, await _case(opened), filled, wanted, 409)
    except NeedsDoctor:
        return _form(opened, case, filled, _needs_doctor(opened, case, wanted), 403, changed=changed)
    return go(f"/patient/{opened.path('id')}/aarskontrol", besked="maal")


async def _message(opened: Opened, case: Case, filled: Filled, seen: int | None) -> Response:
    """The message alone, looked at and then kept; the target stays as it is, so no reason is asked for."""
    changed, errors = seen != case.number, message_faults(filled, opened.t)
    if errors:
        return _form(opened, case, filled, errors, 422, changed=changed)
    if opened.form.text("trin") == MESSAGE or seen is None:
        return _message_preview(opened, case, filled, 409 if changed else 200)
    try:
        await instruct(opened.context, case.goal, filled.message, expects=seen)
    except PreconditionFailed:
        return _message_preview(opened, await _case(opened), filled, 409)
    told = "aftalt-besked" if filled.message else "ingen-aftalt-besked"
    return go(f"/patient/{opened.path('id')}/aarskontrol", besked=told)


async def follow_recommended(opened: Opened) -> Response:
    """«Følg anbefalingen»: ends an individual target."""
    case, seen = await _case(opened), opened.form.whole("version")
    try:
        if seen != case.number:
            raise PreconditionFailed(f"Goal/{case.goal} was changed by someone else, or nobody looked at it")
        await follow(opened.context, case.goal, expects=seen)
    except PreconditionFailed:
        case = await _case(opened)
        return _form(opened, case, _today(case), status=409, changed=True)
    return go(f"/patient/{opened.path('id')}/aarskontrol", besked="anbefaling")


async def _case(opened: Opened) -> Case:
    overview = await read_overview(opened.context, opened.path("id"), "clinic")
    id = opened.path("goal")
    line = next((one for one in overview.lines if one.goal is not None and one.goal["id"] == id), None)
    if line is None or line.goal is None:
        raise NotFound(f"Goal/{id} is not an active goal of a measure of this patient")
    return Case(overview, line, id, int(line.goal.get("meta", {}).get("versionId", "1")))


def _today(case: Case) -> Filled:
    target, deviation = case.line.agreed or Target(), case.line.deviation
    return Filled(
        low=number_said(target.low),
        high=number_said(target.high),
        bound="under" if target.strict else "med",
        reason=deviation.reason if deviation else "",
        text=(deviation.text or "") if deviation else "",
        until=wording.danish_date(valid_until(case.overview.tasks, case.overview.answer)),
        message=instruction_text(case.line.goal),
    )


def _is_safe(case: Case, wanted: Wanted) -> bool:
    recommended = case.line.recommendation.target if case.line.recommendation else None
    return is_safe(case.line.measure, _target(case, wanted), recommended)


def _target(case: Case, wanted: Wanted) -> Target:
    return Target(wanted.low, wanted.high, case.line.measure.unit, wanted.strict)


def _needs_doctor(opened: Opened, case: Case, wanted: Wanted) -> dict[str, str]:
    """By field: which end lies outside the safety span, or is left open."""
    holds, span = case.line.measure.safety.holds, _span(opened, case)
    outside = {
        name: end for name, end in (("fra", wanted.low), ("til", wanted.high)) if end is not None and not holds(end)
    }
    if outside:
        return dict.fromkeys(outside, opened.t("target.outside", span=span))
    return {"til" if wanted.high is None else "fra": opened.t("target.open-end", span=span)}


def _span(opened: Opened, case: Case) -> str:
    """«48 til 75 mmol/mol»; empty for a measure that any target is safe of."""
    low, high = case.line.measure.safety.low, case.line.measure.safety.high
    if low is None and high is None:
        return ""
    key = "target.span-from" if high is None else "target.span-to" if low is None else "target.span"
    unit = wording.unit_text(case.line.measure, opened.t)
    return opened.t(key, low=number_said(low), high=number_said(high), unit=unit).strip()


def _form(
    opened: Opened,
    case: Case,
    filled: Filled,
    errors: dict[str, str] | None = None,
    status: int = 200,
    *,
    changed: bool = False,
) -> Response:
    line, t = case.line, opened.t
    return opened.page(
        "target.html",
        t("target.title"),
        status,
        **_frame(opened, case),
        filled=filled,
        errors=errors or {},
        reasons=[(code, t(f"reason.{code}")) for code in REASONS],
        unit=wording.unit_text(line.measure, t),
        example=example(line.measure, t),
        why=why_of(line, opened.context.knowledge, case.overview.on),
        computed=wording.time_text(opened.context.now, t),
        signed=opened.context.knowledge.signed,
        changed=changed,
        noted=_noted(case.line.goal or {}, t),
    )


def _noted(goal: Json, t: Catalogue) -> str:
    """«Skrevet 22.11.2026 af Lars Test Krogh.»: when the message was agreed, and by whom where that is written."""
    note: Json = next(iter(goal.get("note", ())), {})
    at = find_date(note.get("time"))
    who = note.get("authorString") or note.get("authorReference", {}).get("display") or ""
    if at is None:
        return ""
    return t("target.message.by" if who else "target.message.on", day=wording.danish_date(at), who=who)


def _frame(opened: Opened, case: Case) -> dict[str, object]:
    line, t = case.line, opened.t
    return {
        "banner": banner_of(case.overview, opened.context.knowledge),
        "patient": opened.path("id"),
        "goal": case.goal,
        "version": case.number,
        "measure": line.measure,
        "agreed": wording.target_with_unit(line.measure, line.agreed, t),
        "individual": line.deviation is not None or differs(line),
        "recommended": wording.target_with_unit(line.measure, line.recommendation.target, t)
        if line.recommendation
        else "",
        "value": wording.value_with_unit(line.measure, line.newest, t) if line.newest else "",
        "day": wording.danish_date(wording.day_of(line.newest)) if line.newest else "",
        "span": _span(opened, case),
        "unverified": line.measure.safety_unverified,
        "length": LENGTH,
        "at_home": bool(line.measure.home),
        "stands": instruction_text(line.goal),
    }


async def _preview(opened: Opened, case: Case, filled: Filled, wanted: Wanted, status: int = 200) -> Response:
    """How the patient will see it; with 409 also what somebody else has agreed on meanwhile."""
    person = await read_person(opened.context, opened.path("id"), PLAN_TYPES)
    target = _target(case, wanted)
    deviation = Deviation(wanted.reason, wanted.text, opened.context.caller.reference, wanted.valid_until)
    standing = stands(opened.context.knowledge, person.chart, case.line.measure, target, case.line.newest)
    line = replace(case.line, agreed=target, deviation=deviation, standing=standing, bands=())
    author = opened.context.caller.reference or ""
    directory = {**case.overview.directory, **await directory_of(opened.context, [author])}
    seen = goal_row(replace(case.overview, directory=directory), line, opened.t, trend=False)
    theirs = goal_row(case.overview, case.line, opened.t, trend=False) if status == 409 else None
    by = contact_of(directory, case.line.deviation.author).name if case.line.deviation else ""
    return opened.page(
        "target_preview.html",
        opened.t("target.preview-title"),
        status,
        **_frame(opened, case),
        filled=filled,
        seen=seen,
        theirs=theirs,
        theirs_by=by,
        reason=opened.t(f"reason.{wanted.reason}"),
        readable=readable(filled.text, opened.t),
        readable_message=readable(filled.message, opened.t),
        outside=not _is_safe(case, wanted),
    )


def _message_preview(opened: Opened, case: Case, filled: Filled, status: int = 200) -> Response:
    """How the patient will read the message, beside the target as it stands; with 409 also what stands now."""
    return opened.page(
        "target_message.html",
        opened.t("target.preview-title"),
        status,
        **_frame(opened, case),
        filled=filled,
        overtaken=status == 409,
        readable_message=readable(filled.message, opened.t),
    )
