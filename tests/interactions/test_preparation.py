"""What is answered before the årskontrol: by the page or by plain FHIR it comes to the same score, once."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from careplan.domain.questionnaire import Alarm
from careplan.fhir import systems
from careplan.fhir.index import extract
from careplan.fhir.outcome import ResourceInvalid
from careplan.fhir.profile import load_definitions
from careplan.fhir.questionnaire import forms_from_resources
from careplan.fhir.questionnaire_response import LEEWAY, RING, Reply
from careplan.fhir.text import parse
from careplan.interactions.access import Forbidden
from careplan.interactions.answers import answers_of
from careplan.interactions.preparation import (
    AnswersChanged,
    AnswersSent,
    ReplyChanged,
    Round,
    keep_replies,
    prepared,
    read_round,
    reply_mark,
    send_answers,
)
from careplan.published import read_profiles, validator
from careplan.store.protocol import NotFound, Write

from .conftest import BASE, PROFILES, Json, Town, condition, patient
from .consenting import RELATIVE, as_caller, attorney, relative

ANNA = {"reference": "Patient/anna"}
GOLDEN = Path(__file__).with_name("golden") / "preparation-who5.json"
"""A response that was sent by the pages, and what came of it, as it was last looked at."""

URL = f"{systems.CANONICAL}/Questionnaire"
STEP = f"{systems.CANONICAL}/CodeSystem/answer-step"


@pytest.fixture
async def asked(town: Town) -> Town:
    """Anna with a diabetes and a KOL plan whose control is ten days away."""
    published = read_profiles(PROFILES)
    forms = forms_from_resources(published, town.house.knowledge.instruments.values())
    town.house = replace(town.house, questionnaires=forms, validate=validator(load_definitions(published), forms))
    await town.put(condition("anna-kol", "R95", "2025-01-01"))
    for kind in ("diabetes", "kol"):
        await town.call("CarePlan/$establish", subject="Patient/anna", definition=f"PlanDefinition/{kind}")
    town.later(days=355)
    return town


async def round_of(town: Town, who: str = "anna") -> Round:
    found = await read_round(town.as_(who), "anna")
    assert found is not None
    return found


async def say(town: Town, name: str, code: str | None, who: str = "anna", mark: str | None = None) -> None:
    """Answer one question, `who5-1`; None passes it over."""
    asked = await round_of(town, who)
    step = next(one for one in asked.steps if f"{one.form.id}-{one.question.id}" == name)
    options = tuple(one for one in step.question.options if one.code == code)
    shown = reply_mark(asked.reply(step)) if mark is None else mark
    await keep_replies(town.as_(who), "anna", [(step, Reply(options), shown)])


async def answer_all(town: Town, points: str = "3", who: str = "anna") -> None:
    asked = await round_of(town, who)
    for step in asked.steps:
        if step.question.counts:
            code = next(one.code for one in step.question.options if str(one.points) == points)
            await say(town, f"{step.form.id}-{step.question.id}", code, who)


async def send(town: Town, who: str = "anna") -> None:
    await send_answers(town.as_(who), "anna", (await round_of(town, who)).mark)


def response(answers: dict[str, str | None], questionnaire: str = "who5", **more: Any) -> Json:
    items = [
        {"linkId": id, **({"answer": [{"valueCoding": {"system": STEP, "code": code}}]} if code else {})}
        for id, code in answers.items()
    ]
    base = {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": ANNA, "author": ANNA}
    return {**base, "questionnaire": f"{URL}/{questionnaire}", "authored": "2027-11-12", "item": items, **more}


WHO5 = {str(n): "3" for n in range(1, 6)}


async def hold_control(town: Town) -> None:
    """Every plan of Anna's is gone through."""
    for plan in await town.find("CarePlan", patient="anna"):
        kept = [one for one in plan["extension"] if one["url"] != systems.EXT_LAST_REVIEWED]
        town.later(hours=1)
        reviewed = {"url": systems.EXT_LAST_REVIEWED, "valueDateTime": town.now.isoformat()}
        await town.put({**plan, "extension": [*kept, reviewed]})


async def scores(town: Town) -> dict[str, tuple[str, Any]]:
    """Scores by measure: status and value."""
    found = await town.find("Observation", patient="anna", category="survey")
    return {one["code"]["text"]: (one["status"], one["valueInteger"]) for one in found}


