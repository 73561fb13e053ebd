"""How long the rules take: one person's facts in memory → targets with their explanation (design §9).

The invented clinic of the demo, those of it whom the rules speak of; the best of several rounds, in one thread.
"""

import gc
import time
from collections.abc import Sequence
from datetime import date, datetime

from bench.table import Row
from careplan.app import recommender
from careplan.domain.chart import Chart
from careplan.domain.evaluation import evaluate
from careplan.domain.explanation import explanations
from careplan.domain.guideline import Knowledge
from careplan.fhir.instant import COPENHAGEN
from careplan.fhir.mapping import ChartReader
from careplan.knowledge.load import load_knowledge
from careplan.synthetic.people import clinic

PATIENTS, ROUNDS = 300, 9
ON = date(2026, 11, 22)
ALLOWED = 150.0
"""Microseconds a patient."""


def explaining() -> Row:
    """Microseconds a patient with a plan, beside what is allowed."""
    knowledge = load_knowledge()
    reader, at = ChartReader(knowledge), datetime(2026, 11, 22, 10, tzinfo=COPENHAGEN)
    bundles = clinic(1, PATIENTS, on=ON, recommend=recommender(knowledge, at))
    found = [reader.chart([entry["resource"] for entry in bundle["entry"]], ON) for bundle in bundles]
    charts = [chart for chart in found if evaluate(knowledge, chart).eligible]
    gc.collect()
    gc.freeze()
    best = min(_round(knowledge, charts) for _ in range(ROUNDS))
    gc.unfreeze()
    return Row("µs from facts to explained targets, a patient / what is allowed", best, ALLOWED, 1.0, at_most=True)


def _round(knowledge: Knowledge, charts: Sequence[Chart]) -> float:
    start = time.perf_counter()
    for chart in charts:
        explanations(knowledge, chart, evaluate(knowledge, chart))
    return (time.perf_counter() - start) / len(charts) * 1e6
