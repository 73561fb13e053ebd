"""Goals and courses on the printed sheet: the table's rows, what needs attention first, drawings and their words."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from lxml import etree

from careplan.domain.calendar import add_months
from careplan.domain.measure import Reading
from careplan.interactions.overview import Line, Overview
from careplan.views import chart, wording
from careplan.views.caption import shared_name
from careplan.views.catalogue import Catalogue
from careplan.views.goalrow import PAIR, is_goal, is_unverified
from careplan.views.origin import origin
from careplan.views.status import rank, status_of_line

DRAWN_FIRST = ("hba1c", "ldl", "sbp")


def goal_parts(overview: Overview, t: Catalogue) -> dict[str, Any]:
    """The table's rows, and values without a target in short, day by day."""
    lines = sorted((one for one in overview.lines if is_goal(one)), key=_attention)
    return {"goals": [_row(overview, one, t) for one in lines], "others": _others(overview, t)}


def _attention(line: Line) -> tuple[int, int, str]:
    return rank(line), *_priority(line)


def _priority(line: Line) -> tuple[int, str]:
    return line.measure.priority, line.measure.id


def _row(overview: Overview, line: Line, t: Catalogue) -> dict[str, Any]:
    assert line.agreed is not None
    icon, word, _ = status_of_line(line, overview.on, t)
    newest = line.newest
    return {
        "measure": wording.measure_name(line.measure, t),
        "newest": wording.value_with_unit(line.measure, newest, t) if newest else t("sheet.no-value"),
        "day": wording.danish_date(wording.day_of(newest)) if newest else "",
        "stamp": _stamp(newest, t) if newest else "",
        "target": wording.target_with_unit(line.measure, line.agreed, t),
        "individual": _with_you(line, overview.on, t),
        "unverified": is_unverified(line),
        "icon": icon,
        "status": word,
    }


def _stamp(reading: Reading, t: Catalogue) -> str:
    """The day of a value; its source where that is not the clinic."""
    day, said = wording.danish_date(wording.day_of(reading)), origin(reading, t)
    return day if said == t("source.clinic") else t("chart.comma").join((day, said))


def _with_you(line: Line, on: date, t: Catalogue) -> str:
    """How long an individual target holds; empty where the target is a rule's."""
    if line.deviation is None:
        return ""
    until = line.deviation.valid_until
    if until is None:
        return t("sheet.with-you")
    return t("sheet.with-you-passed" if until < on else "sheet.with-you-until", day=wording.danish_date(until))


def _others(overview: Overview, t: Catalogue) -> list[str]:
    """The newest values without a target: one text for all of the same day and source, newest first."""
    known = [(line.measure, line.newest) for line in overview.lines if not is_goal(line) and line.newest]
    groups: dict[tuple[date, str], list[str]] = {}
    for measure, newest in known:
        said = f"{wording.measure_name(measure, t)}: {wording.value_with_unit(measure, newest, t)}"
        groups.setdefault((wording.day_of(newest), _stamp(newest, t)), []).append(said)
    between = t("sheet.between")
    return [f"{stamp} – {between.join(said)}" for (_, stamp), said in sorted(groups.items(), reverse=True)]


# ── courses ──────────────────────────────────────────────────────────────────────────────────────


def drawn_lines(overview: Overview, most: int | None) -> Sequence[Line]:
    """The lines whose course is drawn: long-term glucose, cholesterol and blood pressure before others, by priority."""
    since = add_months(overview.on, -12 * chart.YEARS)
    found = [one for one in overview.lines if _is_drawable(one, since) and one.measure.id != PAIR[1]]
    found.sort(key=lambda one: (one.measure.id not in DRAWN_FIRST, *_priority(one)))
    return found[:most]


def _is_drawable(line: Line, since: date) -> bool:
    """Whether a measure has a goal, and two numbers in the time that is drawn."""
    numbers = [one for one in line.readings if isinstance(one.value, Decimal) and wording.day_of(one) >= since]
    return is_goal(line) and chart.is_drawn(line.measure) and len(numbers) >= 2


def told_course(overview: Overview, line: Line, t: Catalogue) -> dict[str, str]:
    """A course: its heading, the sentence above it, the drawing, and the words for those who do not see it."""
    low = next((one for one in overview.lines if one.measure.id == PAIR[1] and one.readings), None)
    diastolic = low if line.measure.id == PAIR[0] else None
    second = None if diastolic is None else (diastolic.measure, diastolic.readings, diastolic.bands)
    name = f"ark-{line.measure.id}"
    svg = chart.trend(line.measure, line.readings, line.bands, overview.on, second=second, name=name, t=t)
    names = [wording.measure_name(one.measure, t) for one in (line, diastolic) if one is not None]
    title, _ = shared_name(names, t)
    said = wording.patient_sentence(line, overview.on, t)
    return {"svg": svg, "title": title, "alt": described(svg), "sentence": said}


def described(svg: str) -> str:
    """The drawing's own title and description, for those who do not see it."""
    root = etree.fromstring(svg.encode())
    found = (root.findtext(f"{{*}}{tag}") or "" for tag in ("title", "desc"))
    return " ".join(f"{one.strip().removesuffix('.')}." for one in found if one.strip())


def history(overview: Overview, t: Catalogue) -> list[dict[str, Any]]:
    """Each goal's targets, newest first, where there has been another than today's."""
    lines = sorted((one for one in overview.lines if is_goal(one) and len(one.bands) > 1), key=_priority)
    return [_steps(line, t) for line in lines]


def _steps(line: Line, t: Catalogue) -> dict[str, Any]:
    bands = sorted(line.bands, key=lambda one: one.start, reverse=True)
    rows = [
        [
            wording.danish_date(band.start),
            wording.danish_date(band.end) if band.end else t("sheet.still"),
            wording.target_with_unit(line.measure, band.target, t),
        ]
        for band in bands
    ]
    return {"title": t("sheet.history", name=wording.measure_name(line.measure, t)), "rows": rows}
