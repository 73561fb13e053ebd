"""What the sentences of the files say: plain to a patient, Danish in their numbers, and of the same limit as the row.

A limit that is changed without its sentence would tell the patient the old one. Readability: `domain.readability`.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from careplan.domain.measure import danish_number
from careplan.domain.readability import LIX_LIMIT, SENTENCE_LIMIT, readability, unexplained
from careplan.domain.target import Target
from careplan.knowledge.draft import Draft
from careplan.knowledge.entry import Entry

SPOKEN = frozenset({"months", "måneder"})
"""Units whose numbers are said in words, «hvert halve år»."""

_NUMBER = r"\d+(?:,\d+)?"
_ENGLISH = re.compile(r"\d\.\d")
_AIM = re.compile(rf"\bmål\b([^.!?]*?{_NUMBER}[^.!?]*)")
_BOUND_WORDS = ("under", "højst", "over", "mindst")


def refuse_unclear(draft: Draft) -> None:
    """Note every sentence that a patient cannot read easily, and every one that says another limit than its row."""
    for place, key, text in _patient_sentences(draft):
        _plain(place, key, text)
    for place, key, text in (*_patient_sentences(draft), *_clinician_sentences(draft)):
        _danish(place, key, text)
    for table in draft.tables.values():
        for place, row in zip(table.rows, table.guideline.rows, strict=True):
            if row.target.unit not in SPOKEN:
                _agrees(place, "says", row.says, row.target)
                _agrees(place, "patient", row.patient, row.target)


def _patient_sentences(draft: Draft) -> Iterator[tuple[Entry, str, str]]:
    for table in draft.tables.values():
        for place, row in zip(table.rows, table.guideline.rows, strict=True):
            yield place, "patient", row.patient
            yield place, "target", row.target.why or ""
    for place, measure in draft.measures.values():
        yield place, "explain", measure.explain
    for template in draft.plans.values():
        for place, activity in zip(template.activities, template.plan.activities, strict=False):
            yield place, "says", activity.says if activity.who == "patient" else ""
    for counted in draft.instruments.values():
        for place, band in zip(counted.bands, counted.instrument.bands, strict=True):
            yield place, "says", band.says


def _clinician_sentences(draft: Draft) -> Iterator[tuple[Entry, str, str]]:
    for table in draft.tables.values():
        for place, row in zip(table.rows, table.guideline.rows, strict=True):
            yield place, "says", row.says
    for template in draft.plans.values():
        for place, row in zip(template.eligible, template.plan.eligible, strict=True):
            yield place, "says", row.says


def _plain(place: Entry, key: str, text: str) -> None:
    found, hard = readability(text), unexplained(text)
    if not found.easy:
        place.refuse(
            f"the patient's sentence is hard to read: LIX {found.lix:.0f} and {found.length:.0f} words a sentence, "
            f"where {LIX_LIMIT} and {SENTENCE_LIMIT} are the most; write shorter sentences and shorter words",
            key,
        )
    if hard:
        place.refuse(f"the patient's sentence says «{', '.join(hard)}»; say it in everyday words", key)


def _danish(place: Entry, key: str, text: str) -> None:
    if _ENGLISH.search(text):
        place.refuse("a number in a sentence has a decimal comma, as 1,4; only `target` and `when` have a dot", key)
    if text and not (text[0].isupper() or text[0].isdigit()):
        place.refuse("a sentence begins with a capital letter; correct it", key)
    if text and not text.endswith("."):
        place.refuse("a sentence ends with a full stop and nothing after it; correct it", key)


# ── the limit in words ───────────────────────────────────────────────────────────────────────────


def _agrees(place: Entry, key: str, text: str, target: Target) -> None:
    """The clinician's sentence names the limits; no sentence names others as the target, or turns one round."""
    bounds = [danish_number(one) for one in (target.low, target.high) if one is not None and one != 0]
    unsaid = [one for one in bounds if key == "says" and not _names(text, one)]
    if text and unsaid:
        place.refuse(f"the target is «{target.says()}», but the sentence does not name {unsaid[0]}; correct one", key)
    aimed = [one for part in _AIM.findall(text) for one in re.findall(_NUMBER, part)]
    wrong = [one for one in aimed if key == "patient" and not _is_bound(one, target)]
    if wrong:
        place.refuse(f"the sentence says the target is {wrong[0]}, but it is «{target.says()}»; correct one", key)
    if len(bounds) == 1:
        _same_side(place, key, text, bounds[0], target)


def _same_side(place: Entry, key: str, text: str, bound: str, target: Target) -> None:
    """«under 1,4» for below, «højst» for at-most, «over» for above, «mindst» for at-least."""
    words = "|".join(_BOUND_WORDS)
    said = re.findall(rf"\b({words}) {re.escape(bound)}(?!,?\d)", text.casefold())
    meant = target.says().partition(" ")[0]
    if said and meant not in said:
        place.refuse(f"the sentence says «{said[0]} {bound}», but the target is «{target.says()}»; correct one", key)


def _names(text: str, number: str) -> bool:
    return re.search(rf"(?<![\d,]){re.escape(number)}(?!,?\d)", text) is not None


def _is_bound(number: str, target: Target) -> bool:
    return Decimal(number.replace(",", ".")) in (target.low, target.high)
