"""The printed sheet: one person's plan on one A4 page, as a tagged PDF (brief F).

What is said is gathered here, how it is set stands in `sheet.typ`; between them goes JSON, so that a name is never
markup. Sentences on values are `wording`'s, drawings `chart`'s. Not here: HTTP (`paper`), large print, other languages.
https://typst.app/docs/reference/pdf/ · PDF/UA-1 is ISO 14289-1:2014.
"""

import json
import re
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree
from typst import Compiler

from careplan.domain.calendar import add_months
from careplan.domain.measure import is_old
from careplan.fhir.instant import COPENHAGEN, find_whole_date
from careplan.interactions.overview import Line, Overview
from careplan.views import chart, wording
from careplan.views.agreement import Agreement, agreements, next_step
from careplan.views.caption import shared_name
from careplan.views.catalogue import Catalogue, read_catalogue
from careplan.views.closed import closed_on
from careplan.views.contact import Contact, contact_of, coordinator, person_name
from careplan.views.goalrow import ORDER, PAIR, differs, is_goal

TEMPLATE = Path(__file__).with_name("sheet.typ")
LANGUAGE = "da"
CHARTS, YEARS = 2, 3
DRAWN_FIRST = ("hba1c", "ldl", "sbp")

_WORDS: Mapping[str, str] = {
    "title": "Forløbsplan",
    "title-of": "Forløbsplan for {name}",
    "heading": "Min forløbsplan",
    "born": "Født {day}",
    "phone": "Telefon {phone}",
    "printed": "Udskrevet {day} · gælder til næste kontrol",
    "printed-closed": "Udskrevet {day}",
    "goals": "Mine mål",
    "target": "Mit mål",
    "goal": "mål",
    "status": "Status",
    "with-you": "aftalt med dig",
    "with-you-until": "aftalt med dig til {day}",
    "with-you-passed": "aftalt med dig; skulle ses igen {day}",
    "unverified": "* Tallet er ikke efterprøvet i kilden.",
    "unsigned": "Målene bygger på regler, som en kliniker ikke har godkendt endnu.",
    "unprintable": "□ er et tegn, der ikke kan printes her.",
    "old": "gammelt tal",
    "more": "Flere mål:",
    "others": "Andre tal, vi følger:",
    "no-value": "ingen måling endnu",
    "no-next": "Der er ikke aftalt noget med en dato",
    "no-courses": "Der er ikke plads til kurverne her. Du kan se dem i din plan på skærmen.",
    "call": "Hvornår skal jeg ringe, og til hvem?",
    "call-clinic": "Har du spørgsmål, eller får du det dårligere",
    "call-acute": "Bliver du pludselig meget syg",
    "call-shut": "Har lægen lukket, og kan det ikke vente",
    "acute": "ring 1-1-2",
    "shut": "ring til lægevagten",
    "clinic": "ring til {name}",
    "clinic-phone": "ring til {name} på {phone}",
    "your-doctor": "din læge",
    "contact": "Din kontaktperson er {name}.",
    "medicine": "Min medicin",
    "medicine-says": "Din medicin står i Fælles Medicinkort. Log ind på sundhed.dk, og vælg «Medicinkortet».",
    "questions": "Mine spørgsmål",
    "page": "Side {page} af {pages}",
}
"""What only the sheet says; the rest is the pages' catalogue."""

_SIGNS = re.compile(
    "[^ -~\u00a0-\u02e4\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce\u0400-\u0477\u048c-\u04c4\u04d0-\u04f9"
    "\u1e00-\u1eff\u2009\u2010-\u2015\u2018-\u201f\u2020-\u2022\u2026\u202f\u2030\u2032\u2033\u2039\u203a\u2044"
    "\u2070\u2074-\u208e\u20ac\u2116\u2122\u2190-\u2193\u2200-\u220d\u2212\u2248\u2260\u2264\u2265□✓◐▲○]"
)
"""What the sheet's font has no sign for: Latin, Greek and Cyrillic it has. PDF/UA refuses a text with others in it."""

_UNPRINTABLE = "□"
_BLANKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")


def plan_pdf(overview: Overview, *, printed_at: datetime) -> bytes:
    """The sheet as PDF/UA-1; the same overview and moment give the same bytes."""
    return _typeset(json.dumps(_sheet(overview, printed_at), ensure_ascii=False), printed_at)


# ── typesetting ──────────────────────────────────────────────────────────────────────────────────

_TURN = threading.Lock()


@cache
def _compiler() -> Compiler:
    """One for all sheets: it keeps its fonts and the parsed template."""
    return Compiler(ignore_system_fonts=True)


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()


def _typeset(data: str, printed_at: datetime) -> bytes:
    with _TURN:
        made = _compiler().compile(
            input=_template(),
            format="pdf",
            sys_inputs={"sheet": data},
            pdf_standards=["ua-1"],
            timestamp=int(printed_at.timestamp()),
        )
    assert isinstance(made, bytes)
    return made


# ── what stands on the sheet ─────────────────────────────────────────────────────────────────────


@cache
def _catalogue() -> Catalogue:
    return read_catalogue(LANGUAGE)


