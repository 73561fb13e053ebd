"""What the clinic and the patient measure and ask: blood pressure, weight, lungs, habits, and the facts rules need.

Levels and walks as in `course`. FEV1 below FVC, diastolic well below systolic, BMI from the weight and height
written, ratio from the volumes written: what is written could have been measured.
"""

from datetime import date, timedelta
from math import exp

from careplan.fhir import systems
from careplan.synthetic.course import Story
from careplan.synthetic.medicine import ANTIHYPERTENSIVE
from careplan.synthetic.observation import SMOKING_ANSWERS, Record, concept
from careplan.synthetic.person import HEART_PLAN, VASCULAR
from careplan.synthetic.trajectory import begun, wander
from careplan.synthetic.visit import Visit, local_time

_ANSWERS = f"{systems.FACT}-answer"


def write_examinations(story: Story, record: Record) -> None:
    """Write all that is measured or asked outside the laboratory."""
    _write_pressure(story, record)
    _write_weight(story, record)
    if story.onset("R95") is not None:
        _write_lungs(story, record)
    _write_habits(story, record)
    _write_facts(story, record)


def _write_pressure(story: Story, record: Record) -> None:
    rng, person = story.rng, story.person
    high = story.onset("K86", "K87")
    age = story.age(0)
    systolic = person.levels.get("systolic", rng.gauss(126 + 0.22 * (age - 55), 8) + (24 if high is not None else 0))
    diastolic = 78 + 0.36 * (systolic - 130) - 0.28 * (age - 60) + rng.gauss(0, 4)
    drop = min(13.0, max(7.0, rng.gauss(10, 2)))
    starts = [story.time(drug.start) for drug in story.drugs if drug.name in ANTIHYPERTENSIVE]
    walk = wander(rng, story.times, 5, 1.5)
    at_home = rng.random() < (0.5 if person.has("T90", *HEART_PLAN) else 0.05)
    for visit, moved in zip(story.visits, walk, strict=True):
        if not visit.annual and rng.random() > 0.6:
            continue
        fallen = drop * sum(begun(visit.time, start) for start in starts)
        now, low = systolic - fallen + moved, diastolic - 0.5 * fallen + 0.5 * moved
        record.pressure(visit.at, *_one_reading(story, now, low))
        if at_home and visit.annual and visit.time > -3.2 and story.ill(visit.time):
            for days in (6, 4, 2):
                at = local_time(visit.on - timedelta(days=days), 7 * 60 + rng.randrange(60))
                record.pressure(at, *_one_reading(story, now - 5, low - 4), home=True)


def _one_reading(story: Story, systolic: float, diastolic: float) -> tuple[float, float]:
    high = max(92.0, systolic + story.rng.gauss(0, 6))
    return high, min(high - 22, diastolic + story.rng.gauss(0, 3.5))


def _write_weight(story: Story, record: Record) -> None:
    rng, person = story.rng, story.person
    metres = story.height / 100
    mass = 26.6 + 3.6 * person.has("T90") + 1.2 * person.has("K86") - 1.6 * person.has("R95")
    mass = max(17.0, mass - 0.08 * max(0.0, story.age(0) - 70) + rng.gauss(0, 4.2))
    kilos = mass * metres**2
    slimming = story.start("semaglutid")
    walk = wander(rng, story.times, 0.04, 4)
    annuals = [(place, visit) for place, visit in story.annuals()]
    for nth, (place, visit) in enumerate(annuals):
        lost = 0.07 * begun(visit.time, slimming, 0.5) if slimming is not None else 0.0
        if nth in (0, len(annuals) - 1):
            record.measured("height", visit.at, story.height)
        weight = record.measured("weight", visit.at, kilos * (1 + walk[place] - lost) + rng.gauss(0, 0.4))
        record.measured("bmi", visit.at, weight / metres**2)


def _write_lungs(story: Story, record: Record) -> None:
    """Spirometry, breathlessness and exacerbations from a year before the diagnosis.

    Expected FEV1 by the European Coal and Steel Community 1993 (Quanjer, Eur Respir J 1993;6 suppl 16:5).
    """
    rng, person = story.rng, story.person
    onset = story.onset("R95") or 0.0
    level = person.levels.get("fev1", min(98.0, max(20.0, rng.gauss(60, 16))))
    decline = max(0.1, rng.gauss(1.1, 0.5))
    slope, ageing, offset = (3.95, 0.025, 2.6) if person.sex == "female" else (4.3, 0.029, 2.49)
    ratio = 0.72 if rng.random() < 0.03 else min(0.685, max(0.3, 0.36 + 0.0036 * level + rng.gauss(0, 0.035)))
    rate = exp(rng.gauss(-0.9, 0.8)) * (1.5 if level < 50 else 1)
    air, bother = rng.gauss(96.3, 1.2), rng.gauss(0, 1)
    walk = wander(rng, story.times, 1, 2)
    for place, visit in story.annuals():
        if visit.time < onset - 0.1 or rng.random() < 0.07:
            continue
        percent = max(14.0, level - decline * visit.time + 2.2 * walk[place] + rng.gauss(0, 1))
        expected = slope * story.height / 100 - ageing * story.age(visit.time) - offset
        fev1 = record.measured("fev1", visit.at, percent / 100 * expected)
        fvc = record.measured("fvc", visit.at, fev1 / (ratio + rng.uniform(-0.005, 0.005)))
        record.measured("fev1_fvc", visit.at, fev1 / fvc)
        record.measured("fev1_percent", visit.at, 100 * fev1 / expected)
        record.measured("spo2", visit.at, air - max(0.0, 62 - percent) / 10 + 0.6 * walk[place] + rng.gauss(0, 0.6))
        _write_breathlessness(story, record, visit, percent, rate, bother + 0.4 * walk[place])


