"""$eligible: who should have a plan, with why, the most urgent first."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from careplan.fhir import systems
from careplan.fhir.criterion import ParameterInvalid
from careplan.interactions.access import Forbidden
from careplan.interactions.operations.asked import ParameterFaulty
from careplan.interactions.worklist_query import list_query

from .conftest import BASE, Json, Town, concept, condition, hba1c, patient


@pytest.fixture
async def practice(town: Town) -> Town:
    """North: Anna (diabetes and heart), Dorte (newly found diabetes), Emil (KOL), and their plans."""
    await town.put(patient("dorte"), condition("dorte-t2d", "T90", "2025-05-20", of="dorte"))
    await town.put(patient("emil"), condition("emil-kol", "R95", "2015-05-20", of="emil"))
    return town


def plan(id: str, kind: str, of: str, reviewed: str) -> Json:
    return {
        "resourceType": "CarePlan",
        "id": id,
        "status": "active",
        "intent": "plan",
        "category": [concept(systems.PLAN_TYPE, kind)],
        "subject": {"reference": f"Patient/{of}"},
        "period": {"start": "2024-01-10"},
        "extension": [{"url": systems.EXT_LAST_REVIEWED, "valueDateTime": reviewed}],
    }


def why(entry: Json) -> list[dict[str, Any]]:
    """Each reason of an entry: plan, row, state, offer, saved."""
    reasons = [one for one in entry["search"]["extension"] if one["url"] == systems.EXT_ELIGIBILITY]
    return [
        {
            part["url"]: next(value for key, value in part.items() if key != "url")
            for part in one["extension"]
            if part["url"] not in ("basis", "missing")
        }
        for one in reasons
    ]


async def listed(town: Town, who: str = "doctor", **asked: Any) -> list[tuple[str, str, str]]:
    bundle = await town.call("Patient/$eligible", None, who, **asked)
    return [
        (entry["resource"]["id"], one["plan"], one["state"]) for entry in bundle.get("entry", ()) for one in why(entry)
    ]


async def test_overdue_come_first_the_longest_ahead_then_the_duties_then_the_rest(practice: Town) -> None:
    await practice.put(
        plan("p1", "kol", "emil", "2025-01-10"),
        plan("p2", "diabetes", "anna", "2024-06-10"),
        plan("p3", "hjerte", "anna", "2026-06-10"),
    )
    assert await listed(practice) == [
        ("anna", "diabetes", "overdue"),
        ("anna", "hjerte", "maintained"),
        ("emil", "kol", "overdue"),
        ("dorte", "diabetes", "new"),
    ]


async def test_a_plan_that_must_be_offered_comes_before_one_that_may(practice: Town) -> None:
    assert (await listed(practice))[0][0] == "dorte"


async def test_each_says_why(practice: Town) -> None:
    bundle = await practice.call("Patient/$eligible", state="new", plan_type="diabetes")
    (entry,) = [one for one in bundle["entry"] if one["resource"]["id"] == "dorte"]
    (reason,) = why(entry)
    assert (reason["row"], reason["state"], reason["offer"]) == ("ELIG-D", "new", "must")
    assert "T90" in reason["says"]
    assert "saved" not in reason
    assert entry["search"]["mode"] == "match"


async def test_a_person_is_listed_once_with_all_the_reasons(practice: Town) -> None:
    bundle = await practice.call("Patient/$eligible")
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert sorted(urls) == [f"{BASE}/Patient/{id}" for id in ("anna", "dorte", "emil")]
    assert bundle["total"] == 3
    (anna,) = [entry for entry in bundle["entry"] if entry["resource"]["id"] == "anna"]
    assert {one["plan"] for one in why(anna)} == {"diabetes", "hjerte"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"plan_type": "kol"}, {("emil", "kol", "new")}),
        ({"plan_type": "hjerte"}, {("anna", "hjerte", "new")}),
        ({"state": "maintained"}, set()),
        ({"clinic": "Organization/north", "plan_type": "kol"}, {("emil", "kol", "new")}),
        ({"on": "2020-05-19"}, {("emil", "kol", "new")}),
    ],
)
async def test_it_narrows_by_plan_state_clinic_and_day(practice: Town, asked: dict[str, str], expected: Any) -> None:
    assert set(await listed(practice, **asked)) == expected


async def test_twelve_months_to_the_day_is_maintained_and_the_day_after_overdue(practice: Town) -> None:
    await practice.put(plan("p1", "kol", "emil", "2025-11-22"))
    assert await listed(practice, plan_type="kol") == [("emil", "kol", "maintained")]
    practice.later(days=1)
    assert await listed(practice, plan_type="kol") == [("emil", "kol", "overdue")]


@pytest.mark.parametrize(("days", "offer"), [(-1, "must"), (0, "must"), (1, "may")])
async def test_the_duty_to_offer_ends_the_day_after_four_years(town: Town, days: int, offer: str) -> None:
    """The diagnosis is of 22.11.2022."""
    await town.put(condition("anna-t2d", "T90", "2022-11-22"))
    town.later(days=days)
    (entry,) = (await town.call("Patient/$eligible", plan_type="diabetes"))["entry"]
    assert [one["offer"] for one in why(entry)] == [offer]


async def test_without_a_date_of_the_diagnosis_the_duty_is_open_and_what_is_missing_is_named(town: Town) -> None:
    bare = {name: value for name, value in condition("anna-t2d", "T90").items() if name != "onsetDateTime"}
    await town.put(bare)
    (entry,) = (await town.call("Patient/$eligible", plan_type="diabetes"))["entry"]
    (extension,) = entry["search"]["extension"]
    assert [one["offer"] for one in why(entry)] == ["may"]
    assert [one["valueString"] for one in extension["extension"] if one["url"] == "missing"] == ["t2d_duration_years"]


async def test_kol_and_diabetes_together_come_first_among_the_overdue(practice: Town) -> None:
    """Their yearly visits are missed most, so the longer overdue wait."""
    await practice.put(condition("anna-kol", "R95"))
    await practice.put(plan("p1", "kol", "emil", "2024-01-10"), plan("p2", "diabetes", "anna", "2025-06-10"))
    overdue = await listed(practice, state="overdue")
    assert overdue == [("anna", "diabetes", "overdue"), ("emil", "kol", "overdue")]


async def test_equally_urgent_patients_stand_by_id(town: Town) -> None:
    await town.put(*(patient(f"p{n}") for n in (3, 1, 2)))
    await town.put(*(condition(f"c{n}", "R95", "2010-05-20", of=f"p{n}") for n in (3, 1, 2)))
    assert [who for who, _, _ in await listed(town, plan_type="kol")] == ["p1", "p2", "p3"]


async def test_a_hospital_code_makes_eligible_by_what_it_begins_with(town: Town) -> None:
    code = {"code": concept(systems.SKS_D, "DE119B"), "id": "birthe-t2d"}
    await town.put(condition("birthe-t2d", "", of="birthe") | code)
    icd = {"code": concept(systems.ICD10, "J44.8"), "id": "birthe-kol"}
    await town.put(condition("birthe-kol", "", of="birthe") | icd)
    found = await listed(town)
    assert {plan for who, plan, _ in found if who == "birthe"} == {"diabetes", "kol"}


async def test_who_has_none_of_the_diagnoses_is_not_read_at_all(town: Town) -> None:
    await town.put(condition("birthe-cold", "R74", of="birthe"))
    page = await town.house.store.search(list_query(town.house.knowledge, town.now.date()))
    assert {version.id for version in page.matches} == {"anna", "carl"}


async def test_a_ratio_that_is_not_kol_takes_a_person_off_the_list(practice: Town) -> None:
    ratio = {"system": systems.UCUM, "code": "{ratio}", "value": 0.74}
    coded = {"code": concept(systems.MCS, "MCS88017"), "valueQuantity": ratio}
    base = {name: part for name, part in hba1c(1, of="emil").items() if name not in ("code", "valueQuantity")}
    await practice.put({**base, **coded, "id": "o1", "status": "entered-in-error"})
    assert await listed(practice, plan_type="kol") == [("emil", "kol", "new")]
    await practice.put({**base, "code": concept(systems.LOINC, "81459-0"), "component": [coded], "id": "o2"})
    assert await listed(practice, plan_type="kol") == []


async def test_the_dead_and_the_young_are_not_listed(practice: Town) -> None:
    await practice.put(patient("emil", deceasedBoolean=True), patient("dorte", birthDate="2009-05-20"))
    assert {who for who, _, _ in await listed(practice)} == {"anna"}


async def test_pages_hold_everybody_once(practice: Town) -> None:
    seen: list[str] = []
    bundle = await practice.call("Patient/$eligible", None, "doctor", _count=1)
    for _ in range(5):
        seen += [entry["resource"]["id"] for entry in bundle.get("entry", ())]
        assert bundle["total"] == 3
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        if "next" not in links:
            break
        (token,) = parse_qs(urlsplit(links["next"]).query)["_page"]
        bundle = await practice.call("Patient/$eligible", None, "doctor", _count=1, _page=token)
    assert sorted(seen) == ["anna", "dorte", "emil"]
    nobody = await practice.call("Patient/$eligible", None, "doctor", _count=0)
    assert (nobody["total"], "entry" in nobody) == (3, False)


async def test_a_page_of_eligible_that_is_not_ours_is_refused(practice: Town) -> None:
    with pytest.raises(ParameterInvalid):
        await practice.call("Patient/$eligible", None, "doctor", _page="bm90LW91cnM")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"state": "forsømt"}, "state must be one of overdue, new, maintained, excluded"),
        ({"plan_type": "gigt"}, "there are diabetes"),
        ({"clinic": "Patient/anna"}, "clinic must name a Organization"),
        ({"_count": "-1"}, "_count must be a whole number"),
        ({"on": "i morgen"}, "on must be a date"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(practice: Town, asked: dict[str, str], says: str) -> None:
    with pytest.raises(ParameterFaulty, match=says):
        await practice.call("Patient/$eligible", None, "doctor", **asked)


async def test_a_clinic_lists_its_own_people_and_others_list_nobody(practice: Town) -> None:
    assert {who for who, _, _ in await listed(practice, "stranger")} == {"carl"}
    with pytest.raises(Forbidden):
        await listed(practice, "stranger", clinic="Organization/north")
    with pytest.raises(Forbidden):
        await listed(practice, "statistics")
    assert await listed(practice, "birthe") == []
