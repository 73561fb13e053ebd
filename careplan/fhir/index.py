"""Resource → search values, extracted once, the same for every store.

Which element feeds which parameter stands in the registry; here the expressions of a type become one tree of
members, walked once along the resource. Not here: what an element says (`sink`, `value`), and `_id` and
`_lastUpdated`, which every stored version carries itself. https://hl7.org/fhir/R4/search.html · checklist K.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any, TypeAlias

from careplan.fhir import registry
from careplan.fhir.path import Path, fits
from careplan.fhir.sink import SINKS, Feed, Found, Sink
from careplan.fhir.value import (
    SearchValues,
    boolean,
)

Json: TypeAlias = Any


EDITION = 1
"""Raise by one when resources give other values than before under the same `search-parameters.json`: when the way
elements are read changes (`index`, `sink`, `value`, `composite`, `folding`, `sound`, `span`, `path`, `reference`,
`systems`). Stores index again what they hold when they are opened, once. What a store makes of the values has a
number of its own (`store/edition.py`)."""


@lru_cache(maxsize=1)
def edition() -> str:
    """Names what is extracted: two releases with one edition give any resource the same values."""
    definitions = files("careplan.fhir").joinpath("search-parameters.json").read_bytes()
    return f"{EDITION}-{sha256(definitions).hexdigest()[:12]}"


def extract(resource: Mapping[str, Json], base: str | None = None) -> SearchValues:
    """What a resource can be found by; what cannot be read as its parameter's kind is passed over.

    base  this server's FHIR base, so that absolute references to itself become relative
    Raises TypeUnknown
    """
    found = Found(base)
    tree = _tree(registry.row(str(resource.get("resourceType"))).name)
    tree.take(resource, found)
    for name in tree.presences - found.present:
        found.tokens.append((name, boolean(False)))
    for name in found.present:
        found.tokens.append((name, boolean(True)))
    return found.values()


# ── the tree of members ──────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Node:
    """One place in a resource: what is fed from here, and which members lead on."""

    sinks: list[Sink] = field(default_factory=list)
    members: dict[str, list[tuple[tuple[str, str] | None, "_Node"]]] = field(default_factory=dict)
    presences: set[str] = field(default_factory=set)

    def walk(self, value: Mapping[str, Json], found: Found) -> None:
        for name, item in value.items():
            for equals, node in self.members.get(name, ()):
                for one in item if isinstance(item, list) else (item,):
                    if one is not None and (equals is None or fits(one, equals)):
                        node.take(one, found)

    def take(self, value: Json, found: Found) -> None:
        for sink in self.sinks:
            sink(value, found)
        if self.members and isinstance(value, dict):
            self.walk(value, found)

    def at(self, path: Path) -> "_Node":
        """The node at the end of a path, made where it is not there yet."""
        node = self
        for step in path.steps:
            branches = node.members.setdefault(step.name, [])
            following = next((branch for equals, branch in branches if equals == step.equals), None)
            if following is None:
                following = _Node()
                branches.append((step.equals, following))
            node = following
        return node


@lru_cache(maxsize=256)
def _tree(type_name: str) -> _Node:
    """All expressions of a type as one tree; an element that feeds several parameters is converted once."""
    root = _Node()
    feeds: dict[int, tuple[_Node, dict[str, list[Feed]]]] = {}
    for parameter in registry.row(type_name).parameters.values():
        if parameter.name in ("_id", "_lastUpdated"):
            continue
        for path in parameter.paths:
            if path.presence:
                root.presences.add(parameter.name)
            node = root.at(path)
            kinds = feeds.setdefault(id(node), (node, {}))[1]
            for sort in _sorts(parameter, path):
                kinds.setdefault(sort, []).append((parameter, path.points_to))
    for node, kinds in feeds.values():
        node.sinks += [SINKS[sort](tuple(fed)) for sort, fed in kinds.items()]
    return root


def _sorts(parameter: registry.Parameter, path: Path) -> tuple[str, ...]:
    """The sinks that an element of a parameter flows into: its kind's, and those of the modifiers it is kept for."""
    if path.presence:
        return ("presence",)
    if parameter.phonetic:
        return ("phonetic",)
    kept = (("of-type", parameter.identifies), ("text", parameter.worded))
    return (parameter.kind, *(modifier for modifier, wanted in kept if wanted))
