"""Two knowledges, compared: which rows, plan types, measures and facts differ, and whether the versions say so.

A recommendation remembers the version of its table, so one version gives one answer: a table that changed under an
old version is a fault. Not here: which patients it touches (`careplan.interactions.reevaluation`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from careplan.domain.condition import Term
from careplan.domain.guideline import FromRecord, Guideline, Knowledge, PlanType, Row
from careplan.domain.measure import Measure
from careplan.domain.question import facts_behind
from careplan.domain.target import Target

ROW_PARTS: Mapping[str, tuple[str, ...]] = {
    "conditions": ("when",),
    "sentences": ("says", "patient"),
    "source": ("source", "also"),
    "unverified": ("unverified",),
    "note": ("note",),
}
"""What of a row differs, by the fields it stands in; the target is looked at apart."""

UNVERSIONED = frozenset({"version", "review", "examples"})
"""What of a table or plan type may differ under one version: neither changes an answer."""


@dataclass(frozen=True, slots=True)
class RowDifference:
    """One row: `added`, `removed`, `moved` or `changed`; what of it changed, and the row before and after."""

    id: str
    how: str
    what: tuple[str, ...] = ()
    before: Row | None = None
    after: Row | None = None


@dataclass(frozen=True, slots=True)
class TableDifference:
    """A table or plan type that differs.

    kind    `targets` or `plans`; before, after: its version, None where it is not there
    rows    those that differ; others: parts beside the rows (`follows`, `activities` …)
    facts   facts that it asks about and that are defined, or read from the record, otherwise now
    """

    kind: str
    id: str
    before: str | None
    after: str | None
    rows: tuple[RowDifference, ...] = ()
    others: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()

    @property
    def silent(self) -> bool:
        """Whether it changed under the version it had: a fault."""
        meant = [one for one in self.rows if one.what != ("note",)]
        return self.before == self.after and bool(meant or self.others or self.facts)

    @property
    def renamed(self) -> bool:
        """Whether it got a version and nothing else."""
        return self.before != self.after and not (self.rows or self.others or self.facts)


@dataclass(frozen=True, slots=True)
class PartDifference:
    """A measure or fact: `added`, `removed` or `changed`, and which of its parts."""

    kind: str
    id: str
    how: str
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs between two knowledges."""

    tables: tuple[TableDifference, ...]
    parts: tuple[PartDifference, ...]

    @property
    def faults(self) -> tuple[TableDifference, ...]:
        """What changed under an old version."""
        return tuple(one for one in self.tables if one.silent)


def difference(old: Knowledge, new: Knowledge) -> Difference:
    """What differs, tables first, then plan types, measures and facts, each by id."""
    parts = (*_parts("measures", old.measures, new.measures), *_parts("facts", old.facts, new.facts))
    facts = frozenset(one.id for one in parts if one.kind == "facts" and "definition" in one.what)
    facts |= _read_otherwise(old, new)
    tables = [_table("targets", id, old, new, facts) for id in _ids(old.guidelines, new.guidelines)]
    tables += [_table("plans", id, old, new, facts) for id in _ids(old.plans, new.plans)]
    return Difference(tuple(one for one in tables if one is not None), parts)


def _ids(*several: Mapping[str, Any]) -> list[str]:
    return sorted({id for one in several for id in one})


