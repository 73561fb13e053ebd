"""Conditions of a request: what its headers say, and what follows from them.

Headers become values here and decisions are made on values; nothing is looked up. Version ids are whole numbers.
https://hl7.org/fhir/R4/http.html#concurrency · RFC 9110, 13 · checklist R4-13..15, R4-26..27, R4-32..33
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from careplan.domain.errors import CareplanError
from careplan.fhir.criterion import ParameterInvalid
from careplan.fhir.search import pairs_from_query

_TAG = re.compile(r'\s*(?:(?:W/)?"([^"]*)"|([^\s,"]+))\s*(?:,|$)')
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_QUERY_START = re.compile(r"[^?=]*\?")
_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]*)\?(.*)", re.DOTALL)


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


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(at: datetime) -> str:
    """An instant as Last-Modified shows it, in whole seconds: `Sun, 22 Nov 2026 09:03:00 GMT`."""
    utc = at.astimezone(UTC)
    day, month = _DAYS[utc.weekday()], _MONTHS[utc.month - 1]
    return f"{day}, {utc.day:02} {month} {utc.year:04} {utc.hour:02}:{utc.minute:02}:{utc.second:02} GMT"


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
    return int(text) if _NUMBER.fullmatch(text) else -1


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
