"""A file that cannot be read at all, told in the words of one who writes it with a text editor.

tomllib says where it stopped and what it expected; most often one of a dozen slips is behind it, and the line shows
which. Tabs and what is no TOML file are found here too. https://toml.io/en/v1.0.0
"""

import re
from pathlib import Path

from careplan.knowledge.entry import KnowledgeFile
from careplan.knowledge.position import syntax_fault

_SLIPS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"[“”„‟‘’«»]\s*[,}\]]|=\s*[“”„‟‘’«»]"),
        'quotation marks are straight, as "…"; a word processor bends them',
    ),
    (re.compile(r"=\s*-?\d+,\d"), "a number has a decimal point, as 1.4, not a comma"),
    (re.compile(r"[<>≤≥]=?\s*\d"), "signs are written as words: below, at-most, above, at-least"),
    (re.compile(r"=\s*(True|False|TRUE|FALSE|ja|nej|yes|no|sand|falsk)\b"), "write true or false, in small letters"),
    (re.compile(r"=\s*\d{1,2}[.-]\d{1,2}[.-]\d{4}"), "a date is written as 2027-06-01, without quotes"),
    (re.compile(r"=\s*([}\],#]|$)"), "nothing stands after the equals sign; write the value"),
    (re.compile(r"^\s*(\[\[\w+\]?|\[\w+)\s*$"), "the header needs as many brackets behind as before, as [[row]]"),
    (re.compile(r"=\s*[^\W\d_][\w-]*\s*([,}\]]|$)"), 'a word that is a value stands in quotes, as "mmol/L"'),
    (re.compile(r"\}\s*\{"), "a comma is missing between } and {"),
    (re.compile(r'^[^"#]*("[^"]*"[^"#]*)*"[^"]*$'), "a quotation mark is missing; each text begins and ends with one"),
)
"""What a line shows, and what to do; the first that fits is told."""

_TWICE = re.compile(r"Cannot overwrite|Cannot mutate|Cannot declare|Duplicate")
_OPEN = re.compile(r"Unclosed|Unterminated|end of document")


def refuse_syntax(file: KnowledgeFile, error: ValueError) -> None:
    """Note why a text is not TOML, at its line, with what most likely happened."""
    line, message = syntax_fault(error, file.text)
    lines = file.text.splitlines() or [""]
    file.refuse(f"this is not TOML: {message}; {_way_out(lines[line - 1], str(error))}", line=line)


def refuse_tabs(file: KnowledgeFile) -> None:
    """Note lines with a tab character: editors show them differently, so what is seen is not what stands there."""
    for number, line in enumerate(file.text.splitlines(), 1):
        if "\t" in line:
            file.refuse("a tab stands here; write spaces instead", line=number)


def refuse_others(folder: Path, names: tuple[str, ...]) -> list[KnowledgeFile]:
    """Files in the folders that are read whose name does not end in `.toml`: they would be passed over in silence."""
    found = [path for name in names for path in sorted((folder / name).rglob("*")) if path.is_file()]
    others = [path for path in found if path.suffix != ".toml" and not path.name.startswith(".")]
    files = [KnowledgeFile(path.relative_to(folder).as_posix(), "") for path in others]
    for file in files:
        file.refuse("this file is not read; let its name end in .toml, or take it away", line=1)
    return files


def _way_out(line: str, message: str) -> str:
    if _TWICE.search(message):
        return "the same name stands twice in one table; keep one of the two"
    told = next((way for slip, way in _SLIPS if slip.search(line)), None)
    if told is not None:
        return told
    if _OPEN.search(message):
        return "a bracket or quotation mark that was opened is not closed; look from here upwards"
    return "compare this line and the one above it with a row that works"
