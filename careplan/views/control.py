"""C2, the årskontrol on one page: who the patient is, every value with its targets, the tjekliste, the agreements.

One form holds the whole page, so that values, the tjekliste and the approval are sent together and nothing typed is
lost; what is not sent yet can be kept (`control_kept`). What the årskontrol changes is `interactions.review`; what a
value becomes is `measured`; its row is `grid`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from starlette.responses import Response

from careplan.domain.errors import CareplanError
from careplan.domain.evaluation import Answer
from careplan.domain.guideline import Knowledge
from careplan.domain.schedule import REVIEW, review_months
from careplan.fhir.check import RESULTS
from careplan.fhir.instant import find_date
from careplan.fhir.mapping import last_reviewed
from careplan.fhir.text import Json
from careplan.interactions.again import again
from careplan.interactions.delivery import find_delivery
from careplan.interactions.emergency import find_end
from careplan.interactions.kept_form import Filled, KeptByOthers, KeptForm, find_discarded, keep, restore, writes
from careplan.interactions.operations.individual_target import follow
from careplan.interactions.overview import Overview, read_overview
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.review import FORM, approve_review, reviewed_from
from careplan.interactions.shown import Newer, Overtaken, find_newer
from careplan.store.protocol import GuardFailed, VersionConflict
from careplan.views import wording
from careplan.views.agreement import agreements
from careplan.views.answers import summary_of
from careplan.views.banner import banner_of
from careplan.views.case import cases_of
from careplan.views.catalogue import Catalogue
from careplan.views.checklist import (
    ANSWERS,
    CHECKED,
    DONE,
    LONGEST,
    checks_of,
    faults_of,
    lacking_in,
    last_answers,
    review_from_form,
    with_rest,
)
from careplan.views.closed import closed_on
from careplan.views.contact import contact_of, coordinator
from careplan.views.control_kept import (
    fetched,
    filled,
    find_kept_control,
    left_of,
    opened_with,
    sent_with,
    told_of_newer,
    typed_of,
)
from careplan.views.control_stale import (
    SEEN,
    carried,
    differences,
    shown_by,
    unsaved,
    without_goal,
    without_shown,
)
from careplan.views.form import Form
from careplan.views.grid import cell_of
from careplan.views.happened import happened
from careplan.views.kept_form import (
    DISCARD,
    DISCARDED,
    FETCH,
    KEEP,
    NUMBER,
    OFFERED,
    QUIET,
    UNDO,
    Difference,
    Draft,
    answer,
    going_on,
    offered,
    seen_by,
)
from careplan.views.measured import MARK, Typed, read_values, save_values
from careplan.views.page import Opened, go, status_of
from careplan.views.plan import is_being_made, wishes
from careplan.views.why import undecided_plans, why_measure

FOLLOW, VERSION = "foelg:", "version-"
REST = "resten"
NO_DRAFT = Draft()


async def show(opened: Opened) -> Response:
    """The page as the record is now, filled in with what was kept of it."""
    context, patient = opened.context, opened.path("id")
    overview = await read_overview(context, patient, "clinic")
    if not overview.plans:
        return await _without_plan(opened, overview)
    kept = await find_kept_control(context, patient) if await find_end(context, patient) is None else None
    filled_in, draft = opened_with(opened, overview, kept)
    if kept is None and opened.asked.text("besked") == DISCARDED and await find_end(context, patient) is None:
        discarded = await find_discarded(context, FORM, patient)
        draft = Draft(number=str(discarded), undo=True) if discarded else draft
    typed = typed_of(filled_in.form, overview)
    return await _page(filled_in, overview, typed, opened.view.new_id(), draft=draft)


async def save(opened: Opened) -> Response:
    """Keep what was typed; with «Godkend» also save the årskontrol as held, with «Følg» end one individual target.

    «Gem kladde» keeps the form as it is and writes nothing in the record. «Sæt resten» keeps nothing: it fills in the
    lines of the tjekliste that are open, to be looked at.
    """
    context, t, form = opened.context, opened.t, opened.form
    patient, step = opened.path("id"), form.text("handling")
    if step == KEEP and form.has(QUIET):
        return await answer(opened, FORM, patient, filled(form))
    overview = await read_overview(context, patient, "clinic")
    if not overview.plans:
        return await _without_plan(opened, overview)
    kept = await find_kept_control(context, patient)
    if step in (KEEP, DISCARD, FETCH, UNDO):
        return await _drafted(opened, overview, kept, step)
    typed = read_values(form, (line.measure for line in overview.lines), t)
    checks = checks_of(context.knowledge, overview)
    draft, open_checks = sent_with(opened, overview, kept), lacking_in(checks, form)
    wrong = any(one.error for one in typed.values())
    if step == REST:
        ticked = replace(opened, form=with_rest(form, open_checks))
        return await _page(ticked, overview, typed, form.text(MARK), rest=open_checks, draft=draft)
    lacking = open_checks if _approves(form) else ()
    if lacking or wrong or (_approves(form) and faults_of(checks, form, overview.on, t)):
        return await _page(opened, overview, typed, form.text(MARK), 422, lacking, draft=draft)
    if kept is not None and kept.overtakes(seen_by(form, NUMBER, OFFERED), form.text(MARK)):
        return await _newer(opened, overview, kept)
    newer = await _newer_than_shown(opened, overview, typed)
    if newer:
        return await _stale(opened, overview, typed, newer)
    try:
        return await _saved_with(opened, overview, typed, step, left=left_of(kept, form))
    except KeptByOthers:
        return await _overtaken(opened, overview)
    except Overtaken:
        return await _stale_now(opened, typed)


async def _saved_with(
    opened: Opened, overview: Overview, typed: Mapping[str, Typed], step: str, *, left: Filled | None
) -> Response:
    """What the button says, once nothing is in its way. Raises KeptByOthers, Overtaken.

    left  what stands kept of the form then; None where a draft stands that it does not go on from
    """
    context, patient, form = opened.context, opened.path("id"), opened.form
    if _follows(form):
        return await _followed(opened, overview, typed, step.removeprefix(FOLLOW), left=left)
    made = await _save_values(opened, typed, left)
    if step != "godkend":
        return await _kept(opened, "vaerdier" if made else "intet")
    seen = seen_by(form, NUMBER, OFFERED)
    try:
        review, shown = review_from_form(form), shown_by(form, typed, approves=True)
        await approve_review(context, patient, review, frozenset(form.all(SEEN)), seen, form.text(MARK), shown)
    except (KeptByOthers, Overtaken):
        raise
    except PreconditionFailed:
        return await _stale_now(opened, typed)
    except CareplanError as error:
        return await _not_approved(opened, error, kept=any(one.text for one in typed.values()))
    return go(f"/patient/{patient}/aarskontrol", besked="godkendt")


async def _save_values(opened: Opened, typed: Mapping[str, Typed], left: Filled | None, followed: str = "") -> int:
    """The values as Observations, and in the same commit the draft without them. Raises KeptByOthers, Overtaken.

    followed  the Goal that this form has just changed: it does not overtake itself
    """
    context, patient, form = opened.context, opened.path("id"), opened.form
    shown = without_goal(shown_by(form, typed, approves=_approves(form)), followed)
    sent = not _approves(form) or any(one.text for one in typed.values())  # else the approval itself is what sends it

    async def work() -> int:
        seen = seen_by(form, NUMBER)
        beside = await writes(context, FORM, patient, left, seen, sent=sent) if left is not None else ()
        return await save_values(context, patient, form.text(MARK), typed, shown, beside)

    return await again(work, VersionConflict, GuardFailed)


# ── the draft ────────────────────────────────────────────────────────────────────────────────────


async def _drafted(opened: Opened, overview: Overview, kept: KeptForm | None, step: str) -> Response:
    """«Gem kladde», «Kassér kladden», «Fortryd» of that, or «Hent kladden»."""
    form, patient = opened.form, opened.path("id")
    if step == UNDO:
        await restore(opened.context, FORM, patient, form.whole(NUMBER) or 0)
        return go(f"/patient/{patient}/aarskontrol")
    if step == FETCH and kept is not None:
        with_it = replace(opened, form=fetched(form, kept))
        draft = going_on(kept, opened.t)
        return await _page(with_it, overview, typed_of(with_it.form, overview), form.text(MARK), draft=draft)
    now, seen = (filled(form), (NUMBER,)) if step == KEEP else (Filled(form.text(MARK)), (NUMBER, OFFERED))
    try:
        stands = await keep(opened.context, FORM, patient, now, seen_by(form, *seen))
    except KeptByOthers:
        return await _overtaken(opened, overview)
    if now.fields and stands is None:
        typed, failed = typed_of(form, overview), opened.t("kept.refused-says")
        return await _page(opened, overview, typed, form.text(MARK), 403, failed=failed)
    done = "kladde" if stands else "kladde-tom" if step == KEEP else DISCARDED
    return go(f"/patient/{patient}/aarskontrol", besked=done)


async def _overtaken(opened: Opened, overview: Overview) -> Response:
    """As `_newer`, with what stands by now."""
    kept = await find_kept_control(opened.context, opened.path("id"))
    if kept is None:
        return go(f"/patient/{opened.path('id')}/aarskontrol")
    return await _newer(opened, overview, kept)


async def _newer(opened: Opened, overview: Overview, kept: KeptForm) -> Response:
    """Somebody else kept another draft meanwhile: nothing is done, and both are shown."""
    draft = told_of_newer(opened, overview, kept)
    return await _page(opened, overview, typed_of(opened.form, overview), opened.form.text(MARK), 409, draft=draft)


# ── conflicts of the record ──────────────────────────────────────────────────────────────────────


async def _newer_than_shown(opened: Opened, overview: Overview, typed: Mapping[str, Typed]) -> Newer:
    context, shown = opened.context, shown_by(opened.form, typed, approves=_approves(opened.form))
    rests = reviewed_from(context.knowledge, overview.plans, overview.tasks)
    return await find_newer(context, overview.lines, rests, overview.observations, shown)


async def _stale_now(opened: Opened, typed: Mapping[str, Typed]) -> Response:
    """As `_stale`, with what stands by now."""
    overview = await read_overview(opened.context, opened.path("id"), "clinic")
    if not overview.plans:
        return await _without_plan(opened, overview)
    return await _stale(opened, overview, typed, await _newer_than_shown(opened, overview, typed))


async def _stale(opened: Opened, overview: Overview, typed: Mapping[str, Typed], newer: Newer) -> Response:
    """Somebody else stored something meanwhile: nothing more is done, both are shown, and the form has now seen it."""
    form, t = opened.form, opened.t
    left = unsaved(typed, overview, form.text(MARK))
    some_saved = len(left) < len(typed)
    rows = differences(opened, overview, typed, newer, frozenset(form.all(SEEN)))
    draft = sent_with(opened, overview, await find_kept_control(opened.context, opened.path("id")))
    mark = opened.view.new_id() if some_saved else form.text(MARK)
    failed = t("control.stale-kept" if some_saved else "control.stale")
    blank = replace(opened, form=without_shown(form))
    return await _page(blank, overview, left, mark, 409, failed=failed, both=rows, draft=draft)


async def _followed(
    opened: Opened, overview: Overview, typed: Mapping[str, Typed], goal: str, *, left: Filled | None
) -> Response:
    """The conflict settled as the page showed it, then the values kept; where it is refused, all that was typed stays.

    The values come second: they move the Goal's version, and may move what is recommended, which nobody has seen yet.
    """
    context, patient, form = opened.context, opened.path("id"), opened.form
    seen, stands = form.whole(VERSION + goal), {line.goal["id"] for line in overview.lines if line.goal is not None}
    try:
        if not seen or goal not in stands:
            raise PreconditionFailed(f"Goal/{goal} is not as it was seen")
        await follow(context, goal, expects=seen)
    except CareplanError as error:
        status = 409 if isinstance(error, PreconditionFailed) else status_of(error)
        now = await read_overview(context, patient, "clinic")
        draft = sent_with(opened, now, await find_kept_control(context, patient))
        failed = opened.t("control.not-followed-says")
        return await _page(opened, now, typed, form.text(MARK), status, failed=failed, draft=draft)
    made = await _save_values(opened, typed, left, followed=goal)
    return await _kept(opened, "anbefaling-vaerdier" if made else "anbefaling")


def _failing(form: Form) -> str:
    if _follows(form):
        return "control.not-followed"
    if form.text("handling") == KEEP:
        return "kept.refused"
    return "control.not-approved" if _approves(form) else "control.not-saved"


def _approves(form: Form) -> bool:
    return form.text("handling") == "godkend"


def _follows(form: Form) -> bool:
    """Whether «Følg anbefalingen» of a conflict was pressed."""
    return form.text("handling").startswith(FOLLOW)


async def _kept(opened: Opened, notice: str) -> Response:
    """The page as the record is now: on by a redirect, unless that would lose what is ticked."""
    patient, ticks = opened.path("id"), {DONE, SEEN}
    answered = {name: all for name, all in opened.form.values.items() if any(one.strip() for one in all)}
    kept = {name: all for name, all in answered.items() if name in ticks or name.startswith(ANSWERS)}
    if not kept.keys() - {SEEN}:
        return go(f"/patient/{patient}/aarskontrol", besked=notice)
    overview = await read_overview(opened.context, patient, "clinic")
    told, draft = (
        opened.t(f"notice.{notice}"),
        sent_with(opened, overview, await find_kept_control(opened.context, patient)),
    )
    ticked = replace(opened, form=Form(kept))
    return await _page(ticked, overview, {}, opened.view.new_id(), told=told, draft=draft)


async def _not_approved(opened: Opened, error: CareplanError, *, kept: bool) -> Response:
    """The page as the record is now, with what was kept and what was not; nothing ticked goes on to another control.

    kept  whether values came with the form: they are written by then
    """
    overview = await read_overview(opened.context, opened.path("id"), "clinic")
    if not overview.plans:
        return await _without_plan(opened, overview)
    says, status = opened.t(f"control.refused-{'kept' if kept else 'nothing'}"), status_of(error)
    blank = replace(opened, form=Form())
    stands = await find_kept_control(opened.context, opened.path("id"))
    draft = Draft() if stands is None else offered(stands, opened.t("kept.there"), opened.t)
    return await _page(blank, overview, {}, opened.view.new_id(), status, failed=says, draft=draft)


async def _page(
    opened: Opened,
    overview: Overview,
    typed: Mapping[str, Typed],
    mark: str,
    status: int = 200,
    lacking: tuple[str, ...] = (),
    failed: str = "",
    rest: tuple[str, ...] = (),
    told: str = "",
    both: tuple[Difference, ...] = (),
    draft: Draft = NO_DRAFT,
) -> Response:
    """failed: what was not done, and why; both: what stands, and what was written; told: what was done.

    rest: lines of the tjekliste that were just filled in; draft: what is said of what was kept of the form.
    """
    t, knowledge = opened.t, opened.context.knowledge
    cells = [cell_of(line, overview, knowledge, typed.get(line.measure.id), opened) for line in overview.lines]
    found = agreements(overview.tasks, overview.directory, overview.on)
    checks = checks_of(knowledge, overview)
    ends = await find_end(opened.context, overview.patient["id"])
    return opened.page(
        "control.html",
        t("control.title"),
        status,
        banner=banner_of(overview, knowledge),
        overview=overview,
        only_read=wording.time_text(ends, t) if ends is not None else "",
        wishes=wishes(overview),
        printed=await find_delivery(opened.context, overview.patient["id"]),
        preparation=await summary_of(opened.context, overview, t),
        conditions=_conditions(overview),
        coordinator=contact_of(overview.directory, coordinator(overview.care_teams, overview.patient)),
        happened=happened(overview, t, "staff"),
        merged=_merged(overview, knowledge, t),
        seen=opened.form.all(SEEN) or sorted(reviewed_from(knowledge, overview.plans, overview.tasks)),
        notice=told or opened.notice(),
        failed=failed,
        failing=t(_failing(opened.form)),
        both=both,
        shown=carried(opened.form, overview),
        cells=cells,
        errors=[(cell.id, cell.name, cell.field.error) for cell in cells if cell.field and cell.field.error],
        lacking=[one for one in checks if one.id in lacking],
        rest=[one for one in checks if one.id in rest],
        mandatory=[one for one in checks if one.mandatory],
        voluntary=[one for one in checks if not one.mandatory],
        unfolded=any(opened.form.text(CHECKED + one.id) for one in checks if not one.mandatory),
        results=RESULTS,
        form=opened.form,
        faults=faults_of(checks, opened.form, overview.on, t) if status == 422 and _approves(opened.form) else {},
        says={one.id: one.says for one in checks},
        last=last_answers(checks, overview, knowledge, t),
        most=LONGEST,
        ticked=opened.form.all(DONE),
        agreements=[one for one in found if not one.done],
        cases=cases_of(overview, t),
        due=next((one.due for one in found if not one.done and one.activity == "aarskontrol"), None),
        saved=_saved(overview),
        months=_months(overview.answer),
        interval=why_measure(REVIEW, overview, knowledge),
        mark=mark,
        computed=wording.time_text(opened.context.now, t),
        signed=opened.context.knowledge.signed,
        draft=draft,
        patient=overview.patient["id"],
    )


async def _without_plan(opened: Opened, overview: Overview) -> Response:
    banner = banner_of(overview, opened.context.knowledge)
    ends = await find_end(opened.context, overview.patient["id"])
    return opened.page(
        "control_empty.html",
        opened.t("control.title"),
        banner=banner,
        says=await _why_none(opened, overview),
        closed=bool(overview.closed),
        patient=overview.patient["id"],
        undecided=undecided_plans(overview, opened.context.knowledge),
        only_read=wording.time_text(ends, opened.t) if ends is not None else "",
        cases=cases_of(overview, opened.t),
    )


async def _why_none(opened: Opened, overview: Overview) -> str:
    """«Planen er afsluttet 07.03.2026.», that one is being made, or that there is none."""
    t = opened.t
    if await is_being_made(opened.context, overview.patient["id"]):
        return t("control.making")
    days = [day for plan in overview.closed if (day := closed_on(plan)) is not None]
    return t("control.closed", day=wording.danish_date(max(days))) if days else t("control.no-plan")


def _merged(overview: Overview, knowledge: Knowledge, t: Catalogue) -> str:
    """«3 planer: Type 2-diabetes, Hjertesygdom og KOL · Én blodprøve dækker 2 af værdierne: HbA1c og eGFR»."""
    plans = [plan.name for kind, plan in knowledge.plans.items() if kind in overview.plan_types]
    blood = [line.measure.name for line in overview.lines if line.measure.sample == "blood" and line.plans]
    key = "control.merged-one" if len(plans) == 1 else "control.merged"
    parts = [t(key, count=len(plans), names=wording.list_text(plans, t))]
    if len(blood) > 1:
        parts.append(t("control.one-test", count=len(blood), names=wording.list_text(blood, t)))
    return " · ".join(parts)


def _conditions(overview: Overview) -> tuple[tuple[str, date | None], ...]:
    """(diagnosis, since) of the problem list."""
    shown = [one for one in overview.conditions if not _ended(one)]
    return tuple(
        (one.get("code", {}).get("text") or _first_code(one), find_date(one.get("onsetDateTime"))) for one in shown
    )


def _ended(condition: Json) -> bool:
    codes = {code.get("code") for code in condition.get("clinicalStatus", {}).get("coding", ())}
    return bool(codes & {"inactive", "remission", "resolved"})


def _first_code(condition: Json) -> str:
    return next((str(one.get("code", "")) for one in condition.get("code", {}).get("coding", ())), "")


def _saved(overview: Overview) -> date | None:
    days = [day for plan in overview.plans if (day := find_date(last_reviewed(plan))) is not None]
    return max(days, default=None)


def _months(answer: Answer) -> int:
    return review_months(answer) or 12
