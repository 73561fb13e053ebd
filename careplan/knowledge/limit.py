"""Whether the numbers of the files can be true of anybody: targets, questions and examples within what is plausible.

What is plausible of a measure stands in its own file. A HbA1c target of 5.3 mmol/mol is a percentage in the wrong unit.
"""

from decimal import Decimal

from careplan.domain.condition import NUMBER_WORDS
from careplan.domain.guideline import FromRecord
from careplan.domain.measure import Measure
from careplan.knowledge.draft import Draft, conditions_in
from careplan.knowledge.entry import Entry


def refuse_implausible(draft: Draft) -> None:
    """Note every number that lies outside what its measure can be."""
    for table in draft.tables.values():
        if table.guideline.measure in draft.measures:
            measure = draft.measures[table.guideline.measure][1]
            for place, row in zip(table.rows, table.guideline.rows, strict=True):
                for bound in (row.target.low, row.target.high):
                    _check(place, "target", f"a target of {bound}", bound, measure)
        for place, example in zip(table.examples, table.guideline.examples, strict=True):
            for name, value in example.facts.items():
                _check(place, "facts", f"`{name} = {value}`", value, measure_behind(draft, name))
    for place, key, terms in draft.questions():
        for one in conditions_in(terms):
            if one.word in NUMBER_WORDS:
                asked = f"`{one.fact} {one.word} {one.limit}`"
                _check(place, key, asked, one.limit, measure_behind(draft, one.fact))


def measure_behind(draft: Draft, fact: str) -> Measure | None:
    """The measure whose values a fact is; None where it is no value of a measure."""
    definition = draft.facts[fact][1].definition if fact in draft.facts else None
    named = definition.terms.get("measure") if isinstance(definition, FromRecord) else None
    return draft.measures[str(named)][1] if named in draft.measures else None


def _check(place: Entry, key: str, what: str, value: object, measure: Measure | None) -> None:
    if measure is None or not isinstance(value, Decimal) or measure.plausible.holds(value):
        return
    low, high = measure.plausible.low, measure.plausible.high
    if low is not None and high is not None and low > high:
        return  # said of the measure's own file already
    place.refuse(
        f"{what} lies outside what {measure.name} can be, {low} to {high} {measure.unit}; "
        f"correct the number, or convert it into {measure.unit}",
        key,
    )
