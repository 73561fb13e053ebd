"""«Hvorfor dette mål?»: which row decided, because of which facts, which rows came before and what they lacked.

Everything here is read from the evaluation of today; nothing is explained that the rules did not use.
"""

from dataclasses import dataclass
from decimal import Decimal

from careplan.domain.chart import Fact
from careplan.domain.condition import Condition, FactValue, Term
from careplan.domain.evaluation import Recommendation, Tried
from careplan.domain.guideline import FromRecord, Knowledge, Source
from careplan.domain.measure import danish_number
from careplan.interactions.overview import Line
from careplan.views import wording
from careplan.views.catalogue import Catalogue

AGE = "age"
"""Told in whole years, as people tell it."""

_WORDS = {"above": ">", "at-least": "≥", "below": "<", "at-most": "≤", "is": "=", "is-not": "≠"}


@dataclass(frozen=True, slots=True)
class Why:
    """One recommendation explained.

    facts       (what, value, day) that the row was chosen by
    considered  (row, sentence, what failed) of the rows before it
    missing     what is not on record and could change the answer
    """

    row: str
    knowledge: str
    says: str
    facts: tuple[tuple[str, str, str], ...]
    considered: tuple[tuple[str, str, str], ...]
    missing: tuple[str, ...]
    source: Source | None
    unverified: bool


def why_of(line: Line, knowledge: Knowledge, t: Catalogue) -> Why | None:
    """Why the rules recommend what they do; None where they recommend nothing."""
    found: Recommendation | None = line.recommendation
    if found is None:
        return None
    return Why(
        row=found.row.id,
        knowledge=found.canonical.replace("|", " "),
        says=found.row.says,
        facts=tuple(_fact(fact, knowledge, t) for fact in found.because),
        considered=tuple((one.row.id, one.row.says, _failed(one, knowledge, t)) for one in found.tried),
        missing=tuple(fact_name(name, knowledge) for name in found.missing),
        source=found.row.source,
        unverified=found.row.unverified,
    )


def fact_name(name: str, knowledge: Knowledge) -> str:
    """What a fact is called in Danish."""
    definition = knowledge.facts.get(name)
    return definition.says if definition else name


def value_text(name: str, value: FactValue, knowledge: Knowledge, t: Catalogue) -> str:
    """A fact's value as Danes write it, with its unit where it is a measure's."""
    if isinstance(value, bool):
        return t("word.yes" if value else "word.no")
    if name == AGE and isinstance(value, Decimal):
        return str(int(value))
    definition = knowledge.facts.get(name)
    origin = definition.definition if definition else None
    measure = knowledge.measures.get(str(origin.terms.get("measure", ""))) if isinstance(origin, FromRecord) else None
    if not isinstance(value, Decimal):
        return measure.says(value) if measure is not None else str(value)
    if measure is None:
        return danish_number(value.quantize(Decimal("0.1")) if value % 1 else value)
    unit = wording.unit_text(measure)
    return f"{measure.says(value)}{wording.THIN_SPACE}{unit}" if unit else measure.says(value)


def _fact(fact: Fact, knowledge: Knowledge, t: Catalogue) -> tuple[str, str, str]:
    day = wording.danish_date(fact.on) if fact.on else ""
    return fact_name(fact.name, knowledge), value_text(fact.name, fact.value, knowledge, t), day


def _failed(tried: Tried, knowledge: Knowledge, t: Catalogue) -> str:
    if tried.failed is None:
        return t("why.lacks", facts=", ".join(fact_name(name, knowledge) for name in tried.missing))
    question = question_text(tried.failed, knowledge, t)
    if isinstance(tried.failed, Condition) and tried.value is not None:
        found = value_text(tried.failed.fact, tried.value, knowledge, t)
        return t("why.failed-with", question=question, value=found)
    return t("why.failed", question=question)


def question_text(term: Term, knowledge: Knowledge, t: Catalogue) -> str:
    """A rule's question in Danish: «eGFR < 60», «skrøbelig», «ikke gravid»."""
    if not isinstance(term, Condition):
        joined = f" {t('word.and' if term.needs == 'all' else 'word.or')} "
        return joined.join(question_text(one, knowledge, t) for one in term.terms)
    name = fact_name(term.fact, knowledge)
    if term.limit is True or term.limit is False:
        said = name if (term.limit is True) == (term.word == "is") else t("why.not", fact=name)
    else:
        said = f"{name} {_WORDS[term.word]} {value_text(term.fact, term.limit, knowledge, t)}"
    return t("why.or-unknown", question=said) if term.or_unknown else said
