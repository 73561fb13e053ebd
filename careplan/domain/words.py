"""A reason in words, as a clinician writes it and a patient may read it: how long, and that there is something to read.

One rule for individual targets and for plans that are turned down, whichever way they come. Not for how easy it reads
(`readability`).
"""

import unicodedata

LENGTH = 600
"""Most characters of a reason: what a page shows whole beside a target."""

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
"""Unicode's general categories of what leaves no mark: spaces, joiners, marks of direction, controls."""

_EMPTY = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs by category that are drawn as nothing: the Hangul fillers, a Braille cell without dots."""


def is_blank(text: str) -> bool:
    """Whether nothing of it can be seen."""
    return all(unicodedata.category(sign) in _UNSEEN or sign in _EMPTY for sign in text)


def words_fault(text: str, *, needed: bool = False) -> str | None:
    """What is wrong with a reason in words; None: nothing.

    needed  whether there must be one; else it may be left out, but not be there and say nothing
    """
    if len(text) > LENGTH:
        return f"a reason in words has at most {LENGTH} characters"
    if is_blank(text) and (needed or text.strip()):
        return "the reason in words says nothing that can be read"
    return None
