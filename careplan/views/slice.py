"""The slice of a plan that a referral opens, shown alike to its receiver, in the preview and to the patient.

What the slice holds is decided by `interactions.overview`; nothing here tells what else there may be. Not here: the
pages it stands on (`referral`, `referring`, `municipal`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from careplan.domain.measure import is_old
from careplan.fhir.case import NEEDS, needs_of
from careplan.fhir.instant import find_date
from careplan.fhir.text import Json
from careplan.interactions.overview import Line, Overview
from careplan.views import chart, wording
from careplan.views.agreement import agreements
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of, coordinator
from careplan.views.goalrow import goal_rows
from careplan.views.origin import origin_of_newest
from careplan.views.plan import wishes
from careplan.views.status import status_of_line


@dataclass(frozen=True, slots=True)
class Shared:
    """Who shared the slice, when, and until when; why, and what the receiver must know."""

    by: str
    on: date | None
    until: date | None
    offer: str
    reasons: tuple[str, ...]
    needs: tuple[str, ...]


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


def slice_values(overview: Overview, t: Catalogue, *, plain: bool = False) -> Mapping[str, Any]:
    """What `slice_parts.html` shows, of an overview for the audience `referral`.

    plain  whether it is told to the patient: in the names and words that patients know
    """
    found = agreements(overview.tasks, overview.directory, overview.on)
    return {
        "yours": plain,
        "shared": [_shared(overview, request, t) for request in overview.referrals],
        "wishes": wishes(overview),
        "rows": [slice_row(overview, line, t, plain=plain) for line in overview.lines],
        "charts": [row for row in goal_rows(overview, overview.lines, t, staff=not plain) if row.trend],
        "agreements": [one for one in found if not one.done],
        "contact": contact_of(overview.directory, coordinator(overview.care_teams, overview.patient)),
        "languages": _languages(overview.patient),
    }


def slice_row(overview: Overview, line: Line, t: Catalogue, *, plain: bool = False) -> SliceRow:
    """One measure as the receiver of a referral sees it."""
    measure, newest = line.measure, line.newest
    drawn = [one for one in line.readings if measure.number(one.value) is not None]
    icon, word, status = status_of_line(line, overview.on, t)
    return SliceRow(
        name=wording.called(measure, t, staff=not plain),
        value=wording.value_with_unit(measure, newest, t) if newest else "",
        day=wording.danish_date(wording.day_of(newest)) if newest else "",
        source=origin_of_newest(line, t),
        old=newest is not None and is_old(wording.day_of(newest), overview.on),
        sparkline=chart.sparkline(
            measure, drawn, line.agreed, overview.on, name=f"udvikling-{measure.id}", t=t, staff=not plain
        )
        if len(drawn) > 1 and measure.kind in ("quantity", "score")
        else "",
        target=wording.target_with_unit(line.measure, line.agreed, t),
        icon=icon,
        word=word,
        standing=status,
    )


def _shared(overview: Overview, request: Json, t: Catalogue) -> Shared:
    requester = contact_of(overview.directory, requester_of(request))
    texts = {f"Condition/{one['id']}": one.get("code", {}).get("text", "") for one in overview.conditions}
    reasons = [texts.get(str(one.get("reference", "")), "") for one in request.get("reasonReference", ())]
    reasons += [one.get("text", "") for one in request.get("reasonCode", ())]
    return Shared(
        by=requester.organization or requester.name,
        on=find_date(request.get("authoredOn")),
        until=until_of(request),
        offer=request.get("code", {}).get("text", ""),
        reasons=tuple(dict.fromkeys(one for one in reasons if one)),
        needs=needs_text(request, t),
    )


def needs_text(request: Json, t: Catalogue) -> tuple[str, ...]:
    """The special needs of a referral in the page's language; words somebody wrote stay as they are."""
    names = {name: code for code, name in NEEDS.items()}
    return tuple(t(f"need.{names[one]}") if one in names else one for one in needs_of(request))


def requester_of(request: Json) -> str:
    """The reference of who asked."""
    return str(request.get("requester", {}).get("reference", ""))


def until_of(request: Json) -> date | None:
    """The last day that the receiver sees the slice."""
    return find_date(request.get("occurrencePeriod", {}).get("end"))


def _languages(patient: Json) -> tuple[str, ...]:
    """Languages other than Danish the person is spoken to in: what an interpreter is needed for."""
    spoken = [one.get("language", {}) for one in patient.get("communication", ())]
    named = [
        one.get("text") or next((c.get("display") or c.get("code") for c in one.get("coding", ())), "")
        for one in spoken
    ]
    return tuple(name for name in named if name and not str(name).lower().startswith("da"))
