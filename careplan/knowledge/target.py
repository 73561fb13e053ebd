"""`targets/<measure>.toml` → Guideline: one measure's decision table, its rows in order, its worked examples.

The forms of a target and what their ends mean: `careplan.domain.target`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from careplan.domain.guideline import Example, Guideline, Row
from careplan.domain.target import NO_TARGET, Target
from careplan.knowledge.entry import Entry
from careplan.knowledge.term import also_from_entry, review_from_entry, source_from_entry, terms_from_entry

VERSION = re.compile(r"\d{4}\.\d+")


@dataclass(frozen=True, slots=True)
class Table:
    """A guideline and the places of its rows and examples, in the same order."""

    guideline: Guideline
    place: Entry
    rows: tuple[Entry, ...]
    examples: tuple[Entry, ...]


def table_from_entry(entry: Entry) -> Table:
    """The one table of a file."""
    rows, examples = entry.entries("row", required=True), entry.entries("example", required=True)
    guideline = Guideline(
        measure=entry.text("id"),
        version=version_from_entry(entry),
        rows=tuple(_row(one) for one in rows),
        review=review_from_entry(entry),
        examples=tuple(_example(one) for one in examples),
    )
    entry.close()
    return Table(guideline, entry, rows, examples)


def version_from_entry(entry: Entry) -> str:
    """Year and running number, `2026.1`: a recommendation remembers it."""
    version = entry.text("version")
    if version and not VERSION.fullmatch(version):
        entry.refuse(f"`{version}` is no version; write the year and a running number, as 2026.1", "version")
    return version


def _row(entry: Entry) -> Row:
    row = Row(
        id=entry.text("id"),
        when=terms_from_entry(entry, "when"),
        target=_target(entry),
        says=entry.text("says"),
        patient=entry.text("patient"),
        source=source_from_entry(entry),
        unverified=entry.flag("unverified", False),
        note=entry.text("note", ""),
        also=also_from_entry(entry),
    )
    entry.close()
    return row


def _example(entry: Entry) -> Example:
    facts = entry.entry("facts", required=True)
    values = {} if facts is None else {name: facts.fact_value(name) for name in facts.table}
    example = Example(entry.text("says"), values, entry.text("expects"))
    entry.close()
    return example


# ── the forms of a target ────────────────────────────────────────────────────────────────────────


def _range(entry: Entry, high: str, strict: bool) -> Target:
    low, top = entry.number("from"), entry.number(high)
    if low is not None and top is not None and low >= top:
        entry.refuse(f"the target runs from {low} to {top}; the low end must be the lower")
    return Target(low=low, high=top, strict=strict)


_FORMS: Mapping[frozenset[str], Callable[[Entry], Target]] = {
    frozenset({"below"}): lambda entry: Target(high=entry.number("below"), strict=True),
    frozenset({"at-most"}): lambda entry: Target(high=entry.number("at-most")),
    frozenset({"above"}): lambda entry: Target(low=entry.number("above"), strict=True),
    frozenset({"at-least"}): lambda entry: Target(low=entry.number("at-least")),
    frozenset({"from", "to"}): lambda entry: _range(entry, "to", False),
    frozenset({"from", "below"}): lambda entry: _range(entry, "below", True),
    frozenset({"none"}): lambda entry: Target(why=entry.text("none")),
    frozenset({"value"}): lambda entry: Target(value=entry.fact_value("value")),
}


def _target(entry: Entry) -> Target:
    found = entry.entry("target", required=True)
    if found is None:
        return NO_TARGET
    unit = found.text("unit")
    form = _FORMS.get(frozenset(found.table) - {"unit"})
    if form is None:
        forms = ", ".join(" + ".join(sorted(keys)) for keys in _FORMS)
        entry.refuse(f"a target is a unit with one of: {forms}", "target")
        return NO_TARGET
    target = form(found)
    found.close()
    return Target(target.low, target.high, unit, target.strict, target.value, target.why)
