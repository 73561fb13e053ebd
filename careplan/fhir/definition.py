"""Profiles as data: StructureDefinitions, value sets and code systems made ready to check resources with.

A StructureDefinition becomes a tree of rules, from its snapshot if it has one, else from its differential.
Not for checking: that is `profile`. What a profile says that the tree cannot hold, `unsupported` names.
Follows https://hl7.org/fhir/R4/profiling.html and https://hl7.org/fhir/R4/elementdefinition.html.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from careplan.fhir.constraint import KEYS
from careplan.fhir.invariant import INVARIANTS
from careplan.fhir.models import Resource
from careplan.fhir.valueset import codes_of_system, pairs_of_value_set

BASE = "http://hl7.org/fhir/"
"""What R4 itself defines: checked by `models`, `bindings` and `xhtml`, not here."""

_MATCHES = re.compile(r"(?:\$this\.)?matches\('((?:[^'\\]|\\.)*)'\)", re.S)
_EXTENSION_STEP = re.compile(r"extension\('([^']+)'\)")
_PLAIN_STEP = re.compile(r"\$this|[a-z][A-Za-z]*")
_NOT_KNOWN = ("minValue", "maxValue", "defaultValue", "sliceIsConstraining")
_UNLIMITED = 10**9


@dataclass(frozen=True, slots=True)
class Discriminator:
    """By what an item is told to belong to a slice: `value` or `type`, and the steps that lead there."""

    kind: str
    path: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """A named rule: a function of `invariant.INVARIANTS`, or a regular expression for a primitive."""

    key: str
    severity: str
    human: str
    pattern: re.Pattern[str] | None = None


@dataclass(slots=True)
class Rule:
    """What a profile says of one element, or of one slice of it.

    name        last step of the path, `value[x]` for a choice
    types       type codes allowed; empty: as the base says
    targets     resource types a reference may point to; None: any
    profiles    definitions an item must satisfy, e.g. that of an extension
    value       what must be there: exactly (fixed) or at least (pattern)
    expected    of a slice: discriminator path → what tells its items from others
    """

    name: str
    slice_name: str = ""
    min: int = 0
    max: int = _UNLIMITED
    types: tuple[str, ...] = ()
    target_profiles: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    value: Any = None
    exact: bool = False
    value_set: str = ""
    max_length: int = _UNLIMITED
    constraints: tuple[Constraint, ...] = ()
    discriminators: tuple[Discriminator, ...] = ()
    closed: bool = False
    slices: dict[str, "Rule"] = field(default_factory=dict)
    children: dict[str, "Rule"] = field(default_factory=dict)
    expected: dict[str, list["Rule"]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """One StructureDefinition: the type it constrains, the profile it builds on, and its tree of rules."""

    url: str
    name: str
    type: str
    base: str
    snapshot: bool
    root: Rule


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything resources are checked against, by canonical URL.

    value_sets  the (system, code) pairs of a set; a set that cannot be listed here is not in it
    """

    profiles: Mapping[str, Profile]
    value_sets: Mapping[str, frozenset[tuple[str, str]]]


def load_definitions(resources: Iterable[Resource]) -> Definitions:
    """Make parsed StructureDefinitions, ValueSets and CodeSystems ready; other resources are passed over."""
    listed = list(resources)
    profiles = [profile_from_definition(r) for r in listed if r.get("resourceType") == "StructureDefinition"]
    systems = {r["url"]: codes_of_system(r) for r in listed if r.get("resourceType") == "CodeSystem"}
    sets = {r["url"]: r for r in listed if r.get("resourceType") == "ValueSet"}
    pairs = {url: found for url in sets if (found := pairs_of_value_set(url, sets, systems)) is not None}
    definitions = Definitions({profile.url: profile for profile in profiles}, pairs)
    for profile in profiles:
        _work_out_slices(profile.root, definitions)
    return definitions


def profile_from_definition(definition: Resource) -> Profile:
    """The tree of rules of a StructureDefinition."""
    root = Rule(definition["type"])
    for element in _elements(definition):
        rule = _place(root, element["id"])
        _fill(rule, element)
    return Profile(
        definition["url"],
        str(definition.get("name", definition["url"])),
        definition["type"],
        definition.get("baseDefinition", ""),
        "snapshot" in definition,
        root,
    )


