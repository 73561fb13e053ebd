"""The chart: the facts of one person on a day, as rules read them.

Not here: where facts come from (`careplan.fhir.mapping`), and what follows from them (`evaluation`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from careplan.domain.condition import FactValue


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of a person: its value, its date and the resources it stands in.

    value   as it is shown; `exact`: as it is judged, where showing rounds it
    on, until   first and last day its date may be; until None: the date is a day
    others  what the value may be as well, where the record says less than the rules ask (a date that is only a year)
    comparator  `<` or `>` where only a bound is known (`<30`)
    formula  by which it was computed from the Observations of `references`; empty: reported
    """

    name: str
    value: FactValue
    on: date | None = None
    references: tuple[str, ...] = ()
    others: tuple[FactValue, ...] = ()
    comparator: str | None = None
    exact: Decimal | None = None
    until: date | None = None
    formula: str = ""

    @property
    def judged(self) -> FactValue:
        """The value that questions are asked of."""
        return self.value if self.exact is None else self.exact

    @property
    def day(self) -> str | None:
        """Its date as precisely as it is known: `2015`, `2015-03` or `2015-03-14`."""
        return None if self.on is None else precise_date(self.on, self.until)


def precise_date(on: date, until: date | None) -> str:
    """A date no more precise than it is known: the year or the month that runs from the first to the last day."""
    if until is None or until == on:
        return on.isoformat()
    return f"{on:%Y-%m}" if (on.year, on.month) == (until.year, until.month) else f"{on:%Y}"


@dataclass(frozen=True, slots=True)
class Chart:
    """The facts of one person on a day, and when each active plan was last saved.

    lapsed  what is on record and too old to count: missing to the rules, but its day can be told («sidst 2023»)
    """

    on: date
    facts: Mapping[str, Fact]
    saved: Mapping[str, date] = field(default_factory=dict)
    lapsed: Mapping[str, Fact] = field(default_factory=dict)
