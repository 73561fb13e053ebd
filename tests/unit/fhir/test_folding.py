"""Text as searches compare it: case, accents, Danish letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.fhir.folding import folded


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("Ærø", "ærø"),
        ("Ève", "eve"),
        ("Åge", "Aage"),
        ("A\u030age", "åge"),
        ("Sjögren", "SJOGREN"),
        ("  Anna\t Bo ", "anna bo"),
        ("Straße", "STRASSE"),
        ("Łódź", "lodz"),
        ("\u212bse", "åse"),
    ],
)
def test_folding_leaves_case_accents_and_space_aside(text, same):
    """R4-86."""
    assert folded(text) == folded(same)


def test_danish_letters_are_letters_of_their_own():
    assert len({folded(letter) for letter in ("a", "o", "æ", "ø", "å")}) == 5


@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(text):
    assert folded(folded(text)) == folded(text)
