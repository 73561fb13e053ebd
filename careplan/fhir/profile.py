"""A resource against the profiles it claims, and against ours where they always hold.

Checks what `definition.Rule` can hold: cardinality, fixed values and patterns, types of a choice, slices,
required bindings, targets of references, named invariants. A resource must be valid R4 first (`models`).
Not for what R4 itself demands, nor for finding what a profile asks beyond this: `definition.unsupported`.
Follows https://hl7.org/fhir/R4/profiling.html and https://hl7.org/fhir/R4/validation.html.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from careplan.domain.errors import Fault
from careplan.fhir import systems
from careplan.fhir.definition import (
    BASE,
    Definitions,
    Discriminator,
    Profile,
    Rule,
    discriminators,
    load_definitions,
    unsupported,
    values_at,
)
from careplan.fhir.invariant import INVARIANTS, kind_of_target
from careplan.fhir.models import Place, Resource, contained_types, expression, reference_type

__all__ = ["Definitions", "implied_profiles", "load_definitions", "profile_faults", "unsupported", "validate"]

_TARGET = re.compile(r"http://hl7\.org/fhir/StructureDefinition/([A-Za-z]+)")


class Item(NamedTuple):
    """One value of an element: itself, the `_name` beside a primitive, its type where a choice tells it."""

    value: Any
    beside: Any
    type: str
    place: Place


class _Check(NamedTuple):
    """What a check needs at every step."""

    definitions: Definitions
    profile: Profile
    contained: dict[str, Any]


def validate(resource: Resource, definitions: Definitions, asked: Sequence[str] = ()) -> list[Fault]:
    """Every fault against the profiles that the resource claims, those of ours that it must keep anyway, and `asked`.

    asked  canonical URLs of profiles named by whoever wants to know; that one of them is not known here is an error
    """
    return profile_faults(resource, definitions, always=implied_profiles(resource), asked=asked)


def implied_profiles(resource: Resource) -> tuple[str, ...]:
    """The profiles of ours that hold whether claimed or not.

    A Goal with an agreed or recommended target is one of ours; so is a CarePlan of a plan type.
    """
    match resource.get("resourceType"):
        case "Goal" if any(kind_of_target(target) for target in _listed(resource.get("target"))):
            return (systems.PROFILE_GOAL,)
        case "CarePlan" if systems.PLAN_TYPE in values_at(resource, ("category", "coding", "system")):
            return (systems.PROFILE_CAREPLAN,)
    return ()


def profile_faults(
    resource: Resource,
    definitions: Definitions,
    *,
    claimed: bool = True,
    always: Iterable[str] = (),
    asked: Sequence[str] = (),
) -> list[Fault]:
    """Every fault against the profiles in `meta.profile` (unless not `claimed`), and those in `always` and `asked`.

    A profile that is claimed and not known here is a warning: the claim is kept, and not vouched for.
    """
    meta = resource.get("meta")
    named = _listed(meta.get("profile")) if claimed and isinstance(meta, dict) else []
    claims = [url for url in named if isinstance(url, str)]
    found: list[Fault] = []
    for canonical in dict.fromkeys((*claims, *always, *asked)):
        url = canonical.split("|")[0]
        if url in definitions.profiles:
            found += _faults_against(resource, definitions.profiles[url], definitions)
        elif url != f"{BASE}StructureDefinition/{resource.get('resourceType')}":
            severity = "error" if canonical in asked else "warning"
            place = f"{resource.get('resourceType')}.meta.profile"
            found.append(Fault(place, "profile-unknown", f"not known here: {canonical}", severity))
    return list(dict.fromkeys(found))


def _faults_against(resource: Resource, profile: Profile, definitions: Definitions) -> list[Fault]:
    type_name = resource["resourceType"]
    if profile.type != type_name:
        message = f"{profile.name} is a profile of {profile.type}"
        return [Fault(f"{type_name}.meta.profile", "profile-violated", message)]
    check = _Check(definitions, profile, contained_types(resource))
    return list(_faults_of_profile(Item(resource, None, type_name, type_name), check))


def _faults_of_profile(item: Item, check: _Check) -> Iterator[Fault]:
    """The faults of an item against a profile, and against what that builds on where it has no snapshot."""
    yield from _faults_of_item(item, check.profile.root, check)
    base = check.definitions.profiles.get(check.profile.base)
    if base is not None and not check.profile.snapshot:
        yield from _faults_of_profile(item, check._replace(profile=base))


# ── elements ─────────────────────────────────────────────────────────────────────────────────────


def _faults_of_item(item: Item, rule: Rule, check: _Check) -> Iterator[Fault]:
    """The faults of one value against one rule, and of everything inside it."""
    if rule.name.endswith("[x]") and rule.types and not _type_allowed(item.type, rule.types):
        yield _fault(item.place, check, f"one of the types {', '.join(rule.types)}")
        return
    if item.value is not None:
        yield from _faults_of_value(item, rule, check)
    for constraint in rule.constraints:
        if not _holds(constraint.key, constraint.pattern, item.value):
            message = f"{check.profile.name}, {constraint.key}: {constraint.human}"
            yield Fault(expression(item.place), "invariant-broken", message, constraint.severity)
    yield from _faults_of_named_profiles(item, rule, check)
    for child in rule.children.values():
        yield from _faults_of_children(item, child, check)


def _faults_of_value(item: Item, rule: Rule, check: _Check) -> Iterator[Fault]:
    if rule.value is not None and not _fits(item.value, rule):
        yield _fault(item.place, check, f"{'exactly' if rule.exact else 'at least'} the value the profile gives")
    if rule.value_set in check.definitions.value_sets and not _in_set(item.value, rule.value_set, check.definitions):
        message = f"{check.profile.name}: not a code of {rule.value_set}"
        yield Fault(expression(item.place), "code-invalid", message)
    if isinstance(item.value, str) and len(item.value) > rule.max_length:
        yield _fault(item.place, check, f"at most {rule.max_length} characters")
    if rule.target_profiles and isinstance(item.value, dict):
        targets = _target_types(rule.target_profiles, check.definitions)
        target = reference_type(item.value, check.contained)
        if targets and target and target not in targets:
            message = f"{check.profile.name}: may refer to {', '.join(sorted(targets))}"
            yield Fault(expression(item.place), "reference-type-wrong", message)


def _faults_of_named_profiles(item: Item, rule: Rule, check: _Check) -> Iterator[Fault]:
    """The faults against the profiles of the element's type; where there are several, one must be kept."""
    known = [check.definitions.profiles[url] for url in rule.profiles if url in check.definitions.profiles]
    if not known or item.value is None or len(known) < len(rule.profiles):
        return
    tried = [list(_faults_of_profile(item, check._replace(profile=profile))) for profile in known]
    yield from min(tried, key=len)


