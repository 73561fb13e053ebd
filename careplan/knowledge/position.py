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
_MARK = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*|[\[{]|[\]}]')
_SYNTAX = re.compile(r"\s*\((?:at line (\d+), column \d+|at end of document)\)$")


@dataclass(frozen=True, slots=True)
class Positions:
    """The lines, counted from 1, at which the headers and keys of one text stand."""

    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of a path, or of the nearest thing around it that has one; 1 for the whole file."""
        return next((self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), 1)


def positions_in(text: str) -> Positions:
    """The places of all headers and keys of a TOML text; where a key stands twice, the first."""
    lines: dict[Path, int] = {}
    arrays: Counter[Path] = Counter()
    table: Path = ()
    open_: tuple[int, str] = (0, "")
    for number, line in enumerate(text.splitlines(), 1):
        if open_ == (0, ""):
            if header := _HEADER.match(line):
                table = _table(header, arrays)
                lines.setdefault(table, number)
            elif key := _KEY.match(line):
                names = _names(key[1])
                for n in range(1, len(names) + 1):
                    lines.setdefault((*table, *names[:n]), number)
        open_ = _still_open(line, *open_)
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


def _still_open(line: str, depth: int, quote: str) -> tuple[int, str]:
    """How many brackets, and which long quote, a line leaves open for the next."""
    at = 0
    while at < len(line):
        if quote:
            end = line.find(quote, at)
            if end < 0:
                return depth, quote
            at, quote = end + 3, ""
            continue
        mark = _MARK.search(line, at)
        if mark is None:
            break
        at = mark.end()
        if mark[0] in ('"""', "'''"):
            quote = mark[0]
        elif mark[0] in "[{":
            depth += 1
        elif mark[0] in "]}":
            depth -= 1
    return depth, quote
