"""$set-individual-target and $follow-recommendation: what is agreed, what is recommended, never mixed."""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from careplan.domain.errors import UnitMismatch
from careplan.domain.target import Target
from careplan.fhir import systems
from careplan.fhir.agreed import activity_of
from careplan.fhir.goal import AGREED, RECOMMENDED, achievement_of, find_deviation, find_entry, find_target, is_expired
from careplan.fhir.instruction import instruction_text
from careplan.interactions.access import Forbidden
from careplan.interactions.deviation import DeviationNeedsAuthor, DeviationNeedsReason, NeedsDoctor
from careplan.interactions.operations.asked import ParameterFaulty
from careplan.interactions.operations.individual_target import GoalUnfit, follow, instruct, set_target
from careplan.interactions.operations.wanted import Wanted
from careplan.interactions.overview import Line, read_overview
from careplan.interactions.precondition import PreconditionFailed
from careplan.interactions.singular import GoalExists

from .conftest import Json, Town, concept, hba1c

D = Decimal


@pytest.fixture
async def planned(town: Town) -> Town:
    await town.put(
        role("doctor", systems.PROFESSION, "7170"),
        role("nurse", systems.PROFESSION, "5166"),
        role("other", systems.PROFESSION, "7170", "south"),
    )
    await town.call("CarePlan/$establish", subject="Patient/anna", definition="PlanDefinition/diabetes")
    return town


def role(id: str, system: str, code: str, place: str = "north", **more: Any) -> Json:
    base = {"resourceType": "PractitionerRole", "id": id, "code": [concept(system, code)]}
    return base | {"organization": {"reference": f"Organization/{place}"}} | more


async def goal_of(town: Town, measure: str = "HbA1c") -> Json:
    return (await town.goals())[measure]


async def agree(town: Town, measure: str = "HbA1c", who: str = "doctor", **asked: Any) -> Json:
    given = {"reason": "hypoglycaemia"} | asked
    return await town.call("Goal/$set-individual-target", (await goal_of(town, measure))["id"], who, **given)


# ── the target ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "target", "says"),
    [
        ({"low": 53, "high": 58}, Target(D(53), D(58), "mmol/mol"), "HbA1c mellem 53 og 58"),
        ({"high": 64}, Target(None, D(64), "mmol/mol"), "HbA1c højst 64"),
        ({"high": 64, "strict": True}, Target(None, D(64), "mmol/mol", True), "HbA1c under 64"),
        ({"high": 64, "comparator": "<"}, Target(None, D(64), "mmol/mol", True), "HbA1c under 64"),
        ({"high": 64, "comparator": "<="}, Target(None, D(64), "mmol/mol"), "HbA1c højst 64"),
        ({"low": 53}, Target(D(53), None, "mmol/mol"), "HbA1c mindst 53"),
        ({"low": 53, "comparator": ">"}, Target(D(53), None, "mmol/mol", True), "HbA1c over 53"),
        (
            {"low": 53, "high": 64, "strict": "true"},
            Target(D(53), D(64), "mmol/mol", True),
            "HbA1c fra 53 til under 64",
        ),
        ({"high": "58.5"}, Target(None, D("58.5"), "mmol/mol"), "HbA1c højst 58,5"),
    ],
)
async def test_what_is_agreed_is_what_was_asked(planned: Town, asked: Json, target: Target, says: str) -> None:
    goal = await agree(planned, **asked)
    assert find_target(goal, AGREED) == target
    assert goal["description"] == {"text": says}
    assert await goal_of(planned) == goal


async def test_the_recommended_slice_stays_as_the_rules_say(planned: Town) -> None:
    before = find_entry(await goal_of(planned), RECOMMENDED)
    goal = await agree(planned, low=60, high=70)
    assert find_entry(goal, RECOMMENDED) == before
    assert find_target(goal, RECOMMENDED) == Target(None, D(58), "mmol/mol")


async def test_the_deviation_says_why_who_and_until_when(planned: Town) -> None:
    goal = await agree(planned, high=70, reason="other", text="rejser meget", valid_until="2027-05-22")
    deviation = find_deviation(goal)
    assert deviation is not None
    assert (deviation.reason, deviation.text, deviation.author, deviation.valid_until) == (
        "other",
        "rejser meget",
        "PractitionerRole/doctor",
        date(2027, 5, 22),
    )
    entry = find_entry(goal, AGREED)
    assert entry is not None and entry["dueDate"] == "2027-05-22"


async def test_without_an_end_it_is_valid_to_the_next_control_the_rules_allow(planned: Town) -> None:
    deviation = find_deviation(await agree(planned, high=70))
    assert deviation is not None and deviation.valid_until == date(2027, 11, 22)


