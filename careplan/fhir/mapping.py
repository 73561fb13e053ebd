"""The record of one person → the chart that rules read (design §3).

What each fact is read from stands in `careplan/knowledge/facts/`; this module knows how. A fact that is not on
record is left out of the chart, except where absence says no: a problem list and a medicine list are complete.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
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
    WITHDRAWN,
    Codes,
    codes_from_knowledge,
    coding_keys,
    effective_at,
    readings_from_dated,
)
from careplan.fhir.span import find_span
from careplan.fhir.text import Json

_COUNTING_STATUS = frozenset({"active", "recurrence", "relapse"})
_REFUTED = frozenset({"refuted", "entered-in-error"})
_ADULT = "coded_at_age"
_SEX = {"male": True, "female": False}
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Dated:
    """A counting Condition: its codes, its date (onset, else recorded), its reference.

    on, until  first and last day the date may be: a date written as a year is some day of it
    """

    codes: frozenset[tuple[str, str]]
    on: date | None
    reference: str
    until: date | None = None


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
    answers: Mapping[str, tuple[date, FactValue, str]]
    plans: tuple[Json, ...]


def record_from_resources(resources: Iterable[Json], codes: Codes, on: date, clinic: str | None = None) -> Record:
    """Sort one person's resources by what they tell on a day; what is dated later is left out.

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
        medicines=tuple(_medicines(by_type.get("MedicationStatement", ()), on)),
        readings=_with_derived(
            reported, derived_readings(codes.derived, reported, born, _SEX.get(patient.get("gender")))
        ),
        answers=_answers(observations),
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
        if (clinical and not clinical & _COUNTING_STATUS) or verification & _REFUTED:
            continue
        first, last = _condition_dates(condition)
        if first is None or first <= on:
            codes = frozenset(systems.normal_code(*key) for key in coding_keys(condition.get("code")))
            yield Dated(codes, first, f"Condition/{condition.get('id', '')}", last)


def _condition_dates(condition: Json) -> tuple[date | None, date | None]:
    """The first and the last day its date may be; none when it has no date."""
    period = condition.get("onsetPeriod") or {}
    texts = (condition.get("onsetDateTime"), period.get("start"), condition.get("recordedDate"))
    span = next((found for text in texts if isinstance(text, str) and (found := find_span(text))), None)
    if span is None:
        return None, None
    return day_of(span[0]), day_of(span[1] - timedelta(microseconds=1))


def _medicines(statements: Iterable[Json], on: date) -> Iterable[Dated]:
    for statement in statements:
        period = statement.get("effectivePeriod") or {}
        start = find_date(period.get("start") or statement.get("effectiveDateTime"))
        end = find_date(period.get("end"))
        running = (start is None or start <= on) and (end is None or end >= on)
        if statement.get("status") == "active" and running:
            codes = frozenset(coding_keys(statement.get("medicationCodeableConcept")))
            yield Dated(codes, start, f"MedicationStatement/{statement.get('id', '')}")


def _answers(observations: Iterable[tuple[datetime, Json]]) -> dict[str, tuple[date, FactValue, str]]:
    """The newest answer to each question of CodeSystem/fact."""
    newest: dict[str, tuple[datetime, str, FactValue]] = {}
    for at, one in observations:
        for coding in one.get("code", _NOTHING).get("coding", ()):
            if coding.get("system") != systems.FACT or "code" not in coding or one.get("status") in WITHDRAWN:
                continue
            value, code = _answer_value(one), coding["code"]
            if value is not None:
                entry = (at, f"Observation/{one.get('id', '')}", value)
                if code not in newest or entry[:2] > newest[code][:2]:
                    newest[code] = entry
    return {code: (at.date(), value, reference) for code, (at, reference, value) in newest.items()}


