"""A computed reading as an Observation: shown with the others, never stored.

It says what it was computed from (`derivedFrom`) and how (`method`, `note`), and has no id: who wants it again asks
again. https://hl7.org/fhir/R4/observation.html#Observation.derivedFrom
"""

import uuid
from decimal import Decimal

from careplan.domain.formula import FORMULAS
from careplan.domain.measure import Measure, Reading
from careplan.fhir import systems
from careplan.fhir.goal import quantity
from careplan.fhir.text import Json

_VITAL_SIGNS = frozenset({"bmi"})
_NAMESPACE = uuid.UUID("5c7d6d0e-2b63-5a0b-8a0f-6b5f5d3f0a42")


def derived_key(reading: Reading) -> str:
    """`urn:uuid:…` of a computed reading: the same for the same value of the same Observations, and no stored id."""
    parts = (reading.measure, reading.formula, reading.at.isoformat(), str(reading.value), *reading.derived_from)
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, '|'.join(parts))}"


def observation_from_derived(reading: Reading, measure: Measure, patient: str, base: str) -> Json:
    """The Observation of a computed reading; `patient`: logical id, `base`: this server's, for absolute references."""
    assert isinstance(reading.value, Decimal) and measure.derived is not None, "only numbers are computed"
    formula, source = FORMULAS[reading.formula], measure.derived.source
    category = "vital-signs" if measure.id in _VITAL_SIGNS else "laboratory" if measure.sample else "exam"
    year = f", {source.year}" if source.year else ""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": systems.OBSERVATION_CATEGORY, "code": category}]}],
        "code": {"coding": _codings(measure), "text": measure.name},
        "subject": {"reference": f"{base}/Patient/{patient}"},
        "effectiveDateTime": reading.at.isoformat(),
        "valueQuantity": quantity(reading.value, measure),
        "note": [{"text": f"Beregnet, ikke målt: {formula.says}. {source.title}. {source.publisher}{year}."}],
        "method": {"text": formula.says},
        "derivedFrom": [{"reference": f"{base}/{one}"} for one in reading.derived_from],
    }


def _codings(measure: Measure) -> list[Json]:
    """The measure's main code, and its first LOINC code beside it."""
    own = [code for code in measure.codes if code.setting == "clinic"]
    chosen = [*own[:1], *(code for code in own[1:] if code.system == systems.LOINC)][:2]
    return [{"system": code.system, "code": code.code, "display": code.display} for code in chosen]
