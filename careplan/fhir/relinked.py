"""Links in the text of a resource, replaced where a transaction may do so; every other byte is kept.

Not here: what a link comes to; that is decided by who works the transaction.
Follows https://hl7.org/fhir/R4/http.html#trules.
"""

import re
from collections.abc import Iterator, Mapping

from careplan.fhir.text import Json, decoded, dump, edited, tokens, unparsable

_KINDS = ("Uri", "Url", "Oid", "Uuid")

URI_MEMBERS = frozenset(
    (
        *("reference", "url", "uri", "system", "source", "policy", "authority", "issuer", "implicitRules"),
        *("instantiatesUri", "definitionUri"),
        *(prefix + kind for prefix in ("value", "fixed", "pattern", "defaultValue") for kind in _KINDS),
    )
)
"""Names of members that hold a link a transaction replaces: `reference`, and uri, url, oid, uuid elements.

Left out are names that mostly hold something else (`type`, `code`, `definition`, `identifier`), canonical
elements, and `fullUrl`, which is an identity and not a link.
"""

_LINK_IN_DIV = re.compile(r"""(\b(?:href|src)\s*=\s*(?:\\"|\\u0022|'))([^"'\\]*(?:\\/[^"'\\]*)*)""")


def rewrite_references(raw: bytes, changes: Mapping[str, str]) -> bytes:
    """The text with links replaced where R4 lets a transaction do so, and every other byte kept.

    changes  from `urn:uuid:…`, an absolute URL or a conditional reference (`Patient?identifier=s|v`) to
             `Type/id`. A conditional one is replaced in `reference` only. What follows the link
             (`/_history/2`, `#part`) stays.
    Raises   TextUnparsable
    """
    if not changes:
        return raw
    text = decoded(raw)
    edits = []
    for name, value, start, end in _strings(text):
        if name == "div":
            edits.append((start, end, _div_rewritten(text[start:end], changes)))
        elif name in URI_MEMBERS and (new := _rewritten(value, name, changes)) is not None:
            edits.append((start, end, dump(new).decode()))
    return edited(text, edits).encode()


def holds_link(value: Json, changes: Mapping[str, str], name: str = "") -> bool:
    """Whether `rewrite_references` may change the text of this value; most resources hold no such link.

    name  of the member that holds the value
    """
    if type(value) is dict:
        for one, item in value.items():
            if holds_link(item, changes, one):
                return True
    elif type(value) is list:
        for item in value:
            if holds_link(item, changes, name):
                return True
    elif type(value) is str:
        if name == "div":
            return "href" in value or "src" in value
        return name in URI_MEMBERS and _rewritten(value, name, changes) is not None
    return False


def _strings(text: str) -> Iterator[tuple[str, str, int, int]]:
    """(member name, value, start, end) for each string that is a member's value, or in its array."""
    names: list[str] = [""]
    before, held = "", ""
    inside: list[str] = []
    for sign, value, start, end in tokens(text):
        if sign in ("{", "["):
            inside.append(sign)
            names.append(names[-1] if sign == "[" else "")
        elif sign in ("}", "]"):
            inside.pop()
            names.pop()
        elif sign == ":":
            names[-1] = held
        elif sign == '"' and inside and inside[-1] == "{" and before in ("{", ","):
            held = value
        elif sign == '"':
            yield names[-1], value, start, end
        before = sign
    if inside or not before:
        raise unparsable("the text ends too early", text, len(text))


def _rewritten(value: str, name: str, changes: Mapping[str, str]) -> str | None:
    """The link with its target replaced and its tail kept, or None when it is not among the changes."""
    link, tail = (value, "") if value in changes else _parted(value)
    if link not in changes or ("?" in link and name != "reference"):
        return None
    return changes[link] + tail


def _parted(value: str) -> tuple[str, str]:
    """A link and its tail: a version (`/_history/2`), a fragment (`#part`), or both."""
    cuts = [at for sign in ("/_history/", "#") if (at := value.find(sign)) > 0]
    return (value[: min(cuts)], value[min(cuts) :]) if cuts else (value, "")


def _div_rewritten(div: str, changes: Mapping[str, str]) -> str:
    """The JSON text of a narrative with the links in `href` and `src` replaced."""

    def replaced(found: re.Match[str]) -> str:
        new = _rewritten(found[2].replace("\\/", "/"), "div", changes)
        return found[0] if new is None else found[1] + new

    return _LINK_IN_DIV.sub(replaced, div)
