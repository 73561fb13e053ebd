"""C2, the årskontrol on one page: who the patient is, every value with its targets, the tjekliste, the agreements.

One form holds the whole page, so that values, the tjekliste and the approval are sent together and nothing typed is
lost. What the årskontrol changes is `interactions.review`; what a value becomes is `measured`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from starlette.responses import Response

from careplan.domain.account import Account
from careplan.domain.errors import CareplanError
from careplan.domain.evaluation import Answer
from careplan.domain.guideline import Knowledge
from careplan.domain.measure import is_old
from careplan.domain.schedule import REVIEW, review_months
from careplan.fhir.instant import find_date
from careplan.fhir.mapping import last_reviewed
from careplan.fhir.text import Json
from careplan.interactions.delivery import find_delivery
from careplan.interactions.emergency import find_end
from careplan.interactions.operations.individual_target import follow
from careplan.interactions.overview import Line, Overview, read_overview
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.review import RESULTS, approve_review, reviewed_from
from careplan.views import chart, wording
from careplan.views.agreement import agreements
from careplan.views.answers import summary_of
from careplan.views.banner import banner_of
from careplan.views.catalogue import Catalogue
from careplan.views.checklist import CHECKED, DONE, checks_of, lacking_in, review_from_form, with_rest
from careplan.views.conflict import Choice, choice_of
from careplan.views.contact import contact_of, coordinator
from careplan.views.form import Form
from careplan.views.goalrow import differs
from careplan.views.happened import happened
from careplan.views.measured import MARK, Typed, is_typed, read_values, save_values
from careplan.views.origin import origin_of_newest
from careplan.views.page import Opened, go, status_of
from careplan.views.plan import wishes
from careplan.views.status import status_of_line
from careplan.views.why import undecided_plans, why_measure, why_of

SEEN = "set"
FOLLOW, VERSION = "foelg:", "version-"
REST = "resten"


@dataclass(frozen=True, slots=True)
class Cell:
    """One measure of the grid.

    recommended  words with unit; empty where the rules say nothing; `undecided` says what they lack then
    individual   the agreed target where it differs from the recommended one, `expired` when its day has passed
    choice       the two targets where they do not fit together
    """

    id: str
    name: str
    plans: tuple[str, ...]
    value: str
    day: str
    source: str
    old: bool
    sparkline: str
    recommended: str
    provisional: bool
    undecided: str
    individual: str
    reason: str
    until: date | None
    expired: bool
    icon: str
    word: str
    standing: str
    goal: str
    why: Account | None
    choice: Choice | None
    field: Typed | None
    unit: str


async def show(opened: Opened) -> Response:
    """The page as the record is now."""
    overview = await read_overview(opened.context, opened.path("id"), "clinic")
    if not overview.plans:
        return await _without_plan(opened, overview)
    return await _page(opened, overview, {}, opened.view.new_id())


async def save(opened: Opened) -> Response:
    """Keep what was typed; with «Godkend» also save the årskontrol as held, with «Følg» end one individual target.

    «Sæt resten» keeps nothing: it fills in the lines of the tjekliste that are open, to be looked at.
    """
    context, t, form = opened.context, opened.t, opened.form
    patient = opened.path("id")
    overview = await read_overview(context, patient, "clinic")
    if not overview.plans:
        return await _without_plan(opened, overview)
    typed = read_values(form, (line.measure for line in overview.lines), t)
    step, open_checks = form.text("handling"), lacking_in(checks_of(context.knowledge, overview), form)
    wrong = any(one.error for one in typed.values())
    if step == REST:
        return await _page(
            replace(opened, form=with_rest(form, open_checks)), overview, typed, form.text(MARK), rest=open_checks
        )
    lacking = open_checks if step == "godkend" else ()
    if lacking or wrong:
        return await _page(opened, overview, typed, form.text(MARK), 422, lacking)
    if _follows(form):
        return await _followed(opened, overview, typed, step.removeprefix(FOLLOW))
    made = await save_values(context, patient, form.text(MARK), typed)
    if step != "godkend":
        return await _kept(opened, "vaerdier" if made else "intet")
    try:
        await approve_review(context, patient, review_from_form(form), frozenset(form.all(SEEN)))
    except CareplanError as error:
        return await _not_approved(opened, error, kept=any(one.text for one in typed.values()))
    return go(f"/patient/{patient}/aarskontrol", besked="godkendt")


async def _followed(opened: Opened, overview: Overview, typed: Mapping[str, Typed], goal: str) -> Response:
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
        return await _page(opened, now, typed, form.text(MARK), status, failed=opened.t("control.not-followed-says"))
    made = await save_values(context, patient, form.text(MARK), typed)
    return await _kept(opened, "anbefaling-vaerdier" if made else "anbefaling")


def _follows(form: Form) -> bool:
    """Whether «Følg anbefalingen» of a conflict was pressed."""
    return form.text("handling").startswith(FOLLOW)


async def _kept(opened: Opened, notice: str) -> Response:
    """The page as the record is now: on by a redirect, unless that would lose what is ticked."""
    patient, ticks = opened.path("id"), {DONE, SEEN}
    kept = {name: all for name, all in opened.form.values.items() if name in ticks or name.startswith(CHECKED)}
    if not kept.keys() - {SEEN}:
        return go(f"/patient/{patient}/aarskontrol", besked=notice)
    overview = await read_overview(opened.context, patient, "clinic")
    told = opened.t(f"notice.{notice}")
    return await _page(replace(opened, form=Form(kept)), overview, {}, opened.view.new_id(), told=told)


async def _not_approved(opened: Opened, error: CareplanError, *, kept: bool) -> Response:
    """The page as the record is now, with what was kept and what was not; nothing ticked goes on to another control.

    kept  whether values came with the form: they are written by then
    """
    overview = await read_overview(opened.context, opened.path("id"), "clinic")
    if not overview.plans:
        return await _without_plan(opened, overview)
    why = "overtaken" if isinstance(error, PreconditionFailed) else "refused"
    says = opened.t(f"control.{why}-{'kept' if kept else 'nothing'}")
    status = 409 if why == "overtaken" else status_of(error)
    return await _page(replace(opened, form=Form()), overview, {}, opened.view.new_id(), status, failed=says)


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
) -> Response:
    """failed: what was not done, and why; told: what was; rest: lines of the tjekliste that were just filled in."""
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
        failing=t("control.not-followed" if _follows(opened.form) else "control.not-approved"),
        cells=cells,
        errors=[(cell.id, cell.name, cell.field.error) for cell in cells if cell.field and cell.field.error],
        lacking=[one for one in checks if one.id in lacking],
        rest=[one for one in checks if one.id in rest],
        mandatory=[one for one in checks if one.mandatory],
        voluntary=[one for one in checks if not one.mandatory],
        results=RESULTS,
        checked=opened.form.starting(CHECKED),
        ticked=opened.form.all(DONE),
        agreements=[one for one in found if not one.done],
        due=next((one.due for one in found if not one.done and one.activity == "aarskontrol"), None),
        saved=_saved(overview),
        months=_months(overview.answer),
        interval=why_measure(REVIEW, overview, knowledge),
        mark=mark,
        computed=wording.time_text(opened.context.now, t),
        signed=opened.context.knowledge.signed,
        patient=overview.patient["id"],
    )


async def _without_plan(opened: Opened, overview: Overview) -> Response:
    banner = banner_of(overview, opened.context.knowledge)
    ends = await find_end(opened.context, overview.patient["id"])
    return opened.page(
        "control_empty.html",
        opened.t("control.title"),
        banner=banner,
        patient=overview.patient["id"],
        undecided=undecided_plans(overview, opened.context.knowledge),
        only_read=wording.time_text(ends, opened.t) if ends is not None else "",
    )


def cell_of(line: Line, overview: Overview, knowledge: Knowledge, typed: Typed | None, opened: Opened) -> Cell:
    """One row of the grid."""
    measure, newest, t = line.measure, line.newest, opened.t
    icon, word, status = status_of_line(line, overview.on, t)
    individual = line.deviation is not None or differs(line)
    until = line.deviation.valid_until if line.deviation else None
    drawn = [one for one in line.readings if measure.number(one.value) is not None]
    reason = f"reason.{line.deviation.reason}" if line.deviation else "control.earlier"
    why = why_of(line, knowledge, overview.on)
    return Cell(
        id=measure.id,
        name=measure.name,
        plans=tuple(knowledge.plans[kind].name for kind in line.plans),
        value=wording.value_with_unit(measure, newest, t) if newest else "",
        day=wording.danish_date(wording.day_of(newest)) if newest else "",
        source=origin_of_newest(line, t),
        old=newest is not None and is_old(wording.day_of(newest), overview.on),
        sparkline=chart.sparkline(measure, drawn, line.agreed, overview.on, name=f"udvikling-{measure.id}", t=t)
        if len(drawn) > 1 and measure.kind in ("quantity", "score")
        else "",
        recommended=wording.target_with_unit(measure, line.recommendation.target, t) if line.recommendation else "",
        provisional=line.recommendation is not None and line.recommendation.provisional,
        undecided=why.undecided if why else "",
        individual=wording.target_with_unit(line.measure, line.agreed, t) if individual else "",
        reason=t(reason) if reason and t.has(reason) else "",
        until=until,
        expired=until is not None and until < overview.on,
        icon=icon,
        word=word,
        standing=status,
        goal=line.goal["id"] if line.goal and measure.kind in ("quantity", "score", "choice") else "",
        why=why,
        choice=choice_of(line, overview, t),
        field=(typed or Typed(measure, "")) if is_typed(measure) else None,
        unit=wording.unit_text(measure, t),
    )


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
