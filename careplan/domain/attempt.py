"""Attempts to reach the person whom a referral is about: on which day, by which channel, and whether that is enough.

Three in vain, on different days or by different channels, and the case may go back to who referred; never by itself.
Not here: the step that takes it back (`careplan.domain.referral`), how an attempt is kept (`careplan.fhir.attempt`).
Source: UX brief, section I («Ingen kontakt»).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

CHANNELS: Mapping[str, str] = {
    "phone": "Telefon",
    "letter": "Brev",
    "digital-post": "Digital Post",
    "visit": "Fremmøde",
}
"""How somebody is tried: codes of CodeSystem/contact, in the order they are offered."""

REACHED, REACHED_NAME = "reached", "Kontakt opnået"
"""The code of CodeSystem/contact by which the person was reached, whatever the channel."""

ENOUGH = 3
"""Attempts in vain, of different days or channels, after which a case may be returned for want of contact."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: its day, a code of CHANNELS or REACHED, and the name of who made it."""

    on: date
    channel: str
    by: str = ""


def attempt_fault(attempt: Attempt, first: date | None, on: date) -> str:
    """What is wrong with an attempt that is written down on a day; empty: nothing. first: the day of the referral."""
    if attempt.channel not in CHANNELS and attempt.channel != REACHED:
        return f"its channel is one of {', '.join((*CHANNELS, REACHED))}"
    if attempt.on > on or (first is not None and attempt.on < first):
        return "its day is one from the referral to today"
    return ""


def in_vain(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    """The attempts since the person was last reached, oldest first; of one day, as they were written down."""
    ordered = sorted(attempts, key=lambda one: one.on)
    last = max((index for index, one in enumerate(ordered) if one.channel == REACHED), default=-1)
    return tuple(ordered[last + 1 :])


def is_enough(attempts: Sequence[Attempt]) -> bool:
    """Whether these are as many as are asked for; two of one day by one channel are one."""
    return len({(one.on, one.channel) for one in attempts}) >= ENOUGH
