"""One row of «Mine mål»: the sentence, the number line, the status, the trend, and why the target is as it is.

What is agreed and what is recommended stand beside one another and are never mixed (brief A). Drawings are made by
`chart`, sentences about values by `wording`; here they are put together for one person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from careplan.domain.measure import Measure, Reading, is_old
from careplan.domain.source import Source
from careplan.domain.target import Band, same_target
from careplan.fhir.goal import is_active
from careplan.fhir.instant import find_date
from careplan.interactions.overview import Line, Overview, is_agreeing
from careplan.interactions.preparation import control_due
from careplan.views import chart, wording
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.origin import origin
from careplan.views.status import rank, status_of_line

PAIR = ("sbp", "dbp")
"""Two measures that are one measurement: a blood pressure."""
SHOWN = 12
"""How many values the table of a row holds."""


@dataclass(frozen=True, slots=True)
class GoalRow:
    """What a page shows of one measure.

    target       what is agreed, in words with unit; empty where nothing is aimed at
    why          sentences on why the agreed target is as it is
    recommended  what the rules say today, in words; empty where it is what is agreed
    explained    the rules' sentence to the patient on their own target; empty where that is not what is agreed
    table        the newest values; caption: which they are
    """

    id: str
    name: str
    explain: str
    sentence: str
    line: str
    icon: str
    word: str
    standing: str
    stamp: str
    target: str
    why: tuple[str, ...]
    recommended: str
    explained: str
    source: Source | None
    trend: str
    old: bool
    unverified: bool
    table: tuple[tuple[str, str, str], ...]
    caption: str


def is_goal(line: Line) -> bool:
    """Whether a line is something agreed on; the rest are numbers that are followed."""
    return line.agreed is not None


def is_aimed(line: Line) -> bool:
    """Whether something is aimed at: a number, an answer, or what somebody has agreed instead."""
    target = line.agreed
    return target is not None and (target.is_number or target.value is not None or line.deviation is not None)


def goal_rows(overview: Overview, lines: Sequence[Line], t: Catalogue, *, staff: bool = False) -> tuple[GoalRow, ...]:
    """The agreed measures, by standing, then by the plan's priority; `staff`: in the names that staff call them by."""
    agreed = [line for line in lines if is_goal(line)]
    ordered = sorted(agreed, key=lambda line: (rank(line), line.measure.priority, line.measure.id))
    return tuple(goal_row(overview, line, t, staff=staff) for line in ordered)


def goal_row(
    overview: Overview,
    line: Line,
    t: Catalogue,
    *,
    trend: bool = True,
    years: int = chart.YEARS,
    staff: bool = False,
) -> GoalRow:
    """The row; `years` are those that the trend shows."""
    measure, newest = line.measure, line.newest
    icon, word, status = status_of_line(line, overview.on, t)
    old = newest is not None and is_old(wording.day_of(newest), overview.on)
    numbered = line.agreed is not None and line.agreed.is_number
    recommendation = line.recommendation
    return GoalRow(
        id=measure.id,
        name=wording.called(measure, t, staff=staff),
        explain=t.danish(measure.explain),
        sentence=wording.patient_sentence(line, overview.on, t),
        line=_number_line(line, t, old=old, staff=staff) if numbered else "",
        icon=icon,
        word=word,
        standing=status,
        stamp=stamp(line, t),
        target=wording.target_with_unit(line.measure, line.agreed, t) if is_aimed(line) else "",
        why=why(overview, line, t),
        recommended=recommended(line, t),
        explained=t.danish(recommendation.row.patient) if recommendation and not differs(line) else "",
        source=recommendation.row.source if recommendation else None,
        trend=_trend(overview, line, t, years, staff=staff) if trend else "",
        old=old,
        unverified=is_unverified(line),
        table=value_table(line, t),
        caption=_table_caption(line, wording.called(measure, t, staff=staff), t),
    )


def stamp(line: Line, t: Catalogue) -> str:
    """«Opdateret 14.03.2026 kl. 09.12 · Kilde: lab.kort», without an hour that is not known; empty without a value."""
    newest = line.newest
    if newest is None:
        return ""
    at = wording.time_text(newest.at, t) if newest.timed else wording.danish_date(wording.day_of(newest))
    return t("stamp", at=at, source=origin(newest, t))


def is_unverified(line: Line) -> bool:
    """Whether the target is a rule's whose number was not found again in its source."""
    found = line.recommendation
    return found is not None and found.row.unverified and line.deviation is None and not differs(line)


def recommended(line: Line, t: Catalogue) -> str:
    """What the rules recommend today, where that is not what is agreed."""
    if line.recommendation is None or line.agreed is None or not differs(line):
        return ""
    return wording.target_with_unit(line.measure, line.recommendation.target, t)


def differs(line: Line) -> bool:
    """Whether the agreed target is another than today's recommendation."""
    if line.recommendation is None or line.agreed is None:
        return False
    return not same_target(line.agreed, line.recommendation.target)


