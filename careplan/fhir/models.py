"""R4 resources by type: which elements each has, and whether one given keeps to them.

The only import of fhir.resources. Its release has R4B (4.3.0), not R4 (4.0.1): the few things R4B
added to our types are taken out (`r4b`), and what it checks more loosely or more narrowly than R4
(empty elements, identifiers, dates, JSON types, UUIDs) is checked here. All faults are found in one
pass of our own over its element tables; only a resource without any is shown to pydantic as well.
Required bindings, narrative and profiles stand beside: `bindings`, `xhtml`, `profile`.
Follows https://hl7.org/fhir/R4/json.html, https://hl7.org/fhir/R4/extensibility.html and
https://hl7.org/fhir/R4B/diff.html.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeAlias, get_args, get_origin

from fhir.resources.R4B import get_fhir_model_class
from fhir_core.constraints import FHIR_PRIMITIVES_MAPS
from fhir_core.fhirabstractmodel import FHIRAbstractModel
from pydantic import ValidationError, model_validator
from pydantic.fields import FieldInfo

from careplan.domain.errors import Fault
from careplan.fhir.constraint import broken
from careplan.fhir.primitive import CHECKS
from careplan.fhir.r4b import NEW_ELEMENTS, NEW_TYPES, TARGETS

Resource: TypeAlias = dict[str, Any]

TYPES = (
    *("Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "Organization", "HealthcareService"),
    *("Location", "Device", "Group", "CareTeam", "Encounter", "Appointment"),
    *("Condition", "Observation", "DiagnosticReport", "Goal", "CarePlan", "PlanDefinition"),
    *("MedicationStatement", "Immunization", "ServiceRequest", "Task", "Communication"),
    *("Questionnaire", "QuestionnaireResponse", "DocumentReference", "Consent", "Provenance", "MeasureReport"),
    *("Bundle", "StructureDefinition", "CodeSystem", "ValueSet"),
    *("SearchParameter", "OperationDefinition", "ActivityDefinition"),
)
"""The types we keep or serve. Others of R4 may stand inside them, e.g. a contained Medication."""

_ABSTRACT = frozenset(("Resource", "DomainResource"))
_PYDANTIC_TOO_NARROW = frozenset(("uuid", "oid", "url", "base64Binary", "decimal"))
"""Primitive types where pydantic asks for more than R4: version 4 UUIDs, absolute URLs, plain decimals, no links."""

_NOTED = frozenset(("Reference", "xhtml", "code", "Coding", "CodeableConcept"))
"""Types of the elements that are looked at again when the structure of the whole is known."""

_RECURRING = frozenset(("CodeableConcept", "Coding", "Reference", "Quantity"))
"""Data types of which a record holds the same value again and again."""

_LONGEST_KEPT = 1000
"""Characters of a value that is kept as pydantic read it."""

_REFERENCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$")

_CRITERIA = re.compile(r"[A-Za-z]+\?")
"""How a reference by criteria begins: `Patient?identifier=s|v`."""

_OF_TRANSACTIONS = frozenset(("Bundle", "Parameters"))
"""Types in which a resource, or a patch, comes to a transaction, with references that it resolves."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a type as R4 defines it.

    type      a primitive (`dateTime`), a data type (`Quantity`), or a backbone class (`GoalTarget`)
    choice    `value` for `valueQuantity`, else empty
    targets   resource types a Reference may point to; empty for any
    noted     whether it is looked at again when the structure of the whole is known
    """

    name: str
    type: str
    primitive: bool
    many: bool
    required: bool
    choice: str = ""
    targets: frozenset[str] = frozenset()
    noted: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """The elements of a type by JSON name, and its choices: prefix → (names, required).

    siblings   `_birthDate` and its like, typed as what they hold: an id and extensions
    recurring  names of elements whose values come again and again
    """

    name: str
    elements: dict[str, Element]
    siblings: dict[str, Element]
    required: tuple[str, ...]
    choices: dict[str, tuple[tuple[str, ...], bool]]
    resource: bool
    recurring: frozenset[str]


Place: TypeAlias = tuple[Any, str, int | None] | str
"""Where an element stands: (place of its parent, JSON name, index), or the type at the root."""


class Node(NamedTuple):
    """One element found in a resource: the shape it belongs to, its definition, its value, its place."""

    owner: Shape
    element: Element
    value: Any
    place: Place


class Survey(NamedTuple):
    """What one pass over a resource finds: its faults, and the coded elements, references and narratives in it."""

    faults: list[Fault]
    noted: list[Node]


def faults(resource: Resource) -> list[Fault]:
    """Every fault of a resource against R4's structure; none means it is valid."""
    return survey(resource).faults


