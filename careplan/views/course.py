"""How a trend chart is drawn: the plot with its zones, lines and marks, the flags above it, the legend below.

Each part only draws; what is drawn where is decided by `axis` and `label`, in which words by `caption` and `wording`.
Not here: the choice of values, which is `chart`'s.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from careplan.domain.calendar import add_months
from careplan.domain.measure import OLD_MONTHS, Reading
from careplan.views import wording
from careplan.views.axis import TimeAxis, ValueAxis, span_of, time_axis, value_axis
from careplan.views.caption import Series, trend_caption
from careplan.views.catalogue import Catalogue
from careplan.views.flag import Flag, flags_of, rows_of
from careplan.views.label import Box, around, clamped, find_place, first_within, width
from careplan.views.legend import legend
from careplan.views.mark import (
    DOT,
    DOWN,
    GRID,
    INK,
    PAPER,
    RADIUS,
    SOFT,
    UP,
    arrow,
    arrow_ends,
    hatch,
    points_up,
    shape,
    zone,
)
from careplan.views.svg import Attribute, element, figure, text

WIDTH, HEIGHT, TALL, ZOOM = 360.0, 140.0, 190.0, 1.25
SIZE, LABEL = 13.0, 14.0
ROW, MARGIN = 18.0, 12.0


@dataclass(frozen=True, slots=True)
class Plot:
    """Where everything stands."""

    days: TimeAxis
    values: ValueAxis

    @property
    def room(self) -> Box:
        """The rectangle of the plot itself."""
        return Box(self.days.start - 6, self.values.stop, self.days.stop + 6, self.values.start)


@dataclass(frozen=True, slots=True)
class Point:
    """One value in its place.

    up      where it lies beyond a limit or beyond the axis; None where the place is the value
    must    the newest, which is always labelled
    """

    reading: Reading
    x: float
    y: float
    kind: str
    up: bool | None
    words: str
    labelled: bool
    must: bool


def draw(series: Sequence[Series], on: date, years: int, name: str, t: Catalogue) -> str:
    """The whole figure; `series` one or two, their readings newest first."""
    span = _span(series)
    left = 10 + max(width(wording.number_text(tick, t), SIZE) for tick in value_axis(span, 0, 1).ticks())
    days = time_axis(on, years, left + 6, WIDTH - 14)
    shown = [_cut(one, days) for one in series]
    unit = wording.unit_text(series[0].measure, t)
    flags = rows_of(flags_of(shown, days, t), days, Box(0, 0, width(unit, SIZE) + 14, ROW), WIDTH)
    top = ROW * max([1, *(flag.row + 1 for flag in flags)]) + MARGIN
    bottom = top + (HEIGHT if len(series) == 1 else TALL)
    plot = Plot(days, value_axis(span, bottom, top))
    rows, height = legend(shown, on, plot.values, WIDTH, name, t)
    body = [
        element("rect", width=WIDTH, height=height, fill=PAPER),
        *(hatch(f"{name}-zone-{nth}", turned=nth > 0) for nth in range(len(series))),
        text(2, SIZE, unit, size=SIZE, fill=SOFT, class_="unit"),
        *_grid(plot, t),
        *(part for nth, one in enumerate(shown) for part in _zones(one, plot, f"{name}-zone-{nth}")),
        *(part for flag in flags for part in _flag(flag, plot)),
        *_inside(series, shown, plot, t),
        *rows,
    ]
    caption = trend_caption(days.first, days.last, shown, t)
    return figure(name, (WIDTH, height), ZOOM, caption.title, caption.description, body, "trend")


def _span(series: Sequence[Series]) -> tuple[Decimal, Decimal]:
    """One axis for both: as low and as high as either needs."""
    spans = [span_of(one.measure, one.readings, [band.target for band in one.bands]) for one in series]
    return min(low for low, _ in spans), max(high for _, high in spans)


def _cut(series: Series, days: TimeAxis) -> Series:
    return replace(series, readings=tuple(one for one in series.readings if days.holds(wording.day_of(one))))


# ── the plot ─────────────────────────────────────────────────────────────────────────────────────


def _grid(plot: Plot, t: Catalogue) -> list[str]:
    room, parts = plot.room, list[str]()
    for tick in plot.values.ticks():
        y = plot.values.place(tick)
        parts.append(element("line", x1=room.left, y1=y, x2=room.right, y2=y, stroke=GRID))
        parts.append(
            text(room.left - 4, y + 4.5, wording.number_text(tick, t), size=SIZE, fill=SOFT, text_anchor="end")
        )
    for day, words in plot.days.ticks(t):
        x = plot.days.place(day)
        parts.append(element("line", x1=x, y1=room.bottom, x2=x, y2=room.bottom + 5, stroke=SOFT))
        middle = clamped(x, words, SIZE, (2, WIDTH - 2))
        parts.append(text(middle, room.bottom + 19, words, size=SIZE, fill=SOFT, text_anchor="middle"))
    frame = f"M{room.left:.1f} {room.top:.1f}V{room.bottom:.1f}H{room.right:.1f}"
    return [*parts, element("path", class_="axis", d=frame, fill="none", stroke=SOFT)]


def _zones(series: Series, plot: Plot, pattern: str) -> Iterable[str]:
    """The målbånd: a rectangle for each target, as long as it was valid."""
    for band in series.bands:
        end = min(band.end or plot.days.last, plot.days.last)
        if not band.target.is_number or end < plot.days.first or band.start > plot.days.last or end < band.start:
            continue
        left = plot.days.place(band.start) if band.start > plot.days.first else plot.room.left
        right = plot.days.place(end) if end < plot.days.last else plot.room.right
        bottom, top = plot.values.zone(band.target)
        yield zone(left, top, right - left, bottom - top, pattern)


def _flag(flag: Flag, plot: Plot) -> list[str]:
    x, foot = plot.days.place(flag.on), ROW * (flag.row + 1) - 4
    top = plot.room.top if not flag.words else foot - 10 if flag.side else foot + 4
    pole = element("line", class_="flag", x1=x, y1=top, x2=x, y2=plot.room.bottom, stroke=INK, stroke_width=1.2)
    if not flag.words:
        return [pole]
    if not flag.side:
        middle = clamped(x, flag.words, SIZE, (2, WIDTH - 2))
        return [pole, text(middle, foot, flag.words, size=SIZE, text_anchor="middle", class_="flag")]
    side = flag.side
    tip = f"M{x:.1f} {foot - 10:.1f}L{x + 7 * side:.1f} {foot - 6.5:.1f}L{x:.1f} {foot - 3:.1f}Z"
    anchor = "start" if side > 0 else "end"
    words = text(x + 10 * side, foot, flag.words, size=SIZE, text_anchor=anchor, class_="flag")
    return [pole, element("path", d=tip, fill=INK), words]


def _inside(series: Sequence[Series], shown: Sequence[Series], plot: Plot, t: Catalogue) -> list[str]:
    """Lines, marks and labels; where there is nothing to draw, what is known is said."""
    kinds = (DOT,) if len(shown) == 1 else (UP, DOWN)
    courses = [_points(one, plot, kind, t) for one, kind in zip(shown, kinds, strict=True)]
    points = [point for some in courses for point in some]
    if not points:
        return _nothing(series, plot, t)
    lines = [line for some in courses for line in _lines(some)]
    ends = (plot.room.top, plot.room.bottom)
    marks = [_mark(point, ends) for point in points]
    return [*lines, *_labels(points, marks, plot.room)]


def _nothing(series: Sequence[Series], plot: Plot, t: Catalogue) -> list[str]:
    newest = max(wording.day_of(one.readings[0]) for one in series if one.readings)
    first, last = wording.danish_date(plot.days.first), wording.danish_date(plot.days.last)
    rows = (t("chart.none-between", first=first, last=last), t("chart.newest", day=wording.danish_date(newest)))
    x, y = (plot.room.left + plot.room.right) / 2, (plot.room.top + plot.room.bottom) / 2
    half = max(width(row, SIZE) for row in rows) / 2
    said = [text(x, y + nth * ROW, row, size=SIZE, text_anchor="middle") for nth, row in enumerate(rows)]
    return [_back(Box(x - half, y - SIZE, x + half, y + ROW + 4), cover=1), *said]


def _points(series: Series, plot: Plot, kind: str, t: Catalogue) -> list[Point]:
    """Oldest first, so that the newest is drawn on top."""
    found = []
    for reading in reversed(series.readings):
        value = series.measure.number(reading.value)
        assert value is not None
        beyond = None if plot.values.holds(value) else value > plot.values.high
        up = points_up(reading)
        found.append(
            Point(
                reading=reading,
                x=plot.days.place(wording.day_of(reading)),
                y=plot.values.place(value),
                kind=kind,
                up=beyond if up is None else up,
                words=wording.value_text(series.measure, reading, t),
                labelled=series.is_outside(reading) or beyond is not None or up is not None,
                must=reading is series.readings[0],
            )
        )
    return found


def _lines(points: Sequence[Point]) -> Iterable[str]:
    """Values taken at one place are joined; dashed across more than 15 months, of which nothing is known."""
    for home in (False, True):
        for one, other in pairwise(point for point in points if (point.reading.source == "home") == home):
            gap = add_months(wording.day_of(one.reading), OLD_MONTHS) < wording.day_of(other.reading)
            dash = {"stroke_dasharray": "5 4"} if gap else {}
            shade: dict[str, Attribute] = (
                {"stroke": SOFT, "stroke_width": 1.0} if home else {"stroke": INK, "stroke_width": 1.6}
            )
            yield element("line", class_="course", x1=one.x, y1=one.y, x2=other.x, y2=other.y, **shade, **dash)


def _mark(point: Point, ends: tuple[float, float]) -> str:
    if point.up is not None:
        return arrow(point.x, point.y, up=point.up, ends=ends)
    home = point.reading.source == "home"
    return shape(point.kind, point.x, point.y, hollow=home, radius=RADIUS - 0.8 if home else RADIUS)


def _labels(points: Sequence[Point], marks: Sequence[str], room: Box) -> list[str]:
    """The marks, and over them the labels that find a place: first the newest, then from the newest back."""
    taken = [_box(point, room) for point in points]
    within = Box(room.left + 1, room.top - MARGIN, WIDTH - 1, room.bottom - 1)
    placed: list[tuple[Point, Box]] = []
    newest_first = list(reversed(points))
    for point in sorted(newest_first, key=lambda one: not one.must):
        if not (point.must or point.labelled):
            continue
        at = (point.x, point.y)
        box = find_place(point.words, LABEL, at, taken, within)
        if box is None and point.must:
            box = first_within(point.words, LABEL, at, within)
        if box is not None:
            taken.append(box)
            placed.append((point, box))
    backs = [_back(box) for _, box in placed]
    return [*backs, *marks, *(_label(point, box) for point, box in placed)]


def _box(point: Point, room: Box) -> Box:
    if point.up is None:
        return around(point.x, point.y, RADIUS + 1.5)
    top, bottom = arrow_ends(point.y, up=point.up, ends=(room.top, room.bottom))
    return Box(point.x - RADIUS - 1, top - 1, point.x + RADIUS + 1, bottom + 1)


def _back(box: Box, cover: float = 0.85) -> str:
    sides = {"x": box.left, "y": box.top, "width": box.right - box.left, "height": box.bottom - box.top}
    return element("rect", **sides, fill=PAPER, fill_opacity=cover)


def _label(point: Point, box: Box) -> str:
    weight = {"font_weight": "bold"} if point.must else {}
    class_ = "newest" if point.must else "outside"
    middle = (box.left + box.right) / 2
    return text(middle, box.bottom - 2.5, point.words, size=LABEL, text_anchor="middle", class_=class_, **weight)
