"""The catalogues: every language has every text its pages ask for, with the same parts, and none that is not used."""

import ast
import re
from itertools import chain
from pathlib import Path

import pytest
from jinja2 import nodes
from markupsafe import escape

from careplan.domain.danish import UNITS
from careplan.knowledge.load import load_knowledge
from careplan.views import plan
from careplan.views.catalogue import (
    DANISH_ONLY,
    ELSEWHERE,
    FOLDER,
    FOR_STAFF,
    LANGUAGES,
    Catalogue,
    TextMissing,
    is_of,
    keys_of,
    read_catalogue,
)
from careplan.views.frame import catalogue, environment, keys_in

VIEWS = Path(plan.__file__).parent
DANISH = catalogue()
OTHERS = [one for code, one in LANGUAGES.items() if code != DANISH.language]
KNOWLEDGE = load_knowledge()
ANY = r"[^{}]+"
RULES_BEGIN = ("Intet talmål", "før ")
"""How the rules' own words begin, by which `wording` knows them."""


def constants(path: Path) -> tuple[set[str], set[str]]:
    """The texts of a module's code, and its f-strings as patterns."""
    tree, plain, patterns = ast.parse(path.read_text("utf-8")), set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            plain.add(node.value)
        if isinstance(node, ast.JoinedStr):
            parts = [re.escape(one.value) if isinstance(one, ast.Constant) else ANY for one in node.values]  # type: ignore[arg-type]
            patterns.add("".join(parts))
    return plain, patterns


def keys_of_code() -> tuple[set[str], list[re.Pattern[str]]]:
    """Every key that a module or a template may ask for: by its name, or by a pattern that begins with a table."""
    plain, patterns = set[str](), set[str]()
    for path in VIEWS.glob("*.py"):
        found, shaped = constants(path)
        plain |= found
        patterns |= shaped
    made = environment()
    assert made.loader is not None
    for name in made.list_templates(["html"]):
        tree = made.parse(made.loader.get_source(made, name)[0])
        plain |= {str(one.value) for one in tree.find_all(nodes.Const)}
        for one in tree.find_all(nodes.Concat):
            patterns.add("".join(re.escape(str(p.value)) if isinstance(p, nodes.Const) else ANY for p in one.nodes))
    tables = {key.partition(".")[0] for key in DANISH.texts}
    known = [re.compile(one) for one in patterns if re.sub(r"\\(.)", r"\1", one).partition(".")[0] in tables]
    return plain, known


