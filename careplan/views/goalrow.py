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
from careplan.interactions.overview import Line, Overview
from careplan.views import chart, wording
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.origin import origin
from careplan.views.status import rank, status_of_line

PAIR = ("sbp", "dbp")
"""Two measures that are one measurement: a blood pressure."""


@dataclass(frozen=True, slots=True)
class GoalRow:
    """What a page shows of one measure.

    target       what is agreed, in words with unit; empty without a number
    why          sentences on why the agreed target is as it is
    recommended  what the rules say today, in words; empty where it is what is agreed
    explained    the rules' sentence to the patient on their own target; empty where that is not what is agreed
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


def is_goal(line: Line) -> bool:
    """Whether a line is something agreed on; the rest are numbers that are followed."""
    return line.agreed is not None


def goal_rows(overview: Overview, lines: Sequence[Line], t: Catalogue) -> tuple[GoalRow, ...]:
    """The agreed measures, by standing, then by the plan's priority."""
    agreed = [line for line in lines if is_goal(line)]
    ordered = sorted(agreed, key=lambda line: (rank(line), line.measure.priority, line.measure.id))
    return tuple(goal_row(overview, line, t) for line in ordered)


def goal_row(overview: Overview, line: Line, t: Catalogue, *, trend: bool = True, years: int = chart.YEARS) -> GoalRow:
    """The row; `years` are those that the trend shows."""
    measure, newest = line.measure, line.newest
    icon, word, status = status_of_line(line, overview.on, t)
    old = newest is not None and is_old(wording.day_of(newest), overview.on)
    numbered = line.agreed is not None and line.agreed.is_number
    recommendation = line.recommendation
    return GoalRow(
        id=measure.id,
        name=wording.measure_name(measure, t),
        explain=t.danish(measure.explain),
        sentence=wording.patient_sentence(line, overview.on, t),
        line=chart.number_line(measure, line.agreed, newest, line.standing, name=f"linje-{measure.id}", t=t, old=old)
        if numbered and (newest is None or measure.number(newest.value) is not None)
        else "",
        icon=icon,
        word=word,
        standing=status,
        stamp=stamp(line, t),
        target=wording.target_with_unit(line.measure, line.agreed, t),
        why=why(overview, line, t),
        recommended=recommended(line, t),
        explained=t.danish(recommendation.row.patient) if recommendation and not differs(line) else "",
        source=recommendation.row.source if recommendation else None,
        trend=_trend(overview, line, t, years) if trend else "",
        old=old,
        unverified=is_unverified(line),
        table=value_table(line, t),
    )


def stamp(line: Line, t: Catalogue) -> str:
    """«Målt 14.03.2026 · Kilde: lab.kort»; empty without a value."""
    if line.newest is None:
        return ""
    return t("stamp", day=wording.danish_date(wording.day_of(line.newest)), source=origin(line.newest, t))


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
    """Plain sentences on the agreed target: the rules' own, or who agreed on another, why, and until when."""
    if line.deviation is None:
        known = line.recommendation.row.patient if line.recommendation and not differs(line) else ""
        return tuple(one for one in (t.danish(known), t("why.agreed-with-clinic"), set_on(line, t)) if one)
    deviation = line.deviation
    author = contact_of(overview.directory, deviation.author)
    title = "doctor" if "læge" in author.title.lower() else "nurse" if "sygeplejerske" in author.title.lower() else ""
    sentences = [t(f"why.set-by-{title}" if title else "why.set-by-clinic", who=author.name)]
    sentences.append(set_on(line, t))
    sentences.append(t(f"why.{_direction(line)}"))
    sentences.append(t(f"why.reason.{deviation.reason}") if t.has(f"why.reason.{deviation.reason}") else "")
    if deviation.text:
        sentences.append(t("why.text", text=t.danish(deviation.text.strip())))
    if deviation.valid_until:
        sentences.append(until(deviation.valid_until, overview.on, t))
    return tuple(one for one in sentences if one)


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


def _trend(overview: Overview, line: Line, t: Catalogue, years: int) -> str:
    numbers = [one for one in line.readings if line.measure.number(one.value) is not None]
    if len(numbers) < 2 or line.measure.kind not in ("quantity", "score"):
        return ""
    second = _second(overview, line)
    name = f"forloeb-{line.measure.id}"
    return chart.trend(line.measure, line.readings, line.bands, overview.on, years=years, second=second, name=name, t=t)


def _second(overview: Overview, line: Line) -> tuple[Measure, Sequence[Reading], Sequence[Band]] | None:
    """The low number of a blood pressure, drawn with the high one."""
    if line.measure.id != PAIR[0]:
        return None
    low = next((one for one in overview.lines if one.measure.id == PAIR[1] and one.readings), None)
    return None if low is None else (low.measure, low.readings, low.bands)


def value_table(line: Line, t: Catalogue, most: int = 12) -> tuple[tuple[str, str, str], ...]:
    """Day, value with unit and source, newest first."""
    return tuple(
        (
            wording.danish_date(wording.day_of(one)),
            wording.value_with_unit(line.measure, one, t),
            origin(one, t),
        )
        for one in line.readings[:most]
    )
