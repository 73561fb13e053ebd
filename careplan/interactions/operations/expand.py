"""`ValueSet/$expand` and `ValueSet/[id]/$expand`: the codes of a value set, searched and in pages.

Of a set that is published here, or of one that is sent. Not here: which codes are in it (`fhir.expansion`).
https://hl7.org/fhir/R4/valueset-operation-expand.html · checklist R4-113
"""

from collections.abc import Sequence

from careplan.fhir.expansion import (
    ExpansionTooLarge,
    Listed,
    Terminology,
    expand,
    imports_of,
    systems_of,
    values_of,
)
from careplan.fhir.folding import folded
from careplan.fhir.instant import instant_text
from careplan.fhir.systems import normal_system
from careplan.fhir.text import Json, dump, parse
from careplan.fhir.vocabulary import known_codes
from careplan.interactions.context import Context
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.operations.published import find_code_system, find_value_set
from careplan.interactions.read import read
from careplan.store.protocol import NotFound

TAKES = frozenset(
    ("url", "valueSet", "valueSetVersion", "filter", "count", "offset", "activeOnly", "includeDesignations")
)

MOST = 1000
"""Codes listed at once; more are asked for in pages, with `count` and `offset`."""

_MOST_PARTS = 200


async def expand_value_set(context: Context, asked: Asked) -> bytes:
    """The ValueSet with its expansion in place of its composition.

    Raises ParameterFaulty, NotFound, ExpansionImpossible, ExpansionTooLarge
    """
    value_set = await _value_set(context, asked)
    count, offset = asked.find_whole("count"), asked.find_whole("offset") or 0
    words = folded(asked.text("filter")).split()
    active_only = asked.flag("activeOnly")
    listed = expand(value_set, await _terminology(context, value_set))
    found = [one for one in listed if _fits(one, words) and not (active_only and one.inactive)]
    if count is None and len(found) - offset > MOST:
        raise ExpansionTooLarge(f"the value set has {len(found)} codes here; ask for at most {MOST}, with count")
    page = found[offset : offset + min(MOST if count is None else count, MOST)]
    designations = asked.flag("includeDesignations")
    contains = [_contained(one, designations=designations) for one in page]
    expansion: Json = {
        "identifier": f"urn:uuid:{context.new_id()}",
        "timestamp": instant_text(context.now),
        "total": len(found),
        "offset": offset,
        "parameter": _parameters(asked, listed, count, offset),
        "contains": contains,
    }
    shown = {name: part for name, part in value_set.items() if name not in ("compose", "text", "expansion")}
    return dump(shown | {"expansion": {name: part for name, part in expansion.items() if part != []}})


async def _value_set(context: Context, asked: Asked) -> Json:
    """The one of the address, the one that is sent, or the published one of a URL."""
    if asked.id is not None:
        addressed = parse((await read(context, "ValueSet", asked.id)).body or b"")
        _check_same(asked, addressed)
        return addressed
    sent, url = asked.find("valueSet"), asked.text("url")
    if sent is not None:
        if not isinstance(sent, dict) or sent.get("resourceType") != "ValueSet":
            raise ParameterFaulty("parameter valueSet is a ValueSet")
        return sent
    if not url:
        raise ParameterFaulty("parameter url is missing: the canonical URL of a value set, or send one as valueSet")
    found = await find_value_set(context, url, asked.text("valueSetVersion"))
    if found is None:
        raise NotFound("no value set of this url is published here; GET ValueSet lists those there are")
    return found


def _check_same(asked: Asked, value_set: Json) -> None:
    """Raises ParameterFaulty when the parameters name another set than the address, or another version of it."""
    url, _, version = asked.text("url").partition("|")
    own = asked.text("valueSetVersion")
    for name, element, text in (("url", "url", url), ("url", "version", version), ("valueSetVersion", "version", own)):
        if text and text != value_set.get(element):
            raise ParameterFaulty(f"parameter {name} is that of another value set than the address; leave it out")


async def _terminology(context: Context, value_set: Json) -> Terminology:
    """Every value set and code system that an expansion rests on and that is published here."""
    sets: dict[str, Json] = {}
    systems: dict[str, Json] = {}
    asked: set[str] = set()
    waiting = [value_set]
    while waiting:
        one = waiting.pop()
        new = [canonical for canonical in imports_of(one) if canonical not in asked]
        uses = [url for url in systems_of(one) if url not in asked]
        asked |= {*new, *uses}
        if len(asked) > _MOST_PARTS:
            raise ExpansionTooLarge(f"the value set rests on more than {_MOST_PARTS} other sets and systems")
        imported = {url: found for url in new if (found := await find_value_set(context, url)) is not None}
        found_systems = [(url, await find_code_system(context, url)) for url in uses]
        systems |= {normal_system(url): found for url, found in found_systems if found is not None}
        sets |= imported
        waiting += imported.values()
    displays = {key: one.display for key, one in known_codes(context.knowledge).items()}
    return Terminology(sets, systems, displays)


def _fits(one: Listed, words: Sequence[str]) -> bool:
    """Whether every word stands in the display or the code, without regard to case and accents."""
    text = f"{folded(one.display)} {folded(one.code)}" if words else ""
    return all(word in text for word in words)


def _contained(one: Listed, *, designations: bool) -> Json:
    abstract = one.node is not None and "true" in values_of(one.node.concept, "notSelectable")
    parts: Json = {
        "system": one.system,
        "abstract": abstract or None,
        "inactive": one.inactive or None,
        "version": one.version or None,
        "code": one.code,
        "display": one.display or None,
        "designation": (list(one.designations) if designations else None) or None,
    }
    return {name: part for name, part in parts.items() if part is not None}


def _parameters(asked: Asked, listed: Sequence[Listed], count: int | None, offset: int) -> list[Json]:
    """What the expansion was made by, and the versions of the systems behind it."""
    found: list[Json] = [{"name": "filter", "valueString": asked.text("filter")}] if asked.text("filter") else []
    found += [
        {"name": name, "valueBoolean": True} for name in ("activeOnly", "includeDesignations") if asked.flag(name)
    ]
    found += [{"name": "count", "valueInteger": count}] if count is not None else []
    found += [{"name": "offset", "valueInteger": offset}] if offset else []
    versions = dict.fromkeys(f"{one.system}|{one.version}" for one in listed if one.version)
    return found + [{"name": "version", "valueUri": version} for version in versions]
