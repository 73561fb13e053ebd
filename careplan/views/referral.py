"""D1 and D2, the municipality's pages: the open referrals, and the slice of a plan that a referral opens.

What the slice holds is decided by `interactions.overview`; the page shows it, says who shared it and until when, and
nothing tells what else there may be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from careplan.domain.measure import is_old
from careplan.fhir.agreed import due_of
from careplan.fhir.instant import find_date
from careplan.fhir.query import Query
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.consent import consents
from careplan.interactions.context import Context
from careplan.interactions.inclusion import search_all
from careplan.interactions.overview import Line, Overview, read_overview
from careplan.interactions.read import find_version
from careplan.interactions.referral import active_referrals
from careplan.views import chart, wording
from careplan.views.agreement import agreements
from careplan.views.catalogue import Catalogue
from careplan.views.contact import age, contact_of, coordinator, hidden_cpr, person_name
from careplan.views.directory import directory_of
from careplan.views.goalrow import goal_rows
from careplan.views.origin import origin_of_newest
from careplan.views.page import Opened
from careplan.views.plan import wishes

SOON = 2
"""Days before its deadline at which a referral is called out."""


@dataclass(frozen=True, slots=True)
class Referral:
    """One line of the inbox."""

    patient: str
    name: str
    age: int | None
    received: date | None
    offer: str
    clinic: str
    due: date | None
    days: int | None
    owner: str
    phase: str


@dataclass(frozen=True, slots=True)
class Shared:
    """Who shared the slice, when, and until when."""

    by: str
    on: date | None
    until: date | None
    offer: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SliceRow:
    """One measure of the slice."""

    name: str
    value: str
    day: str
    source: str
    old: bool
    sparkline: str
    target: str
    icon: str
    word: str
    standing: str


async def inbox(opened: Opened) -> Response:
    """The open referrals to the caller's organisation, by deadline."""
    context = opened.context
    found = await active_referrals(context, context.caller.organization or "")
    cases = await _cases(context, frozenset(patient for patient, _ in found))
    patients = await _patients(context, [patient for patient, _ in found])
    references = [_requester(request) for _, request in found]
    references += [str(one.get("owner", {}).get("reference", "")) for one in cases.values()]
    directory = await directory_of(context, references)
    rows = [_referral(context, patient, request, cases, patients, directory) for patient, request in found]
    rows.sort(key=lambda one: (one.due or date.max, one.received or date.max, one.name))
    context.trail.met(one.patient for one in rows)
    near = [one for one in rows if one.days is not None and one.days <= SOON]
    return opened.page("inbox.html", opened.t("inbox.title"), rows=rows, near=len(near))


async def _cases(context: Context, patients: frozenset[str]) -> dict[str, Json]:
    """The Task of each referral, by reference of the referral."""
    found: dict[str, Json] = {}
    if patients:
        async for version in search_all(context, Query("Task", patients=patients)):
            task = parse(version.body or b"")
            focus = str(task.get("focus", {}).get("reference", ""))
            if focus.startswith("ServiceRequest/"):
                found[focus] = task
    return found


async def _patients(context: Context, ids: Sequence[str]) -> dict[str, Json]:
    """The people the referrals are about: each is one the caller may see, by the referral itself."""
    found: dict[str, Json] = {}
    for id in dict.fromkeys(ids):
        version = await find_version(context, "Patient", id)
        if version is not None and version.body is not None:
            await access.check_read(context, version)
            found[id] = parse(version.body)
    return found


