"""A message to the clinic: who sends, finds and answers it, and that none is lost, doubled or overwritten."""

import asyncio

import pytest

from careplan.domain.errors import CareplanError
from careplan.interactions.access import Forbidden
from careplan.interactions.message import (
    LENGTH,
    ClinicMissing,
    MessageFaulty,
    answer_message,
    messages_of_patient,
    open_messages,
    read_message,
    send_message,
)
from careplan.interactions.precondition import PreconditionFailed
from careplan.store.protocol import NotFound

from .conftest import Town, patient
from .consenting import RELATIVE, as_caller, attorney, relative

WORDS = "Vægten er ikke rigtig. Jeg vejer 82 kilo."


async def ask(town: Town, who: str = "anna", of: str = "anna", mark: str = "") -> str:
    return await send_message(town.as_(who), of, "number-wrong", WORDS, ["Observation/anna-1"], mark=mark)


async def test_a_question_becomes_a_communication_and_a_task_of_the_clinic_in_one_commit(open_town: Town) -> None:
    before = await open_town.everything()
    task = await open_town.get(f"Task/{await ask(open_town)}")
    question = await open_town.get(task["focus"]["reference"])
    made = (await open_town.everything())[len(before) :]
    assert sorted(reference.partition("/")[0] for reference, _ in made) == ["Communication", "Provenance", "Task"]
    assert (task["status"], task["owner"]["reference"], task["for"]["reference"]) == (
        "requested",
        "Organization/north",
        "Patient/anna",
    )
    assert question["payload"] == [{"contentString": WORDS}]
    assert question["about"] == [{"reference": "Observation/anna-1"}]
    assert question["topic"]["coding"][0]["code"] == "number-wrong"


async def test_the_task_holds_no_words_of_the_message(open_town: Town) -> None:
    assert "vejer" not in str(await open_town.get(f"Task/{await ask(open_town)}"))


async def test_a_municipality_asks_for_more_and_reads_no_messages(open_town: Town) -> None:
    task = await send_message(open_town.as_("visitator"), "anna", "slice-question", "Må vi se lungetallene?")
    (waiting,) = await open_messages(open_town.as_("doctor"))
    assert (waiting.message.task, waiting.message.asked.name) == (task, "Sanne Bach")
    (asked,) = await messages_of_patient(open_town.as_("anna"), "anna")
    assert asked.topic == "slice-question"
    with pytest.raises(Forbidden):
        await messages_of_patient(open_town.as_("visitator"), "anna")


@pytest.mark.parametrize("who", ["birthe", "stranger", "lps", "statistics"])
async def test_nobody_else_asks_about_a_patient(open_town: Town, who: str) -> None:
    with pytest.raises(Forbidden):
        await ask(open_town, who)


async def test_a_relative_who_may_write_asks_in_their_own_name(open_town: Town) -> None:
    await open_town.put(relative(), attorney("2026-12-31", "access", "correct"))
    task = await send_message(as_caller(open_town, RELATIVE), "anna", "question", WORDS)
    assert (await read_message(open_town.as_("doctor"), task)).asked.by == "RelatedPerson/anders"


async def test_a_relative_who_may_read_asks_nothing(open_town: Town) -> None:
    await open_town.put(relative(), attorney())
    with pytest.raises(Forbidden):
        await send_message(as_caller(open_town, RELATIVE), "anna", "question", WORDS)


async def test_a_question_about_somebody_elses_value_is_refused(open_town: Town) -> None:
    with pytest.raises(Forbidden):
        await send_message(open_town.as_("anna"), "anna", "number-wrong", WORDS, ["Observation/carl-1"])


@pytest.mark.parametrize(
    ("topic", "text"), [("question", " \u200b "), ("question", "a" * (LENGTH + 1)), ("gossip", "a")]
)
async def test_a_message_that_cannot_be_answered_is_refused(open_town: Town, topic: str, text: str) -> None:
    with pytest.raises(MessageFaulty):
        await send_message(open_town.as_("anna"), "anna", topic, text)


async def test_a_patient_without_a_practice_is_told_so(town: Town) -> None:
    await town.put({name: part for name, part in patient("birthe").items() if name != "generalPractitioner"})
    with pytest.raises(ClinicMissing):
        await send_message(town.as_("birthe"), "birthe", "question", WORDS)


