"""`Patient/[id]/$recommended-targets?on=`: what the rules recommend today, each with why; nothing is stored."""

from collections.abc import Iterator, Mapping

from careplan.domain.chart import Fact
from careplan.domain.danish import danish_list, fact_name, missing_text, provisional_text, undecided_plan_text
from careplan.domain.evaluation import Answer, Recommendation
from careplan.domain.explanation import Explanation, explanations
from careplan.domain.guideline import Knowledge
from careplan.domain.question import unverified_facts
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
    entries = proposals(context, person.id, person.answer, person.chart.lapsed)
    for entry, name in zip(entries, person.answer.recommendations, strict=True):
        _explain(context, person, entry["resource"], explained[name])
    issues = [*_undecided_plans(context, person), *_undecided(context, person, explained)]
    if issues:
        entries.append(_entry(context, {"resourceType": "OperationOutcome", "issue": issues}))
    return dump(bundle | ({"entry": entries} if entries else {}))


def proposals(context: Context, patient: str, answer: Answer, lapsed: Mapping[str, Fact]) -> list[Json]:
    """Bundle entries of the proposed Goals of an evaluation, each with its row's sentence and source as notes.

    lapsed  as in the chart that was evaluated
    """
    entries: list[Json] = []
    for name, recommendation in answer.recommendations.items():
        measure = context.knowledge.measures[name]
        goal = goal_from_recommendation(recommendation, measure, patient, context.now, agreed=False, status="proposed")
        goal["note"] = [{"text": text} for text in notes(recommendation, context.knowledge, lapsed)]
        entries.append(_entry(context, goal))
    return entries


def notes(found: Recommendation, knowledge: Knowledge, lapsed: Mapping[str, Fact]) -> list[str]:
    """What is not known, the row's sentence, its source, and what is unverified of it."""
    row, provisional = found.row, provisional_text(found.missing, knowledge, lapsed)
    texts = [f"{provisional} {row.says}" if provisional else row.says]
    if row.source is not None:
        year = f", {row.source.year}" if row.source.year else ""
        texts.append(f"Kilde: {row.source.title}. {row.source.publisher}{year}. {row.source.url}")
    if row.unverified:
        texts.append("Ikke efterprøvet i kilden (unverified).")
    facts = [fact_name(name, knowledge) for name in unverified_facts(knowledge, row.when)]
    if facts:
        texts.append(f"Ikke efterprøvet i kilden: {danish_list(facts)}.")
    return texts


def _entry(context: Context, resource: Mapping[str, Json]) -> Json:
    return {"fullUrl": f"urn:uuid:{context.new_id()}", "resource": resource}


def _explain(context: Context, person: Person, goal: Json, why: Explanation) -> None:
    entry = find_entry(goal, RECOMMENDED)
    assert entry is not None
    entry["extension"].append(explanation_extension(why, context.knowledge, person.chart.lapsed))


def _undecided_plans(context: Context, person: Person) -> Iterator[Json]:
    """A remark for each plan of which it cannot be said whether the person should have it."""
    for name, plan in person.answer.plans.items():
        if plan.row is None and plan.missing:
            said = undecided_plan_text(plan.missing, context.knowledge)
            yield _remark(f"{context.knowledge.plans[name].name}: {said}")


def _undecided(context: Context, person: Person, explained: Mapping[str, Explanation]) -> Iterator[Json]:
    """A remark for each measure that no row could decide, which carries the explanation."""
    for name in person.answer.undecided:
        why = explained[name]
        extension = explanation_extension(why, context.knowledge, person.chart.lapsed)
        yield {"extension": [extension], **_remark(_cannot(context, person, why))}


def _remark(text: str) -> dict[str, Json]:
    return {"severity": "information", "code": "informational", "details": {"text": text}}


def _cannot(context: Context, person: Person, why: Explanation) -> str:
    """«LDL-kolesterol: Målet kan ikke beregnes: eGFR (sidst 2023) mangler»."""
    missing = danish_list([missing_text(name, context.knowledge, person.chart.lapsed) for name in why.missing])
    return f"{context.knowledge.measures[why.measure].name}: Målet kan ikke beregnes: {missing} mangler"
