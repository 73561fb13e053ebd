"""An explanation as a FHIR extension: the row, its source, every fact that was read, every row before it, every gap.

It holds all that is needed to decide again: the facts of the extension, evaluated alone by the same knowledge, give
the same row. It stands on what is proposed (`$recommended-targets`) and is never stored with a Goal.
StructureDefinition/explanation in `profiles/`. Not here: the words (`domain.account`).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from careplan.domain.chart import Fact
from careplan.domain.condition import Condition, FactValue, Term
from careplan.domain.danish import computed_text, fact_name, measure_of, question_text
from careplan.domain.evaluation import Tried
from careplan.domain.explanation import Explanation, Gap
from careplan.domain.guideline import Knowledge, Row
from careplan.domain.source import Source
from careplan.fhir import systems
from careplan.fhir.goal import quantity, says_target
from careplan.fhir.text import Json

Part = dict[str, Any]


def explanation_extension(explained: Explanation, knowledge: Knowledge, lapsed: Mapping[str, Fact]) -> Part:
    """The extension of one measure; `lapsed` as in the chart the explanation was made from."""
    parts: list[Part] = [{"url": "knowledge", "valueString": explained.canonical}]
    if explained.row is not None:
        parts += _row_parts(explained.row)
    parts += [_unverified(name, knowledge) for name in explained.unverified]
    because = {fact.name for fact in explained.because}
    parts += [_fact(fact, knowledge, decided=fact.name in because) for fact in explained.read]
    parts += [_considered(tried, knowledge) for tried in explained.tried]
    parts += [_gap(gap, explained, knowledge, lapsed) for gap in explained.gaps]
    return {"url": systems.EXT_EXPLANATION, "extension": parts}


def _row_parts(row: Row) -> Iterator[Part]:
    yield {"url": "row", "valueCode": row.id}
    yield {"url": "says", "valueString": row.says}
    if row.unverified:
        yield {"url": "unverified", "valueBoolean": True}
    if row.source is not None:
        yield {"url": "source", "valueRelatedArtifact": _artifact(row.source)}


def _unverified(name: str, knowledge: Knowledge) -> Part:
    """A fact the row asks about, itself or through others, that no source defines as we do."""
    said = f"Ikke efterprøvet i kilden: {fact_name(name, knowledge)}"
    parts = [{"url": "name", "valueCode": name}, {"url": "says", "valueString": said}]
    return {"url": "unverifiedFact", "extension": parts}


def _artifact(source: Source) -> Json:
    """Title, and who published it when, where in it; the address."""
    citation = ", ".join(str(one) for one in (source.publisher, source.year, source.section) if one)
    return {"type": "citation", "display": source.title, "citation": citation, "url": source.url}


def _fact(fact: Fact, knowledge: Knowledge, *, decided: bool) -> Part:
    parts: list[Part] = [
        {"url": "name", "valueCode": fact.name},
        {"url": "display", "valueString": fact_name(fact.name, knowledge)},
        {"url": "value", **_bounded(_value(fact.name, fact.judged, knowledge), fact.comparator)},
        *({"url": "mayBe", **_value(fact.name, one, knowledge)} for one in fact.others),
    ]
    parts += [{"url": "date", "valueDate": fact.day}] if fact.on else []
    parts += [{"url": "reference", "valueReference": {"reference": one}} for one in fact.references]
    computed, definition = computed_text(fact, knowledge), knowledge.facts.get(fact.name)
    parts += [{"url": "formula", "valueCode": fact.formula}] if fact.formula else []
    parts += [{"url": "computed", "valueString": computed}] if computed else []
    parts += [{"url": "unverified", "valueBoolean": True}] if definition is not None and definition.unverified else []
    parts += [{"url": "decided", "valueBoolean": True}] if decided else []
    return {"url": "fact", "extension": parts}


def _value(name: str, value: FactValue, knowledge: Knowledge) -> Json:
    """`value[x]`: a quantity where the fact is a measure's, else a number, a code or yes and no."""
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, str):
        return {"valueCode": value}
    measure = measure_of(name, knowledge)
    return {"valueDecimal": value} if measure is None else {"valueQuantity": quantity(value, measure)}


def _bounded(value: Json, comparator: str | None) -> Json:
    """A quantity of which only a bound is known, with its comparator."""
    if comparator is None or "valueQuantity" not in value:
        return value
    return {"valueQuantity": {"comparator": comparator, **value["valueQuantity"]}}


def _considered(tried: Tried, knowledge: Knowledge) -> Part:
    parts: list[Part] = [{"url": "row", "valueCode": tried.row.id}, {"url": "says", "valueString": tried.row.says}]
    if tried.failed is not None:
        parts.append({"url": "question", "valueString": question_text(tried.failed, knowledge)})
        parts += [_test(one, tried, knowledge) for one in _conditions(tried.failed)]
    parts += [{"url": "fact", "valueCode": fact.name} for fact in tried.facts]
    parts += [{"url": "missing", "valueCode": name} for name in tried.missing]
    return {"url": "considered", "extension": parts}


def _conditions(term: Term) -> Iterable[Condition]:
    """The single questions of a question."""
    if isinstance(term, Condition):
        return (term,)
    return [condition for one in term.terms for condition in _conditions(one)]


def _test(condition: Condition, tried: Tried, knowledge: Knowledge) -> Part:
    """Fact, word and limit of a question that failed, and the value it met where it has one of its own."""
    met = tried.value if condition is tried.failed else None
    met = next((fact.value for fact in tried.facts if fact.name == condition.fact), met)
    parts: list[Part] = [
        {"url": "fact", "valueCode": condition.fact},
        {"url": "word", "valueCode": condition.word},
        {"url": "limit", **_value(condition.fact, condition.limit, knowledge)},
    ]
    parts += [{"url": "orUnknown", "valueBoolean": True}] if condition.or_unknown else []
    parts += [{"url": "met", **_value(condition.fact, met, knowledge)}] if met is not None else []
    return {"url": "test", "extension": parts}


def _gap(gap: Gap, explained: Explanation, knowledge: Knowledge, lapsed: Mapping[str, Fact]) -> Part:
    known = lapsed.get(gap.fact)
    parts: list[Part] = [
        {"url": "fact", "valueCode": gap.fact},
        {"url": "display", "valueString": fact_name(gap.fact, knowledge)},
    ]
    parts += [{"url": "last", "valueDate": known.on.isoformat()}] if known is not None and known.on else []
    measure = knowledge.measures[explained.measure]
    for row in gap.rows:
        said = [{"url": "row", "valueCode": row.id}, {"url": "target", "valueString": says_target(measure, row.target)}]
        parts.append({"url": "couldWin", "extension": said})
    return {"url": "gap", "extension": parts}
