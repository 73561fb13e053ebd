"""The form of an individual target as it is filled in: read, found at fault field by field, or what is wanted.

Not here: its steps (`target`), and who may agree on what (`operations.individual_target`).
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from careplan.domain.measure import Measure, danish_number
from careplan.domain.readability import LIX_LIMIT, readability
from careplan.domain.words import LENGTH, words_fault
from careplan.interactions.deviation import last_day
from careplan.interactions.operations.wanted import REASONS, Wanted
from careplan.views import wording
from careplan.views.catalogue import Catalogue
from careplan.views.form import Form, find_day, find_number
from careplan.views.frame import catalogue
from careplan.views.measured import example


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it is filled in. `message`: what the patient does when a home value is outside; empty: nothing."""

    low: str
    high: str
    bound: str
    reason: str
    text: str
    until: str
    message: str = ""


def filled_from_form(form: Form) -> Filled:
    return Filled(*(form.text(name) for name in ("fra", "til", "graense", "aarsag", "tekst", "gaelder", "besked")))


def with_sentence(filled: Filled) -> Filled:
    """With the sentence that is written beforehand for the reason, where nobody has written one of their own."""
    danish = catalogue()
    written = {code: danish(key) for code in REASONS if danish.has(key := f"written.{code}")}
    if filled.text and filled.text not in written.values():
        return filled
    return replace(filled, text=written.get(filled.reason, ""))


def wanted_from_filled(
    filled: Filled, measure: Measure, on: date, t: Catalogue
) -> tuple[Wanted | None, dict[str, str]]:
    """What is wanted, or what is wrong, by field."""
    errors = {
        **_end_faults(filled, measure, t),
        **_reason_faults(filled, t),
        **_day_faults(filled, on, t),
        **message_faults(filled, t),
    }
    if errors:
        return None, errors
    return Wanted(
        low=find_number(filled.low),
        high=find_number(filled.high),
        strict=filled.bound == "under",
        reason=filled.reason,
        text=filled.text or None,
        valid_until=find_day(filled.until),
        instruction=filled.message if measure.home else None,
    ), {}


def _end_faults(filled: Filled, measure: Measure, t: Catalogue) -> dict[str, str]:
    low, high, errors = find_number(filled.low), find_number(filled.high), dict[str, str]()
    plausible = measure.plausible
    for name, text, value in (("fra", filled.low, low), ("til", filled.high, high)):
        if text and value is None:
            errors[name] = t("target.no-number", example=example(measure, t))
        elif value is not None and not plausible.holds(value):
            errors[name] = t("target.unlikely", low=number_said(plausible.low), high=number_said(plausible.high))
    if not filled.low and not filled.high:
        errors["til"] = t("target.no-end")
    elif low is not None and high is not None and low > high:
        errors["fra"] = t("target.turned")
    return errors


def _reason_faults(filled: Filled, t: Catalogue) -> dict[str, str]:
    errors = {} if filled.reason in REASONS else {"aarsag": t("target.no-reason")}
    if len(filled.text) > LENGTH:
        errors["tekst"] = t("target.long-text", most=LENGTH)
    elif not errors and words_fault(filled.text, needed=filled.reason == "other"):
        errors["tekst"] = t("target.no-text")
    return errors


def _day_faults(filled: Filled, on: date, t: Catalogue) -> dict[str, str]:
    until = find_day(filled.until)
    if until is None:
        return {"gaelder": t("target.no-day")}
    if until <= on:
        return {"gaelder": t("target.day-passed")}
    if until > last_day(on):
        return {"gaelder": t("target.day-far", most=wording.danish_date(last_day(on)))}
    return {}


def message_faults(filled: Filled, t: Catalogue) -> dict[str, str]:
    if len(filled.message) > LENGTH:
        return {"besked": t("target.message.long", most=LENGTH)}
    return {"besked": t("target.message.blank")} if words_fault(filled.message) else {}


def number_said(value: Decimal | None) -> str:
    return "" if value is None else danish_number(value)


def readable(text: str, t: Catalogue) -> str:
    """How hard a sentence is for the patient to read; empty where there is none."""
    found = readability(text)
    key = "target.easy" if found.easy else "target.hard"
    return t(key, lix=round(found.lix), most=LIX_LIMIT) if text else ""
