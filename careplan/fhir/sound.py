"""How a Danish name sounds, so that `Kristian` finds `Christian`, and `Møller` finds `Moeller`: for `phonetic`.

A key of our own, since the known ones (Soundex, Metaphone) hear English. Consonants that sound alike become one,
vowels count only where a word begins. Not for telling people apart.
https://hl7.org/fhir/R4/patient.html#search · checklist K
"""

import re

_ALIKE: tuple[tuple[str, str], ...] = (
    (r"aa", "o"),
    (r"oe|ae", "e"),
    (r"sch", "s"),
    (r"ch|ck|q", "k"),
    (r"c(?=[eiy])", "s"),
    (r"c", "k"),
    (r"ph", "f"),
    (r"th|dt", "t"),
    (r"gh", "g"),
    (r"w", "v"),
    (r"z", "s"),
    (r"x", "ks"),
    (r"hj|gj", "j"),
    (r"hv", "v"),
    (r"(?<=[lnr])d", ""),
    (r"(?<=[a-z])[aeiouyhj]", ""),
)
"""Spellings and what they sound like, in order, in folded text."""

_SPELLINGS = tuple((re.compile(spelling), sound) for spelling, sound in _ALIKE)
_TWICE = re.compile(r"(.)\1+")
_NO_LETTER = re.compile(r"[^a-z0-9]+")


def sounds_of(text: str) -> list[str]:
    """The key of each word of a folded text; what has no letter or digit has none."""
    return [sound for word in _NO_LETTER.split(text) if word and (sound := _sound(word))]


def _sound(word: str) -> str:
    for spelling, sound in _SPELLINGS:
        word = spelling.sub(sound, word)
    return _TWICE.sub(r"\1", word)
