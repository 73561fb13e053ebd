"""Nothing but the keyboard: every task of the brief is reached and done with Tab, Enter, Space and arrows.

Wherever the focus goes it can be seen, and nothing lies over it: WCAG 2.2 2.1.1, 2.4.3, 2.4.7, 2.4.11.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Walker
from .visits import Visit

FOCUSED = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect(), style = getComputedStyle(one);
    const drawn = style.outlineStyle != 'none' && parseFloat(style.outlineWidth) >= 2;
    const x = Math.min(box.right - 2, Math.max(box.left + 2, box.left + box.width / 2)), y = box.top + box.height / 2;
    const over = document.elementFromPoint(x, y);
    const label = (one.labels || [])[0];
    const free = over && (one.contains(over) || over.contains(one) || (label && label.contains(over)));
    return {
        name: (one.getAttribute('aria-label') || (label && label.innerText) || one.innerText || one.name || '').trim(),
        tag: one.localName, drawn: drawn || one.matches('main, .errors'), free,
        on: box.bottom > 0 && box.top < innerHeight, href: one.href || '', where: one.outerHTML.slice(0, 90),
    };
}"""
ORDER = """[...document.querySelectorAll('main a[href], main button, main input:not([type=hidden]), main summary')]
    .filter(one => one.tabIndex > 0).length"""


