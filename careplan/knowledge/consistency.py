"""Whether the files fit one another: names that exist, questions a fact can answer, units, values, codes used once.

Faults are noted at their place, nothing is raised. The order of rows and rings of facts: `order`; the worked
examples: `example`.
"""

from collections import Counter
from collections.abc import Collection
from decimal import Decimal

from careplan.domain.condition import NUMBER_WORDS, Condition, FactValue
from careplan.domain.guideline import (
    AnswerForm,
    CountOf,
    DecidedBy,
    Definition,
    EligibleFor,
    FromRecord,
    KnownAny,
)
from careplan.domain.target import Target
from careplan.knowledge.draft import Draft, conditions_in
from careplan.knowledge.entry import Entry, nearest
from careplan.knowledge.measure import NUMBERS

Kind = str | frozenset[str] | None
"""`flag`, `number`, the words a text may be, or None where the record decides."""


def refuse_misfits(draft: Draft) -> None:
    """Note every place where one file speaks of another and is wrong."""
    _questions(draft)
    for place, fact in draft.facts.values():
        _definition(draft, place, fact.definition)
    _codes(draft)
    _targets(draft)
    _ids(draft)
    _goals(draft)
    _plans(draft)
    _instruments(draft)
    for place, measure in draft.measures.values():
        if measure.low_end_needs is not None:
            _known_fact(draft, place, "low_end_needs", measure.low_end_needs)


def kind_of(draft: Draft, name: str) -> Kind:
    """What values a fact can have."""
    definition = draft.facts[name][1].definition
    match definition:
        case FromRecord(how="years_since") | CountOf():
            return "number"
        case FromRecord(how="person", terms={"person": "age"}):
            return "number"
        case FromRecord(how="answer", terms={"form": AnswerForm() as form}):
            return _kind_of_answer(form)
        case KnownAny(facts=()):
            return None
        case FromRecord(how="measure", terms={"measure": str(measure)}):
            return _kind_of_measure(draft, measure)
        case DecidedBy(table):
            rows = draft.tables[table].guideline.rows if table in draft.tables else ()
            words = [row.target.value for row in rows]
            return frozenset(str(word) for word in words) if all(isinstance(word, str) for word in words) else None
        case _:
            return "flag"


def misfit(kind: Kind, value: FactValue) -> str | None:
    """Why a fact of a kind cannot have a value, or None when it can."""
    if kind is None:
        return None
    if kind == "flag":
        return None if isinstance(value, bool) else "is true or false"
    if kind == "number":
        return None if isinstance(value, Decimal) else "is a number"
    return None if value in kind else f"is one of {', '.join(sorted(kind))}"


def _kind_of_answer(form: AnswerForm) -> Kind:
    if form.kind == "choice":
        return frozenset(form.words) or None
    return "number" if form.kind in NUMBERS else form.kind or None


def _kind_of_measure(draft: Draft, name: str) -> Kind:
    measure = draft.measures[name][1] if name in draft.measures else None
    if measure is None or not measure.kind:
        return None
    if measure.kind in NUMBERS:
        return "number"
    if measure.kind == "flag":
        return "flag"
    return frozenset(answer.value for answer in measure.answers) or None


# ── questions ────────────────────────────────────────────────────────────────────────────────────


def _questions(draft: Draft) -> None:
    for place, key, terms in draft.questions():
        for condition in conditions_in(terms):
            if _known_fact(draft, place, key, condition.fact):
                _answerable(draft, place, key, condition)


def _answerable(draft: Draft, place: Entry, key: str, condition: Condition) -> None:
    kind = kind_of(draft, condition.fact)
    if condition.word in NUMBER_WORDS:
        if kind not in ("number", None):
            place.refuse(f"`{condition.fact}` is no number; ask it with `is`, or by its name alone", key)
    elif (why := misfit(kind, condition.limit)) is not None:
        asked = "true" if condition.limit is True else condition.limit
        place.refuse(f"`{condition.fact}` {why} and can never be {asked}; correct the condition", key)


def _known_fact(draft: Draft, place: Entry, key: str, name: str) -> bool:
    if not name or name in draft.facts:
        return bool(name)
    place.refuse(f"no fact is called `{name}`{nearest(name, draft.facts)}; correct it, or define it in facts/", key)
    return False


def _known_measure(draft: Draft, place: Entry, key: str | None, name: str) -> bool:
    if not name or name in draft.measures:
        return bool(name)
    near = nearest(name, draft.measures)
    place.refuse(f"no measure is called `{name}`{near}; correct it, or add measures/{name}.toml", key)
    return False


def _known_plan(draft: Draft, place: Entry, key: str, name: str) -> None:
    if name and name not in draft.plans:
        place.refuse(f"no plan type is called `{name}`{nearest(name, draft.plans)}; correct it", key)


# ── facts ────────────────────────────────────────────────────────────────────────────────────────


def _definition(draft: Draft, place: Entry, definition: Definition) -> None:
    match definition:
        case FromRecord(terms=terms):
            if "measure" in terms:
                _known_measure(draft, place, "from", str(terms["measure"]))
            for key in ("years_since", "nearest"):
                if key in terms:
                    _diagnosis(draft, place, "from", str(terms[key]))
        case KnownAny(facts):
            for name in facts:
                _known_fact(draft, place, "known", name)
        case EligibleFor(plans):
            for plan in plans:
                _known_plan(draft, place, "plan", plan)
        case DecidedBy(table):
            if table and table not in draft.tables:
                place.refuse(f"no table rules `{table}`{nearest(table, draft.tables)}; correct it", "table")
        case _:
            pass


