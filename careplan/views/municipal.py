"""B6 «Mit forløb i kommunen»: how far a referral is, the next date, exactly what the receiver sees, and stopping it.

The slice is made by the function that makes the receiver's own page. What came of a course that ended stands there too.
Not here: how sharing is stopped (B7).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from starlette.responses import Response

from careplan.domain.referral import ENDED, NO_CONTACT_REASONS
from careplan.fhir import systems
from careplan.fhir.case import receivers_of
from careplan.fhir.text import Json
from careplan.interactions.access import Forbidden
from careplan.interactions.casework import CaseFile, case_of, course_of
from careplan.interactions.coursework import closing_sentence
from careplan.interactions.overview import read_overview, read_slice
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.directory import directory_of
from careplan.views.page import Opened
from careplan.views.plan import own_patient
from careplan.views.slice import slice_values, until_of
from careplan.views.station import station_of, stations
from careplan.views.svg import apart
from careplan.views.wording import danish_date

STOPPED = frozenset({"sharing-stopped", "request-ended"})
"""Reasons that a case ended because something else did."""


@dataclass(frozen=True, slots=True)
class Course:
    """One referral as the patient sees it.

    id         the logical id of the ServiceRequest
    elsewhere  that it goes to somebody who is no municipality; empty where it may be one
    stages     (name, whether it is the one now, whether it is behind)
    says       the station, or the end, in a sentence; ended: what was written to the patient then
    tried      a sentence for each time they tried to reach the patient in vain; call: what to do then
    sees       what the receiver sees, while it sees anything
    """

    id: str
    offer: str
    receiver: str
    elsewhere: str
    stages: tuple[tuple[str, bool, bool], ...]
    says: str
    next_on: date | None
    until: date | None
    wrote: str
    ended: str
    open: bool
    tried: tuple[str, ...]
    call: str
    sees: Mapping[str, Any] | None


async def show(opened: Opened) -> Response:
    """Every referral of the patient, the open ones first; and what the receivers of those see."""
    patient = await own_patient(opened.context)
    overview = await read_overview(opened.context, patient, "patient")
    requests = sorted(overview.referrals, key=lambda one: str(one.get("authoredOn", "")), reverse=True)
    requests.sort(key=lambda one: one.get("status") != "active")
    directory = await directory_of(opened.context, [name for one in requests for name in receivers_of(one)])
    courses = [await _course(opened, patient, one, directory, nth) for nth, one in enumerate(requests)]
    return opened.page("municipal.html", opened.t("municipal.title"), courses=courses)


async def _seen(opened: Opened, patient: str, request: Json, nth: int) -> Mapping[str, Any] | None:
    """What the receiver of an open referral sees; None once the patient has stopped it."""
    try:
        values = slice_values(await read_slice(opened.context, patient, request), opened.t, plain=True)
    except Forbidden:
        return None
    mark = f"-{nth}" if nth else ""
    return {
        **values,
        "rows": [replace(row, sparkline=apart(row.sparkline, mark)) for row in values["rows"]],
        "charts": [replace(row, trend=apart(row.trend, mark)) for row in values["charts"]],
        "mark": mark,
    }


async def _course(opened: Opened, patient: str, request: Json, directory: Mapping[str, Json], nth: int) -> Course:
    t, context = opened.t, opened.context
    found = await case_of(context, f"ServiceRequest/{request['id']}", patient)
    stands = request.get("status") == "active" and (found is None or found.case.status not in ENDED)
    sees = await _seen(opened, patient, request, nth) if request.get("status") == "active" else None
    shared = stands and sees is not None
    past = await course_of(context, found) if found else ()
    end = "" if stands else _end(found)
    now = "closed" if end else station_of(found.case.phase if found else "received")
    speaker = _Speaker(t, _is_elsewhere(request, directory))
    receiver = ", ".join(contact_of(directory, one).name for one in receivers_of(request))
    return Course(
        id=str(request["id"]),
        offer=str(request.get("code", {}).get("text", "")),
        receiver=receiver,
        elsewhere=speaker("note", receiver=receiver) if speaker.elsewhere else "",
        stages=stations(past, now, _STATION.get(end, end), t),
        says=speaker(f"says.{_standing(found, now, end, shared=shared)}"),
        next_on=found.case.next_on if found and stands else None,
        until=until_of(request) if shared else None,
        wrote=speaker("ended"),
        ended=await closing_sentence(context, found) if found and not stands else "",
        open=stands,
        tried=_tried(found, speaker) if found and shared else (),
        call=speaker("call"),
        sees=sees,
    )


_STATION: Mapping[str, str] = {"unreached": "returned"}
"""The last station of an end, where the two do not have one name."""


def _end(found: CaseFile | None) -> str:
    """How a course ended: the phase of its case, or that nobody was reached; what the patient stopped is closed."""
    if found is None or found.case.open or found.case.reason in STOPPED:
        return "closed"
    return "unreached" if found.case.reason in NO_CONTACT_REASONS else found.case.phase


def _standing(found: CaseFile | None, now: str, end: str, *, shared: bool) -> str:
    """Which sentence says how it stands."""
    if end or not shared:
        return end or "stopped"
    return "paused" if found is not None and found.case.phase == "paused" else now


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Says «kommunen» of a municipality, and «de» of any other receiver."""

    t: Catalogue
    elsewhere: bool

    def __call__(self, key: str, **parts: object) -> str:
        own = f"municipal.elsewhere.{key}"
        return self.t(own if self.elsewhere and self.t.has(own) else f"municipal.{key}", **parts)


def _is_elsewhere(request: Json, directory: Mapping[str, Json]) -> bool:
    """Whether a receiver is a unit of health care, by the registers it is in, and no municipality."""
    for one in receivers_of(request):
        found = directory.get(one, {}).get("identifier", ())
        known = {systems.normal_system(str(it.get("system", ""))) for it in found}
        if systems.SOR in known and systems.FK_ORG not in known:
            return True
    return False


def _tried(case: CaseFile, speaker: _Speaker) -> tuple[str, ...]:
    return tuple(speaker(f"tried.{one.channel}", day=danish_date(one.on)) for one in case.case.tried)