class Keys:
    """A keyboard at a page; every stop is looked at."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.stops: list[str] = []

    def press(self, key: str) -> Any:
        self.page.keyboard.press(key)
        return self.look()

    def look(self) -> Any:
        """Where the focus is; it has to be seen, and nothing may lie over it."""
        found = self.page.evaluate(FOCUSED)
        if found["tag"] != "body":
            assert found["drawn"], f"no outline: {found['where']}"
            assert found["on"], f"out of sight: {found['where']}"
            assert found["free"], f"covered: {found['where']}"
        self.stops.append(found["name"])
        return found

    def to(self, name: str, most: int = 150, tag: str = "") -> Any:
        """Tab until the focus is on something of this name."""
        for _ in range(most):
            found = self.press("Tab")
            if re.search(name, found["name"]) and tag in ("", found["tag"]):
                return found
        raise AssertionError(f"{name} is not reached; passed {self.stops[-most:]}")

    def go(self, name: str, key: str = "Enter") -> None:
        """Tab to a link or a button and press it, and wait for the page that comes."""
        self.to(name)
        with self.page.expect_navigation():
            self.page.keyboard.press(key)
        self.page.wait_for_load_state()
        assert self.page.evaluate(ORDER) == 0

    def skip(self) -> None:
        """Past the top of the page, by the link that is there for it."""
        assert self.press("Tab")["href"].endswith("#indhold")
        self.page.keyboard.press("Enter")
        assert self.page.evaluate("document.activeElement.id") == "indhold"


@pytest.fixture(scope="module")
def walker(filled_clinic: Path, chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walker]:
    opened = Walker(chromium, filled_clinic, tmp_path_factory.mktemp("keys"))
    yield opened
    opened.close()


def at(walker: Walker, persona: str, path: str) -> Any:
    return walker.walk(Visit("keys", "–", "keyboard", persona, path))


def test_b2_and_b3_with_keys_alone(walker: Walker) -> None:
    with at(walker, "patient-birthe", "/plan") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.to("Hvorfor er mit mål sådan", tag="summary")
        keys.press("Enter")
        assert walk.page.evaluate("document.activeElement.parentElement.open")
        keys.go("Se mere om målet")
        assert "/plan/maaling/" in walk.page.url
        keys.skip()
        keys.to("Se alle tal", tag="summary")
        keys.press("Space")
        assert walk.page.evaluate("document.activeElement.parentElement.open")


def test_the_wish_of_b2_with_keys_alone(walker: Walker) -> None:
    with at(walker, "patient-birthe", "/plan") as walk:
        keys = Keys(walk.page)
        keys.go("^Ret")
        keys.to("Det vigtigste for mig")
        walk.page.keyboard.type(" Også i regnvejr.")
        keys.go("Gem")
        assert "Også i regnvejr." in walk.page.inner_text("main")


def test_b4_with_keys_alone(walker: Walker) -> None:
    with at(walker, "patient-birthe", "/plan/hjemmemaaling") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.go("^Vægt$")
        keys.to("Vægt")
        walk.page.keyboard.type("525")
        with walk.page.expect_navigation():
            walk.page.keyboard.press("Enter")
        assert walk.page.evaluate("document.activeElement.className") == "errors"
        keys.to("Står der 525")
        keys.press("Enter")
        assert walk.page.evaluate("document.activeElement.localName") == "input"
        walk.page.keyboard.press("Control+A")
        walk.page.keyboard.type("82,5")
        keys.go("Næste")
        keys.go("Næste")
        keys.go("Gem")
        assert "Gemt" in walk.page.inner_text("h1")


def test_b5_with_keys_alone(walker: Walker) -> None:
    with at(walker, "patient-ingrid", "/plan/forbered") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.go("Begynd|Fortsæt")
        first = walk.page.inner_text("h1")
        keys.to(".", tag="input")
        keys.press("Space")
        keys.press("ArrowDown")
        assert walk.page.evaluate("document.activeElement.checked")
        keys.go("Næste")
        assert walk.page.inner_text("h1") != first


def test_c1_and_c2_with_keys_alone(walker: Walker) -> None:
    with at(walker, "nurse", "/arbejdsliste?fane=i-orden") as walk:
        keys = Keys(walk.page)
        keys.skip()
        walk.page.keyboard.press("/")
        walk.page.keyboard.type("dorte")
        with walk.page.expect_navigation():
            walk.page.keyboard.press("Enter")
        keys.go("Dorte Test Østergaard")
        assert walk.page.url.endswith("/patient/dorte/aarskontrol")
        keys.skip()
        keys.to("Ny værdi: Vægt")
        walk.page.keyboard.type("63,5")
        keys.to("Udført", tag="input")
        keys.press("Space")
        assert walk.page.evaluate("document.activeElement.checked")
        keys.go("Sæt resten til «Udført»")
        keys.go("Godkend og del")
        assert "Årskontrollen er gemt" in walk.page.get_by_role("status").first.inner_text()


def test_setting_a_target_with_keys_alone(walker: Walker) -> None:
    with at(walker, "nurse", "/patient/fatima/maal/fatima-g1") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.go("Vis, hvordan patienten ser det")
        keys.to("Gem målet")


def test_c3_with_keys_alone(walker: Walker) -> None:
    with at(walker, "nurse", "/patient/anna/opret-plan") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.to("hjertesygdom", tag="input")
        keys.go("Forhåndsvisning")
        keys.to("^Opret$")


def test_c4_with_keys_alone(walker: Walker) -> None:
    with at(walker, "nurse", "/patient/fatima/henvis") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.to("diabetes", tag="input")
        if not walk.page.evaluate("document.activeElement.checked"):
            keys.press("Space")
        keys.go("Vis det, der bliver sendt, igen")
        keys.to("har sagt ja til", tag="input")
        keys.press("Space")
        keys.go("Send henvisning")
        assert "Henvisningen er sendt." in walk.page.inner_text("main")


def test_d1_and_d2_with_keys_alone(walker: Walker) -> None:
    """A case is taken from the inbox, opened, accepted, and the clinic is asked for more."""
    with at(walker, "visitator", "/henvisninger") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.go(r"Tag sag\s+for Peter")
        assert "Gemt." in walk.page.inner_text("main")
        if not walk.page.url.partition("?")[0].endswith("/borger/peter"):
            keys.go("^Peter Test Vestergaard")
        keys.go("Acceptér")
        assert "Accepteret" in walk.page.inner_text("main")
        keys.go("Bed om mere")
        keys.to("Hvad mangler du at vide")
        walk.page.keyboard.type("Bor han alene?")
        keys.go("Bed om oplysninger")
        assert "Bor han alene?" in walk.page.inner_text("main")


def test_an_attempt_to_reach_somebody_is_noted_with_keys_alone(walker: Walker) -> None:
    with at(walker, "visitator", "/borger/rita") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.go("Notér forsøg på kontakt")
        keys.to("Hvordan har I prøvet")
        walk.page.keyboard.type("Brev")
        keys.go("Notér forsøg på kontakt")
        assert "Gemt." in walk.page.inner_text("main")
        assert "Brev" in walk.page.get_by_role("list").filter(has_text="Telefon").first.inner_text()


def test_d3_with_keys_alone(walker: Walker) -> None:
    with at(walker, "visitator", "/borger/ulla") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.go("Afklarende samtale")
        keys.skip()
        keys.to("Ressourcer")
        walk.page.keyboard.type("Har hund.")
        keys.to("Fælles mål 1")
        walk.page.keyboard.type("Gå en tur hver dag")
        keys.to("Dato for næste samtale")
        walk.page.keyboard.type("01.12.2026")
        keys.go("^Gem$")
        shown = walk.page.inner_text("main")
        assert "Gemt." in shown and "Gå en tur hver dag" in shown and "01.12.2026" in shown


def test_d4_with_keys_alone(walker: Walker) -> None:
    """A mistake is found by its link, then the meeting is kept, and the tjekliste after it."""
    with at(walker, "visitator", "/borger/viggo/sag/viggo-case1/forloeb") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.to("^Mødt$", tag="input")
        keys.press("Space")
        keys.to("^Vægt")
        walk.page.keyboard.type("8825")
        keys.go("^Gem$")
        assert walk.page.evaluate("document.activeElement.className") == "errors"
        keys.to("Skriv et tal mellem")
        keys.press("Enter")
        assert walk.page.evaluate("document.activeElement.id") == "vaegt"
        walk.page.keyboard.press("Control+A")
        walk.page.keyboard.type("88,5")
        keys.go("^Gem$")
        assert "Mødt 1 af 1 gange." in walk.page.inner_text("main")
        keys.to("^Udført$", tag="input")
        keys.press("Space")
        assert walk.page.evaluate("document.activeElement.checked")
        keys.go("Gem tjekliste")
        assert walk.page.locator("input[name^=tjek-]:checked").count() == 1
        keys.go("Sæt på pause")
        assert walk.page.url.endswith("?trin=pause")


def test_d5_with_keys_alone(walker: Walker) -> None:
    with at(walker, "visitator", "/borger/tove") as walk:
        keys = Keys(walk.page)
        keys.skip()
        keys.go("Afslut forløbet")
        keys.skip()
        keys.to("Hvordan sluttede forløbet")
        walk.page.keyboard.type("Delvist")
        keys.to("Deltagelse")
        walk.page.keyboard.type("Kom de fleste gange.")
        keys.to("En sætning til borgeren")
        walk.page.keyboard.type("Godt gået.")
        keys.go("Afslut forløbet")
        assert "Sagen er slut" in walk.page.inner_text("main")
        assert "Tove" not in walk.page.get_by_role("table").inner_text()


def test_a_count_of_d6_leads_to_its_cases_with_keys_alone(walker: Walker) -> None:
    with at(walker, "visitator", "/teamtavle") as walk:
        keys = Keys(walk.page)
        keys.skip()
        counted = keys.to(r"Ingen kontakt \(\d+\)")["name"]
        with walk.page.expect_navigation():
            walk.page.keyboard.press("Enter")
        walk.page.wait_for_load_state()
        cases = walk.page.locator(".board a")
        assert f"({cases.count()})" in counted
        keys.go("^Rita Test Munk")
        assert walk.page.url.endswith("/borger/rita")
