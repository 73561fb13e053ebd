"""«Siden sidst»: what changed in the plan and who changed it, in a few sentences, from Provenance.

Of a new value it is told whom it comes from, as its Observation says; that is often another than who wrote it down.
Of a referral the steps that change something for the patient are told, as the organisation's; of all else what was
newly agreed.
https://hl7.org/fhir/R4/observation-definitions.html#Observation.performer
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from careplan.domain.calendar import add_months
from careplan.domain.measure import Measure
from careplan.fhir.instant import find_date
from careplan.fhir.text import Json
from careplan.interactions.overview import Overview
from careplan.views.agreement import agreements
from careplan.views.catalogue import Catalogue
from careplan.views.contact import contact_of
from careplan.views.wording import called, danish_date, list_text

SENTENCES = 3
RELATIVE = "RelatedPerson/"
OWN = ""
"""Whom a value comes from, where that is the patient."""
FIRST = "/_history/1"
"""How a Provenance names what was made then."""
STEPS = ("refer", *(f"referral-{one}" for one in ("accept", "return", "forward", "no-contact", "complete", "fail")))
"""The steps of a referral that are told, as Provenance calls them; the clinic's own `referral-withdraw` beside them."""


def happened(overview: Overview, t: Catalogue, audience: str = "patient") -> tuple[str, ...]:
    """At most three sentences, newest first, of the last twelve months, said to the patient or to staff."""
    since = add_months(overview.on, -12)
    speaker = _Speaker(t, audience)
    goals = {line.goal["id"]: speaker.name(line.measure) for line in overview.lines if line.goal}
    personal = {goal["id"] for goal in overview.personal}
    said: list[str] = []
    for change in overview.changes:
        recorded = find_date(change.get("recorded"))
        if recorded is not None and recorded >= since:
            said += _sentences(overview, change, goals, personal, speaker)
        said = list(dict.fromkeys(said))
    return tuple(said[:SENTENCES])


@dataclass(frozen=True, slots=True)
class _Speaker:
    t: Catalogue
    audience: str

    def says(self, key: str, **parts: object) -> str:
        return self.t(f"happened.{self.audience}.{key}", **parts)

    def name(self, measure: Measure) -> str:
        """What a measure is called to this reader, in the middle of a sentence."""
        return within(called(measure, self.t, staff=self.audience == "staff"))


def within(name: str) -> str:
    """A name inside a sentence: «vægt» of «Vægt», but «BMI», «HbA1c» and «KOL-score» as they are."""
    small = name.partition(" ")[0][1:].islower()
    return name[:1].lower() + name[1:] if small else name


def _sentences(
    overview: Overview, change: Json, goals: Mapping[str, str], personal: set[str], speaker: _Speaker
) -> list[str]:
    on = find_date(change.get("recorded"))
    if on is None:
        return []
    who, day = author(overview, change, speaker.t, speaker.audience), danish_date(on)
    touched = [str(one.get("reference", "")).split("/_history/")[0] for one in change.get("target", ())]
    ids = [one.partition("/")[2] for one in touched]
    named = [goals[id] for id in ids if id in goals]
    activity = change.get("activity", {}).get("text", "")
    match activity:
        case "establish" | "review" | "answer-message" | "referral-withdraw":
            return [speaker.says(activity, who=who, day=day)]
        case step if step in STEPS:
            organization = _organization(overview, change) or who
            return [speaker.says(step, who=organization, day=day), *_agreed(overview, change, who, day, speaker)]
        case (
            "set-individual-target"
            | "follow-recommendation"
            | "renew-recommendation"
            | "decline-recommendation"
            | "agree-instruction"
        ) if named:
            return [speaker.says(activity, who=who, day=day, measure=named[0])]
    if _by_person(change) and any(id in personal for id in ids):
        return [speaker.says("personal", who=who, day=day)]
    return [*_values(overview, change, touched, on, speaker), *_agreed(overview, change, who, day, speaker)]


