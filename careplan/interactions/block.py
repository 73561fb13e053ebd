"""Spærring: a patient denies an organisation or one who works there the record, or a kind of what is in it; lifts it.

Ending what a referral shares ends the Consent it was sent with, and the referral with that (`release`). A referral that
was sent without one is blocked itself, for whom it was sent to: it then opens nothing. Not here: how a block is kept
(`consent`).
"""

from careplan.domain.errors import CareplanError
from careplan.fhir.agreed import is_order
from careplan.fhir.case import receivers_of, request_of_consent
from careplan.fhir.consent import Rule
from careplan.fhir.text import Json, parse
from careplan.fhir.trust import KINDS
from careplan.fhir.trust import block as blocking
from careplan.interactions.again import again
from careplan.interactions.agreed_consent import Said, read_said, said_by, say, standing, take_back, take_back_all
from careplan.interactions.context import Context
from careplan.interactions.read import find_version, read
from careplan.interactions.referral import is_shared
from careplan.store.protocol import GuardFailed, NotFound

BLOCKED = ("Organization", "Practitioner", "PractitionerRole")
"""Whom a patient can block."""


class KindUnknown(CareplanError):
    """A block of a kind of data that there is none of."""

    code = "kind-unknown"


def is_block(rule: Rule) -> bool:
    return rule.denies


def stops(rule: Rule, referral: str) -> bool:
    """Whether a block ends what a referral (logical id) shares."""
    return rule.denies and rule.instances == {f"ServiceRequest/{referral}"}


def kind_of(rule: Rule) -> str:
    """Our word for what is blocked; empty where it is something else."""
    if rule.codes or rule.instances:
        return ""
    return next((kind for kind, types in KINDS.items() if rule.types == frozenset(types)), "")


async def block(context: Context, patient: str, actor: str, kind: str) -> str:
    """The id of the Consent; said twice, the same one.

    actor   `Organization/x`, `PractitionerRole/x`, `Practitioner/x`
    Raises  KindUnknown, NotFound, Forbidden
    """
    if kind not in KINDS:
        raise KindUnknown(f"what is blocked is one of {', '.join(KINDS)}")
    type_name, _, id = actor.partition("/")
    if type_name not in BLOCKED or await find_version(context, type_name, id) is None:
        raise NotFound("there is nobody to block by that reference")
    consent = blocking(patient, [actor], context.now, KINDS[kind])

    async def work() -> str:
        said, guard = await standing(context, patient)
        for one in said:
            if one.rule.denies and one.rule.actors == {actor} and kind_of(one.rule) == kind:
                return one.id
        return await say(context, consent, guard)

    return await again(work, GuardFailed)


async def find_block(context: Context, patient: str, id: str) -> Said | None:
    """One of this patient's; None when it has been lifted. Raises NotFound, Forbidden."""
    return await read_said(context, patient, id, is_block)


async def lift(context: Context, patient: str, id: str) -> bool:
    """Whether it held until now. Raises NotFound, PreconditionFailed, Forbidden."""
    said = await find_block(context, patient, id)
    if said is not None:
        await take_back_all(context, said, lambda rule: _what(rule) == _what(said.rule))
    return said is not None


def _what(rule: Rule) -> tuple[object, ...]:
    """Whom a Consent denies what."""
    return rule.denies, rule.actors, rule.types, rule.codes, rule.instances


# ── what a referral shares ───────────────────────────────────────────────────────────────────────


async def read_referral(context: Context, patient: str, id: str) -> Json:
    """A referral of this patient that shares something now. Raises NotFound, Forbidden."""
    version = await read(context, "ServiceRequest", id)
    value = parse(version.body or b"")
    if version.patient != patient or is_order(value) or not is_shared(value, context.now):
        raise NotFound(f"ServiceRequest/{id} shares nothing")
    return value


async def stop_sharing(context: Context, patient: str, id: str) -> None:
    """Whoever a referral was sent to sees nothing by it any more. Said twice, the second finds it done.

    Raises NotFound, PreconditionFailed, Forbidden
    """
    referral = await read_referral(context, patient, id)
    said = await said_by(context, patient)
    if any(stops(one.rule, id) for one in said):
        return
    for one in said:
        if request_of_consent(one.consent, context.base) == f"ServiceRequest/{id}" and one.own:
            await take_back(context, one)
    if await _is_still_shared(context, id):
        await _block_referral(context, patient, referral)


async def _is_still_shared(context: Context, id: str) -> bool:
    version = await find_version(context, "ServiceRequest", id)
    return version is not None and is_shared(parse(version.body or b""), context.now)


async def _block_referral(context: Context, patient: str, referral: Json) -> None:
    actors = [one for one in receivers_of(referral) if one.partition("/")[0] in BLOCKED]
    if not actors:
        raise NotFound(f"ServiceRequest/{referral['id']} names nobody who sees by it")
    consent = blocking(patient, actors, context.now, only=f"ServiceRequest/{referral['id']}")

    async def work() -> None:
        said, guard = await standing(context, patient)
        if not any(stops(one.rule, referral["id"]) for one in said):
            await say(context, consent, guard)

    await again(work, GuardFailed)
