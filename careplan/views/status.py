"""The status of one measure as pages and the sheet show it: icon, word and class; colour is never alone.

A standing (`domain.target`) says where a value lies; here it is told apart why none can be said: nothing is aimed at,
the target cannot be decided yet, or a number is deliberately not relevant. A status of an old value is called so.
"""

from collections.abc import Mapping
from datetime import date

from careplan.domain.measure import is_old
from careplan.domain.target import Standing
from careplan.interactions.overview import Line
from careplan.views import wording
from careplan.views.catalogue import Catalogue

AIMLESS, UNDECIDED = "aimless", "undecided"
"""Nothing is aimed at; the target is wanted, and facts that decide it are missing."""

_ICONS = {AIMLESS: "–", UNDECIDED: "○"}
_RANK: Mapping[str, int] = {
    Standing.OUT: 0,
    Standing.NEAR: 1,
    Standing.UNMEASURED: 2,
    UNDECIDED: 3,
    Standing.IN: 4,
    Standing.UNRULED: 5,
    AIMLESS: 6,
}
"""What needs attention comes first."""


def status_of_line(line: Line, on: date, t: Catalogue) -> tuple[str, str, str]:
    """Icon, word and class on a day: («✓», «I mål (gammelt tal)», `in`)."""
    kind = kind_of_line(line)
    if kind in _ICONS:
        return _ICONS[kind], t(f"status.{kind}"), kind
    icon, word = wording.status_word(line.standing, t, old=_is_old(line, on))
    return icon, word, kind


def kind_of_line(line: Line) -> str:
    """A Standing's value, or one of ours where none can be said."""
    if line.standing is not Standing.UNRULED:
        return line.standing.value
    if line.agreed is None:
        return UNDECIDED if line.recommendation is None and line.undecided else AIMLESS
    if wording.is_later(line.agreed):
        return UNDECIDED
    return AIMLESS if line.agreed.value is None and line.agreed.why else Standing.UNRULED.value


def rank(line: Line) -> int:
    """The place of a measure among others."""
    return _RANK[kind_of_line(line)]


def _is_old(line: Line, on: date) -> bool:
    return line.newest is not None and is_old(wording.day_of(line.newest), on)
