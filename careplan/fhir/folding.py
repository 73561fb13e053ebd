"""Text as searches compare it: without case, accents and superfluous space, the way Danes write it too.

https://hl7.org/fhir/R4/search.html#string · checklist R4-86
"""

import unicodedata


def folded(text: str) -> str:
    """Text as searches compare it: no case, accents or superfluous space; æ ø å as ae oe aa, as Danes write them too.

    Folding twice changes nothing.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    before, now = "", text
    while now != before:
        before, now = now, _folded_once(now)
    return now


def bare(text: str) -> str:
    """Text as it is typed where there is no ø and å: `Sorensen`, `Ase`; the text itself where it has none."""
    return text if text.isascii() else unicodedata.normalize("NFC", text).translate(_BARE)


_BARE = str.maketrans({"ø": "o", "Ø": "O", "å": "a", "Å": "A"})
_LETTERS = str.maketrans(
    {"æ": "ae", "ø": "oe", "å": "aa", "œ": "oe", "ð": "d", "đ": "d", "ł": "l", "þ": "th", "ı": "i"}
)


def _folded_once(text: str) -> str:
    danish = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", danish) if not unicodedata.combining(letter))
    return " ".join(plain.split())
