"""C1, the clinic's worklist: who is to be called in, who should have a plan, whose plans are in order.

Each row has one button, the next step computed from the patient's state. Who is on which list is decided by
`interactions.worklist`; here it is one row a patient, cut into pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from careplan.domain.calendar import add_months
from careplan.fhir.instant import find_date
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context
from careplan.interactions.inclusion import search_all
from careplan.interactions.worklist import Candidate, candidates
from careplan.views.contact import age, contact_of, coordinator, person_name
from careplan.views.directory import directory_of
from careplan.views.page import Opened

ROWS = 25
TABS: Mapping[str, str] = {"indkaldes": "overdue", "egnet": "new", "i-orden": "maintained"}
"""The tabs that today's data support, by the state of the plans on them."""

STEPS: Mapping[str, str] = {
    "overdue": "/patient/{id}/aarskontrol",
    "new": "/patient/{id}/opret-plan",
    "maintained": "/patient/{id}/aarskontrol",
    "none": "/patient/{id}/opret-plan",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One patient on a list.

    days  until the deadline; negative when it has passed, None where there is none
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


async def show(opened: Opened) -> Response:
    """One tab of the list, or what a search for a name finds; the name comes in a form, never in an address."""
    context, t = opened.context, opened.t
    found = await candidates(context, context.caller.organization)
    wanted = opened.form.text("navn")
    tab = opened.asked.text("fane") if opened.asked.text("fane") in TABS else "indkaldes"
    by_state = {name: _grouped(found, state) for name, state in TABS.items()}
    groups = await _named(context, found, wanted) if wanted else by_state[tab]
    page = _whole(opened, len(groups))
    shown = groups[(page - 1) * ROWS : page * ROWS]
    rows = await _rows(context, shown)
    return opened.page(
        "worklist.html",
        t("worklist.title"),
        tabs=[(name, t(f"worklist.tab.{name}"), len(by_state[name])) for name in TABS],
        tab="" if wanted else tab,
        wanted=wanted,
        rows=rows,
        total=len(groups),
        number=page,
        pages=max(1, -(-len(groups) // ROWS)),
        first=(page - 1) * ROWS + 1,
        next_deadline=_next_deadline(context, found),
    )


Group = tuple[Json, str, tuple[Candidate, ...]]
"""A patient, the state they are listed for, and the plans in that state."""


def _grouped(found: Sequence[Candidate], state: str) -> list[Group]:
    """One group a patient, in order of urgency."""
    groups: dict[str, list[Candidate]] = {}
    for one in found:
        if one.eligibility.state == state:
            groups.setdefault(one.version.id, []).append(one)
    return [(some[0].patient, state, tuple(some)) for some in groups.values()]


async def _named(context: Context, found: Sequence[Candidate], wanted: str) -> list[Group]:
    """Everybody listed with the clinic whose name holds these words, whether a plan concerns them or not."""
    words = wanted.casefold().split()
    groups: list[Group] = []
    async for version in search_all(context, Query("Patient")):
        patient = parse(version.body or b"")
        name = person_name(patient).casefold()
        if all(word in name for word in words):
            own = tuple(one for one in found if one.version.id == version.id)
            states = [one.eligibility.state for one in own]
            state = next((state for state in TABS.values() if state in states), "none")
            groups.append((patient, state, tuple(one for one in own if one.eligibility.state == state)))
    return sorted(groups, key=lambda group: person_name(group[0]))


async def _rows(context: Context, groups: Sequence[Group]) -> list[Row]:
    ids = frozenset(patient["id"] for patient, _, _ in groups)
    teams = await _by_patient(context, "CareTeam", ids)
    controls = await _by_patient(context, "Encounter", ids)
    owners = await _owners(
        context, {patient["id"]: (patient, teams.get(patient["id"], [])) for patient, _, _ in groups}
    )
    return [_row(context, group, owners, controls.get(group[0]["id"], [])) for group in groups]


def _row(context: Context, group: Group, owners: Mapping[str, str], encounters: Sequence[Json]) -> Row:
    patient, state, some = group
    plans = context.knowledge.plans
    deadlines = [day for one in some if (day := _deadline(context, one)) is not None]
    held = [day for one in encounters if (day := find_date(one.get("period", {}).get("start"))) is not None]
    saved = [one.saved for one in some if one.saved is not None]
    return Row(
        id=patient["id"],
        name=person_name(patient),
        age=age(patient, context.on),
        plans=tuple(plans[one.eligibility.plan].name for one in some),
        state=state,
        must=any(one.eligibility.must_offer is True for one in some),
        days=(min(deadlines) - context.on).days if deadlines else None,
        owner=owners.get(patient["id"], ""),
        last=max((*held, *saved), default=None),
        link=STEPS[state].format(id=patient["id"]),
    )


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
