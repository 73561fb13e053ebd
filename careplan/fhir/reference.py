"""What a reference points to: a resource of this server, one elsewhere, or nothing that can be looked up.

Not for following it. https://hl7.org/fhir/R4/references.html
"""

import re
from typing import Any, NamedTuple

from careplan.fhir.systems import CANONICAL

CPR = re.compile(r"(?<![0-9A-Za-z])(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d-?\d{4}(?![0-9A-Za-z])", re.ASCII)
"""A Danish person number, standing alone. Ids stand in addresses, so none may hold one (danish-fhir.md §7)."""

ID = r"[A-Za-z0-9\-.]{1,64}"
_LOCAL = re.compile(rf"([A-Z][A-Za-z]*)/({ID})(?:/_history/{ID})?")
_TYPED_URL = re.compile(rf"\w+:.*?/([A-Z][A-Za-z]*)/{ID}(?:/_history/{ID})?")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_VERSION = re.compile(rf"/_history/{ID}\Z")


class Target(NamedTuple):
    """Type and logical id on this server; what is elsewhere has type "" and its URL as id."""

    type: str
    id: str


def find_target(text: str, base: str | None = None) -> Target | None:
    """What a literal reference names, its version left out; None for contained (`#x`) and malformed ones.

    base  this server's FHIR base; our canonical base counts as ours too
    """
    plain = text
    for ours in (base, CANONICAL):
        if ours and text.startswith(ours) and text[len(ours) : len(ours) + 1] == "/":
            plain = text[len(ours) + 1 :]
            break
    local = _LOCAL.fullmatch(plain)
    if local:
        return Target(local[1], local[2])
    if _SCHEME.match(text):
        return Target("", _VERSION.sub("", text))
    return None


def points_to(reference: dict[str, Any], target: Target | None) -> str:
    """The type of resource a Reference leads to; "" when it does not say."""
    if target is not None and target.type:
        return target.type
    if target is not None:
        url = _TYPED_URL.fullmatch(target.id)
        if url:
            return url[1]
    declared = reference.get("type")
    return declared if isinstance(declared, str) else ""
