"""B3, one measure of the patient's own plan: how it stands, how it has gone, what to do, and why the target is so.

The order is the brief's: sentence, number line with the patient's own target alone, chart, what I can do, why, all
numbers. What the rules recommend stands behind a fold of its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.responses import Response

from careplan.domain.guideline import Knowledge
from careplan.interactions.access import may_add
from careplan.interactions.overview import Line, Overview, read_overview
from careplan.store.protocol import NotFound
from careplan.views import chart, wording
from careplan.views.agreement import Agreement, agreements
from careplan.views.basis import rests_on, wanted
from careplan.views.catalogue import Catalogue
from careplan.views.closed import with_closed_plans
from careplan.views.contact import contact_of, coordinator
from careplan.views.goalrow import goal_row, value_table
from careplan.views.home_value import home_place
from careplan.views.page import Opened
from careplan.views.plan import own_patient

ACTIONS = 3


@dataclass(frozen=True, slots=True)
class Reasons:
    """What today's recommendation rests on.

    facts    (sentence, day)
    wanted   what is missing: the recommendation is provisional or, not `decided`, there is none yet
    unverified  no source says what the rule, or a fact it asks about, says
    """

    facts: tuple[tuple[str, str], ...]
    wanted: tuple[str, ...]
    decided: bool
    unverified: bool


async def show(opened: Opened) -> Response:
    """The page of one measure that is in the plan. Raises NotFound."""
    context, t = opened.context, opened.t
    patient = await own_patient(context)
    overview = await with_closed_plans(context, await read_overview(context, patient, "patient"))
    line = next((one for one in overview.lines if one.measure.id == opened.path("measure")), None)
    if line is None:
        raise NotFound("the plan does not follow this measure")
    clinic = contact_of(overview.directory, coordinator(overview.care_teams, overview.patient))
    every, years = opened.asked.text("aar") == "alle", chart.all_years(line.readings, overview.on)
    return opened.page(
        "measure.html",
        wording.measure_name(line.measure, t),
        goal=goal_row(overview, line, t, years=years if every else chart.YEARS),
        longer=years > chart.YEARS,
        every=every,
        agreed=line.agreed is not None,
        reasons=_reasons(line, context.knowledge, t),
        planned=bool(overview.plans),
        actions=actions(line, overview, context.knowledge) if overview.plans else (),
        table=value_table(line, t, len(line.readings)),
        contact=clinic,
        may=await may_add(context, patient),
        at_home=home_place(line.measure) if overview.plans else "",
        updated=wording.time_text(context.now, t),
        signed=context.knowledge.signed,
    )


def _reasons(line: Line, knowledge: Knowledge, t: Catalogue) -> Reasons | None:
    """None where the rules do not speak of the measure."""
    explained = line.explanation
    if explained is None:
        return None
    row = explained.row
    unverified = row is not None and (row.unverified or bool(explained.unverified))
    return Reasons(rests_on(explained, knowledge, t), wanted(explained, knowledge, t), row is not None, unverified)


def actions(line: Line, overview: Overview, knowledge: Knowledge) -> tuple[Agreement, ...]:
    """At most three things the patient does that serve this measure, soonest first."""
    serving = _serving(line, overview.plan_types, knowledge)
    found = agreements(overview.tasks, overview.directory, overview.on)
    return tuple(one for one in found if one.own and not one.done and one.activity in serving)[:ACTIONS]


def _serving(line: Line, kinds: Iterable[str], knowledge: Knowledge) -> frozenset[str]:
    """Activities of these plan types that are for the measure."""
    plans = (knowledge.plans[kind] for kind in kinds if kind in knowledge.plans)
    return frozenset(one.id for plan in plans for one in plan.activities if line.measure.id in one.serves)
