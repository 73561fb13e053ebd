"""The tjekliste of a course: which one an offer has, and what a file of them may not say."""

from pathlib import Path

import pytest

from careplan.domain.guideline import Knowledge
from careplan.knowledge.load import KnowledgeFaulty, load_knowledge


@pytest.mark.parametrize(
    ("offer", "course"),
    [
        ("KOL-rehabilitering", "kol-rehabilitering"),
        ("Lungetræning på hold", "kol-rehabilitering"),
        ("Motion på recept", "motion"),
        ("rygestop", "rygestop"),
        ("Afklarende samtale", "forloeb"),
        ("", "forloeb"),
    ],
)
def test_an_offer_has_the_list_that_names_it_and_every_other_the_general_one(
    knowledge: Knowledge, offer: str, course: str
) -> None:
    found = knowledge.find_course(offer)
    assert found is not None and found.id == course and found.checks


def test_without_lists_there_is_none(knowledge: Knowledge) -> None:
    empty = Knowledge(knowledge.measures, knowledge.facts, knowledge.guidelines, knowledge.plans)
    assert empty.find_course("Rygestop") is None


def mended(folder: Path, name: str, before: str, after: str) -> None:
    path = folder / "courses" / name
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('offers = ["Rygestop"]', 'offers = ["motion"]', "the offer `motion` has a course already"),
        ('offers = ["Rygestop"]\n', "", "every other offer has a course already"),
        ('id = "roegfri"', 'id = "stopdato"', "the check `stopdato` stands here twice"),
        ('version = "2026.1"', "", "version"),
        ('name = "Rygestop"', 'name = "Rygestop"\nfarve = "blå"', "farve"),
    ],
)
def test_a_mistake_in_a_list_is_refused_and_named(folder: Path, before: str, after: str, says: str) -> None:
    mended(folder, "rygestop.toml", before, after)
    with pytest.raises(KnowledgeFaulty, match=says):
        load_knowledge(folder)
