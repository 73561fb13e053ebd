"""The SVG charts of one measure: number line, trend with its målbånd, and the staff's sparkline (brief E).

The same drawing goes to screen, print and PDF, and the same values always give the same text. A chart that would have
nothing to draw is the empty string. Not here: sentences and tables beside a chart, and words in it (`caption`).
https://www.w3.org/TR/SVG11/ · https://www.w3.org/TR/wai-aria-1.2/#img
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from careplan.domain.measure import Measure, Reading
from careplan.domain.target import Band, Standing, Target
from careplan.views import course, wording
from careplan.views.axis import ValueAxis, span_of, time_axis, value_axis
from careplan.views.caption import Series, line_caption, sparkline_caption
from careplan.views.catalogue import Catalogue
from careplan.views.label import clamped
from careplan.views.mark import DOT, GRID, INK, KEY, PAPER, SOFT, arrow, hatch, points_up, shape, zone
from careplan.views.svg import Attribute, element, figure, number, text

Pair = tuple[Measure, Sequence[Reading], Sequence[Band]]
"""A second measure on the same axis: a blood pressure's low number."""

LINE_SIZE, LINE_ENDS, LINE_TRACK = (360, 100), (12.0, 348.0), (40.0, 58.0)
SPARK_SIZE, SPARK_YEARS = (120, 28), 3
SIZE, LARGE = 14.0, 17.0
YEARS = 3
"""How far back a trend goes where nobody asks for more."""


def number_line(
    measure: Measure,
    target: Target | None,
    reading: Reading | None,
    standing: Standing,
    *,
    name: str,
    t: Catalogue,
    old: bool = False,
    ended: bool = False,
    staff: bool = False,
) -> str:
    """The newest value against the person's own target, and no other: target zone, marker, ends in words.

    name     makes the drawing's ids unique in a page; old: whether the value is; ended: whether the target has
    staff    whether the measure is called as staff call it
    Returns  empty without a target in numbers, and for choices, which have no line to stand on
    """
    value = None if reading is None else measure.number(reading.value)
    if not is_drawn(measure) or target is None or not target.is_number or (reading is not None and value is None):
        return ""
    axis = value_axis(span_of(measure, [reading] if reading else [], [target]), *LINE_ENDS)
    series = Series(measure, (), (), wording.called(measure, t, staff=staff))
    caption = line_caption(series, target, reading, standing, t, old=old, ended=ended)
    body = [hatch(f"{name}-zone"), *_track(axis, measure, target, name, t)]
    if reading is not None and value is not None:
        body += _marker(axis, measure, reading, value, t)
    else:
        body.append(text(LINE_ENDS[0], LINE_TRACK[0] - 12, wording.status_word(standing, t)[1], size=SIZE, fill=SOFT))
    return figure(name, LINE_SIZE, 1.25, caption.title, caption.description, body, f"number-line {standing.value}")


def trend(
    measure: Measure,
    readings: Sequence[Reading],
    bands: Sequence[Band],
    on: date,
    *,
    years: int = YEARS,
    second: Pair | None = None,
    name: str,
    t: Catalogue,
    staff: bool = False,
) -> str:
    """The values of the last years, and the targets that were valid then, stepped where a new one was agreed.

    readings, bands  in any order; those after `on` are left out
    second           drawn on the same axis and in the same unit: ▲ the first, ▼ the second
    staff            whether measures are called as staff call them
    Returns          empty where no value is a number
    """
    parts = [(measure, readings, bands), *([second] if second else [])]
    known = [(one, _numbers(one, some, on), tuple(steps)) for one, some, steps in parts]
    if not is_drawn(measure) or not any(some for _, some, _ in known):
        return ""
    series = [Series(one, some, steps, wording.called(one, t, staff=staff)) for one, some, steps in known]
    return course.draw(series, on, years, name, t)