# ── when ─────────────────────────────────────────────────────────────────────────────────────────


async def test_nothing_is_asked_before_fourteen_days_ahead(asked: Town) -> None:
    due = (await round_of(asked)).due
    asked.later(days=-5)
    assert (due - asked.now.date()).days == 15
    assert await read_round(asked.as_("anna"), "anna") is None
    asked.later(days=1)
    assert await read_round(asked.as_("anna"), "anna") is not None


async def test_an_overdue_control_is_still_prepared(asked: Town) -> None:
    asked.later(days=200)
    assert (await round_of(asked)).due < asked.now.date()


async def test_each_questionnaire_of_two_plans_is_asked_once_and_the_talk_last(asked: Town) -> None:
    assert [form.id for form in (await round_of(asked)).forms] == ["who5", "mrc", "cat", "samtale"]


async def test_without_a_plan_there_is_nothing_to_answer(asked: Town) -> None:
    assert await read_round(asked.as_("birthe"), "birthe") is None
    with pytest.raises(NotFound):
        await send_answers(asked.as_("birthe"), "birthe", "")


# ── one question at a time ───────────────────────────────────────────────────────────────────────


async def test_answers_go_on_where_they_were_left(asked: Town) -> None:
    await say(asked, "who5-1", "4")
    await say(asked, "who5-2", None)
    found = await round_of(asked)
    said = {f"{step.form.id}-{step.question.id}": found.reply(step) for step in found.steps}
    first, second = said["who5-1"], said["who5-2"]
    assert first is not None and [one.points for one in first.options] == [4]
    assert second is not None and second.empty
    assert said["who5-3"] is None
    assert await scores(asked) == {}


async def test_the_same_question_answered_on_two_devices_is_shown_to_the_second(asked: Town) -> None:
    seen = reply_mark(None)
    await say(asked, "who5-1", "4", mark=seen)
    with pytest.raises(ReplyChanged) as refused:
        await say(asked, "who5-1", "2", mark=seen)
    assert refused.value.theirs is not None and refused.value.theirs.options[0].points == 4
    await say(asked, "who5-1", "4", mark=seen)  # the same again is no conflict


async def test_two_devices_answer_different_questions_at_once(asked: Town) -> None:
    await asyncio.gather(*(say(asked, f"cat-{n}", "1", mark=reply_mark(None)) for n in range(1, 9)))
    assert len(await asked.find("QuestionnaireResponse", patient="anna")) == 1
    found = await round_of(asked)
    assert sum(found.reply(step) is not None for step in found.steps) == 8


async def test_what_is_on_the_way_leaves_no_provenance(asked: Town) -> None:
    before = len(await asked.find("Provenance", patient="anna"))
    await say(asked, "who5-1", "4")
    assert len(await asked.find("Provenance", patient="anna")) == before


# ── sending ──────────────────────────────────────────────────────────────────────────────────────


async def test_sending_completes_everything_and_counts_it(asked: Town) -> None:
    await answer_all(asked)
    await send(asked)
    assert await scores(asked) == {
        "WHO-5 trivselsindeks": ("final", 60),
        "MRC-åndenød": ("final", 3),
        "CAT-score": ("final", 24),
    }
    found = await asked.find("QuestionnaireResponse", patient="anna")
    assert sorted(one["status"] for one in found) == ["completed"] * 4
    assert {one["author"]["reference"] for one in found} == {"Patient/anna"}


async def test_sending_twice_sends_once(asked: Town) -> None:
    await answer_all(asked)
    mark = (await round_of(asked)).mark
    await asyncio.gather(*(send_answers(asked.as_("anna"), "anna", mark) for _ in range(3)))
    assert len(await asked.find("QuestionnaireResponse", patient="anna")) == 4
    assert len(await asked.find("Observation", patient="anna", category="survey")) == 3


async def test_a_question_passed_over_leaves_no_score(asked: Town) -> None:
    await answer_all(asked)
    await say(asked, "cat-5", None)
    await send(asked)
    assert "CAT-score" not in await scores(asked)
    found = answers_of(asked.as_("doctor"), await round_of(asked, "doctor"), ())
    cat = next(one for one in found.answered if one.form.id == "cat")
    assert (found.state, cat.state, cat.score, cat.missing) == ("sent", "sent", None, 1)