def _referral(
    context: Context,
    patient: str,
    request: Json,
    cases: Mapping[str, Json],
    patients: Mapping[str, Json],
    directory: Mapping[str, Json],
) -> Referral:
    person, case = patients.get(patient, {}), cases.get(f"ServiceRequest/{request['id']}", {})
    requester = contact_of(directory, _requester(request))
    due = due_of(case)
    return Referral(
        patient=patient,
        name=person_name(person),
        age=age(person, context.on),
        received=find_date(request.get("authoredOn")),
        offer=request.get("code", {}).get("text", ""),
        clinic=requester.organization or requester.name,
        due=due,
        days=(due - context.on).days if due and case.get("status") in ("requested", "received") else None,
        owner=contact_of(directory, case.get("owner", {}).get("reference")).name,
        phase=case.get("businessStatus", {}).get("text", ""),
    )


def _requester(request: Json) -> str:
    return str(request.get("requester", {}).get("reference", ""))


# ── the slice ────────────────────────────────────────────────────────────────────────────────────


async def show(opened: Opened) -> Response:
    """D2, «Borgerens plan (udsnit)»."""
    t = opened.t
    overview = await read_overview(opened.context, opened.path("id"), "referral")
    if not overview.referrals and opened.path("id") not in (await consents(opened.context)).opened:
        raise access.Forbidden("no referral is open")
    contact = contact_of(overview.directory, coordinator(overview.care_teams, overview.patient))
    found = agreements(overview.tasks, overview.directory, overview.on)
    return opened.page(
        "slice.html",
        t("slice.title"),
        name_of=person_name(overview.patient),
        age=age(overview.patient, overview.on),
        cpr=hidden_cpr(overview.patient),
        shared=[_shared(overview, request) for request in overview.referrals],
        wishes=wishes(overview),
        rows=[slice_row(overview, line, t) for line in overview.lines],
        charts=[row for row in goal_rows(overview, overview.lines, t) if row.trend],
        agreements=[one for one in found if not one.done],
        contact=contact,
        languages=_languages(overview.patient),
        updated=wording.danish_time(opened.context.now),
    )


def slice_row(overview: Overview, line: Line, t: Catalogue) -> SliceRow:
    """One measure as the receiver of a referral sees it."""
    measure, newest = line.measure, line.newest
    drawn = [one for one in line.readings if measure.number(one.value) is not None]
    icon, word = wording.status_word(line.standing)
    return SliceRow(
        name=measure.name,
        value=wording.value_with_unit(measure, newest) if newest else "",
        day=wording.danish_date(wording.day_of(newest)) if newest else "",
        source=origin_of_newest(line, t),
        old=newest is not None and is_old(wording.day_of(newest), overview.on),
        sparkline=chart.sparkline(measure, drawn, line.agreed, overview.on, name=f"udvikling-{measure.id}")
        if len(drawn) > 1 and measure.kind in ("quantity", "score")
        else "",
        target=wording.target_with_unit(line.measure, line.agreed),
        icon=icon,
        word=word,
        standing=line.standing.value,
    )


def _shared(overview: Overview, request: Json) -> Shared:
    requester = contact_of(overview.directory, _requester(request))
    texts = {f"Condition/{one['id']}": one.get("code", {}).get("text", "") for one in overview.conditions}
    reasons = [texts.get(str(one.get("reference", "")), "") for one in request.get("reasonReference", ())]
    reasons += [one.get("text", "") for one in request.get("reasonCode", ())]
    return Shared(
        by=requester.organization or requester.name,
        on=find_date(request.get("authoredOn")),
        until=_until(request),
        offer=request.get("code", {}).get("text", ""),
        reasons=tuple(dict.fromkeys(one for one in reasons if one)),
    )


def _until(request: Json) -> date | None:
    return find_date(request.get("occurrencePeriod", {}).get("end"))


def _languages(patient: Json) -> tuple[str, ...]:
    """Languages other than Danish the person is spoken to in: what an interpreter is needed for."""
    spoken = [one.get("language", {}) for one in patient.get("communication", ())]
    named = [
        one.get("text") or next((c.get("display") or c.get("code") for c in one.get("coding", ())), "")
        for one in spoken
    ]
    return tuple(name for name in named if name and not str(name).lower().startswith("da"))
