"""What one patient has agreed to and denied, Consent by Consent: read, written and taken back by the patient.

Who may do so is decided by `access`; that a Consent from an emergency stands is, too. Not here: the lists a page shows
(`sharing`), and what a Consent means for somebody who calls (`consent`). https://hl7.org/fhir/R4/consent.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from careplan.fhir.consent import Rule, rule_from_consent
from careplan.fhir.instant import day_of
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.span import OPEN_HIGH
from careplan.fhir.text import Json, parse, text_from_value
from careplan.fhir.trust import ACTIVE, ended, is_ended
from careplan.interactions import access
from careplan.interactions.change import Change
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.interactions.read import read
from careplan.interactions.write import update, write
from careplan.store.protocol import Guard, NotFound, guard_of


@dataclass(frozen=True, slots=True)
class Said:
    """One Consent that holds, and what it says.

    until  the last day it holds; None: for ever
    """

    id: str
    number: int
    consent: Json
    rule: Rule

    @property
    def until(self) -> date | None:
        high = self.rule.high
        return None if high == OPEN_HIGH else day_of(high - timedelta(milliseconds=1))

    @property
    def own(self) -> bool:
        """Whether the patient said it alone, and so takes it back alone."""
        said = [one.get("reference") for one in self.consent.get("performer", ())]
        return said == [f"Patient/{self.rule.patient}"]


async def said_by(context: Context, patient: str) -> tuple[Said, ...]:
    """What holds now or will, newest first, emergencies left out. Raises Forbidden."""
    return (await standing(context, patient))[0]


async def standing(context: Context, patient: str) -> tuple[tuple[Said, ...], Guard]:
    """The same, and a guard that nothing else is said meanwhile."""
    access.check_whole_type(context, "Consent")
    await access.check_patient(context, patient)
    status = Criterion("status", "token", (TokenIs(None, ACTIVE),))
    query = await access.unblocked(context, Query("Consent", (status,), patient=patient))
    found = await every(context, query)
    values = [(one, parse(one.body or b"")) for one in sorted(found, key=lambda one: one.at, reverse=True)]
    rules = [(one, value, rule_from_consent(value, context.base)) for one, value in values]
    said = tuple(
        Said(one.id, one.number, value, rule)
        for one, value, rule in rules
        if rule is not None and not rule.emergency and context.now < rule.high
    )
    return said, guard_of(f"Patient/{patient}/Consent", query, found)


async def say(context: Context, consent: Json, guard: Guard) -> str:
    """Write a Consent; its id. Raises GuardFailed when something was said meanwhile, ResourceInvalid, Forbidden."""
    change = Change("Consent", context.new_id(), text_from_value(consent), base=context.base, method="POST")
    return (await write(context, change, [guard])).version.id


async def say_again(context: Context, said: Said, consent: Json) -> str:
    """Put other words in the place of a Consent. Raises PreconditionFailed once somebody else has changed it."""
    changed = {**consent, "id": said.id}
    return (await update(context, "Consent", said.id, text_from_value(changed), expects=said.number)).version.id


async def read_said(context: Context, patient: str, id: str, fits: Callable[[Rule], bool]) -> Said | None:
    """A Consent of this patient; None when it has ended. Raises NotFound for another's or another kind's, Forbidden."""
    version = await read(context, "Consent", id)
    value = parse(version.body or b"")
    standing = {**value, "status": ACTIVE}
    rule = rule_from_consent(standing, context.base) if version.patient == patient else None
    if rule is None or rule.emergency or not fits(rule):
        raise NotFound(f"Consent/{id} is not one that this page ends")
    over = is_ended(value) or rule.high <= context.now
    return None if over else Said(version.id, version.number, value, rule)


async def take_back(context: Context, said: Said) -> None:
    """It ends now. Raises PreconditionFailed once somebody else has changed it, Forbidden."""
    await update(context, "Consent", said.id, text_from_value(ended(said.consent)), expects=said.number)


async def take_back_all(context: Context, said: Said, equal: Callable[[Rule], bool]) -> None:
    """It ends now, and before it whatever the patient has said that is equal to it. Raises as `take_back`."""
    for one in await said_by(context, said.rule.patient):
        if one.id != said.id and one.own and equal(one.rule):
            await take_back(context, one)
    await take_back(context, said)
