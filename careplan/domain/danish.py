"""How Danes write what rules hold: days and units, facts and their values, the questions rules put, targets.

Numbers are written by `measure.danish_number`. Not here: sentences (`account`, and `views.wording` for pages).
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from careplan.domain.chart import Fact
from careplan.domain.condition import Condition, FactValue, Term
from careplan.domain.guideline import FromRecord, Knowledge
from careplan.domain.measure import Measure, danish_number
from careplan.domain.target import Target

UNITS: Mapping[str, str] = {
    "mL/min/1.73 m2": "mL/min/1,73 m²",
    "kg/m2": "kg/m²",
    "/min": "i minuttet",
    "min/week": "minutter om ugen",
    "units/week": "genstande om ugen",
    "cigarettes/day": "cigaretter om dagen",
    "per 12 months": "gange på et år",
    "points": "point",
    "months": "måneder",
    "år": "",
    "ratio": "",
    "group": "",
    "grade": "",
    "flag": "",
}
"""Units that Danes read otherwise than they are written in the measure's file."""

AGE = "age"
"""Told in whole years, as people tell it."""

_SIGNS = {"above": ">", "at-least": "≥", "below": "<", "at-most": "≤", "is": "=", "is-not": "≠"}
_ANSWERS = {"low": "lav", "moderate": "moderat", "high": "høj", "very_high": "meget høj"}
"""Coded answers of clinicians that are not answers of a measure."""


def danish_date(on: date) -> str:
    """«14.03.2026»."""
    return f"{on:%d.%m.%Y}"


def danish_list(words: list[str], last: str = "og") -> str:
    """«a», «a og b», «a, b og c»."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def fact_name(name: str, knowledge: Knowledge) -> str:
    """What a fact is called in Danish."""
    definition = knowledge.facts.get(name)
    return definition.says if definition else name


def measure_of(name: str, knowledge: Knowledge) -> Measure | None:
    """The measure a fact is a value of."""
    definition = knowledge.facts.get(name)
    origin = definition.definition if definition else None
    return knowledge.measures.get(str(origin.terms.get("measure", ""))) if isinstance(origin, FromRecord) else None


def value_text(name: str, value: FactValue, knowledge: Knowledge) -> str:
    """A fact's value as Danes write it, with its unit where it is a measure's."""
    if isinstance(value, bool):
        return "ja" if value else "nej"
    if name == AGE and isinstance(value, Decimal):
        return str(int(value))
    measure = measure_of(name, knowledge)
    if not isinstance(value, Decimal):
        return measure.says(value) if measure is not None else _ANSWERS.get(value, value)
    if measure is None:
        return danish_number(value.quantize(Decimal("0.1")) if value % 1 else value)
    return with_unit(measure.says(value), measure)


def question_text(term: Term, knowledge: Knowledge) -> str:
    """A rule's question in Danish: «eGFR < 60», «skrøbelighed», «ikke demens»."""
    if not isinstance(term, Condition):
        joined = f" {'og' if term.needs == 'all' else 'eller'} "
        return joined.join(question_text(one, knowledge) for one in term.terms)
    name = fact_name(term.fact, knowledge)
    if isinstance(term.limit, bool):
        said = name if term.limit == (term.word == "is") else f"ikke {name}"
    else:
        said = f"{name} {_SIGNS[term.word]} {value_text(term.fact, term.limit, knowledge)}"
    return f"{said} eller ukendt" if term.or_unknown else said


def since_text(name: str, lapsed: Mapping[str, Fact]) -> str:
    """«sidst 2023» of a fact on record that is too old to count; empty of one that never was."""
    fact = lapsed.get(name)
    return f"sidst {fact.on.year}" if fact is not None and fact.on is not None else ""


def with_unit(number: str, measure: Measure) -> str:
    unit = UNITS.get(measure.unit, measure.unit)
    return f"{number} {unit}" if unit else number


def target_text(target: Target, measure: Measure) -> str:
    """«under 1,8 mmol/L», «højst 12 måneder», «ja», «intet tal»."""
    said = target.says(measure.decimals)
    return with_unit(said, measure) if target.is_number else said
