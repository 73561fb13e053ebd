"""FHIRPath Patch: add, insert, delete, replace and move, told in a Parameters resource.

https://hl7.org/fhir/R4/fhirpatch.html · checklist R4-41. A value goes in as it was written, digits and all. Not here:
whether the result is valid FHIR, and how a path is read (`path`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from careplan.fhir.digits import Json
from careplan.fhir.models import Element
from careplan.fhir.patch.failure import OPERATIONS, PatchFailed, failure
from careplan.fhir.patch.path import Member, Steps, read_path, select
from careplan.fhir.patch.spot import Item, Spot, elements_named, items, put


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    place  where it stood: `Parameters.parameter[2]`
    parts  its parts by name: the objects that hold `valueString` and so on
    """

    place: str
    kind: str
    path: Steps
    parts: Mapping[str, Mapping[str, Json]]

    def text(self, name: str) -> str:
        found = _valued(self.parts.get(name, {}))
        if not isinstance(found, str) or not found:
            raise PatchFailed(f"{self.kind} needs the part {name}, a text")
        return found

    def whole(self, name: str) -> int:
        found = _valued(self.parts.get(name, {}))
        if type(found) is not int or found < 0:
            raise PatchFailed(f"{self.kind} needs the part {name}, a whole number of 0 or more")
        return found

    @property
    def value(self) -> Mapping[str, Json]:
        if "value" not in self.parts:
            raise PatchFailed(f"{self.kind} needs the part value")
        return self.parts["value"]


@dataclass(frozen=True, slots=True)
class PathPatch:
    """The operations in their order."""

    operations: tuple[Operation, ...]


def path_patch_from_parameters(value: Json, place: str = "Parameters") -> PathPatch:
    """Of a Parameters resource. Raises PatchFailed, naming the parameter.

    place  where it stood: `Bundle.entry[3].resource`
    """
    listed = value.get("parameter", [])
    if value.get("resourceType") != "Parameters" or not isinstance(listed, list) or len(listed) > OPERATIONS:
        raise failure(f"a FHIRPath Patch is a Parameters resource of at most {OPERATIONS} operations", place)
    return PathPatch(tuple(_operation(one, f"{place}.parameter[{index}]") for index, one in enumerate(listed)))


def apply_path_patch(resource: Json, patch: PathPatch) -> Json:
    """What the operations make of a resource of the caller's own, which they change. Raises PatchFailed."""
    for operation in patch.operations:
        try:
            _KINDS[operation.kind](Spot(Item(resource)), operation)
        except PatchFailed as error:
            raise failure(error.message, operation.place) from None
    return resource


# ── the five operations ──────────────────────────────────────────────────────────────────────────


def _add(resource: Spot, operation: Operation) -> None:
    spot = _one(select(resource, operation.path))
    element, item = _named(spot, operation.text("name"), operation.value)
    if element.choice and any(items(spot, other) for other in elements_named(spot, element.choice)):
        raise PatchFailed(f"{element.choice}[x] does not repeat, and is there already")
    put(spot, element, [*items(spot, element), item])


def _insert(resource: Spot, operation: Operation) -> None:
    spot, name = _list(resource, operation)
    element, item = _named(spot, name, operation.value)
    listed, index = items(spot, element), operation.whole("index")
    if not element.many or index > len(listed):
        raise PatchFailed("index goes past the end of the list that path names")
    put(spot, element, [*listed[:index], item, *listed[index:]])


def _delete(resource: Spot, operation: Operation) -> None:
    found = select(resource, operation.path)
    if found:
        spot = _one(found)
        holder, element = _holder(spot)
        listed = items(holder, element)
        put(holder, element, listed[: spot.index] + listed[spot.index + 1 :])


def _replace(resource: Spot, operation: Operation) -> None:
    spot = _one(select(resource, operation.path))
    holder, old = _holder(spot)
    element, item = _named(holder, old.choice or old.name, operation.value)
    if element != old:
        put(holder, element, [item])
        put(holder, old, [])
        return
    listed = items(holder, element)
    put(holder, element, [*listed[: spot.index], item, *listed[spot.index + 1 :]])