async def test_an_answer_that_changed_since_it_was_seen_is_not_sent_unseen(asked: Town) -> None:
    await answer_all(asked)
    mark = (await round_of(asked)).mark
    await say(asked, "who5-1", "0")
    with pytest.raises(AnswersChanged):
        await send_answers(asked.as_("anna"), "anna", mark)
    assert await scores(asked) == {}


async def test_an_answer_after_sending_is_refused(asked: Town) -> None:
    found = await round_of(asked)
    step = found.steps[0]
    await send(asked)
    with pytest.raises(AnswersSent):
        await keep_replies(asked.as_("anna"), "anna", [(step, Reply(step.question.options[:1]), reply_mark(None))])


async def test_after_the_control_it_begins_anew(asked: Town) -> None:
    await send(asked)
    assert (await round_of(asked)).sent
    await hold_control(asked)
    assert not (await round_of(asked)).sent
    assert await prepared(asked.as_("doctor"), ["anna"]) == {}


# ── plain FHIR ───────────────────────────────────────────────────────────────────────────────────


async def test_a_response_written_by_an_app_comes_to_the_same_score(asked: Town) -> None:
    await answer_all(asked)
    await send(asked)
    by_page = next(one for one in await asked.find("Observation", patient="anna") if one.get("valueInteger") == 60)
    authored = (await asked.get(by_page["derivedFrom"][0]["reference"]))["authored"]
    made = await asked.post(response(WHO5, authored=authored, source=ANNA), "anna")
    (by_app,) = await asked.find("Observation", derived_from=made.reference)
    for name in ("id", "meta", "derivedFrom"):
        del by_app[name], by_page[name]
    assert by_app == by_page
    assert by_app["valueInteger"] == 60 and by_app["performer"] == [ANNA]
    assert by_app["extension"] == [{"url": systems.EXT_OWN_WORDING, "valueBoolean": True}]


async def test_a_corrected_answer_moves_the_score_and_a_withdrawn_one_takes_it_back(asked: Town) -> None:
    made = await asked.post(response(WHO5), "anna")
    await asked.put(response({**WHO5, "1": "5"}, id=made.id, status="amended"), who="anna")
    assert (await scores(asked))["WHO-5 trivselsindeks"] == ("final", 68)
    await asked.put(response(WHO5, id=made.id, status="entered-in-error"), who="anna")
    assert (await scores(asked))["WHO-5 trivselsindeks"][0] == "entered-in-error"
    await asked.put(response(WHO5, id=made.id, status="amended"), who="anna")
    assert (await scores(asked))["WHO-5 trivselsindeks"] == ("final", 60)
    await asked.delete(made.reference, "anna")
    assert (await scores(asked))["WHO-5 trivselsindeks"][0] == "entered-in-error"


async def test_a_cat_score_moves_the_goal_in_the_same_commit(asked: Town) -> None:
    await asked.post(response({str(n): "5" for n in range(1, 9)}, "cat"), "anna")
    goal = (await asked.goals())["CAT-score"]
    assert goal["achievementStatus"]["coding"][0]["code"] == "not-achieved"
    await asked.post(response({str(n): "0" for n in range(1, 9)}, "cat", authored="2027-11-12T09:00:00+01:00"), "anna")
    goal = (await asked.goals())["CAT-score"]
    assert goal["achievementStatus"]["coding"][0]["code"] == "achieved"


async def test_answers_in_progress_have_no_score(asked: Town) -> None:
    await asked.post(response(WHO5, status="in-progress"), "anna")
    assert await scores(asked) == {}


async def test_a_response_to_somebody_elses_questionnaire_is_kept_as_it_is(asked: Town) -> None:
    await asked.post(response({"x": "9"}, questionnaire="other"), "anna")
    assert await scores(asked) == {}


