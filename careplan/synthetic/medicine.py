"""What an invented person takes and since when: drugs that fit the diseases, begun one after the other.

The starts matter more than the list: values fall when a treatment begins (`course`).
Codes are ATC, https://www.whocc.no/atc_ddd_index/.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from careplan.synthetic.person import ISCHAEMIC, PRESSURE, VASCULAR, Person

DRUGS: Mapping[str, str] = {
    "metformin": "A10BA02",
    "empagliflozin": "A10BK03",
    "semaglutid": "A10BJ06",
    "sitagliptin": "A10BH01",
    "gliclazid": "A10BB09",
    "repaglinid": "A10BX02",
    "insulin": "A10AE04",
    "atorvastatin": "C10AA05",
    "rosuvastatin": "C10AA07",
    "ezetimib": "C10AX09",
    "losartan": "C09CA01",
    "ramipril": "C09AA05",
    "amlodipin": "C08CA01",
    "bendroflumethiazid": "C03AB01",
    "metoprolol": "C07AB02",
    "spironolacton": "C03DA01",
    "furosemid": "C03CA01",
    "acetylsalicylsyre": "B01AC06",
    "clopidogrel": "B01AC04",
    "apixaban": "B01AF02",
    "salbutamol": "R03AC02",
    "tiotropium": "R03BB04",
    "olodaterol og tiotropium": "R03AL06",
    "budesonid og formoterol": "R03AK07",
}
"""Our name of a drug, which is also the text shown, to its ATC code."""

GLUCOSE = ("metformin", "empagliflozin", "semaglutid", "sitagliptin", "gliclazid", "repaglinid", "insulin")
STATINS = ("atorvastatin", "rosuvastatin")
ANTIHYPERTENSIVE = ("losartan", "ramipril", "amlodipin", "bendroflumethiazid", "metoprolol", "spironolacton")

UNDATED_YEARS = 9.0
"""How long ago we take an undated diagnosis to be."""


@dataclass(frozen=True, slots=True)
class Drug:
    """One drug in use since a date."""

    name: str
    start: date


def years_with(person: Person, on: date, *codes: str) -> float | None:
    """How long the person has had the first of these diagnoses, or None."""
    found = person.diagnosis(*codes)
    if found is None:
        return None
    return UNDATED_YEARS if found.since is None else (on - found.since).days / 365.25


def draw_medicine(rng: Random, person: Person, on: date) -> tuple[Drug, ...]:
    """The drugs in use on the day: those the person is said to take, else by chance."""
    begun = {} if person.medicine else dict(_drawn(rng, person, on))
    longest = max((years_with(person, on, one.icpc) or 0 for one in person.diagnoses), default=1.0)
    for name in person.medicine:
        begun[name] = longest * rng.uniform(0.4, 0.9)
    days = ((name, round(years * 365.25)) for name, years in begun.items())
    return tuple(Drug(name, on - timedelta(days=max(2, ago))) for name, ago in days)


def _drawn(rng: Random, person: Person, on: date) -> Iterator[tuple[str, float]]:
    """Drug and how many years ago it began."""
    if (diabetes := years_with(person, on, "T90")) is not None:
        yield from _for_diabetes(rng, person, diabetes)
    yield from _for_vessels(rng, person, on)
    if (kol := years_with(person, on, "R95")) is not None:
        yield from _for_lungs(rng, kol)


def _for_diabetes(rng: Random, person: Person, years: float) -> Iterator[tuple[str, float]]:
    if rng.random() < 0.8:
        yield "metformin", years * rng.uniform(0.9, 1)
    left = years - rng.uniform(1, 6)
    for name in rng.sample(("empagliflozin", "semaglutid", "sitagliptin", "gliclazid"), 4):
        if left <= 0:
            break
        if rng.random() < {"empagliflozin": 0.5, "semaglutid": 0.4, "sitagliptin": 0.25, "gliclazid": 0.14}[name]:
            yield name, min(left, rng.uniform(0.2, 7))
            left -= rng.uniform(2, 6)
    if years > 5 and rng.random() < 0.3:
        yield "insulin", years * rng.uniform(0.05, 0.5)


def _for_vessels(rng: Random, person: Person, on: date) -> Iterator[tuple[str, float]]:
    shares = (("T90", 0.68), ("K74", 0.9), ("K75", 0.92), ("K76", 0.88), ("K90", 0.8), ("K92", 0.8), ("T93", 0.7))
    share = max((share for code, share in shares if person.has(code)), default=0.28 if person.has("K86") else 0.0)
    years = years_with(person, on, *VASCULAR) or years_with(person, on, "T90", "T93", "K86", "K87") or 0.0
    if rng.random() < share:
        yield rng.choices(STATINS, (0.75, 0.25))[0], years * rng.uniform(0.5, 1)
        if person.has(*ISCHAEMIC) and rng.random() < 0.42:
            yield "ezetimib", years * rng.uniform(0.1, 0.4)
    if (pressure := years_with(person, on, *PRESSURE)) is not None:
        ladder = [rng.choice(("losartan", "ramipril")), "amlodipin", "bendroflumethiazid", "metoprolol"]
        for step, name in enumerate(ladder[: rng.choices((0, 1, 2, 3, 4), (0.06, 0.34, 0.36, 0.18, 0.06))[0]]):
            yield name, pressure * rng.uniform(0.8, 1) / (1 + step)
    elif person.has("T90", "K77") and rng.random() < 0.3:
        yield "losartan", years * rng.uniform(0.3, 0.8)
    if person.has(*ISCHAEMIC, "K92") and not person.has("K78"):
        yield rng.choices(("acetylsalicylsyre", "clopidogrel"), (0.8, 0.2))[0], years
    if (rhythm := years_with(person, on, "K78")) is not None and rng.random() < 0.85:
        yield "apixaban", rhythm * 0.95
    if (failing := years_with(person, on, "K77")) is not None:
        yield rng.choice(("furosemid", "spironolacton")), failing * 0.9


def _for_lungs(rng: Random, years: float) -> Iterator[tuple[str, float]]:
    if rng.random() < 0.8:
        yield "salbutamol", years
    first = rng.choices(("tiotropium", "olodaterol og tiotropium", ""), (0.45, 0.35, 0.2))[0]
    if first:
        yield first, years * rng.uniform(0.5, 1)
    if rng.random() < 0.25:
        yield "budesonid og formoterol", years * rng.uniform(0.1, 0.6)