def _sheet(overview: Overview, printed_at: datetime) -> dict[str, Any]:
    t, at = _catalogue(), printed_at.astimezone(COPENHAGEN)
    closed = _closed(overview, t)
    found = () if closed else tuple(one for one in _agreements(overview) if not one.done)
    name = person_name(overview.patient)
    said = {
        "lang": LANGUAGE,
        "title": _WORDS["title-of"].format(name=name) if name else _WORDS["title"],
        "words": _words(t),
        "columns": [t("column.measure"), t("column.newest"), _WORDS["target"], _WORDS["status"]],
        "head": _head(overview, name, at, "printed-closed" if closed else "printed"),
        "closed": closed,
        "next": [] if closed else _next(found, t),
        **_goals(overview),
        "own": [_item(one, t) for one in found if one.own],
        "theirs": [_item(one, t) for one in found if not one.own] + ([] if closed else _referrals(overview, t)),
        **_call(overview),
        "medicine": _WORDS["medicine-says"],
    }
    printable = _printable(said)
    if _UNPRINTABLE in json.dumps([*printable.values()], ensure_ascii=False):
        printable["notes"].append(_WORDS["unprintable"])
    moment = [at.year, at.month, at.day, at.hour, at.minute, at.second]
    return {**printable, "at": moment, "charts": _charts(overview)}


def _words(t: Catalogue) -> dict[str, str]:
    """The words that are the same on every sheet."""
    shared = {
        "strip": "frame.test",
        "next": "plan.next",
        "none-goals": "plan.no-goals",
        "agreed": "plan.agreed",
        "own": "plan.agreed-own",
        "theirs": "plan.agreed-theirs",
        "nothing": "plan.agreed-none",
    }
    own = ("heading", "goals", "goal", "more", "others", "no-courses", "call", "medicine", "questions", "page")
    return {**{name: t(key) for name, key in shared.items()}, **{name: _WORDS[name] for name in own}}


def _printable(value: Any) -> Any:
    """Every text with each sign that the font lacks as □, and blanks of any kind as one space.

    Before a unit stands a space that no line breaks at: the font's thin space is too thin to be seen at these sizes.
    """
    if isinstance(value, str):
        normal = _BLANKS.sub(" ", unicodedata.normalize("NFC", value)).replace(wording.THIN_SPACE, "\u00a0")
        return _SIGNS.sub(_UNPRINTABLE, normal)
    if isinstance(value, list):
        return [_printable(one) for one in value]
    return {key: _printable(one) for key, one in value.items()} if isinstance(value, dict) else value


def _head(overview: Overview, name: str, at: datetime, printed: str) -> dict[str, str]:
    clinic, born = _clinic(overview), find_whole_date(overview.patient.get("birthDate"))
    return {
        "name": name,
        "born": _WORDS["born"].format(day=wording.danish_date(born)) if born else "",
        "clinic": clinic.name,
        "phone": _WORDS["phone"].format(phone=clinic.phone) if clinic.phone else "",
        "printed": _WORDS[printed].format(day=wording.danish_date(at.date())),
    }


def _clinic(overview: Overview) -> Contact:
    listed = [str(one.get("reference", "")) for one in overview.patient.get("generalPractitioner", ())]
    return contact_of(overview.directory, next((one for one in listed if "Organization/" in one), None))


def _closed(overview: Overview, t: Catalogue) -> str:
    if overview.plans:
        return ""
    days = [day for plan in overview.closed if (day := closed_on(plan)) is not None]
    return t("plan.closed", day=wording.danish_date(max(days))) if days else t("plan.closed-undated")


# ── agreements ───────────────────────────────────────────────────────────────────────────────────


def _agreements(overview: Overview) -> tuple[Agreement, ...]:
    return agreements(overview.tasks, overview.directory, overview.on)


def _next(found: Sequence[Agreement], t: Catalogue) -> list[str]:
    """What to do and by when, then the sentences that go with it."""
    step = next_step(found)
    if step is None or step.due is None:
        return [_WORDS["no-next"]]
    day = wording.danish_date(step.due)
    what = step.title if step.late else f"{step.title} {t('plan.next-by', day=day)}"
    late = [t("plan.next-late", day=day)] if step.late else []
    return [
        what,
        *late,
        t("plan.next-own") if step.own else t("plan.next-theirs", who=step.who or t("word.clinic-small")),
    ]


def _item(one: Agreement, t: Catalogue) -> dict[str, str]:
    when = t("plan.by", day=wording.danish_date(one.due)) if one.due else t("plan.ongoing").lower()
    parts = [when, t("plan.passed") if one.late else "", "" if one.own else one.who]
    return {"title": one.title, "says": one.says, "when": ", ".join(part for part in parts if part)}


def _referrals(overview: Overview, t: Catalogue) -> list[dict[str, str]]:
    """Where the clinic has referred the person to, as the plan's page says it."""
    items = []
    for request in (one for one in overview.referrals if one.get("status") == "active"):
        to = next((str(one.get("reference", "")) for one in request.get("performer", ())), None)
        whom = contact_of(overview.directory, to).name
        title = t("plan.referred", what=request.get("code", {}).get("text", ""), whom=whom)
        items.append({"title": title, "says": "", "when": ""})
    return items


