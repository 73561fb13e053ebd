"""C1, the clinic's worklist: who is to be called in, who should have a plan, whose individual targets have run out,
whose plans are in order, and who said no to a plan.

Each row has one button, the next step computed from the patient's state. Who is on which list is decided by
`interactions.worklist`; here it is one row a patient, cut into pages.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from careplan.domain.calendar import add_months
from careplan.domain.danish import fact_name
from careplan.domain.guideline import Knowledge
from careplan.fhir.exclusion import Exclusion
from careplan.fhir.goal import Deviation, measure_of_goal
from careplan.fhir.instant import find_date
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context
from careplan.interactions.inclusion import search_all
from careplan.interactions.worklist import EXCLUDED, Candidate, Lapsed, Worklist, read_worklist
from careplan.views import wording
from careplan.views.contact import age, contact_of, coordinator, person_name
from careplan.views.directory import directory_of
from careplan.views.page import Opened
from careplan.views.renewal import count_renewed

ROWS = 25
LAPSED = "lapsed"
TABS: Mapping[str, str] = {
    "indkaldes": "overdue",
    "egnet": "new",
    "maal": LAPSED,
    "i-orden": "maintained",
    "fravalgt": EXCLUDED,
}
"""The tabs that today's data support, by the state of the plans or targets on them."""

STEPS: Mapping[str, str] = {
    "overdue": "/patient/{id}/aarskontrol",
    "new": "/patient/{id}/opret-plan",
    LAPSED: "/patient/{id}/aarskontrol",
    "maintained": "/patient/{id}/aarskontrol",
    EXCLUDED: "",
    "none": "/patient/{id}/opret-plan",
}
"""Where the one button leads; without an address it takes the exclusion back."""


@dataclass(frozen=True, slots=True)
class Row:
    """One patient on a list.

    days     until the deadline; negative when it has passed, None where there is none
    why      sentences: the rule, the target that ran out, the reason of an exclusion
    missing  names of facts that are not on record and would settle more
    undo     the plan type whose exclusion the button takes back; empty: it leads to `link`
    """

    id: str
    name: str
    age: int | None
    plans: tuple[str, ...]
    state: str
    must: bool
    days: int | None
    owner: str
    last: date | None
    link: str
    why: tuple[str, ...]
    missing: tuple[str, ...]
    undo: str


async def show(opened: Opened) -> Response:
    """One tab of the list, or what a search for a name finds; the name comes in a form, never in an address."""
    context, t = opened.context, opened.t
    found = await read_worklist(context, context.caller.organization)
    wanted = opened.form.text("navn")
    tab = opened.asked.text("fane") if opened.asked.text("fane") in TABS else "indkaldes"
    by_tab = {name: _groups(found, state) for name, state in TABS.items()}
    groups = await _named(context, found, wanted) if wanted else by_tab[tab]
    page = _whole(opened, len(groups))
    shown = groups[(page - 1) * ROWS : page * ROWS]
    rows = await _rows(opened, shown)
    context.trail.met(row.id for row in rows)
    return opened.page(
        "worklist.html",
        t("worklist.title"),
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
    )


@dataclass(frozen=True, slots=True)
class Group:
    """What makes a row: a patient, the state they are listed for, and the plans in that state or the lapsed targets."""

    patient: Json
    state: str
    plans: tuple[Candidate, ...] = ()
    lapsed: Lapsed | None = None


def _groups(found: Worklist, state: str) -> list[Group]:
    """One group a patient, in order of urgency; of exclusions one each, as each is taken back by itself."""
    if state == LAPSED:
        return [Group(one.patient, state, lapsed=one) for one in found.lapsed]
    listed = found.of_state(state)
    if state == EXCLUDED:
        return [Group(one.patient, state, (one,)) for one in listed]
    groups: dict[str, list[Candidate]] = {}
    for one in listed:
        groups.setdefault(one.version.id, []).append(one)
    return [Group(some[0].patient, state, tuple(some)) for some in groups.values()]


async def _named(context: Context, found: Worklist, wanted: str) -> list[Group]:
    """Everybody listed with the clinic whose name holds these words, whether a plan concerns them or not."""
    words = wanted.casefold().split()
    first: dict[str, Group] = {}
    for group in (group for state in TABS.values() for group in _groups(found, state)):
        first.setdefault(group.patient["id"], group)
    groups: list[Group] = []
    async for version in search_all(context, Query("Patient")):
        patient = parse(version.body or b"")
        name = person_name(patient).casefold()
        if all(word in name for word in words):
            groups.append(first.get(version.id, Group(patient, "none")))
    return sorted(groups, key=lambda group: person_name(group.patient))


async def _rows(opened: Opened, groups: Sequence[Group]) -> list[Row]:
    context = opened.context
    ids = frozenset(group.patient["id"] for group in groups)
    teams = await _by_patient(context, "CareTeam", ids)
    controls = await _by_patient(context, "Encounter", ids)
    owners = await _owners(
        context, {group.patient["id"]: (group.patient, teams.get(group.patient["id"], [])) for group in groups}
    )
    return [_row(opened, group, owners, controls.get(group.patient["id"], [])) for group in groups]


