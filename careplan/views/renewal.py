"""C7, «Forskelle i skabeloner»: plans that the rules of today would recommend otherwise, change by change.

Looked at, chosen, confirmed: nothing agreed changes before the clinic says so, for one patient or for many together.
What may be accepted is decided by `interactions.acceptance`; here it is shown, and what could not be done is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from careplan.domain.chart import Fact
from careplan.domain.danish import day_text, fact_name, fact_text
from careplan.domain.errors import CareplanError
from careplan.domain.source import Source
from careplan.domain.words import LENGTH, words_fault
from careplan.fhir.text import parse
from careplan.interactions.acceptance import (
    Answered,
    Refused,
    Seen,
    accept_all,
    decline_all,
    find_seen,
    seen_from_renewal,
)
from careplan.interactions.access import Forbidden
from careplan.interactions.operations.wanted import REASONS
from careplan.interactions.read import read
from careplan.interactions.renewal import NOTHING, Renewal
from careplan.interactions.renewal_list import Group, Listed, grouped
from careplan.views import wording
from careplan.views.contact import age, person_name
from careplan.views.page import Opened, go

ROWS = 200
"""Patients on a page, and the most that are answered for together."""

GLANCE = 0.15
"""Seconds that another page waits to know how many there are."""

AGAIN = 5
"""Seconds that a form waits for the list that it was sent from: a page has shown it already."""

PATH = "/forskelle"


@dataclass(frozen=True, slots=True)
class Change:
    """One change, as the page heads it. says: the sentence of the row before (empty when it is not in use), and now."""

    key: str
    measure: str
    rows: tuple[str, str]
    versions: tuple[str, str]
    targets: tuple[str, str]
    says: tuple[str, str]
    source: Source | None
    unverified: bool
    heading: str
    cause: str
    moves: bool
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """One patient. because: what the rules go by today."""

    id: str
    name: str
    age: int | None
    goal: str
    seen: str
    agreed: str
    individual: bool
    before: str
    now: str
    provisional: bool
    because: tuple[str, ...]


async def show(opened: Opened) -> Response:
    """The changes, or the patients of one of them; while a large clinic is gone through, how far that is."""
    survey = await opened.view.surveys.look(opened.context, _clinic(opened), anew=opened.asked.has("igen"))
    if survey.listed is None:
        return opened.page("renewal_wait.html", opened.t("renewal.title"), done=survey.done, of=survey.of)
    groups = grouped(survey.listed)
    chosen = _find_group(groups, opened.asked.text("gruppe"))
    if chosen is not None:
        return _patients(opened, chosen, opened.asked.whole("side"))
    return opened.page(
        "renewal.html",
        opened.t("renewal.title"),
        changes=[_change(opened, one) for one in groups],
        patients=len({one.patient["id"] for one in survey.listed}),
        at=wording.time_text(survey.at, opened.t),
    )


async def answer(opened: Opened) -> Response:
    """«Godkend» and «Afslå»: first how many it is for, then done."""
    step, form = opened.form.text("trin"), opened.form
    seen = [one for text in form.all("alle" if step == "godkend-alle" else "valgt") if (one := find_seen(text))][:ROWS]
    key = form.text("gruppe")
    if not seen:
        return await _nobody(opened, key)
    match step:
        case "godkend-nu":
            return await _told(opened, await accept_all(opened.context, seen), "godkendt-anbefaling")
        case "afslaa-nu":
            return await _declined(opened, seen, key)
        case "afslaa":
            return _confirm(opened, seen, key, declining=True)
        case _:
            return _confirm(opened, seen, key)


def _find_group(groups: Sequence[Group], key: str) -> Group | None:
    return next((one for one in groups if one.key == key), None)


async def _nobody(opened: Opened, key: str) -> Response:
    """The patients again, and that one of them must be ticked; the changes as they are now where this one is gone."""
    survey = await opened.view.surveys.look(opened.context, _clinic(opened), AGAIN)
    group = _find_group(grouped(survey.listed or ()), key)
    if group is None:
        return go(PATH)
    return _patients(opened, group, opened.form.whole("side"), opened.t("renewal.none-chosen"))


async def _declined(opened: Opened, seen: Sequence[Seen], key: str) -> Response:
    reason, text, errors = opened.form.text("aarsag"), opened.form.text("tekst"), dict[str, str]()
    if reason not in REASONS:
        errors["aarsag"] = opened.t("target.no-reason")
    if words_fault(text, needed=reason == "other"):
        errors["tekst"] = opened.t("target.no-text")
    if len(text) > LENGTH:
        errors["tekst"] = opened.t("target.long-text", most=LENGTH)
    if errors:
        return _confirm(opened, seen, key, errors, declining=True)
    answered = await decline_all(opened.context, seen, reason, text or None)
    return await _told(opened, answered, "afslaaet-anbefaling")


def _confirm(
    opened: Opened, seen: Sequence[Seen], key: str, errors: Mapping[str, str] | None = None, *, declining: bool = False
) -> Response:
    t = opened.t
    return opened.page(
        "renewal_confirm.html",
        t("renewal.decline-title" if declining else "renewal.accept-title"),
        422 if errors else 200,
        seen=[one.text for one in seen],
        count=len({one.patient for one in seen}),
        key=key,
        declining=declining,
        gone=all(one.row == NOTHING for one in seen),
        errors=errors or {},
        reasons=[(code, t(f"reason.{code}")) for code in REASONS],
        reason=opened.form.text("aarsag"),
        text=opened.form.text("tekst"),
        length=LENGTH,
    )


async def _told(opened: Opened, answered: Answered, done: str) -> Response:
    """Back to the list when all went well; else who was not taken, and why."""
    touched = {*answered.taken, *(one.patient for one in answered.refused)}
    opened.view.surveys.leave_out(_clinic(opened), touched)
    if not answered.refused:
        return go(PATH, besked=done)
    names = {one.patient: await _name(opened, one.patient) for one in answered.refused}
    return opened.page(
        "renewal_refused.html",
        opened.t("renewal.refused-title"),
        409,
        taken=len(answered.taken),
        refused=[(one.patient, names[one.patient], _why(opened, one)) for one in answered.refused],
    )


def _why(opened: Opened, refused: Refused) -> str:
    key = f"renewal.refused.{refused.error.code}"
    return opened.t(key if opened.t.has(key) else "renewal.refused.other")


async def _name(opened: Opened, patient: str) -> str:
    """The name of one of the clinic's patients; empty for anybody else's, whom a form may name too."""
    try:
        version = await read(opened.context, "Patient", patient)
    except CareplanError:
        return ""
    return person_name(parse(version.body or b"")) or opened.t("word.patient")


def _clinic(opened: Opened) -> str:
    organization = opened.context.caller.organization
    if organization is None:
        raise Forbidden("the renewals of a clinic are for those who act for it")
    return organization


async def count_renewed(opened: Opened) -> int | None:
    """How many patients are on the list, for a link to it; None while a large clinic is gone through."""
    survey = await opened.view.surveys.look(opened.context, _clinic(opened), GLANCE)
    return None if survey.listed is None else len({one.patient["id"] for one in survey.listed})


# ── what is shown ────────────────────────────────────────────────────────────────────────────────


def _patients(opened: Opened, group: Group, asked: int | None, error: str = "") -> Response:
    """One page of them, the one that is asked for; with 422 and what is wrong where there is an error."""
    pages = max(1, -(-len(group.listed) // ROWS))
    number = max(1, min(asked or 1, pages))
    listed = group.listed[(number - 1) * ROWS : number * ROWS]
    opened.context.trail.met(one.patient["id"] for one in listed)
    return opened.page(
        "renewal_patients.html",
        opened.t("renewal.title"),
        422 if error else 200,
        error=error,
        change=_change(opened, group),
        rows=[_row(opened, one) for one in listed],
        number=number,
        pages=pages,
    )


def _change(opened: Opened, group: Group) -> Change:
    first = group.listed[0].renewal
    table = opened.context.knowledge.guidelines.get(group.measure)
    in_use = table is not None and table.version == group.versions[0]
    old = opened.context.knowledge.row(first.before_row) if in_use else None
    return Change(
        key=group.key,
        measure=first.measure.name,
        rows=group.rows,
        versions=group.versions,
        targets=_targets(opened, first),
        says=("" if old is None else old.says, "" if first.now is None else first.now.row.says),
        source=None if first.now is None else first.now.row.source,
        unverified=first.now is not None and first.now.row.unverified,
        heading=_heading(opened, first),
        cause=first.cause,
        moves=first.moves,
        count=len(group.listed),
    )


def _heading(opened: Opened, one: Renewal) -> str:
    """«LDL: under 1,4 bliver under 1,2», «… anbefales ikke længere», «… kan ikke afgøres»."""
    before, now = _targets(opened, one)
    key = "heading" if one.now is not None else f"heading-{one.cause}"
    return opened.t(f"renewal.{key}", measure=one.measure.name, before=before, now=now)


def _targets(opened: Opened, one: Renewal) -> tuple[str, str]:
    """What was recommended, and what is; of nothing, that it is that, or what is missing."""
    before = wording.target_with_unit(one.measure, one.before, opened.t) or "–"
    if one.now is not None:
        return before, wording.target_with_unit(one.measure, one.now.target, opened.t)
    missing = ", ".join(fact_name(name, opened.context.knowledge) for name in one.missing)
    return before, opened.t(f"renewal.now-{one.cause}", facts=missing)


def _row(opened: Opened, one: Listed) -> Row:
    renewal = one.renewal
    before, now = _targets(opened, renewal)
    return Row(
        id=one.patient["id"],
        name=person_name(one.patient),
        age=age(one.patient, opened.context.on),
        goal=renewal.goal["id"],
        seen=seen_from_renewal(renewal, one.patient["id"]).text,
        agreed=wording.target_with_unit(renewal.measure, renewal.agreed, opened.t) or "–",
        individual=renewal.deviation is not None,
        before=before,
        now=now,
        provisional=renewal.now is not None and renewal.now.provisional,
        because=tuple(_fact(opened, fact) for fact in (renewal.now.because if renewal.now else ())),
    )


def _fact(opened: Opened, fact: Fact) -> str:
    knowledge = opened.context.knowledge
    said = f"{fact_name(fact.name, knowledge)}: {fact_text(fact, knowledge)}"
    return f"{said} ({day_text(fact)})" if fact.on else said