# ── goals and courses ────────────────────────────────────────────────────────────────────────────


def _goals(overview: Overview) -> dict[str, Any]:
    """The table's rows, what needs attention first; values without a target in short; notes on them."""
    lines = sorted((one for one in overview.lines if is_goal(one)), key=_attention)
    rows = [_row(overview, one) for one in lines]
    others = [_other(one) for one in overview.lines if not is_goal(one) and one.newest]
    notes = [_WORDS["unverified"]] if any(row["unverified"] for row in rows) else []
    notes += [] if overview.signed else [_WORDS["unsigned"]]
    return {"goals": rows, "others": others, "notes": notes}


def _attention(line: Line) -> tuple[int, int, str]:
    return ORDER[line.standing], *_priority(line)


def _priority(line: Line) -> tuple[int, str]:
    return line.measure.priority, line.measure.id


def _row(overview: Overview, line: Line) -> dict[str, Any]:
    assert line.agreed is not None
    icon, word = wording.status_word(line.standing)
    newest = line.newest
    return {
        "measure": line.measure.patient,
        "newest": wording.value_with_unit(line.measure, newest) if newest else _WORDS["no-value"],
        "day": wording.danish_date(wording.day_of(newest)) if newest else "",
        "old": _WORDS["old"] if newest and is_old(wording.day_of(newest), overview.on) else "",
        "target": wording.target_with_unit(line.measure, line.agreed),
        "individual": _with_you(line, overview.on),
        "unverified": _is_unverified(line),
        "icon": icon,
        "status": word,
    }


def _with_you(line: Line, on: date) -> str:
    """How long an individual target holds; empty where the target is a rule's."""
    if line.deviation is None:
        return ""
    until = line.deviation.valid_until
    if until is None:
        return _WORDS["with-you"]
    return _WORDS["with-you-passed" if until < on else "with-you-until"].format(day=wording.danish_date(until))


def _is_unverified(line: Line) -> bool:
    """Whether the target is a rule's whose number was not found again in its source."""
    found = line.recommendation
    return found is not None and found.row.unverified and line.deviation is None and not differs(line)


def _other(line: Line) -> str:
    assert line.newest is not None
    value, day = wording.value_with_unit(line.measure, line.newest), wording.day_of(line.newest)
    return f"{line.measure.patient}: {value} ({wording.danish_date(day)})"


def _charts(overview: Overview) -> list[dict[str, str]]:
    """At most two courses: long-term glucose, cholesterol and blood pressure before others, by the plan's priority."""
    since = add_months(overview.on, -12 * YEARS)
    drawable = [one for one in overview.lines if _is_drawable(one, since) and one.measure.id != PAIR[1]]
    drawable.sort(key=lambda one: (one.measure.id not in DRAWN_FIRST, *_priority(one)))
    diastolic = next((one for one in overview.lines if one.measure.id == PAIR[1] and one.readings), None)
    return [_chart(overview, one, diastolic if one.measure.id == PAIR[0] else None) for one in drawable[:CHARTS]]


def _is_drawable(line: Line, since: date) -> bool:
    """Whether a measure has a goal, and two numbers in the time that is drawn."""
    numbers = [one for one in line.readings if isinstance(one.value, Decimal) and wording.day_of(one) >= since]
    return is_goal(line) and line.measure.kind in ("quantity", "score") and len(numbers) >= 2


def _chart(overview: Overview, line: Line, diastolic: Line | None) -> dict[str, str]:
    second = None if diastolic is None else (diastolic.measure, diastolic.readings, diastolic.bands)
    name = f"ark-{line.measure.id}"
    svg = chart.trend(line.measure, line.readings, line.bands, overview.on, years=YEARS, second=second, name=name)
    title, _ = shared_name([one.measure.patient for one in (line, diastolic) if one is not None])
    return {"svg": svg, "title": title, "alt": _described(svg)}


def _described(svg: str) -> str:
    """The drawing's own title and description, for those who do not see it."""
    root = etree.fromstring(svg.encode())
    found = (root.findtext(f"{{*}}{tag}") or "" for tag in ("title", "desc"))
    return " ".join(f"{one.strip().removesuffix('.')}." for one in found if one.strip())


# ── whom to call ─────────────────────────────────────────────────────────────────────────────────


def _call(overview: Overview) -> dict[str, Any]:
    clinic = _clinic(overview)
    person = contact_of(overview.directory, coordinator(overview.care_teams, overview.patient))
    whom = _WORDS["clinic-phone" if clinic.phone else "clinic"]
    first = whom.format(name=clinic.name or _WORDS["your-doctor"], phone=clinic.phone)
    calls = [("call-clinic", first), ("call-acute", _WORDS["acute"]), ("call-shut", _WORDS["shut"])]
    named = bool(person.name and person.organization)
    return {
        "call": [{"when": _WORDS[key], "whom": said} for key, said in calls],
        "contact": _WORDS["contact"].format(name=person.name) if named else "",
    }
