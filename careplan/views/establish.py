"""C3, «Opret plan»: choose templates, look at everything they would make, then make it. Nothing is kept before that.

What is made and shared is decided by `operations.establish`; the page shows its draft and sends back what to leave out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from careplan.domain.danish import day_text, fact_name, fact_text
from careplan.domain.evaluation import Eligibility
from careplan.domain.guideline import PlanType
from careplan.domain.words import is_blank
from careplan.fhir.agreed import due_of
from careplan.fhir.draft import Draft
from careplan.fhir.instant import find_date
from careplan.fhir.mapping import last_reviewed
from careplan.interactions.operations.establish import PlanEmpty, has_died, make_plans, offered, preview
from careplan.interactions.overview import Overview, read_overview
from careplan.interactions.person import PLAN_TYPES, Person, read_person
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.singular import PlanExists
from careplan.views import wording
from careplan.views.banner import banner_of
from careplan.views.catalogue import Catalogue
from careplan.views.merging import clashes, merged_lines
from careplan.views.page import Opened, go

PLAN, KEEP, SEEN = "plan", "med", "vist"


@dataclass(frozen=True, slots=True)
class Choice:
    """One template that can be chosen.

    facts   (what, value, day) that make the patient eligible
    since   when the active plan there is was saved last; None without one
    """

    id: str
    name: str
    title: str
    eligible: bool
    must: bool
    says: str
    facts: tuple[tuple[str, str, str], ...]
    missing: tuple[str, ...]
    active: bool
    since: date | None


@dataclass(frozen=True, slots=True)
class Item:
    """One goal or activity of the draft: what it is, for which plans, and whether it is there already."""

    id: str
    name: str
    says: str
    plans: tuple[str, ...]
    shared: bool
    due: date | None
    who: str
    provisional: bool


async def show(opened: Opened) -> Response:
    """The templates; the eligible ones are chosen already."""
    person, overview = await _read(opened)
    choices = _choices(opened, person)
    return _choose(opened, overview, choices, [one.id for one in choices if one.eligible and not one.active])


async def step(opened: Opened) -> Response:
    """From the choice to the draft, back again, or on to the plan."""
    person, overview = await _read(opened)
    form, t = opened.form, opened.t
    choices = _choices(opened, person)
    open_ = {one.id for one in choices if not one.active}
    chosen = [one.id for one in choices if one.id in form.all(PLAN) and one.id in open_]
    if form.text("trin") == "tilbage":
        return _choose(opened, overview, choices, chosen)
    errors = _errors(choices, chosen, form.text("begrundelse"), t)
    if errors:
        return _choose(opened, overview, choices, chosen, errors, 422)
    plans = [opened.context.knowledge.plans[name] for name in chosen]
    if form.text("trin") != "opret":
        return _draft(opened, person, overview, plans)
    return await _make(opened, person, overview, plans)


async def _make(opened: Opened, person: Person, overview: Overview, plans: Sequence[PlanType]) -> Response:
    form, t = opened.form, opened.t
    drafts, seen = preview(opened.context, person, plans), frozenset(form.all(SEEN))
    if offered(drafts) != seen:
        return _draft(opened, person, overview, plans, status=409)
    items = {item.id for item in (*_goals(drafts, t), *_activities(drafts))}
    exclude = frozenset(items - set(form.all(KEEP)))
    left_out = form.text("fravalg")
    if exclude and is_blank(left_out):
        return _draft(opened, person, overview, plans, {"fravalg": t("establish.no-exclude-reason")}, 422)
    reason = " · ".join(text for text in (form.text("begrundelse"), left_out) if text)
    try:
        await make_plans(opened.context, person.id, plans, exclude, reason, seen)
    except PlanEmpty:
        return _draft(opened, person, overview, plans, {"fravalg": t("establish.nothing-kept")}, 422)
    except PreconditionFailed:
        return _draft(opened, *await _read(opened), plans, status=409)
    except PlanExists:
        choices = _choices(opened, await read_person(opened.context, person.id, PLAN_TYPES))
        errors = {PLAN: t("establish.exists-now")}
        return _choose(opened, overview, choices, [plan.id for plan in plans], errors, 409)
    return go(f"/patient/{person.id}/aarskontrol", besked="plan")


async def _read(opened: Opened) -> tuple[Person, Overview]:
    id = opened.path("id")
    person = await read_person(opened.context, id, PLAN_TYPES)
    return person, await read_overview(opened.context, id, "clinic")


def _choices(opened: Opened, person: Person) -> list[Choice]:
    """Every template; none for the dead."""
    if has_died(person):
        return []
    found = [_choice(opened, person, plan) for plan in opened.context.knowledge.plans.values()]
    return sorted(found, key=lambda one: (one.active, not one.eligible))


def _choice(opened: Opened, person: Person, plan: PlanType) -> Choice:
    knowledge, t = opened.context.knowledge, opened.t
    eligibility: Eligibility = person.answer.plans[plan.id]
    active = person.active_plans.get(plan.id)
    return Choice(
        id=plan.id,
        name=plan.name,
        title=plan.title,
        eligible=eligibility.row is not None,
        must=eligibility.must_offer is True,
        says=eligibility.row.says if eligibility.row else t("establish.or").join(row.says for row in plan.eligible),
        facts=tuple(
            (
                fact_name(fact.name, knowledge),
                fact_text(fact, knowledge),
                day_text(fact),
            )
            for fact in eligibility.because
        ),
        missing=tuple(fact_name(name, knowledge) for name in eligibility.missing),
        active=active is not None,
        since=find_date(last_reviewed(active) or active.get("created")) if active is not None else None,
    )


def _errors(choices: Sequence[Choice], chosen: Sequence[str], reason: str, t: Catalogue) -> dict[str, str]:
    if not chosen:
        return {PLAN: t("establish.none-chosen")}
    outside = [one.name for one in choices if one.id in chosen and not one.eligible]
    return {"begrundelse": t("establish.no-reason", plans=", ".join(outside))} if outside and not reason else {}


def _choose(
    opened: Opened,
    overview: Overview,
    choices: Sequence[Choice],
    chosen: Sequence[str],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    return opened.page(
        "establish.html",
        opened.t("establish.title"),
        status,
        banner=banner_of(overview, opened.context.knowledge),
        patient=overview.patient["id"],
        choices=choices,
        chosen=chosen,
        errors=errors or {},
        reason=opened.form.text("begrundelse"),
    )


def _draft(
    opened: Opened,
    person: Person,
    overview: Overview,
    plans: Sequence[PlanType],
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    t = opened.t
    drafts = preview(opened.context, person, plans)
    goals, activities = _goals(drafts, t), _activities(drafts)
    kept = _kept(opened, {item.id for item in (*goals, *activities)})
    return opened.page(
        "establish_preview.html",
        t("establish.preview-title"),
        status,
        banner=banner_of(overview, opened.context.knowledge),
        patient=person.id,
        plans=[(plan.id, plan.title) for plan in plans],
        goals=goals,
        activities=activities,
        merged=merged_lines(drafts, person, opened.context.knowledge, t),
        clashes=clashes(drafts, overview, t),
        kept=kept,
        seen=sorted(offered(drafts)),
        changed=status == 409,
        errors=errors or {},
        reason=opened.form.text("begrundelse"),
        left_out=opened.form.text("fravalg"),
    )


def _kept(opened: Opened, items: Collection[str]) -> set[str]:
    """What is ticked: all of it at first; then what was, and what was not shown before."""
    if opened.form.text("trin") != "opret":
        return set(items)
    shown = {text.partition("/")[0] for text in opened.form.all(SEEN)}
    return {one for one in items if one in opened.form.all(KEEP) or one not in shown}


def _goals(drafts: Sequence[Draft], t: Catalogue) -> list[Item]:
    """One item a measure: the plans that share it stand together."""
    items: dict[str, Item] = {}
    for draft in drafts:
        for goal in draft.goals:
            known, target = items.get(goal.measure.id), goal.recommendation.target if goal.recommendation else None
            unit = wording.unit_text(goal.measure, t) if target is not None and target.is_number else ""
            said = wording.target_text(goal.measure, target, t)
            says = said if not unit or said.endswith(unit) else f"{said}{wording.THIN_SPACE}{unit}"
            items[goal.measure.id] = Item(
                id=goal.measure.id,
                name=goal.measure.name,
                says=says,
                plans=(*(known.plans if known else ()), draft.plan.name),
                shared=known.shared if known else goal.shared,
                due=None,
                who="",
                provisional=goal.recommendation is not None and goal.recommendation.provisional,
            )
    return list(items.values())


def _activities(drafts: Sequence[Draft]) -> list[Item]:
    items: dict[str, Item] = {}
    for draft in drafts:
        for task in draft.tasks:
            known = items.get(task.activity.id)
            items[task.activity.id] = Item(
                id=task.activity.id,
                name=task.activity.title,
                says=task.activity.says,
                plans=(*(known.plans if known else ()), draft.plan.name),
                shared=known.shared if known else task.shared,
                due=due_of(task.value),
                who=task.activity.who,
                provisional=False,
            )
    return list(items.values())
