"""How Danes write what rules hold: days and units, facts and their values, the questions rules put, targets.

Numbers are written by `measure.danish_number`. Not here: sentences (`account`, and `views.wording` for pages).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import ROUND_DOWN, Decimal

from careplan.domain.chart import Fact
from careplan.domain.condition import Condition, FactValue, Term
from careplan.domain.guideline import AllOf, AnswerForm, AnyOf, EligibleFor, FromRecord, Knowledge, KnownAny
from careplan.domain.measure import Measure, danish_number
from careplan.domain.question import questions_to
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
"""Told in whole years, as people tell it; other years are cut down to one decimal."""

_SIGNS = {"above": ">", "at-least": "≥", "below": "<", "at-most": "≤", "is": "=", "is-not": "≠"}
_BOUNDS: Mapping[str | None, str] = {"<": "under", "<=": "højst", ">=": "mindst", ">": "over"}
_DECIDED: Mapping[str, str] = {"grade": "grad", "group": "gruppe", "flag": "svaret"}
"""Units of what is decided and not measured, as they are said before it."""
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


def is_flag(name: str, knowledge: Knowledge) -> bool:
    """Whether a fact is a yes or a no, so that its name alone says yes: «svær hypoglykæmi det seneste år»."""
    definition = knowledge.facts.get(name)
    match definition.definition if definition else None:
        case FromRecord("diagnosis" | "drug"):
            return True
        case FromRecord("person", terms):
            return terms.get("person") not in (None, AGE)
        case FromRecord("answer", terms):
            form = terms.get("form")
            return isinstance(form, AnswerForm) and form.kind == "flag"
        case AnyOf() | AllOf() | KnownAny() | EligibleFor():
            return True
    return False


def missing_text(name: str, knowledge: Knowledge, lapsed: Mapping[str, Fact]) -> str:
    """What is missing: «eGFR (sidst 2023)», «oplysning om svær hypoglykæmi det seneste år»."""
    said = f"oplysning om {fact_name(name, knowledge)}" if is_flag(name, knowledge) else fact_name(name, knowledge)
    since = since_text(name, lapsed)
    return f"{said} ({since})" if since else said


def provisional_text(missing: Iterable[str], knowledge: Knowledge, lapsed: Mapping[str, Fact]) -> str:
    """What is said before the sentence of a row that others may still forestall: «Foreløbigt: CFS er ikke kendt.»"""
    names = [missing_text(name, knowledge, lapsed) for name in missing]
    return f"Foreløbigt: {danish_list(names)} er ikke kendt." if names else ""


def undecided_plan_text(missing: Iterable[str], knowledge: Knowledge) -> str:
    """«planen kan ikke afgøres, mangler: alder»."""
    return f"planen kan ikke afgøres, mangler: {danish_list([missing_text(one, knowledge, {}) for one in missing])}"


def value_text(name: str, value: FactValue, knowledge: Knowledge) -> str:
    """A fact's value as Danes write it, with its unit where it is a measure's.

    A number is never written so that it would answer a rule's question otherwise than it does: 5,02 where the question
    is above 5.
    """
    if isinstance(value, bool):
        return "ja" if value else "nej"
    measure = measure_of(name, knowledge)
    if not isinstance(value, Decimal):
        return measure.says(value) if measure is not None else _ANSWERS.get(value, value)
    if measure is not None:
        return with_unit(measure.says(value), measure)
    asked = questions_to(knowledge, name)
    return _age_text(value, asked) if name == AGE else danish_number(_cut(value, 1, asked))


def _age_text(years: Decimal, questions: Sequence[Condition]) -> str:
    """«71»; «fyldt 60» where a rule asks for above 60 and somebody is 60 and some months."""
    whole = years.quantize(Decimal(1), ROUND_DOWN)
    alike = all(one.holds(whole) == one.holds(years) for one in questions)
    return danish_number(whole) if alike else f"fyldt {danish_number(whole)}"


def _cut(value: Decimal, decimals: int, questions: Sequence[Condition]) -> Decimal:
    """The number cut down to so many decimals, or to the fewest with which it still answers every question alike."""
    answers = [one.holds(value) for one in questions]
    while decimals < -int(value.as_tuple().exponent):
        short = value.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)
        if [one.holds(short) for one in questions] == answers:
            return short
        decimals += 1
    return value


def fact_text(fact: Fact, knowledge: Knowledge) -> str:
    """A fact's value as Danes write it; «under 30 …» where only a bound is known.

    What is judged more exactly than it is shown is shown so exactly that it answers the rules' questions as it did.
    """
    value = fact.value
    if fact.exact is not None and isinstance(value, Decimal):
        asked = questions_to(knowledge, fact.name)
        if [one.holds(value) for one in asked] != [one.holds(fact.exact) for one in asked]:
            value = _cut(fact.exact, -int(value.as_tuple().exponent), asked)
    said = value_text(fact.name, value, knowledge)
    return f"{_BOUNDS[fact.comparator]} {said}" if fact.comparator in _BOUNDS else said


def computed_text(fact: Fact, knowledge: Knowledge) -> str:
    """«beregnet af kreatinin» of a fact that nobody reported; empty of one that was."""
    measure = measure_of(fact.name, knowledge) if fact.formula else None
    if measure is None or measure.derived is None:
        return "beregnet" if fact.formula else ""
    names = [_inside(knowledge.measures[one].name) for one in measure.derived.inputs if one in knowledge.measures]
    return f"beregnet af {danish_list(names)}" if names else "beregnet"


def _inside(name: str) -> str:
    """A name inside a sentence: «kreatinin», but «FEV1» and «HbA1c»."""
    return name[:1].lower() + name[1:] if name[1:2].islower() and name.isalpha() else name


def when_text(fact: Fact, knowledge: Knowledge) -> str:
    """«14.03.2026, beregnet af kreatinin»: the day, and that nobody reported it."""
    return ", ".join(one for one in (day_text(fact), computed_text(fact, knowledge)) if one)


def day_text(fact: Fact) -> str:
    """The day of a fact, «14.03.2026», as precisely as it is known: «03.2015», «2015»; empty without one."""
    return ".".join(reversed((fact.day or "").split("-")))


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
    """«under 1,8 mmol/L», «højst 12 måneder», «ja», «intet tal»; numbers as rules write them, 20 and not 20,0."""
    said = target.says()
    return with_unit(said, measure) if target.is_number else said


def decided_text(target: Target, measure: Measure) -> str:
    """What a table decides instead of a target: «grad 4», «gruppe E», «svaret ja»."""
    noun = _DECIDED.get(measure.unit, "")
    return f"{noun} {target.says()}".strip()