def survey(resource: Resource) -> Survey:
    """Every fault of a resource against R4's structure, in reading order, and what is to be looked at again.

    Each fault names its place (`Observation.component[1].code`) and says what is expected there, never
    what was there.
    """
    seen = Survey([], [])
    type_name = resource.get("resourceType")
    if not isinstance(type_name, str) or not known(type_name):
        seen.faults.append(Fault("", "type-unknown", "resourceType is not a type of R4 that is known here"))
        return seen
    _check_object(resource, shape(type_name), type_name, seen)
    seen.faults.extend(_reference_faults(resource, seen.noted))
    if not seen.faults:
        seen.faults.extend(_second_opinion(resource, shape(type_name)))
    return seen


def known(type_name: str) -> bool:
    """Whether this is a resource type of R4 that can be validated."""
    try:
        return type_name not in NEW_TYPES and type_name not in _ABSTRACT and shape(type_name).resource
    except ValueError:
        return False


def expression(place: Place) -> str:
    """A place in words: `Observation.component[1].code`."""
    parts: list[str] = []
    while not isinstance(place, str):
        place, name, index = place
        parts.append(name if index is None else f"{name}[{index}]")
    return ".".join([place, *reversed(parts)])


@cache
def shape(type_name: str) -> Shape:
    """The elements of a resource type, data type or backbone class. Raises ValueError when there is none."""
    model = get_fhir_model_class(type_name)
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    elements = {
        element.name: element
        for name in model.elements_sequence()
        if (type_name, name) not in NEW_ELEMENTS
        and (element := _element(model, name, fields[name])).type not in NEW_TYPES
    }
    choices: dict[str, tuple[tuple[str, ...], bool]] = {}
    for element in elements.values():
        if element.choice:
            names = choices.get(element.choice, ((), False))[0]
            choices[element.choice] = ((*names, element.name), element.required)
    resource = model.has_resource_base()
    return Shape(
        type_name,
        elements,
        {f"_{e.name}": _sibling(e) for e in elements.values() if e.primitive and not (resource and e.name == "id")},
        tuple(e.name for e in elements.values() if e.required and not e.choice),
        choices,
        resource,
        frozenset(e.name for e in elements.values() if e.type in _RECURRING),
    )


# ── what fhir.resources says ─────────────────────────────────────────────────────────────────────


def _element(model: type[FHIRAbstractModel], name: str, field: FieldInfo) -> Element:
    type_name, many = _type_of(field.annotation)
    if name == "id" and model.has_resource_base():
        type_name = "id"
    extra = field.json_schema_extra
    notes: dict[str, Any] = extra if isinstance(extra, dict) else {}
    choice = notes.get("one_of_many", "")
    required = notes.get("one_of_many_required") if choice else field.is_required() or notes.get("element_required")
    allowed = frozenset(notes.get("enum_reference_types", ())) - {"Resource", "Any"}
    targets = TARGETS.get((model.__name__, name), allowed)
    return Element(name, type_name, type_name in CHECKS, many, bool(required), choice, targets, type_name in _NOTED)


