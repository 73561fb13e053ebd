"""Sentences made from data, shared by charts, the printed sheet and pages, in the language of a catalogue.

Nothing is said that the data do not say: a missing value is called missing, an old one old. The words stand in the
catalogue (`sentence`, `bound`, `change`); here is which of them holds. Not here: headings and labels of one screen.
Style of patient sentences: LIX at most 34, 15 words a sentence or fewer (Björnsson 1968, https://www.sprogtid.dk/lix).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from careplan.domain.calendar import add_months
from careplan.domain.danish import UNITS
from careplan.domain.measure import OLD_MONTHS, Measure, Reading, Value, danish_number, is_old
from careplan.domain.target import Standing, Target
from careplan.fhir.goal import is_active
from careplan.fhir.instant import COPENHAGEN
from careplan.interactions.overview import Line
from careplan.views.catalogue import Catalogue

THIN_SPACE = "\u2009"

_SAME_SHARE = Decimal("0.02")
"""A change smaller than this share of the measure's chart cannot be seen in it, and is called «omtrent det samme»."""

_LAST_YEAR = 274
"""A value so many days before, nine months, is called last year's; a younger one is given its date."""

_ICONS: Mapping[Standing, str] = {
    Standing.IN: "✓",
    Standing.NEAR: "◐",
    Standing.OUT: "▲",
    Standing.UNMEASURED: "○",
    Standing.UNRULED: "–",
}
_BOUNDS = {"<": "under", "<=": "at-most", ">": "over", ">=": "at-least"}

_WITHOUT_NUMBER = "Intet talmål"
"""How the rules' reason for a target without number begins."""


def status_word(standing: Standing, t: Catalogue, *, old: bool = False) -> tuple[str, str]:
    """Icon and word of a standing; of an old value's, that it is so. Colour is never alone."""
    word, judged = t(f"status.{standing.value}"), standing in (Standing.IN, Standing.NEAR, Standing.OUT)
    return _ICONS[standing], t("status.old", word=word) if old and judged else word


def danish_date(on: date) -> str:
    """«14.03.2026», in every language: as letters and the printed sheet write it."""
    return f"{on:%d.%m.%Y}"


def time_text(at: datetime, t: Catalogue) -> str:
    """«14.03.2026 kl. 09.12», in Copenhagen."""
    here = at.astimezone(COPENHAGEN)
    return t("moment", day=danish_date(here.date()), hour=f"{here:%H}", minute=f"{here:%M}")


def month_name(on: date, t: Catalogue) -> str:
    """«marts»."""
    return t(f"month.{on.month}")


def number_text(value: Decimal, t: Catalogue, decimals: int | None = None) -> str:
    """«1,4»; with `decimals` at least so many digits. Western digits in every language."""
    return danish_number(value, decimals).replace(",", t.decimal)


def day_of(reading: Reading) -> date:
    """The day in Copenhagen on which a value was taken."""
    return reading.at.astimezone(COPENHAGEN).date()


def measure_name(measure: Measure, t: Catalogue) -> str:
    """What the patient calls a measure: «Langtidsblodsukker»."""
    return measure.patient if t.source else t(f"measure-name.{measure.id}")


def called(measure: Measure, t: Catalogue, *, staff: bool) -> str:
    """What a measure is called to this reader: to staff by its name in the trade, to patients by theirs."""
    return measure.name if staff else measure_name(measure, t)


def plan_name(kind: str, danish: str, t: Catalogue) -> str:
    """What a plan type is called: «Type 2-diabetes»."""
    key = f"plan-name.{kind}"
    return t(key) if not t.source and t.has(key) else danish


def unit_text(measure: Measure, t: Catalogue) -> str:
    """The unit as people read it; empty where the number says all."""
    said, key = UNITS.get(measure.unit, measure.unit), f"unit.{measure.unit}"
    return t(key) if said and not t.source and t.has(key) else said


def value_text(measure: Measure, reading: Reading, t: Catalogue) -> str:
    """The value without unit: «58», «1,4», «<5», «aldrig røget»."""
    return f"{reading.comparator or ''}{said_text(measure, reading.value, t)}"


def said_text(measure: Measure, value: Value, t: Catalogue) -> str:
    """A value without unit and bound: «1,4», «ryger», «ja»."""
    if isinstance(value, bool):
        return t("word.yes" if value else "word.no")
    if isinstance(value, Decimal):
        return number_text(value, t, measure.decimals)
    key = f"answer.{measure.id}.{value}"
    return t(key) if not t.source and t.has(key) else measure.says(value)


def value_with_unit(measure: Measure, reading: Reading, t: Catalogue) -> str:
    """The value and its unit with a thin space between them."""
    unit = unit_text(measure, t) if isinstance(reading.value, Decimal) else ""
    if unit and reading.value == 1 and reading.comparator is None and t.has(f"unit-one.{measure.unit}"):
        unit = t(f"unit-one.{measure.unit}")
    said = value_text(measure, reading, t)
    return t.ordered(f"{said}{THIN_SPACE}{unit}" if unit else said)


