"""docs/screens.md names every page, and none that is not there."""

import re
from pathlib import Path

import pytest

from careplan.views.pages import OPEN, PAGES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "screens.md"
SCREENS = PAGE.read_text(encoding="utf-8").split("\n## ")[0]
ROWS = [re.split(r"(?<!\\)\|", line)[2] for line in SCREENS.splitlines() if line.startswith("| ")][1:]
PATHS = sorted(({one.path for one in PAGES} | {path for _, path, _ in OPEN}) - {"/static/{name}"})


def plain(address: str) -> str:
    """An address with its parts in braces or brackets as `[]`, without its query."""
    return re.sub(r"\{[^}]*\}|\[[^\]]*\](-\[[^\]]*\])*", "[]", address).partition("?")[0]


def readings(row: str) -> list[set[str]]:
    """What each address of a row can mean: itself, or what follows one before it, or stands beside that."""
    found: list[set[str]] = []
    before: list[str] = []
    for code in re.findall(r"`([^`]*)`", row):
        address = plain(code.removeprefix("POST ").removeprefix("…"))
        if address.startswith("/"):
            led = {one + address for one in before} | {one.rpartition("/")[0] + address for one in before}
            found.append({address} | led)
            before.append(address)
    return found


@pytest.mark.parametrize("path", PATHS)
def test_every_address_stands_in_the_page_of_screens(path: str) -> None:
    assert any(plain(path) in one for row in ROWS for one in readings(row))


@pytest.mark.parametrize("row", ROWS)
def test_the_page_of_screens_names_no_address_that_is_gone(row: str) -> None:
    known = {plain(path) for path in PATHS}
    assert [one for one in readings(row) if not one & known] == []
