"""Where words stand in a chart so that none covers another: how wide they are, and the first free place.

Widths are estimated, since no font is known here; a little too wide is right, a little too narrow is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass

_WIDE, _NARROW = 0.92, 0.34
_WIDTHS = dict.fromkeys(" .,:;'|!ijlIft()·\u2009", _NARROW) | dict.fromkeys("mwMW%—", _WIDE)
_USUAL, _BOLD = 0.62, 1.13
_GAP = 8.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, its sides by their places."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def within(self, other: "Box") -> bool:
        across = self.left >= other.left and self.right <= other.right
        return across and self.top >= other.top and self.bottom <= other.bottom


def width(words: str, size: float, *, bold: bool = False) -> float:
    """About how wide words are in a font of that size."""
    return sum(_WIDTHS.get(char, _USUAL) for char in words) * size * (_BOLD if bold else 1)


def around(x: float, y: float, radius: float) -> Box:
    """The box of a mark."""
    return Box(x - radius, y - radius, x + radius, y + radius)


def find_place(words: str, size: float, at: tuple[float, float], taken: Iterable[Box], room: Box) -> Box | None:
    """The first free box for words beside a point: above, below, to the left, to the right, then the corners."""
    busy = list(taken)
    return next((box for box in _places(words, size, at) if box.within(room) and not any(map(box.meets, busy))), None)


def first_within(words: str, size: float, at: tuple[float, float], room: Box) -> Box | None:
    """The first box inside the room, whatever it covers: for words that must stand."""
    return next((box for box in _places(words, size, at) if box.within(room)), None)


def _places(words: str, size: float, at: tuple[float, float]) -> list[Box]:
    (x, y), wide = at, width(words, size)
    high, half = size, wide / 2
    up, down, left, right = y - _GAP - high, y + _GAP, x - _GAP - wide, x + _GAP
    across, level = (x - half, x - wide + 4, x - 4), y - high / 2
    corners = [(column, row) for row in (up, down) for column in across]
    spots = [corners[0], corners[3], (left, level), (right, level), *corners]
    far = [(column, row) for row in (up - high, down + high) for column in across]
    return [Box(column, row, column + wide, row + high) for column, row in [*spots, *far]]


def clamped(middle: float, words: str, size: float, room: tuple[float, float], *, bold: bool = False) -> float:
    """The middle of words that are centred on a place, moved so that they stay in the room."""
    half = width(words, size, bold=bold) / 2
    return max(room[0] + half, min(middle, room[1] - half))
