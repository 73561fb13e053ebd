"""`careplan/fhir/units.json`, made anew by ucumvert: `python tests/ucum_table.py`; a test compares the two.

Which units stand together is said here, since UCUM alone would make 7 % of HbA1c 70 mmol/mol, a ratio of masses one
of substances, and drop the `{1.73_m2}` of a filtration rate. Their factors are the library's, as exact fractions.
"""

import json
from fractions import Fraction
from pathlib import Path

from ucumvert import PintUcumRegistry

TABLE = Path(__file__).resolve().parents[1] / "careplan" / "fhir" / "units.json"

KINDS: dict[str, tuple[str, ...]] = {
    "number": ("1", "{ratio}", "{fraction}", "%"),
    "count": ("{Number}", "{number}", "{score}"),
    "length": ("m", "dm", "cm", "mm", "[in_i]", "[ft_i]"),
    "mass": ("kg", "g", "mg", "ug", "[lb_av]"),
    "volume": ("L", "l", "dL", "dl", "mL", "ml"),
    "years": ("a", "mo"),
    "time": ("s", "min", "h", "d", "wk"),
    "time a day": ("min/d", "h/d"),
    "time a week": ("min/wk", "h/wk"),
    "rate": ("/min", "1/min", "{beats}/min", "{breaths}/min"),
    "mass concentration": ("kg/L", "g/L", "g/l", "g/dL", "mg/dL", "mg/dl", "mg/L", "mg/l", "ug/L", "ug/mL", "ng/mL"),
    "substance concentration": ("mol/L", "mmol/L", "mmol/l", "mmol/dL", "umol/L", "umol/l", "nmol/L", "nmol/l"),
    "enzyme concentration": ("U/L", "U/l", "kU/L"),
    "mass ratio": ("g/g", "mg/g", "ug/mg", "g/kg"),
    "mass by substance": ("mg/mmol", "g/mol", "g/mmol", "mg/mol", "ug/mmol"),
    "substance ratio": ("mmol/mol", "mol/mol", "10*-3"),
    "pressure": ("mm[Hg]", "kPa"),
    "filtration": ("mL/min/{1.73_m2}", "ml/min/{1.73_m2}"),
    "mass by area": ("kg/m2", "g/m2"),
}
"""kind → its units; the first is what the others are counted in."""

ANNOTATIONS = frozenset({"{ratio}", "{fraction}", "{Number}", "{number}", "{score}"})
"""Words in braces that stand alone: UCUM counts each as 1, which the library does not read."""


def table() -> dict[str, dict[str, str]]:
    """kind → unit → how many of the kind's first unit it is."""
    registry = PintUcumRegistry(non_int_type=Fraction)
    return {kind: _factors(registry, units) for kind, units in KINDS.items()}


def _factors(registry: PintUcumRegistry, units: tuple[str, ...]) -> dict[str, str]:
    found = {unit: _root(registry, unit) for unit in units}
    dimensions = {dimension for _, dimension in found.values()}
    assert len(dimensions) == 1, f"{units} are of several dimensions: {dimensions}"
    first = found[units[0]][0]
    return {unit: str(factor / first) for unit, (factor, _) in found.items()}


def _root(registry: PintUcumRegistry, unit: str) -> tuple[Fraction, str]:
    if unit in ANNOTATIONS:
        return Fraction(1), "[]"
    root = registry.Quantity(Fraction(1), registry.from_ucum(unit).units).to_root_units()
    return Fraction(root.magnitude), repr(sorted(root.dimensionality.items()))


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