def _faults_of_children(parent: Item, rule: Rule, check: _Check) -> Iterator[Fault]:
    """The faults of all values of one child element: their number, each of them, and their slices."""
    items = _items(parent, rule.name)
    place = (parent.place, rule.name.removesuffix("[x]"), None)
    yield from _count_faults(len(items), rule, place, check)
    counts = dict.fromkeys(rule.slices, 0)
    for item in items:
        yield from _faults_of_item(item, rule, check)
        mine = [name for name in rule.slices if _belongs(item, rule, rule.slices[name], check.definitions)]
        if rule.closed and rule.slices and not mine:
            yield _fault(item.place, check, f"one of the slices {', '.join(rule.slices)}")
        for name in mine:
            counts[name] += 1
            yield from _faults_of_item(item, rule.slices[name], check)
    for name, count in counts.items():
        yield from _count_faults(count, rule.slices[name], place, check)


def _count_faults(count: int, rule: Rule, place: Place, check: _Check) -> Iterator[Fault]:
    what = f" ({rule.slice_name})" if rule.slice_name else ""
    if count < rule.min:
        yield _fault(place, check, f"at least {rule.min}{what}")
    if count > rule.max:
        yield _fault(place, check, f"at most {rule.max}{what}" if rule.max else f"not allowed{what}")


