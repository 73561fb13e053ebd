"""The texts of the pages: a folder a language, a file a screen, keys → strings, read at start.

A key that is missing is an error at start, never a gap on a page: templates are searched for the keys they use.
Not here: sentences made from values (`wording`), and clinical sentences (`careplan/knowledge`).
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from careplan.domain.errors import CareplanError

FOLDER = Path(__file__).parent / "text"


class TextMissing(CareplanError):
    """A page asks for a text that its language does not have."""

    code = "text-missing"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language. Called with a key and the parts of its sentence, it answers with the sentence."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **parts: object) -> str:
        if key not in self.texts:
            raise TextMissing(f"{self.language} has no text {key}")
        return self.texts[key].format(**parts)

    def has(self, key: str) -> bool:
        return key in self.texts

    def check(self, keys: Iterable[str]) -> None:
        """Raises TextMissing naming every key that is not there."""
        missing = sorted({key for key in keys if key not in self.texts})
        if missing:
            raise TextMissing(f"{self.language} lacks {', '.join(missing)}")


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
