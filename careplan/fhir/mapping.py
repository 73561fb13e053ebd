"""The record of one person → the chart that rules read (design §3).

What each fact is read from stands in `careplan/knowledge/facts/`; this module knows how. A fact that is not on
record is left out of the chart, except where absence says no: a problem list and a medicine list are complete.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from careplan.domain.calendar import add_months, years_between
from careplan.domain.chart import Chart, Fact
from careplan.domain.condition import FactValue
from careplan.domain.derivation import derived_readings, newest_first
from careplan.domain.guideline import FromRecord, Knowledge
from careplan.domain.measure import Reading
from careplan.fhir import systems
from careplan.fhir.instant import day_of, find_date, find_whole_date
from careplan.fhir.reading import (
    Codes,
    codes_from_knowledge,
    coding_keys,
    effective_at,
    find_answer,
    last_day,
    readings_from_dated,
)
from careplan.fhir.span import find_span
from careplan.fhir.text import Json

_COUNTING_STATUS = frozenset({"active", "recurrence", "relapse"})
_OVER = frozenset({"completed", "stopped"})
_REFUTED = frozenset({"refuted", "entered-in-error"})
_ADULT, _ALIVE = "coded_at_age", "alive"
_SEX = {"male": True, "female": False}


@dataclass(frozen=True, slots=True)
class Dated:
    """A counting Condition: its codes, its date (onset, else recorded), its reference.

    on, until  first and last day the date may be: a date written as a year is some day of it
    """

    codes: frozenset[tuple[str, str]]
    on: date | None
    reference: str
    until: date | None = None

    @property
    def last(self) -> date | None:
        """The last day it may be."""
        return self.until or self.on


@dataclass(frozen=True, slots=True)
class Answered:
    """A clinician's newest answer to a question of CodeSystem/fact; `until`, `comparator`: as of a Reading."""

    on: date
    value: FactValue
    reference: str
    until: date | None = None
    comparator: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One person's record, sorted for reading facts from it."""

    on: date
    patient: Json
    clinic: str | None
    born: date | None
    conditions: tuple[Dated, ...]
    medicines: tuple[Dated, ...]
    readings: Mapping[str, tuple[Reading, ...]]
    answers: Mapping[str, Answered]
    plans: tuple[Json, ...]


def record_from_resources(resources: Iterable[Json], codes: Codes, on: date, clinic: str | None = None) -> Record:
    """Sort one person's resources by what they tell on a day; what is dated later is left out.

    Of a past day what was so then: a disease until it abated, a drug until its last day.

    clinic  `Organization/x` whose own patients count as own_gp; None: whichever practice the person is listed with
    """
    by_type: dict[str, list[Json]] = {}
    for resource in resources:
        by_type.setdefault(resource["resourceType"], []).append(resource)
    patient = by_type.get("Patient", [{}])[0]
    observations = [(at, one) for one in by_type.get("Observation", ()) if (at := _known_by(one, on)) is not None]
    born = find_whole_date(patient.get("birthDate"))
    reported = readings_from_dated(observations, codes)
    return Record(
        on=on,
        patient=patient,
        clinic=clinic,
        born=born,
        conditions=tuple(_conditions(by_type.get("Condition", ()), on)),
        medicines=tuple(_medicines(by_type.get("MedicationStatement", ()), by_type.get("Medication", ()), on)),
        readings=_with_derived(
            reported, derived_readings(codes.derived, reported, born, _SEX.get(patient.get("gender")))
        ),
        answers=_answers(observations, codes),
        plans=tuple(by_type.get("CarePlan", ())),
    )


def _known_by(observation: Json, on: date) -> datetime | None:
    """When a value was taken, by the Danish clock; None when it has no time, or was not taken yet."""
    at = effective_at(observation)
    return at if at is not None and at.date() <= on else None


def _with_derived(
    reported: Mapping[str, tuple[Reading, ...]], derived: Mapping[str, tuple[Reading, ...]]
) -> Mapping[str, tuple[Reading, ...]]:
    """Both in one series a measure: the newest by date counts, and no day has a value of each."""
    both = {name: newest_first(reported.get(name, ()), some) for name, some in derived.items()}
    return {**reported, **both}