def _diagnosis(draft: Draft, place: Entry, key: str, name: str) -> None:
    if not _known_fact(draft, place, key, name):
        return
    definition = draft.facts[name][1].definition
    if not (isinstance(definition, FromRecord) and definition.how == "diagnosis"):
        place.refuse(f"`{name}` is no diagnosis; name a fact with `from = {{ diagnosis = … }}`", key)


# ── measures, targets, plans ─────────────────────────────────────────────────────────────────────


def _codes(draft: Draft) -> None:
    owners: dict[tuple[str, str], str] = {}
    for place, measure in draft.measures.values():
        for number, code in enumerate(measure.codes, 1):
            owner = owners.get((code.system, code.code))
            if owner is not None:
                message = f"the code {code.code} stands in `{owner}` already; a value is of one measure, so keep one"
                place.file.refuse(message, ("code", number, "code"))
            owners.setdefault((code.system, code.code), measure.id)


def _targets(draft: Draft) -> None:
    for table in draft.tables.values():
        if not _known_measure(draft, table.place, "id", table.guideline.measure):
            continue
        for place, row in zip(table.rows, table.guideline.rows, strict=True):
            _target(draft, place, table.guideline.measure, row.target)


def _target(draft: Draft, place: Entry, name: str, target: Target) -> None:
    measure = draft.measures[name][1]
    if target.unit and target.unit != measure.unit:
        place.refuse(f"the unit is `{target.unit}`, but {name} is in `{measure.unit}`; convert the number", "target")
    if measure.kind == "flag" and not isinstance(target.value, bool):
        place.refuse(f"{name} is a flag; its target is `value = true` or `value = false`", "target")
    if measure.kind not in ("", "group", "flag") and target.value is not None:
        place.refuse(f"{name} is a {measure.kind}; its target is a number, or `none` with the reason", "target")


def _ids(draft: Draft) -> None:
    """Row ids of a table begin alike, with a number after them."""
    for table in draft.tables.values():
        beginnings = Counter(row.id.rpartition("-")[0] for row in table.guideline.rows if row.id)
        own = max(beginnings, key=lambda one: beginnings[one], default="")
        for place, row in zip(table.rows, table.guideline.rows, strict=True):
            beginning, _, number = row.id.rpartition("-")
            if row.id and (beginning != own or not number.isdecimal()):
                message = f"the row id {row.id} is not of this table, where ids begin with {own}-; give it such an id"
                place.refuse(message, "id")


def _goals(draft: Draft) -> None:
    """What has a table of numbers becomes a goal, and a goal has a table."""
    for name, table in draft.tables.items():
        place, measure = draft.measures.get(name, (None, None))
        if place is not None and measure is not None and not measure.goal and measure.kind in (*NUMBERS, "choice"):
            message = f"{name} is `goal = false` in measures/{name}.toml, so no goal comes of this table; correct one"
            table.place.refuse(message, "id")
    for name, (place, measure) in draft.measures.items():
        if measure.goal and name not in draft.tables:
            place.refuse(f"`goal = true`, but no table rules {name}; add targets/{name}.toml, or write false", "goal")


def _plans(draft: Draft) -> None:
    for template in draft.plans.values():
        for name in template.plan.follows:
            _known_measure(draft, template.place, "follows", name)
        for name in template.plan.addresses:
            _diagnosis(draft, template.place, "addresses", name)
        for name in template.plan.ahead_with:
            _known_plan(draft, template.place, "ahead_with", name)
        for place, monitor in zip(template.monitors, template.plan.monitors, strict=True):
            _followed(draft, template.plan.follows, place, "measure", monitor.measure)
        for place, activity in zip(
            template.activities, template.plan.activities, strict=False
        ):  # one twice is left out
            for name in activity.serves:
                _followed(draft, template.plan.follows, place, "serves", name)
        for ask in template.plan.asks:
            _known_instrument(draft, template.place, ask.questionnaire)
    _activity_kinds(draft)


def _known_instrument(draft: Draft, place: Entry, name: str) -> None:
    if name and name not in draft.instruments:
        place.refuse(f"no questionnaire is called `{name}`{nearest(name, draft.instruments)}", "ask")


def _instruments(draft: Draft) -> None:
    """A questionnaire's score is a value of a score, and its bands reach from the lowest to the highest there is."""
    for counted in draft.instruments.values():
        instrument = counted.instrument
        _, measure = draft.measures.get(instrument.measure, (None, None))
        if not _known_measure(draft, counted.place, "measure", instrument.measure) or measure is None:
            continue
        if measure.kind != "score":
            counted.place.refuse(f"`{measure.id}` is a {measure.kind}; a questionnaire counts to a score", "measure")
        elif instrument.bands and instrument.bands[-1].up_to != measure.possible.high:
            message = f"the last band ends where the score does, at {measure.possible.high}; correct its `up-to`"
            counted.place.refuse(message, "band")


def _followed(draft: Draft, follows: Collection[str], place: Entry, key: str, name: str | None) -> None:
    if name is not None and _known_measure(draft, place, key, name) and name not in follows:
        said = "monitored" if key == "measure" else "served"
        place.refuse(f"`{name}` is {said} but not followed; add it to `follows`", key)


def _activity_kinds(draft: Draft) -> None:
    """An activity of several plans is one thing to do, shared by them: of one kind."""
    kinds: dict[str, str] = {}
    for template in draft.plans.values():
        for place, activity in zip(template.activities, template.plan.activities, strict=False):
            if kinds.setdefault(activity.id, activity.kind) != activity.kind:
                place.refuse(f"`{activity.id}` is a {kinds[activity.id]} in another plan; plans share it", "kind")