async def test_agreeing_on_what_is_recommended_is_no_deviation(planned: Town) -> None:
    await agree(planned, high=70)
    assert find_deviation(await agree(planned, high=58)) is None


async def test_following_the_recommendation_keeps_the_day_it_is_due(planned: Town) -> None:
    goal = await agree(planned, high=70, valid_until="2027-05-22")
    followed = find_entry(await planned.call("Goal/$follow-recommendation", goal["id"]), AGREED)
    assert followed is not None and followed["dueDate"] == "2027-05-22"


async def test_the_standing_moves_with_the_target(planned: Town) -> None:
    await planned.post(hba1c(66))
    assert achievement_of(await goal_of(planned)) == "not-achieved"
    assert achievement_of(await agree(planned, high=70)) == "achieved"


async def test_one_provenance_says_what_was_done_and_why(planned: Town) -> None:
    before = {one["id"] for one in await planned.find("Provenance", patient="anna")}
    await agree(planned, high=70, reason="frailty")
    (proof,) = [one for one in await planned.find("Provenance", patient="anna") if one["id"] not in before]
    assert (proof["activity"]["text"], proof["reason"]) == ("set-individual-target", [{"text": "frailty"}])


async def test_a_reason_may_be_a_code_a_coding_or_a_concept(planned: Town) -> None:
    coding = {"system": systems.DEVIATION_REASON, "code": "frailty"}
    for given in ("frailty", coding, concept(systems.DEVIATION_REASON, "frailty")):
        deviation = find_deviation(await agree(planned, high=70, reason=given))
        assert deviation is not None and deviation.reason == "frailty"


# ── units ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_unit_is_the_measure_s_or_converts_into_it(planned: Town) -> None:
    assert find_target(await agree(planned, high=64, unit="mmol/mol"), AGREED) == Target(None, D(64), "mmol/mol")
    goal = await agree(planned, "Fysisk aktivitet", low="2.5", unit="h/wk")
    found = find_target(goal, AGREED)
    assert found is not None and found.low == 150


@pytest.mark.parametrize(
    "asked",
    [
        {"high": 7, "unit": "mg/L"},
        {"high": {"value": 7, "unit": "mg/L", "system": systems.UCUM, "code": "mg/L"}},
        {"high": {"value": 7, "unit": "mg/L"}},
    ],
)
async def test_a_unit_that_does_not_convert_is_refused_by_name(planned: Town, asked: Json) -> None:
    before = await planned.everything()
    with pytest.raises(UnitMismatch, match=r"parameter (unit|high): hba1c is measured in"):
        await agree(planned, **asked)
    assert await planned.everything() == before


async def test_a_quantity_brings_its_own_unit(planned: Town) -> None:
    hours = {"value": D(2), "unit": "timer", "system": systems.UCUM, "code": "h/wk"}
    found = find_target(await agree(planned, "Fysisk aktivitet", low=hours), AGREED)
    assert found is not None and found.low == 120


# ── what is refused ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "parameters low and high: .*a low end, a high end, or both"),
        ({"low": 58, "high": 58, "strict": True}, "below a strict one"),
        ({"high": 64, "comparator": "<=", "strict": True}, "comparator and strict contradict"),
        ({"high": 64, "comparator": "<", "strict": False}, "comparator and strict contradict"),
        ({"high": {"value": 64, "comparator": ">"}}, "parameter high is an end"),
        ({"high": 64, "text": "a\x07b"}, "parameter text has control characters"),
        ({"high": 64, "text": True}, "parameter text must be a text"),
        ({"low": 60, "high": 50}, "at or below its high end"),
        ({"high": -1}, "not negative"),
        ({"low": -5, "high": 50}, "not negative"),
        ({"high": "mange"}, "parameter high must be a decimal number"),
        ({"high": "NaN"}, "parameter high must be a decimal number"),
        ({"high": True}, "parameter high must be a decimal number"),
        ({"high": [58, 64]}, "high may be given once"),
        ({"high": 64, "comparator": "="}, "comparator must be"),
        ({"high": 64, "comparator": ">"}, "comparator"),
        ({"low": 64, "comparator": "<"}, "comparator"),
        ({"high": 64, "strict": "ja"}, "strict must be true or false"),
        ({"high": 64, "valid_until": "2026-11-22"}, "valid-until must be a day after today"),
        ({"high": 64, "valid_until": "2020-01-01"}, "valid-until must be a day after today"),
        ({"high": 64, "valid_until": "2027"}, "valid-until must be a date"),
        ({"high": 64, "valid_until": "2028-11-23"}, "valid-until is at most 24 months ahead"),
    ],
)
async def test_a_target_that_cannot_be_is_refused_by_name(planned: Town, asked: Json, says: str) -> None:
    before = await planned.everything()
    with pytest.raises(ParameterFaulty, match=says):
        await agree(planned, **asked)
    assert await planned.everything() == before


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"reason": ""}, "one of hypoglycaemia, frailty, side-effect, patient-wish, pregnancy, other"),
        ({"reason": "lyst"}, "one of"),
        ({"reason": "other"}, "reason other needs a text"),
        ({"reason": "other", "text": "  "}, "reason other needs a text"),
        ({"reason": "other", "text": "\u200b\u2060"}, "reason other needs a text"),
        ({"reason": "frailty", "text": "\u200b"}, "nothing that can be read"),
        ({"reason": "frailty", "text": "x" * 601}, "at most 600 characters"),
        ({"reason": {"coding": []}}, "one of"),
        ({"reason": {"system": "http://example.org", "code": "frailty"}}, "one of"),
        ({"reason": {"coding": [{"code": "frailty"}, {"code": "other"}]}}, "one of"),
    ],
)
async def test_an_individual_target_needs_its_reason(planned: Town, asked: Json, says: str) -> None:
    with pytest.raises(DeviationNeedsReason, match=says):
        await agree(planned, high=70, **asked)