def parts_of(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


# ── what is asked for is there ───────────────────────────────────────────────────────────────────


def keys_given_to_t() -> set[str]:
    """Literal keys that modules and templates give to `t`."""
    found: set[str] = set()
    for path in VIEWS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name == "t" and isinstance(node.args[0].value, str):
                    found.add(node.args[0].value)
    made = environment()
    return found.union(*(keys_in(made, name) for name in made.list_templates(["html"])))


def test_every_text_that_is_asked_for_is_there() -> None:
    wanted = keys_given_to_t()
    assert len(wanted) > 150
    DANISH.check(wanted)


def test_a_text_that_is_missing_stops_the_start_and_is_named() -> None:
    with pytest.raises(TextMissing, match=r"da lacks plan\.title, wish\.hint"):
        Catalogue("da", {"a.b": "c"}).check(["wish.hint", "a.b", "plan.title"])
    with pytest.raises(TextMissing):
        Catalogue("da", {})("plan.title")


def test_a_language_that_is_not_there_has_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(TextMissing, match="there are no texts in tlh"):
        read_catalogue("tlh")
    (tmp_path / "da").mkdir()
    for name in ("a", "b"):
        (tmp_path / "da" / f"{name}.toml").write_text('[plan]\ntitle = "x"\n', "utf-8")
    with pytest.raises(TextMissing, match=r"da/b\.toml has again plan\.title"):
        read_catalogue("da", tmp_path)


# ── every language ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", OTHERS, ids=lambda one: one.code)
def test_a_language_has_every_text_of_the_pages_it_comes_in(language) -> None:  # type: ignore[no-untyped-def]
    catalogue(language.code).check(keys_of(language, DANISH))


@pytest.mark.parametrize("language", OTHERS, ids=lambda one: one.code)
def test_a_language_has_no_text_that_danish_does_not_have(language) -> None:  # type: ignore[no-untyped-def]
    assert [
        key for key in catalogue(language.code).texts if key not in DANISH.texts and not is_of(key, ELSEWHERE)
    ] == []


@pytest.mark.parametrize("language", OTHERS, ids=lambda one: one.code)
def test_a_sentence_has_the_same_parts_in_every_language(language) -> None:  # type: ignore[no-untyped-def]
    texts = catalogue(language.code).texts
    assert {
        key for key in texts if key in DANISH.texts and parts_of(texts[key]) != parts_of(DANISH.texts[key])
    } == set()


@pytest.mark.parametrize("language", OTHERS, ids=lambda one: one.code)
def test_what_the_knowledge_says_in_danish_has_a_name_in_every_language(language) -> None:  # type: ignore[no-untyped-def]
    t = catalogue(language.code)
    t.check(f"measure-name.{name}" for name in KNOWLEDGE.measures)
    t.check(f"plan-name.{kind}" for kind in KNOWLEDGE.plans)
    t.check(f"answer.{one.id}.{answer.value}" for one in KNOWLEDGE.measures.values() for answer in one.answers)
    assert {key for key in t.texts if is_of(key, ["measure-name"])} == {
        f"measure-name.{one}" for one in KNOWLEDGE.measures
    }


@pytest.mark.parametrize("language", OTHERS, ids=lambda one: one.code)
def test_a_unit_that_is_danish_is_said_otherwise_in_every_language(language) -> None:  # type: ignore[no-untyped-def]
    t, units = (
        catalogue(language.code),
        {UNITS.get(one.unit, one.unit) and one.unit for one in KNOWLEDGE.measures.values()},
    )
    danish = {one for one in units if re.search(r"[æøå]|minut|genstand|cigaret|skridt|slag|dag|gange|måned|point", one)}
    t.check(f"unit.{one}" for one in danish | {"min/week", "units/week", "cigarettes/day", "per 12 months", "/min"})


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_numbers_are_written_with_western_digits(code: str) -> None:
    assert not [key for key, text in catalogue(code).texts.items() if re.search("[\u0660-\u0669\u06f0-\u06f9]", text)]


def test_every_folder_of_texts_is_a_language_and_every_language_a_folder() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == set(LANGUAGES)


def test_danish_words_in_another_language_are_marked_and_cannot_be_markup() -> None:
    t = Catalogue("en", {"says": "It <says>: {text}"})
    marked = '<span lang="da" dir="ltr">&lt;b&gt;Hej&lt;/b&gt;</span>'
    assert str(escape(t.danish("<b>Hej</b>"))) == marked
    assert str(escape(t("says", text=t.danish("<b>Hej</b>")))) == f"It &lt;says&gt;: {marked}"
    assert t.danish("<b>Hej</b>") == "<b>Hej</b>" and t("says", text="<i>") == "It <says>: <i>"
    assert type(DANISH.danish("Hej")) is str


# ── no dead texts ────────────────────────────────────────────────────────────────────────────────


def test_no_text_stands_that_nothing_asks_for() -> None:
    plain, patterns = keys_of_code()
    assert [key for key in DANISH.texts if key not in plain and not any(one.fullmatch(key) for one in patterns)] == []


def test_the_tables_for_staff_and_for_danish_alone_are_there() -> None:
    gone = [one for one in chain(FOR_STAFF, DANISH_ONLY) if not any(is_of(key, [one]) for key in DANISH.texts)]
    assert gone == []


def test_no_sentence_stands_in_a_module_or_a_template() -> None:
    """Danish letters in a text of the code that is no docstring; templates have no words of their own."""
    found = []
    for path in VIEWS.glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        spoken = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        found += [
            (path.name, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in spoken
            if re.search(r"[æøåÆØÅ].*\s|\s.*[æøåÆØÅ]", node.value)
        ]
    assert [one for one in found if one[0] != "persona.py" and one[1] not in RULES_BEGIN] == []
    made = environment()
    assert made.loader is not None
    for name in made.list_templates(["html"]):
        tree = made.parse(made.loader.get_source(made, name)[0])
        words = " ".join(one.data for one in tree.find_all(nodes.TemplateData))
        assert not re.search(r"[æøåÆØÅ]", re.sub(r"<[^>]*>", " ", words)), name
