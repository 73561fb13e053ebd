"""The marks of a chart: one shape for each kind of value, told apart without colour (brief E).

● taken by others, ○ measured at home, ▲ ▼ the two numbers of a blood pressure, an arrow where only a limit is known.
"""

from careplan.domain.measure import Reading
from careplan.views.svg import element, number

INK, SOFT, KEY, ZONE, ZONE_FILL, ZONE_HATCH = "#1a1a1a", "#545454", "#0b5a7a", "#1c6b3c", "#e6f2ea", "#9cc3ab"
PAPER, GRID = "#ffffff", "#dcdcdc"
RADIUS = 4.0
ARROW = 13.0
_THINNEST = 3.0

DOT, UP, DOWN = "dot", "up", "down"


def shape(kind: str, x: float, y: float, *, hollow: bool, radius: float = RADIUS) -> str:
    """A dot or a triangle around a point; hollow where measured at home."""
    fill, class_ = (PAPER, "mark home") if hollow else (KEY, "mark")
    if kind == DOT:
        return element("circle", class_=class_, cx=x, cy=y, r=radius, fill=fill, stroke=KEY, stroke_width=1.8)
    tip, base = (y - radius - 1, y + radius) if kind == UP else (y + radius + 1, y - radius)
    path = (
        f"M{number(x)} {number(tip)}L{number(x + radius + 1)} {number(base)}L{number(x - radius - 1)} {number(base)}Z"
    )
    return element("path", class_=class_, d=path, fill=fill, stroke=KEY, stroke_width=1.5)


def arrow(x: float, y: float, *, up: bool, ends: tuple[float, float]) -> str:
    """An arrow from a limit toward where the value lies, kept between the ends (top, bottom)."""
    top, bottom = arrow_ends(y, up=up, ends=ends)
    tip, foot = (top, bottom) if up else (bottom, top)
    neck = tip + 6 if up else tip - 6
    path = (
        f"M{number(x - 4)} {number(foot)}H{number(x + 4)}M{number(x)} {number(foot)}V{number(tip)}"
        f"M{number(x - 4)} {number(neck)}L{number(x)} {number(tip)}L{number(x + 4)} {number(neck)}"
    )
    return element("path", class_="mark limit", d=path, fill="none", stroke=KEY, stroke_width=2)


def arrow_ends(y: float, *, up: bool, ends: tuple[float, float]) -> tuple[float, float]:
    """The top and bottom of an arrow."""
    top = max(y - ARROW, ends[0]) if up else min(y + ARROW, ends[1]) - ARROW
    return top, top + ARROW


def points_up(reading: Reading) -> bool | None:
    """Whether a value is known only to lie above (or below) its number; None where it is the value itself."""
    comparator = reading.comparator or ""
    return True if comparator.startswith(">") else False if comparator.startswith("<") else None


def hatch(name: str, *, turned: bool = False) -> str:
    """The pattern of a target zone, readable in grey; `turned` for the second of two."""
    line = "M0 6L6 0M-1 1L1 -1M5 7L7 5" if not turned else "M0 0L6 6M-1 5L1 7M5 -1L7 1"
    ground = element("rect", width=6, height=6, fill=ZONE_FILL)
    stroke = element("path", d=line, stroke=ZONE_HATCH, stroke_width=1.2, fill="none")
    pattern = element("pattern", ground, stroke, id=name, width=6, height=6, patternUnits="userSpaceOnUse")
    return element("defs", pattern)


def zone(x: float, y: float, width: float, height: float, pattern: str) -> str:
    """A target zone: hatched, with an outline that stands 6 to 1 against paper."""
    missing = max(0.0, _THINNEST - height)
    return element(
        "rect",
        class_="zone",
        x=x,
        y=y - missing / 2,
        width=max(width, _THINNEST),
        height=height + missing,
        fill=f"url(#{pattern})",
        stroke=ZONE,
        stroke_width=1.5,
    )
