"""The SVG charts of one measure: number line, trend with its målbånd, and the staff's sparkline (brief E).

Pure: the same values give the same text. Words of title and description are `caption`'s.
https://www.w3.org/TR/SVG11/
"""

from collections.abc import Sequence
from datetime import date

from careplan.domain.measure import Measure, Reading
from careplan.domain.target import Band, Standing, Target
from careplan.views import wording
from careplan.views.svg import element, figure, text


def number_line(
    measure: Measure, target: Target | None, reading: Reading | None, standing: Standing, *, name: str
) -> str:
    """The newest value against the person's own target."""
    words = f"{wording.target_text(measure, target)}"
    value = wording.value_with_unit(measure, reading) if reading else ""
    body = [element("rect", x=10, y=30, width=340, height=12, fill="#eee", stroke="#545454"), text(10, 60, value, size=14)]
    return figure(name, (360, 84), 4 / 3, measure.patient, words, body, "number-line")


def trend(
    measure: Measure,
    readings: Sequence[Reading],
    bands: Sequence[Band],
    on: date,
    *,
    years: int = 3,
    second: tuple[Measure, Sequence[Reading], Sequence[Band]] | None = None,
    name: str,
) -> str:
    """The values of the last years and the targets that were valid then."""
    body = [element("rect", x=10, y=10, width=340, height=200, fill="none", stroke="#545454")]
    return figure(name, (360, 250), 4 / 3, measure.patient, "", body, "trend")


def sparkline(measure: Measure, readings: Sequence[Reading], target: Target | None, on: date, *, name: str) -> str:
    """The staff's small course: 120 by 28."""
    body = [element("rect", x=1, y=8, width=118, height=12, fill="#eee", stroke="#545454")]
    return figure(name, (120, 28), 1, measure.name, "", body, "sparkline")
