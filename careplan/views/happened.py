"""«Siden sidst»: what changed in the plan and who changed it, in a few sentences, from Provenance."""

from collections.abc import Mapping, Sequence
from datetime import date

from careplan.domain.calendar import add_months
from careplan.fhir.instant import find_date
from careplan.fhir.text import Json
from careplan.interactions.overview import Overview
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.wording import danish_date

SENTENCES = 3


def happened(overview: Overview, t: Catalogue) -> tuple[str, ...]:
    """At most three sentences, newest first, of the last twelve months."""
    since = add_months(overview.on, -12)
    goals = {line.goal["id"]: line.measure.patient.lower() for line in overview.lines if line.goal}
    personal = {goal["id"] for goal in overview.personal}
    said: list[str] = []
    for change in overview.changes:
        recorded = find_date(change.get("recorded"))
        sentence = None if recorded is None or recorded < since else _sentence(overview, change, goals, personal, t)
        if sentence and sentence not in said:
            said.append(sentence)
    return tuple(said[:SENTENCES])


def _sentence(
    overview: Overview, change: Json, goals: Mapping[str, str], personal: set[str], t: Catalogue
) -> str | None:
    on = find_date(change.get("recorded"))
    if on is None:
        return None
    who = author(overview, change, t)
    touched = [str(one.get("reference", "")).split("/_history/")[0] for one in change.get("target", ())]
    activity = change.get("activity", {}).get("text", "")
    day = danish_date(on)
    named = [goals[one.partition("/")[2]] for one in touched if one.partition("/")[2] in goals]
    match activity:
        case "establish" | "review":
            return t(f"happened.{activity}", who=who, day=day)
        case "set-individual-target" | "follow-recommendation" if named:
            return t(f"happened.{activity}", who=who, day=day, measure=named[0])
    if any(one.partition("/")[2] in personal for one in touched):
        return t("happened.personal", who=who, day=day)
    return _values(overview, who, day, touched, on, t)


def _values(overview: Overview, who: str, day: str, touched: Sequence[str], on: date, t: Catalogue) -> str | None:
    """New values of measures in the plan, taken about when they were written: not what was loaded from before."""
    fresh = {
        line.measure.patient.lower(): None
        for line in overview.lines
        for reading in line.readings
        if reading.reference in touched and abs((reading.on - on).days) <= 7
    }
    if not fresh:
        return None
    names = list(fresh)
    if len(names) > 3:
        return t("happened.values-many", who=who, day=day, count=len(names))
    return t("happened.values", who=who, day=day, measures=_listed(names, t))


def _listed(names: Sequence[str], t: Catalogue) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {t('word.and')} {names[-1]}"


def author(overview: Overview, change: Json, t: Catalogue) -> str:
    """Who made a change, as the patient knows them."""
    who = next((agent.get("who", {}) for agent in change.get("agent", ())), {})
    reference = str(who.get("reference", ""))
    if reference == f"Patient/{overview.patient['id']}":
        return t("word.you")
    return contact_of(overview.directory, reference).name or str(who.get("display") or "") or t("word.clinic")
