"""A sheet as a tagged PDF/UA-1, set by typst from `sheet.typ`; the same sheet gives the same bytes.

Fonts come with typst; Arabic letters come from a package that may be missing, and then the sheet is refused in words.
What stands on the sheet is `sheet`'s. https://typst.app/docs/reference/pdf/ · PDF/UA-1 is ISO 14289-1:2014.
"""

import json
import re
import threading
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from typst import Compiler

from careplan.domain.errors import CareplanError
from careplan.fhir.instant import COPENHAGEN
from careplan.views.wording import THIN_SPACE

TEMPLATE = Path(__file__).with_name("sheet.typ")

ARABIC = (Path("/usr/share/fonts/opentype/fonts-hosny-amiri"), Path("/usr/share/fonts/truetype/fonts-hosny-amiri"))
"""Where Debian's package of the Amiri font (SIL Open Font License 1.1) puts it."""
PACKAGE = "fonts-hosny-amiri"

_LETTERS = (
    "\u00a0-\u02e4\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce\u0400-\u0477\u048c-\u04c4\u04d0-\u04f9"
    "\u1e00-\u1eff\u2009\u2010-\u2015\u2018-\u201f\u2020-\u2022\u2026\u202f\u2030\u2032\u2033\u2039\u203a\u2044"
    "\u2070\u2074-\u208e\u20ac\u2116\u2122\u2190-\u2193\u2200-\u220d\u2212\u2248\u2260\u2264\u2265□✓◐▲○"
)
_SIGNS = re.compile(f"[^ -~{_LETTERS}]")
_ARABIC = "\u060c\u061b\u061f\u0621-\u063a\u0640-\u0655\u0660-\u066d\u0670-\u06d3\u2066-\u2069"
_ARABIC_SIGNS = re.compile(f"[^ -~{_LETTERS}{_ARABIC}]")
"""What a sheet's fonts have no sign for: Latin, Greek and Cyrillic they have. PDF/UA refuses a text with others."""

_UNPRINTABLE = "□"
_BLANKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_OUTSIDE_TEXT = frozenset({"svg", "alt", "at", "blocks", "edition", "lang", "dir"})


class FontMissing(CareplanError):
    """The sheet's letters need a font that is not installed."""

    code = "font-missing"
    package = PACKAGE


def pdf_of_sheet(sheet: Mapping[str, Any]) -> bytes:
    """The sheet of `sheet.sheet_of` as PDF/UA-1.

    Raises FontMissing, where its letters need a package that is not installed
    """
    turned = sheet["dir"] == "rtl"
    check_font(sheet["lang"])
    year, month, day, hour, minute, second = sheet["at"]
    at = datetime(year, month, day, hour, minute, second, tzinfo=COPENHAGEN)
    with _TURN:
        made = _compiler(turned).compile(
            input=_template(),
            format="pdf",
            sys_inputs={"sheet": json.dumps(printable(sheet), ensure_ascii=False)},
            pdf_standards=["ua-1"],
            timestamp=int(at.timestamp()),
        )
    assert isinstance(made, bytes)
    return made


def has_font(language: str) -> bool:
    """Whether the letters of a language can be printed here."""
    return language != "ar" or _folder() is not None


def check_font(language: str) -> None:
    """Raises FontMissing, where a language's letters cannot be printed here."""
    if not has_font(language):
        raise FontMissing(f"the sheet in {language} needs a font; install the Debian package {PACKAGE}")


def _folder() -> Path | None:
    return next((one for one in ARABIC if any(one.glob("Amiri-Regular.*"))), None)


_TURN = threading.Lock()


@cache
def _compiler(turned: bool) -> Compiler:
    """One for all sheets of a script: it keeps its fonts and the parsed template."""
    found = _folder() if turned else None
    return Compiler(ignore_system_fonts=True, font_paths=[found] if found else [])


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()


# ── what the fonts can print ─────────────────────────────────────────────────────────────────────


def printable(sheet: Mapping[str, Any]) -> dict[str, Any]:
    """The sheet with each sign that the fonts lack as □, explained where there is one."""
    arabic = sheet["dir"] == "rtl"
    found = {key: value if key in _OUTSIDE_TEXT else _printed(value, arabic) for key, value in sheet.items()}
    shown = {key: value for key, value in found.items() if key not in ("unprintable", "courses")}
    if _UNPRINTABLE in json.dumps(shown, ensure_ascii=False):
        found["notes"] = [*found["notes"], found["unprintable"]]
    return found


def _printed(value: Any, arabic: bool) -> Any:
    """Texts as the fonts can set them, blanks of any kind as one space.

    Before a unit stands a space that no line breaks at: the font's thin space is too thin to be seen at these sizes.
    """
    if isinstance(value, str):
        normal = _BLANKS.sub(" ", unicodedata.normalize("NFC", value)).replace(THIN_SPACE, "\u00a0")
        return (_ARABIC_SIGNS if arabic else _SIGNS).sub(_UNPRINTABLE, normal)
    if isinstance(value, list):
        return [_printed(one, arabic) for one in value]
    if isinstance(value, dict):
        return {key: one if key in _OUTSIDE_TEXT else _printed(one, arabic) for key, one in value.items()}
    return value
