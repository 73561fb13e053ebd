"""Every page in every state: nothing for axe to complain of, nothing cut, small enough, quiet, and from here alone.

Rules: WCAG 2.2 A and AA, https://www.w3.org/TR/WCAG22/; axe-core by Deque, https://github.com/dequelabs/axe-core.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from careplan.synthetic.situation import IDS

from .conftest import Walk, Walker
from .visits import SHEETS, VISITS, Visit, unfold, unvisited

AXE = Path(__file__).resolve().parents[2] / ".venv" / "clients" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]
SCREENS = Path(__file__).resolve().parents[2] / "docs" / "screens.md"
STAFF = [one for one in VISITS if one.path.startswith(("/patient/", "/borger/"))]
"""Visits of staff to somebody."""
WIDTHS = (1280, 768, 320)
HEAVIEST = 100_000
"""Bytes of a page over the wire, with its stylesheet and script."""

PERSON_NUMBER = re.compile(r"\b\d{6}[- ]?\d{4}\b")

SIDEWAYS = "document.documentElement.scrollWidth - innerWidth"
CUT = """[...document.querySelectorAll('main *')].filter(one => one.checkVisibility() && one.children.length == 0
    && one.innerText && !one.closest('.scroll, .hidden, svg') && one.getBoundingClientRect().width
    && (one.getBoundingClientRect().right > innerWidth + 1 || one.getBoundingClientRect().left < -1))
    .map(one => one.innerText.slice(0, 40))"""
WIDER = """[...document.querySelectorAll('td .why, td .note, .because div')]
    .filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.innerText.slice(0, 40))"""
ASTRAY = """[...document.querySelectorAll('.errors a[href^="#"]')].filter(one => {
        const field = document.getElementById(decodeURIComponent(one.hash.slice(1)));
        return !field || !field.matches('input, select, textarea, button, [tabindex]');
    }).map(one => one.outerHTML).concat(
    [...document.querySelectorAll('[aria-invalid=true]:not([aria-describedby])')].map(one => one.outerHTML))"""
SMALL = """least => [...document.querySelectorAll(
        'a[href], button, summary, input:not([type=hidden]), select, textarea')]
    .filter(one => one.checkVisibility() && !one.matches('.skip, .hidden, .hidden *'))
    .filter(one => !(one.matches('a') && getComputedStyle(one).display == 'inline'
        && one.parentElement.innerText.trim().length > one.innerText.trim().length + 8))
    .map(one => [one, ...(one.labels || [])].map(box => box.getBoundingClientRect())
        .reduce((most, box) => [Math.max(most[0], box.width), Math.max(most[1], box.height)], [0, 0])
        .concat([one.outerHTML.slice(0, 120)]))
    .filter(([wide, high]) => wide < 24 || high < least - 0.5)"""

RUN = """options => Promise.race([axe.run(document, options).then(one => one.violations),
    new Promise((_, fail) => setTimeout(() => fail(new Error('axe was not done in 30 seconds')), 30000))])"""


@pytest.fixture(scope="module")
def walker(filled_clinic: Path, chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walker]:
    opened = Walker(chromium, filled_clinic, tmp_path_factory.mktemp("walked"), [AXE] if AXE.exists() else [])
    yield opened
    opened.close()


def test_no_page_is_left_out() -> None:
    assert unvisited(VISITS + SHEETS) == []
    names = [one.name for one in VISITS + SHEETS]
    assert len(names) == len(set(names))


def test_everybody_who_stands_for_a_state_is_visited_and_named_in_the_table() -> None:
    table = SCREENS.read_text(encoding="utf-8").partition("## States")[2].partition("\n## ")[0]
    opened = {one.persona.removeprefix("patient-") for one in VISITS} | {one.path.split("/")[2] for one in STAFF}
    assert set(IDS) <= opened
    assert [one for one in IDS if one.title() not in table] == []


@pytest.mark.parametrize("visit", VISITS, ids=lambda one: one.name)
def test_a_page_is_whole_small_quiet_and_its_own(walker: Walker, visit: Visit) -> None:
    with walker.walk(visit) as walk:
        page = walk.page
        assert walk.status == visit.status
        assert page.locator("h1").count() == 1
        ends = {"ar": "خطة", "en": "Care plan"}.get(visit.language, "Forløbsplan")
        assert ends in page.title().rpartition(" – ")[2], page.title()
        assert not PERSON_NUMBER.search(page.title() + page.url)
        assert re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", visit.reaches), urlsplit(page.url).path), page.url
        assert walk.strangers() == []
        assert walk.complaints() == []
        assert walk.weight() <= HEAVIEST
        assert page.evaluate(ASTRAY) == []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(SIDEWAYS) <= 0, width
            assert page.evaluate(CUT) == [], width
            assert page.evaluate(SMALL, 44 if visit.of_patient else 24) == [], width
            assert violations(walk, colours=width == WIDTHS[0]) == [], width
        unfold(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(SIDEWAYS) <= 0, f"unfolded, {width}"
            assert page.evaluate(WIDER) == [], f"unfolded, {width}"


def violations(walk: Walk, *, colours: bool = True) -> list[tuple[str, list[str]]]:
    """What axe complains of now: the rule, and where. Nothing where axe is not installed.

    colours  whether contrast is measured: it takes longest, and no width changes a colour
    """
    if not AXE.exists():
        return []
    options: dict[str, Any] = {"runOnly": TAGS, "resultTypes": ["violations"], "preload": False}
    options["rules"] = {"color-contrast": {"enabled": colours}}
    found = walk.page.evaluate(RUN, options)
    return [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found]


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: `make test` fetches it where there is npm")
def test_axe_is_there_and_finds_what_is_planted(walker: Walker) -> None:
    with walker.walk(VISITS[0]) as walk:
        walk.page.evaluate("document.querySelector('button').textContent = ''")
        assert "button-name" in dict(violations(walk))
