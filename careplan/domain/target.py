"""A target: the interval a value should lie in, and where a value stands against it.

Bounds follow guidelines.md: `strict` concerns the high end when there is one, otherwise the low end; a low end
next to a high end is always inclusive, and warns of over-treatment rather than asking to raise a value.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from careplan.domain.measure import Measure, danish_number

UNKNOWN = "ukendt"
"""What is said of a group or grade that cannot be decided."""


@dataclass(frozen=True, slots=True)
class Target:
    """An interval in the measure's unit, a decided value (group, flag), or deliberately no number.

    why  for no number: the reason, in Danish
    """

    low: Decimal | None = None
    high: Decimal | None = None
    unit: str = ""
    strict: bool = False
    value: bool | Decimal | str | None = None
    why: str | None = None

    @property
    def is_number(self) -> bool:
        return self.low is not None or self.high is not None

    def position(self, value: Decimal) -> str:
        """`below`, `in` or `above`; for a target without number always `in`."""
        if self.high is not None and (value > self.high or (self.strict and value == self.high)):
            return "above"
        if self.low is not None:
            strictly = self.strict and self.high is None
            if value < self.low or (strictly and value == self.low):
                return "below"
        return "in"

    def says(self, decimals: int | None = None) -> str:
        """The target as a Dane reads it, without unit: «under 1,4», «mellem 53 og 58», «højst 10»."""
        low = None if self.low is None else danish_number(self.low, decimals)
        high = None if self.high is None else danish_number(self.high, decimals)
        if low is not None and high is not None:
            return f"fra {low} til under {high}" if self.strict else f"mellem {low} og {high}"
        if high is not None:
            return f"under {high}" if self.strict else f"højst {high}"
        if low is not None:
            return f"over {low}" if self.strict else f"mindst {low}"
        if isinstance(self.value, bool):
            return "ja" if self.value else "nej"
        if self.value is not None:
            return UNKNOWN if self.value == "unknown" else str(self.value)
        return "intet tal"


NO_TARGET = Target()


def same_target(one: Target | None, other: Target | None) -> bool:
    """Whether two targets ask for the same, whether made or read; words for having no number do not count."""
    if one is None or other is None:
        return one is other
    if (one.low, one.high, one.is_number and one.strict) != (other.low, other.high, other.is_number and other.strict):
        return False
    return one.value == other.value


def is_reason(text: str) -> bool:
    """Whether words for having no number are a reason, a sentence; a group that was decided is one word: `B`."""
    return " " in text.strip()


def is_safe(measure: Measure, target: Target, recommended: Target | None = None) -> bool:
    """Whether any clinician may agree on a target: each end it has lies within the measure's safety span.

    recommended  what the rules say: the end that counts there (the high one, else the low one) may not be left open
                 where the span guards it, as no value would then be outside the target on that side
    """
    ends = (end for end in (target.low, target.high) if end is not None)
    return all(map(measure.safety.holds, ends)) and not _left_open(measure, target, recommended or NO_TARGET)


def _left_open(measure: Measure, target: Target, recommended: Target) -> bool:
    if recommended.high is not None:
        return target.high is None and measure.safety.high is not None
    return recommended.low is not None and target.low is None and measure.safety.low is not None


@dataclass(frozen=True, slots=True)
class Band:
    """The target that was agreed from one day until another (not included); None: still. The chart's målbånd."""

    start: date
    end: date | None
    target: Target


class Standing(StrEnum):
    """Where the newest value stands: «I mål», «Tæt på mål», «Uden for mål», «Mangler måling», «Ikke relevant»."""

    IN = "in"
    NEAR = "near"
    OUT = "out"
    UNMEASURED = "unmeasured"
    UNRULED = "unruled"


def standing(
    measure: Measure, target: Target | None, value: Decimal | None, *, low_end_counts: bool = True
) -> Standing:
    """Where a value stands against a target; `low_end_counts` false when the person is not treated.

    Unruled: no target, or deliberately no number. Unmeasured: a target and no value.
    """
    if target is None or not target.is_number:
        return Standing.UNRULED
    if value is None:
        return Standing.UNMEASURED
    position = target.position(value)
    if position == "below" and not low_end_counts and target.high is not None:
        return Standing.IN
    if position == "in":
        return Standing.IN
    bound = target.high if position == "above" else target.low
    assert bound is not None
    return Standing.NEAR if measure.near and abs(value - bound) <= measure.near else Standing.OUT
