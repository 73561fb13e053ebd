"""Whom somebody signed in may act for: themselves, and each patient who has given them a power of attorney.

Somebody signs in as one person. As a relative they are known by a RelatedPerson, one in each record: the one they
signed in as, and every other that the clinic has entered with their person number. Acting for a patient is calling as
that RelatedPerson, so that everything is decided, logged and signed as for a relative who comes by FHIR. Not here: what
a relative may do (`access`, `consent`), and where the choice is kept (`careplan.views`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from careplan.domain.errors import CareplanError
from careplan.fhir.consent import rule_from_consent
from careplan.fhir.instant import day_of
from careplan.fhir.person_number import numbers_of
from careplan.fhir.query import Criterion, Query, ReferenceIs, TokenIs
from careplan.fhir.span import OPEN_HIGH
from careplan.fhir.text import Json, parse
from careplan.interactions.caller import Caller
from careplan.interactions.consent import consents
from careplan.interactions.context import Context
from careplan.interactions.every import every


class RepresentationLost(CareplanError):
    """Whoever acted for a patient does so no longer: it was taken back, or its day is past."""

    code = "representation-lost"


class OnlyReads(CareplanError):
    """A power of attorney that lets read, and this would write."""

    code = "only-reads"


@dataclass(frozen=True, slots=True)
class Represented:
    """A patient whom the person signed in may act for.

    relative  logical id of the RelatedPerson they then are
    caller    who calls while they act
    patient   the Patient
    writes    whether they write, too
    parent    whether they are the patient's father or mother
    """

    relative: str
    caller: Caller
    patient: Json
    writes: bool
    parent: bool = False


PARENTS = frozenset({"PRN", "MTH", "FTH", "NMTH", "NFTH", "ADOPTP", "STPPRN"})
"""v3-RoleCode of fathers and mothers."""


async def represented(context: Context) -> tuple[Represented, ...]:
    """Everybody the person signed in may act for now, besides themselves; in the order of the patients' ids."""
    found = [await _as_relative(context, one) for one in await _relatives(context)]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: str(one.patient["id"])))


async def find_represented(context: Context, relative: str) -> Represented | None:
    """One of them, by the RelatedPerson; None where there is no (longer any) power of attorney."""
    own = [one for one in await _relatives(context) if one["id"] == relative]
    return await _as_relative(context, own[0]) if own else None


async def until_of(context: Context, one: Represented) -> date | None:
    """The last day that a power of attorney holds; None where it names none."""
    actor = Criterion("actor", "reference", (ReferenceIs("RelatedPerson", one.relative),))
    found = await every(context, Query("Consent", (actor,), patient=one.patient["id"]))
    rules = [rule_from_consent(parse(version.body or b""), context.base) for version in found]
    ends = [rule.high for rule in rules if rule and not rule.denies and rule.holds(context.now)]
    last = max(ends, default=OPEN_HIGH)
    return None if last == OPEN_HIGH else day_of(last - timedelta(milliseconds=1))


async def _relatives(context: Context) -> list[Json]:
    """The RelatedPersons that the person signed in is."""
    caller = context.caller
    if caller.role != "patient" or caller.reference is None:
        return []
    type_name, _, id = caller.reference.partition("/")
    person = await _read(context, type_name, id)
    if person is None:
        return []
    same = await _of_numbers(context, numbers_of(person))
    own = [person] if type_name == "RelatedPerson" else []
    return own + [one for one in same if one["id"] not in {two["id"] for two in own}]


async def _of_numbers(context: Context, numbers: Iterable[tuple[str, str]]) -> list[Json]:
    tokens = tuple(TokenIs(system, value) for system, value in numbers)
    if not tokens:
        return []
    found = await every(context, Query("RelatedPerson", (Criterion("identifier", "token", tokens),)))
    return [parse(version.body or b"") for version in found]


async def _as_relative(context: Context, relative: Json) -> Represented | None:
    """Who is acted for as this RelatedPerson; None without a power of attorney that holds."""
    caller = replace(context.caller, reference=f"RelatedPerson/{relative['id']}", patient=None)
    trusted = (await consents(replace(context, caller=caller))).trusted
    for patient, writes in trusted.items():
        value = await _read(context, "Patient", patient)
        if value is not None:
            codes = {code.get("code") for one in relative.get("relationship", ()) for code in one.get("coding", ())}
            acting = replace(caller, patient=patient)
            return Represented(str(relative["id"]), acting, value, writes, bool(codes & PARENTS))
    return None


async def _read(context: Context, type_name: str, id: str) -> Json | None:
    version = await context.store.read(type_name, id)
    return None if version is None or version.body is None else parse(version.body)
