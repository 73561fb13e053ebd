"""C6, «Klinikkens tal»: plans kept up and targets reached, each number with what it counts and who is behind it.

Numbers only, no ranking of people. Who is behind a number of plans is the worklist's; behind a number of targets, a
list here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from careplan.fhir.query import Query
from careplan.fhir.text import parse
from careplan.interactions import access
from careplan.interactions.every import every
from careplan.interactions.figure import ACHIEVEMENTS, GoalFigure, goal_figures, plan_figures
from careplan.interactions.worklist import EXCLUDED, read_worklist
from careplan.store.protocol import NotFound
from careplan.views.contact import age, person_name
from careplan.views.page import Opened

ROWS = 50
TABS: Mapping[str, str] = {"maintained": "i-orden", "overdue": "indkaldes", "new": "egnet", EXCLUDED: "fravalgt"}
"""The tab of the worklist that shows who is behind a number of plans."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One number: how many, of how many, and the address of those who are behind it."""

    key: str
    count: int
    share: int
    link: str


async def show(opened: Opened) -> Response:
    """Plans by type, and targets by measure."""
    context = opened.context
    clinic = context.caller.organization
    found = await read_worklist(context, clinic)
    plans = [
        (
            context.knowledge.plans[figure.plan].name,
            figure.eligible,
            [
                _bar(state, count, figure.eligible, f"/arbejdsliste?fane={TABS[state]}&plan={figure.plan}")
                for state, count in figure.counts.items()
            ],
        )
        for figure in plan_figures(context.knowledge, found)
    ]
    goals = [
        (figure.measure.name, figure.total, _bars(figure))
        for figure in await goal_figures(context, context.caller.organization)
    ]
    return opened.page("figure.html", opened.t("figure.title"), plans=plans, goals=goals, on=context.on)


def _bars(figure: GoalFigure) -> list[Bar]:
    return [
        _bar(one, figure.count(one), figure.total, f"/tal/{figure.measure.id}?status={one}") for one in ACHIEVEMENTS
    ]


def _bar(key: str, count: int, of: int, link: str) -> Bar:
    return Bar(key, count, round(100 * count / of) if of else 0, link if count else "")


async def behind(opened: Opened) -> Response:
    """Who is counted in one number of a measure's targets."""
    context, status = opened.context, opened.asked.text("status")
    found = {one.measure.id: one for one in await goal_figures(context, context.caller.organization)}
    figure = found.get(opened.path("measure"))
    if figure is None or status not in ACHIEVEMENTS:
        raise NotFound("there is no such number")
    ids = figure.patients.get(status, ())
    page = max(1, min(opened.asked.whole("side") or 1, -(-len(ids) // ROWS)))
    shown = ids[(page - 1) * ROWS : page * ROWS]
    query = await access.restrict(context, Query("Patient", patients=frozenset(shown)))
    people = [parse(version.body or b"") for version in await every(context, query)]
    context.trail.met(shown)
    return opened.page(
        "figure_patients.html",
        opened.t("figure.behind", name=figure.measure.name),
        measure=figure.measure,
        achievement=status,
        rows=sorted((person_name(one), age(one, context.on), str(one["id"])) for one in people),
        total=len(ids),
        number=page,
        pages=max(1, -(-len(ids) // ROWS)),
    )
