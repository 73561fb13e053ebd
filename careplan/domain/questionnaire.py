"""What the answers to a questionnaire come to: a score, what it means to the person, and whether somebody must ring.

A score is a function of the answers alone. Where one of them is missing there is none: nothing is filled in.
Not here: the questions and their wording, which are FHIR Questionnaires (`careplan.fhir.questionnaire`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from careplan.domain.source import Source


@dataclass(frozen=True, slots=True)
class Band:
    """What a score means, from the band before up to a limit, in words to the person.

    contact  whether the clinic rings to the person the same day
    """

    up_to: int
    says: str
    contact: bool = False
    source: Source | None = None
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Alarm:
    """An answer that needs contact at once: to one question, of so many points or more, or of so few."""

    question: str
    at_least: int | None = None
    at_most: int | None = None
    source: Source | None = None
    unverified: bool = False

    def rings(self, points: int | None) -> bool:
        if points is None:
            return False
        return (self.at_least is None or points >= self.at_least) and (self.at_most is None or points <= self.at_most)


@dataclass(frozen=True, slots=True)
class Instrument:
    """How one questionnaire is counted, and what comes of it.

    url      canonical of its FHIR Questionnaire, which holds the questions and the points of each answer
    measure  what its score is a value of
    factor   what the sum of the points is multiplied by
    bands    lowest first; the last reaches the highest score there is
    """

    id: str
    url: str
    measure: str
    factor: int = 1
    bands: tuple[Band, ...] = ()
    alarms: tuple[Alarm, ...] = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """That people with a plan are asked a questionnaire before their årskontrol."""

    questionnaire: str
    source: Source | None = None
    unverified: bool = False


def find_score(instrument: Instrument, points: Iterable[int | None]) -> int | None:
    """The score of the points of every question; None where one of them is missing."""
    listed = list(points)
    known = [one for one in listed if one is not None]
    return sum(known) * instrument.factor if known and len(known) == len(listed) else None


def find_band(instrument: Instrument, score: int | None) -> Band | None:
    """What a score means; None without a score."""
    if score is None:
        return None
    return next((band for band in instrument.bands if score <= band.up_to), None)


def needs_contact(instrument: Instrument, points: Mapping[str, int | None], *, sent: bool) -> bool:
    """Whether the clinic rings the same day: for an answer at once, for a score once all is sent."""
    if any(alarm.rings(points.get(alarm.question)) for alarm in instrument.alarms):
        return True
    band = find_band(instrument, find_score(instrument, points.values())) if sent else None
    return band is not None and band.contact
