"""The worked examples of the tables, run: the row that a clinician expects against the row that decides.

Examples name facts, raw or derived, and no plan; each is answered as for a person who has one.
"""

from dataclasses import replace
from datetime import date

from careplan.domain.chart import Chart, Fact
from careplan.domain.evaluation import evaluate
from careplan.domain.guideline import DecidedBy, Example, Knowledge, Offer, PlanType, Review, Row
from careplan.knowledge.consistency import kind_of, misfit
from careplan.knowledge.draft import Draft
from careplan.knowledge.entry import Entry, nearest

_ON = date(2026, 1, 1)  # no rule reads the day itself; facts hold what follows from it
_EVERYBODY = PlanType(
    id="example",
    version="",
    name="",
    title="",
    eligible=(Row("EVERYBODY", ()),),
    offer=Offer("", "", allowed=True),
    maintained_months=0,
    follows=(),
    review=Review("", "", _ON),
)


def refuse_unnamed(draft: Draft) -> None:
    """Note examples that speak of facts and rows that are not there, and rows that no example reaches."""
    for table in draft.tables.values():
        rows = [row.id for row in table.guideline.rows]
        for place, example in zip(table.examples, table.guideline.examples, strict=True):
            _facts(draft, place, example)
            if example.expects and example.expects not in rows:
                near = nearest(example.expects, rows)
                place.refuse(f"this table has no row `{example.expects}`{near}; correct it", "expects")
        expected = {example.expects for example in table.guideline.examples}
        for place, row in zip(table.rows, table.guideline.rows, strict=True):
            if row.id and row.id not in expected:
                place.refuse(f"no example expects {row.id}; add an [[example]] that it decides", "id")


def refuse_untrue(draft: Draft, knowledge: Knowledge) -> None:
    """Run every example of a knowledge that is sound otherwise, and note those that come out differently."""
    for table in draft.tables.values():
        for place, example in zip(table.examples, table.guideline.examples, strict=True):
            found = decided_row(knowledge, table.guideline.measure, example)
            if found != example.expects:
                found = found or "no row"
                place.refuse(f"«{example.says}» comes out as {found}; correct the example, or the rows", "expects")


def decided_row(knowledge: Knowledge, measure: str, example: Example) -> str | None:
    """The id of the row that decides a measure for an example's facts; None when none does."""
    looked_up = {one.definition.table for one in knowledge.facts.values() if isinstance(one.definition, DecidedBy)}
    needed = {name: one for name, one in knowledge.guidelines.items() if name == measure or name in looked_up}
    asked = replace(knowledge, guidelines=needed, plans={**knowledge.plans, _EVERYBODY.id: _EVERYBODY})
    facts = {name: Fact(name, value) for name, value in example.facts.items()}
    recommendation = evaluate(asked, Chart(_ON, facts)).recommendations.get(measure)
    return recommendation.row.id if recommendation else None


def _facts(draft: Draft, place: Entry, example: Example) -> None:
    for name, value in example.facts.items():
        if name not in draft.facts:
            place.refuse(f"no fact is called `{name}`{nearest(name, draft.facts)}; correct it", "facts")
        elif (why := misfit(kind_of(draft, name), value)) is not None:
            place.refuse(f"`{name}` {why}; correct the value", "facts")