async def test_a_goal_without_measure_or_that_ended_takes_no_target(planned: Town) -> None:
    own = {"resourceType": "Goal", "id": "own", "lifecycleStatus": "active", "description": {"text": "Gå ture"}}
    await planned.put({**own, "subject": {"reference": "Patient/anna"}}, who="anna")
    ended = {**await goal_of(planned), "lifecycleStatus": "completed"}
    await planned.put(ended)
    for id in ("own", str(ended["id"])):
        with pytest.raises(GoalUnfit, match=f"Goal/{id}"):
            await planned.call("Goal/$set-individual-target", id, high=70, reason="frailty")


@pytest.mark.parametrize("who", ["stranger", "visitator", "anna", "birthe", "lps", "statistics"])
async def test_only_the_patient_s_own_clinic_sets_targets(planned: Town, who: str) -> None:
    await planned.put({**_referral(), "id": "r1"})
    before = await planned.everything()
    for operation in ("Goal/$set-individual-target", "Goal/$follow-recommendation"):
        with pytest.raises(Forbidden):
            await planned.call(operation, (await goal_of(planned))["id"], who, high=70, reason="frailty")
    assert await planned.everything() == before


def _referral() -> Json:
    base = {"resourceType": "ServiceRequest", "status": "active", "intent": "order"}
    return base | {"subject": {"reference": "Patient/anna"}, "performer": [{"reference": "Organization/town"}]}


# ── who, and within what span ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "asked",
    [
        {"high": 47},
        {"high": 76},
        {"low": 40, "high": 58},
        {"low": 50, "high": 80},
        {"low": 53},  # no value would be too high: the recommendation has a high end
    ],
)
async def test_outside_the_safety_span_it_takes_a_doctor(planned: Town, asked: Json) -> None:
    before = await planned.everything()
    for who in ("nurse", "system", "clinic-system"):
        with pytest.raises(NeedsDoctor, match="hba1c outside from 48 to 75 mmol/mol"):
            await agree(planned, who=who, author="PractitionerRole/doctor" if who == "system" else [], **asked)
    assert await planned.everything() == before
    deviation = find_deviation(await agree(planned, **asked))
    assert deviation is not None and deviation.author == "PractitionerRole/doctor"


@pytest.mark.parametrize("asked", [{"high": 48}, {"high": 75}, {"low": 48, "high": 75}])
async def test_looser_and_stricter_within_the_span_any_clinician_agrees_on(planned: Town, asked: Json) -> None:
    deviation = find_deviation(await agree(planned, who="nurse", **asked))
    assert deviation is not None and deviation.author == "PractitionerRole/nurse"


async def test_a_measure_without_a_span_is_anybody_s_to_agree_on(planned: Town) -> None:
    goal = await agree(planned, "Alkohol", who="nurse", high=30, reason="patient-wish")
    assert find_deviation(goal) is not None


