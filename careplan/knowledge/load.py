"""Files → Knowledge: measures, facts, target tables and plan types, or every fault of every file at once.

Refuses what it does not wholly understand; nothing is guessed and nothing is skipped. Reads the folder once and
keeps nothing. Not here: how rules are applied (`careplan.domain.evaluation`). Format: https://toml.io/en/v1.0.0
"""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from careplan.domain.errors import CareplanError
from careplan.domain.guideline import Knowledge
from careplan.knowledge.consistency import refuse_misfits
from careplan.knowledge.course import course_from_entry
from careplan.knowledge.derivation import refuse_underivable
from careplan.knowledge.draft import Draft
from careplan.knowledge.entry import CODE, Entry, KnowledgeFault, KnowledgeFile
from careplan.knowledge.example import refuse_unnamed, refuse_untrue
from careplan.knowledge.fact import NOTHING, facts_from_entry
from careplan.knowledge.limit import refuse_implausible
from careplan.knowledge.measure import measure_from_entry
from careplan.knowledge.order import refuse_disorder
from careplan.knowledge.plan import template_from_entry
from careplan.knowledge.questionnaire import instrument_from_entry
from careplan.knowledge.review import refuse_unraised, remarks
from careplan.knowledge.sentence import refuse_unclear
from careplan.knowledge.syntax import refuse_others, refuse_syntax, refuse_tabs
from careplan.knowledge.target import table_from_entry

KNOWLEDGE = Path(__file__).parent
"""The folder of the knowledge that comes with the service."""


class KnowledgeFaulty(CareplanError):
    """The knowledge files cannot be trusted: all their faults together, each with file, line and way out."""

    code = CODE

    def __init__(self, faults: tuple[KnowledgeFault, ...]) -> None:
        self.knowledge_faults = faults
        lines = "\n".join(fault.says() for fault in faults)
        counted = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__(f"{counted} in the knowledge files\n{lines}", faults)


@dataclass(frozen=True, slots=True)
class Checked:
    """A knowledge without faults, and what a clinician should look at in it all the same."""

    knowledge: Knowledge
    remarks: tuple[KnowledgeFault, ...]


def load_knowledge(folder: Path = KNOWLEDGE) -> Knowledge:
    """Read `measures/`, `facts/`, `targets/`, `plans/`, `questionnaires/` and `courses/` of a folder.

    Raises KnowledgeFaulty with the faults of all files, sorted by file and line.
    """
    return _read_folder(folder, None)[1]


def check_knowledge(folder: Path, on: date, against: Knowledge | None = None) -> Checked:
    """Load, with remarks as of a day.

    against  the knowledge before the change: what decides otherwise than there has a higher version
    Raises   KnowledgeFaulty
    """
    draft, knowledge = _read_folder(folder, against)
    return Checked(knowledge, remarks(draft, on))


def _read_folder(folder: Path, against: Knowledge | None) -> tuple[Draft, Knowledge]:
    draft, files = Draft(), _files(folder)
    readable = [_read(file, draft) for file in files]
    if all(readable):  # an unreadable file would make every name in it unknown
        refuse_misfits(draft)
        refuse_underivable(draft)
        refuse_disorder(draft)
        refuse_unnamed(draft)
        refuse_implausible(draft)
    refuse_unclear(draft)
    files += refuse_others(folder, tuple(_READERS))
    knowledge = draft.knowledge() if not any(file.faults for file in files) else None
    if knowledge is not None:
        refuse_untrue(draft, knowledge)
    if knowledge is not None and against is not None:
        refuse_unraised(draft, against, knowledge)
    faults = sorted({fault for file in files for fault in file.faults}, key=lambda f: (f.file, f.line, f.message))
    if knowledge is None or faults:
        raise KnowledgeFaulty(tuple(faults))
    return draft, knowledge


def _files(folder: Path) -> list[KnowledgeFile]:
    files: list[KnowledgeFile] = []
    for path in sorted(folder.rglob("*.toml")):
        file = KnowledgeFile(path.relative_to(folder).as_posix(), "")
        try:
            file.text = path.read_text(encoding="utf-8-sig")  # some editors put a mark before the first letter
        except UnicodeDecodeError as error:
            file.refuse(f"byte {error.start} is not UTF-8; save the file as UTF-8", line=1)
        files.append(file)
    if not files:
        nothing = KnowledgeFile(folder.name, "")
        nothing.refuse("there are no knowledge files here; name the folder that holds measures/ and targets/", line=1)
        files.append(nothing)
    return files


def _read(file: KnowledgeFile, draft: Draft) -> bool:
    """Read one file into the draft; False when it cannot be read at all."""
    kind, _, name = file.name.partition("/")
    if file.faults:
        return False
    if kind not in _READERS or "/" in name:
        file.refuse(f"lies in no folder that is read; move it to one of: {', '.join(_READERS)}", line=1)
        return True
    refuse_tabs(file)
    try:
        table = tomllib.loads(file.text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        refuse_syntax(file, error)
        return False
    entry = Entry(file, table)
    found = _READERS[kind](entry, draft)
    if found is not None and found and found != name.removesuffix(".toml"):
        entry.refuse(f"the file is called {name}, but its id is `{found}`; make them agree", "id")
    return True


def _measure(entry: Entry, draft: Draft) -> str | None:
    measure = measure_from_entry(entry)
    draft.measures[measure.id] = (entry, measure)
    return measure.id


def _facts(entry: Entry, draft: Draft) -> str | None:
    for place, fact in facts_from_entry(entry):
        first = draft.facts.setdefault(fact.id, (place, fact))
        if first[0] is not place:
            place.refuse(f"the fact `{fact.id}` is defined twice, also in {first[0].file.name}; keep one", "id")
            draft.facts[fact.id] = first[0], replace(fact, definition=NOTHING)
    return None


def _table(entry: Entry, draft: Draft) -> str | None:
    table = table_from_entry(entry)
    known = {row.id for other in draft.tables.values() for row in other.guideline.rows}
    for place, row in zip(table.rows, table.guideline.rows, strict=True):
        _refuse_second(place, row.id, known)
    draft.tables[table.guideline.measure] = table
    return table.guideline.measure


def _plan(entry: Entry, draft: Draft) -> str | None:
    template = template_from_entry(entry)
    known = {row.id for other in draft.plans.values() for row in other.plan.eligible}
    for place, row in zip(template.eligible, template.plan.eligible, strict=True):
        _refuse_second(place, row.id, known)
    draft.plans[template.plan.id] = template
    return template.plan.id


def _instrument(entry: Entry, draft: Draft) -> str | None:
    counted = instrument_from_entry(entry)
    draft.instruments[counted.instrument.id] = counted
    return counted.instrument.id


def _course(entry: Entry, draft: Draft) -> str | None:
    given = course_from_entry(entry)
    known = {offer.casefold() for other in draft.courses.values() for offer in other.course.offers or ("",)}
    for offer in given.course.offers or ("",):
        if offer.casefold() in known:
            what = f"the offer `{offer}`" if offer else "every other offer"
            entry.refuse(f"{what} has a course already; name each in one file", "offers")
    draft.courses[given.course.id] = given
    return given.course.id


def _refuse_second(place: Entry, row: str, known: set[str]) -> None:
    if row and row in known:
        place.refuse(f"the row id {row} is used twice; an id names one row for good, so give this one a new id", "id")
    known.add(row)


_READERS: dict[str, Callable[[Entry, Draft], str | None]] = {
    "measures": _measure,
    "facts": _facts,
    "targets": _table,
    "plans": _plan,
    "questionnaires": _instrument,
    "courses": _course,
}