def unsupported(definition: Resource, definitions: Definitions) -> list[str]:
    """What a StructureDefinition asks for that is not checked, one line each with the element's id.

    The rules of R4 itself that a snapshot repeats are not listed: others check those.
    """
    found = [
        f"{element['id']}: {what}"
        for element in _elements(definition)
        for what in _unsupported_here(element, definitions)
    ]
    return found + list(_untellable(profile_from_definition(definition).root, definition["type"], definitions))


def discriminators(rule: Rule) -> tuple[Discriminator, ...]:
    """By what the slices of an element are told apart; extensions by url and choices by type where not said."""
    if rule.discriminators:
        return rule.discriminators
    if rule.name in ("extension", "modifierExtension"):
        return (Discriminator("value", "url", ("url",)),)
    return (Discriminator("type", "$this", ()),) if rule.name.endswith("[x]") else ()


def _work_out_slices(rule: Rule, definitions: Definitions) -> None:
    """Work out once, for every slice, what its items are told by."""
    for inside in rule.slices.values():
        inside.expected = {one.path: expectations(inside, one.steps, definitions) for one in discriminators(rule)}
        _work_out_slices(inside, definitions)
    for child in rule.children.values():
        _work_out_slices(child, definitions)


def expectations(rule: Rule, steps: tuple[str, ...], definitions: Definitions) -> list[Rule]:
    """What a slice demands at the end of its discriminator's path: rules with a value or a value set.

    What the slice says itself goes before what the profiles of its type say. An empty list means that
    items cannot be told to belong to this slice.
    """
    if steps == ("url",) and rule.profiles:
        return [Rule("url", value=url, exact=True) for url in rule.profiles]
    roots = [definitions.profiles[url].root for url in rule.profiles if url in definitions.profiles]
    for start in (rule, *roots):
        if found := _expectations_at(start, steps, definitions):
            return found
    return []


def values_at(item: Any, steps: tuple[str, ...]) -> list[Any]:
    """The values at a discriminator's path inside an item."""
    found = [item]
    for step in steps:
        found = [value for inside in found for value in _values_of_step(inside, step)]
    return found


def is_rule_of_r4(canonical: str) -> bool:
    """Whether a canonical URL is R4's own."""
    return canonical.startswith(BASE)


# ── StructureDefinition to rules ─────────────────────────────────────────────────────────────────


def _elements(definition: Resource) -> list[dict[str, Any]]:
    view = definition.get("snapshot") or definition.get("differential") or {}
    return [element for element in view.get("element", ()) if "id" in element]


def _place(root: Rule, element_id: str) -> Rule:
    """The rule that an element id leads to, made on the way where it is not there yet."""
    rule = root
    for step in element_id.split(".")[1:]:
        name, _, slice_name = step.partition(":")
        rule = rule.children.setdefault(name, Rule(name))
        if slice_name:
            rule = rule.slices.setdefault(slice_name, Rule(name, slice_name))
    return rule


def _fill(rule: Rule, element: Mapping[str, Any]) -> None:
    rule.min = element.get("min", rule.min)
    rule.max = _UNLIMITED if element.get("max", "*") == "*" else int(element["max"])
    types = element.get("type", ())
    rule.types = tuple(_type_code(entry) for entry in types)
    rule.profiles = tuple(url for entry in types for url in entry.get("profile", ()))
    rule.target_profiles = tuple(url for entry in types for url in entry.get("targetProfile", ()))
    rule.max_length = element.get("maxLength", _UNLIMITED)
    for key, value in element.items():
        if key.startswith(("fixed", "pattern")):
            rule.value, rule.exact = value, key.startswith("fixed")
    binding = element.get("binding", {})
    if binding.get("strength") == "required":
        rule.value_set = binding.get("valueSet", "").split("|")[0]
    rule.constraints = tuple(c for c in map(_constraint, element.get("constraint", ())) if c is not None)
    slicing = element.get("slicing", {})
    rule.discriminators = tuple(map(_discriminator, slicing.get("discriminator", ())))
    rule.closed = slicing.get("rules") == "closed"


def _type_code(entry: Mapping[str, Any]) -> str:
    """The type's name; the `System.String` that R4 gives ids and urls is a string."""
    code: str = entry["code"]
    return "string" if code.startswith("http://hl7.org/fhirpath/") else code


