"""B6 «Mit forløb i kommunen»: how far a referral is, the next date, exactly what the receiver sees, and stopping it.

The slice is made by the function that makes the receiver's own page. What came of a course that ended stands there too.
Not here: how sharing is stopped (B7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.responses import Response

from careplan.domain.referral import ENDED
from careplan.fhir.case import receivers_of
from careplan.fhir.text import Json
from careplan.interactions.access import Forbidden
from careplan.interactions.casework import case_of
from careplan.interactions.coursework import closing_sentence
from careplan.interactions.overview import read_overview, read_slice
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.directory import directory_of
from careplan.views.page import Opened
from careplan.views.plan import own_patient
from careplan.views.slice import slice_values, until_of

STAGES = ("sent", "received", "booked", "active", "closed")
"""The stations of a course, as a patient is told of them."""

_STAGE_OF = {
    "received": "sent",
    "triage": "received",
    "accepted": "received",
    "booked": "booked",
    "active": "active",
    "paused": "active",
}
"""The station of each phase; those that are not here have ended it."""


@dataclass(frozen=True, slots=True)
class Course:
    """One referral as the patient sees it.

    stages  (name, whether it is the one now, whether it is behind)
    says    the station in a sentence; ended: what came of it
    """

    offer: str
    receiver: str
    stages: tuple[tuple[str, bool, bool], ...]
    says: str
    next_on: date | None
    until: date | None
    ended: str
    open: bool


async def show(opened: Opened) -> Response:
    """Every referral of the patient, the open ones first; and what the receivers of those see."""
    t, context = opened.t, opened.context
    patient = await own_patient(context)
    overview = await read_overview(context, patient, "patient")
    requests = sorted(overview.referrals, key=lambda one: str(one.get("authoredOn", "")), reverse=True)
    requests.sort(key=lambda one: one.get("status") != "active")
    directory = await directory_of(context, [name for one in requests for name in receivers_of(one)])
    seen = {str(one["id"]): await _seen(opened, patient, one) for one in requests if one.get("status") == "active"}
    courses = [
        await _course(opened, patient, one, directory, t, stopped=seen.get(one["id"], {}) is None) for one in requests
    ]
    id, sees = next(((id, one) for id, one in seen.items() if one is not None), ("", None))
    title, contents = t("municipal.title"), sees or {}
    stop = f"/plan/adgang/henvisning/{id}" if id else ""
    return opened.page("municipal.html", title, courses=courses, sees=sees is not None, stop=stop, **contents)


async def _seen(opened: Opened, patient: str, request: Json) -> Mapping[str, Any] | None:
    """What the receiver of an open referral sees; None once the patient has stopped it."""
    try:
        return slice_values(await read_slice(opened.context, patient, request), opened.t, plain=True)
    except Forbidden:
        return None


async def _course(
    opened: Opened, patient: str, request: Json, directory: Mapping[str, Json], t: Catalogue, *, stopped: bool
) -> Course:
    found = await case_of(opened.context, f"ServiceRequest/{request['id']}", patient)
    phase = found.case.phase if found else "received"
    stands = request.get("status") == "active" and (found is None or found.case.status not in ENDED)
    stage = _STAGE_OF.get(phase, "closed") if stands else "closed"
    at = STAGES.index(stage)
    said = await closing_sentence(opened.context, found) if found and not stands else ""
    return Course(
        offer=str(request.get("code", {}).get("text", "")),
        receiver=", ".join(contact_of(directory, one).name for one in receivers_of(request)),
        stages=tuple((t(f"municipal.stage.{one}"), n == at, n < at) for n, one in enumerate(STAGES)),
        says=t(f"municipal.says.{'stopped' if stopped else 'paused' if phase == 'paused' and stands else stage}"),
        next_on=found.case.next_on if found and stands else None,
        until=until_of(request) if stands and not stopped else None,
        ended=said,
        open=stands,
    )
