"""B2, the patient's own plan: what is next, what changed, what matters, the goals, what is agreed, the year, who helps.

The order and the words are the brief's. Everything works without a script; nothing is red.
"""

from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from careplan.fhir.mapping import plan_type_of
from careplan.fhir.text import Json, dump, parse, read_text
from careplan.interactions.access import may_add, own_patients
from careplan.interactions.context import Context
from careplan.interactions.delivery import find_delivery
from careplan.interactions.overview import Line, Overview, read_overview
from careplan.interactions.person import read_person
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.preparation import Round, control_due, is_time, round_of
from careplan.interactions.read import read
from careplan.interactions.write import create, update
from careplan.store.protocol import NotFound
from careplan.views import wording
from careplan.views.agreement import agreements, next_step, year_ahead
from careplan.views.catalogue import Catalogue
from careplan.views.closed import closed_on, with_closed_plans
from careplan.views.contact import clinic_of, contact_of, coordinator
from careplan.views.goalrow import goal_rows, is_goal, value_table
from careplan.views.happened import happened
from careplan.views.page import Opened, go

WISH_LENGTH = 600


@dataclass(frozen=True, slots=True)
class Wish:
    """«Det vigtigste for mig»: the Goal behind it and its words."""

    id: str
    text: str


async def show(opened: Opened) -> Response:
    """The page in the state the record is in."""
    context, t = opened.context, opened.t
    patient = await own_patient(context)
    overview = await read_overview(context, patient, "patient")
    if not overview.plans and not overview.closed:
        making = await is_being_made(context, patient)
        return opened.page("plan_empty.html", t("plan.title"), says=t("plan.making" if making else "plan.empty"))
    overview = await with_closed_plans(context, overview)
    may = await may_add(context, patient)
    prepare, printed = await _to_prepare(context, overview) if may else None, await find_delivery(context, patient)
    return _page(opened, overview, may=may, prepare=prepare, printed=printed)


async def _to_prepare(context: Context, overview: Overview) -> Round | None:
    """The questions before an årskontrol that is near, until they are sent (B5)."""
    if not is_time(control_due(overview.plans, overview.tasks), context.on):
        return None
    asked = await round_of(context, overview.patient["id"], overview.plans, overview.tasks)
    return None if asked is None or asked.sent else asked


def _page(opened: Opened, overview: Overview, *, may: bool, prepare: Round | None, printed: date | None) -> Response:
    t = opened.t
    names = {kind: wording.plan_name(kind, plan.name, t) for kind, plan in opened.context.knowledge.plans.items()}
    chosen = opened.asked.text("sygdom")
    chips = tuple((kind, names.get(kind, kind)) for kind in overview.plan_types)
    chosen = chosen if chosen in dict(chips) else ""
    lines = [line for line in overview.lines if not chosen or chosen in line.plans]
    found = agreements(overview.tasks, overview.directory, overview.on)
    ahead = next_step(found) if overview.plans else None
    contact = contact_of(overview.directory, coordinator(overview.care_teams, overview.patient))
    closed = "" if overview.plans else _closed_text(overview, t)
    return opened.page(
        "plan.html",
        t("plan.title"),
        overview=overview,
        closed=closed,
        next=ahead,
        prepare=prepare,
        overdue=ahead is not None and ahead.late and not ahead.habit,
        contact=contact,
        clinic=clinic_of(overview.directory, overview.patient),
        happened=happened(overview, t),
        wishes=wishes(overview),
        chips=chips if len(chips) > 1 else (),
        chosen=chosen,
        goals=goal_rows(overview, lines, t),
        others=other_values(lines, t),
        own=[one for one in found if one.own],
        theirs=[one for one in found if not one.own],
        referrals=_referrals(overview) if overview.plans else (),
        year=year_ahead(found, overview.on, t),
        updated=wording.time_text(opened.context.now, t),
        signed=opened.context.knowledge.signed,
        patient=overview.patient["id"],
        printed=printed,
        may=may,
        at_home=bool(overview.plans) and any(line.measure.home for line in overview.lines),
    )


