"""The chronicle of a record and what it tells: steps of targets, values, plans and referrals; and the plan of a day."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from careplan.domain.target import Target
from careplan.fhir.goal import AGREED, find_target
from careplan.fhir.text import dump, read_text
from careplan.interactions.access import Forbidden
from careplan.interactions.chronicle import Chronicle, end_of, person_on, read_chronicle
from careplan.interactions.context import Limits
from careplan.interactions.overview import lines_of, read_overview
from careplan.interactions.smart import scopes_from_text
from careplan.interactions.timeline import Event, events
from careplan.interactions.write import update
from careplan.store.protocol import Deleted, NotFound

from .conftest import NOW, Json, Town, hba1c, personal, referral

D = Decimal


@pytest.fixture
async def planned(town: Town) -> Town:
    await town.call("CarePlan/$establish", subject="Patient/anna", definition="PlanDefinition/diabetes")
    town.later(days=10)
    return town


async def told(town: Town, what: str = "", measure: str = "hba1c", who: str = "doctor") -> list[Event]:
    """Events of one sort, oldest first; of the plan's measures, of one."""
    context = town.as_(who)
    found = events(context, await read_chronicle(context, "anna"))
    of = [one for one in found if one.measure is None or one.measure.id == measure]
    return [one for one in reversed(of) if not what or one.what == what]


async def goal_id(town: Town, measure: str = "HbA1c") -> str:
    return str((await town.goals())[measure]["id"])


async def agree(town: Town, **asked: object) -> Json:
    return await town.call("Goal/$set-individual-target", await goal_id(town), **{"reason": "frailty", **asked})


# ── what happened ────────────────────────────────────────────────────────────────────────────────


async def test_establishing_is_a_plan_made_and_targets_agreed_by_the_doctor(planned: Town) -> None:
    (made,) = await told(planned, "plan-made")
    assert (made.about, made.on, made.author.reference) == (("diabetes",), NOW.date(), "PractitionerRole/doctor")
    (agreed,) = await told(planned, "agreed")
    assert (agreed.before, agreed.after) == (None, Target(high=D(58), unit="mmol/mol"))
    assert (agreed.row, agreed.knowledge[:6]) == ("HBA1C-04", "hba1c|")


async def test_plans_made_by_one_commit_are_one_event(town: Town) -> None:
    both = ["PlanDefinition/diabetes", "PlanDefinition/hjerte"]
    await town.call("CarePlan/$establish", subject="Patient/anna", definition=both)
    (made,) = await told(town, "plan-made")
    assert set(made.about) == {"diabetes", "hjerte"}


async def test_an_individual_target_is_set_and_ended_with_reason_author_and_day(planned: Town) -> None:
    await agree(planned, high=70, text="falder let", valid_until="2027-03-01")
    planned.later(days=5)
    await planned.call("Goal/$follow-recommendation", await goal_id(planned))
    (began,) = await told(planned, "individual-set")
    (ended,) = await told(planned, "individual-ended")
    assert (began.before, began.after) == (Target(high=D(58), unit="mmol/mol"), Target(high=D(70), unit="mmol/mol"))
    assert began.deviation is not None
    assert (began.deviation.reason, began.deviation.text) == ("frailty", "falder let")
    assert (began.deviation.valid_until, began.author.reference) == (date(2027, 3, 1), "PractitionerRole/doctor")
    assert (began.on, ended.on) == (NOW.date() + timedelta(days=10), NOW.date() + timedelta(days=15))
    assert ended.after == Target(high=D(58), unit="mmol/mol")


async def test_an_individual_target_prolonged_is_no_new_one(planned: Town) -> None:
    await agree(planned, high=70, valid_until="2027-03-01")
    planned.later(days=5)
    await agree(planned, high=70, valid_until="2027-09-01")
    (longer,) = await told(planned, "individual-prolonged")
    assert longer.deviation is not None and longer.deviation.valid_until == date(2027, 9, 1)
    assert len(await told(planned, "individual-set")) == 1


async def test_an_individual_target_expires_the_day_after_its_last(planned: Town) -> None:
    await agree(planned, high=70, valid_until="2027-03-01")
    planned.now = NOW.replace(year=2027, month=3, day=1)
    assert await told(planned, "individual-expired") == []
    planned.later(days=1)
    (expired,) = await told(planned, "individual-expired")
    assert (expired.on, expired.after) == (date(2027, 3, 2), Target(high=D(70), unit="mmol/mol"))
    assert (expired.author.reference, expired.author.display) == ("", "")


async def test_an_individual_target_ended_in_time_does_not_expire(planned: Town) -> None:
    await agree(planned, high=70, valid_until="2027-03-01")
    planned.later(days=5)
    await planned.call("Goal/$follow-recommendation", await goal_id(planned))
    planned.now = NOW.replace(year=2028)
    assert await told(planned, "individual-expired") == []


