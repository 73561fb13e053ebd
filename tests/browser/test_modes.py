"""The pages as people set up their browsers: enlarged, spaced, in forced colours, still, from right to left, on paper.

WCAG 2.2 1.4.4, 1.4.10, 1.4.12, 1.4.1, 2.2.1, 2.3.3, 4.1.3.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Walker, sync_api
from .test_every_page import CUT, SIDEWAYS
from .visits import VISITS, Visit, go

expect = sync_api.expect

SPACED = """* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
p { margin-block-end: 2em !important; }"""
CLIPPED = """[...document.querySelectorAll('main *, header *')].filter(one => one.checkVisibility()
    && !one.closest('.hidden, .scroll, svg') && getComputedStyle(one).overflow != 'visible'
    && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)
    && !one.matches('textarea, input, select')).map(one => one.outerHTML.slice(0, 90))"""
OVERLAPPING = """[...document.querySelectorAll('main, main :is(section, form, article, li, dl), header .inner')]
    .flatMap(all => { const boxes = [...all.children].filter(one => one.checkVisibility()
            && !one.matches('.hidden, legend')
            && !['absolute', 'fixed', 'sticky'].includes(getComputedStyle(one).position)
            && getComputedStyle(one).float == 'none' && getComputedStyle(one).display != 'inline')
            .map(one => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width && box.height);
        return boxes.slice(1).map(([one, box], nth) => [one, box, boxes[nth][1]])
            .filter(([, box, before]) => box.top < before.bottom - 2 && box.left < before.right - 2
                && before.left < box.right - 2 && before.top < box.bottom - 2)
            .map(([one]) => one.outerHTML.slice(0, 90)); })"""
MAIN = [one for one in VISITS if one.name in {
    "sign-in", "B2", "B2-old", "B3", "B4-value", "B5-question", "B7-log", "B8", "C1", "C2", "C2-errors", "C2-target",
    "C3", "C3-preview", "C5", "C7", "D1", "D2", "B2-ar", "B3-ar", "B5-arabic",
}]  # fmt: skip


@pytest.fixture(scope="module")
def walker(filled_clinic: Path, chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walker]:
    opened = Walker(chromium, filled_clinic, tmp_path_factory.mktemp("modes"))
    yield opened
    opened.close()


def unharmed(page: Any) -> None:
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(CUT) == []
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(OVERLAPPING) == []


@pytest.mark.parametrize("visit", MAIN, ids=lambda one: one.name)
def test_nothing_is_lost_enlarged_fourfold_nor_with_wider_spacing(walker: Walker, visit: Visit) -> None:
    """1280 by 1024 enlarged to 400 % is 320 by 256."""
    with walker.walk(visit, bypass_csp=True) as walk:
        walk.page.set_viewport_size({"width": 320, "height": 256})
        unharmed(walk.page)
        walk.page.add_style_tag(content=SPACED)
        unharmed(walk.page)
        walk.page.set_viewport_size({"width": 1280, "height": 900})
        unharmed(walk.page)


@pytest.mark.parametrize("language", ["", "en"])
def test_the_tabs_of_the_worklist_are_one_line_at_a_desk_and_room_is_left(walker: Walker, language: str) -> None:
    """There is room for three more digits in the counts of a larger clinic."""
    with walker.walk(Visit("tabs", "C1", "", "nurse", "/arbejdsliste", language=language)) as walk:
        walk.page.set_viewport_size({"width": 1280, "height": 900})
        walk.page.evaluate(
            "for (const one of [...document.querySelectorAll('.tabs .count')].slice(0, 3)) one.append(8)"
        )
        lines = walk.page.evaluate("new Set([...document.querySelectorAll('.tabs a')].map(one => one.offsetTop)).size")
        assert lines == 1


def test_forced_colours_keep_icons_words_and_the_outline_of_the_band(walker: Walker) -> None:
    with walker.walk(Visit("forced", "B2", "", "patient-birthe", "/plan"), forced_colors="active") as walk:
        page = walk.page
        assert page.evaluate("matchMedia('(forced-colors: active)').matches")
        words = {one.strip() for one in page.locator(".status").all_inner_texts()}
        assert words and all(re.fullmatch(r"[✓◐▲○–] [\wæøåÆØÅ ]+", one) for one in words)
        for status in page.locator(".status").all():
            colours = status.evaluate(
                "one => [getComputedStyle(one).color, getComputedStyle(document.body).backgroundColor]"
            )
            assert colours[0] != colours[1]
        drawn = page.evaluate(
            """[...document.querySelectorAll('.drawing svg')].map(one => getComputedStyle(one).backgroundColor + ' '
            + [...one.querySelectorAll('rect, path')].filter(part => getComputedStyle(part).stroke != 'none').length)"""
        )
        assert drawn and all(one.startswith("rgb(255, 255, 255) ") and not one.endswith(" 0") for one in drawn)
        current = page.locator(".chips [aria-current]").first
        assert current.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"


@pytest.mark.parametrize("name", ["B2", "C2"])
def test_nothing_moves_for_those_who_want_it_still(walker: Walker, name: str) -> None:
    visit = next(one for one in VISITS if one.name == name)
    with walker.walk(visit, reduced_motion="reduce") as walk:
        moving = walk.page.evaluate(
            """document.getAnimations().length + [...document.querySelectorAll('*')].map(one => getComputedStyle(one))
            .filter(one => one.transitionDuration != '0s' || one.scrollBehavior == 'smooth').length"""
        )
        assert moving == 0


@pytest.mark.parametrize("name", ["B2-ar", "B3-ar"])
def test_arabic_runs_from_right_to_left_and_charts_do_not(walker: Walker, name: str) -> None:
    visit = next(one for one in VISITS if one.name == name)
    with walker.walk(visit) as walk:
        page = walk.page
        page.set_viewport_size({"width": 320, "height": 900})
        assert page.evaluate("[document.documentElement.dir, document.documentElement.lang]") == ["rtl", "ar"]
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).textAlign") in ("start", "right")
        brand, out = page.locator(".brand").bounding_box(), page.locator(".who button").bounding_box()
        assert brand["x"] > out["x"]
        line = page.locator(".drawing svg").first.bounding_box()
        assert line["x"] >= 0 and line["x"] + line["width"] <= 320
        unharmed(page)


def test_paper_has_no_menus_and_no_buttons(walker: Walker) -> None:
    with walker.walk(Visit("paper", "B2", "", "patient-birthe", "/plan")) as walk:
        walk.page.emulate_media(media="print")
        shown = walk.page.locator("nav, button, .strip, .skip, .quietrow, .session").all()
        assert not any(one.is_visible() for one in shown)
        assert walk.page.get_by_role("heading", name="Mine mål").is_visible()


def test_there_is_one_live_region_and_it_tells_what_was_done(walker: Walker) -> None:
    with walker.walk(Visit("live", "B2", "", "patient-fatima", "/plan/vigtigst")) as walk:
        page = walk.page
        page.get_by_label("Det vigtigste for mig").fill("Jeg vil bage til hele familien.")
        go(page.get_by_role("button", name="Gem"))
        assert page.locator("[aria-live]").count() == 1
        expect(page.locator("#live")).to_have_text("Gemt.")


def test_a_warning_comes_two_minutes_before_the_session_ends_and_staying_is_one_press(walker: Walker) -> None:
    with walker.walk(Visit("warned", "B2", "", "patient-birthe", "/hjaelp")) as walk:
        page = walk.page
        page.clock.install()
        page.goto("/plan/vigtigst")
        warning = page.locator(".session")
        assert not warning.is_visible()
        page.clock.run_for(27 * 60 * 1000)
        assert not warning.is_visible()
        page.clock.run_for(61 * 1000)
        assert warning.is_visible()
        assert "Du bliver snart logget ud" in page.inner_text("#live")
        page.get_by_role("button", name="Bliv logget ind").click()
        expect(warning).to_be_hidden()
        expect(page.locator("#live")).to_have_text("Du er stadig logget ind.")
        page.clock.run_for(30 * 60 * 1000)
        expect(warning).to_contain_text("Du er logget ud")


def test_without_a_script_the_page_says_how_long_one_is_signed_in(walker: Walker) -> None:
    with walker.walk(Visit("told", "B2", "", "patient-birthe", "/plan"), java_script_enabled=False) as walk:
        assert "Du er logget ind i 30 minutter mere." in walk.page.inner_text("footer")
        assert not walk.page.locator(".session").is_visible()
