"""Scores of questionnaires: a function of the answers alone, missing where one of them is."""

import pytest

from careplan.domain.questionnaire import Alarm, Band, Instrument, find_band, find_score, needs_contact

LOW, HIGH = Band(28, "Lavt.", contact=True), Band(100, "Højt.")
INDEX = Instrument("index", "https://example.org/q", "index", factor=4, bands=(LOW, HIGH), alarms=(Alarm("5", 3),))


@pytest.mark.parametrize(
    ("points", "score"),
    [([0] * 5, 0), ([5] * 5, 100), ([1, 2, 3, 4, 5], 60), ([1, None, 3, 4, 5], None), ([None] * 5, None), ([], None)],
)
def test_a_score_is_the_sum_times_the_factor(points: list[int | None], score: int | None) -> None:
    assert find_score(INDEX, points) == score


@pytest.mark.parametrize(("score", "band"), [(0, LOW), (28, LOW), (29, HIGH), (100, HIGH), (None, None)])
def test_a_band_reaches_up_to_its_limit(score: int | None, band: Band | None) -> None:
    assert find_band(INDEX, score) is band


def test_a_low_score_needs_contact_only_once_it_is_sent() -> None:
    points: dict[str, int | None] = dict.fromkeys("12345", 1)
    assert needs_contact(INDEX, points, sent=True)
    assert not needs_contact(INDEX, points, sent=False)
    assert not needs_contact(INDEX, {**points, "1": None}, sent=True)


def test_an_answer_needs_contact_at_once() -> None:
    assert needs_contact(INDEX, {"5": 3}, sent=False)
    assert not needs_contact(INDEX, {"5": 2}, sent=False)
    assert not needs_contact(INDEX, {"5": None}, sent=False)


@pytest.mark.parametrize(("points", "rings"), [(0, True), (1, True), (2, False), (None, False)])
def test_an_alarm_can_be_of_few_points(points: int | None, rings: bool) -> None:
    assert Alarm("1", at_most=1).rings(points) is rings
