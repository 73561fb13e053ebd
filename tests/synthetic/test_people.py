"""Whole invented people: the same from the same seed, connected, with plans as the design says."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from careplan.fhir import systems
from careplan.fhir.models import faults
from careplan.fhir.text import parse
from careplan.synthetic.folder import write_people
from careplan.synthetic.goal import Recommend
from careplan.synthetic.observation import Resource
from careplan.synthetic.people import clinic

ON = date(2026, 11, 22)
CAST = ["anna", "birthe", "carl", "dorte", "erik", "fatima", "gunnar", "hanne"]


def _nothing(_resources: list[Resource], _on: date) -> list[Resource]:
    return []


def _files(folder: Path, seed: int, patients: int, recommend: Recommend = _nothing) -> dict[str, bytes]:
    write_people(folder, clinic(seed, patients, on=ON, recommend=recommend))
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, make_recommending: Callable[[], Recommend]) -> None:
    first, second = (_files(tmp_path / name, 11, 40, make_recommending()) for name in "ab")
    assert first == second
    assert len(first) == 41
    assert "0000-omgivelser.json" in first


def test_another_seed_gives_other_people_and_the_same_cast(tmp_path: Path) -> None:
    first, second = _files(tmp_path / "a", 11, 20), _files(tmp_path / "b", 12, 20)
    assert {name for name in first if name in second} == {
        "0000-omgivelser.json",
        *(f"patient-{name}.json" for name in CAST),
    }
    assert first["patient-birthe.json"] == second["patient-birthe.json"]


def test_more_people_leave_the_earlier_ones_as_they_were(tmp_path: Path) -> None:
    few, many = _files(tmp_path / "a", 11, 15), _files(tmp_path / "b", 11, 30)
    assert few.items() <= many.items()


def test_the_whole_cast_comes_however_few_are_asked_for() -> None:
    bundles = list(clinic(1, 0, on=ON, recommend=_nothing))
    assert [bundle["entry"][0]["resource"]["id"] for bundle in bundles[1:]] == CAST


def test_each_bundle_is_a_transaction_of_puts_to_fixed_ids(bundles: list[Resource]) -> None:
    urls: set[str] = set()
    for bundle in bundles:
        assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "transaction")
        for entry in bundle["entry"]:
            url = f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
            assert entry["request"] == {"method": "PUT", "url": url}
            assert entry["fullUrl"] == f"{systems.CANONICAL}/{url}"
            assert url not in urls
            urls.add(url)


def test_every_reference_resolves_within_the_bundle_and_the_surroundings(bundles: list[Resource]) -> None:
    around = {entry["request"]["url"] for entry in bundles[0]["entry"]}
    for bundle in bundles:
        here = {entry["request"]["url"] for entry in bundle["entry"]} | around
        assert set(_references(bundle)) <= here


def test_no_personal_number_stands_in_an_id_or_reference(people: dict[str, list[Resource]]) -> None:
    for record in people.values():
        number = record[0]["identifier"][0]["value"]
        assert not any(number in one["id"] for one in record)
        assert not any(number in reference for one in record for reference in _references(one))


def test_numbers_are_unique_and_names_hold_test(people: dict[str, list[Resource]]) -> None:
    numbers = [record[0]["identifier"][0]["value"] for record in people.values()]
    assert len(set(numbers)) == len(people)
    assert all("Test" in record[0]["name"][0]["given"] for record in people.values())


def test_nothing_happens_after_the_day_of_the_run(people: dict[str, list[Resource]]) -> None:
    day = ON.isoformat()
    for record in people.values():
        for one in record:
            stamps = (one.get("effectiveDateTime"), one.get("onsetDateTime"), one.get("authoredOn"), one.get("created"))
            periods = (one.get("effectivePeriod", {}).get("start"), one.get("period", {}).get("start"))
            assert all(stamp[:10] <= day for stamp in (*stamps, *periods) if stamp), one["id"]


def test_the_surroundings_hold_clinics_municipality_laboratory_and_staff(bundles: list[Resource]) -> None:
    around = {entry["request"]["url"]: entry["resource"] for entry in bundles[0]["entry"]}
    own = around["Organization/clinic-own"]
    assert own["name"] == "Lægehuset Nord"
    assert {one["system"] for one in own["identifier"]} == {systems.SOR, systems.YDERNUMMER}
    needed = {systems.SOR, systems.FK_ORG, systems.CVR}
    organizations = [one for one in around.values() if one["resourceType"] == "Organization"]
    assert all(needed & {one["system"] for one in each["identifier"]} for each in organizations)
    assert {"Organization/clinic-other", "Organization/kommune-nord"} <= set(around)
    assert {f"PractitionerRole/{role}" for role in ("laege-own", "sygeplejerske-own", "visitator-nord")} <= set(around)


def test_generated_resources_have_no_faults(bundles: list[Resource], tmp_path: Path) -> None:
    write_people(tmp_path, islice(bundles, 40))
    wrong: Counter[str] = Counter()
    for path in tmp_path.iterdir():
        for entry in parse(path.read_bytes())["entry"]:
            found = faults(entry["resource"])
            wrong.update(f"{entry['request']['url']}: {fault}" for fault in found)
    assert not wrong


def test_written_decimals_are_those_in_memory(bundles: list[Resource], tmp_path: Path) -> None:
    write_people(tmp_path, bundles[:10])
    for bundle in bundles[1:10]:
        written = parse((tmp_path / f"patient-{bundle['entry'][0]['resource']['id']}.json").read_bytes())
        for ours, theirs in zip(bundle["entry"], written["entry"], strict=True):
            assert ours["resource"] == theirs["resource"]


# ── the cast ─────────────────────────────────────────────────────────────────────────────────────


def _codes(resources: list[Resource], member: str) -> set[str]:
    return {coding["code"] for one in resources for coding in one[member]["coding"]}


def _age(patient: Resource) -> int:
    born = date.fromisoformat(patient["birthDate"])
    return ON.year - born.year - ((ON.month, ON.day) < (born.month, born.day))


def _newest(resources: list[Resource], code: str) -> Any:
    found = [one for one in resources if any(coding["code"] == code for coding in one["code"]["coding"])]
    return max(found, key=lambda one: one["effectiveDateTime"])["valueQuantity"]["value"]


def test_anna_has_angina_ldl_above_target_and_no_plan(of_type: Callable[..., list[Resource]]) -> None:
    assert _age(of_type("Patient", "anna")[0]) == 58
    assert "K74" in _codes(of_type("Condition", "anna"), "code")
    assert not of_type("CarePlan", "anna")
    assert _newest(of_type("Observation", "anna"), "NPU01568") > 1.4


def test_birthe_has_three_active_plans_and_insulin(of_type: Callable[..., list[Resource]]) -> None:
    plans = of_type("CarePlan", "birthe")
    kinds = [plan["category"][0]["coding"][0]["code"] for plan in plans]
    assert sorted(kinds) == ["diabetes", "hjerte", "kol"]
    assert {plan["status"] for plan in plans} == {"active"}
    assert "A10AE04" in _codes(of_type("MedicationStatement", "birthe"), "medicationCodeableConcept")
    goals = [goal["id"] for goal in of_type("Goal", "birthe")]
    assert len(goals) == len(set(goals)) == 4, "three measures and one wish, shared by the plans"


def test_carl_is_overdue_and_referred_to_the_municipality(of_type: Callable[..., list[Resource]]) -> None:
    (plan,) = of_type("CarePlan", "carl")
    reviewed = date.fromisoformat(plan["extension"][0]["valueDateTime"][:10])
    assert plan["extension"][0]["url"] == systems.EXT_LAST_REVIEWED
    assert (ON - reviewed).days > 366
    (referral,) = of_type("ServiceRequest", "carl")
    assert referral["status"] == "active"
    assert referral["performer"] == [{"reference": "Organization/kommune-nord"}]
    assert referral["occurrencePeriod"]["end"] > ON.isoformat()
    assert referral["reasonReference"] == plan["addresses"]
    assert {"reference": "ServiceRequest/carl-r1"} in [one["reference"] for one in plan["activity"]]


def test_dorte_is_frail_on_insulin_and_erik_is_new_without_plan(of_type: Callable[..., list[Resource]]) -> None:
    frailty = [one for one in of_type("Observation", "dorte") if "clinical-frailty-scale" in _codes([one], "code")]
    assert [one["valueInteger"] for one in frailty] == [7]
    assert _age(of_type("Patient", "dorte")[0]) == 88
    assert not of_type("CarePlan", "erik")
    assert of_type("Condition", "erik")[0]["onsetDateTime"] > "2026-08"


def test_fatimas_agreed_hba1c_differs_from_the_recommended_and_says_why(
    of_type: Callable[..., list[Resource]],
) -> None:
    goal = next(one for one in of_type("Goal", "fatima") if one["description"]["text"].startswith("HbA1c"))
    agreed, recommended = goal["target"]
    assert recommended["detailQuantity"]["value"] == 53
    assert agreed["detailQuantity"]["value"] == 58
    assert goal["description"]["text"] == "HbA1c under 58"
    (deviation,) = [one for one in goal["extension"] if one["url"] == systems.EXT_DEVIATION]
    assert {part["url"] for part in deviation["extension"]} == {"reason", "text", "author", "validUntil"}


def test_gunnars_plan_is_closed_and_hanne_has_nothing_chronic(of_type: Callable[..., list[Resource]]) -> None:
    (plan,) = of_type("CarePlan", "gunnar")
    assert plan["status"] == "completed"
    assert plan["period"]["end"] <= ON.isoformat()
    assert {goal["lifecycleStatus"] for goal in of_type("Goal", "gunnar")} == {"completed"}
    assert not of_type("Condition", "hanne")


# ── plans and goals ──────────────────────────────────────────────────────────────────────────────


def test_the_rules_are_asked_once_about_each_person_with_a_plan_on_the_day_of_the_run(
    recommending: Any, of_type: Callable[..., list[Resource]], people: dict[str, list[Resource]]
) -> None:
    planned = [id for id in people if of_type("CarePlan", id)]
    assert recommending.asked == [(id, ON) for id in planned]


def test_agreed_equals_recommended_unless_a_deviation_says_otherwise(of_type: Callable[..., list[Resource]]) -> None:
    deviating = 0
    for goal in of_type("Goal"):
        if "target" not in goal:
            continue
        agreed, recommended = goal["target"]
        details = [
            {name: value for name, value in one.items() if name.startswith("detail")} for one in (agreed, recommended)
        ]
        explained = any(one["url"] == systems.EXT_DEVIATION for one in goal.get("extension", ()))
        assert (details[0] != details[1]) == explained
        deviating += explained
    assert deviating > 5


def test_recommended_slices_are_what_the_rules_gave_and_agreed_ones_carry_the_agreed_code(
    of_type: Callable[..., list[Resource]], make_recommending: Callable[[], Recommend]
) -> None:
    proposals = {goal["description"]["text"]: goal["target"] for goal in make_recommending()([{"id": "x"}], ON)}
    codes = {"MCS88186": "MCS88025", "MCS88187": "MCS88027"}
    for goal in of_type("Goal"):
        if "target" in goal:
            agreed, recommended = goal["target"]
            assert [recommended] in proposals.values()
            expected = [codes.get(one["code"], one["code"]) for one in recommended["measure"]["coding"]]
            assert [one["code"] for one in agreed["measure"]["coding"]] == expected
            assert [one["url"] for one in agreed["extension"]] == [systems.EXT_TARGET_KIND]


def test_achievement_follows_the_newest_value(of_type: Callable[..., list[Resource]]) -> None:
    goal = next(one for one in of_type("Goal", "dorte") if one["description"]["text"].startswith("HbA1c"))
    newest = _newest(of_type("Observation", "dorte"), "NPU27300")
    expected = "achieved" if newest < goal["target"][0]["detailQuantity"]["value"] else "not-achieved"
    assert goal["achievementStatus"]["coding"][0]["code"] == expected


def test_each_plan_has_a_wish_a_team_with_tovholder_and_something_the_person_does(
    of_type: Callable[..., list[Resource]], people: dict[str, list[Resource]]
) -> None:
    for plan in of_type("CarePlan"):
        id = plan["subject"]["reference"].removeprefix("Patient/")
        wishes = [goal for goal in of_type("Goal", id) if "target" not in goal]
        assert [wish["expressedBy"]["reference"] for wish in wishes] == [f"Patient/{id}"]
        roles = [one["role"][0]["text"] for one in of_type("CareTeam", id)[0]["participant"]]
        assert "Tovholder" in roles
        owners = [task["owner"]["reference"] for task in of_type("Task", id)]
        assert f"Patient/{id}" in owners
        assert of_type("Encounter", id)


def test_at_most_one_active_plan_of_a_type(
    people: dict[str, list[Resource]], of_type: Callable[..., list[Resource]]
) -> None:
    for id in people:
        kinds = [plan["category"][0]["coding"][0]["code"] for plan in of_type("CarePlan", id)]
        assert len(kinds) == len(set(kinds))


def test_a_run_of_other_years_keeps_the_shape() -> None:
    short = list(clinic(3, 12, on=date(2031, 2, 28), recommend=_nothing, years=2))
    assert all(json.dumps(bundle, default=float) for bundle in short)
    oldest = min(
        entry["resource"]["effectiveDateTime"]
        for bundle in short[1:]
        for entry in bundle["entry"]
        if entry["resource"]["resourceType"] == "Observation"
        and entry["resource"]["category"][0]["coding"][0]["code"] == "vital-signs"
    )
    assert oldest > "2029-01-01"
