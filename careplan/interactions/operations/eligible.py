"""`Patient/$eligible?clinic=&plan-type=&state=`: who should have a plan, with why, most urgent first; paged."""

from collections.abc import Sequence
from urllib.parse import urlencode

from careplan.domain.evaluation import Eligibility
from careplan.fhir import systems
from careplan.fhir.page_link import PAGE, sign, unsign
from careplan.fhir.text import Json, dump, parse
from careplan.interactions.context import Context
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.operations.establish import plan_type
from careplan.interactions.worklist import STATES, Candidate, candidates


async def eligible(context: Context, asked: Asked) -> bytes:
    """A searchset of Patients, each once; a match says in extensions for which plans, by which row, in which state."""
    clinic = asked.reference("clinic", "Organization") if asked.find("clinic") else None
    plan, state = asked.find("plan-type"), asked.find("state")
    if plan is not None:
        plan_type(context, str(plan))
    if state is not None and state not in STATES:
        raise ParameterFaulty(f"parameter state must be one of {', '.join(STATES)}")
    found = _by_patient(
        await candidates(context, clinic, plan and str(plan), state and str(state), asked.find_day("on"))
    )
    limits, wanted = context.house.limits, asked.find_whole("_count")
    count = min(limits.page if wanted is None else wanted, limits.page_maximum)
    pairs = [("clinic", f"Organization/{clinic}" if clinic else ""), ("plan-type", plan), ("state", state)]
    pairs += [("on", asked.find("on")), ("_count", str(count) if asked.find("_count") else "")]
    kept = [(name, str(value)) for name, value in pairs if value]
    binding, token = urlencode(kept), asked.find(PAGE)
    after = unsign(str(token), binding, context.house.secret) if token else None
    waiting = [some for some in found if after is None or _place(some) > after]
    page = waiting[:count]
    links = [_link(context, "self", [*kept, *([(PAGE, str(token))] if token else [])])]
    if page and len(page) < len(waiting):
        links.append(_link(context, "next", [*kept, (PAGE, sign(_place(page[-1]), binding, context.house.secret))]))
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links}
    entries = [_entry(context, some) for some in page]
    return dump(bundle | ({"entry": entries} if entries else {}))


def _place(some: Sequence[Candidate]) -> str:
    """Where a patient stands in the order of urgency, as text that sorts so; it holds while others come and go."""
    rank, saved, id, plan = some[0].urgency
    return f"{rank} {saved.isoformat()} {id} {plan}"


def _by_patient(found: Sequence[Candidate]) -> list[list[Candidate]]:
    """Each patient's candidacies together, in the place of the most urgent: a Bundle names a resource once."""
    patients: dict[str, list[Candidate]] = {}
    for one in found:
        patients.setdefault(one.version.id, []).append(one)
    return list(patients.values())


def _entry(context: Context, some: Sequence[Candidate]) -> Json:
    why = [eligibility_extension(one.eligibility, one.saved.isoformat() if one.saved else None) for one in some]
    return {
        "fullUrl": f"{context.base}/{some[0].version.reference}",
        "resource": parse(some[0].version.body or b""),
        "search": {"extension": why, "mode": "match"},
    }


def eligibility_extension(plan: Eligibility, saved: str | None) -> Json:
    """Why: plan type, row and its sentence, state, whether the plan must be offered, when it was last saved."""
    parts: list[Json] = [{"url": "plan", "valueCode": plan.plan}]
    if plan.row is not None:
        parts += [{"url": "row", "valueCode": plan.row.id}, {"url": "says", "valueString": plan.row.says}]
    if plan.state:
        parts.append({"url": "state", "valueCode": plan.state})
    offer = "allowed" if plan.must_offer == "allowed" else "must" if plan.must_offer else "may"
    parts.append({"url": "offer", "valueCode": offer})
    parts += [{"url": "basis", "valueReference": {"reference": ref}} for f in plan.because for ref in f.references]
    parts += [{"url": "missing", "valueString": name} for name in plan.missing]
    if saved:
        parts.append({"url": "saved", "valueDate": saved})
    return {"url": systems.EXT_ELIGIBILITY, "extension": parts}


def _link(context: Context, relation: str, pairs: Sequence[tuple[str, str]]) -> Json:
    asked = f"?{urlencode(pairs)}" if pairs else ""
    return {"relation": relation, "url": f"{context.base}/Patient/$eligible{asked}"}
