"""Referrals of people of the demo whose case stands in a phase that is chosen, not drawn.

Not here: the referrals that chance makes (`plan`), and what may follow on what (`careplan.domain.referral`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from careplan.domain.attempt import Attempt
from careplan.domain.referral import ANSWER_WITHIN, OPEN, Case
from careplan.domain.workday import add_workdays
from careplan.fhir.attempt import output_from_attempt
from careplan.fhir.case import task_from_request, task_with_case
from careplan.fhir.instant import COPENHAGEN, instant_text
from careplan.fhir.reply import task_to_see
from careplan.synthetic.history import days_after
from careplan.synthetic.observation import Record, Resource
from careplan.synthetic.visit import working_day

MUNICIPALITY = {"reference": "Organization/kommune-nord"}
VISITATOR = "PractitionerRole/visitator-nord"

OFFERS = ("Afklarende samtale", "KOL-rehabilitering")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a case in a phase stands.

    sent    days ago that it was sent; ahead: days until the next meeting, 0 without one
    reason  code of the last step that needed one, and its words
    tried   (days after it was sent, channel) of each attempt to reach the person in vain
    """

    status: str
    sent: int
    ahead: int = 0
    reason: str = ""
    words: str = ""
    tried: tuple[tuple[int, str], ...] = ()


STANDING: Mapping[str, Standing] = {
    "received": Standing("requested", 12),
    "triage": Standing("received", 3, tried=((1, "phone"),)),
    "returned": Standing("rejected", 55, reason="missing-information", words="Den nyeste FEV1 mangler."),
    "forwarded": Standing("rejected", 80, reason="other-organization", words="Hører til sygehusets lungeskole."),
    "accepted": Standing("accepted", 6, tried=((1, "phone"), (2, "letter"), (4, "phone"))),
    "booked": Standing("accepted", 11, ahead=4),
    "active": Standing("in-progress", 44, ahead=7),
    "paused": Standing("on-hold", 60, reason="illness", words="Indlagt med lungebetændelse."),
    "closed": Standing("completed", 190, reason="carried-out"),
    "withdrawn": Standing("cancelled", 120, reason="citizen-wish"),
}
"""By phase of CodeSystem/referral-phase."""

UNSEEN = frozenset({"returned"})
"""Phases of cases that ended and that nobody of the clinic has seen."""

_REQUEST = {"completed": "completed"}
"""What the ServiceRequest is whose case has ended; else it is revoked."""


def write_cases(record: Record, phases: tuple[str, ...], reasons: list[Resource], on: date) -> Iterator[Resource]:
    """Write a referral with its case for each of these phases; returns references of the referrals."""
    for nth, phase in enumerate(phases, 1):
        yield _write(record, f"{nth}", phase, reasons, on)


def _write(record: Record, nth: str, phase: str, reasons: list[Resource], on: date) -> Resource:
    standing = STANDING[phase]
    sent = working_day(on - timedelta(days=standing.sent))
    at = datetime(sent.year, sent.month, sent.day, 10, 40, tzinfo=COPENHAGEN)
    is_open = standing.status in OPEN
    request: Resource = {
        "status": "active" if is_open else _REQUEST.get(standing.status, "revoked"),
        "intent": "order",
        "priority": "routine",
        "code": {"text": OFFERS[is_open]},
        "subject": record.subject,
        "occurrencePeriod": {"start": sent.isoformat(), "end": days_after(sent, 184)},
        "authoredOn": instant_text(at),
        "requester": record.doctor,
        "performer": [MUNICIPALITY],
        "reasonReference": reasons,
    }
    reference = record.add("ServiceRequest", f"r{nth}", request)
    due = add_workdays(sent, ANSWER_WITHIN)
    bare = task_from_request(request, reference["reference"].partition("/")[2], due, at)
    tried = [_attempt(sent + timedelta(days=after), channel) for after, channel in standing.tried]
    case = task_with_case(bare, _case(phase, standing, on), _last(at, on))
    task = record.add("Task", f"case{nth}", {**case, **({"output": tried} if tried else {})})
    if phase in UNSEEN:
        patient, owner = (one["reference"] for one in (record.subject, record.doctor))
        ended = task_to_see(patient.partition("/")[2], reference["reference"], task["reference"], owner, _last(at, on))
        record.add("Task", f"see{nth}", ended)
    return reference


def _attempt(on: date, channel: str) -> Resource:
    return output_from_attempt(Attempt(on, channel, "Sanne Test Bach"), MUNICIPALITY["reference"])


def _case(phase: str, standing: Standing, on: date) -> Case:
    owner = MUNICIPALITY["reference"] if standing.status == "requested" else VISITATOR
    day = on + timedelta(days=standing.ahead) if standing.ahead else None
    return Case(standing.status, phase, owner, standing.reason, standing.words, day)


def _last(sent: datetime, on: date) -> datetime:
    """When the case was last moved: two days after it was sent, and never today."""
    return min(sent + timedelta(days=2), datetime(on.year, on.month, on.day, tzinfo=COPENHAGEN) - timedelta(hours=9))
