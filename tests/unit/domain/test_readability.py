"""How hard a text is to read."""

import pytest

from careplan.domain.readability import Readability, readability, unexplained


def test_readability_counts_as_the_formula_says() -> None:
    assert readability("Du har en meget lang diagnose.") == Readability(6 + 100 / 6, 6)
    assert readability("Kort. Kort.") == Readability(1, 1)
    assert readability(" – ") == Readability(0, 0)


@pytest.mark.parametrize(("lix", "length", "easy"), [(34, 15, True), (34.1, 15, False), (34, 15.1, False)])
def test_easy_is_within_both_limits(lix: float, length: float, easy: bool) -> None:
    assert Readability(lix, length).easy is easy


def test_words_of_the_trade_are_named() -> None:
    assert unexplained("God Compliance og titrering.") == ("compliance", "titrer")
    assert unexplained("Vi titrerer og monitorerer parametrene.") == ("titrer", "paramet", "monitorer")
    assert unexplained("Tag din medicin.") == ()
