"""`Patient/[id]/$everything`: a patient's compartment, page by page, and the staff and places it names.

The types of the compartment follow each other in the order of the registry, the Patient first, each searched by its
own pages: only what stands on a page is read. What is referred to outside the compartment comes along when it holds
nobody's personal data (`access.OPEN`), once, on the page of the first that names it; a page token carries which have
come. Not here: what a view of the plan needs (`overview`).
https://hl7.org/fhir/R4/patient-operation-everything.html · checklist R4-110
"""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from urllib.parse import urlencode

from careplan.fhir import registry
from careplan.fhir.across import Across, record_types
from careplan.fhir.bundle import searchset
from careplan.fhir.criterion import criterion_from_text
from careplan.fhir.page_link import PAGE, sign, unsign
from careplan.fhir.query import Criterion, Query
from careplan.fhir.reference import Target, find_target
from careplan.fhir.span import find_span
from careplan.interactions import access
from careplan.interactions.across import search_across
from careplan.interactions.context import Context
from careplan.interactions.grant import is_within
from careplan.interactions.operations.asked import Asked, ParameterFaulty
from careplan.interactions.read import find_version, read
from careplan.store.protocol import Version

TAKES = frozenset({"start", "end", "_since", "_type", "_count", PAGE})

MOST_KNOWN = 200
"""Resources outside the compartment that a token remembers; past it no further ones are brought along."""

CARE_DATES: Mapping[str, tuple[str, str]] = {
    "CareTeam": ("date", "date"),
    "Condition": ("onset-date", "abatement-date"),
    "Observation": ("date", "date"),
    "Goal": ("start-date", ""),
    "CarePlan": ("date", "date"),
    "MedicationStatement": ("effective", "effective"),
    "Encounter": ("date", "date"),
    "ServiceRequest": ("occurrence", "occurrence"),
    "Task": ("authored-on", "authored-on"),
    "Provenance": ("recorded", "recorded"),
    "DiagnosticReport": ("date", "date"),
    "Immunization": ("date", "date"),
    "Appointment": ("date", "date"),
    "Communication": ("sent", "sent"),
    "QuestionnaireResponse": ("authored", "authored"),
    "Consent": ("date", "date"),
    "DocumentReference": ("date", "date"),
    "MeasureReport": ("period", "period"),
}
"""The search parameters that say when the care of a resource began and ended, for `end` and `start`.

What has no date there belongs to every time; so does a type without a line here. A Goal stands until it is closed.
"""

