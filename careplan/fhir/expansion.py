"""Value sets as lists: which codes are in one, in order, with what they are called.

From the value sets and code systems that are handed in; what needs others is refused with their names. Not for
checking codes (`valueset`, which says nothing where it cannot know), nor for pages of the list (an operation).
Follows https://hl7.org/fhir/R4/valueset.html#compositions and https://hl7.org/fhir/R4/codesystem.html#filters.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from careplan.domain.errors import CareplanError
from careplan.fhir.models import Resource
from careplan.fhir.systems import normal_code, normal_system

MOST_WORK = 100_000
"""Concepts looked at for one expansion."""

Json = Any
Key = tuple[str, str]


class ExpansionImpossible(CareplanError):
    """A value set rests on a code system, a value set or a kind of filter that is not here."""

    code = "expansion-impossible"


class ExpansionTooLarge(CareplanError):
    """A value set has more codes than are listed at once, or takes too much work to list."""

    code = "expansion-too-large"


class Node(NamedTuple):
    """A concept of a code system, and the codes above it, the nearest last."""

    concept: Mapping[str, Json]
    above: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """One code of an expansion. `system` as the value set writes it; `node` where its system is here."""

    system: str
    code: str
    display: str = ""
    version: str = ""
    node: Node | None = None
    designations: tuple[Json, ...] = ()

    @property
    def key(self) -> Key:
        return normal_system(self.system), self.code

    @property
    def inactive(self) -> bool:
        return self.node is not None and is_inactive(self.node.concept)


@dataclass(frozen=True, slots=True)
class Terminology:
    """What an expansion may rest on.

    sets      value sets by canonical URL, with `|version` where they are asked for so
    systems   code systems by their one name (`systems.normal_system`)
    displays  what codes of other systems are called, by normal system and code
    """

    sets: Mapping[str, Resource]
    systems: Mapping[str, Resource]
    displays: Mapping[Key, str] = field(default_factory=dict)


def expand(value_set: Resource, terminology: Terminology) -> list[Listed]:
    """Every code of a value set, each once. Raises ExpansionImpossible, ExpansionTooLarge."""
    url = str(value_set.get("url", ""))
    return _Expander(terminology).value_set(value_set, (url,) if url else ())


def imports_of(value_set: Resource) -> tuple[str, ...]:
    """Canonical URLs of the value sets that one includes or excludes."""
    found = (canonical for part in _parts(value_set) for canonical in part.get("valueSet", ()))
    return tuple(dict.fromkeys(found))


def systems_of(value_set: Resource) -> tuple[str, ...]:
    """The code systems, as written, that a value set includes from or excludes."""
    return tuple(dict.fromkeys(part["system"] for part in _parts(value_set) if "system" in part))


def nodes_of(system: Resource) -> Iterator[Node]:
    """Every concept of a code system, in order, those below a concept after it."""
    return _nodes(system.get("concept", ()), ())


def is_inactive(concept: Mapping[str, Json]) -> bool:
    """Whether a concept is no longer to be used."""
    return "true" in values_of(concept, "inactive") or bool({"retired", "inactive"} & {*values_of(concept, "status")})


def values_of(concept: Mapping[str, Json], name: str) -> list[str]:
    """The values of a concept's property, as text."""
    found = [part for part in concept.get("property", ()) if part.get("code") == name]
    return [_text(value) for part in found for key, value in part.items() if key.startswith("value")]


def _parts(value_set: Resource) -> list[Mapping[str, Json]]:
    compose = value_set.get("compose", {})
    return [*compose.get("include", ()), *compose.get("exclude", ())]


def _nodes(concepts: Iterable[Mapping[str, Json]], above: tuple[str, ...]) -> Iterator[Node]:
    for concept in concepts:
        yield Node(concept, above)
        yield from _nodes(concept.get("concept", ()), (*above, concept["code"]))


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.get("code", "")) if isinstance(value, dict) else str(value)


