"""B4, the receipt of a home measurement: what was written, and what is agreed for a value outside the target.

What is agreed stands in the Goal's notes (`fhir.instruction`) and is told word for word; a value is never judged by a
colour.
"""

from dataclasses import dataclass

from starlette.responses import Response

from careplan.domain.evaluation import stands
from careplan.domain.measure import Reading
from careplan.domain.target import Standing
from careplan.fhir.instruction import instructions_of
from careplan.fhir.reading import readings_from_observation
from careplan.fhir.text import parse
from careplan.interactions.context import Context
from careplan.interactions.overview import Line, Overview, read_overview
from careplan.interactions.person import PLAN_TYPES, read_person
from careplan.interactions.read import read
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of, coordinator
from careplan.views.page import Opened
from careplan.views.plan import own_patient


@dataclass(frozen=True, slots=True)
class Kept:
    """A value of the receipt. `target`: what is agreed where the value lies outside it; `instructions`: verbatim."""

    name: str
    value: str
    target: str
    instructions: tuple[str, ...]


async def saved(opened: Opened) -> Response:
    """«Gemt»: what was written, and what is agreed for a value outside the target. Raises NotFound, Forbidden."""
    context, t = opened.context, opened.t
    patient = await own_patient(context)
    observation = parse((await read(context, "Observation", opened.asked.text("id"))).body or b"")
    found = readings_from_observation(observation, context.house.reader.codes)
    overview = await read_overview(context, patient, "patient")
    clinic = contact_of(overview.directory, coordinator(overview.care_teams, overview.patient))
    kept = [await _kept(context, patient, overview, one, t) for one in found]
    at = wording.time_text(found[0].at, t) if found else ""
    return opened.page("home_saved.html", t("home.saved"), kept=kept, contact=clinic, at=at)


async def _kept(context: Context, patient: str, overview: Overview, reading: Reading, t: Catalogue) -> Kept:
    measure = context.knowledge.measures[reading.measure]
    line = next((one for one in overview.lines if one.measure.id == measure.id), None)
    outside = line is not None and await _is_outside(context, patient, line, reading)
    return Kept(
        wording.measure_name(measure, t),
        wording.value_with_unit(measure, reading, t),
        wording.target_with_unit(measure, line.agreed, t) if line and outside else "",
        instructions_of(line.goal) if line and outside else (),
    )


async def _is_outside(context: Context, patient: str, line: Line, reading: Reading) -> bool:
    """Whether a value lies outside what is agreed, however near."""
    person = await read_person(context, patient, PLAN_TYPES)
    standing = stands(context.knowledge, person.chart, line.measure, line.agreed, reading)
    return standing in (Standing.OUT, Standing.NEAR)
