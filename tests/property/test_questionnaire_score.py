"""A score is a function of the answers, and missing when any of them is: whatever is answered, in whatever order."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from careplan.domain.questionnaire import find_band, find_score
from careplan.fhir.questionnaire import Form, form_from_questionnaire
from careplan.fhir.questionnaire_response import Reply, faults, points_of, sent_response, with_reply
from careplan.fhir.text import parse
from careplan.knowledge.load import load_knowledge

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
INSTRUMENTS = load_knowledge().instruments
FORMS = {
    id: form_from_questionnaire(parse((ROOT / "profiles" / f"Questionnaire-{id}.json").read_bytes()))
    for id in INSTRUMENTS
}

Said = list[tuple[str, int | None]]


@st.composite
def answered(draw: st.DrawFn) -> tuple[str, Said]:
    """An instrument, and for some of its questions, in some order, which option is chosen; None: passed over."""
    id = draw(st.sampled_from(sorted(FORMS)))
    questions = draw(st.permutations([one.id for one in FORMS[id].questions]))
    kept = questions[: draw(st.integers(0, len(questions)))]
    return id, [(one, draw(st.none() | st.integers(0, len(FORMS[id].questions[0].options) - 1))) for one in kept]


def response(form: Form, said: Said) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceType": "QuestionnaireResponse", "questionnaire": form.canonical}
    for id, chosen in said:
        question = form.question(id)
        assert question is not None
        reply = Reply() if chosen is None else Reply((question.options[chosen],))
        made = with_reply(form, made, question, reply, AT)
    return sent_response(form, made, AT)


@given(answered(), st.randoms())
def test_a_score_is_a_function_of_the_answers(one: tuple[str, Said], random: Any) -> None:
    id, said = one
    form, instrument = FORMS[id], INSTRUMENTS[id]
    shuffled = list(said)
    random.shuffle(shuffled)
    score = find_score(instrument, points_of(form, response(form, said)).values())
    assert score == find_score(instrument, points_of(form, response(form, shuffled)).values())
    whole = len(said) == len(form.questions) and all(chosen is not None for _, chosen in said)
    assert (score is not None) is whole
    if score is not None:
        chosen = [form.question(question).options[option].points for question, option in said]  # type: ignore[union-attr, index]
        assert score == sum(chosen) * instrument.factor  # type: ignore[arg-type]
        assert find_band(instrument, score) is not None


@given(answered())
def test_what_the_pages_write_has_no_fault(one: tuple[str, Said]) -> None:
    id, said = one
    form = FORMS[id]
    assert list(faults(response(form, said), {form.url: form})) == []