def _parts(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[PartDifference]:
    for id in _ids(old, new):
        if id not in old or id not in new:
            yield PartDifference(kind, id, "added" if id in new else "removed")
        elif what := _fields(old[id], new[id]):
            yield PartDifference(kind, id, "changed", what)


def _fields(one: Any, other: Any, apart: Iterable[str] = ()) -> tuple[str, ...]:
    """The fields of two values of one class that differ."""
    names = (field.name for field in fields(one) if field.name not in apart)
    return tuple(name for name in names if getattr(one, name) != getattr(other, name))


def _table(kind: str, id: str, old: Knowledge, new: Knowledge, facts: frozenset[str]) -> TableDifference | None:
    before, after = (one.guidelines.get(id) if kind == "targets" else one.plans.get(id) for one in (old, new))
    if before is None or after is None:
        return TableDifference(kind, id, _version(before), _version(after))
    rows_before, rows_after = _rows(before), _rows(after)
    rows = tuple(_row_differences(rows_before, rows_after))
    others = _fields(before, after, UNVERSIONED | {"rows", "eligible"})
    asked = tuple(sorted(facts & _names(new, _questions(after)))) if facts else ()
    if before.version == after.version and not (rows or others or asked):
        return None
    return TableDifference(kind, id, before.version, after.version, rows, others, asked)


def _version(table: Guideline | PlanType | None) -> str | None:
    return None if table is None else table.version


def _rows(table: Any) -> Sequence[Row]:
    rows: Sequence[Row] = table.rows if hasattr(table, "rows") else table.eligible
    return rows


def _questions(table: Guideline | PlanType) -> list[Term]:
    """All that a table or plan type asks: of its rows, of what must be offered, and of whom an activity is for."""
    asked = [term for row in _rows(table) for term in row.when]
    if isinstance(table, PlanType):
        asked += table.offer.must
        asked += [term for activity in table.activities for term in activity.when]
    return asked


# ── facts that are read otherwise ────────────────────────────────────────────────────────────────


def _read_otherwise(old: Knowledge, new: Knowledge) -> frozenset[str]:
    """Facts whose measure, or one it is computed from, takes its values otherwise: the fact itself says the same."""
    both = old.measures.keys() & new.measures.keys()
    changed = {id for id in both if _reading(old.measures[id]) != _reading(new.measures[id])}
    found = {
        id: str(fact.definition.terms["measure"])
        for id, fact in new.facts.items()
        if isinstance(fact.definition, FromRecord) and "measure" in fact.definition.terms
    }
    return frozenset(id for id, measure in found.items() if changed & _behind_measure(new, measure))


def _reading(measure: Measure) -> tuple[object, ...]:
    """What of a measure decides which values there are; not what they are called, nor where they come from."""
    computed, codes = measure.derived, (*measure.codes, *measure.panel)
    return (
        (measure.kind, measure.ucum, measure.decimals, measure.possible),
        [(one.system, one.code, one.ucum, one.setting) for one in codes],
        [(one.value, one.codes, one.texts, one.number) for one in measure.answers],
        [(one.unit, one.molar_mass, one.formula) for one in measure.conversions],
        None if computed is None else (computed.formula, computed.inputs, computed.beside),
    )


def _behind_measure(knowledge: Knowledge, name: str) -> frozenset[str]:
    """A measure, and every one that it is computed from."""
    waiting, seen = [name], set[str]()
    while waiting:
        one = waiting.pop()
        measure = knowledge.measures.get(one)
        if one not in seen and measure is not None:
            seen.add(one)
            waiting += () if measure.derived is None else measure.derived.inputs
    return frozenset(seen)


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────


def _row_differences(before: Sequence[Row], after: Sequence[Row]) -> Iterator[RowDifference]:
    old, new = {row.id: row for row in before}, {row.id: row for row in after}
    yield from (RowDifference(id, "removed", before=row) for id, row in old.items() if id not in new)
    moved = set(_moved([id for id in old if id in new], [id for id in new if id in old]))
    for id, row in new.items():
        if id not in old:
            yield RowDifference(id, "added", after=row)
            continue
        if id in moved:
            yield RowDifference(id, "moved", (), old[id], row)
        if what := tuple(_what(old[id], row)):
            yield RowDifference(id, "changed", what, old[id], row)


def _moved(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """The fewest that must have moved: those outside the longest run that kept its order."""
    place = {id: nth for nth, id in enumerate(before)}
    runs: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    for id in after:
        length, run = max(one for one in runs if not one[1] or place[one[1][-1]] < place[id])
        runs.append((length + 1, (*run, id)))
    kept = frozenset(max(runs)[1])
    return (id for id in after if id not in kept)


def _what(before: Row, after: Row) -> Iterator[str]:
    if number(before.target) != number(after.target):
        yield "target"
    for part, names in ROW_PARTS.items():
        differs = any(getattr(before, name) != getattr(after, name) for name in names)
        if differs or (part == "sentences" and before.target.why != after.target.why):
            yield part


def number(target: Target) -> tuple[Any, ...]:
    """What of a target decides: all but the words for having no number."""
    return target.low, target.high, target.unit, target.strict, target.value, type(target.value)


def _names(knowledge: Knowledge, terms: Iterable[Term]) -> frozenset[str]:
    """Every fact that these questions come down to, and the diagnoses that durations and nearest values count from."""
    found = facts_behind(knowledge, terms)
    origins = (definition for name in found if isinstance(definition := knowledge.facts[name].definition, FromRecord))
    counted = {
        str(origin.terms[key]) for origin in origins for key in ("years_since", "nearest") if key in origin.terms
    }
    return found | (counted & knowledge.facts.keys())
