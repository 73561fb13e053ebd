"""«Fravælg plan»: a patient says no, or a plan does not suit; with a reason, and if wanted the day to ask again.

Reached from the worklist, and taken back there. What is kept is `operations.exclude`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from careplan.domain.words import LENGTH, words_fault
from careplan.fhir.exclusion import REASONS
from careplan.interactions.exclusion import Declined, exclusions_of
from careplan.interactions.operations.exclude import take_back, turn_down
from careplan.interactions.overview import Overview, read_overview
from careplan.interactions.person import read_person
from careplan.interactions.singular import ExclusionExists, PlanExists
from careplan.store.protocol import NotFound
from careplan.views.banner import banner_of
from careplan.views.form import Form, find_day
from careplan.views.page import Opened, go


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is filled in."""

    plans: tuple[str, ...]
    reason: str = ""
    text: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A patient, and the plan types that can be turned down: (id, name)."""

    overview: Overview
    open: tuple[tuple[str, str], ...]


async def show(opened: Opened) -> Response:
    """The form; every plan that the patient is eligible for is chosen already."""
    case = await _case(opened)
    return _form(opened, case, Filled(tuple(id for id, _ in case.open)))


async def decline(opened: Opened) -> Response:
    """Keep it, and back to the list."""
    case, filled = await _case(opened), _filled(opened.form)
    until, errors = find_day(filled.until), _errors(opened, case, filled)
    if errors:
        return _form(opened, case, filled, errors, 422)
    declined = [Declined(plan, filled.reason, filled.text, until) for plan in filled.plans]
    try:
        await turn_down(opened.context, opened.path("id"), declined)
    except (ExclusionExists, PlanExists):
        return _form(opened, await _case(opened), filled, {"plan": opened.t("exclusion.changed")}, 409)
    return go("/arbejdsliste", fane="egnet", besked="fravalgt")


async def undo(opened: Opened) -> Response:
    """«Fortryd»: the plan may be offered again. Sent twice, the second finds it done."""
    try:
        await take_back(opened.context, opened.path("id"), opened.path("plan"))
    except NotFound:
        return go("/arbejdsliste", fane="fravalgt")
    return go("/arbejdsliste", fane="fravalgt", besked="fortrudt")


async def _case(opened: Opened) -> Case:
    id, knowledge = opened.path("id"), opened.context.knowledge
    person = await read_person(opened.context, id)
    found, _ = await exclusions_of(opened.context, id)
    declined = {one.exclusion.plan for one in found if one.exclusion.holds(opened.context.on)}
    possible = [name for name in person.answer.eligible if name not in person.active_plans and name not in declined]
    overview = await read_overview(opened.context, id, "clinic")
    return Case(overview, tuple((name, knowledge.plans[name].name) for name in possible))


def _filled(form: Form) -> Filled:
    return Filled(form.all("plan"), form.text("aarsag"), form.text("tekst"), form.text("igen"))


def _errors(opened: Opened, case: Case, filled: Filled) -> dict[str, str]:
    t, errors = opened.t, dict[str, str]()
    if not filled.plans or not set(filled.plans) <= {id for id, _ in case.open}:
        errors["plan"] = t("exclusion.no-plan")
    if filled.reason not in REASONS:
        errors["aarsag"] = t("exclusion.no-reason")
    if words_fault(filled.text, needed=filled.reason == "other"):
        errors["tekst"] = t("exclusion.no-text")
    if len(filled.text) > LENGTH:
        errors["tekst"] = t("exclusion.long-text", most=LENGTH)
    if filled.until and not _is_coming(find_day(filled.until), opened.context.on):
        errors["igen"] = t("exclusion.no-day")
    return errors


def _is_coming(day: date | None, on: date) -> bool:
    return day is not None and day > on


def _form(
    opened: Opened, case: Case, filled: Filled, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    reasons: Sequence[tuple[str, str]] = [(code, opened.t(f"exclusion.reason.{code}")) for code in REASONS]
    return opened.page(
        "exclusion.html",
        opened.t("exclusion.title"),
        status,
        banner=banner_of(case.overview, opened.context.knowledge),
        patient=opened.path("id"),
        plans=case.open,
        reasons=reasons,
        filled=filled,
        errors=errors or {},
        length=LENGTH,
    )
