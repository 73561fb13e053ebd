"""The stations of a course in the municipality, as a patient is told of them: which were passed, and where it is now.

A station is shown as passed only where the record says so: by a phase the case has been in, a day that was agreed, a
meeting that was held. Not here: the sentences beside them (`municipal`).
"""

from collections.abc import Collection

from careplan.fhir.case import next_day, phase_of
from careplan.fhir.text import Json
from careplan.interactions.coursework import ABSENT, ATTENDED
from careplan.views.catalogue import Catalogue

STATIONS = ("sent", "received", "booked", "active", "closed")
"""The stations, in their order."""

_STATION_OF = {
    "received": "sent",
    "triage": "received",
    "accepted": "received",
    "booked": "booked",
    "active": "active",
    "paused": "active",
}
"""The station of each phase; those that are not here have ended it."""

_BEFORE = {"booked": "received", "active": "received", "received": "sent"}
"""What a station cannot come without."""


def station_of(phase: str) -> str:
    """The station of a phase of CodeSystem/referral-phase."""
    return _STATION_OF.get(phase, "closed")


def stations(versions: Collection[Json], now: str, end: str, t: Catalogue) -> tuple[tuple[str, bool, bool], ...]:
    """(name, whether it is the one now, whether it is behind) of each station of a course.

    versions  the Task of the case, as it was from the first to now
    now       the station; `end`: the phase that ended it, empty while it goes on
    Those that were passed, the one now, and while it goes on those to come; what was left out stands nowhere.
    """
    passed = _passed(versions)
    at = STATIONS.index(now)
    shown = tuple(
        (t(f"municipal.stage.{one}"), n == at, n < at) for n, one in enumerate(STATIONS) if n >= at or one in passed
    )
    return shown if not end else (*shown[:-1], (t(f"municipal.stage.{end}"), True, False))


def _passed(versions: Collection[Json]) -> frozenset[str]:
    found = {"sent", *(station_of(phase_of(one)) for one in versions)}
    found |= {"booked" for one in versions if next_day(one) is not None}
    found |= {"active" for one in versions if one.get("status") == "completed" or _met(one)}
    found |= {"received" for one in versions if one.get("status") in ("rejected", "failed")}
    return frozenset(found | {_BEFORE[one] for one in found if one in _BEFORE})


def _met(task: Json) -> bool:
    """Whether a meeting was held, or missed: the course was under way."""
    return any((one.get("type") or {}).get("text") in (ATTENDED, ABSENT) for one in task.get("output", ()))
