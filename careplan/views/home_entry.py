"""B4: what one can measure at home, and the values one has written, each to be mended or deleted.

A value that is mended keeps its id and its history; one that is deleted is `entered-in-error`, which the clinic can
still see and nothing counts. Only what the caller has written is theirs to change. Writing a new one: `home_value`.
https://hl7.org/fhir/R4/valueset-observation-status.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.responses import Response

from careplan.domain.measure import Reading
from careplan.fhir import systems
from careplan.fhir.instant import instant_text
from careplan.fhir.reading import WITHDRAWN, Codes, find_type, readings_from_observation
from careplan.fhir.text import Json, dump, parse, read_text
from careplan.interactions.access import may_add
from careplan.interactions.context import Context
from careplan.interactions.guest import references_of, speaker_of
from careplan.interactions.overview import Overview, read_overview
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.read import read
from careplan.interactions.representation import OnlyReads
from careplan.interactions.write import update
from careplan.store.protocol import NotFound, Version
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of, coordinator
from careplan.views.home_value import (
    Moment,
    field_of,
    kinds_of,
    moment_of,
    read_moment,
    typed_text,
    value_errors,
)
from careplan.views.measured import Typed, read_values, value_of_typed
from careplan.views.page import Opened, go
from careplan.views.plan import own_patient

MOST = 10
"""Values listed, the newest."""
PLACE = "/plan/hjemmemaaling"
DO, MEND, DELETE = "goer", "ret", "slet"


@dataclass(frozen=True, slots=True)
class Entry:
    """A home value that the caller has written: its Observation, its readings, and how they are told."""

    id: str
    version: int
    observation: Json
    readings: tuple[Reading, ...]
    shown: tuple[tuple[str, str], ...]
    at: str


async def choose(opened: Opened) -> Response:
    """What can be measured at home, and what has been written."""
    context, t = opened.context, opened.t
    patient = await own_patient(context)
    overview = await read_overview(context, patient, "patient")
    may = await may_add(context, patient)
    return opened.page(
        "home.html",
        t("home.title"),
        kinds=kinds_of(overview, context.knowledge, t) if may else (),
        says=t("home.no-plan" if not overview.plans else "home.none" if may else "home.read-only"),
        entries=_entries(context, overview, t) if may else (),
        contact=contact_of(overview.directory, coordinator(overview.care_teams, overview.patient)),
    )


def _entries(context: Context, overview: Overview, t: Catalogue) -> tuple[Entry, ...]:
    """The newest values that the caller has written."""
    found = [_entry(context, one, t) for one in overview.observations if _is_own(context, one)]
    listed = sorted((one for one in found if one is not None), key=lambda one: one.readings[0].at, reverse=True)
    return tuple(listed[:MOST])


def _is_own(context: Context, observation: Json) -> bool:
    own = references_of(observation, "performer") == [speaker_of(context)]
    return own and observation.get("status") not in WITHDRAWN


def _entry(context: Context, observation: Json, t: Catalogue) -> Entry | None:
    """The entry behind an Observation; None where it holds anything that is not measured at home."""
    measures = context.knowledge.measures
    readings = readings_from_observation(observation, context.house.reader.codes)
    if not readings or not all(measures[one.measure].home and isinstance(one.value, Decimal) for one in readings):
        return None
    shown = [(measures[one.measure], one) for one in readings]
    told = tuple((wording.measure_name(one, t), wording.value_with_unit(one, it, t)) for one, it in shown)
    number = int(observation["meta"]["versionId"])
    return Entry(observation["id"], number, observation, readings, told, wording.time_text(readings[0].at, t))


# ── mending and deleting ─────────────────────────────────────────────────────────────────────────


async def change(opened: Opened) -> Response:
    """One's own value, to be mended or deleted. Raises NotFound, Forbidden, OnlyReads."""
    context, t = opened.context, opened.t
    if not await may_add(context, await own_patient(context)):
        raise OnlyReads("this power of attorney lets read, not write")
    version = await read(context, "Observation", opened.path("id"))
    if opened.posted and parse(version.body or b"").get("status") in WITHDRAWN:
        return go(PLACE, besked="slettet")
    entry = _own_entry(context, version, t)
    measures = [context.knowledge.measures[one.measure] for one in entry.readings]
    before = {one.measure: _as_typed(context, one, t) for one in entry.readings}
    if not opened.posted:
        return _page(opened, entry, before, moment_of(entry.readings[0].at))
    if opened.form.text(DO) == DELETE:
        return await _deleted(opened, entry, before)
    return await _mended(opened, entry, read_values(opened.form, measures, t), before)


