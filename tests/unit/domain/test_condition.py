"""The closed vocabulary of rules: what each word asks, and how a clinician reads it."""

from decimal import Decimal

import pytest

from careplan.domain.condition import NUMBER_WORDS, WORDS, Condition, Group


@pytest.mark.parametrize(
    ("word", "answers"),
    [
        ("above", (False, False, True)),
        ("at-least", (False, True, True)),
        ("below", (True, False, False)),
        ("at-most", (True, True, False)),
        ("is", (False, True, False)),
        ("is-not", (True, False, True)),
    ],
)
def test_each_word_below_at_and_above_the_limit(word: str, answers: tuple[bool, bool, bool]) -> None:
    condition = Condition("egfr", word, Decimal(60))
    assert tuple(condition.holds(Decimal(value)) for value in ("59.9", "60.0", "60.1")) == answers


def test_the_vocabulary_is_closed() -> None:
    assert set(WORDS) == {"is", "is-not", "above", "at-least", "below", "at-most"}
    assert set(WORDS) > NUMBER_WORDS


def test_a_question_without_a_word_asks_whether_it_is_so() -> None:
    assert Condition("frail").holds(True)
    assert not Condition("frail").holds(False)


@pytest.mark.parametrize(
    ("term", "says"),
    [
        (Condition("frail"), "frail"),
        (Condition("frail", "is", False), "ikke frail"),
        (Condition("age", "at-least", Decimal(80)), "age ≥ 80"),
        (Condition("fev1_fvc", "below", Decimal("0.7"), or_unknown=True), "fev1_fvc < 0.7 eller ukendt"),
        (Group("any", (Condition("a"), Group("all", (Condition("b"), Condition("c"))))), "(a eller (b og c))"),
    ],
)
def test_a_question_reads_as_a_clinician_says_it(term: Condition | Group, says: str) -> None:
    assert term.says() == says


@pytest.mark.parametrize(
    ("comparator", "holds"),
    [
        ("<", {"below", "at-most", "is-not"}),
        (">", {"above", "at-least", "is-not"}),
        (None, {"at-most", "at-least", "is"}),
    ],
)
def test_a_bound_lies_beyond_its_own_number(comparator: str | None, holds: set[str]) -> None:
    assert {word for word in WORDS if Condition("egfr", word, Decimal(30)).holds(Decimal(30), comparator)} == holds


def test_a_bound_counts_at_its_number_for_every_other_limit() -> None:
    assert not Condition("egfr", "below", Decimal(15)).holds(Decimal(30), "<")
    assert Condition("egfr", "below", Decimal(60)).holds(Decimal(30), "<")


@pytest.mark.parametrize("word", sorted(NUMBER_WORDS))
def test_no_comparison_holds_of_what_is_no_number(word: str) -> None:
    assert not Condition("egfr", word, Decimal(0)).holds(True)
    assert not Condition("egfr", word, Decimal(0)).holds("severe")
