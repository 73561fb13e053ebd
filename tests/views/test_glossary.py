"""Words of the trade carry a line that explains them on every patient's page that uses them, in its language, once."""

import pytest
from page_house import CAST, Browser, World, text_of

from careplan.views.catalogue import read_catalogue
from careplan.views.glossary import WORDS, words_on

DANISH = read_catalogue("da")
PAGES = (
    "/plan",
    "/plan/maaling/hba1c",
    "/plan/adgang",
    "/plan/kommune",
    "/plan/forbered",
    "/plan/udskriv",
    "/plan/person",
)


def explained(html: str, language: str = "da") -> list[str]:
    return [str(one.word) for one in words_on(html, read_catalogue(language), DANISH)]


def test_a_word_that_a_page_uses_is_explained_also_where_it_is_inflected() -> None:
    assert explained("<p>Du har <b>årskontrollen</b> til maj.</p>") == ["Årskontrol"]
    assert explained("<p>Kilde: lab.kort</p>") == ["Lab.kort"]


def test_a_word_inside_another_a_word_in_markup_and_a_word_explained_already_are_left_out() -> None:
    assert explained('<p class="fuldmagt">Generalfuldmagt</p>') == []
    means = DANISH("help.means.control")
    assert explained(f"<dt>Årskontrol</dt><dd>{means}</dd>") == []
    assert explained(f"<p>{DANISH('sharing.relatives-lead')}</p>") == []


def test_a_danish_word_on_a_page_in_another_language_is_told_in_its_language_and_marked_as_danish() -> None:
    (found,) = words_on('<span lang="da">Årskontrol</span>', read_catalogue("en"), DANISH)
    assert found.means == "The check-up you have at the clinic once a year."
    assert found.word.__html__() == '<span lang="da" dir="ltr">Årskontrol</span>'


@pytest.mark.parametrize("language", ["da", "en", "ar"])
async def test_every_page_of_a_patient_explains_the_words_it_uses_once(world: World, language: str) -> None:
    t, met = read_catalogue(language), set[str]()
    for who in CAST:
        browser = Browser(world)
        await browser.sign_in(f"patient-{who}")
        await browser.post("/sprog", {"sprog": language}, token="")
        for path in PAGES:
            await browser.get(path)
            main = browser.html.partition("<main")[2].partition("</main>")[0]
            assert explained(main, language) == [], (who, path)
            told = [key for key in WORDS if t(f"help.means.{key}") in text_of(main)]
            assert all(text_of(main).count(t(f"help.means.{key}")) == 1 for key in told), (who, path)
            met |= {*told}
    assert met >= {"agreed", "recommended", "control", "lab", "referral"}
