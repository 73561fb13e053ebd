"""$recommended-targets tells why: row, facts, rows before, gaps; and what cannot be decided, as we published it."""

from typing import Any

from careplan.fhir import bindings, systems
from careplan.fhir.goal import RECOMMENDED, find_entry
from careplan.fhir.models import faults
from careplan.fhir.profile import load_definitions, validate
from careplan.published import read_profiles

from .conftest import PROFILES, Json, Town, condition, measured, patient

DEFINITIONS = load_definitions(read_profiles(PROFILES))


def why(holder: Json) -> Json:
    """The explanation in an element's extensions, by part."""
    (found,) = [one for one in holder["extension"] if one["url"] == systems.EXT_EXPLANATION]
    return found


def parts(extension: Json, url: str) -> list[Json]:
    return [one for one in extension["extension"] if one["url"] == url]


def said(extension: Json, url: str) -> list[Any]:
    return [value for part in parts(extension, url) for member, value in part.items() if member != "url"]


async def explained(town: Town, name: str, of: str = "anna") -> Json:
    bundle = await town.call("Patient/$recommended-targets", of)
    goals = [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Goal"]
    entries = [find_entry(goal, RECOMMENDED) or {} for goal in goals]
    (entry,) = [one for one in entries if one["measure"]["text"] == name]
    return why(entry)


async def test_a_recommendation_names_its_row_its_version_and_its_source(town: Town) -> None:
    one = await explained(town, "LDL-kolesterol")
    row = town.house.knowledge.row("LDL-04")
    assert row is not None and row.source is not None
    assert (said(one, "row"), said(one, "knowledge"), said(one, "says")) == (["LDL-04"], ["ldl|2026.1"], [row.says])
    (source,) = said(one, "source")
    assert (source["display"], source["url"]) == (row.source.title, row.source.url)
    assert row.source.publisher in source["citation"] and str(row.source.year) in source["citation"]


async def test_a_fact_stands_with_its_value_unit_day_and_reference(town: Town) -> None:
    made = await town.post(measured("DNK35302", 25, "mL/min/{1.73_m2}"))
    await town.delete("Condition/anna-ihd")
    one = await explained(town, "LDL-kolesterol")
    (egfr,) = [fact for fact in parts(one, "fact") if said(fact, "name") == ["egfr"]]
    (value,) = said(egfr, "value")
    assert (value["value"], value["code"]) == (25, "mL/min/{1.73_m2}")
    assert said(egfr, "reference") == [{"reference": made.reference}]
    assert (said(egfr, "date"), said(egfr, "decided"), said(egfr, "display")) == (["2026-11-15"], [True], ["eGFR"])
    assert said(one, "row") == ["LDL-05"]


async def test_every_row_before_tells_what_it_asked_what_it_met_and_what_it_lacks(town: Town) -> None:
    one = await explained(town, "LDL-kolesterol", await with_uacr(town))
    passed = {said(row, "row")[0]: row for row in parts(one, "considered")}
    assert list(passed) == ["LDL-01", "LDL-02", "LDL-03"]
    failed = passed["LDL-02"]
    assert said(failed, "question") == ["urin-albumin/kreatinin-ratio (uACR) ≥ 30 mg/g"]
    (test,) = parts(failed, "test")
    assert (said(test, "fact"), said(test, "word")) == (["uacr_mg_g"], ["at-least"])
    assert (said(test, "limit")[0]["value"], said(test, "met")[0]["value"]) == (30, 6)
    assert said(passed["LDL-01"], "missing") == ["cfs"] and said(passed["LDL-01"], "question") == []


async def with_uacr(town: Town) -> str:
    await town.post(measured("NPU19661", 6, "mg/g"))
    return "anna"


async def test_a_gap_names_the_rows_that_could_still_win_and_their_targets(town: Town) -> None:
    one = await explained(town, "LDL-kolesterol")
    gaps = {said(gap, "fact")[0]: gap for gap in parts(one, "gap")}
    rows = {said(row, "row")[0]: said(row, "target")[0] for row in parts(gaps["cfs"], "couldWin")}
    assert rows["LDL-01"] == "LDL-kolesterol under 1,8"


async def test_what_cannot_be_decided_is_an_outcome_that_carries_its_explanation(town: Town) -> None:
    await town.put(patient("dora"), condition("dora-kol", "R95", of="dora"))
    bundle = await town.call("Patient/$recommended-targets", "dora")
    *goals, outcome = [entry["resource"] for entry in bundle["entry"]]
    assert {one["resourceType"] for one in goals} == {"Goal"}
    assert outcome["resourceType"] == "OperationOutcome"
    issues = {issue["details"]["text"].partition(":")[0]: issue for issue in outcome["issue"]}
    pressure = issues["Systolisk blodtryk"]
    assert (pressure["severity"], pressure["code"]) == ("information", "informational")
    assert "Målet kan ikke beregnes: " in pressure["details"]["text"] and "eGFR" in pressure["details"]["text"]
    assert said(why(pressure), "row") == []
    assert said(parts(why(pressure), "considered")[0], "row") == ["SBP-01"]
    assert not {said(why(issue), "knowledge")[0].split("|")[0] for issue in outcome["issue"]} & {
        said(why(find_entry(goal, RECOMMENDED) or {}), "knowledge")[0].split("|")[0] for goal in goals
    }


async def test_a_plan_that_cannot_be_decided_is_remarked_with_what_is_missing(town: Town) -> None:
    whole = patient("gerda")
    await town.put({name: value for name, value in whole.items() if name != "birthDate"})
    await town.post(condition("gerda-t2d", "T90", of="gerda"))
    bundle = await town.call("Patient/$recommended-targets", "gerda")
    (outcome,) = [one["resource"] for one in bundle["entry"]]
    said = [issue["details"]["text"] for issue in outcome["issue"]]
    assert "Type 2-diabetes: planen kan ikke afgøres, mangler: alder" in said
    assert {issue["severity"] for issue in outcome["issue"]} == {"information"}


async def test_a_proposed_goal_says_first_what_is_not_known(town: Town) -> None:
    bundle = await town.call("Patient/$recommended-targets", "anna")
    (ldl,) = [one["resource"] for one in bundle["entry"] if "LDL" in str(one["resource"].get("description"))]
    row = town.house.knowledge.row("LDL-04")
    assert row is not None
    assert ldl["note"][0]["text"] == (
        f"Foreløbigt: CFS (Clinical Frailty Scale) og urin-albumin/kreatinin-ratio (uACR) er ikke kendt. {row.says}"
    )


async def test_what_is_proposed_and_what_is_remarked_fit_their_definitions(town: Town) -> None:
    await town.put(patient("dora"), condition("dora-kol", "R95", of="dora"))
    for who in ("anna", "dora"):
        for entry in (await town.call("Patient/$recommended-targets", who))["entry"]:
            resource = entry["resource"]
            assert faults(resource) + bindings.faults(resource) + validate(resource, DEFINITIONS) == []


async def test_an_explanation_that_lacks_its_version_does_not_fit(town: Town) -> None:
    bundle = await town.call("Patient/$recommended-targets", "anna")
    goal = bundle["entry"][0]["resource"]
    entry = why(find_entry(goal, RECOMMENDED) or {})
    entry["extension"] = [one for one in entry["extension"] if one["url"] != "knowledge"]
    assert any("knowledge" in fault.message for fault in validate(goal, DEFINITIONS))


async def test_the_overview_and_stored_goals_carry_no_explanation(town: Town) -> None:
    await town.call("CarePlan/$establish", subject="Patient/anna", definition=["PlanDefinition/hjerte"])
    overview = await town.call("Patient/$overview", "anna", audience="clinic")
    assert systems.EXT_RECOMMENDATION in str(overview) and systems.EXT_EXPLANATION not in str(overview)
    assert systems.EXT_EXPLANATION not in str(await town.goals())
