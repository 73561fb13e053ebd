"""docs/access.md: its table as it is written, as it is read again, and as the service answers today.

`python tests/api/access_page.py` writes it anew from what the service answers; then it is for a reader to say whether
that is right. `test_access_table.py` compares.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from probes import ROWS, Case, Row
from relations import RELATIONS, Relation, Town, fill, town

from careplan.app import open_house
from careplan.interactions.context import House
from careplan.settings import Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"

Cells = tuple[str, ...]


async def answers(house: House, filled: Path, folder: Path, row: Row) -> Cells:
    """What each of those who ask gets; one answer to all that a row asks, else all of them with `/` between."""
    if row.changes:
        return tuple(
            [
                "/".join(sorted({await _on_copy(house, filled, folder, row, one, case) for case in row.cases}))
                for one in RELATIONS
            ]
        )
    async with town(house, filled) as opened:
        return tuple(
            ["/".join(sorted({await _asked(opened, row, one, case) for case in row.cases})) for one in RELATIONS]
        )


async def _on_copy(house: House, filled: Path, folder: Path, row: Row, relation: Relation, case: Case) -> str:
    copy = folder / "copy.db"
    shutil.copy(filled, copy)
    async with town(house, copy) as opened:
        return await _asked(opened, row, relation, case)


async def _asked(opened: Town, row: Row, relation: Relation, case: Case) -> str:
    body = case.body(relation) if case.body is not None else None
    if row.page and case.method == "POST":
        body = urlencode({"formular": opened.form_token(relation)})
    return row.judge(await opened.ask(relation, case.method, case.path, body, case.kind))


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
                found[row.section, row.says] = await answers(house, folder / "filled.db", folder, row)
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{written(found)}{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    asyncio.run(_write())
    sys.exit(0)
