"""The printed sheet: one person's plan on one A4 page, as a tagged PDF (brief F).

What is said is gathered here, how it is set stands in `sheet.typ`; between them goes JSON, so that a name is never
markup. Sentences on values are `wording`'s, drawings `chart`'s. Not here: HTTP (`paper`), large print, other languages.
https://typst.app/docs/reference/pdf/ · PDF/UA-1 is ISO 14289-1:2014.
"""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree
from typst import Compiler

from careplan.domain.target import Standing
from careplan.fhir.instant import COPENHAGEN, find_whole_date
from careplan.interactions.overview import Line, Overview
from careplan.views import chart, wording
from careplan.views.agreement import Agreement, agreements, next_step
from careplan.views.catalogue import Catalogue, read_catalogue
from careplan.views.closed import closed_on
from careplan.views.contact import Contact, contact_of, coordinator, person_name
from careplan.views.goalrow import ORDER, PAIR, differs, is_goal, target_with_unit

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
    "unprintable": "□ er et tegn, der ikke kan printes her.",
    "old": "gammelt tal",
    "more": "Flere mål:",
    "others": "Andre tal, vi følger:",
    "no-value": "ingen måling endnu",
    "no-next": "Der er ikke aftalt noget med en dato",
    "courses": "Sådan er det gået",
    "call": "Hvornår skal jeg ringe, og til hvem?",
    "call-clinic": "Har du spørgsmål, eller får du det dårligere",
    "call-acute": "Bliver du pludselig meget syg",
    "call-shut": "Er lægen lukket, og kan det ikke vente",
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
    "[^ -~\u00a0-\u02e4\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce\u0400-\u0477\u048c-\u04c4\u04d0-\u04f9\u1e00-\u1eff"
    "\u2009\u2010-\u2015\u2018-\u201f\u2020-\u2022\u2026\u202f\u2030\u2032\u2033\u2039\u203a\u2044\u2070\u2074-\u208e"
    "\u20ac\u2116\u2122\u2190-\u2193\u2200-\u220d\u2212\u2248\u2260\u2264\u2265\u25a1]"
)
"""What the sheet's font has no sign for: Latin, Greek and Cyrillic it has. PDF/UA refuses a text with others in it."""

_UNPRINTABLE = "□"


def plan_pdf(overview: Overview, *, printed_at: datetime) -> bytes:
    """The sheet as PDF/UA-1; the same overview and moment give the same bytes."""
    return _compiled(json.dumps(_sheet(overview, printed_at), ensure_ascii=False), printed_at)


# ── typesetting ──────────────────────────────────────────────────────────────────────────────────

_TURN = threading.Lock()


@cache
def _compiler() -> Compiler:
    """One compiler for all sheets: it keeps its fonts and what it has laid out before."""
    return Compiler(ignore_system_fonts=True)


@cache
def _template() -> bytes:
    return TEMPLATE.read_bytes()


def _compiled(data: str, printed_at: datetime) -> bytes:
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
def _texts() -> Catalogue:
    return read_catalogue(LANGUAGE)


def _sheet(overview: Overview, printed_at: datetime) -> dict[str, Any]:
    t, name = _texts(), person_name(overview.patient)
    found = agreements(overview.tasks, overview.directory, overview.on) if overview.plans else ()
    at = printed_at.astimezone(COPENHAGEN)
    return {
        "lang": LANGUAGE,
        "at": [at.year, at.month, at.day, at.hour, at.minute, at.second],
        "title": _SHEET["title"].format(name=name),
        "strip": t("frame.test"),
        "headings": {
            **{key: _SHEET[key] for key in ("heading", "goals", "courses", "call", "medicine", "questions", "also")},
            **{"next": t("plan.next"), "agreed": t("plan.agreed")},
            **{"own": t("plan.agreed-own"), "theirs": t("plan.agreed-theirs"), "none": t("plan.agreed-none")},
        },
        "columns": [t("column.measure"), t("column.newest"), _SHEET["target"], _SHEET["status"]],
        "page": _SHEET["page"].split("{page}")[0].strip(),
        "head": _head(overview, name, at),
        "closed": _closed(overview, t),
        "next": _next(found, t),
        **_goals(overview),
        "charts": _charts(overview),
        "own": [_item(one, t) for one in found if one.own],
        "theirs": [_item(one, t) for one in found if not one.own],
        "call": _call(overview),
        "medicine": _SHEET["medicine-says"],
    }


def _head(overview: Overview, name: str, at: datetime) -> dict[str, Any]:
    clinic, born = _clinic(overview), find_whole_date(overview.patient.get("birthDate"))
    return {
        "name": name,
        "born": _SHEET["born"].format(day=wording.danish_date(born)) if born else "",
        "clinic": clinic.name,
        "phone": _SHEET["phone"].format(phone=clinic.phone) if clinic.phone else "",
        "printed": _SHEET["printed"].format(day=wording.danish_date(at.date())),
    }


def _clinic(overview: Overview) -> Contact:
    listed = [str(one.get("reference", "")) for one in overview.patient.get("generalPractitioner", ())]
    return contact_of(overview.directory, next((one for one in listed if "Organization/" in one), None))