def _organization(overview: Overview, change: Json) -> str:
    """The organisation on whose behalf somebody made a change; empty where none is named."""
    agents = change.get("agent", ())
    behalf: Json = next((agent["onBehalfOf"] for agent in agents if "onBehalfOf" in agent), {})
    return contact_of(overview.directory, behalf.get("reference")).name


def _agreed(overview: Overview, change: Json, who: str, day: str, speaker: _Speaker) -> list[str]:
    """What came into the plan with a change that somebody made, in the words of the record."""
    made = {str(one.get("reference", "")).removesuffix(FIRST) for one in change.get("target", ()) if _is_new(one)}
    tasks = [task for task in overview.tasks if f"{task['resourceType']}/{task['id']}" in made]
    titles = [one.title for one in agreements(tasks, overview.directory, overview.on)]
    if not titles or not _by_person(change):
        return []
    return [speaker.says("agreed", who=who, day=day, what=speaker.t.danish("; ".join(dict.fromkeys(titles))))]


def _is_new(target: Json) -> bool:
    return str(target.get("reference", "")).endswith(FIRST)


def _by_person(change: Json) -> bool:
    """Whether somebody is named: what the installation loads by itself is no news but for new values."""
    return any("reference" in agent.get("who", {}) for agent in change.get("agent", ()))


def _values(overview: Overview, change: Json, touched: Sequence[str], on: date, speaker: _Speaker) -> list[str]:
    """New values of measures in the plan, taken about when they were written: not what was loaded from before.

    A sentence for each whom some of them come from.
    """
    stored = {f"Observation/{one['id']}": one for one in overview.observations}
    brought: dict[str, dict[str, None]] = {}
    for line in overview.lines:
        for reading in line.readings:
            if reading.reference in touched and abs((reading.on - on).days) <= 7:
                who = giver(overview, change, stored.get(reading.reference, {}), speaker)
                brought.setdefault(who, {})[speaker.name(line.measure)] = None
    return [_brought(list(names), who, danish_date(on), speaker) for who, names in brought.items()]


def _brought(names: list[str], who: str, day: str, speaker: _Speaker) -> str:
    own = "-own" if who == OWN else ""
    if len(names) > 3:
        return speaker.says(f"values{own}-many", who=who, day=day, count=len(names))
    return speaker.says(f"values{own}", who=who, day=day, measures=list_text(names, speaker.t))


def giver(overview: Overview, change: Json, observation: Json, speaker: _Speaker) -> str:
    """Whom a value comes from, inside a sentence: its performer, else who answered, else who wrote it down; `OWN`."""
    by: Json = next(iter(observation.get("performer", ())), {})
    who: Json = next((agent.get("who", {}) for agent in change.get("agent", ())), {})
    given, wrote = str(by.get("reference", "")), str(who.get("reference", ""))
    own = f"Patient/{overview.patient['id']}"
    if own == (given or _answered(observation, own) or wrote):
        return OWN
    named = _name(overview, by)
    if not named and (given == wrote or not given.startswith(RELATIVE)):
        named = _name(overview, who) if wrote else ""
    return named or (speaker.says("relative") if given.startswith(RELATIVE) else speaker.t("word.clinic-small"))


def _name(overview: Overview, who: Json) -> str:
    """The name behind a reference, else the one that stands with it."""
    return contact_of(overview.directory, who.get("reference")).name or str(who.get("display") or "")


def _answered(observation: Json, own: str) -> str:
    """The patient, where a value was counted from answers; empty where it was not."""
    behind = (str(one.get("reference", "")) for one in observation.get("derivedFrom", ()))
    return own if any(one.startswith("QuestionnaireResponse/") for one in behind) else ""


def author(overview: Overview, change: Json, t: Catalogue, audience: str) -> str:
    """Who made a change, as the reader knows them."""
    who: Json = next((agent.get("who", {}) for agent in change.get("agent", ())), {})
    reference = str(who.get("reference", ""))
    if reference == f"Patient/{overview.patient['id']}":
        return t("word.you" if audience == "patient" else "word.patient")
    named = _name(overview, who)
    return named if reference and named else t("word.clinic")
