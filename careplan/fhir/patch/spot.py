"""One element of a resource with the place where it stands, so that it can be put, taken out and moved there.

An element is seen as FHIR sees it: a primitive is its value together with the extensions in its `_name`, an element
that is empty is not there, and `value` finds `valueQuantity`. Changes the resource in place; give it a copy.
https://hl7.org/fhir/R4/json.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from careplan.fhir.digits import Json
from careplan.fhir.models import Element, Shape, known, shape
from careplan.fhir.patch.failure import PatchFailed


class Item(NamedTuple):
    """A value, and for a primitive what its `_name` holds."""

    value: Json
    beside: Json = None


@dataclass(frozen=True, slots=True)
class Spot:
    """An element where it stands.

    element  its definition; None for the resource itself
    holder   the element that it is part of
    index    which of the holder's items of this element it is
    """

    item: Item
    element: Element | None = None
    holder: "Spot | None" = None
    index: int = 0

    @property
    def type(self) -> str:
        """`Patient`, `Quantity`, `dateTime`, `PatientContact`; "" when it cannot be told."""
        if self.element is not None and self.element.type != "Resource":
            return self.element.type
        name = self.item.value.get("resourceType") if isinstance(self.item.value, dict) else None
        return name if isinstance(name, str) and known(name) else ""

    @property
    def form(self) -> Shape | None:
        """The elements that it may have."""
        if self.element is not None and self.element.primitive:
            return shape("Element")
        return shape(self.type) if self.type else None

    @property
    def members(self) -> dict[str, Json] | None:
        """The object that holds its elements; None where there is none (yet)."""
        held = self.item.beside if self.element is not None and self.element.primitive else self.item.value
        return held if isinstance(held, dict) else None


def elements_named(spot: Spot, name: str) -> list[Element]:
    """The elements that a name of FHIRPath may stand for: one, or every type of a choice."""
    form = spot.form
    if form is None:
        return []
    names = form.choices[name][0] if name in form.choices else (name,)
    found = [form.elements[one] for one in names if one in form.elements]
    return [one for one in found if not one.choice or one.choice == name]


def children(spot: Spot, name: str) -> list[Spot]:
    """What stands under a name."""
    return [
        Spot(item, element, spot, index)
        for element in elements_named(spot, name)
        for index, item in enumerate(items(spot, element))
    ]


def items(spot: Spot, element: Element) -> list[Item]:
    """The items of one element, in order."""
    held = spot.members or {}
    value = held.get(element.name)
    beside = held.get("_" + element.name) if element.primitive else None
    if not element.many:
        return [] if value is None and beside is None else [Item(value, beside)]
    values = value if isinstance(value, list) else []
    besides = beside if isinstance(beside, list) else []
    return [Item(*pair) for pair in zip_longest(values, besides)]


def put(spot: Spot, element: Element, listed: Sequence[Item]) -> None:
    """Let these be the items of an element; what then holds nothing is taken out. Raises PatchFailed."""
    if not element.many and len(listed) > 1:
        raise PatchFailed(f"{element.name} does not repeat, and is there already")
    held = spot.members
    if held is None:
        held = _attached(spot)
    _set(held, element.name, [item.value for item in listed], many=element.many)
    if element.primitive:
        _set(held, "_" + element.name, [item.beside for item in listed], many=element.many)
    if not held and spot.holder is not None and spot.element is not None:
        _replace(spot, None if spot.item.value == {} or spot.item.value is None else Item(spot.item.value))


def _set(held: dict[str, Json], name: str, listed: list[Json], *, many: bool) -> None:
    if all(one is None for one in listed):
        held.pop(name, None)
    else:
        held[name] = listed if many else listed[0]


def _attached(spot: Spot) -> dict[str, Json]:
    """A new object for the extensions of a primitive, put where it belongs."""
    if spot.element is None or not spot.element.primitive or spot.holder is None:
        raise PatchFailed("an element holds nothing that could be changed")
    made: dict[str, Json] = {}
    _replace(spot, Item(spot.item.value, made))
    return made


def _replace(spot: Spot, item: Item | None) -> None:
    """Put another item, or none, in the spot's place."""
    assert spot.holder is not None and spot.element is not None
    listed = items(spot.holder, spot.element)
    listed[spot.index : spot.index + 1] = [] if item is None else [item]
    put(spot.holder, spot.element, listed)