def _own_entry(context: Context, version: Version, t: Catalogue) -> Entry:
    observation = parse(version.body or b"")
    entry = _entry(context, observation, t) if _is_own(context, observation) else None
    if entry is None:
        raise NotFound(f"Observation/{version.id} is no home value of the caller's")
    return entry


def _as_typed(context: Context, reading: Reading, t: Catalogue) -> Typed:
    measure = context.knowledge.measures[reading.measure]
    assert isinstance(reading.value, Decimal)
    return Typed(measure, wording.number_text(reading.value, t), reading.value)


async def _mended(opened: Opened, entry: Entry, values: Mapping[str, Typed], before: Mapping[str, Typed]) -> Response:
    moment, was = _moment(opened, entry)
    errors = {**value_errors(list(values.values()), opened.t), **moment.errors}
    if errors:
        return _page(opened, entry, values, moment, 422, errors)
    same = all(one.value == before[id].value for id, one in values.items())
    if same and moment == was:
        return go(PLACE)
    changed = mended(entry.observation, opened.context.house.reader.codes, values)
    if moment != was and moment.at is not None:
        changed = {name: part for name, part in changed.items() if not name.startswith("effective")}
        changed["effectiveDateTime"] = instant_text(moment.at)
    try:
        await _update(opened, entry, changed)
    except PreconditionFailed:
        return await _conflict(opened, values, moment)
    return go(PLACE, besked="rettet")


def _moment(opened: Opened, entry: Entry) -> tuple[Moment, Moment]:
    """When it was measured, as typed and as it stood; a time that was not touched is not doubted."""
    was = moment_of(entry.readings[0].at)
    typed = read_moment(opened.form, opened.context, opened.t)
    return (was if (typed.day, typed.clock) == (was.day, was.clock) else typed), was


async def _update(opened: Opened, entry: Entry, changed: Mapping[str, Any]) -> None:
    expects = opened.form.whole("version")
    await update(opened.context, "Observation", entry.id, read_text(dump(dict(changed))), expects=expects)


async def _deleted(opened: Opened, entry: Entry, before: Mapping[str, Typed]) -> Response:
    try:
        await _update(opened, entry, {**entry.observation, "status": "entered-in-error"})
    except PreconditionFailed:
        return await _conflict(opened, before, moment_of(entry.readings[0].at))
    return go(PLACE, besked="slettet")


async def _conflict(opened: Opened, values: Mapping[str, Typed], moment: Moment) -> Response:
    """Both versions, and the form again, that it may be sent over what stands now."""
    context, t = opened.context, opened.t
    version = await read(context, "Observation", opened.path("id"))
    if parse(version.body or b"").get("status") in WITHDRAWN:
        return go(PLACE, besked="slettet")
    entry = _own_entry(context, version, t)
    theirs = [*(f"{name}: {value}" for name, value in entry.shown), entry.at]
    mine = [f"{wording.measure_name(one.measure, t)}: {typed_text(one, t)}" for one in values.values()]
    return _page(opened, entry, values, moment, 409, theirs=theirs, mine=[*mine, f"{moment.day} {moment.clock}"])


def _page(
    opened: Opened,
    entry: Entry,
    values: Mapping[str, Typed],
    moment: Moment,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    **both: list[str],
) -> Response:
    return opened.page(
        "home_change.html",
        opened.t("home.change.title"),
        status,
        id=entry.id,
        version=entry.version,
        fields=[field_of(one.measure, one, opened.t) for one in values.values()],
        moment=moment,
        now=moment_of(opened.context.now),
        errors=errors or {},
        **{"theirs": [], "mine": [], **both},
    )


def mended(observation: Json, codes: Codes, values: Mapping[str, Typed]) -> dict[str, Any]:
    """The Observation with other values, `corrected`: whether unlikely ones are right was asked anew."""
    changed = _with_value(observation, codes, values)
    if "component" in observation:
        changed["component"] = [_with_value(one, codes, values) for one in observation["component"]]
    kept = [one for one in observation.get("extension", ()) if one.get("url") != systems.EXT_VALUE_CONFIRMED]
    if any(one.sure for one in values.values()):
        kept.append({"url": systems.EXT_VALUE_CONFIRMED, "valueBoolean": True})
    changed.pop("extension", None)
    return {**changed, **({"extension": kept} if kept else {}), "status": "corrected"}


def _with_value(part: Json, codes: Codes, values: Mapping[str, Typed]) -> dict[str, Any]:
    found, name = codes.find(part.get("code")), find_type(part)
    if found is None or name is None or found[0].id not in values:
        return dict(part)
    rest = {key: value for key, value in part.items() if key != name}
    return {**rest, **value_of_typed(values[found[0].id])}
