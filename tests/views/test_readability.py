"""Every Danish sentence that a patient may read is easy: LIX at most 34 a screen, 15 words a sentence, no trade words.

LIX says nothing of a label of a few words, so it is taken over whole sentences (Björnsson 1968,
https://www.sprogtid.dk/lix). Sentences made of values are read in `test_wording`, those on what a target rests on in
`test_basis`.
"""

import re
from collections.abc import Iterable

import pytest

from careplan.domain.guideline import Activity, Row
from careplan.domain.measure import Measure
from careplan.domain.readability import SENTENCE_LIMIT, readability, unexplained
from careplan.knowledge.load import load_knowledge
from careplan.views.catalogue import FOR_STAFF, is_of
from careplan.views.frame import catalogue

KNOWLEDGE = load_knowledge()
LABEL = 3
"""Words of a text that is a name and no sentence, at most."""


def sentence(text: str) -> str:
    """A text as it is read aloud: its parts filled in, and a stop at its end."""
    filled = re.sub(r"\{\w+\}", "x", text).strip()
    return filled if filled.endswith((".", "!", "?", ":")) else f"{filled}."


def of_patients() -> dict[str, str]:
    return {key: sentence(text) for key, text in catalogue().texts.items() if not is_of(key, FOR_STAFF)}


def screens() -> dict[str, list[str]]:
    """The sentences of each table; those without a table are the frame's."""
    found: dict[str, list[str]] = {}
    for key, text in of_patients().items():
        if len(text.split()) > LABEL:
            found.setdefault(key.partition(".")[0] if "." in key else "frame", []).append(text)
    return found


def of_knowledge() -> Iterable[tuple[str, str]]:
    """What the knowledge files say to the patient: of rules, of activities, of measures."""
    rows: list[Row] = [row for table in KNOWLEDGE.guidelines.values() for row in table.rows]
    activities: list[Activity] = [one for plan in KNOWLEDGE.plans.values() for one in plan.activities]
    measures: list[Measure] = [*KNOWLEDGE.measures.values()]
    yield from ((row.id, row.patient) for row in rows if row.patient)
    yield from ((one.id, f"{sentence(one.title)} {one.says}") for one in activities if one.who == "patient")
    yield from ((one.id, one.explain) for one in measures if one.explain)


@pytest.mark.parametrize("screen", sorted(screens()))
def test_every_screen_reads_easily(screen: str) -> None:
    found = readability(" ".join(screens()[screen]))
    assert found.easy, (found, screens()[screen])


def test_no_sentence_is_long() -> None:
    assert {key: text for key, text in of_patients().items() if readability(text).length > SENTENCE_LIMIT} == {}


def test_no_text_to_patients_has_a_word_of_the_trade() -> None:
    assert {key: text for key, text in of_patients().items() if unexplained(text)} == {}


@pytest.mark.parametrize(("name", "text"), [*of_knowledge()])
def test_what_the_knowledge_says_to_patients_reads_easily(name: str, text: str) -> None:
    found = readability(text)
    assert found.easy and not unexplained(text), (name, found, text)