def _constraint(entry: Mapping[str, Any]) -> Constraint | None:
    """A constraint that can be checked here, or None."""
    key, human = entry["key"], entry.get("human", "")
    if key in INVARIANTS:
        return Constraint(key, entry["severity"], human)
    found = _MATCHES.fullmatch(entry.get("expression", "").strip())
    if found and not is_rule_of_r4(entry.get("source", "")):
        return Constraint(key, entry["severity"], human, re.compile(found[1].replace("\\\\", "\\")))
    return None


def _discriminator(entry: Mapping[str, Any]) -> Discriminator:
    kind = "value" if entry["type"] == "pattern" else entry["type"]
    return Discriminator(kind, entry["path"], tuple(_steps(entry["path"])))


def _steps(path: str) -> Iterator[str]:
    """The steps of a discriminator path: `identifier.system`, `extension('url').value`."""
    rest = path
    while rest:
        found = _EXTENSION_STEP.match(rest) or _PLAIN_STEP.match(rest)
        if not found:
            yield "?"
            return
        if found[0] != "$this":
            yield found[0]
        rest = rest[found.end() :].removeprefix(".")


def _untellable(rule: Rule, path: str, definitions: Definitions) -> Iterator[str]:
    """The slices whose items cannot be told from others."""
    for inside in rule.slices.values():
        told = discriminators(rule)
        for one in told:
            if one.kind == "value" and not expectations(inside, one.steps, definitions):
                yield f"{path}:{inside.slice_name}: nothing to tell the slice by at {one.path}"
        if not told:
            yield f"{path}:{inside.slice_name}: a slice without discriminator"
        yield from _untellable(inside, f"{path}:{inside.slice_name}", definitions)
    for name, child in rule.children.items():
        yield from _untellable(child, f"{path}.{name}", definitions)


def _unsupported_here(element: Mapping[str, Any], definitions: Definitions) -> Iterator[str]:
    for key in element:
        if key.startswith(_NOT_KNOWN):
            yield key
    for entry in element.get("slicing", {}).get("discriminator", ()):
        if entry["type"] not in ("value", "pattern", "type") or "?" in _steps(entry["path"]):
            yield f"slicing by {entry['type']} of {entry['path']}"
    if "/" in element.get("sliceName", ""):
        yield "slices of slices"
    for entry in element.get("constraint", ()):
        of_r4 = entry["key"] in KEYS or is_rule_of_r4(entry.get("source", ""))
        if not of_r4 and _constraint(entry) is None:
            yield f"constraint {entry['key']}"
    binding = element.get("binding", {})
    value_set = binding.get("valueSet", "").split("|")[0]
    known = value_set in definitions.value_sets or is_rule_of_r4(value_set)
    if binding.get("strength") == "required" and not known:
        yield f"value set {value_set}"
    for entry in element.get("type", ()):
        for key in ("aggregation", "versioning"):
            if key in entry and entry[key] != "either":
                yield f"type {key}"
        for url in (*entry.get("profile", ()), *entry.get("targetProfile", ())):
            if url not in definitions.profiles and not is_rule_of_r4(url):
                yield f"profile {url}"


def _expectations_at(rule: Rule, steps: tuple[str, ...], definitions: Definitions) -> list[Rule]:
    if steps and rule.value is not None:
        return [Rule(steps[-1], value=value) for value in values_at(rule.value, steps)]
    if steps:
        return [one for child in _step(rule, steps[0]) for one in expectations(child, steps[1:], definitions)]
    return [rule] if rule.value is not None or rule.value_set in definitions.value_sets else []


def _step(rule: Rule, step: str) -> list[Rule]:
    """The rules one step of a path further."""
    named = _EXTENSION_STEP.fullmatch(step)
    if not named:
        return [rule.children[name] for name in (step, step + "[x]") if name in rule.children]
    slices = rule.children["extension"].slices.values() if "extension" in rule.children else ()
    return [inside for inside in slices if named[1] in inside.profiles or _url_of(inside) == named[1]]


def _url_of(rule: Rule) -> Any:
    return rule.children["url"].value if "url" in rule.children else None


def _values_of_step(item: Any, step: str) -> list[Any]:
    if not isinstance(item, dict):
        return []
    if named := _EXTENSION_STEP.fullmatch(step):
        found = [part for part in _listed(item.get("extension")) if isinstance(part, dict)]
        return [part for part in found if part.get("url") == named[1]]
    if step in item:
        return _listed(item[step])
    return [value for name, value in item.items() if name.startswith(step) and name[len(step) :][:1].isupper()]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
