"""What stands on the printed sheet: one description of its content, for the PDF and for its preview (brief F).

Plain values that can be written as JSON, so that a name is never markup: how they are set stands in `sheet.typ` and
`templates/sheet.html`. Goals and courses are `printed_goal`'s. Not here: typesetting (`typeset`), HTTP (`paper`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from careplan.fhir.instant import COPENHAGEN, find_whole_date
from careplan.fhir.person_number import shown
from careplan.interactions.overview import Overview
from careplan.views import wording
from careplan.views.agreement import Agreement, agreements, next_step, year_ahead
from careplan.views.catalogue import Catalogue
from careplan.views.closed import closed_on
from careplan.views.contact import Contact, clinic_of, contact_of, coordinator, person_name
from careplan.views.direction import in_order
from careplan.views.printed_goal import drawn_lines, goal_parts, history, told_course

SHORT = ("next", "goals", "courses", "agreed", "call", "medicine", "questions")
FULL = ("next", "goals", "courses", "history", "agreed", "year", "helps", "call", "medicine", "questions")
BLOCKS = {"short": SHORT, "full": FULL, "large": SHORT}
"""The editions, and their blocks in the order of the brief; a language has the same."""
CLOSED = frozenset({"goals", "courses", "history", "helps", "call", "medicine", "questions"})
"""What a closed plan still says."""

_AS_IT_IS = frozenset({"svg", "alt", "da", "edition", "lang", "dir", "blocks", "at"})

Words = str | dict[str, str]
"""Words in the sheet's language; with `da`, words that somebody wrote in Danish on a sheet in another."""

_SHARED = {
    "strip": "frame.test",
    "next": "plan.next",
    "none-goals": "plan.no-goals",
    "agreed": "plan.agreed",
    "own": "plan.agreed-own",
    "theirs": "plan.agreed-theirs",
    "nothing": "plan.agreed-none",
    "year": "plan.year",
    "helps": "plan.helps",
}
_OWN = tuple(
    "between heading goals target others courses no-courses from until still month what call medicine "
    "questions page".split()
)


@dataclass(frozen=True, slots=True)
class Edition:
    """Which sheet is asked for; `cpr`: whether the whole CPR number stands on it."""

    name: str = "short"
    language: str = "da"
    cpr: bool = False


def sheet_of(overview: Overview, edition: Edition, t: Catalogue, printed_at: datetime) -> dict[str, Any]:
    """The sheet of one person's plan; the same overview, edition and moment give the same sheet."""
    at = printed_at.astimezone(COPENHAGEN)
    closed = _closed(overview, t)
    found = () if closed else tuple(one for one in _agreements(overview) if not one.done)
    name = person_name(overview.patient)
    blocks = [one for one in BLOCKS[edition.name] if not closed or one in CLOSED]
    sheet = {
        "edition": edition.name,
        "lang": t.language,
        "dir": t.direction,
        "title": t("sheet.title-of", name=name) if name else t("sheet.title"),
        "words": {one: t(key) for one, key in _SHARED.items()} | {one: _template(t, one) for one in _OWN},
        "columns": [t("column.measure"), t("column.newest"), t("sheet.target"), t("sheet.status")],
        "blocks": blocks,
        "head": _head(overview, edition, name, at, t),
        "closed": closed,
        "next": [] if closed else _next(found, t),
        **goal_parts(overview, t),
        "courses": [
            told_course(overview, line, t) for line in drawn_lines(overview, most=None if _full(edition) else 2)
        ],
        "history": history(overview, t) if _full(edition) else [],
        "own": [_item(one, t) for one in found if one.own],
        "theirs": [_item(one, t) for one in found if not one.own] + ([] if closed else _referrals(overview, t)),
        "year": _year(found, overview, t) if _full(edition) else [],
        **_call(overview, t),
        "helps": _helps(overview, t),
        "medicine": t("sheet.medicine-says"),
        "notes": _notes(overview, t),
        "unprintable": t("sheet.unprintable"),
        "at": [at.year, at.month, at.day, at.hour, at.minute, at.second],
    }
    return sheet if t.direction == "ltr" else {key: _in_order(value, key) for key, value in sheet.items()}


