"""C5 «Historik»: what happened in the plan, the plan as it stood on a day, and two days side by side.

Everything is asked by GET with days and kinds in the address, so that a page can be kept and reloaded; nothing a
person is known by stands there. Words: `occurrence`, `snapshot`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import urlencode

from starlette.responses import Response

from careplan.domain.measure import Measure
from careplan.domain.target import Band
from careplan.fhir.band import bands_from_goals
from careplan.fhir.goal import measure_of_goal
from careplan.fhir.text import parse
from careplan.interactions.chronicle import Chronicle, person_on, read_chronicle
from careplan.interactions.context import Context
from careplan.interactions.overview import Overview, read_overview
from careplan.interactions.timeline import KINDS, Event, events
from careplan.views import chart, wording
from careplan.views.banner import banner_of
from careplan.views.catalogue import Catalogue
from careplan.views.directory import directory_of
from careplan.views.form import find_day
from careplan.views.occurrence import Speaker, days_of, references_in
from careplan.views.page import Opened
from careplan.views.snapshot import Difference, Snapshot, come_and_gone, differences, snapshot_of

EVENTS = 80
"""Events on a page."""


@dataclass(slots=True)
class _Days:
    """The days that are asked for, as they were typed, and what is wrong with them, by field."""

    typed: dict[str, str]
    found: dict[str, date] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


async def show(opened: Opened) -> Response:
    """The page; with `dato` the plan on that day above the timeline, with `fra` and `til` what differs."""
    context, t = opened.context, opened.t
    patient = opened.path("id")
    chronicle = await read_chronicle(context, patient)
    overview = await read_overview(context, patient, "clinic")
    asked = _asked_days(opened)
    snapshots = {name: _snapshot(opened, chronicle, on) for name, on in asked.found.items()} if not asked.errors else {}
    happened = events(context, chronicle)
    measures = {one.measure.id: one.measure for one in happened if one.measure}
    kind, chosen = _one_of(opened, "slags", KINDS), _one_of(opened, "maaling", measures)
    shown = [one for one in happened if _wanted(one, kind, chosen)]
    pages = max(1, -(-len(shown) // EVENTS))
    number = max(1, min(opened.asked.whole("side") or 1, pages))
    cut = shown[(number - 1) * EVENTS : number * EVENTS]
    directory = {**overview.directory, **await directory_of(context, sorted(references_in(cut)))}
    return opened.page(
        "history.html",
        t("history.title"),
        422 if asked.errors else 200,
        banner=banner_of(overview, context.knowledge),
        patient=patient,
        typed=asked.typed,
        errors=asked.errors,
        asked=asked.found,
        begins=chronicle.begins,
        today=context.on,
        snapshot=snapshots.get("dato"),
        compared=_compared(snapshots),
        kinds=KINDS,
        kind=kind,
        measures=sorted(measures.values(), key=lambda one: (one.priority, one.name)),
        measure=measures.get(chosen),
        course=_course(overview, chosen, t),
        steps=_steps(context, chronicle, measures.get(chosen), t),
        days=days_of(cut, Speaker(t, context.knowledge, directory, patient)),
        total=len(shown),
        number=number,
        pages=pages,
        filters=urlencode({"slags": kind, "maaling": chosen}),
    )


def _one_of(opened: Opened, name: str, known: Iterable[str]) -> str:
    value = opened.asked.text(name)
    return value if value in known else ""


def _wanted(event: Event, kind: str, measure: str) -> bool:
    return (not kind or event.kind == kind) and (
        not measure or (event.measure is not None and event.measure.id == measure)
    )


# ── days ─────────────────────────────────────────────────────────────────────────────────────────


def _asked_days(opened: Opened) -> _Days:
    """`dato` alone, or `fra` and `til` together; each a day until today."""
    t, days = opened.t, _Days({name: opened.asked.text(name) for name in ("dato", "fra", "til")})
    both = bool(days.typed["fra"] or days.typed["til"])
    for name in ("fra", "til") if both else ("dato",):
        text = days.typed[name]
        day = find_day(text)
        label = t(f"history.field.{name}")
        if not text and not both:
            continue
        if day is None:
            days.errors[name] = t("history.no-day", field=label)
        elif day > opened.context.on:
            days.errors[name] = t("history.future", field=label)
        else:
            days.found[name] = day
    if both and not days.errors and days.found["fra"] >= days.found["til"]:
        days.errors["fra"] = t("history.turned", field=t("history.field.fra"), other=t("history.field.til"))
    return days


def _snapshot(opened: Opened, chronicle: Chronicle, on: date) -> Snapshot | None:
    return snapshot_of(opened.context, person_on(opened.context, chronicle, on), on, opened.t)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two days side by side: what changed, and how many measures did not."""

    before: Snapshot
    after: Snapshot
    changed: tuple[Difference, ...]
    same: int
    plans: tuple[tuple[str, ...], tuple[str, ...]]
    wishes: tuple[tuple[str, ...], tuple[str, ...]]


def _compared(snapshots: dict[str, Snapshot | None]) -> Compared | None:
    before, after = snapshots.get("fra"), snapshots.get("til")
    if before is None or after is None:
        return None
    found = differences(before, after)
    changed = tuple(one for one in found if one.changed)
    plans, wishes = come_and_gone(before.plans, after.plans), come_and_gone(before.wishes, after.wishes)
    return Compared(before, after, changed, len(found) - len(changed), plans, wishes)


# ── one measure over time ────────────────────────────────────────────────────────────────────────


def _course(overview: Overview, measure: str, t: Catalogue) -> str:
    """The measure's course with its målbånd, all years."""
    line = next((one for one in overview.lines if one.measure.id == measure), None)
    if line is None:
        return ""
    years = chart.all_years(line.readings, overview.on)
    name = f"historik-{measure}"
    return chart.trend(line.measure, line.readings, line.bands, overview.on, years=years, name=name, t=t, staff=True)


def _steps(
    context: Context, chronicle: Chronicle, measure: Measure | None, t: Catalogue
) -> Sequence[tuple[date, date | None, str]]:
    """(from, until, target) of everything that was agreed for a measure, newest first."""
    if measure is None:
        return ()
    bands: list[Band] = []
    for versions in chronicle.by_resource().values():
        values = [parse(one.body) for one in versions if one.type == "Goal" and one.body is not None]
        codes, measures = context.house.reader.codes, context.knowledge.measures
        if values and measure_of_goal(values[-1], codes, measures) == measure:
            bands += bands_from_goals(values)
    told = [(band.start, band.end, wording.target_with_unit(measure, band.target, t)) for band in bands]
    return sorted(told, key=lambda one: one[0], reverse=True)