_REFERENCE = re.compile(rb'"reference"\s*:\s*("(?:[^"\\]|\\.)*")')
_MARK = 8
"""Characters of the mark of a resource."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is asked: the types (none: all), the time of change and of care, and how it stands in links."""

    patient: str
    types: frozenset[str]
    since: datetime | None
    count: int
    used: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str:
        return f"Patient/{self.patient}/$everything"

    @property
    def binding(self) -> str:
        return urlencode([("", self.path), *self.used])


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page begins: the position in the searches, and the marks of what was brought along before."""

    after: str | None = None
    known: tuple[str, ...] = ()


async def everything(context: Context, asked: Asked) -> bytes:
    """A searchset: matches are the Patient and the compartment, `include` what they refer to outside it.

    Raises NotFound, Deleted, Forbidden for the patient; ParameterFaulty, ParameterInvalid
    """
    wish = _wish(context, asked)
    queries = _queries(context, wish, asked.text("start"), asked.text("end"))
    token = asked.text(PAGE) or None
    place = _place_from_text(unsign(token, wish.binding, context.house.secret)) if token else _Place()
    await read(context, "Patient", wish.patient)
    shape = Query("", count=wish.count, total=not wish.count, used=wish.used)
    page = (await search_across(context, Across(queries, shape), place.after)).page
    brought, known = await _brought(context, wish, page.matches, place.known)
    next = _text_from_place(_Place(page.next, known)) if page.next else None
    return searchset(
        shape,
        page.matches,
        base=context.base,
        included=brought,
        total=page.total,
        page=token,
        next=sign(next, wish.binding, context.house.secret) if next else None,
        path=wish.path,
    )


# ── what is asked ────────────────────────────────────────────────────────────────────────────────


def _wish(context: Context, asked: Asked) -> _Wish:
    limits, count = context.house.limits, asked.find_whole("_count")
    times = {name: asked.text(name) for name in ("start", "end", "_since")}
    for name, text in times.items():
        if text and find_span(text) is None:
            raise ParameterFaulty(f"parameter {name} must be a date or an instant, e.g. 2026-11-22T10:00:00+01:00")
    span = find_span(times["_since"])
    types = [name.strip() for given in asked.all("_type") for name in str(given).split(",") if name.strip()]
    if not all(registry.known(name) for name in types):
        raise ParameterFaulty("parameter _type names resource types of this service, e.g. Observation,Condition")
    shown = [*times.items(), ("_type", ",".join(dict.fromkeys(types)))]
    shown.append(("_count", "" if count is None else str(count)))
    used = tuple((name, text) for name, text in shown if text)
    wanted = limits.page if count is None else min(count, limits.page_maximum)
    return _Wish(asked.id or "", frozenset(types), span[0] if span else None, wanted, used)


def _queries(context: Context, wish: _Wish, start: str, end: str) -> tuple[Query, ...]:
    """One search for each type that the caller reads; several where a date is asked for that may be missing."""
    since = [("_lastUpdated", "ge" + dict(wish.used)["_since"])] if wish.since else []
    types = access.types_read(context, [name for name in record_types() if name in (wish.types or record_types())])
    return tuple(
        Query(name, (*_criteria(context, registry.row(name), since), *dated), patient=wish.patient)
        for name in types
        for dated in _dated(context, registry.row(name), start, end)
    )


def _dated(context: Context, row: registry.Row, start: str, end: str) -> Iterator[tuple[Criterion, ...]]:
    """The ways in which a resource can belong to a time: each date within it, or not there."""
    begins, ends = CARE_DATES.get(row.name, ("", ""))
    asked = [(begins, f"le{end}")] if begins and end else []
    asked += [(ends, f"ge{start}")] if ends and start else []
    choices = []
    for name in dict.fromkeys(name for name, _ in asked):
        within = _criteria(context, row, [pair for pair in asked if pair[0] == name])
        choices.append((within, (Criterion(name, "date", missing=True),)))
    for chosen in product(*choices):
        yield tuple(one for some in chosen for one in some)


def _criteria(context: Context, row: registry.Row, pairs: Sequence[tuple[str, str]]) -> tuple[Criterion, ...]:
    found = (criterion_from_text(row.parameters[name], "", text, context.base) for name, text in pairs)
    return tuple(one for one in found if one is not None)


# ── pages ────────────────────────────────────────────────────────────────────────────────────────


def _text_from_place(place: _Place) -> str:
    return json.dumps([place.after, "".join(place.known)], separators=(",", ":"))


def _place_from_text(text: str) -> _Place:
    """The place again; it was signed, so it is one."""
    after, marks = json.loads(text)
    return _Place(after, tuple(marks[at : at + _MARK] for at in range(0, len(marks), _MARK)))


# ── what is brought along ────────────────────────────────────────────────────────────────────────


async def _brought(
    context: Context, wish: _Wish, matches: Sequence[Version], known: tuple[str, ...]
) -> tuple[list[Version], tuple[str, ...]]:
    """What the matches refer to outside the compartment and has not come yet; and the marks of all that has."""
    targets = dict.fromkeys(target for version in matches for target in _targets(context, version))
    come = dict.fromkeys(known)
    found = []
    for target in targets:
        mark = _mark(target)
        if mark in come or len(come) >= MOST_KNOWN or not _is_wanted(context, wish, target.type):
            continue
        version = await find_version(context, target.type, target.id)
        if version is not None and await is_within(context, version) and not (wish.since and version.at < wish.since):
            come[mark] = None
            found.append(version)
    return found, tuple(come)


def _is_wanted(context: Context, wish: _Wish, type_name: str) -> bool:
    return (not wish.types or type_name in wish.types) and bool(access.types_read(context, [type_name]))


def _targets(context: Context, version: Version) -> Iterator[Target]:
    """The open resources of this server that a resource refers to, wherever in it."""
    for text in _REFERENCE.findall(version.body or b""):
        target = find_target(json.loads(text), context.base)
        if target is not None and target.type in access.OPEN and registry.known(target.type):
            yield target


def _mark(target: Target) -> str:
    """A short name for a resource, of 48 bits: among a few hundred no two are alike, but for a chance in 10**9."""
    digest = hashlib.blake2b(f"{target.type}/{target.id}".encode(), digest_size=_MARK * 3 // 4).digest()
    return urlsafe_b64encode(digest).decode()
