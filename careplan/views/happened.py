"""«Siden sidst»: what changed in the plan and who changed it, in a few sentences, from Provenance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from careplan.domain.calendar import add_months
from careplan.domain.measure import Measure
from careplan.fhir.instant import find_date
from careplan.fhir.text import Json
from careplan.interactions.overview import Overview
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.wording import danish_date, list_text, measure_name

SENTENCES = 3


def happened(overview: Overview, t: Catalogue, audience: str = "patient") -> tuple[str, ...]:
    """At most three sentences, newest first, of the last twelve months, said to the patient or to staff."""
    since = add_months(overview.on, -12)
    speaker = _Speaker(t, audience)
    goals = {line.goal["id"]: speaker.name(line.measure) for line in overview.lines if line.goal}
    personal = {goal["id"] for goal in overview.personal}
    said: list[str] = []
    for change in overview.changes:
        recorded = find_date(change.get("recorded"))
        sentence = (
            None if recorded is None or recorded < since else _sentence(overview, change, goals, personal, speaker)
        )
        if sentence and sentence not in said:
            said.append(sentence)
    return tuple(said[:SENTENCES])


@dataclass(frozen=True, slots=True)
class _Speaker:
    t: Catalogue
    audience: str

    def says(self, key: str, **parts: object) -> str:
        return self.t(f"happened.{self.audience}.{key}", **parts)

    def name(self, measure: Measure) -> str:
        """What a measure is called to this reader, in the middle of a sentence."""
        return within(measure_name(measure, self.t) if self.audience == "patient" else measure.name)


def within(name: str) -> str:
    """A name inside a sentence: «vægt» of «Vægt», but «BMI», «HbA1c» and «KOL-score» as they are."""
    small = name.partition(" ")[0][1:].islower()
    return name[:1].lower() + name[1:] if small else name


def _sentence(
    overview: Overview, change: Json, goals: Mapping[str, str], personal: set[str], speaker: _Speaker
) -> str | None:
    on = find_date(change.get("recorded"))
    if on is None:
        return None
    who, day = author(overview, change, speaker.t, speaker.audience), danish_date(on)
    touched = [str(one.get("reference", "")).split("/_history/")[0] for one in change.get("target", ())]
    ids = [one.partition("/")[2] for one in touched]
    named = [goals[id] for id in ids if id in goals]
    activity = change.get("activity", {}).get("text", "")
    match activity:
        case "establish" | "review" | "answer-message":
            return speaker.says(activity, who=who, day=day)
        case "set-individual-target" | "follow-recommendation" | "renew-recommendation" | "decline-recommendation" if (
            named
        ):
            return speaker.says(activity, who=who, day=day, measure=named[0])
    if _by_person(change) and any(id in personal for id in ids):
        return speaker.says("personal", who=who, day=day)
    return _values(overview, who, day, touched, on, speaker)


def _by_person(change: Json) -> bool:
    """Whether somebody is named: what the installation loads by itself is no news but for new values."""
    return any("reference" in agent.get("who", {}) for agent in change.get("agent", ()))


def _values(overview: Overview, who: str, day: str, touched: Sequence[str], on: date, speaker: _Speaker) -> str | None:
    """New values of measures in the plan, taken about when they were written: not what was loaded from before."""
    fresh = {
        speaker.name(line.measure): None
        for line in overview.lines
        for reading in line.readings
        if reading.reference in touched and abs((reading.on - on).days) <= 7
    }
    if not fresh:
        return None
    names = list(fresh)
    if len(names) > 3:
        return speaker.says("values-many", who=who, day=day, count=len(names))
    return speaker.says("values", who=who, day=day, measures=list_text(names, speaker.t))


def author(overview: Overview, change: Json, t: Catalogue, audience: str) -> str:
    """Who made a change, as the reader knows them."""
    who: Json = next((agent.get("who", {}) for agent in change.get("agent", ())), {})
    reference = str(who.get("reference", ""))
    if reference == f"Patient/{overview.patient['id']}":
        return t("word.you" if audience == "patient" else "word.patient")
    named = contact_of(overview.directory, reference).name or str(who.get("display") or "")
    return named if reference and named else t("word.clinic")
