"""Observation → readings: one resource may hold several (a blood pressure panel), or none.

Which codes carry which measure stands in `careplan/knowledge/measures/`; aliases of systems are folded. Values are
converted into the measure's unit (`careplan.fhir.unit`) or left out, never guessed; so is a value of another type than
the measure has, and a number without unit that cannot be in the unit of its code. danish-fhir.md §4.
What clinicians answer (CodeSystem/fact) is read the same way: the form of the answer stands in the fact's file.
Not here: what is computed from them (`careplan.domain.derivation`), and which values are refused on writing
(`careplan.interactions.belief`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from careplan.domain.errors import OutOfRange, UnitMismatch
from careplan.domain.guideline import AnswerForm, FromRecord, Knowledge
from careplan.domain.measure import Answer, Code, Measure, Reading, Value
from careplan.domain.quantity import exact_beside
from careplan.fhir import systems
from careplan.fhir.instant import COPENHAGEN, day_of, find_instant
from careplan.fhir.span import find_span
from careplan.fhir.text import Json
from careplan.fhir.unit import exact_in_measure, shown_in_measure, unit_from_text

WITHDRAWN = frozenset({"entered-in-error", "cancelled"})

_NUMBERS = frozenset({"valueQuantity", "valueInteger"})
_WORDS = frozenset({"valueCodeableConcept", "valueString"})
TYPES: Mapping[str, frozenset[str]] = {
    "quantity": _NUMBERS,
    "score": _NUMBERS | _WORDS,
    "choice": _WORDS,
    "flag": frozenset({"valueBoolean"}),
    "group": _WORDS,
}
"""kind of a measure → the types its values may have."""
ASKED_TYPES: Mapping[str, frozenset[str]] = {
    "quantity": _NUMBERS,
    "score": _NUMBERS,
    "choice": frozenset({"valueCodeableConcept"}),
    "flag": frozenset({"valueBoolean"}),
}
"""kind of an answer to a question of CodeSystem/fact → the types it may have."""


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of all measures, by every name of their system; what is asked for each value of a record.

    goals    MedCom's codes of targets, which no value has; homes: codes of what is measured at home
    derived  the measures that are computed where they were not reported
    asked    code of CodeSystem/fact → the form of its answer, as of a measure with one code
    """

    measures: Mapping[tuple[str, str], tuple[Measure, Code]]
    goals: Mapping[tuple[str, str], Measure]
    homes: frozenset[tuple[str, str]]
    derived: tuple[Measure, ...] = ()
    asked: Mapping[str, tuple[Measure, Code]] = field(default_factory=dict)

    def find_asked(self, concept: Json) -> tuple[Measure, Code] | None:
        """The question of CodeSystem/fact that a CodeableConcept names."""
        if isinstance(concept, dict):
            for coding in concept.get("coding", ()):
                if coding.get("system") == systems.FACT and coding.get("code") in self.asked:
                    return self.asked[coding["code"]]
        return None

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
        dict(_asked(knowledge)),
    )


def _asked(knowledge: Knowledge) -> Iterator[tuple[str, tuple[Measure, Code]]]:
    """The form of each answer that a fact is read from."""
    for fact in knowledge.facts.values():
        origin = fact.definition
        if isinstance(origin, FromRecord) and origin.how == "answer":
            code, form = str(origin.terms["answer"]), origin.terms["form"]
            assert isinstance(form, AnswerForm)
            answers = tuple(Answer(one, one) for one in form.words)
            measure = Measure(
                id=fact.id,
                name=fact.says,
                patient="",
                kind=form.kind,
                unit=form.ucum,
                ucum=form.ucum,
                plausible=form.possible,
                possible=form.possible,
                answers=answers,
            )
            yield code, (measure, Code(systems.FACT, code, ucum=form.ucum))


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
    return _local(_effective_text(observation))


def _effective_text(observation: Json) -> object:
    """The date or time that tells when a value was taken, as it is written; None without one."""
    period = observation.get("effectivePeriod") or {}
    texts = (
        observation.get("effectiveDateTime"),
        observation.get("effectiveInstant"),
        period.get("end") or period.get("start"),
        observation.get("issued"),
    )
    return next((text for text in texts if _local(text) is not None), None)


def is_timed(observation: Json) -> bool:
    """Whether its date says an hour: a day alone says none, and none is made of it."""
    return "T" in str(_effective_text(observation))


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
        value, comparator, exact = _value(measure, code, part)
        if value is not None:
            source = "home" if code.setting == "home" else _source(observation, codes)
            reference = f"Observation/{observation.get('id', '')}"
            until = last_day(observation)
            own, timed = _is_own_wording(observation), is_timed(observation)
            yield Reading(
                measure.id,
                value,
                at,
                reference,
                source,
                comparator,
                exact=exact,
                until=until,
                own_wording=own,
                timed=timed,
            )


def _is_own_wording(observation: Json) -> bool:
    """Whether a score comes of questions in other words than the official ones."""
    marks = (one for one in observation.get("extension", ()) if one.get("url") == systems.EXT_OWN_WORDING)
    return any(one.get("valueBoolean") is True for one in marks)


