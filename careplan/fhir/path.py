"""The FHIRPath that R4 search parameters use, as plain member paths through parsed JSON.

Enough for the expressions of our registry: element paths, `|`, type filters on choice elements, `where` by a
member's value or by the type a reference points to, and the existence test of `Patient.deceased`. Anything
else is refused when the registry is read. Not an evaluator for expressions from outside.
https://hl7.org/fhir/R4/fhirpath.html · https://hl7.org/fhir/R4/search.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

Json: TypeAlias = Any

CHOICES: Mapping[str, tuple[str, ...]] = {
    "date": ("DateTime", "Period", "Date", "Instant", "Timing"),
    "reference": ("Reference",),
    "uri": ("Canonical", "Uri"),
}
"""Kind of parameter to the types it reads of an element that may have several (`effective[x]`)."""

_TYPED = re.compile(r"\(?([\w.$]+)(?: as (\w+)\)|\.as\((\w+)\))((?:\.\w+)*)$")
_EXISTS = re.compile(r"([\w.]+)\.exists\(\) and ([\w.]+) != false$")
_STEP = re.compile(r"(\$this|[A-Za-z]\w*)(\[x\])?((?:\.where\([^()]*(?:\(\)[^()]*)?\))?)(?:\.|$)")
_RESOLVES = re.compile(r"\.where\(resolve\(\) is (\w+)\)$")
_EQUALS = re.compile(r"\.where\((\w+)='([^']*)'\)$")


class PathUnsupported(ValueError):
    """An expression of the registry that this module does not read; a fault of ours, not of a caller."""


@dataclass(frozen=True, slots=True)
class Step:
    """One member to follow, into every item of an array.

    equals  (member, text) that an item must have, e.g. ("system", "email")
    """

    name: str
    equals: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """Where an element stands, below the resource.

    points_to  only references to this type
    presence   the value is whether the element is there and not false
    """

    steps: tuple[Step, ...]
    points_to: str | None = None
    presence: bool = False


def paths(expression: str, kind: str) -> tuple[Path, ...]:
    """Every path of an expression for a parameter of this kind. Raises PathUnsupported."""
    exists = _EXISTS.match(expression)
    if exists:
        steps = _steps(exists[1])[0].steps
        return tuple(_retyped(Path(steps, presence=True), suffix) for suffix in ("Boolean", "DateTime"))
    found: list[Path] = []
    for alternative in expression.split(" | "):
        typed = _TYPED.match(alternative)
        if typed:
            suffix = typed[2] or typed[3]
            (path,) = _steps(typed[1])
            path = _retyped(path, suffix[0].upper() + suffix[1:])
            rest = tuple(Step(name) for name in typed[4].split(".") if name)
            found.append(replace(path, steps=path.steps + rest))
        else:
            found += _steps(alternative, CHOICES.get(kind, ()), whole=kind == "composite")
    return tuple(dict.fromkeys(found))


def values(path: Path, resource: Mapping[str, Json]) -> list[Json]:
    """What stands at the end of a path, in document order."""
    found: list[Json] = [resource]
    for step in path.steps:
        found = [item for one in found for item in items(one, step)]
    return found


def items(value: Json, step: Step) -> list[Json]:
    """The values one step leads to: none, one, or the items of an array."""
    if not isinstance(value, dict):
        return []
    there = value.get(step.name)
    if there is None:
        return []
    listed = there if isinstance(there, list) else [there]
    return [item for item in listed if item is not None and fits(item, step.equals)]


def fits(item: Json, equals: tuple[str, str] | None) -> bool:
    """Whether an item has the member value asked for."""
    return equals is None or (isinstance(item, dict) and item.get(equals[0]) == equals[1])


def _steps(text: str, choices: tuple[str, ...] = (), *, whole: bool = False) -> tuple[Path, ...]:
    """A plain path; one whose last element is a choice becomes a path a type. whole: it may be the resource itself."""
    steps: list[Step] = []
    points_to, choice, at = None, False, 0
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or choice or points_to:
            raise PathUnsupported(text)
        equals, points_to = _filter(match[3])
        steps.append(Step(match[1], equals))
        choice, at = bool(match[2]), match.end()
    path = Path(tuple(steps[1:]), points_to)
    if not (path.steps or whole) or (choice and not choices):
        raise PathUnsupported(text)
    return tuple(_retyped(path, suffix) for suffix in choices) if choice else (path,)


def _filter(text: str) -> tuple[tuple[str, str] | None, str | None]:
    if not text:
        return None, None
    resolves, equals = _RESOLVES.match(text), _EQUALS.match(text)
    if resolves:
        return None, resolves[1]
    if equals:
        return (equals[1], equals[2]), None
    raise PathUnsupported(text)


def _retyped(path: Path, suffix: str) -> Path:
    last = path.steps[-1]
    return replace(path, steps=(*path.steps[:-1], replace(last, name=last.name + suffix)))
