"""B7, «Deling og adgang»: who may see the plan (`sharing`), and below it every opening and change of the record, day by
day, in plain words.

Organisation and role, not the employee's name: that is what the law gives a right to (CJEU C-579/21). Attempts that
were refused are told as well. What is on the list comes from `interactions.access_log`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import groupby

from starlette.responses import Response

from careplan.fhir.text import Json, parse
from careplan.interactions.access_log import Access, read_access_log
from careplan.interactions.read import read
from careplan.views.catalogue import Catalogue, Danish
from careplan.views.contact import contact_of
from careplan.views.directory import directory_of
from careplan.views.form import find_day
from careplan.views.page import Opened
from careplan.views.plan import own_patient
from careplan.views.sharing import shown_sharing

LINES = 40
"""Lines on a page; a day that was begun is shown whole."""


@dataclass(frozen=True, slots=True)
class Line:
    """«Lægehuset Nord, sygeplejerske» · «åbnede planen» · «årskontrol»."""

    who: str
    what: str
    why: str
    refused: bool
    own: bool = False
    """Whether it is the patient's own doing: nothing to wonder about."""
    key: str = field(default="", compare=False)
    """Names the line in an address: day, and a digest of what it tells."""


async def show(opened: Opened) -> Response:
    """The newest days, or those up to `til`."""
    context, t = opened.context, opened.t
    id = await own_patient(context)
    patient = parse((await read(context, "Patient", id)).body or b"")
    until = find_day(opened.asked.text("til"))
    found = await read_access_log(context, id, until, LINES)
    practice = next((str(one.get("reference", "")) for one in patient.get("generalPractitioner", ())), "")
    directory = await directory_of(context, [practice, *references_of(found.accesses)])
    told = [(one.on, line_of_access(one, directory, id, t)) for one in found.accesses]
    return opened.page(
        "access_log.html",
        t("access.title"),
        days=[_day(on, [line for _, line in some]) for on, some in groupby(told, key=lambda one: one[0])],
        sharing=None if until else await shown_sharing(opened, id),
        until=until,
        older=found.older,
        contact=contact_of(directory, practice),
    )


def _day(on: date, lines: list[Line]) -> tuple[date, tuple[Line, ...]]:
    """A day's lines, each once."""
    return on, tuple(dict.fromkeys(lines))


def references_of(accesses: tuple[Access, ...]) -> list[str]:
    """Everybody that accesses name."""
    found = [str(one.entry.get("who", "")) for one in accesses]
    return found + [f"Organization/{one.entry['org']}" for one in accesses if "org" in one.entry]


def line_of_access(access: Access, directory: Mapping[str, Json], patient: str, t: Catalogue) -> Line:
    """One access in the patient's words."""
    entry = access.entry
    refused = entry["out"] != "0"
    why = "" if refused else _why(entry, t)
    who, what = _who(entry, directory, patient, t), _what(entry, t, refused=refused)
    return Line(who, what, why, refused, _is_own(entry, patient), key_of(access))


def key_of(access: Access) -> str:
    """`20261122-3f9c…`: which line of one patient's log it is."""
    return f"{access.on:%Y%m%d}-{sha256(str(sorted(access.entry.items())).encode()).hexdigest()[:20]}"


def _is_own(entry: Mapping[str, Json], patient: str) -> bool:
    return bool(entry.get("who") == f"Patient/{patient}")


def _who(entry: Mapping[str, Json], directory: Mapping[str, Json], patient: str, t: Catalogue) -> str:
    """The organisation and the role; «Du» for the patient."""
    if _is_own(entry, patient):
        return t("access.who.self")
    role = contact_of(directory, str(entry.get("who", ""))).title.lower()
    name = contact_of(directory, f"Organization/{entry.get('org')}").name
    key = f"access.who.{'relative' if str(entry.get('who', '')).startswith('RelatedPerson/') else entry['role']}"
    role = t.danish(role) or (t(key) if t.has(key) else t("access.who.other"))
    if name:
        return t("access.at", place=name, role=role)
    return t.danish(role[:1].upper() + role[1:]) if isinstance(role, Danish) else role[:1].upper() + role[1:]


OPENED = frozenset({"page/BTG", "page/REV", "$emergency-access"})
"""Acts told by what they are, though each also writes something down."""

WRITES = frozenset({"create", "update", "patch", "delete", "transaction"})
"""Acts that, refused, have left the plan as it was: for want of a right, or because what was sent could not be kept."""


def _what(entry: Mapping[str, Json], t: Catalogue, *, refused: bool) -> str:
    """What was done: by page, else by what became of the record."""
    if refused and entry["do"] in WRITES:
        return t("access.what.unsaved")
    if refused:
        return t("access.what.refused" if entry["out"] == "4" else "access.what.failed")
    made = str(entry.get("made", ""))
    if made and entry["do"] not in OPENED:
        return t(f"access.what.{'changed' if 'u' in made else 'added' if 'c' in made else 'removed'}")
    kind, _, page = str(entry["do"]).partition("/")
    for key in (f"access.what.{kind}-{page}", f"access.what.{kind.removeprefix('$')}"):
        if t.has(key):
            return t(key)
    return t("access.what.read")


def _why(entry: Mapping[str, Json], t: Catalogue) -> str:
    """What it was for, as the page or the caller says; empty where neither does."""
    page = str(entry["do"]).partition("/")[2]
    written = f"access.why.{page}-made" if entry.get("made") else ""
    for key in (written, f"access.why.{page}", f"access.why.{entry.get('why', '')}"):
        if t.has(key):
            return t(key)
    return ""
