"""What a profile cannot say of a Goal of one of our measures, since it takes the measures to see it.

Every target is agreed or recommended, all of them are of one and the same measure, and every number is in the
measure's own unit: `goal.find_target` reads the number and never the unit. A Goal of no measure of ours is left alone.
https://hl7.org/fhir/R4/goal-definitions.html#Goal.target · design §2
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from careplan.domain.errors import Fault
from careplan.domain.measure import Measure, Span
from careplan.fhir import systems
from careplan.fhir.goal import measure_of_goal
from careplan.fhir.invariant import kind_of_target
from careplan.fhir.reading import Codes, coding_keys
from careplan.fhir.text import Json


def goal_faults(goal: Json, codes: Codes, measures: Mapping[str, Measure]) -> Iterator[Fault]:
    """The faults of the targets of a Goal that is valid otherwise."""
    measure = measure_of_goal(goal, codes, measures)
    if measure is None:
        return
    for index, target in enumerate(goal.get("target", ())):
        place = f"Goal.target[{index}]"
        if kind_of_target(target) is None:
            message = f"a target of {measure.id} is agreed or recommended: extension target-kind says which"
            yield Fault(f"{place}.extension", "element-missing", message)
        if _named(target.get("measure"), codes, measures) != {measure.id}:
            message = f"every target of this Goal is of one measure, {measure.id}, and its codings name no other"
            yield Fault(f"{place}.measure", "value-invalid", message)
        for name, quantity in _quantities(target):
            if quantity.get("code") != measure.ucum:
                message = f"a target of {measure.id} is in the measure's own unit, {measure.ucum or 'none'}"
                yield Fault(f"{place}.{name}", "unit-mismatch", message)
            elif not _is_its_unit(quantity.get("unit"), measure):
                message = f"unit says something else than code: write {measure.unit or measure.ucum}, or leave it out"
                yield Fault(f"{place}.{name}.unit", "unit-mismatch", message)
        yield from number_faults(target, measure, measure.possible, place)


def number_faults(target: Json, measure: Measure, span: Span, place: str) -> Iterator[Fault]:
    """The numbers of a target outside a span of the measure, such as nobody can have."""
    numbers = [(name, quantity.get("value")) for name, quantity in _quantities(target)]
    for name, value in (*numbers, ("detailInteger", target.get("detailInteger"))):
        if value is not None and not span.holds(Decimal(value)):
            message = f"a target of {measure.id} lies within {_says(span)} {measure.unit}".rstrip()
            yield Fault(f"{place}.{name}", "out-of-range", message)


def _says(span: Span) -> str:
    if span.low is not None and span.high is not None:
        return f"{span.low} to {span.high}"
    return f"{span.low} or more" if span.low is not None else f"{span.high} or less"


def _is_its_unit(text: str | None, measure: Measure) -> bool:
    """Whether a unit as people read it is the measure's, however it is spaced, capitalised or raised: kg/m2, mm Hg."""
    return text is None or _plain(text) in {_plain(measure.unit), _plain(measure.ucum)}


def _plain(unit: str) -> str:
    """A spelling of a unit without what people leave to taste: `mm[Hg]`, `mmHg` and `mm Hg` are one."""
    written = unicodedata.normalize("NFKC", unit).casefold()
    return "".join(sign for sign in written if not sign.isspace() and sign not in "[]{}")


def _named(concept: Json, codes: Codes, measures: Mapping[str, Measure]) -> set[str]:
    """Every measure that some coding names: by a code of its values, of its targets, or our own."""
    found: set[str] = set()
    for key in coding_keys(concept):
        by_value, by_goal = codes.measures.get(key), codes.goals.get(key)
        found |= {by_value[0].id} if by_value else {by_goal.id} if by_goal else set()
        found |= {key[1]} if key[0] == systems.MEASURE and key[1] in measures else set()
    return found


def _quantities(target: Json) -> Iterable[tuple[str, Json]]:
    """Every number of a target that has a unit, and where it stands."""
    if "detailQuantity" in target:
        yield "detailQuantity", target["detailQuantity"]
    for end in ("low", "high"):
        if end in target.get("detailRange", {}):
            yield f"detailRange.{end}", target["detailRange"][end]
