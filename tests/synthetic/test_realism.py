"""A list of invented people looks like one: shares of disease, values within bounds, series that hang together."""

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import date
from itertools import combinations, pairwise
from pathlib import Path
from statistics import fmean

import pytest

from careplan.fhir import systems
from careplan.synthetic.observation import Resource
from careplan.synthetic.people import clinic

ON = date(2026, 11, 22)
CODES = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "codes.csv"
HEART = {"K74", "K75", "K76", "K86", "K87", "T93", "DI209", "DI219", "DI259", "DI109", "DI119", "DE785"}
GROUPS = {"t2d": {"T90", "DE119"}, "kol": {"R95", "DJ449"}, "heart": HEART}


def _parts(observation: Resource) -> list[Resource]:
    return list(observation.get("component", [observation]))


def _values(observations: list[Resource]) -> Iterator[tuple[Resource, str, float]]:
    """(observation, first code, value) of each number."""
    for one in observations:
        for part in _parts(one):
            value = part.get("valueQuantity", {}).get("value", part.get("valueInteger"))
            if value is not None:
                yield one, part["code"]["coding"][0]["code"], float(value)


def _series(observations: list[Resource], code: str) -> list[list[float]]:
    by_person: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for one, found, value in _values(observations):
        if found == code:
            by_person[one["subject"]["reference"]].append((one["effectiveDateTime"], value))
    return [[value for _, value in sorted(some)] for some in by_person.values()]


@pytest.fixture(scope="module")
def diseases() -> list[set[str]]:
    """The disease groups of 2,500 people."""
    found = []
    for bundle in clinic(5, 2500, on=ON, recommend=lambda _resources, _on: [], years=1):
        codes = {
            coding["code"]
            for entry in bundle["entry"]
            if entry["resource"]["resourceType"] == "Condition"
            for coding in entry["resource"]["code"]["coding"]
        }
        found.append({name for name, group in GROUPS.items() if codes & group})
    return found[1:]


@pytest.mark.parametrize(("group", "low", "high"), [("t2d", 0.21, 0.29), ("heart", 0.40, 0.50), ("kol", 0.15, 0.21)])
def test_prevalence_is_that_of_a_chronic_list(diseases: list[set[str]], group: str, low: float, high: float) -> None:
    assert low < fmean(group in one for one in diseases) < high


def test_diseases_come_together_more_often_than_chance(diseases: list[set[str]]) -> None:
    for one, other in combinations(GROUPS, 2):
        both = fmean(one in some and other in some for some in diseases)
        apart = fmean(one in some for some in diseases) * fmean(other in some for some in diseases)
        assert both > 1.15 * apart
    assert 0.15 < fmean(len(some) > 1 for some in diseases) < 0.35
    assert 0.25 < fmean(not some for some in diseases) < 0.5


def test_about_sixty_percent_of_the_eligible_have_an_active_plan(
    people: dict[str, list[Resource]], of_type: Callable[..., list[Resource]]
) -> None:
    opening = GROUPS["t2d"] | GROUPS["kol"] | HEART
    eligible = [
        id
        for id in people
        if opening & {coding["code"] for one in of_type("Condition", id) for coding in one["code"]["coding"]}
    ]
    active = [id for id in eligible if any(plan["status"] == "active" for plan in of_type("CarePlan", id))]
    assert 0.5 < len(active) / len(eligible) < 0.7
    reviewed = [of_type("CarePlan", id)[0]["extension"][0]["valueDateTime"][:10] for id in active]
    late = sum((ON - date.fromisoformat(day)).days > 366 for day in reviewed)
    assert 0.1 < late / len(active) < 0.4


def test_some_diagnoses_are_undated_and_some_coded_in_sks_or_twice(of_type: Callable[..., list[Resource]]) -> None:
    conditions = of_type("Condition")
    assert 0.03 < fmean("onsetDateTime" not in one and "recordedDate" not in one for one in conditions) < 0.2
    kinds = Counter(tuple(coding["system"] for coding in one["code"]["coding"]) for one in conditions)
    assert set(kinds) == {(systems.ICPC2,), (systems.ICPC2, systems.SKS_D), (systems.SKS_D,)}


def test_values_stay_within_the_plausible_range_of_their_code(of_type: Callable[..., list[Resource]]) -> None:
    if not CODES.exists():
        pytest.skip("the code list stands outside the repository")
    with CODES.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["low_plausible"] and row["high_plausible"]]
    ranges = {row["code"]: (float(row["low_plausible"]), float(row["high_plausible"])) for row in rows}
    outside = [
        (one["id"], code, value)
        for one, code, value in _values(of_type("Observation"))
        if code in ranges and not ranges[code][0] <= value <= ranges[code][1]
    ]
    assert outside == []
    assert sum(code in ranges for _, code, _ in _values(of_type("Observation"))) > 10_000


