"""Who an invented person is: age, sex, diseases, habits, and how far the clinic has come with a plan.

Shares and ages are set so that a list looks like the chronic patients of a Danish general practice, with
some who have no chronic disease: type 2 diabetes about 25 %, heart disease with hypertension about 45 %,
KOL about 18 %, more of each with age, and together more often than chance. They are ours, not a source.
Not here: medicine and values, which follow from this (`medicine`, `course`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from math import sqrt
from random import Random
from statistics import NormalDist
from typing import Literal, TypeAlias

from careplan.synthetic.cpr import Number, Register, Sex
from careplan.synthetic.name import draw_name

PlanState: TypeAlias = Literal["none", "draft", "active", "overdue", "closed"]
ReferralState: TypeAlias = Literal["none", "active", "ended"]
Coding: TypeAlias = Literal["icpc", "sks", "both"]
Smoking: TypeAlias = Literal["current", "former", "never"]

ISCHAEMIC = ("K74", "K75", "K76")
VASCULAR = (*ISCHAEMIC, "K90", "K92")
HEART_PLAN = (*ISCHAEMIC, "K86", "K87", "T93")
PRESSURE = ("K86", "K87")

AGES = (18, 40, 50, 60, 70, 80, 90, 97)
AGE_SHARE = (0.08, 0.11, 0.20, 0.25, 0.23, 0.11, 0.02)
PREVALENCE: Mapping[str, tuple[float, ...]] = {
    "t2d": (0.03, 0.13, 0.22, 0.31, 0.37, 0.33, 0.24),
    "heart": (0.05, 0.20, 0.36, 0.50, 0.62, 0.68, 0.70),
    "kol": (0.005, 0.06, 0.15, 0.22, 0.26, 0.24, 0.18),
}
"""The share with each disease, by the age bands of AGES."""
SHARED_CAUSE: Mapping[str, float] = {"t2d": 0.55, "heart": 0.6, "kol": 0.4}
"""How much of each liability is common to all three: what makes diseases come together."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One diagnosis on the problem list.

    icpc    our name for it throughout, whichever system the record codes it in
    since   onset; None: the list does not say
    coded   which code systems the record names it by
    """

    icpc: str
    since: date | None
    coded: Coding = "icpc"
    recorded_only: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person on a day.

    since_review   days since the last årskontrol, 0 or more
    levels         what to set a measure's own level to, where it must not be left to chance
    medicine       drugs by our names (`medicine.DRUGS`) this person takes; none: by chance
    deviation      the measure whose agreed target differs from the recommended one, if one does
    bars           organisations that the person lets see nothing
    asks           what the person has asked the clinic: words, the answer (or empty), how many days ago
    opened         why the clinic's nurse opened the record in an emergency this morning; empty: nobody did
    helps          whom the person helps by power of attorney: patient, what they are to them, whether they write
    cases          phases of referrals to the municipality, beside what `referral` says by chance
    answers        what was answered before the next årskontrol: questionnaire, points of its questions in order;
                   `topics` to talk about, sent `answered` days ago
    phone          a number that nobody has; empty: none is on record
    """

    id: str
    given: str
    family: str
    sex: Sex
    born: date
    number: Number
    diagnoses: tuple[Diagnosis, ...]
    smoking: Smoking
    quit: date | None = None
    frailty: int | None = None
    own_clinic: bool = True
    plan: PlanState = "none"
    plan_types: tuple[str, ...] = ()
    referral: ReferralState = "none"
    since_review: int = 200
    deviation: str | None = None
    bars: tuple[str, ...] = ()
    asks: tuple[tuple[str, str, int], ...] = ()
    opened: str = ""
    helps: tuple[tuple[str, str, bool], ...] = ()
    cases: tuple[str, ...] = ()
    answers: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    answered: int = 1
    phone: str = ""
    levels: Mapping[str, float] = field(default_factory=dict)
    medicine: tuple[str, ...] = ()
    severe_hypoglycaemia: bool | None = None

    def has(self, *codes: str) -> bool:
        """Whether any of these ICPC-2 diagnoses is on the list."""
        return any(one.icpc in codes for one in self.diagnoses)

    def diagnosis(self, *codes: str) -> Diagnosis | None:
        """The first of these ICPC-2 diagnoses on the list, or None."""
        return next((one for one in self.diagnoses if one.icpc in codes), None)


def plan_types_of(person: Person) -> tuple[str, ...]:
    """The plan types the diagnosis codes open; whether the rules agree is for the rules to say."""
    opened = {"diabetes": ("T90",), "kol": ("R95",), "hjerte": HEART_PLAN}
    return tuple(kind for kind, codes in opened.items() if person.has(*codes))


