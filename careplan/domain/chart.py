"""The chart: the facts of one person on a day, as rules read them.

Not here: where facts come from (`careplan.fhir.mapping`), and what follows from them (`evaluation`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from careplan.domain.condition import FactValue


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known of a person: its value, its date and the resources it stands in.

    others  what the value may be as well, where the record says less than the rules ask (a date that is only a year)
    """

    name: str
    value: FactValue
    on: date | None = None
    references: tuple[str, ...] = ()
    others: tuple[FactValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """The facts of one person on a day, and when each active plan was last saved.

    lapsed  what is on record and too old to count: missing to the rules, but its day can be told («sidst 2023»)
    """

    on: date
    facts: Mapping[str, Fact]
    saved: Mapping[str, date] = field(default_factory=dict)
    lapsed: Mapping[str, Fact] = field(default_factory=dict)
