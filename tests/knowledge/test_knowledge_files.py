"""Every knowledge file by itself: it parses, its sources stand, its review is not overdue, its sentences are there."""

import re
import time
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from careplan.domain.guideline import Knowledge
from careplan.domain.source import Source
from careplan.fhir.systems import NPU
from careplan.knowledge.load import KNOWLEDGE, check_knowledge, load_knowledge

FILES = sorted(KNOWLEDGE.rglob("*.toml"))
RULED = {"hba1c", "ldl", "sbp", "dbp", "bmi", "smoking", "alcohol", "activity", "exacerbations", "cat", "spo2"}
ROWS = [
    *(f"HBA1C-{n:02}" for n in range(1, 13)),
    *(f"LDL-{n:02}" for n in range(1, 14)),
    *(f"SBP-{n:02}" for n in range(1, 9)),
    *(f"DBP-{n:02}" for n in range(1, 9)),
    *("BMI-01", "BMI-02", "BMI-03", "SMOK-01", "ALC-01", "ACT-01", "ACT-02"),
    *(f"KOLGRP-{n:02}" for n in range(1, 6)),
    *(f"KOLGRADE-{n:02}" for n in range(1, 6)),
    *("EXA-01", "CAT-01", "SPO2-01", "REHAB-01", "REHAB-02", "INT-01", "INT-02", "INT-03"),
]


def name_of(path: Path) -> str:
    return path.relative_to(KNOWLEDGE).as_posix()


def sources(knowledge: Knowledge) -> list[tuple[str, Source | None]]:
    rows = [(row.id, row.source) for one in knowledge.guidelines.values() for row in one.rows]
    plans = knowledge.plans.values()
    eligible = [(row.id, row.source) for plan in plans for row in plan.eligible]
    monitors = [(f"{plan.id} {one.label}", one.source) for plan in plans for one in plan.monitors]
    offers = [(f"{plan.id} {plan.offer.id}", plan.offer.source) for plan in plans]
    return rows + eligible + monitors + offers


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_is_toml_and_named_after_what_it_holds(path: Path) -> None:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    assert "fact" in table or table["id"] == path.stem


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_ends_with_one_newline_and_has_no_tabs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n") and not text.endswith("\n\n") and "\t" not in text


def test_all_66_rows_are_there_in_order(knowledge: Knowledge) -> None:
    rows = [row.id for one in knowledge.guidelines.values() for row in one.rows]
    assert sorted(rows) == sorted(ROWS) and len(rows) == 66
    for guideline in knowledge.guidelines.values():
        places = [ROWS.index(row.id) for row in guideline.rows]
        assert places == list(range(places[0], places[0] + len(places))), guideline.measure


def test_every_source_has_title_publisher_and_address(knowledge: Knowledge) -> None:
    for name, source in sources(knowledge):
        assert source is not None and source.title and source.publisher, name
        parts = urlsplit(source.url)
        assert parts.scheme in ("http", "https") and parts.netloc, name


def overdue(on: date) -> list[str]:
    """The files whose review is overdue on a day."""
    return [one.file for one in check_knowledge(KNOWLEDGE, on).remarks if "is overdue" in one.message]


def test_no_review_is_overdue_when_the_knowledge_was_written() -> None:
    assert overdue(date(2026, 11, 22)) == []


def test_review_is_overdue_the_day_after() -> None:
    files = overdue(date(2027, 6, 2))
    assert overdue(date(2027, 6, 1)) == []
    assert "targets/ldl.toml" in files and "plans/kol.toml" in files and len(files) == 22


def test_goals_are_made_of_the_eleven_ruled_measures_only(knowledge: Knowledge) -> None:
    assert {measure.id for measure in knowledge.measures.values() if measure.goal} == RULED


def test_what_a_plan_follows_can_be_explained_to_the_patient(knowledge: Knowledge) -> None:
    for plan in knowledge.plans.values():
        for name in plan.follows:
            assert knowledge.measures[name].explain, name


def test_every_goal_measure_is_followed_where_a_plan_can_give_it(knowledge: Knowledge) -> None:
    followed = {plan.id: set(plan.follows) for plan in knowledge.plans.values()}
    assert {"hba1c", "ldl", "sbp", "dbp", "bmi"} <= followed["diabetes"]
    assert {"ldl", "sbp", "dbp", "bmi"} <= followed["hjerte"]
    assert {"sbp", "dbp", "bmi", "exacerbations", "cat", "spo2"} <= followed["kol"]
    assert all({"smoking", "alcohol", "activity"} <= names for names in followed.values())


def test_shared_activities_have_one_wording_so_that_merging_plans_loses_nothing(knowledge: Knowledge) -> None:
    seen: dict[str, object] = {}
    for plan in knowledge.plans.values():
        for activity in plan.activities:
            worded = replace(activity, serves=())  # what it serves differs with what a plan follows
            assert seen.setdefault(activity.id, worded) == worded, activity.id


def test_numbers_keep_their_digits(knowledge: Knowledge) -> None:
    row = knowledge.row("LDL-04")
    assert row is not None and str(row.target.high) == "1.4"


def test_low_end_warns_the_treated_only(knowledge: Knowledge) -> None:
    needs = {name: measure.low_end_needs for name, measure in knowledge.measures.items() if measure.low_end_needs}
    assert needs == {"hba1c": "hypo_risk_drug", "sbp": "bp_drug", "dbp": "bp_drug"}


def test_laboratory_tests_say_what_is_taken(knowledge: Knowledge) -> None:
    """NPU's name of what is examined: P, B and Hb(B) are blood, U is urine."""
    of_blood, of_urine = re.compile(r"^[PB](\(\w+.*?\))?—|;(P|Hb\(B\)|Nyre)$"), re.compile(r";U$")
    for measure in knowledge.measures.values():
        own = any(code.system == NPU for code in measure.codes)
        sources = () if own or measure.derived is None else measure.derived.inputs
        named = [knowledge.measures[name] for name in sources or (measure.id,)]
        names = [code.display for one in named for code in one.codes if code.system == NPU]
        drawn, passed = any(map(of_blood.search, names)), any(map(of_urine.search, names))
        assert measure.sample == ("blood" if drawn else "urine" if passed else ""), measure.id


def test_loading_takes_less_than_three_tenths_of_a_second() -> None:
    start = time.process_time()
    load_knowledge()
    assert time.process_time() - start < 0.3