def last_day(observation: Json) -> date | None:
    """The last day that an Observation may be of, where its date says no day: 31 December of `2024`; else None."""
    text = observation.get("effectiveDateTime")
    if not isinstance(text, str) or len(text) >= len("2024-01-01"):
        return None
    span = find_span(text)
    return None if span is None else day_of(span[1] - timedelta(microseconds=1))


def find_answer(observation: Json, codes: Codes) -> tuple[Value | None, str | None]:
    """What an Observation answers to a question of CodeSystem/fact, and `<` or `>`; None where it answers none.

    Only an answer of the form the question asks for: a number of its unit within what is possible, one of its words.
    """
    found = codes.find_asked(observation.get("code"))
    if found is None or observation.get("status") in WITHDRAWN:
        return None, None
    measure, code = found
    if find_type(observation) not in ASKED_TYPES[measure.kind]:
        return None, None
    if measure.kind == "choice":
        return find_word(measure, observation["valueCodeableConcept"]), None
    value, comparator, exact = _value(measure, code, observation)
    value = value if exact is None else exact
    possible = not isinstance(value, Decimal) or measure.possible.holds(value)
    return (value, comparator) if possible else (None, None)


def find_word(measure: Measure, concept: Json) -> str | None:
    """The word of a question's answer that a CodeableConcept holds, written with `_` as rules write it."""
    words = {one.value for one in measure.answers}
    return next((word for _, code in coding_keys(concept) if (word := code.replace("-", "_")) in words), None)


def parts_of(observation: Json) -> tuple[Json, ...]:
    """What may hold a value: the Observation itself, and its components."""
    components = observation.get("component")
    return (observation, *components) if components else (observation,)


_Read = tuple[Value | None, str | None, Decimal | None]
"""A value as it is shown, its comparator, and as it is judged where that is another."""


def _value(measure: Measure, code: Code, part: Json) -> _Read:
    """Of the types that the measure's values have; anything else is none."""
    type_name = find_type(part)
    if type_name is None or type_name not in TYPES[measure.kind]:
        return None, None, None
    if type_name == "valueQuantity":
        return _converted(measure, code, part[type_name])
    return _plain(measure, type_name, part[type_name]), None, None


def find_type(part: Json) -> str | None:
    """`valueQuantity`, `valueBoolean` …; None where there is no value."""
    for name in _COMMON:
        if name in part:
            return name
    return next((name for name in part if name.startswith("value")), None)


_COMMON = ("valueQuantity", "valueInteger", "valueBoolean", "valueCodeableConcept", "valueString")


def _plain(measure: Measure, type_name: str, value: Any) -> Value | None:
    if type_name == "valueInteger":
        return Decimal(value)
    if type_name == "valueBoolean":
        return value if isinstance(value, bool) else None
    return _answer(measure, value if type_name == "valueCodeableConcept" else {"text": value})


def _converted(measure: Measure, code: Code, quantity: Json) -> _Read:
    comparator = quantity.get("comparator")
    if "value" not in quantity:
        return None, None, None
    try:
        exact, unit = value_of_quantity(measure, code, quantity)
    except (UnitMismatch, OutOfRange):
        return None, None, None
    if unit == measure.ucum:
        return exact, comparator, None
    shown = shown_in_measure(exact, unit, measure)
    return shown, comparator, exact_beside(shown, exact)


def value_of_quantity(measure: Measure, code: Code, quantity: Json) -> tuple[Decimal, str]:
    """The value of a Quantity (which has one) in the measure's unit, as it is judged; and the unit it came in.

    Without unit it is in the unit of its code, if it can be: 0.075 without unit is no percentage of HbA1c.
    Raises UnitMismatch, OutOfRange
    """
    value = Decimal(quantity["value"])
    unit = _unit(measure, code, quantity)
    if unit == "1" == code.ucum and measure.ucum == "%" and value > 1:
        unit = "%"  # NPU03011 is a fraction here and a percentage there (danish-fhir.md §4, traps): size decides
    found = value if unit == measure.ucum else exact_in_measure(value, unit, measure)
    if measure.kind == "score" and found % 1:
        raise OutOfRange(f"a value of {measure.id} is a whole number; correct it")
    if measure.kind == "quantity" and not has_unit(quantity) and not measure.plausible.holds(found):
        raise UnitMismatch(f"a value of {measure.id} without unit is in {unit}, and this one cannot be; send its unit")
    return found, unit


def has_unit(quantity: Json) -> bool:
    return bool(quantity.get("code") or quantity.get("unit"))


def _unit(measure: Measure, code: Code, quantity: Json) -> str:
    """The UCUM code, else what the written unit means here: `mmHg` is the measure's mm[Hg]."""
    unit: str = quantity.get("code") or quantity.get("unit") or ""
    if unit == measure.ucum:
        return unit
    if not unit or unit == code.ucum:
        return code.ucum or measure.ucum
    return measure.ucum if unit == measure.unit else unit_from_text(unit)


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
    if is_of_laboratory(observation):
        return "lab"
    return "clinic" if performers or any(_categories(observation)) else "unknown"


def is_of_laboratory(observation: Json) -> bool:
    """Whether a value says that a laboratory has made it."""
    return "laboratory" in _categories(observation)


def _categories(observation: Json) -> list[str]:
    return [
        coding["code"]
        for one in observation.get("category", ())
        for coding in one.get("coding", ())
        if "code" in coding
    ]
