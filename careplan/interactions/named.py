"""Whom a request named that came to nothing: refused before anybody's record was met, or a search that found nobody.

Looked up only then, for the audit log, so that a request that is let in costs nothing more. Somebody this server does
not know is not kept: an id that was made up says nothing of anybody. Not here: what is shown or changed (`trail`).
https://hl7.org/fhir/R4/auditevent.html · R4-121
"""

from collections.abc import Iterable, Mapping, Sequence

from careplan.fhir import registry
from careplan.fhir.query import IdIs, Query, ReferenceIs
from careplan.fhir.reference import Target, find_target
from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context

MOST_NAMED = 20
"""People and resources named by one request that are looked up."""

_PATIENT = ("patient", "subject")
"""Parameters, of searches and operations, that name a patient by id alone."""


async def note_named(context: Context, named: Iterable[Target]) -> None:
    """Note the persons whose id, or whose resource, was named."""
    for target in list(dict.fromkeys(named))[:MOST_NAMED]:
        if not registry.known(target.type) or registry.row(target.type).read_only:
            continue
        if target.type == "Patient" and target.id in context.trail.touched:
            continue
        version = await context.store.read(target.type, target.id)
        if version is None:
            continue
        if version.patient is None and version.type in registry.SHARED and version.body is not None:
            context.trail.met(registry.patients_of(parse(version.body), context.base))
        context.trail.saw(version)


async def note_asked(context: Context, queries: Iterable[Query]) -> None:
    """Note the persons whom searches asked about, whether by their own id or by that of something of theirs."""
    await note_named(context, [target for query in queries for target in targets_of_query(query)])


def targets_of_query(query: Query) -> list[Target]:
    """The patients and resources that a search asks for by id."""
    found = [Target("Patient", query.patient)] if query.patient else []
    for one in query.criteria:
        if one.parameter in _PATIENT:
            people = [it for it in one.alternatives if isinstance(it, ReferenceIs) and it.type in (None, "Patient")]
            found += [Target("Patient", it.id) for it in people]
        if one.parameter == "_id":
            found += [Target(query.type, it.id) for it in one.alternatives if isinstance(it, IdIs)]
    return found


def targets_of_values(values: Mapping[str, Sequence[Json]], base: str) -> list[Target]:
    """What the parameters of an operation name: references, and patients by id alone."""
    found = []
    for name, given in values.items():
        for value in given:
            text = value.get("reference") if isinstance(value, dict) else value
            if isinstance(text, str):
                bare = name in _PATIENT and "/" not in text
                target = find_target(f"Patient/{text}" if bare else text, base)
                found += [target] if target is not None else []
    return found
