"""`Patient/$eligible?clinic=&plan-type=&state=`: who should have a plan, with why, most urgent first; paged."""

from collections.abc import Sequence
from urllib.parse import urlencode

from careplan.fhir import systems
from careplan.fhir.exclusion import Exclusion
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
    context.trail.met(some[0].version.id for some in page)
    links = [_link(context, "self", [*kept, *([(PAGE, str(token))] if token else [])])]
    if page and len(page) < len(waiting):
        links.append(_link(context, "next", [*kept, (PAGE, sign(_place(page[-1]), binding, context.house.secret))]))
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links}
    entries = [_entry(context, some) for some in page]
    return dump(bundle | ({"entry": entries} if entries else {}))


def _place(some: Sequence[Candidate]) -> str:
    """Where a patient stands in the order of urgency, as text that sorts so; it holds while others come and go."""
    rank, behind, day, id, plan = some[0].urgency
    return f"{rank} {behind:d} {day.isoformat()} {id} {plan}"


def _by_patient(found: Sequence[Candidate]) -> list[list[Candidate]]:
    """Each patient's candidacies together, in the place of the most urgent: a Bundle names a resource once."""
    patients: dict[str, list[Candidate]] = {}
    for one in found:
        patients.setdefault(one.version.id, []).append(one)
    return list(patients.values())


def _entry(context: Context, some: Sequence[Candidate]) -> Json:
    why = [eligibility_extension(one) for one in some]
    return {
        "fullUrl": f"{context.base}/{some[0].version.reference}",
        "resource": parse(some[0].version.body or b""),
        "search": {"extension": why, "mode": "match"},
    }


def eligibility_extension(one: Candidate) -> Json:
    """Why: plan type, row and its sentence, state, whether the plan must be offered, when it was last saved, and of an
    excluded one the reason, the day to ask again and the Task that says so.
    """
    plan = one.eligibility
    parts: list[Json] = [{"url": "plan", "valueCode": plan.plan}]
    if plan.row is not None:
        parts += [{"url": "row", "valueCode": plan.row.id}, {"url": "says", "valueString": plan.row.says}]
    parts += [{"url": "state", "valueCode": one.state}, {"url": "offer", "valueCode": one.offer}]
    parts += [{"url": "basis", "valueReference": {"reference": ref}} for f in plan.because for ref in f.references]
    parts += [{"url": "missing", "valueString": name} for name in plan.missing]
    if one.saved:
        parts.append({"url": "saved", "valueDate": one.saved.isoformat()})
    if one.exclusion is not None:
        parts += _excluded(one.exclusion)
    return {"url": systems.EXT_ELIGIBILITY, "extension": parts}


def _excluded(exclusion: Exclusion) -> list[Json]:
    coding = {"system": systems.EXCLUSION_REASON, "code": exclusion.reason}
    concept: Json = {"coding": [coding], **({"text": exclusion.text} if exclusion.text else {})}
    parts: list[Json] = [
        {"url": "excluded", "valueReference": {"reference": f"Task/{exclusion.task}"}},
        {"url": "reason", "valueCodeableConcept": concept},
    ]
    return parts + ([{"url": "until", "valueDate": exclusion.until.isoformat()}] if exclusion.until else [])


def _link(context: Context, relation: str, pairs: Sequence[tuple[str, str]]) -> Json:
    asked = f"?{urlencode(pairs)}" if pairs else ""
    return {"relation": relation, "url": f"{context.base}/Patient/$eligible{asked}"}
