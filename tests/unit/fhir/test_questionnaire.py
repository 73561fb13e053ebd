"""Questionnaires as questions: the three instruments come to the scores that are told of them, or are refused."""

import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from careplan.fhir.questionnaire import (
    QuestionnaireFaulty,
    form_from_questionnaire,
    forms_from_resources,
    with_wording,
)
from careplan.fhir.questionnaire_response import observation_from_score, points_of
from careplan.fhir.text import parse
from careplan.knowledge.load import load_knowledge

ROOT = Path(__file__).resolve().parents[3]
KNOWLEDGE = load_knowledge()
OURS = [parse(path.read_bytes()) for path in sorted((ROOT / "profiles").glob("Questionnaire-*.json"))]
MOMENT = datetime(2026, 11, 22, 9, tzinfo=UTC)
BY_ID = {one["id"]: one for one in OURS}


def theirs(id: str = "who5") -> dict[str, Any]:
    """The same questions in the official words."""
    found: dict[str, Any] = copy.deepcopy(BY_ID[id])
    del found["extension"]
    for item in found["item"]:
        item["text"] = f"Officielt: {item['text']}"
    return found


@pytest.mark.parametrize(
    ("id", "questions", "lowest", "highest"), [("who5", 5, 0, 5), ("cat", 8, 0, 5), ("mrc", 1, 1, 5)]
)
def test_an_instrument_has_its_questions_and_points(id: str, questions: int, lowest: int, highest: int) -> None:
    form = form_from_questionnaire(BY_ID[id])
    assert len(form.counted) == questions
    for one in form.counted:
        assert sorted(option.points or 0 for option in one.options) == list(range(lowest, highest + 1))
        assert len({option.says for option in one.options}) == len(one.options)


@pytest.mark.parametrize("id", ["who5", "cat", "mrc"])
def test_an_instrument_says_whose_it_is_and_that_the_words_are_not_theirs(id: str) -> None:
    one = BY_ID[id]
    assert (one["status"], one["experimental"]) == ("draft", True)
    assert "Ordlyden her er ikke deres." in one["copyright"] and "ikke den officielle" in one["purpose"]
    assert form_from_questionnaire(one).own


def test_what_stands_before_a_question_leads_it() -> None:
    form = form_from_questionnaire(BY_ID["who5"])
    assert {one.lead for one in form.questions} == {"Tænk på de sidste to uger."}
    assert form.shown == {"om"}


def test_the_official_wording_takes_the_place_of_ours() -> None:
    published = with_wording(OURS, [theirs()])
    form = forms_from_resources(published, KNOWLEDGE.instruments.values())[BY_ID["who5"]["url"]]
    assert form.questions[0].says.startswith("Officielt") and not form.own
    assert len(published) == len(OURS)


def test_a_score_of_official_words_has_no_mark() -> None:
    form = form_from_questionnaire(theirs())
    response = {"subject": {"reference": "Patient/p"}, "authored": "2026-11-20"}
    measure, ours, of = KNOWLEDGE.measures["who5"], form_from_questionnaire(BY_ID["who5"]), "QuestionnaireResponse/q"
    from_ours = observation_from_score(response, of, ours, measure, 60, MOMENT)
    from_theirs = observation_from_score(response, of, form, measure, 60, MOMENT)
    assert "extension" in from_ours and "note" in from_ours
    assert "extension" not in from_theirs and "note" not in from_theirs


def _other_ids(one: dict[str, Any]) -> None:
    one["item"][1]["linkId"] = "first"


def _one_less(one: dict[str, Any]) -> None:
    one["item"].pop()


def _other_points(one: dict[str, Any]) -> None:
    one["item"][1]["answerOption"][0]["extension"][0]["valueDecimal"] = 6


def _other_codes(one: dict[str, Any]) -> None:
    one["item"][1]["answerOption"][0]["valueCoding"]["code"] = "all"


def _other_url(one: dict[str, Any]) -> None:
    one["url"] = "https://example.org/Questionnaire/who5"


@pytest.mark.parametrize("change", [_other_ids, _one_less, _other_points, _other_codes, _other_url])
def test_what_counts_otherwise_takes_nobodys_place(change: Any) -> None:
    one = theirs()
    change(one)
    with pytest.raises(QuestionnaireFaulty):
        with_wording(OURS, [one])


def test_an_instrument_without_its_questionnaire_is_refused() -> None:
    with pytest.raises(QuestionnaireFaulty, match=r"cat\.toml"):
        forms_from_resources([one for one in OURS if one["id"] != "cat"], KNOWLEDGE.instruments.values())


def test_a_questionnaire_that_cannot_reach_the_highest_score_is_refused() -> None:
    short = copy.deepcopy(OURS)
    next(one for one in short if one["id"] == "cat")["item"].pop()
    with pytest.raises(QuestionnaireFaulty, match="highest score"):
        forms_from_resources(short, KNOWLEDGE.instruments.values())


def test_points_of_a_response_are_none_where_nothing_counts() -> None:
    form = form_from_questionnaire(BY_ID["mrc"])
    assert points_of(form, {"item": [{"linkId": "1"}]}) == {"1": None}
    assert points_of(form, {}) == {"1": None}
    assert points_of(form, {"item": [{"linkId": "2"}]}) == {"1": None}
