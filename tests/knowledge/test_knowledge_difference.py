"""Which rows, plan types, measures and facts differ between two knowledges, and whether the versions say so."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from revised import copied, edited, stricter_ldl

from careplan.domain.condition import Condition
from careplan.domain.guideline import FactDefinition, FromRecord, Knowledge
from careplan.domain.measure import Span
from careplan.knowledge.difference import Difference, TableDifference, difference
from careplan.knowledge.difference_text import json_from_difference, lines_from_difference
from careplan.knowledge.load import load_knowledge


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "new"


def found(new: Path) -> Difference:
    return difference(load_knowledge(), load_knowledge(new))


def table(new: Path) -> TableDifference:
    (one,) = found(new).tables
    return one


def test_a_copy_differs_in_nothing(new: Path) -> None:
    assert found(copied(new)) == Difference((), ())
    assert list(lines_from_difference(found(new))) == ["the two are the same"]


def test_a_changed_target_is_told_with_both_numbers(new: Path) -> None:
    ldl = table(stricter_ldl(new))
    (row,) = ldl.rows
    assert (ldl.kind, ldl.id, ldl.before, ldl.after) == ("targets", "ldl", "2026.1", "2026.2")
    assert (row.id, row.how, row.what) == ("LDL-04", "changed", ("target", "sentences"))
    assert not ldl.silent
    lines = list(lines_from_difference(found(new)))
    assert lines[0] == "targets/ldl: 2026.1 → 2026.2"
    assert "LDL-04" in lines[1] and "under 1,4 mmol/L → under 1,2 mmol/L" in lines[1]


def test_a_change_under_the_old_version_is_a_fault(new: Path) -> None:
    assert table(stricter_ldl(new, "2026.1")).silent
    assert json_from_difference(found(new))["faults"] == ["targets/ldl"]


def test_a_new_version_of_the_same_rows_is_told_and_no_fault(new: Path) -> None:
    edited(copied(new), "targets/ldl.toml", 'version = "2026.1"', 'version = "2026.2"')
    assert table(new).renamed and not table(new).silent
    assert "nothing else differs" in next(iter(lines_from_difference(found(new))))


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ('{ fact = "ihd" }', '{ fact = "ihd" }, { fact = "age", at-least = 1, or-unknown = true }', "conditions"),
        ("year = 2021", "year = 2022", "source"),
        ("note = ", "unverified = true\nnote = ", "unverified"),
        ("fordi risikoen", "da risikoen", "sentences"),
        ("The texts of", "All texts of", "note"),
    ],
)
def test_what_of_a_row_changed_is_named(new: Path, before: str, after: str, what: str) -> None:
    edited(copied(new), "targets/ldl.toml", before, after, "LDL-04")
    (row,) = table(new).rows
    assert (row.id, row.how, row.what) == ("LDL-04", "changed", (what,))
    assert table(new).silent == (what != "note")


def test_rows_that_swap_places_are_told_as_one_that_moved(new: Path) -> None:
    path = copied(new) / "targets/ldl.toml"
    head, *rows = path.read_text(encoding="utf-8").split("[[row]]")
    first, second = (next(n for n, row in enumerate(rows) if f'"{id}"' in row) for id in ("LDL-06", "LDL-07"))
    rows[first], rows[second] = rows[second], rows[first]
    path.write_text("[[row]]".join([head, *rows]), encoding="utf-8")
    assert [(row.how, row.what) for row in table(new).rows] == [("moved", ())]


def test_a_renamed_row_is_one_removed_and_one_added(new: Path) -> None:
    path = copied(new) / "targets/ldl.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("LDL-04", "LDL-44"), encoding="utf-8")
    assert [(row.id, row.how) for row in table(new).rows] == [("LDL-04", "removed"), ("LDL-44", "added")]


def test_plan_types_and_measures_are_compared_too(new: Path) -> None:
    edited(copied(new), "plans/kol.toml", 'title = "', 'title = "Ny ')
    edited(new, "measures/ldl.toml", "near = ", "near = 1")
    difference_ = found(new)
    assert [(one.kind, one.id, one.others, one.silent) for one in difference_.tables] == [
        ("plans", "kol", ("title",), True)
    ]
    assert [(one.kind, one.id, one.how, one.what) for one in difference_.parts] == [
        ("measures", "ldl", "changed", ("near",))
    ]


def test_a_fact_that_is_defined_otherwise_changes_the_tables_that_ask_about_it(new: Path) -> None:
    edited(copied(new), "facts/diagnoses.toml", '"K74", "K75", "K76"', '"K74"')
    tables = {one.id: one for one in found(new).tables}
    assert tables["ldl"].silent and tables["ldl"].facts == ("ihd_code",)
    assert "alcohol" not in tables


@pytest.mark.parametrize(
    ("file", "before", "after", "tables"),
    [
        ("measures/hba1c.toml", "NPU27300", "NPU99999", {"hba1c"}),
        ("measures/uacr.toml", "possible = { low = 0", "possible = { low = 1", {"ldl"}),
    ],
)
def test_a_measure_that_takes_its_values_otherwise_changes_the_tables_that_ask_about_it(
    new: Path, file: str, before: str, after: str, tables: set[str]
) -> None:
    edited(copied(new), file, before, after)
    assert tables & {one.id for one in found(new).faults}


def changed(knowledge: Knowledge, measure: str, **what: Any) -> Knowledge:
    return replace(knowledge, measures={**knowledge.measures, measure: replace(knowledge.measures[measure], **what)})


def test_a_value_that_is_computed_changes_with_what_it_is_computed_from() -> None:
    old = load_knowledge()
    measure = old.measures["egfr"]
    assert measure.derived is not None
    source = measure.derived.inputs[0]
    assert difference(old, changed(old, source, possible=Span(Decimal(1), Decimal(2)))).faults
    assert not difference(old, changed(old, source, name="Nyt navn")).faults


def test_what_must_be_offered_asks_about_facts_too() -> None:
    old = load_knowledge()
    offer = replace(old.plans["kol"].offer, must=(Condition("novel"),))
    plans = {**old.plans, "kol": replace(old.plans["kol"], offer=offer)}
    both = [
        replace(
            old, plans=plans, facts={**old.facts, "novel": FactDefinition("novel", "Nyt", FromRecord("person", said))}
        )
        for said in ({"person": "age"}, {"person": "sex"})
    ]
    assert [(one.id, one.facts) for one in difference(*both).faults] == [("kol", ("novel",))]
