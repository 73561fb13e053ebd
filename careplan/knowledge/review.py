"""Signatures, review days and versions: what a second clinician and the calendar have to say of the files.

An unsigned or overdue file is a remark: it is served, and pages say that nobody has signed. A changed table under an
old version is a fault: what is stored would name a version that says something else.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from careplan.domain.guideline import Knowledge, Review
from careplan.knowledge.difference import TableDifference, difference
from careplan.knowledge.draft import Draft
from careplan.knowledge.entry import CODE, Entry, KnowledgeFault, KnowledgeFile


def remarks(draft: Draft, on: date) -> tuple[KnowledgeFault, ...]:
    """What a clinician should look at though nothing is wrong: no signature, a review day passed, a year not given."""
    noted: list[KnowledgeFault] = []
    for place, review in _reviews(draft):
        file = KnowledgeFile(place.file.name, place.file.text)
        if not review.signed:
            message = "nobody has signed this file; a second clinician reads it and writes their name in `checked_by`"
            file.refuse(message, ("review", "checked_by"))
        if review.next < on:
            message = f"the review of {review.next} is overdue; read the sources again and set the next day"
            file.refuse(message, ("review", "next"))
        noted += file.faults
    for table in draft.tables.values():
        file = KnowledgeFile(table.place.file.name, table.place.file.text)
        for place, row in zip(table.rows, table.guideline.rows, strict=True):
            if row.source is not None and row.source.year is None:
                message = f"the source of {row.id} has no year; write it, unless the page states none"
                file.refuse(message, (*place.path, "source"))
        noted += file.faults
    warned = [replace(one, code=CODE, severity="warning") for one in noted]
    return tuple(sorted(warned, key=lambda one: (one.file, one.line, one.message)))


def refuse_unraised(draft: Draft, old: Knowledge, new: Knowledge) -> None:
    """Note every table and plan type that decides otherwise than before under a version that is not higher."""
    places = {f"targets/{name}": table.place for name, table in draft.tables.items()}
    places |= {f"plans/{name}": template.place for name, template in draft.plans.items()}
    for one in difference(old, new).tables:
        if one.before is None or one.after is None:
            continue
        place = places[f"{one.kind}/{one.id}"]
        year, number = _ordered(one.before)
        if _ordered(one.after) < (year, number):
            place.refuse(f"version {one.after} is lower than {one.before} was; versions only rise", "version")
        elif one.silent:
            because = f"{_because(one)}, but version is still {one.before}"
            place.refuse(f"{because}; raise it, as {year}.{number + 1}", "version")


def _ordered(version: str) -> tuple[int, int]:
    year, _, number = version.partition(".")
    return int(year), int(number)


def _because(table: TableDifference) -> str:
    for row in table.rows:
        return f"row {row.id} {_HOW[row.how]}"
    return (
        f"`{table.others[0]}` has changed" if table.others else f"the fact `{table.facts[0]}` that it reads has changed"
    )


_HOW = {"added": "is new", "removed": "is gone", "moved": "stands in another place", "changed": "has changed"}


def _reviews(draft: Draft) -> Iterator[tuple[Entry, Review]]:
    for table in draft.tables.values():
        yield table.place, table.guideline.review
    for template in draft.plans.values():
        yield template.place, template.plan.review
    for given in draft.courses.values():
        yield given.place, given.course.review
