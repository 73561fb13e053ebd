"""`facts/<topic>.toml` → FactDefinition: what a fact is called, and the one way it is known.

Raw facts (`from`) are read from the record by `careplan.fhir.mapping`; the other forms follow from other facts
in `careplan.domain.evaluation`. Here they are only understood.
"""

from collections.abc import Callable, Mapping

from careplan.domain.guideline import (
    AllOf,
    AnswerForm,
    AnyOf,
    CountOf,
    DecidedBy,
    Definition,
    EligibleFor,
    FactDefinition,
    FromRecord,
    KnownAny,
)
from careplan.domain.measure import Span
from careplan.fhir.unit import is_unit
from careplan.knowledge.entry import Entry
from careplan.knowledge.term import source_from_entry, terms_from_entry

PERSON = ("age", "male", "own_gp", "alive")
ANSWER_KINDS = ("flag", "score", "quantity", "choice")
NOTHING = KnownAny(())  # stands in for a definition that was refused


def facts_from_entry(entry: Entry) -> tuple[tuple[Entry, FactDefinition], ...]:
    """All facts of a file, each with its place."""
    found = tuple((one, _fact(one)) for one in entry.entries("fact", required=True))
    entry.close()
    return found


def _fact(entry: Entry) -> FactDefinition:
    fact = FactDefinition(
        id=entry.text("id"),
        says=entry.text("says"),
        definition=_definition(entry),
        unverified=entry.flag("unverified", False),
        source=source_from_entry(entry, required=False),
        note=entry.text("note", ""),
    )
    entry.close()
    return fact


def _definition(entry: Entry) -> Definition:
    forms = [form for form in _FORMS if entry.has(form)]
    if len(forms) == 1:
        return _FORMS[forms[0]](entry)
    named = f"it is defined {len(forms)} ways ({', '.join(forms)}); keep one" if forms else "it is not defined"
    entry.refuse(f"a fact is defined by one of {', '.join(_FORMS)}; {named}", forms[1] if forms else None)
    return NOTHING


def _from_record(entry: Entry) -> Definition:
    found = entry.entry("from")
    if found is None:
        return NOTHING
    ways = [way for way in _WAYS if found.has(way)]
    if len(ways) != 1:
        entry.refuse(f"`from` names one of {', '.join(_WAYS)}; here stand {len(ways)} of them", "from")
        return NOTHING
    terms = _WAYS[ways[0]](found)
    found.close()
    return FromRecord(ways[0], terms)


def _diagnosis(entry: Entry) -> Mapping[str, object]:
    found = entry.entry("diagnosis")
    if found is None:
        return {}
    codes = {system: found.texts(system) for system in ("icpc", "sks") if found.has(system)}
    if not codes:
        found.refuse("a diagnosis needs codes; write icpc, sks, or both")
    adult = {"coded_at_age": found.whole("coded_at_age")} if found.has("coded_at_age") else {}
    found.close()
    return {"diagnosis": codes, **adult}


def _years_since(entry: Entry) -> Mapping[str, object]:
    return {"years_since": entry.text("years_since")}


def _measure(entry: Entry) -> Mapping[str, object]:
    measure = {"measure": entry.text("measure")}
    if not entry.has("nearest") and not entry.has("within_days"):
        return measure
    return {**measure, "nearest": entry.text("nearest"), "within_days": entry.whole("within_days")}


def _answer(entry: Entry) -> Mapping[str, object]:
    absent = {"absent": entry.word("absent", ("no",))} if entry.has("absent") else {}
    within = {"within_months": entry.whole("within_months")} if entry.has("within_months") else {}
    return {"answer": entry.text("answer"), "form": _form(entry), **absent, **within}


def _form(entry: Entry) -> AnswerForm:
    """What an answer must be to be read: a flag, one of some words, or a number within what is possible."""
    kind = entry.word("kind", ANSWER_KINDS)
    words = entry.texts("words", required=kind == "choice")
    number = kind in ("score", "quantity")
    form = AnswerForm(kind, _ucum(entry, kind), _possible(entry, required=number), words)
    if not number and form.possible != Span():
        entry.refuse(f"a {kind} has no range; take `possible` away, or make it a score or a quantity", "possible")
    if kind != "choice" and words:
        entry.refuse(f"a {kind} has no words; take them away, or make it a choice", "words")
    if any("-" in one for one in words):
        entry.refuse("`words` are written with `_` for `-`, as rules ask for them; correct them", "words")
    return form


def _ucum(entry: Entry, kind: str) -> str:
    """The unit of a quantity, one that is known here; a score is counted in points."""
    ucum = entry.text("ucum", None if kind == "quantity" else "")
    if ucum and kind != "quantity":
        entry.refuse(f"a {kind} has no unit; take `ucum` away, or make it a quantity", "ucum")
    elif ucum and not is_unit(ucum):
        entry.refuse(f"`{ucum}` is no unit known here; correct it", "ucum")
    return ucum


def _possible(entry: Entry, *, required: bool) -> Span:
    """What the number can be; both ends, so that a slip of the hand is seen."""
    found = entry.entry("possible", required=required)
    if found is None:
        return Span()
    span = Span(found.number("low", required=True), found.number("high", required=True))
    found.close()
    if span.low is not None and span.high is not None and span.low >= span.high:
        entry.refuse(f"`possible` runs from {span.low} to {span.high}; the low end must be the lower", "possible")
    return span


def _drug(entry: Entry) -> Mapping[str, object]:
    return {"drug": entry.texts("drug", required=True)}


def _person(entry: Entry) -> Mapping[str, object]:
    return {"person": entry.word("person", PERSON)}


_WAYS: Mapping[str, Callable[[Entry], Mapping[str, object]]] = {
    "diagnosis": _diagnosis,
    "years_since": _years_since,
    "measure": _measure,
    "answer": _answer,
    "drug": _drug,
    "person": _person,
}

_FORMS: Mapping[str, Callable[[Entry], Definition]] = {
    "from": _from_record,
    "any": lambda entry: AnyOf(terms_from_entry(entry, "any")),
    "all": lambda entry: AllOf(terms_from_entry(entry, "all")),
    "count": lambda entry: CountOf(terms_from_entry(entry, "count")),
    "known": lambda entry: KnownAny(entry.texts("known", required=True)),
    "plan": lambda entry: EligibleFor(entry.texts("plan", required=True)),
    "table": lambda entry: DecidedBy(entry.text("table")),
}
