"""Our own code systems whose codes are ids of knowledge files: measures and activities.

https://hl7.org/fhir/R4/codesystem.html
"""

from collections.abc import Iterable

from careplan.domain.guideline import Knowledge
from careplan.fhir import systems
from careplan.fhir.text import Json


def code_systems(knowledge: Knowledge) -> tuple[Json, ...]:
    """CodeSystem/measure and CodeSystem/activity."""
    measures = [(one.id, one.name) for one in knowledge.measures.values()]
    activities = {one.id: one.title for plan in knowledge.plans.values() for one in plan.activities}
    return (
        _code_system("measure", "Målinger", systems.MEASURE, knowledge.version, measures),
        _code_system(
            "activity", "Aktiviteter i en forløbsplan", systems.ACTIVITY, knowledge.version, activities.items()
        ),
    )


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