def _closed(overview: Overview, t: Catalogue) -> str:
    if overview.plans:
        return ""
    days = [day for plan in overview.closed if (day := closed_on(plan)) is not None]
    return t("plan.closed", day=wording.danish_date(max(days))) if days else t("plan.closed-undated")


def _next(found: Sequence[Agreement], t: Catalogue) -> list[str]:
    step = next_step(found)
    if step is None or step.due is None:
        return [_SHEET["no-next"]]
    day = wording.danish_date(step.due)
    first = step.title if step.late else f"{step.title} {t('plan.next-by', day=day)}"
    late = [t("plan.next-late", day=day)] if step.late else []
    who = t("plan.next-own") if step.own else t("plan.next-theirs", who=step.who or t("word.clinic-small"))
    return [first, *late, who]


def _goals(overview: Overview) -> dict[str, Any]:
    """The table's rows, what needs attention first; measures without a target in short; the notes below."""
    lines = sorted((one for one in overview.lines if is_goal(one)), key=_attention)
    rows = [_row(overview, one) for one in lines]
    unverified = any(row["unverified"] for row in rows)
    others = [one for one in overview.lines if not is_goal(one) and one.readings]
    return {
        "goals": rows,
        "others": [_short(one) for one in others],
        "notes": [_SHEET["unverified"]] if unverified else [],
    }


def _attention(line: Line) -> tuple[int, int, str]:
    return ORDER[line.standing], line.measure.priority, line.measure.id


def _row(overview: Overview, line: Line) -> dict[str, Any]:
    icon, word = wording.status_word(line.standing)
    newest = line.newest
    return {
        "measure": line.measure.patient,
        "newest": wording.value_with_unit(line.measure, newest) if newest else _SHEET["no-value"],
        "day": wording.danish_date(wording.day_of(newest)) if newest else "",
        "old": _SHEET["old"] if newest and wording.is_old(newest, overview.on) else "",
        "target": target_with_unit(line, line.agreed),
        "individual": _SHEET["agreed-with-you"] if line.deviation else "",
        "unverified": _is_unverified(line),
        "icon": icon,
        "status": word,
        "calm": line.standing in (Standing.IN, Standing.UNRULED),
    }


def _is_unverified(line: Line) -> bool:
    """Whether the target is a rule's whose number was not found again in its source."""
    found = line.recommendation
    return found is not None and found.row.unverified and line.deviation is None and not differs(line)


def _short(line: Line) -> str:
    assert line.newest is not None
    value, day = wording.value_with_unit(line.measure, line.newest), wording.day_of(line.newest)
    return f"{line.measure.patient}: {value} ({wording.danish_date(day)})"


def _charts(overview: Overview) -> list[dict[str, str]]:
    """At most two courses, of the measures that matter most."""
    by_id = {line.measure.id: line for line in overview.lines}
    drawable = [line for line in overview.lines if _is_drawable(line) and line.measure.id != PAIR[1]]
    ranked = sorted(drawable, key=lambda one: (one.measure.id not in DRAWN_FIRST, *_priority(one)))
    return [_chart(overview, line, by_id.get(PAIR[1])) for line in ranked[:CHARTS]]


def _priority(line: Line) -> tuple[int, str]:
    return line.measure.priority, line.measure.id


def _is_drawable(line: Line) -> bool:
    numbers = [one for one in line.readings if line.measure.number(one.value) is not None]
    return is_goal(line) and line.measure.kind in ("quantity", "score") and len(numbers) >= 2


def _chart(overview: Overview, line: Line, diastolic: Line | None) -> dict[str, str]:
    paired = diastolic is not None and line.measure.id == PAIR[0] and diastolic.readings
    second = (diastolic.measure, diastolic.readings, diastolic.bands) if paired and diastolic else None
    svg = chart.trend(
        line.measure,
        line.readings,
        line.bands,
        overview.on,
        years=YEARS,
        second=second,
        name=f"ark-{line.measure.id}",
    )
    return {"svg": svg, "alt": _described(svg)}


def _described(svg: str) -> str:
    """The drawing's own title and description."""
    root = etree.fromstring(svg.encode())
    found = [root.findtext(f"{{*}}{tag}") or "" for tag in ("title", "desc")]
    return " ".join(one.strip() for one in found if one.strip())


def _item(one: Agreement, t: Catalogue) -> dict[str, Any]:
    when = t("plan.done") if one.done else t("plan.by", day=wording.danish_date(one.due)) if one.due else ""
    parts = [when or t("plan.ongoing"), t("plan.passed") if one.late else "", "" if one.own else one.who]
    return {"title": one.title, "says": one.says, "when": " · ".join(filter(None, parts)), "done": one.done}


def _call(overview: Overview) -> list[str]:
    clinic = _clinic(overview)
    person = contact_of(overview.directory, coordinator(overview.care_teams, overview.patient))
    return list(_calls(clinic, person))


def _calls(clinic: Contact, person: Contact) -> Iterable[str]:
    named = f"{clinic.name or _SHEET['your-clinic']} {clinic.phone}".strip()
    yield _SHEET["call-clinic"].format(clinic=named)
    if person.organization and person.name:
        yield _SHEET["call-contact"].format(name=person.name)
    yield _SHEET["call-acute"]
    yield _SHEET["call-closed"]
