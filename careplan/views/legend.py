"""What the marks of a trend mean, below it: only what is drawn there is explained."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise

from careplan.domain.calendar import add_months
from careplan.domain.measure import OLD_MONTHS
from careplan.views import wording
from careplan.views.axis import ValueAxis
from careplan.views.caption import Series, shared_name
from careplan.views.catalogue import Catalogue
from careplan.views.label import width
from careplan.views.mark import DOT, DOWN, INK, UP, arrow, points_up, shape, zone
from careplan.views.svg import element, text

SIZE, ROW, SIGN, BETWEEN = 13.0, 19.0, 24.0, 14.0
LEFT, BELOW = 2.0, 38.0

_PLACES = ("clinic", "lab", "municipality", "unknown")

_LIMITED = {(True, False): "limit", (False, True): "beyond", (True, True): "limit-or-beyond"}
"""By whether a value is only a limit, and whether one lies beyond the axis."""

Item = tuple[str, str]
"""A sign, drawn around (0, 0), and its words."""


def legend(
    series: Sequence[Series], on: date, values: ValueAxis, wide: float, name: str, t: Catalogue
) -> tuple[list[str], float]:
    """The drawn rows, and where the figure ends below them."""
    left, x, y = LEFT, LEFT, values.start + BELOW
    parts: list[str] = []
    for sign, words in _items(series, on, values, name, t):
        long = SIGN + width(words, SIZE) + BETWEEN
        if x > left and x + long - BETWEEN > wide:
            x, y = left, y + ROW
        parts.append(element("g", sign, transform=f"translate({x + 9:.1f} {y - 4.5:.1f})"))
        parts.append(text(x + SIGN, y, words, size=SIZE))
        x += long
    return parts, y + 8


def _items(series: Sequence[Series], on: date, values: ValueAxis, name: str, t: Catalogue) -> list[Item]:
    _, parts = shared_name([one.name for one in series], t)
    kinds = (DOT,) if len(series) == 1 else (UP, DOWN)
    named = [
        (shape(kind, 0, 0, hollow=False), part[:1].upper() + part[1:])
        for kind, part in zip(kinds, parts, strict=True)
        if part
    ]
    zones = [item for nth, one in enumerate(series) for item in _zone(one, on, parts[nth], f"{name}-zone-{nth}", t)]
    places = _places(series, kinds[0], bool(named), t)
    return [*named, *places, *zones, *_limits(series, values, t), *_gaps(series, t)]


def _places(series: Sequence[Series], kind: str, named: bool, t: Catalogue) -> list[Item]:
    """Where values were taken: by others ●, at home ○."""
    sources = {one.source for some in series for one in some.readings if points_up(one) is None}
    others = [t(f"chart.legend.{source}") for source in _PLACES if source in sources]
    taken = t("chart.legend.or").join(others)
    items = [(shape(kind, 0, 0, hollow=False), taken[:1].upper() + taken[1:])] if others and not named else []
    return [*items, *([(shape(kind, 0, 0, hollow=True), t("chart.legend.home"))] if "home" in sources else [])]


def _zone(series: Series, on: date, part: str, pattern: str, t: Catalogue) -> list[Item]:
    if not any(band.target.is_number for band in series.bands):
        return []
    target = series.target_on(on)
    known = target is not None and target.is_number
    key = f"chart.legend.{'target' if known else 'earlier'}{'-of' if part else ''}"
    words = t(key, part=part, target=wording.target_text(series.measure, target, t))
    return [(zone(-9, -6, 18, 12, pattern), words)]


def _limits(series: Sequence[Series], values: ValueAxis, t: Catalogue) -> list[Item]:
    """Why some values are arrows."""
    readings = [(some.measure, one) for some in series for one in some.readings]
    limited = any(points_up(one) is not None for _, one in readings)
    numbers = (measure.number(one.value) for measure, one in readings if points_up(one) is None)
    beyond = any(number is not None and not values.holds(number) for number in numbers)
    key = _LIMITED.get((limited, beyond))
    return [(arrow(0, 6, up=True, ends=(-7, 7)), t(f"chart.legend.{key}"))] if key else []


def _gaps(series: Sequence[Series], t: Catalogue) -> list[Item]:
    line = element("line", x1=-9, y1=0, x2=9, y2=0, stroke=INK, stroke_width=1.6, stroke_dasharray="5 4")
    return [(line, t("chart.legend.gap"))] if any(map(has_gap, series)) else []


def has_gap(series: Series) -> bool:
    """Whether two values that are joined lie more than 15 months apart."""
    for home in (False, True):
        days = [wording.day_of(one) for one in reversed(series.readings) if (one.source == "home") == home]
        if any(add_months(one, OLD_MONTHS) < other for one, other in pairwise(days)):
            return True
    return False