async def test_every_fault_of_a_response_is_named(asked: Town) -> None:
    faulty = response({"1": "9", "2": "3", "unknown": "3"})
    faulty["item"].append({"linkId": "2", "answer": [{"valueString": "x"}]})
    faulty["item"].append({"linkId": "3", "answer": [{"valueString": "x"}]})
    with pytest.raises(ResourceInvalid) as refused:
        await asked.post(faulty, "anna")
    assert [(one.expression, one.code) for one in refused.value.faults] == [
        ("QuestionnaireResponse.item[0].answer[0].valueCoding", "answer-invalid"),
        ("QuestionnaireResponse.item[2].linkId", "answer-invalid"),
        ("QuestionnaireResponse.item[3].linkId", "answer-invalid"),
        ("QuestionnaireResponse.item[4].answer[0]", "answer-invalid"),
    ]
    told = await asked.call("QuestionnaireResponse/$validate", who="anna", resource=faulty)
    assert len(told["issue"]) == 4


async def test_at_most_three_topics_are_chosen(asked: Town) -> None:
    topic = f"{systems.CANONICAL}/CodeSystem/talk-topic"
    chosen = [{"valueCoding": {"system": topic, "code": one}} for one in ("soevn", "kost", "motion", "tal")]
    talk = response({}, "samtale", item=[{"linkId": "emner", "answer": chosen}])
    with pytest.raises(ResourceInvalid, match="at most 3"):
        await asked.post(talk, "anna")


async def test_nobody_answers_for_another_person(asked: Town) -> None:
    with pytest.raises(Forbidden):
        await read_round(asked.as_("birthe"), "anna")
    with pytest.raises(Forbidden):
        await asked.post(response(WHO5), "birthe")


async def sent_by_page(town: Town) -> list[Json]:
    """The response to WHO-5 and its score, without what each run makes anew."""
    await answer_all(town, "2")
    await say(town, "who5-3", "1")
    await send(town)
    (score,) = [one for one in await town.find("Observation", patient="anna") if one.get("valueInteger") == 36]
    made = await town.get(score["derivedFrom"][0]["reference"])
    assert score.pop("derivedFrom") == [{"reference": f"QuestionnaireResponse/{made['id']}"}]
    anew = ("id", "meta", "identifier")
    return [{name: part for name, part in one.items() if name not in anew} for one in (made, score)]


async def test_a_completed_response_and_its_score_are_as_they_were_looked_at(asked: Town) -> None:
    assert await sent_by_page(asked) == json.loads(GOLDEN.read_text("utf-8"))


async def test_a_relative_who_writes_answers_in_their_own_name(asked: Town) -> None:
    await asked.put(relative(), attorney("2028-12-31", "access", "collect"))
    context = as_caller(asked, RELATIVE)
    found = await read_round(context, "anna")
    assert found is not None
    await send_answers(context, "anna", found.mark)
    made = await asked.find("QuestionnaireResponse", patient="anna")
    assert {(one["author"]["reference"], one["source"]["reference"]) for one in made} == {
        ("RelatedPerson/anders", "RelatedPerson/anders")
    }
    told = answers_of(asked.as_("doctor"), await round_of(asked, "doctor"), ())
    assert (told.state, told.by) == ("sent", "RelatedPerson/anders")


async def test_a_relative_who_only_reads_answers_nothing(asked: Town) -> None:
    await asked.put(relative(), attorney("2028-12-31"))
    context = as_caller(asked, RELATIVE)
    found = await read_round(context, "anna")
    assert found is not None
    with pytest.raises(Forbidden):
        await send_answers(context, "anna", found.mark)


# ── who must ring, and who is ready ──────────────────────────────────────────────────────────────


async def rings(town: Town) -> list[Json]:
    return await town.find("Task", patient="anna", code=f"{systems.ACTIVITY}|{RING}")


async def test_a_score_of_a_band_that_needs_contact_makes_a_task_for_the_same_day(asked: Town) -> None:
    made = await asked.post(response({str(n): "1" for n in range(1, 6)}), "anna")
    (task,) = await rings(asked)
    assert task["focus"] == {"reference": made.reference} and task["owner"] == {"reference": "Organization/north"}
    assert (task["priority"], task["restriction"]["period"]["end"]) == ("urgent", asked.now.date().isoformat())
    await asked.put(response({str(n): "0" for n in range(1, 6)}, id=made.id, status="amended"), who="anna")
    assert len(await rings(asked)) == 1


async def test_a_score_above_it_makes_none(asked: Town) -> None:
    await asked.post(response({**{str(n): "1" for n in range(1, 6)}, "1": "4"}), "anna")  # 32 of 100
    assert await rings(asked) == []


