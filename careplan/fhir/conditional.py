"""Conditions of a request: what its headers say, and what follows from them.

Headers become values here and decisions are made on values; nothing is looked up. Version ids are whole numbers.
https://hl7.org/fhir/R4/http.html#concurrency · RFC 9110, 13 · checklist R4-13..15, R4-26..27, R4-32..33, R4-37
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from careplan.domain.errors import CareplanError
from careplan.fhir.search import ParameterInvalid, pairs_from_query

_TAG = re.compile(r'\s*(?:(?:W/)?"([^"]*)"|([^\s,"]+))\s*(?:,|$)')
_QUERY_START = re.compile(r"[^?=]*\?")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]*)\?(.+)", re.DOTALL)


class HeaderInvalid(CareplanError):
    """A conditional header that cannot be read."""

    code = "parameter-invalid"


@dataclass(frozen=True, slots=True)
class Tags:
    """Entity tags of If-Match or If-None-Match; `every` is `*`. Weak and strong ones are the same to us."""

    versions: frozenset[str] = frozenset()
    every: bool = False

    def holds(self, number: int | None) -> bool:
        """Whether the current version is among them; None: there is no resource now."""
        return number is not None and (self.every or str(number) in self.versions)


def etag_from_number(number: int) -> str:
    """`W/"3"`."""
    return f'W/"{number}"'


def tags_from_header(text: str) -> Tags:
    """Of `W/"1"`, `"1"`, a bare `1`, a list of them, or `*`. Raises HeaderInvalid."""
    if text.strip() == "*":
        return Tags(every=True)
    versions: set[str] = set()
    at = 0
    while at < len(text):
        match = _TAG.match(text, at)
        if match is None:
            raise HeaderInvalid('an entity tag looks like W/"1"')
        versions.add(match[1] if match[1] is not None else match[2])
        at = match.end()
    if not versions:
        raise HeaderInvalid('an entity tag looks like W/"1"')
    return Tags(frozenset(versions))


def http_date(at: datetime) -> str:
    """An instant as Last-Modified shows it, in whole seconds: `Sun, 22 Nov 2026 09:03:00 GMT`."""
    return format_datetime(at.astimezone(UTC), usegmt=True)


def find_http_date(text: str) -> datetime | None:
    """The instant of an HTTP date; None when it is none, and the header then counts for nothing."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def not_modified(number: int, at: datetime, none_match: Tags | None, modified_since: datetime | None) -> bool:
    """Whether a read is answered 304: If-None-Match decides when it is sent, else If-Modified-Since."""
    if none_match is not None:
        return none_match.holds(number)
    return modified_since is not None and at.replace(microsecond=0) <= modified_since


def expected_number(match: Tags | None) -> int | None:
    """The one version that If-Match names; None when there is no If-Match, or any version will do.

    A tag that is no number of ours gives -1, which no version has. Raises HeaderInvalid for several tags
    """
    if match is None or match.every:
        return None
    if len(match.versions) > 1:
        raise HeaderInvalid("If-Match names one version here")
    (text,) = match.versions
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def pairs_from_if_none_exist(text: str) -> list[tuple[str, str]]:
    """The criteria of If-None-Exist, percent-decoded once; `?…` and `Type?…` are taken too. Raises ParameterInvalid."""
    start = _QUERY_START.match(text)
    pairs = pairs_from_query((text[start.end() :] if start else text).strip())
    if not any(value.strip() for _, value in pairs):
        raise ParameterInvalid("If-None-Exist needs at least one criterion")
    return pairs


def find_conditional_reference(text: str) -> tuple[str, list[tuple[str, str]]] | None:
    """Type and criteria of a reference such as `Patient?identifier=s|v`; None for any other reference."""
    match = _CONDITIONAL.fullmatch(text)
    return None if match is None else (match[1], pairs_from_query(match[2]))


@dataclass(frozen=True, slots=True)
class Create:
    """Make a new resource; under this id, or one of ours."""

    id: str | None


@dataclass(frozen=True, slots=True)
class Update:
    """Change this resource."""

    id: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do nothing: the code is our error's."""

    code: str


def conditional_update(matches: Sequence[str], body_id: str | None) -> Create | Update | Refuse:
    """What a conditional update does, given the ids that its criteria match (two are enough to know)."""
    if not matches:
        return Create(body_id)
    if len(matches) > 1:
        return Refuse("multiple-matches")
    if body_id not in (None, matches[0]):
        return Refuse("id-mismatch")
    return Update(matches[0])
