"""Observation → readings: one resource may hold several (a blood pressure panel), or none.

Which codes carry which measure stands in `careplan/knowledge/measures/`; aliases of systems are folded. Values
are converted exactly into the measure's unit or left out, never guessed. danish-fhir.md §4.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from careplan.domain.errors import UnitMismatch
from careplan.domain.guideline import Knowledge
from careplan.domain.measure import Code, Measure, Reading, Value
from careplan.domain.quantity import factor
from careplan.fhir import systems
from careplan.fhir.instant import COPENHAGEN, find_instant
from careplan.fhir.text import Json

WITHDRAWN = frozenset({"entered-in-error", "cancelled"})
_TRUE, _FALSE = Decimal(1), Decimal(0)


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of all measures, by folded system and code; `goals`: MedCom's codes of targets, which no value has."""

    measures: Mapping[tuple[str, str], tuple[Measure, Code]]
    goals: Mapping[tuple[str, str], Measure]
    homes: frozenset[tuple[str, str]]

    def find(self, concept: Json) -> tuple[Measure, Code] | None:
        """The measure a CodeableConcept names, by the first of its codings that is one."""
        for key in coding_keys(concept):
            found = self.measures.get(key)
            if found is not None:
                return found
        return None


def codes_from_knowledge(knowledge: Knowledge) -> Codes:
    """The code table of a knowledge; made once."""
    pairs = [(measure, code) for measure in knowledge.measures.values() for code in measure.codes]
    homes = [code for m in knowledge.measures.values() for code in (*m.panel, *m.codes) if code.setting == "home"]
    return Codes(
        {(systems.normal_system(code.system), code.code): (measure, code) for measure, code in pairs},
        {(systems.MCS, code): one for one in knowledge.measures.values() for code in one.goal_codes.values()},
        frozenset((systems.normal_system(code.system), code.code) for code in homes),
    )


def coding_keys(concept: Json) -> Iterator[tuple[str, str]]:
    """(folded system, code) of each coding of a CodeableConcept."""
    if isinstance(concept, dict):
        for coding in concept.get("coding", ()):
            if "code" in coding:
                yield systems.normal_system(coding.get("system", "")), coding["code"]


def effective_at(observation: Json) -> datetime | None:
    """When a value was taken, by the Danish clock: effective time (a Period's end), else when it was issued."""
    period = observation.get("effectivePeriod") or {}
    candidates = (
        observation.get("effectiveDateTime"),
        observation.get("effectiveInstant"),
        period.get("end") or period.get("start"),
        observation.get("issued"),
    )
    return next((at.astimezone(COPENHAGEN) for at in map(find_instant, candidates) if at is not None), None)


def readings_from_observation(observation: Json, codes: Codes) -> tuple[Reading, ...]:
    """What an Observation says of our measures; empty when withdrawn, undated, or about something else."""
    at = effective_at(observation)
    if at is None or observation.get("status") in WITHDRAWN:
        return ()
    reference = f"Observation/{observation.get('id', '')}"
    source = _source(observation, codes)
    parts = (observation, *observation.get("component", ()))
    found = ((codes.find(part.get("code")), part) for part in parts)
    return tuple(
        reading
        for match, part in found
        if match is not None and (reading := _reading(*match, part, at, reference, source)) is not None
    )


def readings_from_observations(observations: Iterable[Json], codes: Codes) -> dict[str, tuple[Reading, ...]]:
    """All readings by measure, newest first."""
    by_measure: dict[str, list[Reading]] = {}
    for observation in observations:
        for reading in readings_from_observation(observation, codes):
            by_measure.setdefault(reading.measure, []).append(reading)
    ordered = {name: sorted(some, key=lambda r: (r.at, r.reference), reverse=True) for name, some in by_measure.items()}
    return {name: tuple(some) for name, some in ordered.items()}


def _reading(measure: Measure, code: Code, part: Json, at: datetime, reference: str, source: str) -> Reading | None:
    value, comparator = _value(measure, code, part)
    if value is None:
        return None
    return Reading(measure.id, value, at, reference, "home" if code.setting == "home" else source, comparator)


def _value(measure: Measure, code: Code, part: Json) -> tuple[Value | None, str | None]:
    if "valueQuantity" in part:
        quantity = part["valueQuantity"]
        return _converted(measure, code, quantity), quantity.get("comparator")
    if "valueInteger" in part:
        return Decimal(part["valueInteger"]), None
    if "valueBoolean" in part:
        return part["valueBoolean"], None
    if "valueCodeableConcept" in part:
        return _answer(measure, part["valueCodeableConcept"]), None
    if "valueString" in part:
        return _answer(measure, {"text": part["valueString"]}), None
    return None, None


def _converted(measure: Measure, code: Code, quantity: Json) -> Decimal | None:
    if "value" not in quantity:
        return None
    value = Decimal(quantity["value"])
    unit = quantity.get("code") or _unit_by_text(measure, code, quantity.get("unit"))
    if unit in ("1", "") and measure.ucum == "%" and value > 1:
        unit = "%"  # NPU03011 is a fraction here and a percentage there (danish-fhir.md §4, traps): size decides
    try:
        return value * factor(unit or code.ucum or measure.ucum, measure.ucum)
    except UnitMismatch:
        return None


def _unit_by_text(measure: Measure, code: Code, text: str | None) -> str:
    if text is None or text == code.ucum:
        return code.ucum or measure.ucum
    return measure.ucum if text in (measure.unit, measure.ucum) else text


def _answer(measure: Measure, concept: Json) -> Value | None:
    keys = set(coding_keys(concept))
    text = str(concept.get("text", "")).strip().lower()
    for answer in measure.answers:
        same_code = any((systems.normal_system(system), code) in keys for system, code in answer.codes)
        if same_code or (text and text in (answer.says.lower(), *(one.lower() for one in answer.texts))):
            return Decimal(answer.value) if measure.kind in ("score", "quantity") else answer.value
    return text or None if not measure.answers and measure.kind in ("choice", "group") else None


def _source(observation: Json, codes: Codes) -> str:
    performers = [str(one.get("reference", "")) for one in observation.get("performer", ())]
    if any(one.startswith(("Patient/", "RelatedPerson/")) for one in performers):
        return "home"
    if any(key in codes.homes for key in coding_keys(observation.get("code"))):
        return "home"
    categories = {code for concept in observation.get("category", ()) for _, code in coding_keys(concept)}
    if "laboratory" in categories:
        return "lab"
    return "clinic" if performers or categories else "unknown"
