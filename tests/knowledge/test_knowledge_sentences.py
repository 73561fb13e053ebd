"""What patients read is plain: LIX at most 34, sentences of 15 words or fewer on average, no word of the trade."""

import re

import pytest

from careplan.domain.guideline import Knowledge
from careplan.domain.readability import readability, unexplained
from careplan.knowledge.load import load_knowledge

_ENGLISH = re.compile(r"\b(the|and|with|under treatment|mmol/L|kg/m2)\b")


def patient_sentences(knowledge: Knowledge) -> dict[str, str]:
    rows = {row.id: row.patient for one in knowledge.guidelines.values() for row in one.rows}
    whys = {
        f"{row.id} none": row.target.why for one in knowledge.guidelines.values() for row in one.rows if row.target.why
    }
    explains = {f"measure {one.id}": one.explain for one in knowledge.measures.values() if one.explain}
    activities = {
        f"{plan.id} {one.id}": one.says
        for plan in knowledge.plans.values()
        for one in plan.activities
        if one.who == "patient"
    }
    return {**rows, **whys, **explains, **activities}


def clinician_sentences(knowledge: Knowledge) -> dict[str, str]:
    rows = {row.id: row.says for one in knowledge.guidelines.values() for row in one.rows}
    eligible = {row.id: row.says for plan in knowledge.plans.values() for row in plan.eligible}
    return {**rows, **eligible}


KNOWN = load_knowledge()
PATIENT, CLINICIAN = patient_sentences(KNOWN), clinician_sentences(KNOWN)


@pytest.mark.parametrize("name", PATIENT)
def test_patient_sentence_is_easy_to_read(name: str) -> None:
    found = readability(PATIENT[name])
    assert found.easy, f"LIX {found.lix:.0f}, {found.length:.0f} words a sentence: {PATIENT[name]}"


@pytest.mark.parametrize("name", PATIENT)
def test_patient_sentence_uses_no_banned_word_and_is_whole(name: str) -> None:
    text = PATIENT[name]
    assert not unexplained(text)
    assert text[0].isupper() and text.endswith(".") and text == text.strip() and "  " not in text
    assert not re.search(r"\d\.\d", text), "Danish numbers have a decimal comma"


@pytest.mark.parametrize("name", [row.id for one in KNOWN.guidelines.values() for row in one.rows])
def test_patient_is_addressed(name: str) -> None:
    assert re.search(r"\b(du|dig|din|dit|dine|vi|drik|rør|mål(et)?)\b", PATIENT[name].lower())


@pytest.mark.parametrize("name", [name for name in PATIENT if name.endswith(" none")])
def test_a_target_without_a_number_speaks_to_doctor_and_patient_alike(name: str) -> None:
    """The grid of the årskontrol and the Goal's own text show it as it stands."""
    assert not re.search(r"\b(du|dig|din|dit|dine|vi|os|jeg|rør)\b", PATIENT[name].lower())


@pytest.mark.parametrize("name", CLINICIAN)
def test_clinician_sentence_is_one_danish_sentence(name: str) -> None:
    text = CLINICIAN[name]
    assert text[0].isupper() and text.endswith(".") and text == text.strip()
    assert not re.search(r"\d\.\d", text), "Danish numbers have a decimal comma"
    assert not _ENGLISH.search(text)


@pytest.mark.parametrize("row", [row for one in KNOWN.guidelines.values() for row in one.rows], ids=lambda row: row.id)
def test_sentences_name_the_number_of_the_row(row: object) -> None:
    target = KNOWN.row(row.id).target  # type: ignore[attr-defined, union-attr]
    for bound in (target.low, target.high):
        if bound is not None and bound != 0 and "måneder" not in target.unit:
            said = str(bound).replace(".", ",")
            assert said in row.says or row.id.startswith("INT-"), said  # type: ignore[attr-defined]


def test_facts_have_short_danish_names() -> None:
    for fact in KNOWN.facts.values():
        assert fact.says and len(fact.says) <= 70 and not fact.says.endswith("."), fact.id
        assert "_" not in fact.says, fact.id
