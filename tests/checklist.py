"""Which test shows which line of the FHIR REST checklist: a test names its lines, `R4-34`, in its docstring.

A line is named alone; `R4-13..15` names none. Lines R4-1 to R4-116 are the façade's.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent
LINES = tuple(f"R4-{number}" for number in range(1, 117))
_LINE = re.compile(r"\bR4-\d+\b(?!\.\.)")


def naming_tests() -> dict[str, list[str]]:
    """For each line the tests that name it, as `api/test_http_content.py::test_it`."""
    found: dict[str, list[str]] = {line: [] for line in LINES}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, lines in _named(ast.parse(path.read_text(encoding="utf-8"))):
            for line in lines & found.keys():
                found[line].append(f"{path.relative_to(TESTS).as_posix()}::{name}")
    return found


def _named(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name, set(_LINE.findall(ast.get_docstring(node) or ""))