async def test_a_caller_that_is_no_person_says_who_answers_for_it(planned: Town) -> None:
    before = await planned.everything()
    for named in ([], "PractitionerRole/nobody", "Patient/anna", "doctor", {"display": "Mette Holm"}):
        with pytest.raises(DeviationNeedsAuthor, match="parameter author"):
            await agree(planned, who="system", high=64, author=named)
    assert await planned.everything() == before
    deviation = find_deviation(await agree(planned, who="system", high=64, author="PractitionerRole/doctor"))
    assert deviation is not None and deviation.author == "PractitionerRole/doctor"


async def test_a_clinic_s_system_speaks_for_its_clinic(planned: Town) -> None:
    deviation = find_deviation(await agree(planned, who="clinic-system", high=64))
    assert deviation is not None and deviation.author == "Organization/north"


async def test_nobody_lets_another_answer_for_a_target(planned: Town) -> None:
    with pytest.raises(DeviationNeedsAuthor, match="parameter author names whoever calls"):
        await agree(planned, who="nurse", high=64, author="PractitionerRole/doctor")


# ── until when ───────────────────────────────────────────────────────────────────────────────────


async def test_it_is_valid_until_the_control_that_is_set(planned: Town) -> None:
    (task,) = [one for one in await planned.find("Task", patient="anna") if activity_of(one) == "aarskontrol"]
    await planned.put({**task, "restriction": {"period": {"end": "2027-03-01"}}})
    deviation = find_deviation(await agree(planned, high=70))
    assert deviation is not None and deviation.valid_until == date(2027, 3, 1)
    await planned.put({**task, "status": "completed"})
    deviation = find_deviation(await agree(planned, high=71))
    assert deviation is not None and deviation.valid_until == date(2027, 11, 22)


async def test_nothing_changes_by_itself_the_day_after_the_last(planned: Town) -> None:
    goal = await agree(planned, high=70, valid_until="2026-12-24")
    deviation = find_deviation(goal)
    assert deviation is not None
    planned.later(days=33)
    assert await goal_of(planned) == goal
    line = await line_of(planned)
    assert line.deviation == deviation and line.agreed == Target(None, D(70), "mmol/mol")
    assert not is_expired(deviation, date(2026, 12, 24)) and is_expired(deviation, date(2026, 12, 25))


async def line_of(town: Town) -> Line:
    overview = await read_overview(town.as_("doctor"), "anna", "clinic")
    return next(line for line in overview.lines if line.measure.id == "hba1c")


async def test_history_shows_a_band_for_each_target_that_was_agreed(planned: Town) -> None:
    planned.later(days=30)
    await agree(planned, low=60, high=70, strict=True)
    planned.later(days=30)
    await planned.post(hba1c(72, "2027-01-20"))  # a new version of the Goal, and no new target
    planned.later(days=30)
    await planned.call("Goal/$follow-recommendation", (await goal_of(planned))["id"])
    first, second, third = (await line_of(planned)).bands
    assert (first.start, first.end, first.target) == (date(2026, 11, 22), date(2026, 12, 22), third.target)
    assert (second.start, second.end) == (date(2026, 12, 22), date(2027, 2, 20))
    assert second.target == Target(D(60), D(70), "mmol/mol", True)
    assert (third.start, third.end, third.target.high) == (date(2027, 2, 20), None, D(58))


# ── two at once, and back again ──────────────────────────────────────────────────────────────────


async def test_a_target_set_on_an_old_look_is_refused(planned: Town) -> None:
    goal = await goal_of(planned)
    wanted = Wanted(None, D(70), False, "frailty", None, None)
    seen = int(goal["meta"]["versionId"])
    await set_target(planned.as_("doctor"), goal["id"], wanted, expects=seen)
    with pytest.raises(PreconditionFailed, match="look at it again"):
        await set_target(planned.as_("doctor"), goal["id"], wanted, expects=seen)
    with pytest.raises(PreconditionFailed, match="look at it again"):
        await follow(planned.as_("doctor"), goal["id"], expects=seen)


async def test_a_target_and_a_value_at_once_leave_the_goal_right(planned: Town) -> None:
    await asyncio.gather(agree(planned, high=70), planned.post(hba1c(66)))
    goal = await goal_of(planned)
    assert find_target(goal, AGREED) == Target(None, D(70), "mmol/mol")
    assert achievement_of(goal) == "achieved"


async def test_following_the_recommendation_ends_the_deviation(planned: Town) -> None:
    made = await agree(planned, low=60, high=70)
    goal = await planned.call("Goal/$follow-recommendation", made["id"])
    assert find_target(goal, AGREED) == find_target(goal, RECOMMENDED) == Target(None, D(58), "mmol/mol")
    assert find_deviation(goal) is None
    assert goal["description"] == {"text": "HbA1c højst 58"}


