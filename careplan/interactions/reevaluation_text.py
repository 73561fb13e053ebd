"""What another knowledge means for the patients of a store, as lines for people and as JSON for programs."""

from collections.abc import Iterator
from typing import Any

from careplan.domain.target import Target
from careplan.interactions.reevaluation import Eligible, Moved, Reevaluation


def lines_from_reevaluation(found: Reevaluation) -> Iterator[str]:
    """The counts: by measure, by row before and after, and of those who become eligible or no longer are."""
    yield (
        f"{found.patients} patients evaluated under both, as of {found.on:%d.%m.%Y}: {found.touched} get another answer"
    )
    pairs = sorted(found.by_rows.items(), key=lambda pair: (pair[0][0], -pair[1], str(pair[0])))
    for measure, count in sorted(found.by_measure.items()):
        yield f"  {measure}: {count} patients"
        for (name, before, after), some in pairs:
            if name == measure:
                yield f"    {before or 'nothing'} → {after or 'nothing'}: {some}"
    for plan in sorted({one.plan for one in found.eligible}):
        ours = [one for one in found.eligible if one.plan == plan]
        gained = sum(one.before is None for one in ours)
        yield f"  plan {plan}: {gained} become eligible, {len(ours) - gained} no longer are"


def listed(found: Reevaluation) -> Iterator[str]:
    """A line for each patient and what changes for them."""
    lines = [(one.patient, _moved_line(one)) for one in found.moved]
    lines += [(one.patient, _eligible_line(one)) for one in found.eligible]
    return (line for _, line in sorted(lines))


def json_from_reevaluation(found: Reevaluation) -> dict[str, Any]:
    """Counts and the list."""
    pairs = [
        {"measure": measure, "before": before, "after": after, "patients": count}
        for (measure, before, after), count in found.by_rows.items()
    ]
    return {
        "on": found.on.isoformat(),
        "patients": found.patients,
        "touched": found.touched,
        "by_measure": found.by_measure,
        "by_rows": pairs,
        "recommendations": [_moved_json(one) for one in found.moved],
        "eligible": [
            {"patient": f"Patient/{one.patient}", "plan": one.plan, "before": one.before, "after": one.after}
            for one in found.eligible
        ],
    }


def target_text(target: Target | None) -> str:
    """«under 1,4 mmol/L»; «no number» where that is deliberate; a dash without a target."""
    if target is None:
        return "–"
    if not target.is_number and target.value is None:
        return "no number"
    return f"{target.says()} {target.unit}".strip()


def _moved_line(one: Moved) -> str:
    sides = [f"{row or 'nothing'} ({target_text(target)})" for row, target in zip(one.rows, one.targets, strict=True)]
    return f"Patient/{one.patient}\t{one.measure}\t{' → '.join(sides)}"


def _eligible_line(one: Eligible) -> str:
    said = f"eligible by {one.after}" if one.before is None else f"no longer eligible ({one.before})"
    return f"Patient/{one.patient}\tplan {one.plan}\t{said}"


def _moved_json(one: Moved) -> dict[str, Any]:
    sides = zip(("before", "after"), one.rows, one.targets, strict=True)
    told = {name: None if row is None else {"row": row, "target": target_text(target)} for name, row, target in sides}
    return {"patient": f"Patient/{one.patient}", "measure": one.measure, **told}
