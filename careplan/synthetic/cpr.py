"""Personal identifiers that can belong to nobody: CPR numbers of the test serials, X-eCPR where those end.

A safe CPR number is a valid date and serial 9989, 9990, 9995 or 9996, chosen so that modulus 11 fails.
The serials fix the birth years to 1937-2036 and leave at most two numbers a day for each sex, about
650 a birth year. So a register gives a number once; when a birth year is used up it takes one of the
years beside it, and when those are used up too, or the person was born before 1937, an X-eCPR.
Not for checking numbers of real people: the CPR office issues numbers that pass or fail modulus 11 alike.
Specification: https://cpr.dk/cpr-systemet/opbygning-af-cpr-nummeret and the dk-core identifier profiles.
"""

from calendar import isleap
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from string import ascii_uppercase
from typing import Literal, TypeAlias

from careplan.fhir import systems

Sex: TypeAlias = Literal["female", "male"]

SERIALS: dict[Sex, tuple[str, ...]] = {"female": ("9990", "9996"), "male": ("9989", "9995")}
FIRST_YEAR, LAST_YEAR = 1937, 2036
NEIGHBOURS = (0, 1, -1, 2, -2, 3, -3)
"""How far, in years, a birthday may move before an X-eCPR is given instead."""

_WEIGHTS = (4, 3, 2, 7, 6, 5, 4, 3, 2, 1)


@dataclass(frozen=True, slots=True)
class Number:
    """One personal identifier as FHIR writes it."""

    system: str
    value: str
    use: Literal["official", "temp"]


def fails_modulus_11(number: str) -> bool:
    """Whether ten digits fail the check sum that CPR numbers had to pass until 2007."""
    return sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=True)) % 11 != 0


def safe_numbers(born: date, sex: Sex) -> tuple[str, ...]:
    """The test CPR numbers of a birthday: none to two; none outside 1937-2036."""
    if not FIRST_YEAR <= born.year <= LAST_YEAR:
        return ()
    day = f"{born:%d%m%y}"
    return tuple(day + serial for serial in SERIALS[sex] if fails_modulus_11(day + serial))


class Register:
    """Gives each invented person a birthday and a number nobody else in the run has."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._free: dict[tuple[int, Sex], list[tuple[date, str]]] = {}
        self._taken: set[str] = set()
        self._substitutes: Counter[str] = Counter()

    def claim(self, born: date, sex: Sex) -> Number:
        """A number for a birthday that must not move."""
        for value in safe_numbers(born, sex):
            if value not in self._taken:
                self._taken.add(value)
                return Number(systems.CPR, value, "official")
        return self._substitute(born, sex)

    def draw(self, rng: Random, year: int, sex: Sex) -> tuple[date, Number]:
        """A birthday in or near the year, and a number for it."""
        for near in NEIGHBOURS:
            free = self._free_numbers(year + near, sex)
            while free:
                born, value = free.pop()
                if value not in self._taken:
                    self._taken.add(value)
                    return born, Number(systems.CPR, value, "official")
        born = date(year, 1, 1) + timedelta(days=rng.randrange(365 + isleap(year)))
        return born, self._substitute(born, sex)

    def _free_numbers(self, year: int, sex: Sex) -> list[tuple[date, str]]:
        key = (year, sex)
        if key not in self._free:
            days = (date(year, 1, 1) + timedelta(days=n) for n in range(365 + isleap(year)))
            self._free[key] = [(day, value) for day in days for value in safe_numbers(day, sex)]
            Random(f"{self._seed}/cpr/{year}/{sex}").shuffle(self._free[key])
        return self._free[key]

    def _substitute(self, born: date, sex: Sex) -> Number:
        """An X-eCPR: the date, 1 or 7, two letters that begin with T, and a digit of the sex's parity."""
        day = f"{born:%d%m%y}"
        letter, rest = divmod(self._substitutes[day + sex], 10)
        self._substitutes[day + sex] += 1
        digit = rest % 5 * 2 + (sex == "male")
        value = f"{day}{'17'[rest // 5]}T{ascii_uppercase[letter]}{digit}"
        return Number(systems.X_ECPR, value, "temp")