def draw_person(rng: Random, register: Register, id: str, on: date) -> Person:
    """One person of the list, by chance."""
    sex: Sex = "female" if rng.random() < 0.5 else "male"
    band = rng.choices(range(len(AGE_SHARE)), AGE_SHARE)[0]
    age = rng.randrange(AGES[band], AGES[band + 1])
    born, number = register.draw(rng, on.year - age, sex)
    given, family = draw_name(rng, sex, born.year)
    diagnoses = _draw_diagnoses(rng, sex, age, band, on)
    smoking, quit = _draw_smoking(rng, any(one.icpc == "R95" for one in diagnoses), age, on)
    plan, since_review = _draw_plan(rng)
    person = Person(id, given, family, sex, born, number, diagnoses, smoking, quit, since_review=since_review)
    kinds = plan_types_of(person)
    kept = tuple(kind for kind in kinds if rng.random() < 0.92) or kinds[:1]
    chance = rng.random()
    return replace(
        person,
        frailty=_draw_frailty(rng, person, age),
        own_clinic=rng.random() < 0.96,
        plan=plan if kinds else "none",
        plan_types=kept if plan != "none" else (),
        referral=_draw_referral(rng) if kinds and plan in ("active", "overdue") else "none",
        deviation="hba1c" if chance < 0.08 else "ldl" if chance < 0.13 else "systolic" if chance < 0.18 else None,
    )


def _draw_diagnoses(rng: Random, sex: Sex, age: int, band: int, on: date) -> tuple[Diagnosis, ...]:
    shared = rng.gauss(0, 1)
    ill = {name for name in PREVALENCE if _falls_ill(rng, name, band, shared)}
    codes: list[tuple[str, float]] = []
    if "t2d" in ill:
        codes.append(("T90", 9))
    if "heart" in ill:
        codes += _draw_heart(rng, sex, age)
    if "kol" in ill:
        codes.append(("R95", 8))
    old = max(0.0, (age - 60) / 30)
    for code, share in (("K77", 0.11), ("K78", 0.2), ("K90", 0.12), ("K92", 0.08), ("P70", 0.07)):
        if rng.random() < share * old * (1.6 if "heart" in ill else 0.6):
            codes.append((code, 5))
    return tuple(_dated(rng, code, mean, age, on) for code, mean in codes)


_NORMAL = NormalDist()
_THRESHOLD = {name: tuple(_NORMAL.inv_cdf(1 - share) for share in shares) for name, shares in PREVALENCE.items()}


def _falls_ill(rng: Random, name: str, band: int, shared: float) -> bool:
    weight = SHARED_CAUSE[name]
    return weight * shared + sqrt(1 - weight * weight) * rng.gauss(0, 1) > _THRESHOLD[name][band]


def _draw_heart(rng: Random, sex: Sex, age: int) -> list[tuple[str, float]]:
    """Which heart codes: hypertension mostly, ischaemic disease more in men and with age."""
    codes: list[tuple[str, float]] = []
    ischaemic = rng.random() < (0.12 + 0.006 * max(0, age - 45)) * (1.3 if sex == "male" else 0.75)
    if ischaemic:
        codes.append((rng.choices(ISCHAEMIC, (0.4, 0.25, 0.35))[0], 8))
        if rng.random() < 0.35:
            codes.append(("DZ955", 6))
    if rng.random() < (0.5 if ischaemic else 0.84):
        codes.append(("K87" if rng.random() < 0.12 else "K86", 11))
    if not codes or rng.random() < 0.22:
        codes.append(("T93", 9))
    return codes


def _dated(rng: Random, code: str, mean: float, age: int, on: date) -> Diagnosis:
    """When it began (undated at times) and which code systems name it."""
    years = min(rng.gammavariate(1.4, mean / 1.4), max(0.1, age - 25))
    since = on - timedelta(days=max(20, round(years * 365.25)))
    chance = rng.random()
    if code in ("K86", "K87", "T93"):
        coded: Coding = "icpc" if chance < 0.75 else "both" if chance < 0.98 else "sks"
    else:
        coded = "icpc" if chance < 0.7 else "both" if chance < 0.9 else "sks"
    if code == "DZ955":
        coded = "sks"
    fate = rng.random()
    return Diagnosis(code, None if fate < 0.09 else since, coded, recorded_only=0.09 <= fate < 0.14)


def _draw_smoking(rng: Random, kol: bool, age: int, on: date) -> tuple[Smoking, date | None]:
    shares = (0.34, 0.61, 0.05) if kol else (0.15, 0.37, 0.48)
    choices: tuple[Smoking, ...] = ("current", "former", "never")
    smoking = rng.choices(choices, shares)[0]
    years = rng.uniform(0.3, max(1, min(30, age - 18)))
    return smoking, on - timedelta(days=round(years * 365.25)) if smoking == "former" else None


def _draw_frailty(rng: Random, person: Person, age: int) -> int | None:
    """Clinical Frailty Scale 1-8, asked from 65 and of most younger people who come for a chronic disease."""
    if rng.random() > (0.92 if age >= 65 else 0.85 if person.diagnoses else 0.03):
        return None
    mean = 2.3 + 0.08 * max(0, age - 65) + 0.4 * person.has("R95") + 0.7 * person.has("K77") + 2.5 * person.has("P70")
    return min(8, max(1, round(rng.gauss(mean, 1.1))))


def _draw_plan(rng: Random) -> tuple[PlanState, int]:
    """How far the clinic has come, and days since the last årskontrol."""
    chance = rng.random()
    if chance < 0.47:
        return "active", rng.randrange(3, 362)
    if chance < 0.60:
        return "overdue", rng.randrange(372, 900)
    if chance < 0.64:
        return "closed", rng.randrange(200, 900)
    return "none", rng.randrange(5, 800)


def _draw_referral(rng: Random) -> ReferralState:
    chance = rng.random()
    return "active" if chance < 0.11 else "ended" if chance < 0.18 else "none"
