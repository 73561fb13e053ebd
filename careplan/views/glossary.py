"""Words of the trade on a patient's page, each with the line that explains it (the brief, G: on first use).

What is looked through is the page as it is about to be sent, so that a word is explained wherever it comes from: a
template, the rules, a plan type. Not here: words that no patient is given at all (`careplan.domain.readability`).
"""

import re
from dataclasses import dataclass
from html import unescape

from careplan.views.catalogue import Catalogue

WORDS = ("agreed", "recommended", "personal", "control", "coordinator", "attorney", "block", "lab", "referral")
"""Keys of `help.word` and `help.means`, in the order they are told."""
TOLD = {"attorney": ("sharing.relatives-lead", "attorney.lead"), "block": ("sharing.blocks-lead", "block.lead")}
"""Texts of pages that explain a word themselves."""

_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it stands on the page, in the page's language or, in an element that says so, in Danish."""

    word: str
    means: str


def words_on(html: str, t: Catalogue, danish: Catalogue) -> tuple[Word, ...]:
    """The words that a page uses and does not explain already. `danish`: the source, for words in Danish."""
    said = _folded(unescape(_TAG.sub(" ", html)))
    found = [(key, _form(said, key, t, danish)) for key in WORDS]
    return tuple(Word(form, t(f"help.means.{key}")) for key, form in found if form and not _is_told(said, key, t))


def _form(said: str, key: str, t: Catalogue, danish: Catalogue) -> str:
    """How the word stands on the page; empty where it does not."""
    own, source = t(f"help.word.{key}"), danish(f"help.word.{key}")
    if _stands(own, said, t):
        return own
    return t.danish(source) if _stands(source, said, danish) else ""


def _stands(word: str, said: str, t: Catalogue) -> bool:
    """Whether a word, or one that begins with it, is there; Arabic writes the article before it in one."""
    folded = _folded(word)
    if t.direction == "rtl" or folded not in said:
        return folded in said
    return re.search(rf"\b{re.escape(folded)}", said) is not None


def _is_told(said: str, key: str, t: Catalogue) -> bool:
    texts = (t(f"help.means.{key}"), *(t(one) for one in TOLD.get(key, ())))
    return any(_folded(one) in said for one in texts)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
