"""Our own code systems whose codes are ids of knowledge files: measures and activities.

https://hl7.org/fhir/R4/codesystem.html
"""

from collections.abc import Iterable

from careplan.domain.guideline import Knowledge
from careplan.fhir import systems
from careplan.fhir.text import Json


def code_systems(knowledge: Knowledge) -> tuple[Json, ...]:
    """CodeSystem/measure, CodeSystem/activity and CodeSystem/check."""
    measures = [(one.id, one.name) for one in knowledge.measures.values()]
    activities = {one.id: one.title for plan in knowledge.plans.values() for one in plan.activities}
    checks = {one.id: one.says for plan in knowledge.plans.values() for one in plan.checks}
    tables = (
        ("measure", "Målinger", systems.MEASURE, measures),
        ("activity", "Aktiviteter i en forløbsplan", systems.ACTIVITY, activities.items()),
        ("check", "Årskontrollens tjekliste", systems.CHECK, checks.items()),
    )
    return tuple(_code_system(name, title, url, knowledge.version, codes) for name, title, url, codes in tables)


def _code_system(name: str, title: str, url: str, version: str, codes: Iterable[tuple[str, str]]) -> Json:
    return {
        "resourceType": "CodeSystem",
        "id": name,
        "url": url,
        "version": version,
        "name": name.capitalize(),
        "title": title,
        "status": "active",
        "experimental": True,
        "caseSensitive": True,
        "content": "complete",
        "concept": [{"code": code, "display": display} for code, display in codes],
    }
