"""A reason in words: what says nothing to the eye says nothing."""

import pytest

from careplan.domain.words import is_blank


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\u200b", "\u202e\u200f", "\u00ad", "\u3164", "\u2800", "\u115f\u1160\uffa0"]
)
def test_what_leaves_no_mark_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "\u200b.", "⠁", "ㄱ", "😀"])
def test_what_can_be_seen_is_not(text: str) -> None:
    assert not is_blank(text)