def test_what_is_written_could_have_been_measured(of_type: Callable[..., list[Resource]]) -> None:
    at: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for one, code, value in _values(of_type("Observation")):
        at[one["subject"]["reference"], one["effectiveDateTime"]][code] = value
    checked: Counter[str] = Counter()
    for values in at.values():
        if "DNK05472" in values:
            assert values["DNK05473"] <= values["DNK05472"] - 15
            checked["pressure"] += 1
        if "MCS88015" in values:
            assert values["MCS88015"] < values["MCS88016"]
            assert values["MCS88017"] == pytest.approx(values["MCS88015"] / values["MCS88016"], abs=0.0051)
            checked["lungs"] += 1
        if "NPU01566" in values:
            assert values["NPU01566"] > values["NPU01568"] + values["NPU01567"]
            checked["lipids"] += 1
    assert min(checked["pressure"], checked["lungs"], checked["lipids"]) > 100


@pytest.mark.parametrize(
    ("code", "limit"), [("NPU03804", 0.85), ("NPU27300", 0.75), ("NPU01568", 0.75), ("DNK35302", 0.8)]
)
def test_adjacent_values_lie_closer_than_random_pairs_of_the_same_person(
    of_type: Callable[..., list[Resource]], code: str, limit: float
) -> None:
    series = [one for one in _series(of_type("Observation"), code) if len(one) > 4]
    assert len(series) > 50
    adjacent = fmean(abs(a - b) for one in series for a, b in pairwise(one))
    random_pairs = fmean(abs(a - b) for one in series for a, b in combinations(one, 2))
    assert adjacent < limit * random_pairs


def test_values_are_rounded_as_they_are_reported(of_type: Callable[..., list[Resource]]) -> None:
    digits = {"NPU27300": 0, "NPU01568": 1, "DNK05472": 0, "MCS88019": 0, "NPU03804": 1, "MCS88015": 2, "DNK35302": 0}
    for _, code, value in _values(of_type("Observation")):
        if code in digits:
            assert round(value, digits[code]) == value


def test_high_filtration_is_reported_as_above_90(of_type: Callable[..., list[Resource]]) -> None:
    filtration = [
        one["valueQuantity"] for one in of_type("Observation") if one["code"]["coding"][0]["code"] == "DNK35302"
    ]
    assert any(one.get("comparator") == ">" for one in filtration)
    assert all(one["value"] == 90 for one in filtration if "comparator" in one)


def test_each_value_says_who_measured_it(of_type: Callable[..., list[Resource]]) -> None:
    seen: Counter[str] = Counter()
    for one in of_type("Observation"):
        (performer,) = one["performer"]
        kind = performer["reference"].split("/")[0]
        laboratory = one["category"][0]["coding"][0]["code"] == "laboratory"
        home = any(part["code"]["coding"][0]["code"] == "MCS88019" for part in _parts(one))
        assert kind == ("Organization" if laboratory else "Patient" if home else "PractitionerRole")
        seen[kind] += 1
    assert min(seen.values()) > 100


def test_vital_signs_carry_the_loinc_code_of_their_profile(of_type: Callable[..., list[Resource]]) -> None:
    needed = {"85354-9", "29463-7", "8302-2", "39156-5", "2708-6"}
    vital = [one for one in of_type("Observation") if one["category"][0]["coding"][0]["code"] == "vital-signs"]
    for one in vital:
        loinc = [coding["code"] for coding in one["code"]["coding"] if coding["system"] == systems.LOINC]
        assert len(loinc) == 1
        assert loinc[0] in needed
    panels = [one for one in vital if "component" in one]
    for one in panels:
        codes = [{coding["code"] for coding in part["code"]["coding"]} for part in one["component"]]
        assert "8480-6" in codes[0]
        assert "8462-4" in codes[1]


def test_a_statin_brings_ldl_down() -> None:
    before: list[float] = []
    after: list[float] = []
    for bundle in clinic(5, 400, on=ON, recommend=lambda _resources, _on: []):
        resources = [entry["resource"] for entry in bundle["entry"]]
        starts = [
            one["effectivePeriod"]["start"]
            for one in resources
            if one["resourceType"] == "MedicationStatement"
            and one["medicationCodeableConcept"]["coding"][0]["code"].startswith("C10AA")
        ]
        for one, code, value in _values([one for one in resources if one["resourceType"] == "Observation"]):
            if code == "NPU01568" and starts:
                (before if one["effectiveDateTime"][:10] < starts[0] else after).append(value)
    assert min(len(before), len(after)) > 50
    assert fmean(after) < 0.75 * fmean(before)
