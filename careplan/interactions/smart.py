"""SMART on FHIR v2 scopes: what a client may do on a person's behalf, within what the person may do (design §7).

A scope gives, it never takes: a client has the sum of its scopes, and no more of it than the role has. One with a
query, `patient/Observation.rs?category=laboratory`, gives what the query finds.
https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html · R4-119
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from careplan.domain.errors import CareplanError
from careplan.fhir import registry, search
from careplan.fhir.query import Criterion, Query

_SCOPE = re.compile(r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(c?r?u?d?s?|read|write|\*)(?:\?(.+))?")
_FIRST_VERSION = {"read": "rs", "write": "cud", "*": "cruds"}
"""SMART v1's words, which older clients ask for."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One scope.

    level     `patient`: the one in context; `user`: whoever the person may see; `system`: a client of its own
    type      a resource type, or `*`
    may       of `cruds`: create, read, update, delete, search
    criteria  the query it is narrowed to; none: everything
    """

    level: str
    type: str
    may: str
    criteria: tuple[Criterion, ...] = ()


def scopes_from_text(text: str) -> tuple[Scope, ...]:
    """The FHIR scopes among those of a token.

    What is no FHIR scope, of a type we do not have, or narrowed by a query that we cannot read, gives nothing.
    """
    found = (_SCOPE.fullmatch(word) for word in text.split())
    return tuple(scope for one in found if one is not None and (scope := _scope(one)) is not None)


def _scope(found: re.Match[str]) -> Scope | None:
    level, type_name, may, query = found.groups()
    may = _FIRST_VERSION.get(may, may)
    if not may or (type_name != "*" and type_name not in registry.TYPES):
        return None
    if query is None:
        return Scope(level, type_name, may)
    criteria = _find_criteria(type_name, query)
    return Scope(level, type_name, may, criteria) if criteria else None


def _find_criteria(type_name: str, query: str) -> tuple[Criterion, ...]:
    """What a query asks of each resource; none where it asks for anything else beside that."""
    try:
        asked = search.parse(type_name, search.pairs_from_query(query), strict=True, base="")
    except CareplanError:
        return ()
    plain = replace(asked, criteria=(), used=())
    return asked.criteria if plain == Query(type_name, count=asked.count) else ()


def fitting(scopes: Iterable[Scope], type_name: str, act: str) -> tuple[Scope, ...]:
    """The scopes that give this act (one of `cruds`) on a type."""
    return tuple(one for one in scopes if one.type in ("*", type_name) and act in one.may)