async def test_one_changed_after_it_expired_did_expire_first(planned: Town) -> None:
    await agree(planned, high=70, valid_until="2027-03-01")
    planned.now = NOW.replace(year=2027, month=5, day=1)
    await planned.call("Goal/$follow-recommendation", await goal_id(planned))
    (expired,) = await told(planned, "individual-expired")
    (ended,) = await told(planned, "individual-ended")
    assert (expired.on, ended.on) == (date(2027, 3, 2), date(2027, 5, 1))


async def test_a_recommendation_that_changed_is_told_with_both_and_its_rule(planned: Town) -> None:
    await planned.post({"resourceType": "Observation", "status": "final", "valueInteger": 7,
                        "code": {"coding": [{"system": "https://careplan.example/fhir/CodeSystem/fact",
                                             "code": "clinical-frailty-scale"}]},
                        "subject": {"reference": "Patient/anna"}, "effectiveDateTime": "2026-12-01"})  # fmt: skip
    await agree(planned, high=70)
    (changed,) = await told(planned, "recommended")
    assert (changed.before, changed.after) == (
        Target(high=D(58), unit="mmol/mol"),
        Target(D(58), D(75), "mmol/mol"),
    )
    assert changed.row == "HBA1C-01"


async def test_values_are_told_under_the_day_they_were_taken(planned: Town) -> None:
    version = await planned.post(hba1c(66, "2026-11-28"))
    (value,) = await told(planned, "value")
    assert value.reading is not None and (value.on, value.reading.value) == (date(2026, 11, 28), D(66))
    corrected = {**hba1c(56, "2026-11-28"), "id": version.id}
    await update(planned.as_("doctor"), "Observation", version.id, read_text(dump(corrected)))
    withdrawn = {**corrected, "status": "entered-in-error"}
    planned.later(days=1)
    await update(planned.as_("doctor"), "Observation", version.id, read_text(dump(withdrawn)))
    (right,) = await told(planned, "value-corrected")
    (gone,) = await told(planned, "value-withdrawn")
    assert right.was is not None and right.reading is not None and gone.was is not None
    assert (right.was.value, right.reading.value, gone.was.value) == (D(66), D(56), D(56))
    assert gone.on == NOW.date() + timedelta(days=11)


async def test_a_referral_is_told_from_beginning_to_end(planned: Town) -> None:
    await planned.put(referral("r", authoredOn="2026-11-30"))
    planned.later(days=3)
    await planned.put(referral("r", status="completed", authoredOn="2026-11-30"))
    (sent,), (ended,) = await told(planned, "referred"), await told(planned, "referral-ended")
    assert (sent.on, sent.about) == (date(2026, 11, 30), ("Organization/town",))
    assert ended.on == NOW.date() + timedelta(days=13)


async def test_what_the_plan_ordered_is_no_referral(planned: Town) -> None:
    assert await told(planned, "referred") == []


async def test_a_closed_plan_and_the_goals_that_went_with_it(planned: Town) -> None:
    (plan,) = await planned.find("CarePlan", patient="anna")
    await planned.put({**plan, "status": "completed"}, who="doctor")
    (closed,), (ended,) = await told(planned, "plan-closed"), await told(planned, "goal-closed")
    assert (closed.about, ended.before) == (("diabetes",), Target(high=D(58), unit="mmol/mol"))


async def test_wishes_are_told_in_the_patient_s_words(planned: Town) -> None:
    version = await planned.post(personal("gå tur"), who="anna")
    await planned.put({**personal("gå langt"), "id": version.id}, who="anna")
    await planned.put({**personal("gå langt", lifecycleStatus="cancelled"), "id": version.id}, who="anna")
    said = [(one.what, one.text, one.author.reference) for one in await told(planned) if one.kind == "wish"]
    own = "Patient/anna"
    assert said == [("wish", "gå tur", own), ("wish-changed", "gå langt", own), ("wish-gone", "gå langt", own)]


async def test_a_plan_that_was_declined_and_may_be_offered_again(planned: Town) -> None:
    await planned.call("Patient/$exclude", "anna", plan_type="hjerte", reason="not-now", text="efter ferien")
    planned.later(days=30)
    await planned.call("Patient/$end-exclusion", "anna", plan_type="hjerte")
    (said,), (ended,) = await told(planned, "plan-declined"), await told(planned, "plan-open-again")
    assert (said.about, said.reason, said.text) == (("hjerte",), "not-now", "efter ferien")
    assert (ended.about, ended.on) == (("hjerte",), NOW.date() + timedelta(days=40))


async def test_newest_stands_first(planned: Town) -> None:
    await agree(planned, high=70)
    context = planned.as_("doctor")
    days = [one.on for one in events(context, await read_chronicle(context, "anna"))]
    assert days == sorted(days, reverse=True) and len(days) > 3


# ── the record of a day ──────────────────────────────────────────────────────────────────────────