def _conditions(conditions: Iterable[Json], on: date) -> Iterable[Dated]:
    for condition in conditions:
        clinical = {code for _, code in coding_keys(condition.get("clinicalStatus"))}
        verification = {code for _, code in coding_keys(condition.get("verificationStatus"))}
        if verification & _REFUTED or (
            clinical and not clinical & _COUNTING_STATUS and not _abated_after(condition, on)
        ):
            continue
        first, last = _condition_dates(condition)
        if first is None or first <= on:
            codes = frozenset(systems.normal_code(*key) for key in coding_keys(condition.get("code")))
            yield Dated(codes, first, f"Condition/{condition.get('id', '')}", last)


def _abated_after(condition: Json, on: date) -> bool:
    """Whether a disease that is over now was there still on a day."""
    period = condition.get("abatementPeriod") or {}
    first, _ = _days(condition.get("abatementDateTime"), period.get("start"), period.get("end"))
    return first is not None and first > on


def _condition_dates(condition: Json) -> tuple[date | None, date | None]:
    """The first and the last day its date may be; none when it has no date."""
    period = condition.get("onsetPeriod") or {}
    return _days(condition.get("onsetDateTime"), period.get("start"), condition.get("recordedDate"))


def _days(*texts: object) -> tuple[date | None, date | None]:
    """First and last day of the first text that is a date: `2026-11` is all of November."""
    for text in texts:
        if isinstance(text, str) and (found := _days_of(text)) != _NEVER:
            return found
    return _NEVER


_NEVER: tuple[None, None] = (None, None)


@lru_cache(4096)
def _days_of(text: str) -> tuple[date | None, date | None]:
    span = find_span(text)
    return _NEVER if span is None else (day_of(span[0]), day_of(span[1] - timedelta(microseconds=1)))


def _medicines(statements: Iterable[Json], medications: Iterable[Json], on: date) -> Iterable[Dated]:
    """What is taken on a day; a drug whose code cannot be read has no codes."""
    known = {f"Medication/{one.get('id', '')}": one for one in medications}
    for statement in statements:
        period = statement.get("effectivePeriod") or {}
        start, until = _days(period.get("start"), statement.get("effectiveDateTime"))
        if (start is None or start <= on) and _is_taken(statement, on):
            codes = frozenset(coding_keys(_medication_code(statement, known)))
            yield Dated(codes, start, f"MedicationStatement/{statement.get('id', '')}", until)


def _is_taken(statement: Json, on: date) -> bool:
    """Whether it is not over on a day: active until its last day, or over now and not before that day."""
    first, last = _days((statement.get("effectivePeriod") or {}).get("end"))
    if statement.get("status") == "active":
        return last is None or last >= on
    return statement.get("status") in _OVER and first is not None and first > on


def _medication_code(statement: Json, known: Mapping[str, Json]) -> Json:
    """The CodeableConcept of a drug: its own, or that of the Medication it holds or names."""
    concept = statement.get("medicationCodeableConcept")
    if concept:
        return concept
    reference = str((statement.get("medicationReference") or {}).get("reference", ""))
    contained = {f"#{one.get('id', '')}": one for one in statement.get("contained", ())}
    found = contained.get(reference) or known.get("/".join(reference.split("/")[-2:]))
    return None if found is None else found.get("code")


def _answers(observations: Iterable[tuple[datetime, Json]], codes: Codes) -> dict[str, Answered]:
    """The newest answer to each question of CodeSystem/fact."""
    newest: dict[str, tuple[tuple[datetime, str], Answered]] = {}
    for at, one in observations:
        found = codes.find_asked(one.get("code"))
        if found is None:
            continue
        value, comparator = find_answer(one, codes)
        if value is not None:
            code, reference = found[1].code, f"Observation/{one.get('id', '')}"
            if code not in newest or (at, reference) > newest[code][0]:
                answered = Answered(at.date(), value, reference, last_day(one), comparator)
                newest[code] = (at, reference), answered
    return {code: answered for code, (_, answered) in newest.items()}


# ── facts ────────────────────────────────────────────────────────────────────────────────────────


