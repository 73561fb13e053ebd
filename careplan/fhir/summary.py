"""A resource with only some of its elements: `_summary` and `_elements`.

The elements that stay keep their text; only `meta` is written anew, with the tag that says that some are missing.
Which elements are mandatory or belong to the summary stands in `summary-elements.json`.
https://hl7.org/fhir/R4/search.html#summary · https://hl7.org/fhir/R4/search.html#elements
"""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files

from careplan.fhir.systems import OBSERVATION_VALUE
from careplan.fhir.text import dump, members, parse

SUBSETTED = {"system": OBSERVATION_VALUE, "code": "SUBSETTED"}

_ALWAYS = ("resourceType", "id", "meta", "implicitRules", "modifierExtension")
_TYPES: Mapping[str, Mapping[str, str]] = json.loads(
    files("careplan.fhir").joinpath("summary-elements.json").read_bytes()
)["types"]


def reduced(body: bytes, type_name: str, summary: str = "false", elements: Sequence[str] = ()) -> bytes:
    """The part of a resource that `_summary` or `_elements` asks for; the body itself when they ask for all of it.

    summary   true text data false; `count` leaves resources alone, as none is shown
    elements  names of the first level, as in `_elements`; mandatory elements stay as well
    """
    keep = _kept(type_name, summary, elements)
    if keep is None:
        return body
    parts = {name: text for name, text in members(body).items() if keep(name)}
    parts["meta"] = _subsetted(parts.get("meta", b"{}"))
    return b"{" + b",".join(dump(name) + b":" + text for name, text in _in_order(parts)) + b"}"


def _kept(type_name: str, summary: str, elements: Sequence[str]) -> Callable[[str], bool] | None:
    """Whether a member stays; None when all do."""
    known = _TYPES.get(type_name, {"required": "", "summary": ""})
    required = known["required"].split()
    if elements:
        asked = [name.removeprefix(f"{type_name}.").partition(".")[0] for name in elements]
        return _among((*_ALWAYS, *required, *asked))
    match summary:
        case "true":
            return _among((*_ALWAYS, *required, *known["summary"].split()))
        case "text":
            return _among((*_ALWAYS, *required, "text"))
        case "data":
            return lambda name: name not in ("text", "_text")
        case _:
            return None


def _among(names: Sequence[str]) -> Callable[[str], bool]:
    plain = frozenset(names)
    return lambda name: name.removeprefix("_") in plain or _choice(name.removeprefix("_")) & plain != frozenset()


def _choice(name: str) -> frozenset[str]:
    """What the element may be called when the last words of its name are a type: `valueQuantity` → `value`."""
    return frozenset(name[:at] for at, letter in enumerate(name) if letter.isupper())


def _subsetted(meta: bytes) -> bytes:
    value = parse(meta)
    tags = value.get("tag", [])
    return dump({**value, "tag": tags if SUBSETTED in tags else [*tags, SUBSETTED]})


def _in_order(parts: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    first = [name for name in ("resourceType", "id", "meta") if name in parts]
    return [(name, parts[name]) for name in (*first, *(name for name in parts if name not in first))]