# ── value sets ───────────────────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Expander:
    """One expansion under way: what it rests on, and how many concepts it has looked at."""

    terminology: Terminology
    work: int = 0

    def value_set(self, value_set: Resource, seen: tuple[str, ...]) -> list[Listed]:
        compose = value_set.get("compose", {})
        found = {one.key: one for part in compose.get("include", ()) for one in self.part(part, seen)}
        for part in compose.get("exclude", ()):
            for one in self.part(part, seen):
                found.pop(one.key, None)
        active_only = compose.get("inactive") is False
        return [one for one in found.values() if not (active_only and one.inactive)]

    def part(self, part: Mapping[str, Json], seen: tuple[str, ...]) -> list[Listed]:
        """One include or exclude: codes that are in its system and in every value set it names."""
        limits = [self.imported(canonical, seen) for canonical in part.get("valueSet", ())]
        first, *rest = [self.of_system(part), *limits] if "system" in part else limits or [[]]
        allowed = [{one.key for one in limit} for limit in rest]
        self.spend(len(first))
        return [one for one in first if all(one.key in keys for keys in allowed)]

    def imported(self, canonical: str, seen: tuple[str, ...]) -> list[Listed]:
        url = canonical.partition("|")[0]
        if url in seen:
            raise ExpansionImpossible(f"the value set imports itself, by way of {_short(url)}")
        value_set = self.terminology.sets.get(canonical)
        if value_set is None:
            raise ExpansionImpossible(f"the value set rests on {_short(canonical)}, which is not published here")
        return self.value_set(value_set, (*seen, url))

    def of_system(self, part: Mapping[str, Json]) -> list[Listed]:
        system = self.terminology.systems.get(normal_system(part["system"]))
        if "concept" in part:
            return self.written(part, system)
        if system is None or system.get("content") != "complete" or not _is_version(part, system):
            raise ExpansionImpossible(f"the code system {_short(part['system'])} is not here as a whole")
        tests = [_test(one) for one in part.get("filter", ())]
        nodes = list(nodes_of(system))
        self.spend(len(nodes))
        return [_listed(part, system, node) for node in nodes if all(test(node) for test in tests)]

    def written(self, part: Mapping[str, Json], system: Resource | None) -> list[Listed]:
        """The codes that the value set lists itself, with what its own words or their system's call them."""
        nodes = {node.concept["code"]: node for node in nodes_of(system)} if system else {}
        self.spend(len(nodes) + len(part["concept"]))
        found = []
        for concept in part["concept"]:
            node = nodes.get(concept["code"])
            known = node.concept.get("display", "") if node else self.display(part["system"], concept["code"])
            designations = tuple(concept.get("designation") or (node.concept.get("designation", ()) if node else ()))
            name, version = concept.get("display") or known, part.get("version", "")
            found.append(Listed(part["system"], concept["code"], name, version, node, designations))
        return found

    def display(self, system: str, code: str) -> str:
        return self.terminology.displays.get(normal_code(system, code), "")

    def spend(self, concepts: int) -> None:
        self.work += concepts + 1
        if self.work > MOST_WORK:
            raise ExpansionTooLarge("the value set takes too much work to list; ask for a smaller one")


def _listed(part: Mapping[str, Json], system: Resource, node: Node) -> Listed:
    concept = node.concept
    version, designations = system.get("version", ""), tuple(concept.get("designation", ()))
    return Listed(part["system"], concept["code"], concept.get("display", ""), version, node, designations)


def _is_version(part: Mapping[str, Json], system: Resource) -> bool:
    return part.get("version") in (None, system.get("version"))


def _short(url: str) -> str:
    return url[:200]


# ── filters ──────────────────────────────────────────────────────────────────────────────────────

Test = Callable[[Node], bool]


def _test(written: Mapping[str, Json]) -> Test:
    """A filter as a question to a concept. Raises ExpansionImpossible for one that is not offered."""
    op, name, value = written.get("op", ""), written.get("property", ""), str(written.get("value", ""))
    if op in _HIERARCHY and name in ("concept", "code"):
        return _HIERARCHY[op](value)
    if op in _PROPERTY:
        return _PROPERTY[op](name, value)
    raise ExpansionImpossible(f"filters by {_short(op)} of {_short(name)} are not offered")


def _values(node: Node, name: str) -> list[str]:
    """What a filter compares: the code, the display, the codes right above, or a property."""
    if name in ("concept", "code"):
        return [node.concept["code"]]
    if name == "display":
        return [node.concept.get("display", "")]
    return [*(node.above[-1:] if name == "parent" else ()), *values_of(node.concept, name)]


def _one_of(name: str, value: str) -> Test:
    allowed = {part.strip() for part in value.split(",")}
    return lambda node: not allowed.isdisjoint(_values(node, name))


def _none_of(name: str, value: str) -> Test:
    inside = _one_of(name, value)
    return lambda node: not inside(node)


_HIERARCHY: Mapping[str, Callable[[str], Test]] = {
    "is-a": lambda value: lambda node: value in (*node.above, node.concept["code"]),
    "descendent-of": lambda value: lambda node: value in node.above,
    "is-not-a": lambda value: lambda node: value not in (*node.above, node.concept["code"]),
}
_PROPERTY: Mapping[str, Callable[[str, str], Test]] = {
    "=": lambda name, value: lambda node: value in _values(node, name),
    "in": _one_of,
    "not-in": _none_of,
    "exists": lambda name, value: lambda node: bool(_values(node, name)) == (value == "true"),
}