def _row(opened: Opened, group: Group, owners: Mapping[str, str], encounters: Sequence[Json]) -> Row:
    context, patient, some = opened.context, group.patient, group.plans
    knowledge = context.knowledge
    deadline = _deadline_of(context, group)
    missing = dict.fromkeys(fact_name(name, knowledge) for one in some for name in one.eligibility.missing)
    held = [day for one in encounters if (day := find_date(one.get("period", {}).get("start"))) is not None]
    saved = [one.saved for one in some if one.saved is not None]
    return Row(
        id=patient["id"],
        name=person_name(patient),
        age=age(patient, context.on),
        plans=_plans(knowledge, group),
        state=group.state,
        must=group.state == "new" and any(one.offer == "must" for one in some),
        days=None if deadline is None else (deadline - context.on).days,
        owner=owners.get(patient["id"], ""),
        last=max((*held, *saved), default=None),
        link=_link(group),
        why=tuple(dict.fromkeys(_why(opened, group))),
        missing=tuple(missing) if group.state == "new" else (),
        undo=some[0].eligibility.plan if group.state == EXCLUDED else "",
    )


def _plans(knowledge: Knowledge, group: Group) -> tuple[str, ...]:
    """Names of the plans in the state that the row is listed for; of a lapsed target, of every active plan."""
    active = () if group.lapsed is None else group.lapsed.plans
    types = [*(one.eligibility.plan for one in group.plans), *active]
    return tuple(knowledge.plans[one].name for one in types if one in knowledge.plans)


def _link(group: Group) -> str:
    """The next step; of one target that ran out, that target."""
    id = group.patient["id"]
    if group.lapsed is not None and len(group.lapsed.goals) == 1:
        return f"/patient/{id}/maal/{group.lapsed.goals[0][0]['id']}"
    return STEPS[group.state].format(id=id)


def _why(opened: Opened, group: Group) -> Iterator[str]:
    """Why the patient is on this list, a sentence each."""
    if group.lapsed is not None:
        yield from (_lapsed_target(opened, goal, deviation) for goal, deviation in group.lapsed.goals)
    for one in group.plans:
        if one.exclusion is not None:
            yield from _declined(opened, one.exclusion)
        elif group.state == "new" and one.eligibility.row is not None:
            yield one.eligibility.row.says


def _lapsed_target(opened: Opened, goal: Json, deviation: Deviation) -> str:
    context = opened.context
    measure = measure_of_goal(goal, context.house.reader.codes, context.knowledge.measures)
    name = str(goal["description"].get("text", "")) if measure is None else measure.name
    return opened.t("worklist.lapsed", name=name, day=wording.danish_date(deviation.valid_until or context.on))


def _declined(opened: Opened, exclusion: Exclusion) -> Iterator[str]:
    t, key = opened.t, f"exclusion.reason.{exclusion.reason}"
    reason = t(key) if t.has(key) else ""
    yield " – ".join(text for text in (reason, exclusion.text) if text)
    if exclusion.until is not None:
        yield t("worklist.ask-again", day=wording.danish_date(exclusion.until))


def _deadline_of(context: Context, group: Group) -> date | None:
    """The day that the row counts to: when a plan falls due, a target ran out, or somebody is to be asked again."""
    if group.lapsed is not None:
        return group.lapsed.since
    if group.state == EXCLUDED:
        return next((one.exclusion.until for one in group.plans if one.exclusion is not None), None)
    return min((day for one in group.plans if (day := _deadline(context, one)) is not None), default=None)


def _deadline(context: Context, one: Candidate) -> date | None:
    """The day until which a plan counts as kept up."""
    if one.saved is None:
        return None
    return add_months(one.saved, context.knowledge.plans[one.eligibility.plan].maintained_months)


def _next_deadline(context: Context, found: Sequence[Candidate]) -> date | None:
    coming = [day for one in found if (day := _deadline(context, one)) is not None and day >= context.on]
    return min(coming, default=None)


async def _by_patient(context: Context, type_name: str, ids: frozenset[str]) -> dict[str, list[Json]]:
    """The resources of a type of these patients, in one search."""
    found: dict[str, list[Json]] = {}
    if ids:
        async for version in search_all(context, Query(type_name, patients=ids)):
            if version.patient is not None:
                found.setdefault(version.patient, []).append(parse(version.body or b""))
    return found


async def _owners(context: Context, people: Mapping[str, tuple[Json, list[Json]]]) -> dict[str, str]:
    """The tovholder's name by patient; each name is looked up once."""
    references = {id: coordinator(teams, patient) for id, (patient, teams) in people.items()}
    directory = await directory_of(context, [one for one in references.values() if one])
    return {id: contact_of(directory, reference).name for id, reference in references.items()}


def _whole(opened: Opened, rows: int) -> int:
    asked = (opened.form if opened.posted else opened.asked).whole("side") or 1
    return max(1, min(asked, -(-rows // ROWS)))
