"""That a plan was handed over on paper: recorded once a day for each person, edition and language, and found again.

Whoever may see the plan may print it, and the service writes down that it was; nobody writes such a record by hand.
Each look at the PDF stands in the audit log as well, under `print`. Not here: what the record looks like
(`careplan.fhir.delivery`).
"""

from collections.abc import Sequence
from datetime import date

from careplan.fhir import systems
from careplan.fhir.delivery import PRINT, Delivery, communication_from_delivery, find_delivery_of
from careplan.fhir.instant import day_of
from careplan.fhir.query import Criterion, Query, TokenIs
from careplan.fhir.text import parse
from careplan.interactions import access
from careplan.interactions.again import again
from careplan.interactions.change import Change, change_from_value
from careplan.interactions.commit import Activity, commit
from careplan.interactions.context import Context
from careplan.interactions.every import every
from careplan.store.protocol import GuardFailed, Version, guard_of

_CATEGORY = Criterion("category", "token", (TokenIs(systems.ACTIVITY, PRINT),))


async def deliver(context: Context, patient: str, edition: str, language: str, plans: Sequence[str]) -> bool:
    """Record that the caller handed the plan over today; False where that stands there already, and for who only reads.

    Who may see the record and not write in it prints as well: that stands in the audit log alone.

    plans   references of the CarePlans on the sheet
    Raises  Forbidden for whoever may not see the person
    """
    await _check(context, patient)
    made = Delivery(patient, edition, language, context.now, _printer(context), tuple(plans))

    async def work() -> bool:
        versions = await _prints(context, patient)
        if any(_same(one, made) for one in _deliveries(versions)):
            return False
        change = change_from_value(communication_from_delivery(made), context.new_id())
        if not await _may_write(context, change):
            return False
        query = Query("Communication", (_CATEGORY,), patient=patient)
        guard = guard_of(f"Patient/{patient}/{PRINT}", query, versions)
        await commit(context, [change], [guard], Activity("print"))
        return True

    return await again(work, GuardFailed)


async def find_delivery(context: Context, patient: str) -> date | None:
    """The day the plan was last handed over; None where it never was. One search. Raises Forbidden."""
    await _check(context, patient)
    days = [day_of(one.at) for one in _deliveries(await _prints(context, patient))]
    return max(days, default=None)


async def _check(context: Context, patient: str) -> None:
    """Who sees the whole plan prints it; who sees a slice has none to hand over."""
    context.trail.met([patient])
    access.check_whole_type(context, "Communication")
    await access.check_patient(context, patient)


async def _may_write(context: Context, change: Change) -> bool:
    try:
        await access.check_write(context, change.type, change.value, change.patient, act="c")
    except access.Forbidden:
        return False
    return True


def _printer(context: Context) -> str:
    """Who printed it: the person, or the patient they speak for."""
    caller = context.caller
    return caller.reference or (f"Patient/{caller.patient}" if caller.patient else "")


async def _prints(context: Context, patient: str) -> list[Version]:
    return await every(context, Query("Communication", (_CATEGORY,), patient=patient))


def _deliveries(versions: Sequence[Version]) -> list[Delivery]:
    found = (find_delivery_of(parse(one.body)) for one in versions if one.body is not None)
    return [one for one in found if one is not None]


def _same(one: Delivery, other: Delivery) -> bool:
    """Whether both are of one sheet, by one person, on one day."""
    sheets = [(each.edition, each.language, each.by, day_of(each.at), each.plans) for each in (one, other)]
    return sheets[0] == sheets[1]
