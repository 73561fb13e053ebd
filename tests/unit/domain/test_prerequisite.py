"""The diagnoses without which nobody is eligible: found where the rows need one, and never where one does not."""

import pytest
from ruled import known, row

from careplan.domain.condition import Condition, Group
from careplan.domain.guideline import AllOf, AnyOf, CountOf, EligibleFor, FromRecord
from careplan.domain.prerequisite import needed_diagnoses
from careplan.knowledge.load import load_knowledge

A, B, D, E = Condition("a"), Condition("b"), Condition("d"), Condition("e")
DIAGNOSES = {name: FromRecord("diagnosis", {"diagnosis": {"icpc": [name]}}) for name in ("d", "e")}
DERIVED = DIAGNOSES | {
    "any": AnyOf((D, E)),
    "all": AllOf((A, D)),
    "perhaps": AnyOf((D, A)),
    "count": CountOf((D, E)),
    "plan": EligibleFor(("p",)),
}


@pytest.mark.parametrize(
    ("rows", "needed"),
    [
        ([row("1", A, D)], {"d"}),
        ([row("1", A, D), row("2", E)], {"d", "e"}),
        ([row("1", A, D), row("2", B)], None),
        ([row("1", D, E)], {"d"}),
        ([row("1", Condition("any"))], {"d", "e"}),
        ([row("1", Condition("any"), E)], {"e"}),
        ([row("1", Condition("all"))], {"d"}),
        ([row("1", Condition("perhaps"))], None),
        ([row("1", Condition("count", "above", True))], None),
        ([row("1", Condition("d", "is", False))], None),
        ([row("1", Condition("d", or_unknown=True))], None),
        ([row("1", Group("any", (D, E)))], {"d", "e"}),
        ([row("1", Group("any", (D, A)))], None),
        ([row("1", Group("all", (D, A)))], {"d"}),
    ],
)
def test_a_diagnosis_is_needed_when_every_row_asks_for_one(rows: list[object], needed: set[str] | None) -> None:
    found = needed_diagnoses(known({}, DERIVED, eligible=rows))  # type: ignore[arg-type]
    assert found == (None if needed is None else frozenset(needed))


def test_the_plans_there_are_need_one_of_four() -> None:
    assert needed_diagnoses(load_knowledge()) == {"t2d_adult", "kol_code", "ihd_adult", "risk_code_adult"}