def _write_breathlessness(
    story: Story, record: Record, visit: Visit, percent: float, rate: float, moved: float
) -> None:
    rng = story.rng
    if rng.random() < 0.94:
        record.measured("mrc", visit.at, 4.9 - percent / 24 + 0.5 * moved + rng.gauss(0, 0.4))
    if rng.random() < 0.85:
        record.measured("cat", visit.at, 24 - percent / 5 + 4 * moved + rng.gauss(0, 1.5))
    waits, count = rng.expovariate(rate), 0
    while waits < 1:
        waits, count = waits + rng.expovariate(rate), count + 1
    record.measured("exacerbations", visit.at, count)


def _write_habits(story: Story, record: Record) -> None:
    rng, person = story.rng, story.person
    drinks = max(0.0, rng.gauss(5, 6))
    hours = max(0.0, rng.gauss(3.2, 2) - 0.05 * max(0.0, story.age(0) - 70))
    walk = wander(rng, story.times, 1, 3)
    onset = story.onset("T90")
    for place, visit in story.annuals():
        if not story.ill(visit.time) and rng.random() < 0.5:
            continue
        record.answered("smoking", visit.at, SMOKING_ANSWERS[_smoking(story, visit.on)])
        if rng.random() < 0.55:
            record.measured("alcohol", visit.at, max(0.0, drinks + walk[place]))
            record.measured("activity", visit.at, max(0.0, round((hours + 0.6 * walk[place]) * 2) / 2))
        if person.has("T90") and onset is not None and visit.time > onset:
            record.answered("foot", visit.at, "ja" if rng.random() < 0.88 else "nej")
            record.answered("eye", visit.at, "ja" if rng.random() < 0.75 else "nej")


def _smoking(story: Story, day: date) -> str:
    person = story.person
    return "current" if person.smoking == "former" and person.quit and day < person.quit else person.smoking


def _write_facts(story: Story, record: Record) -> None:
    """What the clinician answered at the newest visits, for most of those whom it concerns."""
    rng, person = story.rng, story.person
    at = story.newest.at
    if person.frailty is not None:
        record.measured("frailty", at, person.frailty)
        if person.frailty >= 7 and rng.random() < 0.15:
            record.answered("short_life", at, True)
    if person.has("T90"):
        _write_hypoglycaemia(story, record, story.visits[-1].at)
        if rng.random() < 0.93:
            record.answered("family_history", at, rng.random() < 0.16)
    if person.has("T90", *HEART_PLAN) and rng.random() < 0.93:
        record.measured("standing_fall", at, rng.gauss(5 + 0.12 * max(0.0, story.age(0) - 65), 6))
    if person.has("T90", "K86", "K87") and rng.random() < 0.86:
        record.answered("resistant", at, person.has("K86", "K87") and rng.random() < 0.06)
    if person.has(*HEART_PLAN) and not person.has("T90", *VASCULAR) and rng.random() < 0.92:
        record.answered("score2", at, concept((_ANSWERS, _score2(story))))


def _write_hypoglycaemia(story: Story, record: Record, at: str) -> None:
    rng, person = story.rng, story.person
    if person.severe_hypoglycaemia is not None:
        record.answered("hypoglycaemia", at, person.severe_hypoglycaemia)
    elif rng.random() < 0.94:
        risky = story.start("insulin", "gliclazid", "repaglinid") is not None
        record.answered("hypoglycaemia", at, risky and rng.random() < 0.06)


def _score2(story: Story) -> str:
    """A category the clinician might have set, by age and smoking; not the SCORE2 formula."""
    burden = (story.age(0) - 50) / 12 + (story.person.smoking == "current") + story.rng.gauss(0, 0.5)
    burden += 0.4 * (story.person.sex == "male")
    return ("low", "moderate", "high", "very-high")[sum(burden > limit for limit in (-0.3, 0.9, 2.6))]