def _in_order(value: Any, key: str = "") -> Any:
    """Numbers with what belongs to them kept from left to right within a language that runs the other way."""
    if key in _AS_IT_IS:
        return value
    if isinstance(value, dict):
        return {name: _in_order(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_in_order(one) for one in value]
    return in_order(value) if isinstance(value, str) else value


def _full(edition: Edition) -> bool:
    return edition.name == "full"


def _template(t: Catalogue, name: str) -> str:
    """A word of the sheet's own; where it has places to fill in, those stay."""
    return t(f"sheet.{name}", page="{page}", pages="{pages}")


def _notes(overview: Overview, t: Catalogue) -> list[str]:
    """What holds for the whole sheet."""
    rows = goal_parts(overview, t)["goals"]
    clinic = [t("sheet.from-clinic")] if any(row["day"] and row["stamp"] == row["day"] for row in rows) else []
    unverified = [t("sheet.unverified")] if any(row["unverified"] for row in rows) else []
    unsigned = [] if overview.signed else [t("sheet.unsigned")]
    unread = [] if t.read else [t("sheet.unread")]
    danish = [] if t.source else [t("sheet.danish")]
    return [*clinic, *unverified, *unsigned, *unread, *danish]


def danish(text: str, t: Catalogue) -> Words:
    """What a clinician wrote: Danish, and marked so on a sheet in another language."""
    return text if t.source or not text else {"da": text}


# ── head ─────────────────────────────────────────────────────────────────────────────────────────


def _head(overview: Overview, edition: Edition, name: str, at: datetime, t: Catalogue) -> dict[str, str]:
    clinic, born = clinic_of(overview.directory, overview.patient), find_whole_date(overview.patient.get("birthDate"))
    number = shown(overview.patient) if edition.cpr else ""
    return {
        "name": name,
        "born": t("sheet.born", day=wording.danish_date(born)) if born else "",
        "cpr": t("sheet.cpr", number=number) if number else "",
        "clinic": clinic.name,
        "phone": t("sheet.phone", phone=_whole(clinic.phone)) if clinic.phone else "",
        "printed": t("sheet.printed" if overview.plans else "sheet.printed-closed", day=wording.danish_date(at.date())),
    }


def _closed(overview: Overview, t: Catalogue) -> str:
    if overview.plans:
        return ""
    days = [day for plan in overview.closed if (day := closed_on(plan)) is not None]
    return t("plan.closed", day=wording.danish_date(max(days))) if days else t("plan.closed-undated")


# ── agreements ───────────────────────────────────────────────────────────────────────────────────


def _agreements(overview: Overview) -> tuple[Agreement, ...]:
    return agreements(overview.tasks, overview.directory, overview.on)


def _next(found: Sequence[Agreement], t: Catalogue) -> list[Words]:
    """What to do, by when, then the sentences that go with it."""
    step = next_step(found)
    if step is None or step.due is None:
        return [t("sheet.no-next"), ""]
    day = wording.danish_date(step.due)
    who = t("plan.next-own") if step.own else t("plan.next-theirs", who=step.who or t("word.clinic-small"))
    late = [t("plan.next-late", day=day)] if step.late else []
    return [danish(step.title, t), "" if step.late else t("plan.next-by", day=day), *late, who]


def _item(one: Agreement, t: Catalogue) -> dict[str, Words]:
    when = t("plan.by", day=wording.danish_date(one.due)) if one.due else t("plan.ongoing").lower()
    parts = [when, t("plan.passed") if one.late else "", "" if one.own else one.who]
    said = t("chart.comma").join(part for part in parts if part)
    return {"title": danish(one.title, t), "says": danish(one.says, t), "when": said}


def _referrals(overview: Overview, t: Catalogue) -> list[dict[str, Words]]:
    """Where the clinic has referred the person to, as the plan's page says it."""
    items: list[dict[str, Words]] = []
    for request in (one for one in overview.referrals if one.get("status") == "active"):
        to = next((str(one.get("reference", "")) for one in request.get("performer", ())), None)
        whom = contact_of(overview.directory, to).name
        title = t("plan.referred", what=request.get("code", {}).get("text", ""), whom=whom)
        items.append({"title": title, "says": "", "when": ""})
    return items


def _year(found: Sequence[Agreement], overview: Overview, t: Catalogue) -> list[dict[str, Any]]:
    """The months of the year ahead in which something is due."""
    months = [one for one in year_ahead(found, overview.on, t) if one.items]
    return [
        {"month": f"{one.name} {one.year}", "items": [danish(item.title, t) for item in one.items]} for one in months
    ]


# ── whom to call ─────────────────────────────────────────────────────────────────────────────────


def _call(overview: Overview, t: Catalogue) -> dict[str, Any]:
    clinic = clinic_of(overview.directory, overview.patient)
    person = _coordinator(overview)
    key = "sheet.clinic-phone" if clinic.phone else "sheet.clinic"
    first = t(key, name=clinic.name or t("sheet.your-doctor"), phone=_whole(clinic.phone))
    calls = [("call-clinic", first), ("call-acute", t("sheet.acute")), ("call-shut", t("sheet.shut"))]
    named = bool(person.name and person.organization)
    return {
        "call": [{"when": t(f"sheet.{one}"), "whom": said} for one, said in calls],
        "contact": t("sheet.contact", name=person.name) if named else "",
    }


def _whole(phone: str) -> str:
    """A phone number that no line breaks in."""
    return phone.replace(" ", "\u00a0")


def _coordinator(overview: Overview) -> Contact:
    return contact_of(overview.directory, coordinator(overview.care_teams, overview.patient))


def _helps(overview: Overview, t: Catalogue) -> list[str]:
    """Who helps: name, where, phone, hours; a line each."""
    person = _coordinator(overview)
    if not person.name:
        return [t("plan.no-contact")]
    where = t("chart.comma").join(one for one in (person.name, person.organization) if one)
    phone = t("sheet.phone", phone=_whole(person.phone)) if person.phone else ""
    hours = t("plan.hours", hours=person.hours(t)) if person.open else t("plan.no-hours")
    return [one for one in (where, t("plan.coordinator"), phone, hours) if one]
