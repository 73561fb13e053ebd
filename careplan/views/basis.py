"""«Hvorfor er mit mål sådan?»: what a target rests on, in words a patient knows.

Made from the same explanation as the clinician's words (`domain.account`), but plainer: the rule's own sentence to the
patient, what is known of the person, and that a target is provisional. The sentences stand in the catalogue, `basis`.
Style: LIX at most 34, 15 words a sentence or fewer. What a patient should not first read on a screen (how long one
has left, how frail one is) is named without its value.
"""

from datetime import UTC, datetime
from decimal import Decimal

from careplan.domain.chart import Fact
from careplan.domain.danish import day_text, fact_name, measure_of
from careplan.domain.explanation import Explanation
from careplan.domain.guideline import Knowledge
from careplan.domain.measure import Reading
from careplan.views import wording
from careplan.views.catalogue import Catalogue

UNSAID = frozenset({"alive", "own_gp"})
"""What nobody needs to be told of themselves."""


def rests_on(explained: Explanation, knowledge: Knowledge, t: Catalogue) -> tuple[tuple[str, str], ...]:
    """(sentence, day) of each fact the rule was chosen by; a sentence once."""
    found: dict[str, str] = {}
    for fact in explained.because:
        if fact.name not in UNSAID:
            found.setdefault(fact_sentence(fact, knowledge, t), day_text(fact))
    return tuple(found.items())


def fact_sentence(fact: Fact, knowledge: Knowledge, t: Catalogue) -> str:
    """«Du har diabetes type 2.», «Tallet for dine nyrer er 55.»; of a fact nobody put in plain words, its name."""
    value, measure = fact.value, measure_of(fact.name, knowledge)
    if isinstance(value, bool):
        key = f"basis.{'is' if value else 'not'}.{fact.name}"
        return t(key) if t.has(key) else _named(fact.name, t("word.yes" if value else "word.no"), knowledge, t)
    if isinstance(value, Decimal) and t.has(f"basis.much.{fact.name}"):
        return _how_much(fact.name, value, t)
    if measure is not None:
        at = datetime(fact.on.year, fact.on.month, fact.on.day, tzinfo=UTC) if fact.on else datetime.min
        return wording.value_sentence(measure, Reading(measure.id, value, at, "", comparator=fact.comparator), t)
    key = f"basis.risk.{value}"
    return t(key) if t.has(key) else _named(fact.name, str(value), knowledge, t)


def _named(name: str, value: str, knowledge: Knowledge, t: Catalogue) -> str:
    """What has no sentence: its Danish name, marked as Danish elsewhere."""
    return t.danish(f"{fact_name(name, knowledge)}: {value}.")


def _how_much(name: str, value: Decimal, t: Catalogue) -> str:
    whole = int(value)
    if whole < 1 and t.has(f"basis.under-a-year.{name}"):
        return t(f"basis.under-a-year.{name}")
    return t(f"basis.much.{name}", value=whole, percent=int(value * 100))


def wanted(explained: Explanation, knowledge: Knowledge, t: Catalogue) -> tuple[str, ...]:
    """What is missing, each as «hvor stærk din krop er»."""
    return tuple(wanted_text(gap.fact, knowledge, t) for gap in explained.gaps)


def wanted_text(name: str, knowledge: Knowledge, t: Catalogue) -> str:
    key = f"basis.wanted.{name}"
    return t(key) if t.has(key) else t.danish(fact_name(name, knowledge))
