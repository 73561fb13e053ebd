"""The texts of the pages: a folder a language, a file a screen, keys → strings, read at start.

Danish is the source. Another language has every Danish key that its pages use, or the service does not start; a page
is in one language whole, never in two. Not here: sentences made from values (`wording`), clinical sentences
(`careplan/knowledge`), and whose language it is (`language`).
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from careplan.domain.errors import CareplanError
from careplan.views.direction import in_order

FOLDER = Path(__file__).parent / "text"
SOURCE = "da"


@dataclass(frozen=True, slots=True)
class Language:
    """One language that pages come in.

    code       as HTML writes it, BCP 47: `da`
    name       what the language calls itself
    direction  `ltr` or `rtl`
    decimal    the mark between whole and part of a number
    read_by    the clinician with the language as mother tongue who has read the texts; empty: nobody has yet
    staff      whether pages for staff come in it too; else only those of patients
    """

    code: str
    name: str
    direction: str = "ltr"
    decimal: str = "."
    read_by: str = ""
    staff: bool = True


LANGUAGES: Mapping[str, Language] = {
    one.code: one
    for one in (
        Language("da", "Dansk", decimal=",", read_by="the source"),
        Language("en", "English"),
        Language("ar", "العربية", direction="rtl", staff=False),
    )
}


DANISH_ONLY = ("written", "coursework.with-result")
"""Tables that are Danish whatever the page is in: what staff send on, or keep in a record, as their own words."""
ELSEWHERE = ("measure-name", "unit", "answer", "plan-name")
"""Tables that Danish has no need of: the knowledge files say it."""
FOR_STAFF = (
    "answering",
    "back.control",
    "back.worklist",
    "banner",
    "board",
    "btg",
    "case",
    "conflict.keep-theirs",
    "conflict.save-mine",
    "conflict.target",
    "control",
    "coursework",
    "cpr",
    "error.emergency-reads",
    "establish",
    "exclusion",
    "figure",
    "happened.staff",
    "history",
    "inbox",
    "kept",
    "notice.kladde",
    "notice.kladde-kasseret",
    "notice.kladde-tom",
    "notice.ringet",
    "notice.sag-set",
    "notice.sag-udfoert",
    "preparation.summary",
    "reason",
    "refer",
    "renewal",
    "ringing",
    "slice",
    "target",
    "why.considered",
    "why.facts",
    "why.open",
    "why.provisional",
    "why.row",
    "why.source",
    "why.unverified",
    "worklist",
)
"""Tables and texts that only pages for staff use; a language without those pages may leave them out. All the rest is
for patients too.
"""


class TextMissing(CareplanError):
    """A page asks for a text that its language does not have."""

    code = "text-missing"


class Danish(str):
    """A text in Danish on a page in another language: templates write it in an element that says so."""

    __slots__ = ()

    def __html__(self) -> Markup:
        return Markup('<span lang="{}" dir="ltr">{}</span>').format(SOURCE, str(self))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language. Called with a key and the parts of its sentence, it answers with the sentence."""

    language: str
    texts: Mapping[str, str]

    @property
    def direction(self) -> str:
        return LANGUAGES[self.language].direction

    @property
    def decimal(self) -> str:
        return LANGUAGES[self.language].decimal

    @property
    def name(self) -> str:
        """What the language calls itself."""
        return LANGUAGES[self.language].name

    @property
    def read(self) -> bool:
        """Whether a clinician with the language as mother tongue has read the texts."""
        return bool(LANGUAGES[self.language].read_by)

    @property
    def source(self) -> bool:
        """Whether it is the language that clinical sentences are written in."""
        return self.language == SOURCE

    def __call__(self, key: str, **parts: object) -> str:
        if key not in self.texts:
            raise TextMissing(f"{self.language} has no text {key}")
        if any(isinstance(one, Danish) for one in parts.values()):
            own = {name: self.ordered(one) if type(one) is str else one for name, one in parts.items()}
            return Markup(escape(self.ordered(self.texts[key]))).format(**own)
        return self.ordered(self.texts[key].format(**parts))

    def ordered(self, text: str) -> str:
        """A text of this language in which numbers read in their own direction."""
        return in_order(text) if self.direction == "rtl" else text

    def has(self, key: str) -> bool:
        return key in self.texts

    def danish(self, text: str) -> str:
        """A text that is written in Danish, clinical or a person's own: marked as such on pages in other languages."""
        return text if self.source or not text else Danish(text)

    def check(self, keys: Iterable[str]) -> None:
        """Raises TextMissing naming every key that is not there."""
        missing = sorted({key for key in keys if key not in self.texts})
        if missing:
            raise TextMissing(f"{self.language} lacks {', '.join(missing)}")


def is_of(key: str, tables: Iterable[str]) -> bool:
    """Whether a key stands in one of some tables, or is one of them."""
    return any(key == one or key.startswith(f"{one}.") for one in tables)


def keys_of(language: Language, source: Catalogue) -> tuple[str, ...]:
    """The keys of the Danish texts that a language must have."""
    free = DANISH_ONLY if language.staff else (*DANISH_ONLY, *FOR_STAFF)
    return tuple(key for key in source.texts if not is_of(key, free))


def read_catalogue(language: str, folder: Path = FOLDER) -> Catalogue:
    """The texts of a language: tables of its files become dots in the key, `plan.next.title`.

    Raises TextMissing where the language has no folder, or two of its files give one key
    """
    texts: dict[str, str] = {}
    for path in sorted((folder / language).glob("*.toml")):
        found = dict(_flat(tomllib.loads(path.read_text("utf-8"))))
        twice = sorted(texts.keys() & found.keys())
        if twice:
            raise TextMissing(f"{language}/{path.name} has again {', '.join(twice)}")
        texts |= found
    if not texts:
        raise TextMissing(f"there are no texts in {language}")
    return Catalogue(language, texts)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")