async def test_an_answer_that_needs_contact_makes_its_task_before_anything_is_sent(asked: Town) -> None:
    knowledge = asked.house.knowledge
    who5 = replace(knowledge.instruments["who5"], alarms=(Alarm("5", at_most=0),))
    asked.house = replace(
        asked.house, knowledge=replace(knowledge, instruments={**knowledge.instruments, "who5": who5})
    )
    await say(asked, "who5-5", "1")
    assert await rings(asked) == []
    await say(asked, "who5-5", "0")
    assert len(await rings(asked)) == 1
    assert answers_of(asked.as_("doctor"), await round_of(asked, "doctor"), ()).contact


async def test_a_clinic_sees_who_has_sent_since_the_last_control(asked: Town) -> None:
    await asked.put(patient("dora"))
    assert await prepared(asked.as_("doctor"), ["anna", "dora"]) == {}
    await say(asked, "who5-1", "4")
    assert await prepared(asked.as_("doctor"), ["anna", "dora"]) == {}
    await send(asked)
    assert await prepared(asked.as_("doctor"), ["anna", "dora"]) == {"anna": asked.now.date()}
    assert await prepared(asked.as_("stranger"), ["anna"]) == {}


async def test_the_value_before_the_score_is_told(asked: Town) -> None:
    earlier = response(WHO5, authored="2027-11-01T10:00:00+01:00")
    await asked.post(earlier, "anna")
    await asked.post(response({**WHO5, "1": "5"}, authored="2027-11-12T10:00:00+01:00"), "anna")
    observations = await asked.find("Observation", patient="anna")
    found = answers_of(asked.as_("doctor"), await round_of(asked, "doctor"), observations)
    who5 = next(one for one in found.answered if one.form.id == "who5")
    assert (who5.score, who5.earlier and who5.earlier.value) == (68, 60)


async def test_an_answer_commit_is_one_version_of_the_store(asked: Town) -> None:
    """No reader sees answers without their score."""
    made = await asked.post(response(WHO5), "anna")
    changes = await asked.house.store.changes(0, 100_000)
    (score,) = [one for one in changes if one.type == "Observation" and b"QuestionnaireResponse" in (one.body or b"")]
    assert score.at == made.at
    assert parse(score.body or b"")["derivedFrom"] == [{"reference": made.reference}]


# ── a clock that is ahead ────────────────────────────────────────────────────────────────────────

AHEAD_OF_TIME = "2036-01-01T00:00:00Z"


async def test_answers_dated_in_the_future_are_refused(asked: Town) -> None:
    with pytest.raises(ResourceInvalid, match=r"QuestionnaireResponse\.authored"):
        await asked.post(response(WHO5, authored=AHEAD_OF_TIME), "anna")


async def test_a_clock_that_is_a_few_minutes_ahead_is_believed(asked: Town) -> None:
    soon = asked.now + LEEWAY
    await asked.post(response(WHO5, authored=soon.isoformat()), "anna")
    assert len(await scores(asked)) == 1


async def dated_ahead(town: Town) -> Json:
    """Answers of today that are stored with a day to come, as one could before that was refused."""
    version = await town.post(response(WHO5), "anna")
    stored = await town.house.store.read("QuestionnaireResponse", version.id)
    assert stored is not None and stored.body is not None
    body = stored.body.replace(b'"2027-11-12"', f'"{AHEAD_OF_TIME}"'.encode())
    found = parse(stored.body)
    write = Write(stored.type, stored.id, stored.number, town.now, stored.patient, body, extract(found, BASE))
    await town.house.store.commit([write])
    return found


async def test_stored_answers_dated_in_the_future_were_given_when_they_came(asked: Town) -> None:
    await dated_ahead(asked)
    today = asked.now.date()
    assert await prepared(asked.as_("doctor"), ["anna"]) == {"anna": today}
    found = answers_of(asked.as_("doctor"), await round_of(asked, "doctor"), ())
    assert (found.state, found.on) == ("sent", today)


async def test_stored_answers_dated_in_the_future_do_not_count_for_the_next_control(asked: Town) -> None:
    await dated_ahead(asked)
    await hold_control(asked)
    assert not (await round_of(asked)).responses
    assert await prepared(asked.as_("doctor"), ["anna"]) == {}
