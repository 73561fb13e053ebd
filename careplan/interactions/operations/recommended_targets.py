"""`Patient/[id]/$recommended-targets?on=`: what the rules recommend today, each with why; nothing is stored."""

from careplan.domain.evaluation import Answer
from careplan.domain.guideline import Row
from careplan.fhir.goal import goal_from_recommendation
from careplan.fhir.text import Json, dump
from careplan.interactions.access import check_whole_record
from careplan.interactions.context import Context
from careplan.interactions.operations.asked import Asked
from careplan.interactions.person import read_person


async def recommended_targets(context: Context, asked: Asked) -> bytes:
    """A collection of proposed Goals, one a measure, in the order of the tables."""
    check_whole_record(context)
    person = await read_person(context, asked.id or "", on=asked.find_day("on"))
    bundle: Json = {"resourceType": "Bundle", "type": "collection"}
    entries = proposals(context, person.id, person.answer)
    return dump(bundle | ({"entry": entries} if entries else {}))


def proposals(context: Context, patient: str, answer: Answer) -> list[Json]:
    """Bundle entries of the proposed Goals of an evaluation, each with its row's sentence and source as notes."""
    entries: list[Json] = []
    for name, recommendation in answer.recommendations.items():
        measure = context.knowledge.measures[name]
        goal = goal_from_recommendation(recommendation, measure, patient, context.now, agreed=False, status="proposed")
        goal["note"] = [{"text": text} for text in explained(recommendation.row)]
        entries.append({"fullUrl": f"urn:uuid:{context.new_id()}", "resource": goal})
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
