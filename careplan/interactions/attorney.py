"""Fuldmagt: a patient lets a relative read the record, or write in it as well, until a day, and takes it back.

The relative is a RelatedPerson that the clinic has entered; one relative has one power of attorney, so giving it anew
changes the one that holds. Not here: what the relative then may do (`access`, `consent`), and how a relative who signs
in comes to act (`representation`).
"""

from collections.abc import Sequence
from datetime import date

from careplan.domain.calendar import add_months
from careplan.domain.errors import CareplanError
from careplan.fhir.consent import Rule
from careplan.fhir.query import Query
from careplan.fhir.span import find_span
from careplan.fhir.text import Json, parse
from careplan.fhir.trust import power_of_attorney
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.agreed_consent import Said, read_said, say, say_again, standing, take_back_all
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.store.protocol import GuardFailed, NotFound

LONGEST = 60
"""Months that a power of attorney holds at most, before the patient has to say so anew."""


class TermFaulty(CareplanError):
    """A power of attorney that ends before it begins, or too far ahead."""

    code = "term-faulty"


def is_attorney(rule: Rule) -> bool:
    """Whether a Consent lets a relative in."""
    return not rule.denies and any(one.startswith("RelatedPerson/") for one in rule.actors)


async def relatives_of(context: Context, patient: str) -> tuple[Json, ...]:
    """The RelatedPersons of a patient that still are, by name. Raises Forbidden."""
    access.check_whole_type(context, "RelatedPerson")
    await access.check_patient(context, patient)
    found = await every(context, await access.unblocked(context, Query("RelatedPerson", patient=patient)))
    values = [parse(one.body or b"") for one in found]
    return tuple(one for one in values if one.get("active") is not False and not _is_over(context, one))


def _is_over(context: Context, relative: Json) -> bool:
    end = find_span(str((relative.get("period") or {}).get("end", "")))
    return end is not None and end[1] <= context.now


def term_fault(until: date | None, on: date) -> str | None:
    """What is wrong with a last day: `missing`, `past` or `far`; None: nothing."""
    if until is None:
        return "missing"
    return "past" if until < on else "far" if until > add_months(on, LONGEST) else None


async def give(context: Context, patient: str, relative: str, until: date, *, writes: bool) -> str:
    """The id of the Consent; said twice, the same one. Raises TermFaulty, NotFound, PreconditionFailed, Forbidden."""
    if term_fault(until, context.on):
        raise TermFaulty(f"a power of attorney ends today or later, and within {LONGEST} months")
    if all(one["id"] != relative for one in await relatives_of(context, patient)):
        raise NotFound(f"RelatedPerson/{relative} is no relative of this patient")
    consent = power_of_attorney(patient, relative, context.on, until, context.now, writes=writes)

    async def work() -> str:
        said, guard = await standing(context, patient)
        one = _given_to(relative, said)
        if one is None:
            return await say(context, consent, guard)
        same = one.until == until and one.rule.writes == writes
        return one.id if same else await say_again(context, one, consent)

    return await again(work, GuardFailed)


def _given_to(relative: str, said: Sequence[Said]) -> Said | None:
    """The power of attorney this relative has, if the patient alone has said so."""
    actor = frozenset({f"RelatedPerson/{relative}"})
    return next((one for one in said if one.own and is_attorney(one.rule) and one.rule.actors == actor), None)


async def find_attorney(context: Context, patient: str, id: str) -> Said | None:
    """One of this patient's; None when it has ended. Raises NotFound, Forbidden."""
    return await read_said(context, patient, id, is_attorney)


async def withdraw(context: Context, patient: str, id: str) -> bool:
    """Whether it held until now. Raises NotFound, PreconditionFailed, Forbidden."""
    said = await find_attorney(context, patient, id)
    if said is not None:
        actors = said.rule.actors
        await take_back_all(context, said, lambda rule: is_attorney(rule) and rule.actors == actors)
    return said is not None
