"""Who may see one patient's plan, for what and until when: what «Deling og adgang» shows beside the log.

Not here: how each is given and taken back (`attorney`, `block`), and who has looked (`access_log`).
"""

from dataclasses import dataclass

from careplan.fhir.agreed import is_order
from careplan.fhir.case import request_of_consent
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.text import Json, parse
from careplan.interactions import access
from careplan.interactions.agreed_consent import Said, said_by
from careplan.interactions.attorney import is_attorney, relatives_of
from careplan.interactions.block import stops
from careplan.interactions.context import Context
from careplan.interactions.emergency import Emergency, emergencies_of_patient
from careplan.interactions.emergency_review import reviewed_of_patient
from careplan.interactions.every import every
from careplan.interactions.read import read
from careplan.interactions.referral import is_shared


@dataclass(frozen=True, slots=True)
class Opening:
    """A referral that is open; `stopped`: the Consent by which the patient has ended what it shares."""

    referral: Json
    stopped: Said | None


@dataclass(frozen=True, slots=True)
class Sharing:
    """One patient's sharing now.

    permits      what else the patient has let somebody in by
    blocks       those of a referral left out: they stand with it
    reviewed     emergencies (references) that their organisation has gone through
    """

    patient: Json
    openings: tuple[Opening, ...]
    permits: tuple[Said, ...]
    attorneys: tuple[Said, ...]
    relatives: tuple[Json, ...]
    blocks: tuple[Said, ...]
    emergencies: tuple[Emergency, ...]
    reviewed: frozenset[str]


async def read_sharing(context: Context, patient: str) -> Sharing:
    """Raises NotFound, Forbidden."""
    person = parse((await read(context, "Patient", patient)).body or b"")
    said = await said_by(context, patient)
    openings = [Opening(one, _stopping(said, one)) for one in await _referrals(context, patient)]
    return Sharing(
        patient=person,
        openings=tuple(openings),
        permits=tuple(one for one in said if _is_permit(context, one)),
        attorneys=tuple(one for one in said if is_attorney(one.rule)),
        relatives=await relatives_of(context, patient),
        blocks=tuple(one for one in said if one.rule.denies and not _is_of_referral(one)),
        emergencies=await emergencies_of_patient(context, patient),
        reviewed=await reviewed_of_patient(context, patient),
    )


def _is_permit(context: Context, one: Said) -> bool:
    """Whether it lets somebody in who is no relative, and not by a referral."""
    return not one.rule.denies and not is_attorney(one.rule) and request_of_consent(one.consent, context.base) is None


def _is_of_referral(one: Said) -> bool:
    return bool(one.rule.instances) and all(name.startswith("ServiceRequest/") for name in one.rule.instances)


def _stopping(said: tuple[Said, ...], referral: Json) -> Said | None:
    return next((one for one in said if stops(one.rule, str(referral["id"]))), None)


async def _referrals(context: Context, patient: str) -> list[Json]:
    access.check_whole_type(context, "ServiceRequest")
    status = Criterion("status", "token", (TokenIs(None, "active"),))
    query = await access.unblocked(context, Query("ServiceRequest", (status,), patient=patient))
    values = [parse(one.body or b"") for one in await every(context, query)]
    return [one for one in values if not is_order(one) and is_shared(one, context.now)]
