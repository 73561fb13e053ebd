"""Where in a TOML file a value stands: the line of the n-th `[[row]]`, and of a key in it.

tomllib gives values without lines. This is not a parser: it assumes a text that tomllib accepts, and follows only
headers, keys, and the brackets and strings that may run over several lines. https://toml.io/en/v1.0.0
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""Keys and, for arrays, the number of the element counted from 1: `("row", 3, "target")`."""

_NAME = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_LONG = ('"""', "'''")
_MARK = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*|[\[{\]},]')
_ELEMENT = re.compile(r"\s*[^\s\]}#,]")
_SYNTAX = re.compile(r"\s*\((?:at line (\d+), column \d+|at end of document)\)$")


@dataclass(frozen=True, slots=True)
class Positions:
    """The lines, counted from 1, at which the headers and keys of one text stand."""

    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of a path, or of the nearest thing around it that has one; 1 for the whole file."""
        return next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), 1)


def positions_in(text: str) -> Positions:
    """The places of all headers, keys and elements of arrays that begin a line; where a key stands twice, the first."""
    lines: dict[Path, int] = {}
    arrays: Counter[Path] = Counter()
    table: Path = ()
    value: Path = ()
    rest = _Rest()
    for number, line in enumerate(text.splitlines(), 1):
        if rest.in_array and _ELEMENT.match(line):
            lines.setdefault((*value, rest.commas + 1), number)
        elif rest.is_over:
            if header := _HEADER.match(line):
                table = _table(header, arrays)
                lines.setdefault(table, number)
                if header[1] == "[[":
                    lines.setdefault(table[:-1], number)
            elif key := _KEY.match(line):
                names = _names(key[1])
                value = (*table, *names)
                for n in range(len(table) + 1, len(value) + 1):
                    lines.setdefault(value[:n], number)
        rest.read(line)
    return Positions(lines)


def syntax_fault(error: ValueError, text: str) -> tuple[int, str]:
    """The line and the bare message of what tomllib refused."""
    message = str(error)
    where = _SYNTAX.search(message)
    last = max(1, len(text.splitlines()))
    line = int(where[1]) if where and where[1] else last
    return min(line, last), _SYNTAX.sub("", message)


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(name.strip("\"'") for name in re.findall(_NAME, dotted))


def _table(header: re.Match[str], arrays: Counter[Path]) -> Path:
    path: Path = ()
    *outer, last = _names(header[2])
    for name in outer:
        path = (*path, name)
        if path in arrays:
            path = (*path, arrays[path])
    path = (*path, last)
    if header[1] == "[[":
        arrays[path] += 1
        return (*path, arrays[path])
    return path


@dataclass(slots=True)
class _Rest:
    """What the lines so far leave open: brackets, a long string, and how many elements of an array are past."""

    depth: int = 0
    quote: str = ""
    commas: int = 0

    @property
    def is_over(self) -> bool:
        return not self.depth and not self.quote

    @property
    def in_array(self) -> bool:
        return self.depth == 1 and not self.quote

    def read(self, line: str) -> None:
        if self.is_over:
            self.commas = 0
        at = 0
        while at < len(line):
            if self.quote:
                end = line.find(self.quote, at)
                if end < 0:
                    return
                at, self.quote = end + 3, ""
            mark = _MARK.search(line, at)
            if mark is None:
                return
            at = mark.end()
            self._pass(mark[0])

    def _pass(self, mark: str) -> None:
        if mark in _LONG:
            self.quote = mark
        elif mark in "[{":
            self.depth += 1
        elif mark in "]}":
            self.depth -= 1
        elif mark == "," and self.depth == 1:
            self.commas += 1