def sparkline(
    measure: Measure,
    readings: Sequence[Reading],
    target: Target | None,
    on: date,
    *,
    name: str,
    t: Catalogue,
    staff: bool = False,
) -> str:
    """The small course of a table: today's target, the last three years (or since the newest value), the newest dot."""
    known = _numbers(measure, readings, on)
    if not is_drawn(measure) or not known:
        return ""
    days = time_axis(on, SPARK_YEARS, 5, 114, wording.day_of(known[0]))
    shown = [one for one in known if days.holds(wording.day_of(one))]
    values = value_axis(span_of(measure, known, [target]), 24, 4)
    places = [(days.place(wording.day_of(one)), values.place(_value(measure, one))) for one in reversed(shown)]
    body = [element("rect", width=120, height=28, fill=PAPER)]
    if target is not None and target.is_number:
        bottom, top = values.zone(target)
        body += [hatch(f"{name}-zone"), zone(1, top, 118, bottom - top, f"{name}-zone")]
    if len(places) > 1:
        line = " ".join(f"{number(x)},{number(y)}" for x, y in places)
        body.append(element("polyline", points=line, fill="none", stroke=INK, stroke_width=1.4))
    body.append(shape(DOT, *places[-1], hollow=known[0].source == "home", radius=3))
    caption = sparkline_caption(Series(measure, known, (), wording.called(measure, t, staff=staff)), target, on, t)
    return figure(name, SPARK_SIZE, 1, caption.title, caption.description, body, "sparkline")


def all_years(readings: Iterable[Reading], on: date) -> int:
    """How many years back a trend goes to show every value, never fewer than it shows anyway."""
    days = [wording.day_of(one) for one in readings]
    return max([YEARS, *(on.year - day.year + ((day.month, day.day) < (on.month, on.day)) for day in days)])


def is_drawn(measure: Measure) -> bool:
    """Whether values of a measure lie on a line; answers, flags and groups do not."""
    return measure.kind in ("quantity", "score")


def _numbers(measure: Measure, readings: Iterable[Reading], on: date) -> tuple[Reading, ...]:
    """Readings that are numbers, until a day, newest first."""
    known = [one for one in readings if measure.number(one.value) is not None and wording.day_of(one) <= on]
    return tuple(sorted(known, key=lambda one: (one.at, one.reference), reverse=True))


def _value(measure: Measure, reading: Reading) -> Decimal:
    value = measure.number(reading.value)
    assert value is not None
    return value


# ── the number line ──────────────────────────────────────────────────────────────────────────────


def _track(axis: ValueAxis, measure: Measure, target: Target, name: str, t: Catalogue) -> list[str]:
    (left, right), (top, bottom) = LINE_ENDS, LINE_TRACK
    start, stop = axis.zone(target)
    said = t("chart.aim", target=wording.target_text(measure, target, t))
    low, high = wording.end_labels(measure, t)
    ends: dict[str, Attribute] = {"fill": SOFT, "class_": "end"}
    middle = clamped((start + stop) / 2, said, SIZE, LINE_ENDS)
    track: dict[str, Attribute] = {"x": left, "y": top, "width": right - left, "height": bottom - top, "stroke": SOFT}
    return [
        element("rect", width=LINE_SIZE[0], height=LINE_SIZE[1], fill=PAPER),
        element("rect", class_="track", **track, fill=GRID),
        zone(start, top, stop - start, bottom - top, f"{name}-zone"),
        text(middle, bottom + 17, said, size=SIZE, text_anchor="middle", class_="aim"),
        text(left, bottom + 36, low, size=SIZE, **ends),
        text(right, bottom + 36, high, size=SIZE, **ends, text_anchor="end"),
    ]


def _marker(axis: ValueAxis, measure: Measure, reading: Reading, value: Decimal, t: Catalogue) -> list[str]:
    (top, bottom), x, up = LINE_TRACK, axis.place(value), points_up(reading)
    said = wording.value_with_unit(measure, reading, t)
    if up is None and not axis.holds(value):
        up = value > axis.high
    path = f"M{number(x - 8)} {number(top - 14)}H{number(x + 8)}L{number(x)} {number(top - 1)}Z"
    pin = element("path", class_="marker", d=path, fill=KEY)
    needle = element("line", x1=x, y1=top - 1, x2=x, y2=bottom, stroke=INK, stroke_width=2.5)
    middle = clamped(x, said, LARGE, (2, LINE_SIZE[0] - 2), bold=True)
    words = text(middle, top - 20, said, size=LARGE, font_weight="bold", text_anchor="middle", class_="value")
    return [needle, pin, words, *([_beyond(x, top - 8, up)] if up is not None else [])]


def _beyond(x: float, y: float, up: bool) -> str:
    """An arrow along the line: only this limit is known, or the value lies beyond the end."""
    side = 19 if up else -19
    place = x + side if 10 < x + side < LINE_SIZE[0] - 10 else x - side
    turned = arrow(0, 6, up=up, ends=(-7, 7))
    return element("g", turned, transform=f"translate({number(place)} {number(y)}) rotate(90)")
