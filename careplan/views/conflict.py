"""Two targets for one measure that do not fit together: what was agreed, and what the rules recommend today.

Both are shown with who, when and why, and nothing is picked: keeping the agreed one takes a reason, following the
recommendation ends it. An individual target that holds is no conflict. Not for drafts of plans: `merging`.
"""

from dataclasses import dataclass
from datetime import date

from careplan.domain.target import same_target
from careplan.fhir.goal import RECOMMENDED, find_target, is_expired
from careplan.fhir.instant import find_date
from careplan.fhir.text import Json
from careplan.interactions.overview import Line, Overview
from careplan.interactions.renewal import recommended_by
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.goalrow import differs
from careplan.views.happened import author

_AGREEING = frozenset(
    {
        "establish",
        "set-individual-target",
        "follow-recommendation",
        "renew-recommendation",
        "decline-recommendation",
    }
)
"""Changes in which a target was agreed on."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a clinician chooses between. `who`, `on` and `reason` of the agreed target, as far as they are known.

    expired  the day an individual target ran out
    version  of the Goal, which following the recommendation must find
    """

    goal: str
    version: str
    agreed: str
    who: str
    on: date | None
    reason: str
    expired: date | None
    recommended: str
    row: str
    knowledge: str
    says: str


def choice_of(line: Line, overview: Overview, t: Catalogue) -> Choice | None:
    """The choice a line asks for; None where the targets agree or an individual target holds."""
    goal, recommendation, deviation = line.goal, line.recommendation, line.deviation
    if goal is None or recommendation is None or not differs(line) or _holds(line, overview.on):
        return None
    return Choice(
        goal=goal["id"],
        version=goal.get("meta", {}).get("versionId", "1"),
        agreed=wording.target_with_unit(line.measure, line.agreed, t),
        who=agreed_by(line, goal, overview, t),
        on=line.bands[-1].start if line.bands else find_date(goal.get("startDate")),
        reason=_reason(line, goal, t),
        expired=deviation.valid_until if deviation else None,
        recommended=wording.target_with_unit(line.measure, recommendation.target, t),
        row=recommendation.row.id,
        knowledge=recommendation.canonical.replace("|", " "),
        says=recommendation.row.says,
    )


def _holds(line: Line, on: date) -> bool:
    """Whether an individual target explains the difference still."""
    return line.deviation is not None and not is_expired(line.deviation, on)


def _reason(line: Line, goal: Json, t: Catalogue) -> str:
    """«Bivirkning: Smerter i benene»; of what followed the rules, which rule it followed."""
    deviation = line.deviation
    if deviation is not None:
        coded = t(f"reason.{deviation.reason}") if t.has(f"reason.{deviation.reason}") else ""
        return ": ".join(one for one in (coded, (deviation.text or "").strip()) if one)
    source = recommended_by(goal)
    if source is None or not same_target(find_target(goal, RECOMMENDED), line.agreed):
        return ""
    return t("control.clash-followed", row=source[0], version=source[1])


def agreed_by(line: Line, goal: Json, overview: Overview, t: Catalogue) -> str:
    """Who answers for the individual target, else who last agreed on a target of the Goal, else whose plan it is in."""
    if line.deviation is not None and line.deviation.author:
        return contact_of(overview.directory, line.deviation.author).name
    reference = f"Goal/{goal['id']}"
    agreeing = (one for one in overview.changes if one.get("activity", {}).get("text") in _AGREEING)
    change = next((one for one in agreeing if _touches(one, reference)), None)
    if change is not None:
        return author(overview, change, t, "staff")
    plans = (plan for plan in overview.plans if any(one.get("reference") == reference for one in plan.get("goal", ())))
    names = (contact_of(overview.directory, plan.get("author", {}).get("reference")).name for plan in plans)
    return next((name for name in names if name), "")


def _touches(change: Json, reference: str) -> bool:
    return any(str(one.get("reference", "")).split("/_history/")[0] == reference for one in change.get("target", ()))
