"""The FHIRPath of FHIRPath Patch: which elements of a resource a simple path selects, and where they stand.

A path is members (`Patient.name.given`), `[0]`, `first()`, `last()`, `ofType(Quantity)` and `as(Quantity)`,
`extension('url')`, and `where(system = 'x' and use = 'home')`, whose conditions compare one member path, or `$this`,
with a text, number or boolean. Everything else of FHIRPath is refused: libraries that know all of it give values,
and a patch needs places. `resolve()` is no part of it, for a patch never leaves its resource.
https://hl7.org/fhir/R4/fhirpatch.html · https://hl7.org/fhirpath/
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from careplan.fhir.digits import Json
from careplan.fhir.patch.failure import PatchFailed
from careplan.fhir.patch.spot import Spot, children

_TOKEN = re.compile(
    r"\s*(?:(?P<name>\$?[A-Za-z_][A-Za-z0-9_]*|`[^`]+`)|(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<number>\d{1,30}(?:\.\d{1,30})?)|(?P<sign>[.()\[\]=]))"
)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_LENGTH = 2000
_DEEPEST = 16
"""How many conditions may stand in one another."""


@dataclass(frozen=True, slots=True)
class Member:
    """The elements of this name; a choice by its first part: `value`, not `valueQuantity`."""

    name: str


@dataclass(frozen=True, slots=True)
class Nth:
    """One of the elements selected so far; -1 is the last."""

    index: int


@dataclass(frozen=True, slots=True)
class OfType:
    """Only elements of this type."""

    type: str


@dataclass(frozen=True, slots=True)
class Condition:
    """The one element at a path below (none: the element itself) has this value."""

    steps: "Steps"
    value: Json


@dataclass(frozen=True, slots=True)
class Where:
    """Only elements that fulfil all conditions."""

    conditions: tuple[Condition, ...]


Step: TypeAlias = Member | Nth | OfType | Where
Steps: TypeAlias = tuple[Step, ...]


def read_path(text: str) -> Steps:
    """The steps of a path. Raises PatchFailed for what is not understood."""
    if len(text) > _LENGTH:
        raise PatchFailed(f"a path is at most {_LENGTH} characters long")
    reader = _Reader(_tokens(text))
    steps = reader.steps()
    if reader.at < len(reader.tokens):
        raise _not_understood()
    return steps


def select(resource: Spot, steps: Steps) -> list[Spot]:
    """The elements that a path selects, from the resource down; its type may stand first."""
    first = steps[0]
    typed = isinstance(first, Member) and first.name == resource.type
    return _followed([resource], steps[1:] if typed else steps)


# ── selecting ────────────────────────────────────────────────────────────────────────────────────


def _followed(spots: list[Spot], steps: Steps) -> list[Spot]:
    for step in steps:
        spots = _stepped(spots, step)
    return spots


def _stepped(spots: list[Spot], step: Step) -> list[Spot]:
    match step:
        case Member(name):
            return [child for spot in spots for child in children(spot, name)]
        case Nth(-1):
            return spots[-1:]
        case Nth(index):
            return spots[index : index + 1]
        case OfType(type_name):
            return [spot for spot in spots if spot.type == type_name]
        case _:
            return [spot for spot in spots if all(_holds(spot, one) for one in step.conditions)]


def _holds(spot: Spot, condition: Condition) -> bool:
    found = _followed([spot], condition.steps)
    if len(found) != 1:
        return False
    value = found[0].item.value
    return value == condition.value and isinstance(value, bool) == isinstance(condition.value, bool)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def _not_understood() -> PatchFailed:
    return PatchFailed(
        "the path is not understood: members, [0], first(), last(), ofType(), as(), extension('url') and "
        "where(member = 'text' and …) make one up"
    )


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text) of each token."""
    found: list[tuple[str, str]] = []
    text, at = text.strip(), 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or token.lastgroup is None:
            raise _not_understood()
        found.append((token.lastgroup, token[token.lastgroup]))
        at = token.end()
    return found


@dataclass(slots=True)
class _Reader:
    """Where the reading of a path has come to."""

    tokens: Sequence[tuple[str, str]]
    at: int = 0
    depth: int = 0

    def sees(self, sign: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at] == ("sign", sign)

    def take(self, kind: str, text: str | None = None) -> str:
        if self.at == len(self.tokens) or self.tokens[self.at][0] != kind:
            raise _not_understood()
        found = self.tokens[self.at][1]
        if text not in (None, found):
            raise _not_understood()
        self.at += 1
        return found

    def steps(self) -> Steps:
        found = self.step()
        while self.sees(".") or self.sees("["):
            if self.sees("["):
                found += (self.index(),)
            else:
                self.take("sign", ".")
                found += self.step()
        return found

    def step(self) -> Steps:
        """A member, or a function."""
        name = self.take("name")
        if not self.sees("("):
            if name.startswith("$"):
                raise _not_understood()
            return (Member(name.strip("`")),)
        self.take("sign", "(")
        found = self.function(name)
        self.take("sign", ")")
        return found

    def function(self, name: str) -> Steps:
        match name:
            case "first":
                return (Nth(0),)
            case "last":
                return (Nth(-1),)
            case "ofType" | "as":
                return (OfType(self.type_name()),)
            case "extension":
                return (Member("extension"), Where((Condition((Member("url"),), _text(self.take("text"))),)))
            case "where":
                return (Where(self.conditions()),)
            case _:
                raise _not_understood()

    def index(self) -> Nth:
        self.take("sign", "[")
        number = self.take("number")
        self.take("sign", "]")
        if not number.isdigit():
            raise _not_understood()
        return Nth(int(number))

    def type_name(self) -> str:
        name = self.take("name")
        if name == "FHIR" and self.sees("."):
            self.take("sign", ".")
            name = self.take("name")
        return name.strip("`")

    def conditions(self) -> tuple[Condition, ...]:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _not_understood()
        found = [self.condition()]
        while self.at < len(self.tokens) and self.tokens[self.at] == ("name", "and"):
            self.at += 1
            found.append(self.condition())
        self.depth -= 1
        return tuple(found)

    def condition(self) -> Condition:
        steps: Steps = ()
        if self.at < len(self.tokens) and self.tokens[self.at] == ("name", "$this"):
            self.at += 1
        else:
            steps = self.steps()
        self.take("sign", "=")
        return Condition(steps, self.literal())

    def literal(self) -> Json:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        self.at += 1
        match kind, text:
            case "text", _:
                return _text(text)
            case "number", _:
                return Decimal(text)
            case "name", "true" | "false":
                return text == "true"
            case _:
                raise _not_understood()


def _text(token: str) -> str:
    return _ESCAPE.sub(
        lambda found: chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2], found[2]), token[1:-1]
    )
