"""`[derived]` and `[[conversion]]` of a measure's file: how a value is computed, and from which other units it comes.

Formulas stand in `careplan.domain.formula`, scaling units in `careplan.fhir.unit`; a file names them and their source.
"""

from decimal import Decimal

from careplan.domain.errors import UnitMismatch
from careplan.domain.formula import FORMULAS
from careplan.domain.measure import Conversion, Derivation, Measure
from careplan.domain.source import Source
from careplan.fhir.unit import factor, molar_factor
from careplan.knowledge.draft import Draft
from careplan.knowledge.entry import Entry, nearest
from careplan.knowledge.term import source_from_entry

NOWHERE = Source("", "", "")


def derivation_from_entry(entry: Entry) -> Derivation | None:
    """The table under `derived`: formula, the measures it is computed from, and the source."""
    found = entry.entry("derived")
    if found is None:
        return None
    inputs, source = found.texts("from", required=True), source_from_entry(found) or NOWHERE
    derived = Derivation(_formula(found), inputs, source, found.text("beside", ""))
    found.close()
    return derived


def conversions_from_entry(entry: Entry, ucum: str) -> tuple[Conversion, ...]:
    """Every `[[conversion]]` into the measure's unit: by `molar_mass` or by `formula`, each with its source."""
    return tuple(_conversion(one, ucum) for one in entry.entries("conversion"))


def _conversion(entry: Entry, ucum: str) -> Conversion:
    unit, mass = entry.text("unit"), entry.number("molar_mass")
    formula = _formula(entry) if entry.has("formula") else ""
    conversion = Conversion(unit, source_from_entry(entry) or NOWHERE, mass, formula)
    entry.close()
    if (mass is None) == (not formula):
        entry.refuse("a conversion is by `molar_mass` or by `formula`; write one of them")
    elif mass is not None:
        _molar(entry, unit, ucum, mass)
    elif formula in FORMULAS:
        _by_formula(entry, formula, unit, ucum)
    return conversion


def _molar(entry: Entry, unit: str, ucum: str, mass: Decimal) -> None:
    if mass <= 0:
        entry.refuse("`molar_mass` is in g/mol and above 0", "molar_mass")
        return
    try:
        molar_factor(unit, ucum, mass)
    except UnitMismatch:
        entry.refuse(f"a molar mass does not lead from `{unit}` to `{ucum}`; correct the unit", "unit")


def _by_formula(entry: Entry, name: str, unit: str, ucum: str) -> None:
    formula = FORMULAS[name]
    if [one.unit for one in formula.inputs] != [unit] or not _same(formula.unit, ucum):
        entry.refuse(f"the formula `{name}` does not lead from `{unit}` to `{ucum}`; name another", "formula")


def _formula(entry: Entry) -> str:
    name = entry.text("formula")
    if name and name not in FORMULAS:
        near = nearest(name, FORMULAS)
        entry.refuse(f"there is no formula `{name}`{near}; it is one of: {', '.join(FORMULAS)}", "formula")
    return name


def refuse_underivable(draft: Draft) -> None:
    """Note every derived measure whose formula, inputs and units do not fit one another."""
    for place, measure in draft.measures.values():
        if measure.derived is not None and measure.derived.formula in FORMULAS:
            _derived(draft, place.entry("derived") or place, measure, measure.derived)


def _derived(draft: Draft, place: Entry, measure: Measure, derived: Derivation) -> None:
    formula = FORMULAS[derived.formula]
    if derived.beside and derived.beside not in draft.measures:
        near = nearest(derived.beside, draft.measures)
        place.refuse(f"no measure is called `{derived.beside}`{near}; correct it", "beside")
    if not _same(formula.unit, measure.ucum):
        place.refuse(f"`{formula.id}` gives `{formula.unit}`, but {measure.id} is in `{measure.ucum}`", "formula")
    if len(derived.inputs) != len(formula.inputs):
        named = ", ".join(f"{one.name} ({one.unit})" for one in formula.inputs)
        place.refuse(f"`{formula.id}` takes {len(formula.inputs)} inputs in this order: {named}", "from")
        return
    for name, wanted in zip(derived.inputs, formula.inputs, strict=True):
        if name not in draft.measures:
            place.refuse(f"no measure is called `{name}`{nearest(name, draft.measures)}; correct it", "from")
            continue
        given = draft.measures[name][1]
        if given.ucum != wanted.unit:
            place.refuse(f"`{formula.id}` takes {wanted.name} in `{wanted.unit}`; {name} is in `{given.ucum}`", "from")
        if name == measure.id:
            place.refuse(f"{name} cannot be computed from itself", "from")


def _same(unit: str, other: str) -> bool:
    """Whether two units are one, perhaps written otherwise."""
    try:
        return factor(unit, other) == 1
    except UnitMismatch:
        return False