def why(overview: Overview, line: Line, t: Catalogue) -> tuple[str, ...]:
    """Plain sentences on the agreed target: the rules' own, or why it is another; who agreed on it, and until when.

    What is not on record is left out; of a target without a number only what the rules say is told.
    """
    if line.deviation is None:
        known = line.recommendation.row.patient if line.recommendation and not differs(line) else ""
        who = agreed_by(overview, line)
        agreed = t("why.agreed-with", who=who) if who else t("why.agreed-with-clinic")
        told = (agreed, set_on(line, t), review(overview, t)) if is_aimed(line) else ()
        return tuple(one for one in (t.danish(known), *told) if one)
    deviation = line.deviation
    author = contact_of(overview.directory, deviation.author)
    title = "doctor" if "læge" in author.title.lower() else "nurse" if "sygeplejerske" in author.title.lower() else ""
    sentences = [t(f"why.set-by-{title}" if title else "why.set-by-clinic", who=author.name)]
    sentences.append(set_on(line, t))
    sentences.append(t(f"why.{_direction(line)}"))
    sentences.append(t(f"why.reason.{deviation.reason}") if t.has(f"why.reason.{deviation.reason}") else "")
    if deviation.text:
        sentences.append(t("why.text", text=t.danish(deviation.text.strip())))
        sentences.append("" if t.source else t("frame.by-clinic"))
    ends = deviation.valid_until
    sentences.append(until(ends, overview.on, t) if ends else review(overview, t))
    return tuple(one for one in sentences if one)


def agreed_by(overview: Overview, line: Line) -> str:
    """Who of the clinic agreed on the target that holds, by its Provenance, else as its Goal says; empty where neither
    names anybody.
    """
    goal, since = line.goal or {}, line.bands[-1].start if line.bands else None
    proofs = [one for one in overview.changes if is_agreeing(one, goal) and find_date(one.get("recorded")) == since]
    agents = [agent.get("who", {}) for one in proofs for agent in one.get("agent", ())]
    named = (str(one.get("reference", "")) for one in (*agents, goal.get("expressedBy", {})))
    found = (contact_of(overview.directory, one).name for one in named if one.startswith("Practitioner"))
    return next(filter(None, found), "")


def review(overview: Overview, t: Catalogue) -> str:
    """When a target that goes on is looked at again: at the next control; empty where none is to come."""
    due = control_due(overview.plans, overview.tasks)
    if due is None:
        return ""
    return t("why.review-late") if due < overview.on else until(due, overview.on, t)


def set_on(line: Line, t: Catalogue) -> str:
    """The day from which the agreed target is as it is; empty where it is not known."""
    return t("why.set-on", day=wording.danish_date(line.bands[-1].start)) if line.bands else ""


def until(day: date, on: date, t: Catalogue) -> str:
    """When the target is looked at again."""
    if day < on:
        return t("why.until-passed", day=wording.danish_date(day))
    return t("why.until", month=wording.month_name(day, t), year=day.year)


def _direction(line: Line) -> str:
    if line.recommendation is None or line.agreed is None:
        return "other"
    mine, usual = line.agreed, line.recommendation.target
    ours, theirs = (one.high if one.high is not None else one.low for one in (mine, usual))
    if ours is None or theirs is None or ours == theirs:
        return "other"
    return "higher" if ours > theirs else "lower"


def _number_line(line: Line, t: Catalogue, *, old: bool, staff: bool) -> str:
    name, ended = f"linje-{line.measure.id}", line.goal is not None and not is_active(line.goal)
    drawn = (line.measure, line.agreed, line.newest, line.standing)
    return chart.number_line(*drawn, name=name, t=t, old=old, ended=ended, staff=staff)


def _trend(overview: Overview, line: Line, t: Catalogue, years: int, *, staff: bool) -> str:
    numbers = [one for one in line.readings if line.measure.number(one.value) is not None]
    if len(numbers) < 2 or line.measure.kind not in ("quantity", "score"):
        return ""
    second = _second(overview, line)
    name, drawn = f"forloeb-{line.measure.id}", (line.measure, line.readings, line.bands, overview.on)
    return chart.trend(*drawn, years=years, second=second, name=name, t=t, staff=staff)


def _second(overview: Overview, line: Line) -> tuple[Measure, Sequence[Reading], Sequence[Band]] | None:
    """The low number of a blood pressure, drawn with the high one."""
    if line.measure.id != PAIR[0]:
        return None
    low = next((one for one in overview.lines if one.measure.id == PAIR[1] and one.readings), None)
    return None if low is None else (low.measure, low.readings, low.bands)


def _table_caption(line: Line, name: str, t: Catalogue) -> str:
    if len(line.readings) > SHOWN:
        return t("plan.newest-of", count=SHOWN, name=name)
    return t("plan.table-of", name=name)


def value_table(line: Line, t: Catalogue, most: int = SHOWN) -> tuple[tuple[str, str, str], ...]:
    """Day, value with unit and source, newest first."""
    return tuple(
        (
            wording.danish_date(wording.day_of(one)),
            wording.value_with_unit(line.measure, one, t),
            origin(one, t),
        )
        for one in line.readings[:most]
    )