async def test_following_takes_the_recommendation_of_today(planned: Town) -> None:
    await agree(planned, high=70)
    await planned.delete("Condition/anna-ihd")
    goal = await planned.call("Goal/$follow-recommendation", (await goal_of(planned))["id"])
    assert find_target(goal, AGREED) == Target(None, D(53), "mmol/mol")


async def test_following_where_the_rules_are_silent_is_refused(planned: Town) -> None:
    goal = await goal_of(planned)
    await planned.delete("Condition/anna-t2d")
    with pytest.raises(GoalUnfit, match="nothing for hba1c today"):
        await planned.call("Goal/$follow-recommendation", goal["id"])


async def test_history_keeps_what_was_agreed_before(planned: Town) -> None:
    goal = await goal_of(planned)
    await agree(planned, high=70)
    first = await planned.house.store.vread("Goal", goal["id"], 1)
    assert first is not None and b"70" not in (first.body or b"")


async def test_a_value_that_arrives_meanwhile_stands_against_the_new_target(planned: Town) -> None:
    """Targets and values race; whatever the order, the newest value stands against what is agreed in the end."""
    values = [planned.put({**hba1c(50 + n, f"2026-11-{n:02}"), "id": f"race-{n}"}) for n in range(1, 9)]
    targets = [agree(planned, high=52 + n) for n in range(1, 9)]
    await asyncio.gather(*(one for pair in zip(values, targets, strict=True) for one in pair))
    goal = await goal_of(planned)
    agreed = find_target(goal, AGREED)
    assert agreed is not None and agreed.high is not None
    assert achievement_of(goal) == ("achieved" if agreed.high >= 58 else "not-achieved")


async def test_a_goal_by_medcom_s_goal_code_alone_is_a_goal_of_the_measure(planned: Town) -> None:
    goal = {key: value for key, value in (await goal_of(planned)).items() if key not in ("id", "meta")}
    for entry in goal["target"]:
        entry["measure"] = concept(systems.MCS, "MCS88025")
    with pytest.raises(GoalExists):
        await planned.post(goal, who="system")


# ── what the patient does when a value is outside ────────────────────────────────────────────────

SAYS = "Ring til os, hvis tallet er over 70 tre dage i træk."


async def test_an_instruction_is_kept_with_the_target_and_says_who_and_when(planned: Town) -> None:
    goal = await agree(planned, high=70, instruction=SAYS)
    at = "2026-11-22T09:00:00.000Z"
    assert goal["note"] == [{"authorString": "Mette Holm", "time": at, "text": SAYS}]
    assert (await agree(planned, high=64, who="nurse"))["note"] == goal["note"]


async def test_an_instruction_stays_when_the_individual_target_ends_or_has_passed(planned: Town) -> None:
    goal = await agree(planned, high=70, instruction=SAYS, valid_until="2026-12-01")
    planned.later(days=30)
    assert instruction_text(await goal_of(planned)) == SAYS
    assert instruction_text(await planned.call("Goal/$follow-recommendation", goal["id"])) == SAYS


@pytest.mark.parametrize("words", ["", "   ", "\u2063", "x" * 601, "en\u0007to"])
async def test_an_instruction_says_something_that_can_be_read(planned: Town, words: str) -> None:
    with pytest.raises(ParameterFaulty, match="parameter instruction"):
        await agree(planned, high=70, instruction=words)


async def test_an_instruction_alone_leaves_target_deviation_and_recommendation_as_they_are(planned: Town) -> None:
    goal = await agree(planned, high=70)
    planned.later(days=1)
    await instruct(planned.as_("nurse"), goal["id"], SAYS, int(goal["meta"]["versionId"]))
    now = await goal_of(planned)
    assert {**now, "note": [], "meta": {}} == {**goal, "note": [], "meta": {}}
    assert now["note"][0]["authorString"] == "Lars Krogh"
    await instruct(planned.as_("nurse"), goal["id"], "")
    assert "note" not in await goal_of(planned)


async def test_an_instruction_for_a_goal_that_was_changed_meanwhile_is_refused(planned: Town) -> None:
    goal = await agree(planned, high=70)
    await agree(planned, high=64)
    with pytest.raises(PreconditionFailed):
        await instruct(planned.as_("nurse"), goal["id"], SAYS, int(goal["meta"]["versionId"]))


async def test_only_who_may_write_the_goal_agrees_on_an_instruction(planned: Town) -> None:
    goal = await agree(planned, high=70)
    for who in ("anna", "stranger", "visitator", "statistics"):
        with pytest.raises(Forbidden):
            await instruct(planned.as_(who), goal["id"], SAYS)
