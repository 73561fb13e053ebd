"""Observations of invented people: each measure's codes, unit and bounds, and how a value is written as FHIR.

The codes and units are those of danish-fhir.md §4; NPU or MCS, with LOINC beside it where the FHIR vital
signs profile asks for it. The bounds are the ones no generated value leaves; they are narrower than
the plausible range and say nothing of health.
Specification: https://hl7.org/fhir/R4/observation.html, https://hl7.org/fhir/R4/observation-vitalsigns.html.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from careplan.fhir import systems

Resource: TypeAlias = dict[str, Any]
"""A FHIR resource or a part of one; parts are shared between resources, so none may be changed in place."""


def concept(*codings: tuple[str, str], text: str | None = None) -> Resource:
    """A CodeableConcept of (system, code) pairs."""
    coded: Resource = {"coding": [{"system": system, "code": code} for system, code in codings]} if codings else {}
    return coded | ({"text": text} if text else {})


_CATEGORIES = {
    name: [concept((systems.OBSERVATION_CATEGORY, name))]
    for name in ("laboratory", "vital-signs", "procedure", "survey", "social-history", "exam")
}


@dataclass(frozen=True, slots=True)
class Kind:
    """How a measure is written.

    codings  (system, code), the Danish one first
    unit     text and UCUM code; None for whole numbers without unit
    bounds   lowest and highest value ever generated
    digits   decimals kept
    """

    category: str
    codings: tuple[tuple[str, str], ...]
    unit: tuple[str, str] | None
    bounds: tuple[float, float]
    digits: int = 0


def _npu(*codes: str) -> tuple[tuple[str, str], ...]:
    return tuple((systems.LOINC if "-" in code else systems.NPU, code) for code in codes)


def _mcs(*codes: str) -> tuple[tuple[str, str], ...]:
    return tuple((systems.LOINC if "-" in code else systems.MCS, code) for code in codes)


def _fact(code: str) -> tuple[tuple[str, str], ...]:
    return ((systems.FACT, code),)


_MMOL = ("mmol/L", "mmol/L")
_PRESSURE = ("mmHg", "mm[Hg]")
LAB, VITAL, EXAM, SURVEY, SOCIAL = "laboratory", "vital-signs", "exam", "survey", "social-history"

KINDS: Mapping[str, Kind] = {
    "hba1c": Kind(LAB, _npu("NPU27300"), ("mmol/mol", "mmol/mol"), (24, 150)),
    "ldl": Kind(LAB, _npu("NPU01568"), _MMOL, (0.4, 8), 1),
    "hdl": Kind(LAB, _npu("NPU01567"), _MMOL, (0.5, 3.2), 1),
    "cholesterol": Kind(LAB, _npu("NPU01566"), _MMOL, (1.8, 13), 1),
    "triglyceride": Kind(LAB, _npu("NPU04094"), _MMOL, (0.3, 9), 1),
    "creatinine": Kind(LAB, _npu("NPU18016"), ("µmol/L", "umol/L"), (30, 600)),
    "egfr": Kind(LAB, _npu("DNK35302"), ("mL/min/1,73 m²", "mL/min/{1.73_m2}"), (6, 90)),
    "uacr": Kind(LAB, _npu("NPU19661"), ("mg/g", "mg/g"), (3, 3500)),
    "potassium": Kind(LAB, _npu("NPU03230"), _MMOL, (2.8, 6.2), 1),
    "weight": Kind(VITAL, _npu("NPU03804", "29463-7"), ("kg", "kg"), (36, 210), 1),
    "height": Kind(VITAL, ((systems.LOINC, "8302-2"),), ("cm", "cm"), (140, 208)),
    "bmi": Kind(VITAL, _npu("NPU27281", "39156-5"), ("kg/m²", "kg/m2"), (13, 65), 1),
    "spo2": Kind(VITAL, ((systems.LOINC, "2708-6"), (systems.SNOMED, "431314004")), ("%", "%"), (80, 100)),
    "fev1": Kind(EXAM, _mcs("MCS88015"), ("L", "L"), (0.35, 6.5), 2),
    "fvc": Kind(EXAM, _mcs("MCS88016"), ("L", "L"), (0.6, 8.5), 2),
    "fev1_fvc": Kind(EXAM, _mcs("MCS88017"), ("ratio", "{ratio}"), (0.2, 0.95), 2),
    "fev1_percent": Kind(EXAM, _mcs("MCS88184"), ("%", "%"), (12, 125)),
    "mrc": Kind(SURVEY, _mcs("MCS88021"), None, (1, 5)),
    "cat": Kind(SURVEY, _mcs("MCS88137"), None, (0, 40)),
    "exacerbations": Kind(SURVEY, _mcs("MCS88022"), None, (0, 12)),
    "smoking": Kind(SOCIAL, ((systems.MCS, "MCS88011"), (systems.LOINC, "72166-2")), None, (0, 0)),
    "alcohol": Kind(SOCIAL, _mcs("MCS88036"), ("genstande/uge", "{genstand}/wk"), (0, 60)),
    "activity": Kind(SOCIAL, _mcs("MCS88001"), ("timer/uge", "h/wk"), (0, 20), 1),
    "foot": Kind(EXAM, _mcs("MCS88153"), None, (0, 0)),
    "eye": Kind(EXAM, _mcs("MCS88152"), None, (0, 0)),
    "frailty": Kind(SURVEY, _fact("clinical-frailty-scale"), None, (1, 9)),
    "hypoglycaemia": Kind(SURVEY, _fact("severe-hypoglycaemia"), None, (0, 0)),
    "resistant": Kind(SURVEY, _fact("treatment-resistant-hypertension"), None, (0, 0)),
    "family_history": Kind(SURVEY, _fact("family-history-premature-cvd"), None, (0, 0)),
    "standing_fall": Kind(SURVEY, _fact("orthostatic-drop"), _PRESSURE, (-15, 60)),
    "score2": Kind(SURVEY, _fact("score2-category"), None, (0, 0)),
    "short_life": Kind(SURVEY, _fact("limited-life-expectancy"), None, (0, 0)),
    "systolic": Kind(VITAL, _npu("DNK05472", "8480-6"), _PRESSURE, (84, 230)),
    "diastolic": Kind(VITAL, _npu("DNK05473", "8462-4"), _PRESSURE, (42, 125)),
    "home_systolic": Kind(VITAL, _mcs("MCS88019", "8480-6"), _PRESSURE, (84, 230)),
    "home_diastolic": Kind(VITAL, _mcs("MCS88020", "8462-4"), _PRESSURE, (42, 125)),
}

SMOKING_ANSWERS = {
    "current": concept((systems.SNOMED, "77176002"), text="dagligt"),
    "former": concept((systems.SNOMED, "8517006"), text="ophørt"),
    "never": concept((systems.SNOMED, "266919005"), text="aldrig røget"),
}
_CODES = {name: concept(*kind.codings) for name, kind in KINDS.items()}
_PANEL = concept((systems.LOINC, "85354-9"), (systems.MCS, "MCS88200"))
_HOME_PANEL = concept((systems.LOINC, "85354-9"), (systems.MCS, "MCS88206"))
_REPORTED = concept((systems.SNOMED, "733985002"))

LABORATORY = [{"reference": "Organization/laboratorium-nord"}]


class Newest(NamedTuple):
    """A newest value: when, how much, UCUM unit (empty without one)."""

    at: str
    value: Decimal
    unit: str


class Record:
    """The resources of one invented person, in the order they are written.

    newest   by code: when it was last measured and the value, for achievement of goals
    """

    def __init__(self, person: str, clinic: str) -> None:
        """person: the id of the Patient; clinic: `own` or `other`."""
        self.person = person
        self.clinic = clinic
        self.subject = {"reference": f"Patient/{person}"}
        self.nurse = {"reference": f"PractitionerRole/sygeplejerske-{clinic}"}
        self.doctor = {"reference": f"PractitionerRole/laege-{clinic}"}
        self.organization = {"reference": f"Organization/clinic-{clinic}"}
        self.resources: list[Resource] = []
        self.newest: dict[str, Newest] = {}
        self._count = 0

    def add(self, kind: str, suffix: str, content: Resource) -> Resource:
        """Write a resource; returns the reference to it."""
        id = f"{self.person}-{suffix}"
        self.resources.append({"resourceType": kind, "id": id, **content})
        return {"reference": f"{kind}/{id}"}

    def measured(self, name: str, at: str, value: float, comparator: str | None = None) -> float:
        """Write a quantity or whole number, rounded as it is reported; returns what was written."""
        kind = KINDS[name]
        number = _rounded(kind, value)
        if kind.unit is None:
            self._observe(name, at, {"valueInteger": int(number)})
        else:
            self._observe(name, at, {"valueQuantity": _quantity(kind.unit, number, comparator)})
        self._remember(kind, at, number)
        return float(number)

    def answered(self, name: str, at: str, value: bool | str | Resource) -> None:
        """Write a yes or no, a text, or a coded answer."""
        if isinstance(value, bool):
            self._observe(name, at, {"valueBoolean": value})
        elif isinstance(value, str):
            self._observe(name, at, {"valueString": value})
        else:
            self._observe(name, at, {"valueCodeableConcept": value})

    def pressure(self, at: str, systolic: float, diastolic: float, *, home: bool = False) -> None:
        """Write a blood pressure panel with both components; at home it is the patient's own."""
        pair = ("home_systolic", "home_diastolic") if home else ("systolic", "diastolic")
        components = []
        for name, value in zip(pair, (systolic, diastolic), strict=True):
            kind = KINDS[name]
            number = _rounded(kind, value)
            components.append({"code": _CODES[name], "valueQuantity": _quantity(_PRESSURE, number, None)})
            self._remember(kind, at, number)
            if home:
                self._remember(KINDS[name.removeprefix("home_")], at, number)
        content: Resource = {"status": "final", "category": _CATEGORIES[VITAL]}
        content |= {"code": _HOME_PANEL if home else _PANEL, "subject": self.subject, "effectiveDateTime": at}
        content |= {"performer": [self.subject], "method": _REPORTED} if home else {"performer": [self.nurse]}
        self._numbered({**content, "component": components})

    def newest_of(self, codes: Iterable[str]) -> Newest | None:
        """The newest value measured under any of these codes."""
        seen = [self.newest[code] for code in codes if code in self.newest]
        return max(seen, key=lambda one: one.at, default=None)

    def _observe(self, name: str, at: str, value: Resource) -> None:
        category = KINDS[name].category
        self._numbered(
            {
                "status": "final",
                "category": _CATEGORIES[category],
                "code": _CODES[name],
                "subject": self.subject,
                "effectiveDateTime": at,
                "performer": LABORATORY if category == LAB else [self.nurse],
                **value,
            }
        )

    def _numbered(self, content: Resource) -> None:
        self._count += 1
        self.resources.append(
            {"resourceType": "Observation", "id": f"{self.person}-o{self._count}", **content},
        )

    def _remember(self, kind: Kind, at: str, value: Decimal) -> None:
        unit = kind.unit[1] if kind.unit else ""
        for _, code in kind.codings:
            if code not in self.newest or self.newest[code].at <= at:
                self.newest[code] = Newest(at, value, unit)


def _rounded(kind: Kind, value: float) -> Decimal:
    low, high = kind.bounds
    return Decimal(f"{min(high, max(low, value)):.{kind.digits}f}")


def _quantity(unit: tuple[str, str], value: Decimal, comparator: str | None) -> Resource:
    text, ucum = unit
    number = int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else value
    if comparator is None:
        return {"value": number, "unit": text, "system": systems.UCUM, "code": ucum}
    return {"value": number, "comparator": comparator, "unit": text, "system": systems.UCUM, "code": ucum}