def _answer_value(observation: Json) -> FactValue | None:
    if "valueBoolean" in observation:
        return bool(observation["valueBoolean"])
    if "valueInteger" in observation:
        return Decimal(observation["valueInteger"])
    if "valueQuantity" in observation and "value" in observation["valueQuantity"]:
        return Decimal(observation["valueQuantity"]["value"])
    concept = observation.get("valueCodeableConcept")
    return next((code.replace("-", "_") for _, code in coding_keys(concept)), None)


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
        return Chart(record.on, facts, saved_plans(record.plans), lapsed)

    def conditions_of(self, fact: str, record: Record) -> Sequence[Dated]:
        """The counting conditions behind a diagnosis fact."""
        return _with_codes(self._raw[fact].terms, record.conditions)

    def _diagnosis(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact:
        conditions = _with_codes(terms, record.conditions)
        limit = terms.get(_ADULT)
        if limit is not None and record.born is not None:
            born = record.born
            conditions = [one for one in conditions if one.on is None or years_between(born, one.on) >= limit]
        return _present(name, conditions)

    def _years_since(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
        dated = [one for one in self.conditions_of(terms["years_since"], record) if one.on is not None]
        first = min(dated, key=lambda one: (one.on or date.max, one.reference), default=None)
        if first is None or first.on is None:
            return None
        latest = min(first.until or first.on, record.on)
        others = (years_between(latest, record.on),) if latest != first.on else ()
        return Fact(name, years_between(first.on, record.on), first.on, (first.reference,), others)

    def _measure(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
        readings = record.readings.get(terms["measure"], ())
        if "nearest" in terms:
            return self._nearest(name, terms, readings, record)
        if not readings:
            return None
        newest = readings[0]
        return Fact(name, newest.value, newest.on, newest.references)

    def _nearest(self, name: str, terms: Mapping[str, Any], readings: Sequence[Reading], record: Record) -> Fact | None:
        dates = [one.on for one in self.conditions_of(terms["nearest"], record) if one.on is not None]
        if not dates:
            return None
        first = min(dates)
        near = [r for r in readings if abs((r.on - first).days) <= int(terms["within_days"])]
        best = min(near, key=lambda r: (abs((r.on - first).days), r.on, r.reference), default=None)
        return None if best is None else Fact(name, best.value, best.on, best.references)

    def _answer(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
        fact = _answered(name, terms, record)
        months = terms.get("within_months")
        if fact is not None and (months is None or add_months(fact.on or date.min, int(months)) >= record.on):
            return fact
        return Fact(name, False) if terms.get("absent") == "no" else None

    def _drug(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact:
        prefixes = tuple(terms["drug"])
        return _present(
            name,
            [one for one in record.medicines if any(s == systems.ATC and c.startswith(prefixes) for s, c in one.codes)],
        )

    def _person(self, name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
        value = _PERSON[terms["person"]](record)
        references = (f"Patient/{record.patient.get('id', '')}",)
        return None if value is None else Fact(name, value, None, references)


def _answered(name: str, terms: Mapping[str, Any], record: Record) -> Fact | None:
    """The newest answer, however old."""
    answer = record.answers.get(terms["answer"])
    return None if answer is None else Fact(name, answer[1], answer[0], (answer[2],))


def _present(name: str, found: Sequence[Dated]) -> Fact:
    if not found:
        return Fact(name, False)
    dates = [one.on for one in found if one.on is not None]
    return Fact(name, True, min(dates, default=None), tuple(sorted(one.reference for one in found)))


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
    if record.patient.get("deceasedDateTime") or record.patient.get("deceasedBoolean") is True:
        return False
    listed = [str(one.get("reference", "")) for one in record.patient.get("generalPractitioner", ())]
    if not listed:
        return None
    return record.clinic is None or any(one.endswith(record.clinic) for one in listed)


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


def saved_plans(plans: Iterable[Json]) -> dict[str, date]:
    """When each active plan was last saved by a clinician: the last-reviewed extension, else its last version."""
    saved: dict[str, date] = {}
    for plan in plans:
        kind = plan_type_of(plan)
        if plan.get("status") != "active" or kind is None:
            continue
        at = find_date(last_reviewed(plan)) or find_date(plan.get("meta", {}).get("lastUpdated"))
        if at is not None:
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
