"""The narrative of a resource: well-formed XHTML that is safe to show.

Only the formatting elements and attributes of R4 (txt-1), some content (txt-2), no script, no event
handlers, no document types or entities, nothing fetched from elsewhere. Whether the text agrees with
the data is not checked: never show a narrative as the truth.
Follows https://hl7.org/fhir/R4/narrative.html.
"""

import re
from collections.abc import Iterable
from typing import Any

from lxml import etree

from careplan.domain.errors import Fault
from careplan.fhir.models import Node, Resource, expression, survey

NAMESPACE = "http://www.w3.org/1999/xhtml"

ELEMENTS = frozenset(
    (
        *("div", "span", "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "address", "bdo", "pre"),
        *("a", "img", "em", "strong", "dfn", "code", "samp", "kbd", "var", "cite", "abbr", "acronym"),
        *("blockquote", "q", "sub", "sup", "tt", "i", "b", "big", "small", "ul", "ol", "li", "dl", "dt", "dd"),
        *("table", "caption", "thead", "tfoot", "tbody", "colgroup", "col", "tr", "th", "td"),
    )
)
ATTRIBUTES = frozenset(
    (
        *("class", "id", "lang", "dir", "title", "style", "{http://www.w3.org/XML/1998/namespace}lang"),
        *("name", "href", "rel", "src", "alt", "longdesc", "height", "width", "cite"),
        *("align", "valign", "char", "charoff", "abbr", "axis", "headers", "scope", "rowspan", "colspan", "span"),
        *("border", "cellspacing", "cellpadding", "frame", "rules", "summary", "bgcolor", "nowrap", "start", "type"),
        *("value", "compact", "clear", "noshade", "size", "accesskey", "tabindex"),
    )
)

_LINK = re.compile(r"(?:https?:|mailto:|tel:|urn:uuid:|urn:oid:|#|(?![a-zA-Z][a-zA-Z0-9+.\-]*:)(?!//))", re.I)
_IMAGE = re.compile(r"(?:data:image/(?:png|gif|jpeg);base64,|urn:uuid:|#|(?![a-zA-Z][a-zA-Z0-9+.\-]*:)(?!//))", re.I)
_STYLE = re.compile(r"url\s*\(|expression|@|javascript|behaviou?r|binding|\\|/\*|[<>]", re.I)
_OUTSIDE = {"href": _LINK, "src": _IMAGE, "longdesc": _LINK, "cite": _LINK}


def faults(resource: Resource, noted: Iterable[Node] | None = None) -> list[Fault]:
    """Every fault of the narratives of a resource and of what it contains.

    noted  what `models.survey` noted of the resource, where that is known already
    """
    found: list[Fault] = []
    for node in survey(resource).noted if noted is None else noted:
        if node.element.type == "xhtml" and isinstance(node.value, str):
            place = expression(node.place)
            found.extend(Fault(place, "xhtml-unsafe", message) for message in narrative_faults(node.value))
    return found


def narrative_faults(div: str) -> list[str]:
    """What is wrong with a narrative, in words that do not repeat it."""
    if "<!DOCTYPE" in div or "<?" in div:
        return ["no document type and no processing instruction"]
    try:
        root = etree.fromstring(div.encode(), _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        return [f"not well-formed XML{_position(error)}"]
    found: list[str] = [] if root.tag == f"{{{NAMESPACE}}}div" else [f"the root is a div in the namespace {NAMESPACE}"]
    if not "".join(root.itertext()).strip() and root.find(f".//{{{NAMESPACE}}}img") is None:
        found.append("txt-2: a narrative has some content")
    for element in root.iter():
        found.extend(_element_faults(element))
    return list(dict.fromkeys(found))


def _parser() -> Any:
    """A parser that resolves nothing and fetches nothing; a fresh one, as parsers are not shared between threads."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _position(error: Exception) -> str:
    line, column = getattr(error, "position", (0, 0))
    return f" at line {line}, column {column}" if line else ""


def _element_faults(element: Any) -> list[str]:
    if not isinstance(element.tag, str):
        return [] if isinstance(element, etree._Comment) else ["no entities and no processing instructions"]
    name = etree.QName(element)
    if name.namespace != NAMESPACE or name.localname not in ELEMENTS:
        return ["txt-1: an element that a narrative may not have"]
    return [message for key, value in element.attrib.items() if (message := _attribute_fault(str(key), str(value)))]


def _attribute_fault(name: str, value: str) -> str | None:
    if name not in ATTRIBUTES:
        return "txt-1: an attribute that a narrative may not have"
    if name in _OUTSIDE and not _OUTSIDE[name].match(_plain(value)):
        return f"a link in {name} that a narrative may not have"
    if name == "style" and _STYLE.search(value):
        return "a style that fetches or runs something"
    return None


def _plain(link: str) -> str:
    """A link without the spaces and control characters that browsers skip before reading its scheme."""
    return "".join(sign for sign in link if sign > " " and not "\x7f" <= sign <= "\xa0")
