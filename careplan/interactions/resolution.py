"""References of an entry of a transaction → what they come to: other entries, and resources that criteria fit.

https://hl7.org/fhir/R4/http.html#trules · checklist R4-55, R4-56
"""

from collections.abc import Mapping

from careplan.domain.errors import CareplanError
from careplan.fhir.conditional import find_conditional_reference
from careplan.fhir.relinked import rewrite_references
from careplan.fhir.text import Json, Text, read_text
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.match import criteria


class ReferenceUnresolved(CareplanError):
    """A conditional reference fits no resource, or several."""

    code = "reference-unresolved"


async def linked(context: Context, source: Text, links: Mapping[str, str]) -> Text:
    """The text with references to entries, and conditional references, replaced by what they come to.

    links   from the fullUrl of an entry to its `Type/id`
    Raises  ReferenceUnresolved
    """
    found = {text: await _resolved(context, text) for text in sorted(set(references_in(source.value)))}
    targets = {text: target for text, target in found.items() if target is not None}
    raw = source.text.encode()
    changed = rewrite_references(raw, {**links, **targets})
    return source if changed == raw else read_text(changed, depth=context.house.limits.json_depth)


def references_in(value: Json) -> list[str]:
    """The text of every Reference, wherever it stands."""
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [one for part in value.values() for one in references_in(part)]
    return [one for part in value for one in references_in(part)] if isinstance(value, list) else []


async def _resolved(context: Context, text: str) -> str | None:
    """What a conditional reference fits; None for any other reference."""
    parts = find_conditional_reference(text)
    if parts is None:
        return None
    page = await context.store.search(await access.restrict(context, criteria(context, *parts)))
    if len(page.matches) != 1:
        raise ReferenceUnresolved(f"a conditional reference to {parts[0]} fits {len(page.matches) or 'no'} resources")
    return page.matches[0].reference
