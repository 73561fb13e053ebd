"""The case of a referral between clinic and municipality: its states, the steps each side may take, its deadline.

The tables are closed. Nothing opens a case that has ended, and a case has one owner at any time. The states are those
of FHIR's Task; the phases are the words people use, in `Task.businessStatus`. Not here: the resources
(`careplan.fhir.case`), and that access ends with the case (`careplan.interactions.release`). Source: UX brief,
section I (case-management elements). https://hl7.org/fhir/R4/task.html#statemachine
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from careplan.domain.attempt import ENOUGH, Attempt, in_vain, is_enough
from careplan.domain.errors import CareplanError
from careplan.domain.words import words_fault
from careplan.domain.workday import workdays_between

RECEIVER, CLINIC = "receiver", "clinic"
"""The two sides: the municipality or hospital that was asked, and the clinic that asked."""

OPEN = frozenset({"requested", "received", "accepted", "in-progress", "on-hold"})
ENDED = frozenset({"rejected", "completed", "cancelled", "failed"})
ASKED = frozenset({"requested", "received"})
"""States in which the clinic still waits for an answer."""

PHASES: Mapping[str, str] = {
    "received": "Modtaget",
    "triage": "Under visitation",
    "returned": "Returneret",
    "forwarded": "Sendt videre",
    "accepted": "Accepteret",
    "booked": "Samtale aftalt",
    "active": "I forløb",
    "paused": "Pause",
    "closed": "Afsluttet",
    "withdrawn": "Trukket tilbage",
}
"""Codes of CodeSystem/referral-phase, in the order of a case's life."""

PHASE_OF: Mapping[str, str] = {
    "requested": "received",
    "received": "triage",
    "rejected": "returned",
    "accepted": "accepted",
    "in-progress": "active",
    "on-hold": "paused",
    "completed": "closed",
    "failed": "closed",
    "cancelled": "withdrawn",
}
"""The phase of a case that names none."""

RETURN_REASONS: Mapping[str, str] = {
    "missing-information": "Der mangler oplysninger",
    "not-target-group": "Borgeren er ikke i målgruppen",
    "no-offer": "Vi har ikke et tilbud, der passer",
    "citizen-declines": "Borgeren ønsker det ikke",
    "other": "Andet",
}
NO_CONTACT_REASONS: Mapping[str, str] = {"not-reached": "Borgeren kan ikke træffes"}
PAUSE_REASONS: Mapping[str, str] = {
    "illness": "Sygdom",
    "away": "Ferie eller rejse",
    "waiting": "Venter på et hold",
    "citizen-wish": "Borgerens ønske",
    "other": "Andet",
}
WITHDRAW_REASONS: Mapping[str, str] = {
    "citizen-wish": "Borgerens ønske",
    "not-needed": "Ikke længere nødvendigt",
    "mistake": "Sendt ved en fejl",
    "other": "Andet",
}
FORWARD_REASONS: Mapping[str, str] = {"other-organization": "Hører til et andet sted"}

OUTCOMES: Mapping[str, str] = {
    "carried-out": "Gennemført",
    "partly": "Delvist gennemført",
    "dropped-out": "Frafald",
    "moved": "Flyttet",
    "died": "Død",
    "declined": "Ønsker ikke forløbet",
}
"""How a course ended: the first two completed it."""
_COMPLETED = ("carried-out", "partly")

REASONS: Mapping[str, str] = {
    **RETURN_REASONS,
    **NO_CONTACT_REASONS,
    **PAUSE_REASONS,
    **WITHDRAW_REASONS,
    **FORWARD_REASONS,
    **OUTCOMES,
    "sharing-stopped": "Delingen er stoppet",
    "request-ended": "Henvisningen er ophørt",
}
"""Every code of CodeSystem/referral-reason."""


class StepNotAllowed(CareplanError):
    """A step that does not follow from the state a case is in, or is the other side's to take."""

    code = "referral-step"


class StepNeedsReason(CareplanError):
    """A step without the reason, outcome or day it needs."""

    code = "referral-needs-reason"


@dataclass(frozen=True, slots=True)
class Step:
    """What one side may do with a case.

    before   states it is taken from; after: the state it leads to, empty: the same
    phase    the phase it leads to, empty: the same
    reasons  codes of which it needs one; empty: none
    worded   whether words are needed whatever the code
    dated    whether it needs a day
    tried    whether it needs enough attempts to reach the person in vain
    """

    id: str
    side: str
    before: frozenset[str]
    after: str
    phase: str
    reasons: tuple[str, ...] = ()
    worded: bool = False
    dated: bool = False
    tried: bool = False


def _step(
    id: str,
    side: str,
    before: str,
    after: str,
    phase: str,
    *,
    reasons: tuple[str, ...] = (),
    worded: bool = False,
    dated: bool = False,
    tried: bool = False,
) -> Step:
    return Step(id, side, frozenset(before.split()), after, phase, reasons, worded, dated, tried)


