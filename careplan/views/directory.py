"""Organisations and people behind references, where no overview has brought them along."""

from collections.abc import Iterable

from careplan.fhir.text import Json, parse
from careplan.interactions.context import Context
from careplan.interactions.read import find_version

_NAMED = ("PractitionerRole", "Practitioner", "Organization")


async def directory_of(context: Context, references: Iterable[str]) -> dict[str, Json]:
    """Roles with their practitioners and organisations, by reference; what is not there is left out."""
    found: dict[str, Json] = {}
    wanted = list(dict.fromkeys(references))
    while wanted:
        reference = wanted.pop()
        kind, _, id = reference.partition("/")
        if reference in found or kind not in _NAMED:
            continue
        version = await find_version(context, kind, id)
        if version is not None and version.body is not None:
            found[reference] = parse(version.body)
            members = ("practitioner", "organization")
            wanted += [found[reference][name]["reference"] for name in members if name in found[reference]]
    return found
