"""Value sets from what is here: every code of a set, where that can be told without a terminology server.

Not for sets made by filters, nor from code systems that are not complete here: of those nothing is said.
Follows https://hl7.org/fhir/R4/valueset.html#compositions.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from careplan.fhir.models import Resource


def codes_of_system(system: Resource) -> frozenset[str] | None:
    """Every code of a code system, or None when it is not complete."""
    if system.get("content") != "complete":
        return None
    return frozenset(_concept_codes(system.get("concept", ())))


def _concept_codes(concepts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _concept_codes(concept.get("concept", ()))


def pairs_of_value_set(
    url: str,
    sets: Mapping[str, Resource],
    systems: Mapping[str, frozenset[str] | None],
    seen: tuple[str, ...] = (),
) -> frozenset[tuple[str, str]] | None:
    """Every (system, code) of a value set, or None where that cannot be told from what is here."""
    if url not in sets or url in seen:
        return None
    compose = sets[url].get("compose", {})
    found: dict[str, set[tuple[str, str]]] = {"include": set(), "exclude": set()}
    for side, pairs in found.items():
        for part in compose.get(side, ()):
            inside = _pairs_of_part(part, sets, systems, (*seen, url))
            if inside is None:
                return None
            pairs |= inside
    return frozenset(found["include"] - found["exclude"]) if compose.get("include") else None


def _pairs_of_part(
    part: Mapping[str, Any],
    sets: Mapping[str, Resource],
    systems: Mapping[str, frozenset[str] | None],
    seen: tuple[str, ...],
) -> frozenset[tuple[str, str]] | None:
    """The pairs of one include: the codes it lists or its whole system, cut by the sets it names."""
    system = part.get("system", "")
    limits = [
        pairs_of_value_set(canonical.split("|")[0], sets, systems, seen) for canonical in part.get("valueSet", ())
    ]
    if part.get("filter") or None in limits:
        return None
    if system:
        codes = [concept["code"] for concept in part.get("concept", ())] or systems.get(system)
        limits.append(None if codes is None else frozenset((system, code) for code in codes))
    known = [pairs for pairs in limits if pairs is not None]
    return frozenset.intersection(*known) if known and len(known) == len(limits) else None