async def own_patient(context: Context) -> str:
    """The patient who is signed in, or for whom somebody signed in acts. Raises NotFound."""
    found = sorted(await own_patients(context))
    if not found:
        raise NotFound("no patient is signed in")
    return found[0]


async def is_being_made(context: Context, patient: str) -> bool:
    person = await read_person(context, patient, ("CarePlan",))
    return any(plan.get("status") == "draft" and plan_type_of(plan) for plan in person.resources["CarePlan"])


def _closed_text(overview: Overview, t: Catalogue) -> str:
    days = [day for plan in overview.closed if (day := closed_on(plan)) is not None]
    return t("plan.closed", day=wording.danish_date(max(days))) if days else t("plan.closed-undated")


def _referrals(overview: Overview) -> tuple[tuple[str, str], ...]:
    """(what, to whom) of each open referral."""
    return tuple(
        (
            request.get("code", {}).get("text", ""),
            contact_of(overview.directory, next((p.get("reference") for p in request.get("performer", ())), None)).name,
        )
        for request in overview.referrals
        if request.get("status") == "active"
    )


def wishes(overview: Overview) -> tuple[Wish, ...]:
    """What matters to the person, in their own words."""
    return tuple(Wish(goal["id"], goal.get("description", {}).get("text", "")) for goal in overview.personal)


def other_values(lines: list[Line], t: Catalogue) -> tuple[tuple[str, str, str, str, str], ...]:
    """Measure, name, value, day and source of what is followed without an agreed target."""
    measured = [line for line in lines if not is_goal(line) and line.readings]
    rows = [(line.measure, value_table(line, t, 1)[0]) for line in measured]
    return tuple((one.id, wording.measure_name(one, t), value, day, source) for one, (day, value, source) in rows)


# ── det vigtigste for mig ────────────────────────────────────────────────────────────────────────


async def wish_form(opened: Opened) -> Response:
    """The words as they are, to be changed; a GET shows them, a POST keeps them."""
    context = opened.context
    patient, id = await own_patient(context), opened.asked.text("id") or opened.form.text("id")
    kept = await _wish(context, id) if id else None
    version, text = (kept[0], kept[1]) if kept else (0, "")
    if not opened.posted:
        return _wish_page(opened, id, version, text)
    typed = opened.form.text("ord")
    if not typed or len(typed) > WISH_LENGTH:
        return _wish_page(opened, id, opened.form.whole("version") or version, typed, 422, error=True)
    try:
        await _keep_wish(context, patient, id, typed, opened.form.whole("version") or None)
    except PreconditionFailed:
        return _wish_page(opened, id, version, typed, 409, theirs=text)
    return go("/plan", besked="gemt")


async def _wish(context: Context, id: str) -> tuple[int, str]:
    version = await read(context, "Goal", id)
    goal = parse(version.body or b"")
    if goal.get("target"):
        raise NotFound(f"Goal/{id} is not a personal goal")
    return version.number, goal.get("description", {}).get("text", "")


def _wish_page(
    opened: Opened, id: str, version: int, text: str, status: int = 200, *, error: bool = False, theirs: str = ""
) -> Response:
    values = {"id": id, "version": version, "text": text, "error": error, "theirs": theirs, "length": WISH_LENGTH}
    return opened.page("wish.html", opened.t("wish.title"), status, **values)


async def _keep_wish(context: Context, patient: str, id: str, text: str, expects: int | None) -> None:
    if not id:
        await create(context, "Goal", read_text(dump(_new_wish(context, patient, text))))
        return
    goal: Json = parse((await read(context, "Goal", id)).body or b"")
    changed = {**goal, "description": {"text": text}, "expressedBy": {"reference": f"Patient/{patient}"}}
    await update(context, "Goal", id, read_text(dump(changed)), expects=expects)


def _new_wish(context: Context, patient: str, text: str) -> Json:
    own = {"reference": f"Patient/{patient}"}
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": text},
        "subject": own,
        "startDate": context.on.isoformat(),
        "expressedBy": own,
    }
