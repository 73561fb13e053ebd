"""The blood and urine tests of an invented person through the years.

Each value is a level of the person's own, moved by disease, time and treatment, wandering slowly, with the
noise of one measurement on top, rounded as a laboratory rounds. What the clinic itself measures is `examination`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from math import exp, pow
from random import Random

from careplan.synthetic.cpr import Sex
from careplan.synthetic.medicine import ANTIHYPERTENSIVE, GLUCOSE, STATINS, UNDATED_YEARS, Drug
from careplan.synthetic.observation import Record
from careplan.synthetic.person import ISCHAEMIC, Person
from careplan.synthetic.trajectory import begun, climbing, combined, wander
from careplan.synthetic.visit import Visit, local_time, working_day


@dataclass(frozen=True)
class Story:
    """All that decides an invented person's values.

    height  in cm
    """

    rng: Random
    person: Person
    height: int
    drugs: tuple[Drug, ...]
    visits: tuple[Visit, ...]
    on: date

    @cached_property
    def newest(self) -> Visit:
        """The newest årskontrol."""
        return next(visit for visit in reversed(self.visits) if visit.annual)

    @cached_property
    def times(self) -> list[float]:
        """The times of all visits."""
        return [visit.time for visit in self.visits]

    def start(self, *names: str) -> float | None:
        """When the first of these drugs in use began, in years before the day; None if none is in use."""
        return min((self.time(drug.start) for drug in self.drugs if drug.name in names), default=None)

    def onset(self, *codes: str) -> float | None:
        """When the first of these diagnoses began, or None without them; undated ones lie some years back."""
        found = self.person.diagnosis(*codes)
        if found is None:
            return None
        return -UNDATED_YEARS if found.since is None else self.time(found.since)

    def time(self, day: date) -> float:
        """A date in years before the day of the run."""
        return (day - self.on).days / 365.25

    def age(self, time: float) -> float:
        """Age at a time."""
        return (self.on - self.person.born).days / 365.25 + time

    def ill(self, time: float) -> bool:
        """Whether a chronic disease of the plans was known at the time."""
        onset = self.first_onset
        return onset is not None and onset <= time + 0.02

    @cached_property
    def first_onset(self) -> float | None:
        """When the first chronic disease of the plans began."""
        codes = [one.icpc for one in self.person.diagnoses]
        return min((at for code in codes if (at := self.onset(code)) is not None), default=None)

    def annuals(self) -> Iterator[tuple[int, Visit]]:
        """The årskontroller and their place among the visits."""
        return ((place, visit) for place, visit in enumerate(self.visits) if visit.annual)


def write_laboratory(story: Story, record: Record) -> None:
    """Write all blood and urine tests."""
    if story.onset("T90") is None:
        _write_glucose_in_passing(story, record)
    else:
        _write_glucose(story, record)
    _write_lipids(story, record)
    _write_kidney(story, record)


def _write_glucose_in_passing(story: Story, record: Record) -> None:
    rng = story.rng
    level = story.person.levels.get("hba1c", rng.gauss(37.5, 2.6))
    walk = wander(rng, story.times, 1.3, 3)
    for place, visit in story.annuals():
        if rng.random() < (0.5 if story.ill(visit.time) else 0.3):
            record.measured("hba1c", visit.lab, min(46.0, level + walk[place] + rng.gauss(0, 0.7)))


def _write_glucose(story: Story, record: Record) -> None:
    """HbA1c in diabetes: high at diagnosis, brought down by each treatment, climbing in between."""
    rng, levels = story.rng, story.person.levels
    onset = story.onset("T90") or 0.0
    steps = sorted(story.time(drug.start) for drug in story.drugs if drug.name in GLUCOSE)
    level = levels.get("hba1c", 42.5 + rng.gammavariate(1.5, 6) + 14 * (rng.random() < 0.08))
    climb = rng.uniform(0.2, 1.9) if "hba1c" not in levels else 0.3
    first = levels.get("hba1c_at_diagnosis", 48.6 + rng.gammavariate(1.3, 9))
    untreated = min(first, level + 5) if not steps else first
    diagnosis = story.person.diagnosis("T90")
    since = diagnosis.since if diagnosis else None
    if since is not None and ("hba1c_at_diagnosis" in levels or rng.random() < 0.85):
        record.measured("hba1c", local_time(since, 8 * 60 + 10), max(48.0, first))
    for visit, moved in zip(story.visits, wander(rng, story.times, 3.2, 1.2), strict=True):
        if visit.time <= onset:
            if visit.annual and rng.random() < 0.5:
                record.measured("hba1c", visit.lab, min(47.0, 43 + 0.6 * moved + rng.gauss(0, 1)))
            continue
        now = climbing(visit.time, level, climb, steps, untreated)
        record.measured("hba1c", visit.lab, now + moved + rng.gauss(0, 1.2))


def _write_lipids(story: Story, record: Record) -> None:
    """Cholesterol with its parts that add up: total = LDL + HDL + triglyceride / 2.2 (Friedewald, mmol/L)."""
    rng, person = story.rng, story.person
    strong = person.has(*ISCHAEMIC, "K90", "K92")
    effects = [
        (story.time(d.start), rng.gauss(0.5 if strong else 0.42, 0.04)) for d in story.drugs if d.name in STATINS
    ]
    effects += [(story.time(d.start), 0.2) for d in story.drugs if d.name == "ezetimib"]
    ldl = person.levels.get("ldl", rng.gauss(3.5, 0.7) + 0.7 * person.has("T93"))
    hdl = rng.gauss(1.6 if person.sex == "female" else 1.3, 0.3) - 0.15 * person.has("T90")
    triglyceride = exp(rng.gauss(0.3, 0.4)) * (1.25 if person.has("T90") else 1)
    share = 0.93 if person.has("T90", *ISCHAEMIC, "K86", "K87", "T93") else 0.35
    walk = wander(rng, story.times, 0.22, 2.5)
    for place, visit in story.annuals():
        if rng.random() < (share if story.ill(visit.time) else 0.3):
            now = ldl * combined(visit.time, effects) + walk[place] + rng.gauss(0, 0.1)
            _write_lipid_panel(record, visit.lab, now, hdl + 0.3 * walk[place], triglyceride * exp(rng.gauss(0, 0.2)))
    _write_ldl_after_start(story, record, ldl, effects)


def _write_lipid_panel(record: Record, at: str, ldl: float, hdl: float, triglyceride: float) -> None:
    bad = record.measured("ldl", at, ldl)
    good = record.measured("hdl", at, hdl)
    fat = record.measured("triglyceride", at, triglyceride)
    record.measured("cholesterol", at, bad + good + fat / 2.2)


def _write_ldl_after_start(story: Story, record: Record, ldl: float, effects: list[tuple[float, float]]) -> None:
    """The control seven weeks after a statin is begun."""
    start = story.start(*STATINS)
    if start is not None and story.times[0] < start < -0.2:
        day = working_day(story.on + timedelta(days=round(start * 365.25) + 49))
        record.measured("ldl", local_time(day, 8 * 60 + 25), ldl * combined(start + 0.134, effects))


def _write_kidney(story: Story, record: Record) -> None:
    """Creatinine with the eGFR that follows from it, potassium, and albumin in the urine."""
    rng, person = story.rng, story.person
    high = person.has("K86", "K87")
    slope = rng.gauss(-0.9 - 0.5 * person.has("T90") - 0.3 * high, 0.45)
    now = min(116.0, rng.gauss(110 - 0.72 * (story.age(0) - 25), 13))
    now -= 3 * person.has("T90") + 3 * high + (22 if rng.random() < 0.04 + 0.03 * high else 0)
    potassium = rng.gauss(4.1, 0.22)
    thiazide, sparing = story.start("bendroflumethiazid"), story.start("spironolacton", "losartan", "ramipril")
    albumin = rng.gauss(1.9, 0.7) + (0.4 if high else 0)
    if person.has("T90"):
        albumin += rng.gauss(0.5, 0.8) + (2 if rng.random() < 0.06 else 0)
    walk = wander(rng, story.times, 1, 2)
    watched = person.has("T90", *ISCHAEMIC, "K86", "K87", "K77") or story.start(*ANTIHYPERTENSIVE) is not None
    for place, visit in story.annuals():
        time = visit.time
        if rng.random() > (0.93 if watched and story.ill(time) else 0.25):
            continue
        _write_filtration(record, story, visit, now + slope * time + 2.5 * walk[place] + rng.gauss(0, 1.5))
        moved = (0.15 * begun(time, sparing) if sparing is not None else 0.0) + 0.12 * walk[place]
        moved -= 0.25 * begun(time, thiazide) if thiazide is not None else 0.0
        record.measured("potassium", visit.lab, potassium + moved + rng.gauss(0, 0.12))
        diabetic = (onset := story.onset("T90")) is not None and onset <= time
        if rng.random() < (0.92 if diabetic else 0.35 if high else 0.05):
            ratio = exp(albumin + 0.05 * time + 0.3 * walk[place] + rng.gauss(0, 0.3))
            record.measured("uacr", visit.lab, ratio, "<" if ratio < 3 else None)


def _write_filtration(record: Record, story: Story, visit: Visit, filtration: float) -> None:
    age, sex = story.age(visit.time), story.person.sex
    creatinine = record.measured("creatinine", visit.lab, creatinine_from_egfr(max(7.0, filtration), age, sex))
    reported = egfr_from_creatinine(creatinine, age, sex)
    record.measured("egfr", visit.lab, reported, ">" if reported > 90 else None)


def egfr_from_creatinine(creatinine: float, age: float, sex: Sex) -> float:
    """Filtration in mL/min/1.73 m² from creatinine in µmol/L, CKD-EPI 2021 (Inker, N Engl J Med 2021;385:1737)."""
    kappa, alpha, factor = (61.9, -0.241, 1.012) if sex == "female" else (79.6, -0.302, 1.0)
    ratio = creatinine / kappa
    return 142 * pow(min(ratio, 1), alpha) * pow(max(ratio, 1), -1.2) * pow(0.9938, int(age)) * factor


def creatinine_from_egfr(filtration: float, age: float, sex: Sex) -> float:
    """The creatinine in µmol/L that gives the filtration: `egfr_from_creatinine` turned round."""
    kappa, alpha, factor = (61.9, -0.241, 1.012) if sex == "female" else (79.6, -0.302, 1.0)
    scaled = filtration / (142 * pow(0.9938, int(age)) * factor)
    return kappa * pow(scaled, 1 / (alpha if scaled > 1 else -1.2))