async def test_a_form_sent_twice_asks_once_even_at_the_same_time(open_town: Town) -> None:
    first, second = await asyncio.gather(ask(open_town, mark="m1"), ask(open_town, mark="m1"))
    assert first == second == await ask(open_town, mark="m1")
    assert await ask(open_town, mark="m2") != first
    assert len(await open_messages(open_town.as_("doctor"))) == 2


async def test_the_clinic_finds_its_own_open_messages_the_oldest_first(open_town: Town) -> None:
    first = await ask(open_town)
    open_town.later(hours=1)
    second = await ask(open_town)
    found = await open_messages(open_town.as_("nurse"))
    assert [one.message.task for one in found] == [first, second]
    assert found[0].patient["id"] == "anna"
    assert await open_messages(open_town.as_("stranger")) == ()


@pytest.mark.parametrize("who", ["anna", "visitator"])
async def test_only_who_treats_lists_and_answers_messages(open_town: Town, who: str) -> None:
    task = await ask(open_town)
    with pytest.raises(Forbidden):
        await open_messages(open_town.as_(who))
    with pytest.raises(Forbidden):
        await answer_message(open_town.as_(who), task, "Ja.")


async def test_an_answer_closes_the_task_and_reaches_the_patient(open_town: Town) -> None:
    task = await ask(open_town)
    before = await open_town.everything()
    await answer_message(open_town.as_("nurse"), task, "Tak. Vi retter tallet.", 1)
    made = (await open_town.everything())[len(before) :]
    assert sorted(reference.partition("/")[0] for reference, _ in made) == ["Communication", "Provenance", "Task"]
    (message,) = await messages_of_patient(open_town.as_("anna"), "anna")
    assert message.answer is not None
    assert (message.answer.text, message.answer.name) == ("Tak. Vi retter tallet.", "Lars Krogh")
    assert await open_messages(open_town.as_("nurse")) == ()


async def test_a_stale_answer_is_refused_and_the_first_one_stands(open_town: Town) -> None:
    task = await ask(open_town)
    answers = [answer_message(open_town.as_(who), task, who, 1) for who in ("nurse", "doctor")]
    found = await asyncio.gather(*answers, return_exceptions=True)
    (refused,) = [one for one in found if isinstance(one, CareplanError)]
    assert isinstance(refused, PreconditionFailed)
    answer = (await read_message(open_town.as_("doctor"), task)).answer
    assert answer is not None
    assert answer.text in ("nurse", "doctor")
    assert len(await open_town.find("Communication", patient="anna")) == 2


async def test_another_clinic_answers_nothing(open_town: Town) -> None:
    with pytest.raises(Forbidden):
        await answer_message(open_town.as_("stranger"), await ask(open_town), "Ja.")


async def test_a_task_that_is_no_message_is_not_answered(open_town: Town) -> None:
    await open_town.put(
        {
            "resourceType": "Task",
            "id": "t1",
            "status": "requested",
            "intent": "order",
            "for": {"reference": "Patient/anna"},
        }
    )
    with pytest.raises(NotFound):
        await answer_message(open_town.as_("doctor"), "t1", "Ja.")


async def test_words_that_nobody_was_asked_to_answer_are_no_message(open_town: Town) -> None:
    task = await ask(open_town)
    question = await open_town.get((await open_town.get(f"Task/{task}"))["focus"]["reference"])
    await open_town.post({name: part for name, part in question.items() if name not in ("id", "meta")}, "anna")
    assert len(await messages_of_patient(open_town.as_("anna"), "anna")) == 1


async def test_a_withdrawn_question_is_not_answered(open_town: Town) -> None:
    task = await ask(open_town)
    question = await open_town.get((await open_town.get(f"Task/{task}"))["focus"]["reference"])
    await open_town.put({**question, "status": "entered-in-error"}, who="anna")
    with pytest.raises(NotFound):
        await answer_message(open_town.as_("doctor"), task, "Ja.")
    with pytest.raises(NotFound):
        await read_message(open_town.as_("doctor"), task)
