"""References of an entry of a transaction → what they come to: other entries, and resources that criteria fit.

https://hl7.org/fhir/R4/http.html#trules · checklist R4-55, R4-56
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from careplan.domain.errors import CareplanError
from careplan.fhir.conditional import find_conditional_reference
from careplan.fhir.reference import ID
from careplan.fhir.relinked import holds_link, rewrite_references
from careplan.fhir.search import Pairs
from careplan.fhir.text import Json, Text, read_text
from careplan.interactions import access
from careplan.interactions.context import Context
from careplan.interactions.match import criteria

_ROOTED = re.compile(rf"(https?://.+/)[A-Z][A-Za-z]*/{ID}")


class ReferenceUnresolved(CareplanError):
    """A conditional reference fits no resource, or several."""

    code = "reference-unresolved"


@dataclass(frozen=True, slots=True)
class Links:
    """What the references of a transaction come to, for one try of it: at the next, something else may stand.

    targets  from the fullUrl of an entry to its `Type/id`
    found    what conditional references fitted so far
    """

    targets: Mapping[str, str]
    found: dict[str, str] = field(default_factory=dict)

    def within(self, full_url: str | None) -> Mapping[str, str]:
        """The targets, also as an entry of this fullUrl may write them: `Patient/a` for one under the same root."""
        entry = _ROOTED.fullmatch(full_url or "")
        if entry is None:
            return self.targets
        root = entry[1]
        near = {url.removeprefix(root): target for url, target in self.targets.items() if url.startswith(root)}
        return {**self.targets, **near}


async def linked(context: Context, source: Text, links: Links, full_url: str | None) -> Text:
    """The text with references to entries, and conditional references, replaced by what they come to.

    full_url  of the entry that holds it
    Raises    ReferenceUnresolved
    """
    targets, found = links.within(full_url), await _resolved(context, source, links)
    changes = {**targets, **found} if found else targets
    if not holds_link(source.value, changes):
        return source
    raw = source.text.encode()
    changed = rewrite_references(raw, changes)
    return source if changed == raw else read_text(changed, depth=context.house.limits.json_depth)


def references_in(value: Json) -> list[str]:
    """The text of every Reference, wherever it stands."""
    found: list[str] = []
    _gather(value, found)
    return found


def _gather(value: Json, found: list[str]) -> None:
    if isinstance(value, dict):
        link = value.get("reference")
        if isinstance(link, str):
            found.append(link)
        for part in value.values():
            if isinstance(part, dict | list):
                _gather(part, found)
    elif isinstance(value, list):
        for part in value:
            _gather(part, found)


async def _resolved(context: Context, source: Text, links: Links) -> dict[str, str]:
    """What the conditional references of a text fit; each is asked once. Raises ReferenceUnresolved."""
    found: dict[str, str] = {}
    for text in sorted(set(references_in(source.value))):
        if (parts := find_conditional_reference(text)) is not None:
            found[text] = links.found[text] = links.found.get(text) or await _fitting(context, *parts)
    return found


async def _fitting(context: Context, type_name: str, pairs: Pairs) -> str:
    """`Type/id` of the one resource that criteria fit. Raises ReferenceUnresolved."""
    page = await context.store.search(await access.restrict(context, criteria(context, type_name, pairs)))
    if len(page.matches) != 1:
        raise ReferenceUnresolved(f"a conditional reference to {type_name} fits {len(page.matches) or 'no'} resources")
    return page.matches[0].reference