def _items(parent: Item, name: str) -> list[Item]:
    """The values of a child element. A choice `value[x]` is found under the name of its type."""
    holder = parent.value if isinstance(parent.value, dict) else parent.beside
    if not isinstance(holder, dict):
        return []
    found: list[Item] = []
    for key, type_name in _names(holder, name):
        value, beside = holder.get(key), holder.get("_" + key)
        if isinstance(value, list) or isinstance(beside, list):
            values, besides = _listed(value), _listed(beside)
            for index in range(max(len(values), len(besides))):
                place = (parent.place, key, index)
                found.append(Item(_at(values, index), _at(besides, index), type_name, place))
        else:
            found.append(Item(value, beside, type_name, (parent.place, key, None)))
    return found


def _names(holder: dict[str, Any], name: str) -> list[tuple[str, str]]:
    """The JSON names under which an element stands in an object, with the type each tells."""
    if not name.endswith("[x]"):
        return [(name, "")] if name in holder or "_" + name in holder else []
    stem = name.removesuffix("[x]")
    keys = dict.fromkeys(key.removeprefix("_") for key in holder)
    return [(key, key[len(stem) :]) for key in keys if key.startswith(stem) and key[len(stem) :][:1].isupper()]


# ── slices and values ────────────────────────────────────────────────────────────────────────────


def _belongs(item: Item, rule: Rule, inside: Rule, definitions: Definitions) -> bool:
    """Whether a value belongs to a slice, by all its discriminators."""
    told = discriminators(rule)
    return bool(told) and all(_told_by(one, item, inside, definitions) for one in told)


def _told_by(one: Discriminator, item: Item, inside: Rule, definitions: Definitions) -> bool:
    if one.kind == "type":
        return not one.steps and _type_allowed(item.type, inside.types)
    values = values_at(item.value, one.steps)
    return any(
        _fits(value, wanted) if wanted.value is not None else _in_set(value, wanted.value_set, definitions)
        for wanted in inside.expected[one.path]
        for value in values
    )


def _type_allowed(type_name: str, types: tuple[str, ...]) -> bool:
    return any(type_name == code[:1].upper() + code[1:] for code in types)


def _fits(value: Any, rule: Rule) -> bool:
    return bool(value == rule.value) if rule.exact else _contains(value, rule.value)


def _contains(value: Any, pattern: Any) -> bool:
    """Whether a value has at least what a pattern has; of an array, some item for each of the pattern's."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(_contains(value.get(name), part) for name, part in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(_contains(item, part) for item in value) for part in pattern)
    return (type(value) is type(pattern) and bool(value == pattern)) or _same_number(value, pattern)


def _same_number(value: Any, other: Any) -> bool:
    numbers = (int, Decimal)
    if isinstance(value, bool) or isinstance(other, bool):
        return False
    return isinstance(value, numbers) and isinstance(other, numbers) and value == other


def _in_set(value: Any, value_set: str, definitions: Definitions) -> bool:
    """Whether a code, Coding or CodeableConcept has a code of a set; a bare code needs no system."""
    pairs = definitions.value_sets[value_set]
    if isinstance(value, str):
        return any(value in pair for pair in pairs)
    codings = values_at(value, ("coding",)) or [value]
    return any(isinstance(c, dict) and (_text(c.get("system")), _text(c.get("code"))) in pairs for c in codings)


def _holds(key: str, pattern: re.Pattern[str] | None, value: Any) -> bool:
    if value is None:
        return True
    if pattern is not None:
        return isinstance(value, str) and pattern.search(value) is not None
    try:
        return INVARIANTS[key](value)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        return True  # asked of something without the structure it speaks of, which `models` reports


def _target_types(canonicals: Iterable[str], definitions: Definitions) -> frozenset[str]:
    """The resource types a reference may point to; empty where a profile among them is not known."""
    types = set()
    for url in canonicals:
        known = definitions.profiles.get(url)
        named = _TARGET.fullmatch(url)
        if known is None and named is None:
            return frozenset()
        types.add(known.type if known else named[1] if named else "")
    return frozenset() if "Resource" in types else frozenset(types)


def _fault(place: Place, check: _Check, what: str) -> Fault:
    return Fault(expression(place), "profile-violated", f"{check.profile.name}: {what}")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
