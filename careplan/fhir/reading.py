"""Observation → readings: one resource may hold several (a blood pressure panel), or none.

Which codes carry which measure stands in `careplan/knowledge/measures/`; aliases of systems are folded. Values are
converted into the measure's unit (`careplan.fhir.unit`) or left out, never guessed. danish-fhir.md §4.
Not here: what is computed from them (`careplan.domain.derivation`), and which values are refused on writing
(`careplan.interactions.belief`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from careplan.domain.errors import OutOfRange, UnitMismatch
from careplan.domain.guideline import Knowledge
from careplan.domain.measure import Code, Measure, Reading, Value
from careplan.fhir import systems
from careplan.fhir.instant import COPENHAGEN, find_instant
from careplan.fhir.text import Json
from careplan.fhir.unit import value_in_measure

WITHDRAWN = frozenset({"entered-in-error", "cancelled"})


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of all measures, by every name of their system; what is asked for each value of a record.

    goals    MedCom's codes of targets, which no value has; homes: codes of what is measured at home
    derived  the measures that are computed where they were not reported
    """

    measures: Mapping[tuple[str, str], tuple[Measure, Code]]
    goals: Mapping[tuple[str, str], Measure]
    homes: frozenset[tuple[str, str]]
    derived: tuple[Measure, ...] = ()

    def find(self, concept: Json) -> tuple[Measure, Code] | None:
        """The measure a CodeableConcept names, by the first of its codings that is one."""
        if isinstance(concept, dict):
            for coding in concept.get("coding", ()):
                found = self.measures.get((coding.get("system", ""), coding.get("code", "")))
                if found is not None:
                    return found
        return None


def codes_from_knowledge(knowledge: Knowledge) -> Codes:
    """The code table of a knowledge; made once."""
    every = knowledge.measures.values()
    homes = [code for one in every for code in (*one.panel, *one.codes) if code.setting == "home"]
    return Codes(
        {key: (measure, code) for measure in every for code in measure.codes for key in _names(code)},
        {(systems.MCS, code): one for one in every for code in one.goal_codes.values()},
        frozenset(key for code in homes for key in _names(code)),
        tuple(one for one in every if one.derived is not None),
    )


def _names(code: Code) -> Iterator[tuple[str, str]]:
    return ((system, code.code) for system in systems.names_of_system(code.system))


def coding_keys(concept: Json) -> Iterator[tuple[str, str]]:
    """(folded system, code) of each coding of a CodeableConcept."""
    if isinstance(concept, dict):
        for coding in concept.get("coding", ()):
            if "code" in coding:
                yield systems.normal_system(coding.get("system", "")), coding["code"]


def effective_at(observation: Json) -> datetime | None:
    """When a value was taken, by the Danish clock: effective time (a Period's end), else when it was issued."""
    at = _local(observation.get("effectiveDateTime"))
    if at is not None:
        return at
    period = observation.get("effectivePeriod") or {}
    candidates = (observation.get("effectiveInstant"), period.get("end") or period.get("start"))
    return next((at for at in map(_local, (*candidates, observation.get("issued"))) if at is not None), None)


def _local(text: object) -> datetime | None:
    return _moment(text) if isinstance(text, str) else None


@lru_cache(2048)
def _moment(text: str) -> datetime | None:
    """A person's values come by the visit, many with one time."""
    at = find_instant(text)
    return None if at is None else at.astimezone(COPENHAGEN)


def readings_from_observation(observation: Json, codes: Codes) -> tuple[Reading, ...]:
    """What an Observation says of our measures; empty when withdrawn, undated, or about something else."""
    at = effective_at(observation)
    return () if at is None else tuple(_readings(observation, at, codes))


def readings_from_observations(observations: Iterable[Json], codes: Codes) -> dict[str, tuple[Reading, ...]]:
    """All readings by measure, newest first."""
    return readings_from_dated(((effective_at(one), one) for one in observations), codes)


def readings_from_dated(
    observations: Iterable[tuple[datetime | None, Json]], codes: Codes
) -> dict[str, tuple[Reading, ...]]:
    """All readings by measure, newest first, of Observations whose time is known already."""
    by_measure: dict[str, list[Reading]] = {}
    for at, observation in observations:
        for reading in () if at is None else _readings(observation, at, codes):
            by_measure.setdefault(reading.measure, []).append(reading)
    for some in by_measure.values():
        some.sort(key=_order, reverse=True)
    return {name: tuple(some) for name, some in by_measure.items()}


def _order(reading: Reading) -> tuple[datetime, str]:
    return reading.at, reading.reference


def _readings(observation: Json, at: datetime, codes: Codes) -> Iterator[Reading]:
    if observation.get("status") in WITHDRAWN:
        return
    for part in parts_of(observation):
        found = codes.find(part.get("code"))
        if found is None:
            continue
        measure, code = found
        value, comparator = _value(measure, code, part)
        if value is not None:
            source = "home" if code.setting == "home" else _source(observation, codes)
            yield Reading(measure.id, value, at, f"Observation/{observation.get('id', '')}", source, comparator)


def parts_of(observation: Json) -> tuple[Json, ...]:
    """What may hold a value: the Observation itself, and its components."""
    components = observation.get("component")
    return (observation, *components) if components else (observation,)


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
    try:
        return value_of_quantity(measure, code, quantity)
    except (UnitMismatch, OutOfRange):
        return None


def value_of_quantity(measure: Measure, code: Code, quantity: Json) -> Decimal:
    """The value of a Quantity (which has one) in the measure's unit; without unit it is in the code's.

    Raises UnitMismatch, OutOfRange
    """
    value = Decimal(quantity["value"])
    unit = _unit(measure, code, quantity)
    if unit in ("1", "") and measure.ucum == "%" and value > 1:
        unit = "%"  # NPU03011 is a fraction here and a percentage there (danish-fhir.md §4, traps): size decides
    return value if unit == measure.ucum else value_in_measure(value, unit, measure)


def _unit(measure: Measure, code: Code, quantity: Json) -> str:
    """The UCUM code, else what the written unit means here: `mmHg` is the measure's mm[Hg]."""
    unit: str = quantity.get("code") or quantity.get("unit") or ""
    if unit == measure.ucum:
        return unit
    if not unit or unit == code.ucum:
        return code.ucum or measure.ucum
    return measure.ucum if unit == measure.unit else unit


def _answer(measure: Measure, concept: Json) -> Value | None:
    keys = set(coding_keys(concept))
    text = str(concept.get("text", "")).strip().lower()
    for answer in measure.answers:
        same_code = any((systems.normal_system(system), code) in keys for system, code in answer.codes)
        if same_code or (text and text in (answer.says.lower(), *(one.lower() for one in answer.texts))):
            return Decimal(answer.value) if measure.kind in ("score", "quantity") else answer.value
    return text or None if not measure.answers and measure.kind in ("choice", "group") else None


def _source(observation: Json, codes: Codes) -> str:
    performers = observation.get("performer", ())
    for one in performers:
        if str(one.get("reference", "")).startswith(("Patient/", "RelatedPerson/")):
            return "home"
    code = observation.get("code")
    for coding in code.get("coding", ()) if isinstance(code, dict) else ():
        if (coding.get("system", ""), coding.get("code", "")) in codes.homes:
            return "home"
    coded = False
    for concept in observation.get("category", ()):
        for coding in concept.get("coding", ()):
            if coding.get("code") == "laboratory":
                return "lab"
            coded = coded or "code" in coding
    return "clinic" if performers or coded else "unknown"
