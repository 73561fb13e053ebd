"""Attempts to reach somebody: which were in vain, and whether they are enough."""

from datetime import date

import pytest

from careplan.domain.attempt import CHANNELS, REACHED, Attempt, attempt_fault, in_vain, is_enough

FIRST, TODAY = date(2026, 11, 2), date(2026, 11, 22)


def tried(*said: str) -> tuple[Attempt, ...]:
    """«3 phone» is the third of November."""
    return tuple(Attempt(date(2026, 11, int(day)), channel) for day, channel in (one.split() for one in said))


@pytest.mark.parametrize(
    ("attempts", "enough"),
    [
        (tried(), False),
        (tried("3 phone", "4 phone"), False),
        (tried("3 phone", "4 phone", "5 phone"), True),
        (tried("3 phone", "3 letter", "3 visit"), True),
        (tried("3 phone", "3 phone", "3 phone", "4 phone"), False),
        (tried("3 phone", "3 letter", "4 phone"), True),
    ],
)
def test_three_of_different_days_or_channels_are_enough(attempts: tuple[Attempt, ...], enough: bool) -> None:
    assert is_enough(attempts) == enough


def test_what_was_tried_before_the_person_was_reached_counts_no_more() -> None:
    assert in_vain(tried("3 phone", "4 reached", "6 letter")) == tried("6 letter")
    assert in_vain(tried("3 phone", "4 reached")) == ()


def test_attempts_count_by_their_day_whenever_they_were_written_down() -> None:
    assert in_vain(tried("6 letter", "4 reached", "3 phone", "5 phone")) == tried("5 phone", "6 letter")


@pytest.mark.parametrize("channel", [*CHANNELS, REACHED])
def test_an_attempt_is_of_a_day_from_the_referral_to_today(channel: str) -> None:
    for on in (FIRST, TODAY):
        assert attempt_fault(Attempt(on, channel), FIRST, TODAY) == ""
    for on in (date(2026, 11, 1), date(2026, 11, 23)):
        assert attempt_fault(Attempt(on, channel), FIRST, TODAY)
    assert attempt_fault(Attempt(date(2020, 1, 1), channel), None, TODAY) == ""


def test_an_attempt_by_no_known_channel_is_faulty() -> None:
    assert attempt_fault(Attempt(TODAY, "pigeon"), FIRST, TODAY)
