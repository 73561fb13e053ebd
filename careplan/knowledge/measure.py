"""`measures/<id>.toml` → Measure. What a measure is: `careplan.domain.measure`; what each code rests on: `verified`.

Not here: whether the facts and tables that name a measure exist (`consistency`).
"""

import re
from collections.abc import Mapping
from decimal import Decimal

from careplan.domain.errors import UnitMismatch
from careplan.domain.measure import Answer, Code, Measure, Span
from careplan.fhir.unit import factor
from careplan.knowledge.derivation import conversions_from_entry, derivation_from_entry
from careplan.knowledge.entry import Entry

KINDS = ("quantity", "score", "choice", "flag", "group")
NUMBERS = ("quantity", "score")
GOAL_KINDS = ("agreed", "recommended")
SETTINGS = ("clinic", "home")
SAMPLES = ("blood", "urine")
DEVICES = ("scale", "cuff", "oximeter")
"""What people measure with at home; the pages have a picture of each."""
_VERIFIED = re.compile(r"(verified|usage|unverified)\b")
_LAST = 99


def measure_from_entry(entry: Entry) -> Measure:
    """The one measure of a file."""
    kind = entry.word("kind", KINDS)
    must = None if kind == "quantity" else ""
    safety, safety_source, safety_unverified = _safety(entry)
    ucum = entry.text("ucum", must)
    measure = Measure(
        id=entry.text("id"),
        name=entry.text("name"),
        patient=entry.text("patient"),
        explain=entry.text("explain", ""),
        kind=kind,
        unit=entry.text("unit", must),
        words=entry.text("words", ""),
        ucum=ucum,
        decimals=entry.whole("decimals", 0),
        goal=entry.flag("goal"),
        goal_codes=_goal_codes(entry),
        plausible=_span(entry, "plausible", required=kind in NUMBERS),
        possible=_span(entry, "possible"),
        chart=_span(entry, "chart"),
        near=_near(entry),
        safety=safety,
        safety_source=safety_source,
        safety_unverified=safety_unverified,
        low_end_needs=entry.text("low_end_needs", "") or None,
        sample=entry.word("sample", SAMPLES, ""),
        home=entry.word("home", DEVICES, ""),
        priority=entry.whole("priority", _LAST),
        codes=tuple(_code(one, ucum if kind in NUMBERS else "") for one in entry.entries("code")),
        panel=tuple(_code(one, "") for one in entry.entries("panel")),
        answers=_answers(entry, kind),
        derived=derivation_from_entry(entry),
        conversions=conversions_from_entry(entry, ucum),
    )
    entry.close()
    return measure


def _goal_codes(entry: Entry) -> Mapping[str, str]:
    found = entry.entry("goal_codes")
    if found is None:
        return {}
    codes = {kind: found.text(kind) for kind in GOAL_KINDS if found.has(kind)}
    found.close()
    return codes


def _span(entry: Entry, key: str, *, required: bool = False) -> Span:
    found = entry.entry(key, required=required)
    if found is None:
        return Span()
    span = Span(found.number("low"), found.number("high"))
    found.close()
    if span.low is not None and span.high is not None and span.low >= span.high:
        entry.refuse(f"`{key}` runs from {span.low} to {span.high}; the low end must be the lower", key)
    return span


def _safety(entry: Entry) -> tuple[Span, str, bool]:
    """Where any clinician may agree on a target, what that rests on, and whether no source says so."""
    found = entry.entry("safety")
    if found is None:
        return Span(), "", False
    span = Span(found.number("low"), found.number("high"))
    source, unverified = found.text("source"), found.flag("unverified", False)
    found.close()
    if span == Span() or (span.low is not None and span.high is not None and span.low >= span.high):
        entry.refuse("`safety` has a low end, a high end, or both, and the low end is the lower", "safety")
    return span, source, unverified


def _near(entry: Entry) -> Decimal:
    near = entry.number("near") or Decimal(0)
    if near < 0:
        entry.refuse("`near` is a margin; it cannot be negative", "near")
    return near


def _code(entry: Entry, ucum: str) -> Code:
    code = Code(
        system=entry.text("system"),
        code=entry.text("code"),
        display=entry.text("display"),
        ucum=entry.text("ucum", ""),
        verified=entry.text("verified"),
        setting=entry.word("setting", SETTINGS, "clinic"),
    )
    entry.close()
    if code.verified and not _VERIFIED.match(code.verified):
        entry.refuse(
            "`verified` begins with verified, usage or unverified, and says what the code rests on", "verified"
        )
    if code.ucum and ucum:
        try:
            factor(code.ucum, ucum)
        except UnitMismatch:
            entry.refuse(f"`{code.ucum}` does not convert exactly into the measure's `{ucum}`; correct one", "ucum")
    return code


def _answers(entry: Entry, kind: str) -> tuple[Answer, ...]:
    answers: dict[str, Answer] = {}
    for one in entry.entries("answer"):
        texts, number = one.texts("texts"), one.number("number")
        answer = Answer(one.text("value"), one.text("says"), _answer_codes(one), texts, number)
        one.close()
        if answer.value in answers:
            one.refuse(f"the answer `{answer.value}` stands here twice; join the two", "value")
        if kind == "score" and answer.value and not answer.value.isdecimal():
            one.refuse(f"the answers of a score are whole numbers in quotes; `{answer.value}` is none", "value")
        if kind in ("quantity", "flag"):
            one.refuse(f"a {kind} has no answers; take this away, or make the measure a choice")
        answers[answer.value] = answer
    return tuple(answers.values())


def _answer_codes(entry: Entry) -> tuple[tuple[str, str], ...]:
    found = entry.entry("code")
    if found is None:
        return ()
    code = found.text("system"), found.text("code")
    found.close()
    return (code,)
