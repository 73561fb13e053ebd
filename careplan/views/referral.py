"""D1 and D2, the municipality's and the hospital's pages: the inbox, the slice of a plan, and the steps of a case.

A step is a form: from a row of the inbox, or from the citizen's page. What the slice holds is decided by
`interactions.overview`, how it looks by `slice`, which step may be taken by `domain.referral`. Not here: the notes
of a course (`coursework`), the board (`board`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from careplan.domain.attempt import CHANNELS, REACHED, Attempt
from careplan.domain.calendar import add_months
from careplan.domain.referral import LATE, NEARING, OPEN, RECEIVER, STEPS, StepNeedsReason, StepNotAllowed
from careplan.domain.words import LENGTH
from careplan.fhir.case import request_of_task
from careplan.fhir.instant import find_date
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.attempt import AttemptFaulty, note_attempt
from careplan.interactions.casework import CaseFile, ask, move, questions_of, read_case
from careplan.interactions.consent import consents
from careplan.interactions.context import Context
from careplan.interactions.handover import LONGEST
from careplan.interactions.inclusion import search_all
from careplan.interactions.message import MessageFaulty, OtherSent
from careplan.interactions.overview import read_overview
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.read import find_version
from careplan.interactions.referral import active_referrals
from careplan.views import wording
from careplan.views.case import ASK, TRY, Panel, exchanges, panel_of, past_fault, reasons_of, references_in
from careplan.views.catalogue import Catalogue
from careplan.views.contact import age, contact_of, hidden_cpr, person_name
from careplan.views.directory import directory_of
from careplan.views.form import find_day
from careplan.views.page import Opened, go
from careplan.views.slice import needs_text, requester_of, slice_values


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the inbox. `case` is None where whoever referred made no case of it."""

    patient: str
    name: str
    age: int | None
    received: date | None
    offer: str
    clinic: str
    needs: tuple[str, ...]
    case: Panel | None


async def inbox(opened: Opened) -> Response:
    """The open referrals to the caller's organisation, by deadline."""
    rows = await rows_of(opened.context, opened.t)
    waits = [one.case.deadline for one in rows if one.case is not None]
    near, late = waits.count(NEARING), waits.count(LATE)
    return opened.page("inbox.html", opened.t("inbox.title"), rows=rows, near=near, late=late)


async def rows_of(context: Context, t: Catalogue) -> list[Row]:
    """Every open referral to the caller's organisation, by deadline; those that wait for an answer first."""
    found = await active_referrals(context, context.caller.organization or "")
    cases = await _cases(context, found)
    patients = await _patients(context, [patient for patient, _ in found])
    references = [requester_of(request) for _, request in found]
    directory = await directory_of(context, [*references, *references_in(list(cases.values()))])
    rows = [_row(context, patient, request, cases, patients, directory, t) for patient, request in found]
    rows.sort(key=_urgency)
    context.trail.met(one.patient for one in rows)
    return rows


def _urgency(row: Row) -> tuple[bool, date, date, str]:
    waits = row.case is not None and row.case.days is not None
    return not waits, (row.case.due if row.case else None) or date.max, row.received or date.max, row.name


async def _cases(context: Context, found: Sequence[tuple[str, Json]]) -> dict[str, CaseFile]:
    """The open case of each referral, by reference of the referral."""
    requests = {f"ServiceRequest/{request['id']}": request for _, request in found}
    cases: dict[str, CaseFile] = {}
    if requests:
        async for version in search_all(context, Query("Task", patients=frozenset(patient for patient, _ in found))):
            task = parse(version.body or b"")
            focus = request_of_task(task, context.base) or ""
            if focus in requests and task.get("status") in OPEN:
                cases[focus] = CaseFile(version, task, requests[focus])
    return cases


async def _patients(context: Context, ids: Sequence[str]) -> dict[str, Json]:
    """The people the referrals are about: each is one the caller may see, by the referral itself."""
    found: dict[str, Json] = {}
    for id in dict.fromkeys(ids):
        version = await find_version(context, "Patient", id)
        if version is not None and version.body is not None:
            await access.check_read(context, version)
            found[id] = parse(version.body)
    return found


def _row(
    context: Context,
    patient: str,
    request: Json,
    cases: Mapping[str, CaseFile],
    patients: Mapping[str, Json],
    directory: Mapping[str, Json],
    t: Catalogue,
) -> Row:
    person, case = patients.get(patient, {}), cases.get(f"ServiceRequest/{request['id']}")
    requester = contact_of(directory, requester_of(request))
    return Row(
        patient=patient,
        name=person_name(person),
        age=age(person, context.on),
        received=find_date(request.get("authoredOn")),
        offer=request.get("code", {}).get("text", ""),
        clinic=requester.organization or requester.name,
        needs=needs_text(request, t),
        case=panel_of(case, directory, context.on, t, RECEIVER, context.caller.reference) if case else None,
    )


# ── the slice ────────────────────────────────────────────────────────────────────────────────────


async def show(opened: Opened) -> Response:
    """D2, «Borgerens plan (udsnit)», with the case it is opened by."""
    t, context, id = opened.t, opened.context, opened.path("id")
    overview = await read_overview(context, id, "referral")
    if not overview.referrals and id not in (await consents(context)).opened:
        raise access.Forbidden("no referral is open")
    cases = await _cases(context, [(id, request) for request in overview.referrals])
    directory = await directory_of(context, references_in(list(cases.values())))
    by = context.caller.reference
    panels = [panel_of(one, directory, context.on, t, RECEIVER, by) for one in cases.values()]
    asked = [one for case in cases.values() for one in exchanges(await questions_of(context, case))]
    return opened.page(
        "slice.html",
        t("slice.title"),
        name_of=person_name(overview.patient),
        age=age(overview.patient, overview.on),
        cpr=hidden_cpr(overview.patient),
        patient=id,
        panels=panels,
        asked=asked,
        updated=wording.time_text(context.now, t),
        **slice_values(overview, t),
    )


