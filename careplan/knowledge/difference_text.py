"""What differs between two knowledges, as lines for people and as JSON for programs."""

from collections.abc import Iterator
from typing import Any

from careplan.domain.guideline import Row
from careplan.interactions.reevaluation_text import target_text
from careplan.knowledge.difference import Difference, PartDifference, RowDifference, TableDifference


def lines_from_difference(found: Difference) -> Iterator[str]:
    """A line a table, plan type, measure and fact that differs, with a line below it for each of its rows."""
    if not found.tables and not found.parts:
        yield "the two are the same"
    for table in found.tables:
        yield from _table_lines(table)
    for part in found.parts:
        yield f"{part.kind}/{part.id}: {part.how}{_of(part)}"


def fault_line(table: TableDifference) -> str:
    """What is wrong with a table that changed under its old version, and the way out."""
    return (
        f"FAULT: {table.kind}/{table.id} changed but is still version {table.after}; what was recommended by "
        f"{table.id}|{table.after} can no longer be told apart: give it a new version"
    )


def json_from_difference(found: Difference) -> dict[str, Any]:
    """The same, with every row before and after."""
    return {
        "tables": [_table_json(one) for one in found.tables],
        "parts": [{"kind": one.kind, "id": one.id, "how": one.how, "what": list(one.what)} for one in found.parts],
        "faults": [f"{one.kind}/{one.id}" for one in found.faults],
    }


def _of(part: PartDifference) -> str:
    return f" ({', '.join(part.what)})" if part.what else ""


def _table_lines(table: TableDifference) -> Iterator[str]:
    name = f"{table.kind}/{table.id}"
    if table.before is None or table.after is None:
        yield f"{name}: {'added' if table.before is None else 'removed'} ({table.after or table.before})"
        return
    version = table.after if table.before == table.after else f"{table.before} → {table.after}"
    yield f"{name}: {version}{', nothing else differs' if table.renamed else ''}"
    for row in table.rows:
        yield f"  {row.id:<10} {row.how}{_row_text(row)}"
    if table.others:
        yield f"  other parts changed: {', '.join(table.others)}"
    if table.facts:
        yield f"  asks about facts that are defined or read otherwise: {', '.join(table.facts)}"


def _row_text(row: RowDifference) -> str:
    if row.how == "added" and row.after is not None:
        return f": {target_text(row.after.target)}"
    if row.how == "removed" and row.before is not None:
        return f": {target_text(row.before.target)}"
    if "target" in row.what and row.before is not None and row.after is not None:
        return f": {target_text(row.before.target)} → {target_text(row.after.target)}{_besides(row)}"
    return f": {', '.join(row.what)}" if row.what else ""


def _besides(row: RowDifference) -> str:
    rest = [one for one in row.what if one != "target"]
    return f"; {', '.join(rest)}" if rest else ""


def _table_json(table: TableDifference) -> dict[str, Any]:
    return {
        "kind": table.kind,
        "id": table.id,
        "before": table.before,
        "after": table.after,
        "silent": table.silent,
        "renamed": table.renamed,
        "rows": [_row_json(one) for one in table.rows],
        "others": list(table.others),
        "facts": list(table.facts),
    }


def _row_json(row: RowDifference) -> dict[str, Any]:
    return {
        "id": row.id,
        "how": row.how,
        "what": list(row.what),
        "before": _stated(row.before),
        "after": _stated(row.after),
    }


def _stated(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    conditions = [term.says() for term in row.when]
    said = {"says": row.says, "patient": row.patient, "unverified": row.unverified}
    return {"conditions": conditions, "target": target_text(row.target), **said}
