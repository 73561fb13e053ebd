"""All knowledge files as read one by one, with the place of each thing, before they are held against one another."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import MappingProxyType

from careplan.domain.condition import Condition, Term
from careplan.domain.guideline import AllOf, AnyOf, CountOf, Definition, FactDefinition, Knowledge
from careplan.domain.measure import Measure
from careplan.domain.question import prepared
from careplan.knowledge.course import Given
from careplan.knowledge.entry import Entry
from careplan.knowledge.plan import Template
from careplan.knowledge.questionnaire import Counted
from careplan.knowledge.target import Table


@dataclass(frozen=True, slots=True)
class Draft:
    """What the files say, by id."""

    measures: dict[str, tuple[Entry, Measure]] = field(default_factory=dict)
    facts: dict[str, tuple[Entry, FactDefinition]] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    plans: dict[str, Template] = field(default_factory=dict)
    instruments: dict[str, Counted] = field(default_factory=dict)
    courses: dict[str, Given] = field(default_factory=dict)

    def questions(self) -> Iterator[tuple[Entry, str, tuple[Term, ...]]]:
        """Every list of conditions: where it stands, under which key, and what it asks."""
        for place, fact in self.facts.values():
            yield place, form_of(fact.definition), terms_of(fact.definition)
        for table in self.tables.values():
            for place, row in zip(table.rows, table.guideline.rows, strict=True):
                yield place, "when", row.when
        for template in self.plans.values():
            for place, row in zip(template.eligible, template.plan.eligible, strict=True):
                yield place, "when", row.when
            yield template.offer, "must", template.plan.offer.must
            for place, activity in zip(template.activities, template.plan.activities, strict=False):
                yield place, "when", activity.when

    def knowledge(self) -> Knowledge:
        """The finished knowledge; measures and tables in the order in which pages show them."""
        measures = sorted((measure for _, measure in self.measures.values()), key=lambda m: (m.priority, m.id))
        rank = {measure.id: n for n, measure in enumerate(measures)}
        tables = sorted(self.tables.values(), key=lambda table: rank[table.guideline.measure])
        found = Knowledge(
            measures=MappingProxyType({measure.id: measure for measure in measures}),
            facts=MappingProxyType({name: fact for name, (_, fact) in self.facts.items()}),
            guidelines=MappingProxyType({table.guideline.measure: table.guideline for table in tables}),
            plans=MappingProxyType({name: template.plan for name, template in self.plans.items()}),
            instruments=MappingProxyType({name: one.instrument for name, one in self.instruments.items()}),
            courses=MappingProxyType({name: one.course for name, one in self.courses.items()}),
        )
        return prepared(found)


def terms_of(definition: Definition) -> tuple[Term, ...]:
    """The conditions a fact follows from; none for facts that are read or looked up."""
    return definition.terms if isinstance(definition, AnyOf | AllOf | CountOf) else ()


def form_of(definition: Definition) -> str:
    """The key that a definition with conditions stands under."""
    return {AnyOf: "any", AllOf: "all", CountOf: "count"}.get(type(definition), "from")


def conditions_in(terms: tuple[Term, ...]) -> Iterator[Condition]:
    """The single questions, lists opened."""
    for term in terms:
        if isinstance(term, Condition):
            yield term
        else:
            yield from conditions_in(term.terms)