class ChartReader:
    """Reads charts by one knowledge; what that knowledge asks of a record is prepared once."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.codes = codes_from_knowledge(knowledge)
        definitions = [(one.id, one.definition) for one in knowledge.facts.values()]
        self._raw = {name: one for name, one in definitions if isinstance(one, FromRecord)}
        self._fading = [(name, one.terms) for name, one in self._raw.items() if "within_months" in one.terms]

    def chart(
        self, resources: Iterable[Json], on: date, clinic: str | None = None, names: Iterable[str] | None = None
    ) -> Chart:
        """The chart of the one person whose resources these are; `names`: with no other facts than these."""
        return self.chart_from_record(record_from_resources(resources, self.codes, on, clinic), names)

    def chart_from_record(self, record: Record, names: Iterable[str] | None = None) -> Chart:
        raw = self._raw if names is None else {name: self._raw[name] for name in names}
        found = (_READERS[origin.how](self, name, origin.terms, record) for name, origin in raw.items())
        facts = {fact.name: fact for fact in found if fact is not None}
        lapsed = {
            name: fact
            for name, terms in self._fading
            if name in raw and name not in facts and (fact := _answered(name, terms, record)) is not None
        }
        return Chart(record.on, facts, saved_plans(record.plans, record.on), lapsed)

    def conditions_of(self, fact: str, record: Record) -> Sequence[Dated]:
        """The counting conditions behind a diagnosis fact."""
        return _with_codes(self._raw[fact].terms, record.conditions)

    def _diagnosis(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact:
        conditions = _with_codes(terms, record.conditions)
        limit = terms.get(_ADULT)
        if limit is None or record.born is None:
            return _present(name, conditions)
        born = record.born
        sure = [one for one in conditions if one.on is None or years_between(born, one.on) >= limit]
        if sure:
            return _present(name, sure)
        perhaps = [one for one in conditions if one.last is not None and years_between(born, one.last) >= limit]
        return replace(_present(name, perhaps), others=(False,) if perhaps else ())

    def _years_since(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
        dated = [one for one in self.conditions_of(terms["years_since"], record) if one.on is not None]
        first = min(dated, key=lambda one: (one.on or date.max, one.reference), default=None)
        if first is None or first.on is None:
            return None
        latest = min(record.on, *(one.last or record.on for one in dated))
        others = (years_between(latest, record.on),) if latest != first.on else ()
        return Fact(name, years_between(first.on, record.on), first.on, (first.reference,), others, until=first.until)

    def _measure(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
        readings = record.readings.get(terms["measure"], ())
        if "nearest" in terms:
            return self._nearest(name, terms, readings, record)
        if not readings:
            return None
        return _of_reading(name, readings[0])

    def _nearest(self, name: str, terms: Mapping[str, Any], readings: Sequence[Reading], record: Record) -> Fact | None:
        """The reading nearest the first code; where that is no one day, of whichever day it may be."""
        dated = [one for one in self.conditions_of(terms["nearest"], record) if one.on is not None]
        if not dated or not readings:
            return None
        first = min(one.on for one in dated if one.on is not None)
        latest = min(record.on, *(one.last or record.on for one in dated))
        days = (first + timedelta(days) for days in range(max(1, (latest - first).days + 1)))
        found = {_nearest_to(day, readings, int(terms["within_days"])): None for day in days}
        best = next(iter(found))
        if best is None or None in found:
            return None
        others = dict.fromkeys(one.judged for one in found if one is not None and one.judged != best.judged)
        return replace(_of_reading(name, best), others=tuple(others))

    def _answer(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
        fact = _answered(name, terms, record)
        months = terms.get("within_months")
        if fact is not None and (months is None or add_months(fact.on or date.min, int(months)) >= record.on):
            return fact
        return Fact(name, False) if terms.get("absent") == "no" else None

    def _drug(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
        """Yes by a drug with such a code; no where the code of every drug can be read."""
        prefixes = tuple(terms["drug"])
        found = [
            one for one in record.medicines if any(s == systems.ATC and c.startswith(prefixes) for s, c in one.codes)
        ]
        if not found and any(all(s != systems.ATC for s, _ in one.codes) for one in record.medicines):
            return None
        return _present(name, found)

    def _person(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
        if terms["person"] == _ALIVE:
            return _alive(name, record)
        value = _PERSON[terms["person"]](record)
        return None if value is None else Fact(name, value, None, _patient(record))


def _answered(name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
    """The newest answer, however old."""
    answer = record.answers.get(terms["answer"])
    if answer is None:
        return None
    reference = (answer.reference,)
    return Fact(name, answer.value, answer.on, reference, comparator=answer.comparator, until=answer.until)


def _of_reading(name: str, one: Reading) -> Fact:
    return Fact(
        name,
        one.value,
        one.on,
        one.references,
        comparator=one.comparator,
        exact=one.exact,
        until=one.until,
        formula=one.formula,
    )


def _nearest_to(day: date, readings: Sequence[Reading], within: int) -> Reading | None:
    near = [one for one in readings if abs((one.on - day).days) <= within]
    return min(near, key=lambda one: (abs((one.on - day).days), one.on, one.reference), default=None)


def _present(name: str, found: Sequence[Dated]) -> Fact:
    if not found:
        return Fact(name, False)
    first = min((one for one in found if one.on is not None), key=lambda one: one.on or date.max, default=None)
    on, until = (None, None) if first is None else (first.on, first.until)
    return Fact(name, True, on, tuple(sorted(one.reference for one in found)), until=until)


def _with_codes(terms: Mapping[str, Any], conditions: Sequence[Dated]) -> list[Dated]:
    wanted: Mapping[str, Any] = terms["diagnosis"]
    icpc, sks = frozenset(wanted.get("icpc", ())), tuple(wanted.get("sks", ()))
    return [one for one in conditions if any(_counts(key, icpc, sks) for key in one.codes)]


def _counts(key: tuple[str, str], icpc: frozenset[str], sks: tuple[str, ...]) -> bool:
    system, code = key
    return (system == systems.ICPC2 and code in icpc) or (system == systems.SKS_D and code.startswith(sks or ("\0",)))


def _age(record: Record) -> FactValue | None:
    return None if record.born is None or record.born > record.on else years_between(record.born, record.on)


def _male(record: Record) -> FactValue | None:
    return _SEX.get(record.patient.get("gender"))


def _own_gp(record: Record) -> FactValue | None:
    listed = [str(one.get("reference", "")) for one in record.patient.get("generalPractitioner", ())]
    if not listed:
        return None
    return record.clinic is None or any(one.endswith(record.clinic) for one in listed)


def _alive(name: str, record: Record) -> Fact | None:
    """Whether the person lives on the day; open within a year or month of which some day was the last."""
    death = record.patient.get("deceasedDateTime")
    first, last = _days(death)
    if not record.patient:
        return None
    if first is None or last is None:
        return Fact(name, not death and record.patient.get("deceasedBoolean") is not True, None, _patient(record))
    if record.on < first:
        return Fact(name, True, None, _patient(record))
    others = (True,) if record.on < last else ()
    return Fact(name, False, first, _patient(record), others, until=last)


def _patient(record: Record) -> tuple[str, ...]:
    return (f"Patient/{record.patient.get('id', '')}",)


_PERSON: Mapping[str, Callable[[Record], FactValue | None]] = {"age": _age, "male": _male, "own_gp": _own_gp}

_READERS: Mapping[str, Callable[[ChartReader, str, Mapping[str, Any], Record], Fact | None]] = {
    "diagnosis": ChartReader._diagnosis,
    "years_since": ChartReader._years_since,
    "measure": ChartReader._measure,
    "answer": ChartReader._answer,
    "drug": ChartReader._drug,
    "person": ChartReader._person,
}


# ── plans ────────────────────────────────────────────────────────────────────────────────────────


def plan_type_of(plan: Json) -> str | None:
    """`diabetes`, `kol` or `hjerte`, from CarePlan.category."""
    keys = (key for concept in plan.get("category", ()) for key in coding_keys(concept))
    return next((code for system, code in keys if system == systems.PLAN_TYPE), None)


def saved_plans(plans: Iterable[Json], on: date) -> dict[str, date]:
    """When each active plan was last saved by a clinician: the last-reviewed extension, else its last version.

    Those saved on or before a day: before that there was none.
    """
    saved: dict[str, date] = {}
    for plan in plans:
        kind = plan_type_of(plan)
        if plan.get("status") != "active" or kind is None:
            continue
        at = find_date(last_reviewed(plan)) or find_date(plan.get("meta", {}).get("lastUpdated"))
        if at is not None and at <= on:
            saved[kind] = max(at, saved.get(kind, at))
    return saved


def last_reviewed(plan: Json) -> str | None:
    """The instant a clinician last saved this plan, where it says so itself."""
    found = (
        one.get("valueDateTime") for one in plan.get("extension", ()) if one.get("url") == systems.EXT_LAST_REVIEWED
    )
    return next(found, None)


def listed_with(patient: Json) -> str | None:
    """Logical id of the practice a patient is listed with."""
    listed = (str(one.get("reference", "")) for one in patient.get("generalPractitioner", ()))
    return next((one.rpartition("/")[2] for one in listed if "Organization/" in one), None)