def _type_of(annotation: Any) -> tuple[str, bool]:
    """(R4 type, whether it repeats) of a field's annotation, or ("", …) for what is no type of R4."""
    if not isinstance(annotation, list) and annotation in FHIR_PRIMITIVES_MAPS:
        return FHIR_PRIMITIVES_MAPS[annotation], False
    if isinstance(annotation, type) and hasattr(annotation, "get_model_klass"):
        return annotation.get_model_klass().__name__, False
    inner = [_type_of(part) for part in get_args(annotation)]
    many = get_origin(annotation) is list or any(repeats for _, repeats in inner)
    return next((name for name, _ in inner if name), ""), many


def _second_opinion(resource: Resource, form: Shape) -> list[Fault]:
    """What pydantic still finds in a resource we found no fault in."""
    model = _reader(form.name)
    try:
        model(**{name: _read(item, form, name) for name, item in resource.items()})
        return []
    except ValidationError as refusal:
        errors = refusal.errors(include_url=False, include_context=False, include_input=False)
    return [fault for error in errors if (fault := _fault_of_error(error["loc"], form.name))]


@cache
def _reader(type_name: str) -> type[FHIRAbstractModel]:
    """The model of a resource type, without its search for nulls in lists of objects: those are found by then.

    That search goes over all elements that a type may have, and is half of what pydantic costs.
    """
    unsearched: Any = classmethod(lambda cls, data: data)
    members = {"__module__": __name__, "reject_null_complex_elements": model_validator(mode="before")(unsearched)}
    return type(type_name, (get_fhir_model_class(type_name),), members)


def _read(item: Any, form: Shape, name: str) -> Any:
    """An element for pydantic to read: where its value recurs, as pydantic has read it before."""
    if name not in form.recurring:
        return item
    model = get_fhir_model_class(form.elements[name].type)
    try:
        return [_kept(model, part) for part in item] if type(item) is list else _kept(model, item)
    except ValidationError:
        return item


def _kept(model: type[FHIRAbstractModel], value: Resource) -> Any:
    """A value as fhir.resources reads it; a long one, which is not worth keeping, as it is. Raises ValidationError."""
    written = repr(value)
    if len(written) > _LONGEST_KEPT:
        return value
    return _read_once(model, _Written(written, value))


class _Written(NamedTuple):
    """A value by what is written of it, which tells 1, 1.0, 1.00 and true apart."""

    text: str
    value: Resource

    def __hash__(self) -> int:
        return hash(self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Written) and self.text == other.text


@lru_cache(maxsize=1024)
def _read_once(model: type[FHIRAbstractModel], written: _Written) -> FHIRAbstractModel:
    return model(**written.value)


def _fault_of_error(location: tuple[int | str, ...], type_name: str) -> Fault | None:
    """The fault at a location pydantic names, or None where it asks for more than R4 does."""
    form: Shape | None = shape(type_name)
    element: Element | None = None
    words = type_name
    for part in location:
        if isinstance(part, int):
            words += f"[{part}]"
            continue
        words += f".{part}"
        element = form.elements.get(part) if form else None
        form = shape(element.type) if element and not element.primitive else None
    if element and element.type in _PYDANTIC_TOO_NARROW:
        return None
    return Fault(words, "resource-invalid", "not valid by the R4 definition of this element")


# ── one pass over a resource ─────────────────────────────────────────────────────────────────────


def _check_object(value: Resource, form: Shape, place: Place, seen: Survey) -> None:
    """Check one object against the elements of its type, and everything inside it.

    Its invariants are asked once its structure is known to be good.
    """
    found = seen.faults
    before = len(found)
    if not value:
        found.append(Fault(expression(place), "element-empty", "an object is not empty"))
    chosen: dict[str, set[str]] = {}
    for name, item in value.items():
        element = form.elements.get(name)
        if element is not None:
            _check_element(value, item, element, form, place, seen)
        elif (element := form.siblings.get(name)) is not None:
            _check_sibling(value, item, element, place, seen)
        else:
            if not (name == "resourceType" and form.resource):
                found.append(Fault(expression((place, _safe(name), None)), "element-unknown", f"not in {form.name}"))
            continue
        if element.choice:
            chosen.setdefault(element.choice, set()).add(element.name)
    _check_presence(value, form, chosen, place, found)
    if form.name == "Extension":
        _check_extension(value, place, found)
    if len(found) == before:
        for invariant in broken(form.name, value):
            found.append(Fault(expression(place), "invariant-broken", f"{invariant.key}: {invariant.human}"))