def spoken_value(measure: Measure, reading: Reading, t: Catalogue) -> str:
    """The value as it is read aloud: «under 5» for «<5»."""
    said, bound = said_text(measure, reading.value, t), _BOUNDS.get(reading.comparator or "")
    return t(f"bound.{bound}", low=said, high=said) if bound else said


def target_text(measure: Measure, target: Target | None, t: Catalogue) -> str:
    """«under 1,4», «mellem 53 og 58», «0 gange på et år»; what a group or flag should be; «intet tal»."""
    if target is None:
        return t("bound.none")
    if target.is_number:
        nothing = target.high == 0 and target.low is None and not target.strict
        said = "0" if nothing else _interval(target, t)
        return f"{said} {unit_text(measure, t)}".strip() if nothing or measure.kind == "choice" else said
    decided = target.value
    if decided is None and measure.kind in ("group", "flag"):
        decided = target.why
    if decided is None:
        return t("bound.no-number")
    return t("bound.unknown") if decided == "unknown" else said_text(measure, decided, t)


def _interval(target: Target, t: Catalogue) -> str:
    """«under 1,4», «mellem 53 og 58», «højst 10»."""
    low, high = ("" if one is None else number_text(one, t) for one in (target.low, target.high))
    if low and high:
        return t("bound.from-under" if target.strict else "bound.between", low=low, high=high)
    if high:
        return t("bound.under" if target.strict else "bound.at-most", high=high)
    return t("bound.over" if target.strict else "bound.at-least", low=low)


def target_with_unit(measure: Measure, target: Target | None, t: Catalogue) -> str:
    """«under 1,4 mmol/L», «mellem 53 og 58 mmol/mol»; the unit once; empty without a target."""
    if target is None:
        return ""
    said, unit = target_text(measure, target, t), unit_text(measure, t) if target.is_number else ""
    return t.ordered(said if not unit or said.endswith(unit) else f"{said}{THIN_SPACE}{unit}")


def end_labels(measure: Measure, t: Catalogue) -> tuple[str, str]:
    """The words at the low and the high end of the number line."""
    name = measure.id if t.has(f"end.low.{measure.id}") else "usual"
    return t(f"end.low.{name}"), t(f"end.high.{name}")


def list_text(words: Sequence[str], t: Catalogue) -> str:
    """«a», «a og b», «a, b og c»."""
    if len(words) < 2:
        return "".join(words)
    return t("word.list", first=t("word.comma").join(words[:-1]), last=words[-1])


# ── change ───────────────────────────────────────────────────────────────────────────────────────


def change(readings: Sequence[Reading], measure: Measure | None = None) -> str:
    """`fell`, `rose` or `same`: the newest value against the one about a year before.

    readings  newest first; only values from the same place (at home or not) are compared
    measure   with it, a change too small to be seen in its chart is `same`; without, only no change is
    Returns   empty where there is nothing to compare, or where `<5` and the like leave it open
    """
    earlier = earlier_reading(readings)
    return "" if earlier is None else _changed(earlier, readings[0], measure)


def earlier_reading(readings: Sequence[Reading]) -> Reading | None:
    """The value the newest is compared with: the one nearest a year before it, not more than 15 months before."""
    if not readings:
        return None
    newest = readings[0]
    day = day_of(newest)
    before, year_ago = add_months(day, -OLD_MONTHS), add_months(day, -12)
    others = [
        one
        for one in readings[1:]
        if before <= day_of(one) < day and (one.source == "home") == (newest.source == "home")
    ]
    return min(others, key=lambda one: abs((day_of(one) - year_ago).days), default=None)


def _changed(earlier: Reading, newest: Reading, measure: Measure | None) -> str:
    was, now = earlier.value, newest.value
    if not isinstance(was, Decimal) or not isinstance(now, Decimal):
        return ""
    if earlier.comparator or newest.comparator:
        return _changed_beyond(_reach(earlier, was), _reach(newest, now))
    span = None if measure is None else measure.chart
    height = span.high - span.low if span is not None and span.low is not None and span.high is not None else Decimal(0)
    if now == was or abs(now - was) < height * _SAME_SHARE:
        return "same"
    return "fell" if now < was else "rose"


def _reach(reading: Reading, value: Decimal) -> tuple[Decimal, Decimal]:
    """The lowest and the highest a value with a comparator can be."""
    comparator = reading.comparator or ""
    low = Decimal("-Infinity") if comparator.startswith("<") else value
    return low, Decimal("Infinity") if comparator.startswith(">") else value


def _changed_beyond(was: tuple[Decimal, Decimal], now: tuple[Decimal, Decimal]) -> str:
    if now[1] <= was[0]:
        return "fell"
    return "rose" if now[0] >= was[1] else ""


def change_text(readings: Sequence[Reading], measure: Measure, t: Catalogue) -> str:
    """«faldet siden sidste år»; empty where there is nothing to compare."""
    earlier, found = earlier_reading(readings), change(readings, measure)
    if earlier is None or not found:
        return ""
    day = day_of(earlier)
    last_year = (day_of(readings[0]) - day).days >= _LAST_YEAR
    return t(f"change.{found}", when=t("change.last-year") if last_year else t("change.day", day=danish_date(day)))


