"""The agreed instruction of a Goal: read as it stands, replaced by one, taken away."""

from datetime import UTC, datetime

import pytest

from careplan.fhir.instruction import instruction_text, instructions_of, note_author, with_instruction

AT = datetime(2026, 11, 22, 9, 3, tzinfo=UTC)
LARS = {"authorString": "Lars Test Krogh"}
GOAL = {"resourceType": "Goal", "note": [{"text": "Ring i dag."}, {"text": ""}, {"text": "Mål igen."}]}


def test_what_is_agreed_is_all_words_of_the_notes() -> None:
    assert instructions_of(GOAL) == ("Ring i dag.", "Mål igen.")
    assert instruction_text(GOAL) == "Ring i dag.\n\nMål igen."
    assert (instructions_of(None), instruction_text({})) == ((), "")


def test_new_words_stand_alone_with_who_and_when() -> None:
    goal = with_instruction(GOAL, "Ring til os.", LARS, AT)
    assert goal["note"] == [{**LARS, "time": "2026-11-22T09:03:00.000Z", "text": "Ring til os."}]


def test_the_same_words_keep_who_agreed_on_them() -> None:
    assert with_instruction(GOAL, instruction_text(GOAL), LARS, AT) == GOAL


def test_no_words_take_the_notes_away() -> None:
    assert with_instruction(GOAL, "", LARS, AT) == {"resourceType": "Goal"}


@pytest.mark.parametrize(
    ("reference", "author"),
    [
        ("PractitionerRole/lars", {"authorString": "Lars Krogh"}),
        ("Practitioner/lars", {"authorReference": {"reference": "Practitioner/lars"}}),
        ("Organization/north", {"authorReference": {"reference": "Organization/north"}}),
    ],
)
def test_an_author_is_named_as_a_note_can(reference: str, author: dict[str, object]) -> None:
    assert note_author(reference, "Lars Krogh") == author
