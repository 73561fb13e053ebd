"""docs/access.md: its table as it is written, as it is read again, and as the service answers today.

`python tests/api/access_page.py` writes it anew from what the service answers; then it is for a reader to say whether
that is right. `test_access_table.py` compares.
"""

import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import httpx
from probes import ROWS, Case, Row
from relations import PATIENT, RELATIONS, Relation, Town, fill, population, town

from careplan.app import open_house
from careplan.fhir.text import dump
from careplan.interactions.context import House
from careplan.settings import Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """What each of those who ask gets; one answer to all that a row asks, else all of them with `/` between.

    unlogged  accesses to Inger, allowed or refused, that the audit log says nothing of
    """

    cells: Cells
    unlogged: tuple[str, ...]


async def answers(house: House, filled: Path, folder: Path, row: Row) -> Answers:
    """What everybody is answered: to each request of a row that changes something on a copy of its own."""
    cells: dict[str, set[str]] = {}
    unlogged: list[str] = []
    asked = [(one, case) for one in RELATIONS for case in row.cases]
    for some in [[one] for one in asked] if row.changes else [asked]:
        copy = folder / "copy.db"
        shutil.copy(filled, copy)
        async with town(house, copy) as opened:
            accesses: dict[str, str] = {}
            for relation, case in some:
                at = opened.clock.next()
                answer = await _asked(opened, row, relation, case)
                cells.setdefault(relation.key, set()).add(row.judge(answer))
                if concerns_inger(relation, case, answer):
                    accesses[at] = f"{relation.key}: {case.method} {case.path} {answer.status_code}"
            known = await opened.logged() if accesses else frozenset()
            unlogged += [says for at, says in accesses.items() if at not in known]
    return Answers(tuple("/".join(sorted(cells[one.key])) for one in RELATIONS), tuple(unlogged))


async def _asked(opened: Town, row: Row, relation: Relation, case: Case) -> httpx.Response:
    body = case.body(relation) if case.body is not None else None
    if row.page and case.method == "POST":
        body = urlencode({"formular": opened.form_token(relation)})
    return await opened.ask(relation, case.method, case.path, body, case.kind)


def concerns_inger(relation: Relation, case: Case, answer: httpx.Response) -> bool:
    """Whether a request was about her: it named her, or something of hers, or it was answered with it.

    Whoever is not signed in is nobody who could be named. What is sent to be validated opens no record.
    """
    if relation.caller is None or answer.status_code in (401, 405):
        return False
    sent = case.path if "$validate" in case.path else answer.request.content.decode() + case.path
    return not OF_HERS.isdisjoint(_WORDS.split(sent)) or (answer.status_code < 300 and PATIENT in answer.text)


_WORDS = re.compile(r"[^A-Za-z0-9.\-]+")
OF_HERS = frozenset({PATIENT, *(one["id"] for one in population() if PATIENT in dump(one).decode())}) - {"fuldmagt"}
"""Ids of her and of what is hers, but for one that is a word of addresses, too."""


def told() -> Mapping[tuple[str, str], Cells]:
    """The table of the page: by section and row."""
    text = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    found: dict[tuple[str, str], Cells] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("### "):
            section = line.removeprefix("### ")
        elif line.startswith("| ") and not line.startswith("| what |"):
            says, *cells = [part.strip() for part in line.strip("| ").split(" | ")]
            found[section, says] = tuple(cells)
    return found


def written(rows: Mapping[tuple[str, str], Cells]) -> str:
    """The sections as the page has them."""
    lines: list[str] = []
    section = ""
    for (where, says), cells in rows.items():
        if where != section:
            section = where
            head = " | ".join(["what", *(one.key for one in RELATIONS)])
            lines += ["", f"### {section}", "", f"| {head} |", "|" + "---|" * (len(RELATIONS) + 1)]
        lines.append(f"| {' | '.join([says, *cells])} |")
    return "\n".join([*lines, "", ""])


def legend() -> str:
    return "\n".join(
        ["", "| column | who asks |", "|---|---|", *(f"| {one.key} | {one.says} |" for one in RELATIONS), "", ""]
    )


async def _write() -> None:
    found: dict[tuple[str, str], Cells] = {}
    async with open_house(Settings(store=":memory:", secret="only for tests")) as house:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            await fill(house, folder / "filled.db")
            for row in ROWS:
                answered = await answers(house, folder / "filled.db", folder, row)
                found[row.section, row.says] = answered.cells
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{written(found)}{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    asyncio.run(_write())
    sys.exit(0)
