"""How hard a Danish text is to read: LIX, the length of its sentences, and words that need an explanation.

Limits of the UX brief for what patients read. Not here: whether a sentence is true.
Björnsson 1968, https://www.sprogtid.dk/lix
"""

import re
from dataclasses import dataclass

LIX_LIMIT = 34
SENTENCE_LIMIT = 15
"""Words a sentence, on average."""

UNEXPLAINED = ("compliance", "komorbid", "titrer", "paramet", "monitorer", "visitation", "visiter")
"""Words of the trade that a patient is not given without an explanation, by what all their forms begin with."""

_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
_SENTENCE = re.compile(r"[.!?:]+(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Readability:
    """LIX of a text and its words a sentence."""

    lix: float
    length: float

    @property
    def easy(self) -> bool:
        return self.lix <= LIX_LIMIT and self.length <= SENTENCE_LIMIT


def readability(text: str) -> Readability:
    """Words a sentence, and LIX: that plus the percentage of words of more than six letters. 0 of an empty text."""
    words = _WORD.findall(text)
    if not words:
        return Readability(0, 0)
    length = len(words) / max(1, len(_SENTENCE.findall(text)))
    return Readability(length + 100 * sum(len(word) > 6 for word in words) / len(words), length)


def unexplained(text: str) -> tuple[str, ...]:
    """The words of the trade in a text, as in UNEXPLAINED."""
    return tuple(word for word in UNEXPLAINED if word in text.casefold())
