"""When a patient last got their sheet on this browser: what the error page can still say when the record is shut.

Kept in a cookie with a mark of whose it is, so that nobody reads another's day on a browser that is shared.
Not here: the record of deliveries, which counts (`interactions.delivery`).
"""

import hashlib
from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import Response

from careplan.fhir.instant import find_whole_date
from careplan.views.session import read_cookie, write_cookie

COOKIE = "forloebsplan-udskrift"
KEPT = timedelta(days=730)


def remember_print(request: Request, response: Response, patient: str, on: date) -> None:
    """Keep the day on this browser."""
    write_cookie(request, response, COOKIE, f"{on.isoformat()}.{_mark(patient)}", int(KEPT.total_seconds()))


def find_print(request: Request, patient: str | None) -> date | None:
    """The day the patient last got a sheet on this browser; None where nothing is known of it."""
    day, _, mark = read_cookie(request, COOKIE).partition(".")
    return find_whole_date(day) if patient and mark == _mark(patient) else None


def _mark(patient: str) -> str:
    return hashlib.sha256(patient.encode()).hexdigest()[:16]
