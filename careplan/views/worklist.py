"""C1, the clinic's worklist: who is to be called in, who should have a plan, whose individual targets have run out,
whom nobody is responsible for, whose plans are in order, and who said no to a plan.

Each row has one button, the next step computed from the patient's state; those that are ticked are called in or given
to somebody together. Who is on which list is decided by `interactions.worklist`; here it is one row a patient
(`listed`), narrowed (`narrowing`) and cut into pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from starlette.responses import Response

from careplan.fhir.query import Query
from careplan.fhir.text import parse
from careplan.interactions.context import Context
from careplan.interactions.inclusion import search_all
from careplan.interactions.invitation import invite
from careplan.interactions.ownership import ColleagueUnknown, assign_all, colleagues
from careplan.interactions.sweep import Swept, each
from careplan.interactions.worklist import EXCLUDED, Candidate, Worklist, read_worklist
from careplan.views.contact import contact_of, person_name
from careplan.views.directory import directory_of
from careplan.views.listed import LAPSED, OWNERLESS, Group, deadline, rows_of
from careplan.views.narrowing import Narrowing, keep_narrowing, narrowing_of
from careplan.views.page import Opened
from careplan.views.renewal import count_renewed
from careplan.views.waiting import ANSWER, MUNICIPAL, READY, waiting

ROWS = 25
TABS: Mapping[str, str] = {
    "indkaldes": "overdue",
    "klar": READY,
    "svar": ANSWER,
    "egnet": "new",
    "kommune": MUNICIPAL,
    "uden": OWNERLESS,
    "maal": LAPSED,
    "i-orden": "maintained",
    "fravalgt": EXCLUDED,
}
"""The tabs, in the order of the brief and ours after them, by the state of what is on them."""

NAMED = ("overdue", "new", LAPSED, "maintained", EXCLUDED)
"""By which of their states somebody is shown who was looked for by name, the first that holds."""

TOGETHER: Mapping[str, tuple[str, ...]] = {
    "indkaldes": ("indkald", "tildel"),
    **dict.fromkeys(("klar", "svar", "egnet", "kommune", "uden"), ("tildel",)),
    "i-orden": ("indkald", "tildel"),
}
"""What can be done with several patients of a tab at once."""


async def show(opened: Opened) -> Response:
    """One tab of the list, or what a search for a name finds; the name comes in a form, never in an address."""
    return await _page(opened, opened.form.text("navn"))


async def together(opened: Opened) -> Response:
    """Call those in who are ticked, or make somebody responsible for them; then the list, with what became of each."""
    form, t = opened.form, opened.t
    chosen, what = form.all("patient"), form.text("gor")
    if not chosen or len(chosen) > ROWS:
        return await _page(opened, error=t("worklist.too-many" if chosen else "worklist.none-chosen", most=ROWS))
    if what == "indkald":
        return await _page(opened, outcome=await _called(opened, chosen), done="called")
    try:
        outcome = await assign_all(opened.context, chosen, form.text("ansvarlig"))
    except ColleagueUnknown:
        return await _page(opened, error=t("worklist.no-colleague"))
    return await _page(opened, outcome=outcome, done="assigned")


async def _called(opened: Opened, chosen: Sequence[str]) -> Swept:
    return await each(chosen, lambda patient: invite(opened.context, patient))


async def _page(
    opened: Opened, wanted: str = "", *, error: str = "", outcome: Swept | None = None, done: str = ""
) -> Response:
    context, t, narrowing = opened.context, opened.t, narrowing_of(opened)
    found = await read_worklist(context, context.caller.organization)
    asked = (opened.form if opened.posted else opened.asked).text("fane")
    tab = asked if asked in TABS else "indkaldes"
    sent = await waiting(opened, found)
    by_state = {state: sent[state] if state in sent else _groups(found, state) for state in TABS.values()}
    by_tab = {name: _narrowed(context, by_state[state], narrowing) for name, state in TABS.items()}
    groups = await _named(context, found, wanted) if wanted else by_tab[tab]
    page = _whole(opened, len(groups))
    shown = groups[(page - 1) * ROWS : page * ROWS]
    rows = await rows_of(opened, shown)
    context.trail.met(row.id for row in rows)
    response = opened.page(
        "worklist.html",
        t("worklist.title"),
        422 if error else 200,
        renewed=await count_renewed(opened),
        tabs=[(name, t(f"worklist.tab.{name}"), len(by_tab[name])) for name in TABS],
        tab="" if wanted else tab,
        wanted=wanted,
        rows=rows,
        total=len(groups),
        number=page,
        pages=max(1, -(-len(groups) // ROWS)),
        first=(page - 1) * ROWS + 1,
        next_deadline=_next_deadline(context, found.candidates),
        narrowing=narrowing,
        kinds=[(one.id, one.name) for one in context.knowledge.plans.values()],
        acts=() if wanted or not rows else TOGETHER.get(tab, ()),
        staff=await _staff(context) if not wanted and rows and tab in TOGETHER else (),
        ticked=frozenset(opened.form.all("patient")) if error else frozenset[str](),
        error=error,
        told=() if outcome is None else await _told(opened, outcome, done),
    )
    keep_narrowing(opened, response, narrowing)
    return response


# ── who is on a tab ──────────────────────────────────────────────────────────────────────────────


def _groups(found: Worklist, state: str) -> list[Group]:
    """One group a patient, in order of urgency; of exclusions one each, as each is taken back by itself."""
    if state == LAPSED:
        return [Group(one.patient, state, lapsed=one) for one in found.lapsed]
    if state == EXCLUDED:
        return [Group(one.patient, state, (one,)) for one in found.of_state(state)]
    listed = [one for one in found.candidates if one.is_ownerless] if state == OWNERLESS else found.of_state(state)
    groups: dict[str, list[Candidate]] = {}
    for one in listed:
        groups.setdefault(one.version.id, []).append(one)
    return [Group(some[0].patient, state, tuple(some)) for some in groups.values()]


def _narrowed(context: Context, groups: Sequence[Group], narrowing: Narrowing) -> list[Group]:
    """Those that the filters let through; of several plans in a group only those that are asked for."""
    found = []
    for group in groups:
        if narrowing.mine and context.caller.reference not in {one.owner for one in group.plans}:
            continue
        if group.lapsed is not None:
            found += [group] if narrowing.plan in ("", *group.lapsed.plans) else []
            continue
        plans = tuple(one for one in group.plans if narrowing.plan in ("", one.eligibility.plan))
        found += [replace(group, plans=plans)] if plans or not narrowing.some else []
    return found


async def _named(context: Context, found: Worklist, wanted: str) -> list[Group]:
    """Everybody listed with the clinic whose name holds these words, whether a plan concerns them or not."""
    words = wanted.casefold().split()
    first: dict[str, Group] = {}
    for group in (group for state in NAMED for group in _groups(found, state)):
        first.setdefault(group.patient["id"], group)
    groups: list[Group] = []
    async for version in search_all(context, Query("Patient")):
        patient = parse(version.body or b"")
        name = person_name(patient).casefold()
        if all(word in name for word in words):
            groups.append(first.get(version.id, Group(patient, "none")))
    return sorted(groups, key=lambda group: person_name(group.patient))


def _next_deadline(context: Context, found: Sequence[Candidate]) -> date | None:
    coming = [day for one in found if (day := deadline(context, one)) is not None and day >= context.on]
    return min(coming, default=None)


def _whole(opened: Opened, rows: int) -> int:
    asked = (opened.form if opened.posted else opened.asked).whole("side") or 1
    return max(1, min(asked, -(-rows // ROWS)))


# ── several at once ──────────────────────────────────────────────────────────────────────────────


async def _staff(context: Context) -> list[tuple[str, str]]:
    """(reference, name) of whoever can be responsible, the caller first."""
    references = [f"PractitionerRole/{one['id']}" for one in await colleagues(context)]
    directory = await directory_of(context, references)
    named = [(one, contact_of(directory, one)) for one in references]
    own = context.caller.reference
    return sorted(((one, who.name or who.title or one) for one, who in named), key=lambda one: (one[0] != own, one[1]))


async def _told(opened: Opened, outcome: Swept, done: str) -> list[str]:
    """What became of those who were ticked; who was refused is named with the reason."""
    t = opened.t
    said = [t(f"worklist.{done}", count=len(outcome.done))] if outcome.done else []
    said += [t(f"worklist.{done}-already", count=len(outcome.already))] if outcome.already else []
    named = [(await _name(opened.context, patient), code) for patient, code in outcome.refused]
    for name, code in named:
        key = f"worklist.refused.{code}"
        why = t(key if t.has(key) else "worklist.refused.other")
        said += [t("worklist.refused-one", name=name, why=why)] if name else []
    unknown = sum(not name for name, _ in named)
    return said + ([t("worklist.refused-unknown", count=unknown)] if unknown else [])


async def _name(context: Context, patient: str) -> str:
    """A patient's name, for whoever may see it."""
    async for version in search_all(context, Query("Patient", patient=patient)):
        return person_name(parse(version.body or b""))
    return ""