# ── the steps ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Filled:
    """A step's form as it is filled in."""

    step: str
    reason: str = ""
    text: str = ""
    day: str = ""


async def step_form(opened: Opened) -> Response:
    """The form of a step that needs a reason, a question or a day."""
    step = opened.asked.text("trin")
    case = await _case(opened)
    day = wording.danish_date(opened.context.on) if step == TRY else ""
    return await _form(opened, case, Filled(step if step in (*STEPS, ASK, TRY) else ASK, day=day))


async def take_step(opened: Opened) -> Response:
    """Take the step, and back to the citizen, or to the inbox where the case ended with it."""
    form = opened.form
    case = await _case(opened)
    filled = Filled(form.text("trin"), form.text("aarsag"), form.text("tekst"), form.text("dag"))
    errors = _tried_errors(opened, case, filled) if filled.step == TRY else _errors(opened, filled)
    if errors:
        return await _form(opened, case, filled, errors, 422)
    try:
        return await _taken(opened, case, filled)
    except MessageFaulty:
        return await _form(opened, case, filled, {"tekst": opened.t("case.no-text")}, 422)
    except (StepNeedsReason, AttemptFaulty):
        return await _form(opened, case, filled, {"aarsag": opened.t("case.no-reason")}, 422)
    except (StepNotAllowed, PreconditionFailed, OtherSent):
        return await _form(opened, await _case(opened), filled, {}, 409)


async def _case(opened: Opened) -> CaseFile:
    """The case of the address, of the patient of the address."""
    case = await read_case(opened.context, opened.path("task"))
    if case.patient != opened.path("id"):
        raise access.Forbidden("the case is of somebody else")
    return case


async def _taken(opened: Opened, case: CaseFile, filled: Filled) -> Response:
    context, task, patient = opened.context, opened.path("task"), opened.path("id")
    if filled.step == ASK:
        await ask(context, task, filled.text, opened.form.text("mark"))
        return go(f"/borger/{patient}", besked="sag-spurgt")
    expects, on = opened.form.whole("version"), find_day(filled.day)
    if filled.step == TRY:
        await note_attempt(context, task, expects, Attempt(on or context.on, filled.reason, context.caller.name))
        return go(f"/borger/{patient}", besked="sag-gemt")
    version = await move(context, task, filled.step, expects, reason=filled.reason, text=filled.text, on=on)
    if parse(version.body or b"").get("status") in OPEN:
        return go(f"/borger/{patient}", besked="sag-gemt")
    return go("/henvisninger", besked="sag-slut")


def _errors(opened: Opened, filled: Filled) -> dict[str, str]:
    t, on, row, errors = opened.t, opened.context.on, STEPS.get(filled.step), dict[str, str]()
    if row is not None and row.reasons and filled.reason not in row.reasons:
        errors["aarsag"] = t("case.no-reason")
    if len(filled.text) > LENGTH:
        errors["tekst"] = t("case.long-text", most=LENGTH)
    elif not filled.text and (filled.step == ASK or filled.reason == "other" or (row is not None and row.worded)):
        errors["tekst"] = t("case.no-text")
    day = find_day(filled.day)
    last = add_months(on, LONGEST)
    if row is not None and row.dated and (day is None or day < on):
        errors["dag"] = t("case.no-day")
    elif row is not None and row.dated and day is not None and day > last:
        errors["dag"] = t("coursework.far-day", last=wording.danish_date(last))
    return errors


def _words_of(step: str) -> str:
    """The text that asks for the words of a step; empty where there is nothing to write."""
    row = STEPS.get(step)
    if step == ASK:
        return "case.question"
    if row is None or not row.reasons:
        return ""
    return "case.words-needed" if row.worded else "case.words" if "other" in row.reasons else "case.words-free"


def _tried_errors(opened: Opened, case: CaseFile, filled: Filled) -> dict[str, str]:
    """What is wrong with an attempt to reach the person, as it is written down."""
    t = opened.t
    wrong = {
        "aarsag": "" if filled.reason in (*CHANNELS, REACHED) else t("case.no-channel"),
        "dag": past_fault(filled.day, case, opened.context.on, t),
    }
    return {name: says for name, says in wrong.items() if says}


async def _form(
    opened: Opened, case: CaseFile, filled: Filled, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    """The form of a step; after a conflict what stands now beside what was sent."""
    t, context, row = opened.t, opened.context, STEPS.get(filled.step)
    directory = await directory_of(context, references_in([case]))
    panel = panel_of(case, directory, context.on, t, RECEIVER, context.caller.reference)
    return opened.page(
        "case_step.html",
        t(f"case.step.{filled.step}") if t.has(f"case.step.{filled.step}") else t("case.title"),
        status,
        panel=panel,
        patient=opened.path("id"),
        filled=filled,
        reasons=reasons_of(filled.step, t),
        trying=filled.step == TRY,
        dated=filled.step == TRY or (row is not None and row.dated),
        worded=_words_of(filled.step),
        overtaken=status == 409,
        mark=(opened.form.text("mark") if status != 409 else "") or opened.view.new_id(),
        errors=errors or {},
        length=LENGTH,
    )