def _check_presence(
    value: Resource, form: Shape, chosen: dict[str, set[str]], place: Place, found: list[Fault]
) -> None:
    """Check that required elements are there, and of each choice no more than one."""
    for name in form.required:
        if name not in value and "_" + name not in value:
            found.append(Fault(expression((place, name, None)), "element-missing", f"{name} is required"))
    for choice, (_, required) in form.choices.items():
        there = chosen.get(choice, ())
        if len(there) > 1:
            message = f"only one of {choice}[x] may be given"
            found.append(Fault(expression((place, choice, None)), "element-repeated", message))
        elif required and not there:
            found.append(Fault(expression((place, choice, None)), "element-missing", f"{choice}[x] is required"))


def _check_extension(value: Resource, place: Place, found: list[Fault]) -> None:
    """R4 ext-1: an extension has a value or extensions, and not both."""
    valued = any(name.lstrip("_").startswith("value") for name in value)
    if valued == ("extension" in value):
        message = "ext-1: an extension has either a value or extensions"
        found.append(Fault(expression(place), "invariant-broken", message))


def _check_element(holder: Resource, item: Any, element: Element, form: Shape, place: Place, seen: Survey) -> None:
    if element.many != (type(item) is list):
        message = f"{'an array' if element.many else 'no array'} is expected"
        seen.faults.append(Fault(expression((place, element.name, None)), "type-wrong", message))
        return
    if not element.many:
        if not element.primitive or element.noted:
            _check_part(item, element, form, (place, element.name, None), seen)
        elif fault := CHECKS[element.type](element.type, item):
            seen.faults.append(Fault(expression((place, element.name, None)), *fault))
        return
    if not item:
        seen.faults.append(Fault(expression((place, element.name, None)), "element-empty", "an array is not empty"))
    beside = holder.get("_" + element.name) if element.primitive else None
    for index, part in enumerate(item):
        if part is None and isinstance(beside, list) and _at(beside, index) is not None:
            continue
        _check_part(part, element, form, (place, element.name, index), seen)


def _check_part(part: Any, element: Element, form: Shape, place: Place, seen: Survey) -> None:
    """Check one value of an element."""
    if element.noted:
        seen.noted.append(Node(form, element, part, place))
    if not element.primitive:
        _check_complex(part, element, place, seen)
    elif fault := CHECKS[element.type](element.type, part):
        seen.faults.append(Fault(expression(place), *fault))


def _check_complex(value: Any, element: Element, place: Place, seen: Survey) -> None:
    if not isinstance(value, dict):
        seen.faults.append(Fault(expression(place), "type-wrong", f"an object ({element.type}) is expected"))
    elif (form := _shape_of(value, element)) is None:
        message = "resourceType is not a type of R4 that is known here"
        seen.faults.append(Fault(expression(place), "type-unknown", message))
    else:
        _check_object(value, form, place, seen)
        if element.name == "contained":
            _check_contained(value, place, seen.faults)


def _check_sibling(holder: Resource, item: Any, sibling: Element, place: Place, seen: Survey) -> None:
    """Check `_birthDate` and its like: the id and extensions of a primitive, aligned with its values."""
    found, values = seen.faults, holder.get(sibling.name)
    if sibling.many != (type(item) is list):
        found.append(Fault(expression((place, sibling.name, None)), "type-wrong", "extensions do not fit the element"))
        return
    if sibling.many and isinstance(values, list) and len(values) != len(item):
        message = "values and their extensions have the same number"
        found.append(Fault(expression((place, sibling.name, None)), "type-wrong", message))
    for part, index in _parts(item, sibling):
        if part is not None or index is None:
            _check_complex(part, sibling, (place, sibling.name, index), seen)
        elif not isinstance(values, list) or _at(values, index) is None:
            found.append(
                Fault(expression((place, sibling.name, index)), "element-empty", "neither value nor extension")
            )