async def agreed_on(town: Town, chronicle: Chronicle, on: date) -> Target | None:
    person = person_on(town.as_("doctor"), chronicle, on)
    assert person is not None
    lines = {line.measure.id: line for line in lines_of(town.as_("doctor"), person)}
    goal = lines["hba1c"].goal if "hba1c" in lines else None
    return None if goal is None else find_target(goal, AGREED)


async def test_the_plan_of_a_day_is_what_stood_at_its_end(planned: Town) -> None:
    await agree(planned, high=70)
    changed = planned.now.date()
    planned.later(days=20)
    await planned.call("Goal/$follow-recommendation", await goal_id(planned))
    chronicle = await read_chronicle(planned.as_("doctor"), "anna")
    usual, individual = Target(high=D(58), unit="mmol/mol"), Target(high=D(70), unit="mmol/mol")
    day = timedelta(days=1)
    assert await agreed_on(planned, chronicle, changed - day) == usual
    assert await agreed_on(planned, chronicle, changed) == individual
    assert await agreed_on(planned, chronicle, changed + 19 * day) == individual
    assert await agreed_on(planned, chronicle, changed + 20 * day) == usual


async def test_a_value_written_down_later_was_not_known_then(planned: Town) -> None:
    await planned.post(hba1c(66, "2026-11-23"))
    chronicle = await read_chronicle(planned.as_("doctor"), "anna")
    before = person_on(planned.as_("doctor"), chronicle, date(2026, 11, 25))
    after = person_on(planned.as_("doctor"), chronicle, planned.now.date())
    assert before is not None and before.readings("hba1c") == ()
    assert after is not None and [one.value for one in after.readings("hba1c")] == [D(66)]


async def test_before_the_record_began_there_is_nobody(planned: Town) -> None:
    chronicle = await read_chronicle(planned.as_("doctor"), "anna")
    assert chronicle.begins == NOW.date()
    assert person_on(planned.as_("doctor"), chronicle, NOW.date() - timedelta(days=1)) is None


async def test_a_day_ends_at_midnight_in_copenhagen() -> None:
    assert end_of(date(2026, 7, 1)).isoformat() == "2026-07-01T22:00:00+00:00"
    assert end_of(date(2026, 12, 1)).isoformat() == "2026-12-01T23:00:00+00:00"


async def test_what_was_moved_to_another_record_is_gone_from_then_on(planned: Town) -> None:
    await planned.put({**hba1c(66, "2026-11-23"), "id": "odd"})
    planned.later(days=2)
    await planned.put({**hba1c(66, "2026-11-23", of="birthe"), "id": "odd"})
    chronicle = await read_chronicle(planned.as_("doctor"), "anna")
    day = planned.now.date()
    assert "Observation/odd" in chronicle.standing(day - timedelta(days=1))
    assert "Observation/odd" not in chronicle.standing(day)
    assert {version.patient for version in chronicle.versions if version.body} == {"anna"}


async def test_a_history_longer_than_a_page_is_read_whole(planned: Town) -> None:
    for high in (61, 62, 63, 64, 65):
        await agree(planned, high=high)
        planned.later(days=1)
    context = planned.as_("doctor")
    few = replace(context, house=replace(context.house, limits=Limits(page_maximum=2)))
    assert await read_chronicle(few, "anna") == await read_chronicle(context, "anna")
    (line,) = [one for one in (await read_overview(few, "anna", "clinic")).lines if one.measure.id == "hba1c"]
    assert [band.target.high for band in line.bands] == [D(58), D(61), D(62), D(63), D(64), D(65)]


# ── who may ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", ["stranger", "visitator", "birthe", "statistics"])
async def test_others_see_no_history(open_town: Town, who: str) -> None:
    with pytest.raises(Forbidden):
        await read_chronicle(open_town.as_(who), "anna")


async def test_a_client_needs_scopes_for_all_that_a_history_tells_of(open_town: Town) -> None:
    context = open_town.as_("doctor")
    some = replace(context, caller=replace(context.caller, scopes=scopes_from_text("user/Goal.rs user/Observation.rs")))
    with pytest.raises(Forbidden, match="no scope"):
        await read_chronicle(some, "anna")
    every = replace(context, caller=replace(context.caller, scopes=scopes_from_text("user/*.rs")))
    assert (await read_chronicle(every, "anna")).id == "anna"


async def test_nobody_and_somebody_deleted_have_no_history(town: Town) -> None:
    with pytest.raises(NotFound):
        await read_chronicle(town.as_("system"), "nobody")
    with pytest.raises(Forbidden):
        await read_chronicle(town.as_("doctor"), "nobody")
    await town.delete("Patient/birthe", who="system")
    with pytest.raises((Deleted, Forbidden)):
        await read_chronicle(town.as_("doctor"), "birthe")
    with pytest.raises(Deleted):
        await read_chronicle(town.as_("system"), "birthe")
