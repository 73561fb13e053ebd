"""The case of a referral: the table of steps, whole; and what no sequence of steps can make."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careplan.domain.attempt import Attempt
from careplan.domain.referral import (
    ANSWERED,
    CLINIC,
    ENDED,
    LATE,
    NEARING,
    OPEN,
    OUTCOMES,
    PHASE_OF,
    PHASES,
    REASONS,
    RECEIVER,
    RUNNING,
    STEPS,
    Case,
    Given,
    StepNeedsReason,
    StepNotAllowed,
    deadline_of,
    moved,
    steps_between,
    steps_from,
    steps_of,
)
from careplan.domain.workday import add_workdays

STATES = sorted(OPEN | ENDED)

ALLOWED = {
    ("requested", RECEIVER): {"take": "received"},
    ("requested", CLINIC): {"withdraw": "cancelled"},
    ("received", RECEIVER): {
        "take-over": "received",
        "accept": "accepted",
        "return": "rejected",
        "forward": "rejected",
        "no-contact": "rejected",
    },
    ("received", CLINIC): {"withdraw": "cancelled"},
    ("accepted", RECEIVER): {
        "take-over": "accepted",
        "no-contact": "rejected",
        "book": "accepted",
        "start": "in-progress",
        "fail": "failed",
    },
    ("accepted", CLINIC): {"withdraw": "cancelled"},
    ("in-progress", RECEIVER): {
        "take-over": "in-progress",
        "meet": "in-progress",
        "pause": "on-hold",
        "complete": "completed",
        "fail": "failed",
    },
    ("in-progress", CLINIC): {"withdraw": "cancelled"},
    ("on-hold", RECEIVER): {
        "take-over": "on-hold",
        "resume": "in-progress",
        "complete": "completed",
        "fail": "failed",
    },
    ("on-hold", CLINIC): {"withdraw": "cancelled"},
}
"""State and side → the steps there are, and where they lead. Everything else is refused."""


ON = date(2026, 11, 23)
TRIED = tuple(Attempt(ON, channel) for channel in ("phone", "letter", "visit"))
"""As many attempts in vain as are asked for."""


def given_for(step: str, side: str, by: str = "PractitionerRole/v") -> Given:
    """What a step needs, whatever it is."""
    reasons = STEPS[step].reasons
    return Given(side, by, reasons[0] if reasons else "", "Fordi", date(2026, 12, 1))


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("side", [RECEIVER, CLINIC])
@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_step_leads_where_the_table_says_or_is_refused(status: str, side: str, step: str) -> None:
    case, expected = Case(status, PHASE_OF[status], attempts=TRIED), ALLOWED.get((status, side), {}).get(step)
    if expected is None:
        with pytest.raises(StepNotAllowed):
            moved(case, step, given_for(step, side))
    else:
        assert moved(case, step, given_for(step, side)).status == expected


@pytest.mark.parametrize("status", STATES)
@pytest.mark.parametrize("side", [RECEIVER, CLINIC])
def test_the_steps_of_a_state_are_those_of_the_table(status: str, side: str) -> None:
    table = ALLOWED.get((status, side), {})
    assert set(steps_from(status, side)) == set(table)
    for after in STATES:
        assert {one.id for one in steps_between(status, after, side)} == {k for k, to in table.items() if to == after}


@pytest.mark.parametrize("step", [one for one in STEPS.values() if one.reasons], ids=lambda one: one.id)
def test_a_step_that_needs_a_reason_takes_one_of_its_own(step: object) -> None:
    row = step
    assert isinstance(row, type(STEPS["take"]))
    status = sorted(row.before)[0]
    case = Case(status, PHASE_OF[status], attempts=TRIED)
    for reason in ("", "illness-of-the-moon", next(one for one in REASONS if one not in row.reasons)):
        with pytest.raises(StepNeedsReason):
            moved(case, row.id, Given(row.side, "x", reason, "Fordi"))
    for reason in row.reasons:
        assert moved(case, row.id, Given(row.side, "x", reason, "Fordi")).reason == reason


@pytest.mark.parametrize(("step", "reason"), [("return", "other"), ("forward", "other-organization")])
@pytest.mark.parametrize("text", ["", " ", "\u200b", "x" * 601])
def test_some_reasons_need_words(step: str, reason: str, text: str) -> None:
    with pytest.raises(StepNeedsReason):
        moved(Case("received"), step, Given(RECEIVER, "x", reason, text))


@pytest.mark.parametrize(("step", "status"), [("book", "accepted"), ("meet", "in-progress")])
def test_a_meeting_needs_its_day(step: str, status: str) -> None:
    with pytest.raises(StepNeedsReason):
        moved(Case(status), step, Given(RECEIVER, "x"))
    assert moved(Case(status), step, Given(RECEIVER, "x", on=date(2026, 12, 1))).next_on == date(2026, 12, 1)


@pytest.mark.parametrize("status", ["received", "accepted"])
@pytest.mark.parametrize("attempts", [(), TRIED[:2], (*TRIED, Attempt(ON, "reached"))], ids=len)
def test_a_case_is_not_returned_for_want_of_contact_before_enough_was_tried(
    status: str, attempts: tuple[Attempt, ...]
) -> None:
    case = Case(status, PHASE_OF[status], attempts=attempts)
    assert "no-contact" not in steps_of(case, RECEIVER)
    with pytest.raises(StepNotAllowed):
        moved(case, "no-contact", given_for("no-contact", RECEIVER))
    with pytest.raises(StepNeedsReason):
        moved(case, "no-contact", Given(RECEIVER, "x", "citizen-declines"))


def test_three_attempts_in_vain_open_the_way_back_and_take_it_for_nobody() -> None:
    case = Case("accepted", "accepted", attempts=TRIED)
    assert "no-contact" in steps_of(case, RECEIVER) and case.status == "accepted"
    returned = moved(case, "no-contact", given_for("no-contact", RECEIVER))
    assert (returned.status, returned.phase, returned.reason) == ("rejected", "returned", "not-reached")


def test_who_has_agreed_a_day_has_been_reached() -> None:
    case = moved(Case("accepted", "accepted", attempts=TRIED), "book", given_for("book", RECEIVER))
    assert not case.tried and not case.is_trying and "no-contact" not in steps_of(case, RECEIVER)
    with pytest.raises(StepNotAllowed):
        moved(case, "no-contact", given_for("no-contact", RECEIVER))


def test_every_phase_reason_and_outcome_has_its_word_and_is_used() -> None:
    used = {one.phase for one in STEPS.values()} - {""} | {Case().phase}
    assert used == set(PHASES) and set(PHASE_OF) == set(STATES) and set(PHASE_OF.values()) <= set(PHASES)
    assert {reason for one in STEPS.values() for reason in one.reasons} <= set(REASONS)
    closing = {reason for name in ("complete", "fail") for reason in STEPS[name].reasons}
    assert closing == set(OUTCOMES)


# ── what no sequence of steps can make ───────────────────────────────────────────────────────────

people = st.sampled_from(["PractitionerRole/a", "PractitionerRole/b"])
tries = st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from([RECEIVER, CLINIC]), people)


@given(st.lists(tries, max_size=40))
def test_a_case_that_ended_stays_so_and_has_one_owner_all_along(sequence: list[tuple[str, str, str]]) -> None:
    case, path, took = Case(owner="Organization/town"), [], "Organization/town"
    for step, side, by in sequence:
        path.append(case)
        try:
            case = moved(case, step, given_for(step, side, by))
        except StepNotAllowed:
            continue
        took = by if step in ("take", "take-over") else took
        assert case.owner == took
        assert case.status in STATES and case.phase in PHASES
        assert case.open == (case.status in OPEN) == (case.status not in ENDED)
        assert case.open or case.next_on is None
    for before, after in pairwise([*path, case]):
        assert before.open or after == before


@given(st.lists(tries, max_size=40))
def test_nobody_works_on_a_case_that_was_not_taken_and_accepted(sequence: list[tuple[str, str, str]]) -> None:
    case, seen = Case(owner="Organization/town"), {"requested"}
    for step, side, by in sequence:
        try:
            case = moved(case, step, given_for(step, side, by))
        except StepNotAllowed:
            continue
        seen.add(case.status)
        assert case.status not in ("in-progress", "on-hold", "completed", "failed") or {"received", "accepted"} <= seen
        assert case.status in ("requested", "cancelled") or case.owner != "Organization/town"


# ── the deadline ─────────────────────────────────────────────────────────────────────────────────

SENT = date(2026, 11, 23)
DUE = add_workdays(SENT, 5)


@pytest.mark.parametrize(
    ("on", "says"),
    [
        (date(2026, 11, 23), RUNNING),
        (date(2026, 11, 26), RUNNING),
        (date(2026, 11, 27), NEARING),
        (date(2026, 11, 29), NEARING),
        (date(2026, 11, 30), NEARING),
        (date(2026, 12, 1), LATE),
    ],
)
def test_the_deadline_is_near_at_three_quarters_and_late_when_its_day_is_over(on: date, says: str) -> None:
    assert date(2026, 11, 30) == DUE
    for status in ("requested", "received"):
        assert deadline_of(status, SENT, DUE, on) == says


@pytest.mark.parametrize("status", sorted(set(STATES) - {"requested", "received"}))
def test_what_was_answered_is_never_late(status: str) -> None:
    assert deadline_of(status, SENT, DUE, date(2030, 1, 1)) == ANSWERED


def test_a_case_without_deadline_has_none() -> None:
    assert deadline_of("requested", SENT, None, SENT) == ANSWERED


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 20))
def test_the_deadline_only_ever_comes_nearer(start: date, within: int) -> None:
    due, order = add_workdays(start, within), [RUNNING, NEARING, LATE]
    told = [deadline_of("requested", start, due, start + timedelta(days=one)) for one in range(60)]
    assert [order.index(one) for one in told] == sorted(order.index(one) for one in told)
    assert told[(due - start).days] != LATE and told[(due - start).days + 1] == LATE