STEPS: Mapping[str, Step] = {
    one.id: one
    for one in (
        _step("take", RECEIVER, "requested", "received", "triage"),
        _step("take-over", RECEIVER, "received accepted in-progress on-hold", "", ""),
        _step("accept", RECEIVER, "received", "accepted", "accepted"),
        _step("return", RECEIVER, "received", "rejected", "returned", reasons=tuple(RETURN_REASONS)),
        _step("forward", RECEIVER, "received", "rejected", "forwarded", reasons=tuple(FORWARD_REASONS), worded=True),
        _step(
            "no-contact",
            RECEIVER,
            "received accepted",
            "rejected",
            "returned",
            reasons=tuple(NO_CONTACT_REASONS),
            tried=True,
        ),
        _step("book", RECEIVER, "accepted", "accepted", "booked", dated=True),
        _step("start", RECEIVER, "accepted", "in-progress", "active"),
        _step("meet", RECEIVER, "in-progress", "", "", dated=True),
        _step("pause", RECEIVER, "in-progress", "on-hold", "paused", reasons=tuple(PAUSE_REASONS)),
        _step("resume", RECEIVER, "on-hold", "in-progress", "active"),
        _step("complete", RECEIVER, "in-progress on-hold", "completed", "closed", reasons=_COMPLETED),
        _step(
            "fail",
            RECEIVER,
            "accepted in-progress on-hold",
            "failed",
            "closed",
            reasons=tuple(one for one in OUTCOMES if one not in _COMPLETED),
        ),
        _step(
            "withdraw",
            CLINIC,
            "requested received accepted in-progress on-hold",
            "cancelled",
            "withdrawn",
            reasons=tuple(WITHDRAW_REASONS),
        ),
    )
}

OWNING = frozenset({"take", "take-over"})
"""Steps after which whoever took them owns the case."""

TRYING = frozenset({"triage", "accepted"})
"""Phases in which the person is still to be reached: after them a day is agreed, or the course goes on."""


@dataclass(frozen=True, slots=True)
class Case:
    """Where a case stands.

    owner    reference of the organisation or the person that has it
    reason   code of the last step that needed one; text: its words
    next_on  the day of the next meeting that is agreed
    attempts  to reach the person, as they were written down
    """

    status: str = "requested"
    phase: str = "received"
    owner: str = ""
    reason: str = ""
    text: str = ""
    next_on: date | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def is_trying(self) -> bool:
        """Whether the person is still to be reached: only then attempts are written down."""
        return self.open and self.phase in TRYING

    @property
    def tried(self) -> tuple[Attempt, ...]:
        """The attempts in vain, oldest first; none once a day is agreed, or the person was reached otherwise."""
        return in_vain(self.attempts) if self.is_trying else ()


@dataclass(frozen=True, slots=True)
class Given:
    """What comes with a step: who takes it and on which side, why, and the day of the next meeting."""

    side: str
    by: str
    reason: str = ""
    text: str = ""
    on: date | None = None


def moved(case: Case, step: str, given: Given) -> Case:
    """The case after a step. Raises StepNotAllowed, StepNeedsReason."""
    row = STEPS.get(step)
    if row is None or row.side != given.side or case.status not in row.before:
        raise StepNotAllowed(f"a case that is {case.status} allows {allowed(case.status, given.side)}")
    _check_given(row, given)
    _check_tried(row, case)
    return replace(
        case,
        status=row.after or case.status,
        phase=row.phase or case.phase,
        owner=given.by if step in OWNING else case.owner,
        reason=given.reason if row.reasons else "",
        text=given.text.strip() if row.reasons else "",
        next_on=(given.on or case.next_on) if (row.after or case.status) in OPEN else None,
    )


def _check_given(row: Step, given: Given) -> None:
    if row.reasons and given.reason not in row.reasons:
        raise StepNeedsReason(f"step {row.id} needs a reason: one of {', '.join(row.reasons)}")
    fault = words_fault(given.text, needed=row.worded or given.reason == "other")
    if row.reasons and fault:
        raise StepNeedsReason(f"step {row.id}, text: {fault}")
    if row.dated and given.on is None:
        raise StepNeedsReason(f"step {row.id} needs a day")


def _check_tried(row: Step, case: Case) -> None:
    if row.tried and not is_enough(case.tried):
        raise StepNotAllowed(f"step {row.id} needs {ENOUGH} attempts in vain, on different days or by other channels")


def allowed(status: str, side: str) -> str:
    """The steps of a side, for people: «take, return» or «no step»."""
    return ", ".join(steps_from(status, side)) or "no step"


def steps_from(status: str, side: str) -> tuple[str, ...]:
    """The steps a side may take from a state, in the order of the table."""
    return tuple(one.id for one in STEPS.values() if one.side == side and status in one.before)


def steps_of(case: Case, side: str) -> tuple[str, ...]:
    """The steps a side may take with a case as it stands: those of its state, without what needs more attempts."""
    enough = is_enough(case.tried)
    return tuple(one for one in steps_from(case.status, side) if enough or not STEPS[one].tried)


def steps_between(before: str, after: str, side: str) -> tuple[Step, ...]:
    """The steps of a side that lead from one state to another: what a Task that somebody sends is held to."""
    found = (one for one in STEPS.values() if one.side == side and before in one.before)
    return tuple(one for one in found if (one.after or before) == after)


# ── the deadline of the answer ───────────────────────────────────────────────────────────────────

ANSWER_WITHIN = 5
"""Working days in which a referral is answered."""

NEAR = 0.75
"""The share of those days after which the deadline is called near."""

RUNNING, NEARING, LATE, ANSWERED = "running", "near", "late", "answered"


def deadline_of(status: str, asked: date | None, due: date | None, on: date) -> str:
    """How the deadline of the answer stands on a day: computed, never stored.

    It is near once 75 % of its working days have come, late once its last day is over. A case that was answered has
    none.
    """
    if status not in ASKED or due is None:
        return ANSWERED
    if on > due:
        return LATE
    whole = workdays_between(asked, due) if asked else ANSWER_WITHIN
    gone = whole - workdays_between(on, due)
    return NEARING if whole <= 0 or gone >= NEAR * whole else RUNNING
