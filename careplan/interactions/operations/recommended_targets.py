"""`Patient/[id]/$recommended-targets?on=`: what the rules recommend today, each with why; nothing is stored."""

from collections.abc import Mapping

from careplan.domain.danish import danish_list, fact_name, since_text
from careplan.domain.evaluation import Answer
from careplan.domain.explanation import Explanation, explanations
from careplan.domain.guideline import Row
from careplan.fhir.explained import explanation_extension
from careplan.fhir.goal import RECOMMENDED, find_entry, goal_from_recommendation
from careplan.fhir.text import Json, dump
from careplan.interactions.access import check_whole_record
from careplan.interactions.context import Context
from careplan.interactions.operations.asked import Asked
from careplan.interactions.person import Person, read_person


async def recommended_targets(context: Context, asked: Asked) -> bytes:
    """A collection of proposed Goals, one a measure, in the order of the tables, then what could not be decided."""
    check_whole_record(context)
    person = await read_person(context, asked.id or "", on=asked.find_day("on"))
    bundle: Json = {"resourceType": "Bundle", "type": "collection"}
    explained = explanations(context.knowledge, person.chart, person.answer)
    entries = proposals(context, person.id, person.answer)
    for entry, name in zip(entries, person.answer.recommendations, strict=True):
        _explain(context, person, entry["resource"], explained[name])
    undecided = [explained[name] for name in person.answer.undecided]
    if undecided:
        entries.append(_entry(context, _undecided(context, person, undecided)))
    return dump(bundle | ({"entry": entries} if entries else {}))


def proposals(context: Context, patient: str, answer: Answer) -> list[Json]:
    """Bundle entries of the proposed Goals of an evaluation, each with its row's sentence and source as notes."""
    entries: list[Json] = []
    for name, recommendation in answer.recommendations.items():
        measure = context.knowledge.measures[name]
        goal = goal_from_recommendation(recommendation, measure, patient, context.now, agreed=False, status="proposed")
        goal["note"] = [{"text": text} for text in explained(recommendation.row)]
        entries.append(_entry(context, goal))
    return entries


def explained(row: Row) -> list[str]:
    """A row's sentence, its source, and that it is unverified where it is."""
    texts = [row.says]
    if row.source is not None:
        year = f", {row.source.year}" if row.source.year else ""
        texts.append(f"Kilde: {row.source.title}. {row.source.publisher}{year}. {row.source.url}")
    if row.unverified:
        texts.append("Ikke efterprøvet i kilden (unverified).")
    return texts


def _entry(context: Context, resource: Mapping[str, Json]) -> Json:
    return {"fullUrl": f"urn:uuid:{context.new_id()}", "resource": resource}


def _explain(context: Context, person: Person, goal: Json, why: Explanation) -> None:
    entry = find_entry(goal, RECOMMENDED)
    assert entry is not None
    entry["extension"].append(explanation_extension(why, context.knowledge, person.chart.lapsed))


def _undecided(context: Context, person: Person, found: list[Explanation]) -> Json:
    """What no row could decide: an outcome with one remark a measure, which carries the explanation."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "extension": [explanation_extension(why, context.knowledge, person.chart.lapsed)],
                "severity": "information",
                "code": "informational",
                "details": {"text": _cannot(context, person, why)},
            }
            for why in found
        ],
    }


def _cannot(context: Context, person: Person, why: Explanation) -> str:
    """«LDL-kolesterol: Målet kan ikke beregnes: eGFR (sidst 2023) mangler»."""
    named = [(fact_name(gap.fact, context.knowledge), since_text(gap.fact, person.chart.lapsed)) for gap in why.gaps]
    missing = danish_list([f"{name} ({since})" if since else name for name, since in named])
    return f"{context.knowledge.measures[why.measure].name}: Målet kan ikke beregnes: {missing} mangler"