def change_sentence(readings: Sequence[Reading], measure: Measure, t: Catalogue) -> str:
    """«Det er faldet siden sidste år.»; empty where there is nothing to compare."""
    said = change_text(readings, measure, t)
    return t("change.sentence", change=said) if said else ""


# ── sentences to the patient ─────────────────────────────────────────────────────────────────────


def patient_sentence(line: Line, on: date | None, t: Catalogue) -> str:
    """How a measure stands, in plain words: «Dit langtidsblodsukker er 58. Dit mål er under 58. Du er tæt på.»

    on  the day it is said; with it, a value older than 15 months is called old, and nothing is concluded from it
    """
    decided = line.recommendation if line.measure.kind in ("group", "flag") and line.newest is None else None
    if decided is not None:
        return t.danish(decided.row.patient) or t("sentence.unanswered")
    if line.newest is None:
        missing = "missing" if line.measure.kind in ("quantity", "score") else "unanswered"
        return _joined(t(f"sentence.{missing}"), _aim_sentence(line, t))
    said = value_sentence(line.measure, line.newest, t)
    if on is not None and is_old(day_of(line.newest), on):
        return _joined(said, t("sentence.old"), _aim_sentence(line, t))
    changed = change_sentence(line.readings, line.measure, t)
    return _joined(said, _aim_sentence(line, t), _standing_sentence(line, t), changed)


def value_sentence(measure: Measure, reading: Reading, t: Catalogue) -> str:
    """«Dit langtidsblodsukker er 58.», «Du har aldrig røget.»"""
    value, number = spoken_value(measure, reading, t), isinstance(reading.value, Decimal)
    if not number and t.has(key := f"sentence.answer.{measure.id}.{reading.value}"):
        return t(key)
    if not number or not t.has(f"sentence.value.{measure.id}"):
        unit = unit_text(measure, t) if number else ""
        return t("sentence.named", name=measure_name(measure, t), value=f"{value} {unit}".strip())
    counted = {0: "none", 1: "one"}.get(int(reading.value)) if _is_one_digit(reading) else None
    key = f"sentence.{counted}.{measure.id}"
    return t(key) if t.has(key) else t(f"sentence.value.{measure.id}", value=value)


def _is_one_digit(reading: Reading) -> bool:
    return reading.comparator is None and reading.value in (0, 1)


def _aim_sentence(line: Line, t: Catalogue) -> str:
    target = line.agreed
    if target is None:
        return ""
    if target.is_number and line.goal is not None and not is_active(line.goal):
        return t("sentence.target-was", target=target_text(line.measure, target, t))
    if target.is_number:
        nothing, key = target.high == 0 and target.low is None, f"sentence.aim-none.{line.measure.id}"
        aimed = nothing and t.has(key)
        return t(key) if aimed else t("sentence.target", target=target_text(line.measure, target, t))
    if target.value is not None:
        return t("sentence.target-is", target=target_text(line.measure, target, t))
    return _joined(t("sentence.no-number"), _meaning(target.why or "", t) if t.source else "")


def is_later(target: Target) -> bool:
    """Whether a target without a number is one that waits: «Intet talmål, før man kender risikoen.»"""
    rest = (target.why or "").strip()
    return rest.startswith(_WITHOUT_NUMBER) and rest.removeprefix(_WITHOUT_NUMBER).lstrip(":, ").startswith("før ")


def _meaning(why: str, t: Catalogue) -> str:
    """«Et lavere tal gavner næppe.» of the rules' «Intet talmål: et lavere tal gavner næppe.»; rules speak Danish."""
    rest = why.strip()
    if rest.startswith(_WITHOUT_NUMBER):
        rest = rest.removeprefix(_WITHOUT_NUMBER).lstrip(":, ")
        if rest.startswith("før "):
            return t("sentence.later", when=rest.removeprefix("før ").removesuffix("."))
    said = rest[:1].upper() + rest[1:]
    return said if not said or said.endswith((".", "!", "?")) else f"{said}."


def _standing_sentence(line: Line, t: Catalogue) -> str:
    number = None if line.newest is None else line.measure.number(line.newest.value)
    key = "" if line.agreed is None or number is None else _standing_key(line, line.agreed, number)
    return t(f"sentence.{key}") if key else ""


def _standing_key(line: Line, agreed: Target, number: Decimal) -> str:
    position = agreed.position(number)
    match line.standing:
        case Standing.IN:
            return "lower-is-fine" if position == "below" else "reached"
        case Standing.NEAR:
            return "near"
        case Standing.OUT if line.measure.kind == "choice" or position == "in" or agreed.high == 0:
            return "not-reached"
        case Standing.OUT:
            return "above" if position == "above" else "below"
        case _:
            return ""


def _joined(*sentences: str) -> str:
    return " ".join(one for one in sentences if one)
