"""Made-up knowledge and charts, so that each rule of evaluation is seen alone."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import FactValue, Term
from careplan.domain.guideline import (
    Definition,
    FactDefinition,
    FromRecord,
    Guideline,
    Knowledge,
    Offer,
    PlanType,
    Review,
    Row,
)
from careplan.domain.measure import Measure
from careplan.domain.target import Target

ON = date(2026, 11, 22)
REVIEW = Review("somebody", "nobody", date(2027, 6, 1))
RAW = FromRecord("person", {})
D = Decimal


def row(id: str, *when: Term, target: Target | None = None) -> Row:
    return Row(id, when, target or Target(high=D(1)))


def known(
    tables: Mapping[str, Sequence[Row]],
    derived: Mapping[str, Definition] | None = None,
    eligible: Sequence[Row] = (Row("EL", ()),),
    offer: Offer | None = None,
) -> Knowledge:
    names = ("a", "b", "c", "n", "m")
    definitions: dict[str, Definition] = dict.fromkeys(names, RAW) | dict(derived or {})
    plan = PlanType(
        "p", "1", "P", "P", tuple(eligible), offer or Offer("OFF", "", allowed=True), 12, tuple(tables), REVIEW
    )
    return Knowledge(
        measures={name: Measure(name, name, "", "quantity", "u", "u") for name in tables},
        facts={name: FactDefinition(name, name, definition) for name, definition in definitions.items()},
        guidelines={name: Guideline(name, "1", tuple(rows), REVIEW) for name, rows in tables.items()},
        plans={"p": plan},
    )


def chart(**values: FactValue | int) -> Chart:
    facts = {
        name: Fact(name, value if isinstance(value, bool | str | Decimal) else D(value), ON, (f"Observation/{name}",))
        for name, value in values.items()
    }
    return Chart(ON, facts)