def _move(resource: Spot, operation: Operation) -> None:
    spot, name = _list(resource, operation)
    element = next((one for one in elements_named(spot, name) if one.many), None)
    if element is None:
        raise PatchFailed("the path of move names a list")
    listed, source, destination = items(spot, element), operation.whole("source"), operation.whole("destination")
    if max(source, destination) >= len(listed):
        raise PatchFailed("source and destination are places in the list that path names")
    listed.insert(destination, listed.pop(source))
    put(spot, element, listed)


_KINDS: Mapping[str, Callable[[Spot, Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}


def _one(found: list[Spot]) -> Spot:
    if len(found) != 1:
        raise PatchFailed(f"the path selects {len(found) or 'no'} elements; make it name one")
    return found[0]


def _holder(spot: Spot) -> tuple[Spot, Element]:
    if spot.holder is None or spot.element is None:
        raise PatchFailed("the path selects the resource itself; name an element of it")
    return spot.holder, spot.element


def _list(resource: Spot, operation: Operation) -> tuple[Spot, str]:
    """The element that holds the list a path names, and the list's name; it need not have items yet."""
    *before, last = operation.path
    if not isinstance(last, Member):
        raise PatchFailed(f"the path of {operation.kind} ends with the name of a list")
    return _one(select(resource, tuple(before)) if before else [resource]), last.name


# ── what Parameters hold ─────────────────────────────────────────────────────────────────────────


def _operation(value: Any, place: str) -> Operation:
    """Raises PatchFailed at its place."""
    listed = value.get("part") if isinstance(value, dict) and value.get("name") == "operation" else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise failure("every parameter of a FHIRPath Patch is an operation with its parts", place)
    parts = {str(one.get("name")): one for one in listed}
    kind, path = _valued(parts.get("type", {})), _valued(parts.get("path", {}))
    if len(parts) != len(listed) or kind not in _KINDS or not isinstance(path, str):
        raise failure(f"an operation has a type of {', '.join(_KINDS)} and a path, each part once", place)
    try:
        return Operation(place, kind, read_path(path), parts)
    except PatchFailed as error:
        raise failure(error.message, place) from None


def _valued(part: Mapping[str, Json]) -> Json:
    """The value of a part, whatever its type; None without one."""
    return next((value for name, value in part.items() if name.startswith("value")), None)


def _named(spot: Spot, name: str, part: Mapping[str, Json]) -> tuple[Element, Item]:
    """The element that a value is to be, by name and the value's type, and the value. Raises PatchFailed."""
    there = elements_named(spot, name)
    key = next((one for one in part if one.lstrip("_").startswith("value")), "")
    suffix = key.lstrip("_").removeprefix("value")
    fitting = [one for one in there if not one.choice or one.name == one.choice + suffix]
    if not fitting:
        raise PatchFailed(f"{spot.type} has no {name} of this type" if there else "name is no element there")
    element = fitting[0]
    nested = part.get("part")
    if isinstance(nested, list):
        return element, Item(_built(element, nested))
    if "resource" in part:
        return element, Item(part["resource"])
    item = Item(part.get(f"value{suffix}"), part.get(f"_value{suffix}") if element.primitive else None)
    if item == Item(None):
        raise PatchFailed("a value holds something")
    return element, item


def _built(element: Element, parts: list[Any]) -> Json:
    """An object of a type that has no name of its own, such as `Patient.contact`, from its parts."""
    made: dict[str, Json] = {}
    spot = Spot(Item(made), element)
    for part in parts:
        if not isinstance(part, dict) or not isinstance(part.get("name"), str):
            raise PatchFailed("every part of a value has a name")
        child, item = _named(spot, part["name"], part)
        put(spot, child, [*items(spot, child), item])
    return made
