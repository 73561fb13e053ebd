"""A row of the clinic's list: one patient, the next step, why they are listed, and what the list says of them.

Which groups there are is `worklist`'s; here each becomes a row with names, days and sentences.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

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
from careplan.interactions.worklist import EXCLUDED, Candidate, Lapsed
from careplan.views import wording
from careplan.views.contact import age, contact_of, coordinator, person_name
from careplan.views.directory import directory_of
from careplan.views.page import Opened

LAPSED, OWNERLESS = "lapsed", "ownerless"
SENT, UNANSWERED, RETURNED, ASKED = "municipal", "unanswered", "returned", "asked"
"""How a referral stands: under way, without an answer in time, ended and not seen, seen and with something to do."""
STEPS: Mapping[str, str] = {
    "overdue": "/patient/{id}/aarskontrol",
    "new": "/patient/{id}/opret-plan",
    LAPSED: "/patient/{id}/aarskontrol",
    "maintained": "/patient/{id}/aarskontrol",
    EXCLUDED: "",
    OWNERLESS: "/patient/{id}/aarskontrol",
    "ready": "/patient/{id}/aarskontrol",
    "none": "/patient/{id}/opret-plan",
}
"""Where the one button leads; without an address it takes the exclusion back."""

TONES: Mapping[str, tuple[str, str]] = {
    "ring": ("▲", "out"),
    "overdue": ("▲", "out"),
    "answer": ("◐", "near"),
    LAPSED: ("◐", "near"),
    OWNERLESS: ("◐", "near"),
    "new": ("○", "unmeasured"),
    "none": ("○", "unmeasured"),
    UNANSWERED: ("▲", "out"),
    RETURNED: ("◐", "near"),
    ASKED: ("◐", "near"),
    SENT: ("→", "unmeasured"),
    "ready": ("✓", "in"),
    "maintained": ("✓", "in"),
    EXCLUDED: ("–", "unruled"),
}
"""A state's icon and class; the word beside it says the same."""


@dataclass(frozen=True, slots=True)
class Row:
    """One patient on a list.

    days     until the deadline; negative when it has passed, None where there is none
    why      sentences: the rule, the target that ran out, the reason of an exclusion
    missing  names of facts that are not on record and would settle more
    undo     the plan type whose exclusion the button takes back; empty: it leads to `link`
    invited  the day on which the patient was called in
    calls    whether the button calls the patient in: the plan is over its day, and nobody has yet
    icon, tone  of the state, and its word; colour is never alone
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
    invited: date | None
    calls: bool
    icon: str
    tone: str
    word: str


@dataclass(frozen=True, slots=True)
class Group:
    """What makes a row: a patient, the state they are listed for, and what is behind it.

    plans   the plans in that state
    lapsed  the targets that ran out
    link    where the button leads, when that is not the state's own next step
    says    why, in sentences
    due     the day it counts to; a referral counts to no other
    word    of its status, where the state has no word of its own
    """

    patient: Json
    state: str
    plans: tuple[Candidate, ...] = ()
    lapsed: Lapsed | None = None
    link: str = ""
    says: tuple[str, ...] = ()
    due: date | None = None
    word: str = ""

    @property
    def invited(self) -> date | None:
        """The day on which the patient was called in."""
        return max((one.invited for one in self.plans if one.invited is not None), default=None)


async def rows_of(opened: Opened, groups: Sequence[Group]) -> list[Row]:
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
    icon, tone = TONES[group.state]
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
        invited=group.invited,
        calls=group.state == "overdue" and group.invited is None,
        icon=icon,
        tone=tone,
        word=group.word or opened.t(f"worklist.state.{group.state}"),
    )


def _plans(knowledge: Knowledge, group: Group) -> tuple[str, ...]:
    """Names of the plans in the state that the row is listed for; of a lapsed target, of every active plan."""
    active = () if group.lapsed is None else group.lapsed.plans
    types = [*(one.eligibility.plan for one in group.plans), *active]
    return tuple(knowledge.plans[one].name for one in types if one in knowledge.plans)


def _link(group: Group) -> str:
    """The next step; of one target that ran out, that target."""
    id = group.patient["id"]
    if group.link:
        return group.link
    if group.lapsed is not None and len(group.lapsed.goals) == 1:
        return f"/patient/{id}/maal/{group.lapsed.goals[0][0]['id']}"
    return STEPS[group.state].format(id=id)


def _why(opened: Opened, group: Group) -> Iterator[str]:
    """Why the patient is on this list, a sentence each; and why before others, where the rules say so."""
    yield from group.says
    if group.state == "overdue":
        yield from (_ahead(opened, one) for one in group.plans if one.ahead)
    if group.lapsed is not None:
        yield from (_lapsed_target(opened, goal, deviation) for goal, deviation in group.lapsed.goals)
    for one in group.plans:
        if one.exclusion is not None:
            yield from _declined(opened, one.exclusion)
        elif group.state == "new" and one.eligibility.row is not None:
            yield one.eligibility.row.says


def _ahead(opened: Opened, one: Candidate) -> str:
    plans = opened.context.knowledge.plans
    names = sorted(plans[name].name for name in (one.eligibility.plan, *plans[one.eligibility.plan].ahead_with))
    return opened.t("worklist.ahead", plans=wording.list_text(names, opened.t))


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
    if group.due is not None or group.state in (SENT, UNANSWERED, RETURNED, ASKED):
        return group.due
    if group.lapsed is not None:
        return group.lapsed.since
    if group.state == EXCLUDED:
        return next((one.exclusion.until for one in group.plans if one.exclusion is not None), None)
    return min((day for one in group.plans if (day := deadline(context, one)) is not None), default=None)


def deadline(context: Context, one: Candidate) -> date | None:
    """The day until which a plan counts as kept up."""
    if one.saved is None:
        return None
    return add_months(one.saved, context.knowledge.plans[one.eligibility.plan].maintained_months)


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
