"""SVG 1.1 as text: elements, and the figure around them with its name and description.

Presentation attributes only, so that one drawing serves the screen under a strict content policy, print and the PDF
sheet. Not here: what is drawn, and in which words.
https://www.w3.org/TR/SVG11/ · https://www.w3.org/TR/svg-aam-1.0/
"""

import re
import unicodedata
from collections.abc import Iterable
from html import escape

FONTS = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', Arial, Amiri, sans-serif"

Attribute = str | float | int


def number(value: float) -> str:
    """A length with one decimal at most, the same on every machine: «12», «12.5»."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def element(tag: str, *content: str, **attributes: Attribute) -> str:
    """One element; `_` in an attribute's name is `-`, one at its end is dropped (`class_`). Content is markup."""
    said = "".join(f' {_name(key)}="{_value(value)}"' for key, value in attributes.items())
    inner = "".join(content)
    return f"<{tag}{said}>{inner}</{tag}>" if inner else f"<{tag}{said}/>"


def _name(key: str) -> str:
    return "viewBox" if key == "viewBox" else key.removesuffix("_").replace("_", "-")


def _value(value: Attribute) -> str:
    return escape(value) if isinstance(value, str) else number(value)


def text(x: float, y: float, words: str, *, size: float, **attributes: Attribute) -> str:
    """Words at a point, escaped; those of a right-to-left script in an order of their own, whatever stands around."""
    return element("text", escape(isolated(words)), x=x, y=y, font_size=size, **{"fill": "#1a1a1a", **attributes})


def isolated(words: str) -> str:
    """Words with a right-to-left letter between the marks of an isolate. https://unicode.org/reports/tr9/"""
    turned = any(unicodedata.bidirectional(one) in ("R", "AL") for one in words)
    return f"\u2067{words}\u2069" if turned else words


def figure(
    name: str, size: tuple[float, float], zoom: float, title: str, description: str, body: Iterable[str], kind: str
) -> str:
    """A whole drawing: an image to readers of screens, named by its title and description.

    name  makes ids unique in a page; size in user units, shown `zoom` times as large
    Days run from left to right on a page that runs the other way too.
    """
    width, height = size
    described = f" {name}-desc" if description else ""
    parts = [element("title", escape(title), id=f"{name}-title")]
    if description:
        parts.append(element("desc", escape(description), id=f"{name}-desc"))
    return element(
        "svg",
        *parts,
        *body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width * zoom,
        height=height * zoom,
        role="img",
        aria_labelledby=f"{name}-title{described}",
        class_=kind,
        font_family=FONTS,
        direction="ltr",
    )


def apart(drawing: str, mark: str) -> str:
    """The same drawing with a mark on each of its ids, and where it names them: for a page that holds it twice."""
    ids = dict.fromkeys(re.findall(r'\sid="([^"]+)"', drawing)) if mark else ()
    for id in sorted(ids, key=len, reverse=True):
        drawing = re.sub(rf'(?<=["#\s]){re.escape(id)}(?=["\s)])', f"{id}{mark}", drawing)
    return drawing
