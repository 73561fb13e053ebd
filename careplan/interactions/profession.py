"""Whether the caller is a doctor, by what is on record of them: some decisions take one.

Not here: what a caller may see and write (`access`), and who they are (a door).
https://hl7.org/fhir/R4/practitionerrole.html · authorisation and profession codes: danish-fhir.md, practitioner
"""

from collections.abc import Iterator

from careplan.fhir import systems
from careplan.fhir.reading import coding_keys
from careplan.fhir.reference import find_target
from careplan.fhir.span import find_span
from careplan.fhir.systems import normal_system
from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context

DOCTOR = frozenset(
    {
        (normal_system(systems.PROFESSION), "7170"),
        (normal_system(systems.SNOMED), "158965000"),
        (normal_system(systems.SNOMED), "309343006"),
    }
)
"""Læge by the Danish register of authorisations; medical practitioner and physician in SNOMED CT."""

PEOPLE = ("PractitionerRole", "Practitioner")


async def is_doctor(context: Context) -> bool:
    """Whether the caller's role, or the qualification of whoever has it, is a doctor's today; a system is none."""
    if context.caller.role != "clinic":
        return False
    role = await _find(context, context.caller.reference)
    if role is None or not _works_here(context, role):
        return False
    person = await _find(context, role.get("practitioner", {}).get("reference"))
    return any(key in DOCTOR for one in (role, person) if one is not None for key in _professions(context, one))


async def _find(context: Context, reference: str | None) -> Json | None:
    """A person or role of this service that is in use."""
    target = find_target(reference, context.base) if reference else None
    if target is None or target.type not in PEOPLE:
        return None
    version = await context.store.read(target.type, target.id)
    found = None if version is None or version.body is None else parse(version.body)
    return found if found is not None and found.get("active", True) and _holds(context, found) else None


def _works_here(context: Context, role: Json) -> bool:
    """A role counts where the caller acts for its organisation."""
    place = role.get("organization", {}).get("reference")
    return (
        place is None or context.caller.organization is None or place == f"Organization/{context.caller.organization}"
    )


def _professions(context: Context, resource: Json) -> Iterator[tuple[str, str]]:
    """The codes of a role, or those of a person's qualifications that hold today."""
    concepts = list(resource.get("code", ()))
    concepts += [one.get("code") for one in resource.get("qualification", ()) if _holds(context, one)]
    for concept in concepts:
        yield from coding_keys(concept)


def _holds(context: Context, item: Json) -> bool:
    """Whether now lies within an item's period; without one it holds."""
    period = item.get("period", {})
    start, end = find_span(str(period.get("start", ""))), find_span(str(period.get("end", "")))
    return (start is None or start[0] <= context.now) and (end is None or context.now < end[1])
