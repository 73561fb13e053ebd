"""An evaluation as `careplan targets` prints it for people: a line a measure with why, or everything in Danish.

For programs: `answered`. The words of an explanation are `domain.account`'s.
"""

from collections.abc import Iterator

from careplan.domain.account import Account, account_of
from careplan.domain.chart import Chart
from careplan.domain.danish import target_text, undecided_plan_text
from careplan.domain.evaluation import Answer
from careplan.domain.explanation import explanations
from careplan.domain.guideline import Knowledge, Row
from careplan.domain.measure import Measure
from careplan.fhir.answered import PLAN_NAMES

NO_PLAN = "  no plan: no row makes this person eligible"


def printed(name: str, chart: Chart, answer: Answer, knowledge: Knowledge, *, why: bool = False) -> str:
    """Plans, then each measure with its target, its row and why.

    answer  the evaluation of `chart`
    why     everything: facts, rows considered, what is missing and would change it, source
    """
    lines = [f"{name}  ({answer.on:%d.%m.%Y})", *_plans(answer, knowledge)]
    for measure, one in explanations(knowledge, chart, answer).items():
        account, known = account_of(one, knowledge, chart.on, chart.lapsed), knowledge.measures[measure]
        lines += _told(known, one.row, account) if why else _short(known, one.row, account)
    open_ = any(plan.missing for plan in answer.plans.values())
    return "\n".join(lines if answer.eligible or open_ else [*lines, NO_PLAN])


def _plans(answer: Answer, knowledge: Knowledge) -> Iterator[str]:
    for kind, plan in answer.plans.items():
        named = f"  plan {PLAN_NAMES.get(kind, kind)}"
        if plan.row is not None:
            yield f"{named}: {plan.row.id}, {plan.state}, must offer: {plan.must_offer}"
        elif plan.missing:
            yield f"{named}: {undecided_plan_text(plan.missing, knowledge)}"


def _short(measure: Measure, row: Row | None, account: Account) -> Iterator[str]:
    """The target with its row, and under it the sentence of the row."""
    if row is None:
        yield f"  {measure.name:<28} {account.undecided}"
        return
    provisional = "  foreløbigt" if account.lacks else ""
    yield f"  {measure.name:<28} {row.target.why or target_text(row.target, measure):<28} {row.id}{provisional}"
    yield f"  {'':<28} {account.sentence}"


def _told(measure: Measure, row: Row | None, account: Account) -> Iterator[str]:
    yield ""
    yield from _short(measure, row, account)
    yield f"    Regler: {account.knowledge}{'  (ikke efterprøvet)' if account.unverified else ''}"
    if account.unchecked:
        yield f"    {account.unchecked}"
    yield from _listed("Oplysninger, der er brugt", [one.says for one in account.facts])
    for heading, rows in (("Regler, der kom før", account.passed), ("Regler, der kan afgøre det endnu", account.open)):
        yield from _listed(heading, [f"{one.row}: {one.says} {one.why}." for one in rows])
    yield from _listed("Mangler", [f"{one.says}. {' '.join(one.changes)}" for one in account.lacks])
    if account.source is not None:
        source = account.source
        said = ", ".join(str(one) for one in (source.title, source.publisher, source.year, source.section) if one)
        yield f"    Kilde: {said}. {source.url}"


def _listed(heading: str, items: list[str]) -> Iterator[str]:
    if items:
        yield f"    {heading}:"
        yield from (f"      {one}" for one in items)
