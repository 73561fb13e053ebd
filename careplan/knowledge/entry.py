"""A knowledge file read strictly: every key once, of the right kind, and nothing left over.

Reading never stops at a fault: what is wrong is noted with its line, and a stand-in is handed on, so that all
faults of all files come together. What the keys mean is said by `measure`, `fact`, `target` and `plan` beside this.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches

from careplan.domain.condition import FactValue
from careplan.domain.errors import Fault
from careplan.knowledge.position import Path, Positions, positions_in

CODE = "knowledge-faulty"

_DANISH: Mapping[str, str] = {
    "er": "is",
    "under": "below",
    "højst": "at-most",
    "mindst": "at-least",
    "over": "above",
    "hvis": "when",
    "mål": "target",
    "kilde": "source",
    "fakta": "facts",
    "siger": "says",
}
"""Danish words that stand where a key should, and the key."""

NO_DAY = date.min


@dataclass(frozen=True, slots=True)
class KnowledgeFault(Fault):
    """A fault of a knowledge file; `expression` is the place in it, `row[3].target`, counted from 1."""

    file: str = ""
    line: int = 1

    def says(self) -> str:
        """`targets/ldl.toml:12: row[3].target: …`, as editors and people read it."""
        place = f"{self.expression}: " if self.expression else ""
        return f"{self.file}:{self.line}: {place}{self.message}"


@dataclass(slots=True)
class KnowledgeFile:
    """One file's text, and what is wrong with it; lines are looked for only when something is."""

    name: str
    text: str
    faults: list[KnowledgeFault] = field(default_factory=list)
    positions: Positions | None = None

    def refuse(self, message: str, path: Path = (), line: int | None = None) -> None:
        if line is None:
            self.positions = self.positions or positions_in(self.text)
            line = self.positions.line(path)
        self.faults.append(KnowledgeFault(_path_says(path), CODE, message, file=self.name, line=line))


class Entry:
    """One table of a file. A key that is read counts as understood; `close` refuses the others."""

    def __init__(self, file: KnowledgeFile, table: Mapping[str, object], path: Path = ()) -> None:
        self.file = file
        self.table = table
        self.path = path
        self._known: dict[str, None] = {}

    def refuse(self, message: str, key: str | None = None) -> None:
        """Note a fault of this table, or of one of its keys."""
        self.file.refuse(message, (*self.path, key) if key is not None else self.path)

    def has(self, key: str) -> bool:
        self._known[key] = None
        return key in self.table

    def close(self) -> None:
        """Refuse every key that nobody has read."""
        for key in self.table:
            if key not in self._known:
                self.refuse(f"unknown key `{key}`{_or_nearest(key, self._known)}", key)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty; without `default` it must be there."""
        value = self._value(key, default is None)
        if value is None:
            return default or ""
        if not isinstance(value, str):
            self.refuse(f"`{key}` must be a text in quotes", key)
            return default or ""
        if default is None and not value.strip():
            self.refuse(f"`{key}` is empty; write it", key)
        return value

    def word(self, key: str, words: Collection[str], default: str | None = None) -> str:
        """One of a closed list of words; empty when refused."""
        value = self.text(key, default)
        if value and value not in words:
            self.refuse(f"`{key}` cannot be `{value}`; it is one of: {', '.join(words)}", key)
            return ""
        return value

    def number(self, key: str, *, required: bool = False) -> Decimal | None:
        value = self._value(key, required)
        if value is None:
            return None
        found = number_from(value)
        if found is None:
            self.refuse(f"`{key}` must be a number without quotes", key)
        return found

    def whole(self, key: str, default: int | None = None) -> int:
        """A whole number of 0 or more; without `default` it must be there."""
        value = self.number(key, required=default is None)
        if value is None:
            return default or 0
        if value != value.to_integral_value() or value < 0:
            self.refuse(f"`{key}` must be a whole number, 0 or more", key)
        return int(value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self._value(key, default is None)
        if value is None:
            return bool(default)
        if not isinstance(value, bool):
            self.refuse(f"`{key}` must be true or false", key)
        return value is True

    def day(self, key: str) -> date:
        value = self._value(key, True)
        if value is None:
            return NO_DAY
        if not isinstance(value, date) or isinstance(value, datetime):
            self.refuse(f"`{key}` must be a date without quotes, as 2027-06-01", key)
            return NO_DAY
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of texts, none twice; empty when it is not there."""
        value = self._value(key, required)
        if value is None:
            return ()
        if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
            self.refuse(f'`{key}` must be a list of texts, as [ "…" ]', key)
            return ()
        twice = sorted({one for one in value if value.count(one) > 1})
        if twice:
            self.refuse(f"`{key}` names {', '.join(twice)} twice", key)
        return tuple(value)

    def entry(self, key: str, *, required: bool = False) -> "Entry | None":
        """A table within this one."""
        value = self._value(key, required)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.refuse(f"`{key}` must be a table, as {{ … }}", key)
            return None
        return Entry(self.file, value, (*self.path, key))

    def entries(self, key: str, *, required: bool = False) -> tuple["Entry", ...]:
        """A list of tables; when required, at least one."""
        value = self._value(key, required)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self.refuse(f"`{key}` must be a list of tables, as [ {{ … }} ]", key)
            return ()
        if required and not value:
            self.refuse(f"`{key}` is empty; it needs at least one", key)
        return tuple(Entry(self.file, one, (*self.path, key, n)) for n, one in enumerate(value, 1))

    def fact_value(self, key: str) -> FactValue:
        """true, false, a number or a text: what a fact can be."""
        value = self._value(key, True)
        if isinstance(value, bool | str):
            return value
        found = number_from(value)
        if value is not None and found is None:
            self.refuse(f"`{key}` must be true, false, a number or a text", key)
        return Decimal(0) if found is None else found

    def _value(self, key: str, required: bool) -> object:
        self._known[key] = None
        if key not in self.table and required:
            self.refuse(f"`{key}` is missing; add it")
        return self.table.get(key)


def number_from(value: object) -> Decimal | None:
    """A TOML number as a Decimal, digits kept; None for anything else, nan and inf included."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if number.is_finite() else None


def nearest(name: str, names: Collection[str]) -> str:
    """« Did you mean x?», or nothing when no name is near."""
    near = get_close_matches(name, list(names), n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _or_nearest(key: str, known: Collection[str]) -> str:
    near = [_DANISH[key]] if _DANISH.get(key) in known else get_close_matches(key, list(known), n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; take it away, or use one of: {', '.join(known)}" if known else "; take it away"


def _path_says(path: Path) -> str:
    said = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return said.removeprefix(".")