def _check_contained(value: Resource, place: Place, found: list[Fault]) -> None:
    """R4 dom-2 and dom-4, and that a contained resource can be referred to."""
    if "id" not in value:
        found.append(Fault(expression((place, "id", None)), "element-missing", "a contained resource has an id"))
    if "contained" in value:
        message = "dom-2: a contained resource contains no other"
        found.append(Fault(expression((place, "contained", None)), "invariant-broken", message))
    meta = value.get("meta")
    if isinstance(meta, dict) and ("versionId" in meta or "lastUpdated" in meta):
        message = "dom-4: a contained resource has no version of its own"
        found.append(Fault(expression((place, "meta", None)), "invariant-broken", message))


def _reference_faults(resource: Resource, noted: list[Node]) -> list[Fault]:
    """References by criteria, to a type that may not stand there, or to a contained resource not there (ref-1)."""
    found, type_name = [], resource["resourceType"]
    contained = contained_types(resource)
    for node in noted:
        if node.element.type != "Reference" or not isinstance(node.value, dict):
            continue
        link = node.value.get("reference")
        if isinstance(link, str) and "?" in link and _CRITERIA.match(link) and type_name not in _OF_TRANSACTIONS:
            message = "a reference with criteria is resolved in a transaction only"
            found.append(Fault(expression(node.place), "value-invalid", message))
            continue
        dangling = isinstance(link, str) and link[:1] == "#" and link != "#" and link[1:] not in contained
        if dangling and type_name != "Bundle":
            message = "ref-1: no contained resource has this id"
            found.append(Fault(expression(node.place), "invariant-broken", message))
            continue
        target = reference_type(node.value, contained)
        if target and node.element.targets and target not in node.element.targets:
            message = f"may refer to {', '.join(sorted(node.element.targets))}"
            found.append(Fault(expression(node.place), "reference-type-wrong", message))
    return found


def contained_types(resource: Resource) -> dict[str, Any]:
    """The types of the contained resources by their id, for references of the form `#…`."""
    inside = resource.get("contained")
    parts = inside if isinstance(inside, list) else []
    return {
        part["id"]: part.get("resourceType")
        for part in parts
        if isinstance(part, dict) and isinstance(part.get("id"), str)
    }


def reference_type(reference: Resource, contained: dict[str, Any] | None = None) -> str | None:
    """The resource type a Reference points to, where it can be told from the reference itself.

    contained  types of the contained resources by id, for `#…`
    """
    link = reference.get("reference")
    if isinstance(link, str):
        if link.startswith("#"):
            return (contained or {}).get(link[1:])
        if (found := _REFERENCE.search(link)) and known(found[1]):
            return found[1]
    named = reference.get("type")
    return named if isinstance(named, str) and "/" not in named else None


def _shape_of(value: Resource, element: Element) -> Shape | None:
    """The shape of an object: that of its element's type, or of the resource it says it is."""
    if element.type != "Resource":
        return shape(element.type)
    type_name = value.get("resourceType")
    return shape(type_name) if isinstance(type_name, str) and known(type_name) else None


def _sibling(element: Element) -> Element:
    """The element that stands beside a primitive, with its id and extensions."""
    return Element(element.name, "Element", False, element.many, False, element.choice)


def _parts(item: Any, element: Element) -> list[tuple[Any, int | None]]:
    """The values of an element with their index, which is None for an element that does not repeat."""
    if not element.many:
        return [(item, None)]
    return [(part, index) for index, part in enumerate(item)] if isinstance(item, list) else []


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else None


def _safe(name: str) -> str:
    """A member name fit for a message: one that could be an element's, else no name at all."""
    return name if name.isidentifier() and len(name) <= 64 else "?"
