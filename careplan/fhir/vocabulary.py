"""The words of the knowledge: code systems whose codes are ids of its files, and the foreign codes it follows.

https://hl7.org/fhir/R4/codesystem.html
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from careplan.domain.guideline import Knowledge
from careplan.domain.measure import Measure
from careplan.domain.referral import PHASES, REASONS
from careplan.fhir import systems
from careplan.fhir.attempt import WORDS
from careplan.fhir.case import CASE, CASE_NAME, NEEDS
from careplan.fhir.exclusion import OFFER, OFFER_NAME
from careplan.fhir.invitation import INVITATION, INVITATION_NAME
from careplan.fhir.message import MESSAGE, MESSAGE_NAME, TOPICS
from careplan.fhir.questionnaire_response import RING, RING_NAME
from careplan.fhir.reply import FOLLOW_UP, FOLLOW_UP_NAME, SEE, SEE_NAME
from careplan.fhir.text import Json

ADVICE_KINDS = {
    "plan-offer": "Bør have en forløbsplan",
    "plan-overdue": "Årskontrol overskredet",
    "out-of-target": "Værdi uden for aftalt mål",
    "new-recommendation": "Ny anbefaling",
    "target-expired": "Individuelt mål udløbet",
}
"""What a clinician is told of when opening a patient: the codes of CodeSystem/advice."""


def code_systems(knowledge: Knowledge) -> tuple[Json, ...]:
    """CodeSystem/measure, CodeSystem/activity, CodeSystem/check, CodeSystem/advice and CodeSystem/message-topic,
    and those of referrals.
    """
    measures = [(one.id, one.name) for one in knowledge.measures.values()]
    activities = {one.id: one.title for plan in knowledge.plans.values() for one in plan.activities}
    activities[OFFER] = OFFER_NAME
    activities[MESSAGE] = MESSAGE_NAME
    activities[RING] = RING_NAME
    activities[INVITATION] = INVITATION_NAME
    activities[CASE] = CASE_NAME
    activities[SEE] = SEE_NAME
    activities[FOLLOW_UP] = FOLLOW_UP_NAME
    checks = {one.id: one.says for course in knowledge.courses.values() for one in course.checks}
    checks |= {one.id: one.says for plan in knowledge.plans.values() for one in plan.checks}
    tables = (
        ("measure", "Målinger", systems.MEASURE, measures),
        ("activity", "Aktiviteter i en forløbsplan", systems.ACTIVITY, activities.items()),
        ("check", "Tjeklister", systems.CHECK, checks.items()),
        ("advice", "Råd, når en patient åbnes", systems.ADVICE, ADVICE_KINDS.items()),
        ("message-topic", "Hvad en besked til klinikken handler om", systems.MESSAGE_TOPIC, TOPICS.items()),
        ("referral-phase", "Hvor langt en henvisning er", systems.REFERRAL_PHASE, PHASES.items()),
        ("referral-reason", "Hvorfor en henvisning skiftede tilstand", systems.REFERRAL_REASON, REASONS.items()),
        ("special-need", "Særlige behov ved en henvisning", systems.SPECIAL_NEED, NEEDS.items()),
        ("contact", "Forsøg på kontakt ved en henvisning", systems.CONTACT, WORDS.items()),
    )
    return tuple(_code_system(name, title, url, knowledge.version, codes) for name, title, url, codes in tables)


def _code_system(name: str, title: str, url: str, version: str, codes: Iterable[tuple[str, str]]) -> Json:
    return {
        "resourceType": "CodeSystem",
        "id": name,
        "url": url,
        "version": version,
        "name": "".join(part.capitalize() for part in name.split("-")),
        "title": title,
        "status": "active",
        "experimental": True,
        "caseSensitive": True,
        "content": "complete",
        "concept": [{"code": code, "display": display} for code, display in codes],
    }


# ── foreign codes ────────────────────────────────────────────────────────────────────────────────

NAMES = {
    systems.NPU: "NPU",
    systems.MCS: "MedCom Observation Codes",
    systems.LOINC: "LOINC",
    systems.SNOMED: "SNOMED CT",
    systems.SKS_D: "SKS",
    systems.ICPC2: "ICPC-2-DK",
    systems.ATC: "ATC",
}
"""What people call the systems of others."""

_TARGETS = {"agreed": "aftalt mål", "recommended": "anbefalet mål"}


@dataclass(frozen=True, slots=True)
class Known:
    """A code of somebody else's system that the knowledge names.

    name     of its system; `display`: in the knowledge's words, which need not be the system's own
    measure  id of the measure it stands for, or is an answer or a target of
    ucum     unit that values under it come in; empty where it has none
    """

    name: str
    display: str
    measure: str
    ucum: str = ""


def known_codes(knowledge: Knowledge) -> dict[tuple[str, str], Known]:
    """The codes of measures, panels, targets and answers, by normal system and code."""
    found: dict[tuple[str, str], Known] = {}
    for measure in knowledge.measures.values():
        for system, code, display, ucum in _codes_of(measure):
            key = systems.normal_code(system, code)
            found.setdefault(key, Known(NAMES.get(key[0], key[0]), display, measure.id, ucum))
    return found


def _codes_of(measure: Measure) -> Iterator[tuple[str, str, str, str]]:
    """(system, code, display, unit) of every foreign code of a measure."""
    for one in (*measure.codes, *measure.panel):
        yield one.system, one.code, one.display or measure.name, one.ucum
    for kind, goal in measure.goal_codes.items():
        yield systems.MCS, goal, f"{measure.name}, {_TARGETS[kind]}", measure.ucum
    for answer in measure.answers:
        for system, code in answer.codes:
            yield system, code, answer.says, ""
