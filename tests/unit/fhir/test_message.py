"""A message, its Task and its answer: what is written, and what is read back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.message import (
    TOPICS,
    Message,
    Said,
    answered,
    communication_from_answer,
    communication_from_question,
    is_message,
    message_from_communication,
    messages_from_resources,
    task_from_message,
)

AT, LATER = datetime(2026, 11, 22, 9, tzinfo=UTC), datetime(2026, 11, 23, 9, tzinfo=UTC)
ASKED = Said("Må jeg løbe?", "Patient/anna", "Anna", AT)
MESSAGE = Message("c1", "anna", "question", ASKED, ("Observation/o1",))
REPLY = Said("Ja.", "PractitionerRole/nurse", "Lars", LATER)


def question(message: Message = MESSAGE, **more: Any) -> dict[str, Any]:
    return {"id": message.id, **communication_from_question(message, ["Organization/north"]), **more}


def task(message: Message = MESSAGE, version: str = "3") -> dict[str, Any]:
    return {"id": f"t-{message.id}", "meta": {"versionId": version}, **task_from_message(message, "north", AT)}


def test_a_question_is_read_back_as_it_was_asked() -> None:
    assert message_from_communication(question()) == MESSAGE


def test_a_question_carries_the_mark_it_is_given() -> None:
    mark = {"system": systems.URI, "value": "urn:uuid:1"}
    assert communication_from_question(MESSAGE, [], mark)["identifier"] == [mark]


def test_who_is_no_person_is_named_without_a_reference_and_without_a_time() -> None:
    made = question(Message("c1", "anna", "question", Said("Hej", "", "System", None)))
    assert made["sender"] == {"display": "System"} and "sent" not in made and "about" not in made
    assert "requester" not in task_from_message(message_from_communication(made), "north", AT)


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_is_read_back(topic: str) -> None:
    assert message_from_communication(question(Message("c1", "anna", topic, ASKED))).topic == topic


def test_the_task_is_the_clinics_and_holds_no_words() -> None:
    made = task()
    assert is_message(made) and made["owner"] == {"reference": "Organization/north"}
    assert ASKED.text not in str(made)


@pytest.mark.parametrize("other", [{}, {"code": {"coding": [{"system": systems.ACTIVITY, "code": "motion"}]}}])
def test_other_tasks_are_no_messages(other: dict[str, Any]) -> None:
    assert not is_message(other)


def test_an_answer_goes_to_who_asked_and_to_the_patient() -> None:
    asked = Said("Må vi se mere?", "PractitionerRole/v", "Sanne", AT)
    made = communication_from_answer(question(Message("c1", "anna", "slice-question", asked)), REPLY)
    assert made["recipient"] == [{"reference": "PractitionerRole/v"}, {"reference": "Patient/anna"}]
    assert made["inResponseTo"] == [{"reference": "Communication/c1"}]


def test_a_message_comes_with_its_task_and_its_answer_the_newest_first() -> None:
    second = Message("c2", "anna", "number-wrong", Said("Forkert", "Patient/anna", "Anna", LATER))
    reply = {"id": "c3", **communication_from_answer(question(), REPLY)}
    done = answered(task(), "c3", LATER)
    found = messages_from_resources([question(), reply, question(second)], [done, {"id": "other"}])
    assert [one.id for one in found] == ["c2", "c1"]
    assert (found[1].task, found[1].version, found[1].answer) == ("t-c1", 3, REPLY)
    assert (found[0].task, found[0].version, found[0].answer) == ("", 0, None)


def test_withdrawn_words_and_other_communications_are_left_out() -> None:
    reply = {"id": "c3", **communication_from_answer(question(), REPLY), "status": "entered-in-error"}
    foreign = {"resourceType": "Communication", "id": "c4", "status": "completed"}
    gossip = question(topic={"coding": [{"system": systems.MESSAGE_TOPIC, "code": "gossip"}]})
    said = [question(), reply, foreign, gossip, question(status="entered-in-error")]
    (found,) = messages_from_resources(said, [answered(task(), "c3", LATER)])
    assert found.answer is None


def test_a_communication_that_says_little_is_read_as_little() -> None:
    found = message_from_communication({"about": [{"display": "x"}], "payload": [{"contentReference": {}}]})
    assert found == Message("", "", "", Said("", "", "", None))


def test_an_answered_task_points_to_its_answer() -> None:
    done = answered(task(), "c3", LATER)
    assert done["status"] == "completed"
    assert done["output"][0]["valueReference"] == {"reference": "Communication/c3"}
