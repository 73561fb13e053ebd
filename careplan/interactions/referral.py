"""Which referrals to an organisation are open now: what lets a municipality or a hospital see a patient's slice.

A referral opens from when it is active until it is completed or revoked, or its period ends: a day counts to its last
moment in Copenhagen. Not here: what the slice is (`access`, `overview`). https://hl7.org/fhir/R4/servicerequest.html
"""

from dataclasses import replace
from datetime import datetime

from careplan.fhir.agreed import is_order
from careplan.fhir.query import Criterion, Query, ReferenceIs, TokenIs
from careplan.fhir.span import find_span
from careplan.fhir.text import Json, parse
from careplan.interactions.consent import consents
from careplan.interactions.context import Context
from careplan.interactions.every import every


async def referred_patients(
    context: Context, organization: str, patient: str | None = None, *, emergency: bool = True
) -> frozenset[str]:
    """Patients with an active referral to the organisation whose period has not ended; of one, whether that one is."""
    referrals = await active_referrals(context, organization, patient, emergency=emergency)
    return frozenset(patient for patient, _ in referrals)


async def active_referrals(
    context: Context, organization: str, patient: str | None = None, *, emergency: bool = True
) -> tuple[tuple[str, Json], ...]:
    """(patient, ServiceRequest) of each referral to the organisation that is open now; of one patient, of that one.

    What a plan has ordered is a ServiceRequest too, and opens nothing, whoever it names. One that the patient has
    denied the caller, alone or with the whole record, opens nothing either; after an emergency access it opens what it
    is looked for to read by, and nothing without `emergency`.
    """
    performer = Criterion("performer", "reference", (ReferenceIs("Organization", organization),))
    status = Criterion("status", "token", (TokenIs(None, "active"),))
    query = Query("ServiceRequest", (performer, status), patient=patient)
    said = await consents(context, emergency=emergency)
    found = await every(context, replace(query, without=said.without(query.type)))
    values = [(version.patient, parse(version.body or b"")) for version in found]
    return tuple(
        (whose, value)
        for whose, value in values
        if whose is not None and not is_order(value) and is_shared(value, context.now)
    )


def is_shared(referral: Json, now: datetime) -> bool:
    """Whether it is active, and the last moment of its period not past: an end of `2026-11-22` holds all that day."""
    end = find_span(str((referral.get("occurrencePeriod") or {}).get("end", "")))
    return referral.get("status") == "active" and (end is None or now < end[1])
