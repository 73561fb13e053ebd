"""Why a measure has the target it has: generated from the evaluation, never written beside it.

`explain` tells the deciding row, the facts it was chosen by, every row before it with the question that failed and
what was known of it, and the missing facts with the rows they could still let win. `read` holds every known fact that
these rows ask about: evaluated alone, they give the same row.
Not here: words for people (`views.why`) and for FHIR (`fhir.explained`).
Named tuples, as one is made for every measure of every patient of a clinic (budget of design §9); which rows could
still win takes deciding again (`reach`) and is found out when it is asked for.
"""

from datetime import date
from functools import cached_property
from typing import NamedTuple

from careplan.domain.chart import Chart, Fact
from careplan.domain.evaluation import Answer, Tried
from careplan.domain.guideline import Knowledge, Row
from careplan.domain.question import prepared, unverified_facts
from careplan.domain.reach import within_reach


class Gap(NamedTuple):
    """A fact that is missing, and the rows that could still win, were it known; without rows, it changes nothing."""

    fact: str
    rows: tuple[Row, ...]


class _Found(NamedTuple):
    measure: str
    version: str
    row: Row | None
    because: tuple[Fact, ...]
    tried: tuple[Tried, ...]
    missing: tuple[str, ...]
    read: tuple[Fact, ...]
    knowledge: Knowledge
    on: date


class Explanation(_Found):
    """One measure's recommendation explained.

    row      None: no row could decide yet
    because  what the deciding row was chosen by
    tried    every row before it, in order, with what failed
    missing  facts for want of which a row before it is open
    read     every known fact these rows, and the plan they are run for, ask about
    """

    @cached_property
    def could_win(self) -> tuple[Tried, ...]:
        """The rows that some assignment of what they lack would let decide; the others that are open never can."""
        return within_reach(self.knowledge, self.on, {fact.name: fact for fact in self.read}, self.tried)

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """What is missing, and which rows it could let win."""
        if not self.missing:
            return ()
        return tuple(Gap(name, tuple(t.row for t in self.could_win if name in t.missing)) for name in self.missing)

    @property
    def unverified(self) -> tuple[str, ...]:
        """Facts that the deciding row asks about, itself or through others, and that no source defines as we do."""
        return unverified_facts(self.knowledge, self.row.when) if self.row is not None else ()

    @property
    def provisional(self) -> bool:
        return bool(self.missing)

    @property
    def canonical(self) -> str:
        return f"{self.measure}|{self.version}"


def explain(knowledge: Knowledge, chart: Chart, answer: Answer, measure: str) -> Explanation | None:
    """Why `answer`, the evaluation of this chart, says what it does; None where the rules do not speak of a measure."""
    found = answer.recommendations.get(measure)
    row = found.row if found is not None else None
    tried = found.tried if found is not None else answer.open.get(measure)
    if tried is None:
        return None
    return Explanation(
        measure=measure,
        version=knowledge.guidelines[measure].version,
        row=row,
        because=found.because if found is not None else (),
        tried=tried,
        missing=found.missing if found is not None else answer.undecided[measure],
        read=_read(knowledge, chart, answer, measure, len(tried) if row is not None else len(tried) - 1),
        knowledge=knowledge,
        on=chart.on,
    )


def explanations(knowledge: Knowledge, chart: Chart, answer: Answer) -> dict[str, Explanation]:
    """Every measure the rules speak of, in the order of the tables."""
    if not knowledge.asks:
        knowledge = prepared(knowledge)
    found = ((name, explain(knowledge, chart, answer, name)) for name in knowledge.guidelines)
    return {name: one for name, one in found if one is not None}


def _read(knowledge: Knowledge, chart: Chart, answer: Answer, table: str, last: int) -> tuple[Fact, ...]:
    """Known facts behind the rows up to the last that was looked at, and those that make the person eligible."""
    asks = knowledge.asks or prepared(knowledge).asks
    known = chart.facts
    names = asks[table][last] if last >= 0 else ()
    facts = {name: known[name] for name in names if name in known}
    for plan in answer.plans.values():
        if plan.row is not None:
            facts |= {fact.name: fact for fact in plan.because}
            break
    return tuple(facts.values())
