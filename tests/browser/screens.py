"""A picture of every visit, and of every printed page, to look at: `make screens`.

Patients' pages are drawn 320 px wide, those of staff 1280, sheets in greys. What the machine lacks is said in a
sentence. `python -m browser.screens B2 F-short` draws only those whose names begin so, and leaves the others' pictures.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

from .conftest import CHROMIUM, FLAGS, Walker, fill_clinic
from .visits import SHEETS, VISITS, Visit

FOLDER = Path("screens")
NARROW, WIDE = 320, 1280
DOTS = 80
"""Of a printed page, an inch."""
OFTEN = 20
"""After so many pictures it is said how far it is."""
STYLE = (
    "body{font:16px/1.4 sans-serif;margin:1rem}nav a{margin-right:.75rem}"
    "div{display:flex;flex-wrap:wrap;gap:1rem;align-items:start}figure{margin:0;width:16rem}"
    "img{width:100%;height:22rem;object-fit:cover;object-position:top;border:1px solid #888}"
    "figcaption{overflow-wrap:anywhere}.wide{width:26rem}"
)


class Undrawn(Exception):
    """A page or a sheet that answers otherwise than its visit says."""


def is_wide(visit: Visit) -> bool:
    """Whether a page is for staff, at a desk."""
    return bool(visit.persona) and not visit.of_patient


def draw(walker: Walker, visit: Visit) -> None:
    """The picture of one page, whole."""
    with walker.walk(visit) as walk:
        if walk.status != visit.status:
            raise Undrawn(f"{visit.path} answered {walk.status}")
        walk.page.set_viewport_size({"width": WIDE if is_wide(visit) else NARROW, "height": 900})
        walk.page.screenshot(path=FOLDER / f"{visit.name}.png", full_page=True)


def draw_sheet(walker: Walker, sheet: Visit) -> None:
    """The pages of one printed sheet, in greys, as a cheap printer would give them."""
    answer = walker.context(sheet).request.get(sheet.path)
    if answer.status != sheet.status:
        raise Undrawn(f"{sheet.path} answered {answer.status}")
    (FOLDER / f"{sheet.name}.pdf").write_bytes(answer.body())
    subprocess.run(
        ["pdftoppm", "-png", "-gray", "-r", str(DOTS), f"{sheet.name}.pdf", sheet.name], cwd=FOLDER, check=True
    )


def pictures(visit: Visit) -> list[Path]:
    """What is drawn of a visit: one picture of a page, one for each page of a sheet."""
    if visit in SHEETS:
        return sorted(FOLDER.glob(f"{visit.name}-[0-9]*.png"))
    return [one for one in (FOLDER / f"{visit.name}.png",) if one.exists()]


def forget(chosen: Sequence[Visit], *, everything: bool) -> None:
    """Pictures of an earlier time, that none is taken for a new one."""
    if everything and FOLDER.exists():
        shutil.rmtree(FOLDER)
    FOLDER.mkdir(exist_ok=True)
    for path in (path for one in chosen for path in pictures(one)):
        path.unlink()


def index(failed: Sequence[str]) -> str:
    """A page with all pictures, a chapter a screen; each leads to the whole picture."""
    screens = list(dict.fromkeys(one.screen for one in (*VISITS, *SHEETS) if pictures(one)))
    links = "".join(f'<a href="#{escape(one)}">{escape(one)}</a>' for one in screens)
    undrawn = "".join(f"<li>{escape(one)}</li>" for one in failed)
    parts = [
        f'<h2 id="{escape(screen)}">{escape(screen)}</h2><div>'
        + "".join(_figures(one) for one in (*VISITS, *SHEETS) if one.screen == screen)
        + "</div>"
        for screen in screens
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Screens</title><style>{STYLE}</style><h1>Screens</h1><nav>{links}</nav>"
        + (f"<h2>Not drawn</h2><ul>{undrawn}</ul>" if undrawn else "")
        + "".join(parts)
    )


def _figures(visit: Visit) -> str:
    who = visit.persona or "nobody signed in"
    said = f"<b>{escape(visit.name)}</b>: {escape(visit.state)}<br>{escape(who)} · {escape(visit.path)}"
    return "".join(
        f'<figure{" class=wide" if is_wide(visit) else ""}><a href="{one.name}">'
        f'<img src="{one.name}" alt="{escape(one.stem)}" loading="lazy"></a><figcaption>{said}</figcaption></figure>'
        for one in pictures(visit)
    )


def draw_all(walker: Walker, chosen: Sequence[Visit]) -> list[str]:
    """Draws every visit, says now and then how far it is, and answers what could not be drawn and why."""
    failed: list[str] = []
    for number, one in enumerate(chosen, 1):
        try:
            (draw_sheet if one in SHEETS else draw)(walker, one)
        except (Error, Undrawn, subprocess.CalledProcessError) as error:
            failed.append(f"{one.name}: {str(error).splitlines()[0]}")
        if number % OFTEN == 0:
            say(f"{number} of {len(chosen)}")
    return failed


def main(wanted: Sequence[str]) -> None:
    begun = time.monotonic()
    if not CHROMIUM.exists():
        raise SystemExit(f"screens: there is no browser at {CHROMIUM}; on Debian: apt-get install chromium")
    prints = shutil.which("pdftoppm") is not None
    if not prints:
        say("the sheets are left out: there is no pdftoppm; on Debian: apt-get install poppler-utils")
    chosen = [one for one in (*VISITS, *(SHEETS if prints else ())) if not wanted or one.name.startswith(tuple(wanted))]
    if not chosen:
        raise SystemExit(f"screens: no visit of tests/browser/visits.py begins with {', '.join(wanted)}")
    forget(chosen, everything=not wanted)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        say("filling an invented clinic")
        walker = Walker(chromium, fill_clinic(folder / "filled.db"), folder)
        failed = draw_all(walker, chosen)
        walker.close()
        chromium.close()
    (FOLDER / "index.html").write_text(index(failed), encoding="utf-8")
    for line in failed:
        say(f"not drawn: {line}")
    drawn = sum(len(pictures(one)) for one in chosen)
    say(f"{drawn} pictures in {time.monotonic() - begun:.0f} s: {FOLDER}/index.html")
    if failed:
        raise SystemExit(1)


def say(text: str) -> None:
    sys.stdout.write(f"screens: {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
