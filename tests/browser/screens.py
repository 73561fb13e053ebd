"""A picture of every visit, and of every printed page, to look at: `make screens`.

Patients' pages are drawn 320 px wide, those of staff 1280. What the machine lacks is said in a sentence.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

from .conftest import CHROMIUM, FLAGS, Walker, fill_clinic
from .visits import SHEETS, VISITS, Visit

FOLDER = Path("screens")
NARROW, WIDE = 320, 1280
DOTS = 80
"""Of a printed page, an inch."""


class Undrawn(Exception):
    """A sheet that was refused."""


def draw(walker: Walker, visit: Visit, folder: Path) -> Path:
    """The picture of one page, whole."""
    path = folder / f"{visit.name}.png"
    staff = visit.persona and not visit.of_patient
    with walker.walk(visit) as walk:
        walk.page.set_viewport_size({"width": WIDE if staff else NARROW, "height": 900})
        walk.page.screenshot(path=path, full_page=True)
    return path


def draw_sheet(walker: Walker, sheet: Visit, folder: Path) -> Iterator[Path]:
    """The pages of one printed sheet, in greys, as a cheap printer would give them."""
    answer = walker.context(sheet).request.get(sheet.path)
    if answer.status != sheet.status:
        raise Undrawn(f"{sheet.path} answered {answer.status}")
    (folder / f"{sheet.name}.pdf").write_bytes(answer.body())
    subprocess.run(
        ["pdftoppm", "-png", "-gray", "-r", str(DOTS), f"{sheet.name}.pdf", sheet.name], cwd=folder, check=True
    )
    yield from sorted(folder.glob(f"{sheet.name}-*.png"))


def index(shown: Sequence[tuple[Visit, Sequence[Path]]]) -> str:
    """A page with all pictures, in the order of the table."""
    parts = [
        f"<h2>{escape(visit.name)}</h2><p>{escape(visit.screen)} · {escape(visit.state)} · {escape(visit.path)}</p>"
        + "".join(f'<img src="{one.name}" alt="" style="max-width:100%">' for one in paths)
        for visit, paths in shown
    ]
    return '<!doctype html><html lang="en"><meta charset="utf-8"><title>Screens</title>' + "".join(parts)


def main(wanted: Sequence[str]) -> None:
    if not CHROMIUM.exists():
        raise SystemExit(f"screens: there is no browser at {CHROMIUM}; on Debian: apt-get install chromium")
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    prints = shutil.which("pdftoppm") is not None
    if not prints:
        say("the sheets are left out: there is no pdftoppm; on Debian: apt-get install poppler-utils")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        walker = Walker(chromium, fill_clinic(folder / "filled.db"), folder)
        chosen = [one for one in VISITS if not wanted or one.name.startswith(tuple(wanted))]
        sheets = [one for one in SHEETS if prints and (not wanted or one.name.startswith(tuple(wanted)))]
        shown: list[tuple[Visit, list[Path]]] = []
        failed: list[str] = []
        for one in (*chosen, *sheets):
            try:
                shown.append(
                    (one, list(draw_sheet(walker, one, FOLDER)) if one in sheets else [draw(walker, one, FOLDER)])
                )
            except (Error, Undrawn) as error:
                failed.append(f"{one.name}: {str(error).splitlines()[0]}")
        walker.close()
        chromium.close()
    (FOLDER / "index.html").write_text(index(shown), encoding="utf-8")
    for line in failed:
        say(f"not drawn: {line}")
    say(f"{sum(len(paths) for _, paths in shown)} pictures in {FOLDER}/index.html")
    if failed:
        raise SystemExit(1)


def say(text: str) -> None:
    sys.stdout.write(f"screens: {text}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
