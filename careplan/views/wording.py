"""Danish sentences made from data, shared by charts, the printed sheet and pages.

Nothing is said that the data do not say: a missing value is called missing, an old one old. All Danish of this
module stands in the tables at its top. Not here: headings and labels of one screen.
Style of patient sentences: LIX at most 34, 15 words a sentence or fewer (Björnsson 1968, https://www.sprogtid.dk/lix).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from careplan.domain.calendar import add_months
from careplan.domain.danish import UNITS
from careplan.domain.measure import OLD_MONTHS, Measure, Reading, danish_number, is_old
from careplan.domain.target import Standing, Target
from careplan.fhir.instant import COPENHAGEN
from careplan.interactions.overview import Line

THIN_SPACE = "\u2009"

_SAME_SHARE = Decimal("0.02")
"""A change smaller than this share of the measure's chart cannot be seen in it, and is called «omtrent det samme»."""

_LAST_YEAR = 274
"""A value so many days before, nine months, is called last year's; a younger one is given its date."""

_STATUS: Mapping[Standing, tuple[str, str]] = {
    Standing.IN: ("✓", "I mål"),
    Standing.NEAR: ("◐", "Tæt på mål"),
    Standing.OUT: ("▲", "Uden for mål"),
    Standing.UNMEASURED: ("○", "Mangler måling"),
    Standing.UNRULED: ("–", "Ikke relevant"),
}

_SINGULAR: Mapping[str, str] = {
    "minutter om ugen": "minut om ugen",
    "genstande om ugen": "genstand om ugen",
    "cigaretter om dagen": "cigaret om dagen",
    "gange på et år": "gang på et år",
    "måneder": "måned",
}

_SAYINGS: Mapping[str, str] = {
    "hba1c": "Dit langtidsblodsukker er {value}.",
    "ldl": "Dit dårlige kolesterol er {value}.",
    "hdl_cholesterol": "Dit gode kolesterol er {value}.",
    "total_cholesterol": "Dit kolesterol i alt er {value}.",
    "triglycerides": "Tallet for fedt i dit blod er {value}.",
    "sbp": "Det høje tal i dit blodtryk er {value}.",
    "dbp": "Det lave tal i dit blodtryk er {value}.",
    "egfr": "Tallet for dine nyrer er {value}.",
    "uacr": "Tallet for protein i din urin er {value}.",
    "potassium": "Tallet for kalium i dit blod er {value}.",
    "weight": "Du vejer {value} kg.",
    "bmi": "Dit BMI er {value}.",
    "waist": "Din livvidde er {value} cm.",
    "height": "Du er {value} cm høj.",
    "pulse": "Din puls er {value}.",
    "spo2": "Du har {value} procent ilt i blodet.",
    "cat": "Din KOL-score er {value}.",
    "mrc": "Din åndenød er på trin {value}.",
    "fev1_pct": "Din lungekraft er {value} procent.",
    "exacerbations": "Din KOL er blevet værre {value} gange det sidste år.",
    "activity": "Du rører dig {value} minutter om ugen.",
    "alcohol": "Du drikker {value} genstande om ugen.",
    "haemoglobin": "Din blodprocent er {value}.",
    "who5": "Tallet for din trivsel er {value}.",
}
"""How people say a value; of other measures the name stands before it."""

_ONE: Mapping[str, str] = {
    "exacerbations": "Din KOL er blevet værre 1 gang det sidste år.",
    "alcohol": "Du drikker 1 genstand om ugen.",
}
_NONE: Mapping[str, str] = {
    "exacerbations": "Din KOL er ikke blevet værre det sidste år.",
    "alcohol": "Du drikker ikke alkohol.",
}
_ANSWERED: Mapping[tuple[str, str], str] = {
    ("smoking", "current"): "Du ryger.",
    ("smoking", "former"): "Du er holdt op med at ryge.",
    ("smoking", "never"): "Du har aldrig røget.",
    ("smoking", "not-current"): "Du ryger ikke.",
}
_NOTHING_AIMED: Mapping[str, str] = {
    "smoking": "Dit mål er ikke at ryge.",
    "exacerbations": "Dit mål er, at den ikke bliver værre.",
}

_ENDS: Mapping[str, tuple[str, str]] = {
    "activity": ("mindre", "mere"),
    "alcohol": ("mindre", "mere"),
    "exacerbations": ("færre", "flere"),
    "weight": ("lettere", "tungere"),
}
_USUAL_ENDS = ("lavere", "højere")

_UNKNOWN = "ukendt"
_NO_TARGET = "intet mål"
_NO_NUMBER = "intet tal"
_FELL, _ROSE, _SAME = "faldet", "steget", "omtrent det samme"
_BOUNDS = {"<": "under", "<=": "højst", ">": "over", ">=": "mindst"}

_MISSING = "Der er ingen måling endnu. Den bliver taget ved din næste kontrol."
_UNANSWERED = "Det er ikke skrevet ned endnu. I taler om det ved din næste kontrol."
_OLD = "Tallet er gammelt."
_REACHED, _NEAR, _NOT_REACHED = "Du er i mål.", "Du er tæt på.", "Du er ikke i mål endnu."
_ABOVE, _BELOW = "Det er højere end dit mål.", "Det er lavere end dit mål."
_LOWER_IS_FINE = "Du er i mål. Et lavere tal er i orden for dig."
_NO_NUMBERED = "Du har ikke et mål i tal her."
_WITHOUT_NUMBER = "Intet talmål"
"""How the rules' reason for a target without number begins."""


def status_word(standing: Standing) -> tuple[str, str]:
    """Icon and word of a standing; colour is never alone."""
    return _STATUS[standing]


def danish_date(on: date) -> str:
    """«14.03.2026»."""
    return f"{on:%d.%m.%Y}"


def danish_time(at: datetime) -> str:
    """«14.03.2026 kl. 09.12», in Copenhagen."""
    return f"{at.astimezone(COPENHAGEN):%d.%m.%Y kl. %H.%M}"


def day_of(reading: Reading) -> date:
    """The day in Copenhagen on which a value was taken."""
    return reading.at.astimezone(COPENHAGEN).date()


def unit_text(measure: Measure) -> str:
    """The unit as a Dane reads it; empty where the number says all."""
    return UNITS.get(measure.unit, measure.unit)


def value_text(measure: Measure, reading: Reading) -> str:
    """The value without unit: «58», «1,4», «<5», «aldrig røget»."""
    return f"{reading.comparator or ''}{measure.says(reading.value)}"


def value_with_unit(measure: Measure, reading: Reading) -> str:
    """The value and its unit with a thin space between them."""
    unit = unit_text(measure) if isinstance(reading.value, Decimal) else ""
    if reading.value == 1 and reading.comparator is None:
        unit = _SINGULAR.get(unit, unit)
    return f"{value_text(measure, reading)}{THIN_SPACE}{unit}" if unit else value_text(measure, reading)


def spoken_value(measure: Measure, reading: Reading) -> str:
    """The value as it is read aloud: «under 5» for «<5»."""
    bound = _BOUNDS.get(reading.comparator or "", "")
    return f"{bound} {measure.says(reading.value)}".strip()


def target_text(measure: Measure, target: Target | None) -> str:
    """«under 1,4», «mellem 53 og 58», «0 gange på et år»; what a group or flag should be; «intet tal»."""
    if target is None:
        return _NO_TARGET
    if target.is_number:
        nothing = target.high == 0 and target.low is None and not target.strict
        said = danish_number(Decimal(0), 0) if nothing else target.says()
        return f"{said} {unit_text(measure)}".strip() if nothing or measure.kind == "choice" else said
    decided = target.value
    if decided is None and measure.kind in ("group", "flag"):
        decided = target.why
    if decided is None:
        return _NO_NUMBER
    if decided == "unknown":
        return _UNKNOWN
    return measure.says(decided)


def target_with_unit(measure: Measure, target: Target | None) -> str:
    """«under 1,4 mmol/L», «mellem 53 og 58 mmol/mol»; the unit once; empty without a target."""
    if target is None:
        return ""
    said, unit = target_text(measure, target), unit_text(measure) if target.is_number else ""
    return said if not unit or said.endswith(unit) else f"{said}{THIN_SPACE}{unit}"


def end_labels(measure: Measure) -> tuple[str, str]:
    """The words at the low and the high end of the number line."""
    return _ENDS.get(measure.id, _USUAL_ENDS)


# ── change ───────────────────────────────────────────────────────────────────────────────────────


def trend_word(readings: Sequence[Reading], measure: Measure | None = None) -> str:
    """«faldet», «steget» or «omtrent det samme»: the newest value against the one about a year before.

    readings  newest first; only values from the same place (at home or not) are compared
    measure   with it, a change too small to be seen in its chart is «omtrent det samme»; without, only no change is
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
        return _SAME
    return _FELL if now < was else _ROSE


def _reach(reading: Reading, value: Decimal) -> tuple[Decimal, Decimal]:
    """The lowest and the highest a value with a comparator can be."""
    comparator = reading.comparator or ""
    low = Decimal("-Infinity") if comparator.startswith("<") else value
    return low, Decimal("Infinity") if comparator.startswith(">") else value


def _changed_beyond(was: tuple[Decimal, Decimal], now: tuple[Decimal, Decimal]) -> str:
    if now[1] <= was[0]:
        return _FELL
    return _ROSE if now[0] >= was[1] else ""


def change_sentence(readings: Sequence[Reading], measure: Measure) -> str:
    """«Det er faldet siden sidste år.»; empty where there is nothing to compare."""
    earlier, word = earlier_reading(readings), trend_word(readings, measure)
    if earlier is None or not word:
        return ""
    day = day_of(earlier)
    last_year = (day_of(readings[0]) - day).days >= _LAST_YEAR
    if word == _SAME:
        return f"Det er {word} som {'sidste år' if last_year else danish_date(day)}."
    return f"Det er {word} siden {'sidste år' if last_year else danish_date(day)}."


# ── sentences to the patient ─────────────────────────────────────────────────────────────────────


def patient_sentence(line: Line, on: date | None = None) -> str:
    """How a measure stands, in plain Danish: «Dit langtidsblodsukker er 58. Dit mål er under 58. Du er tæt på.»

    on  the day it is said; with it, a value older than 15 months is called old, and nothing is concluded from it
    """
    if line.measure.kind in ("group", "flag") and line.newest is None and line.recommendation is not None:
        return line.recommendation.row.patient or _UNANSWERED
    if line.newest is None:
        missing = _MISSING if line.measure.kind in ("quantity", "score") else _UNANSWERED
        return _joined(missing, _aim_sentence(line))
    said = value_sentence(line.measure, line.newest)
    if on is not None and is_old(day_of(line.newest), on):
        return _joined(said, _OLD, _aim_sentence(line))
    return _joined(said, _aim_sentence(line), _standing_sentence(line), change_sentence(line.readings, line.measure))


def value_sentence(measure: Measure, reading: Reading) -> str:
    """«Dit langtidsblodsukker er 58.», «Du har aldrig røget.»"""
    answered = _ANSWERED.get((measure.id, reading.value)) if isinstance(reading.value, str) else None
    if answered:
        return answered
    saying = _SAYINGS.get(measure.id) if isinstance(reading.value, Decimal) else None
    if saying is None:
        unit = unit_text(measure) if isinstance(reading.value, Decimal) else ""
        return f"{measure.patient}: {f'{spoken_value(measure, reading)} {unit}'.strip()}."
    counted = {0: _NONE, 1: _ONE}.get(int(reading.value)) if _is_one_digit(reading) else None
    return (counted or {}).get(measure.id) or saying.format(value=spoken_value(measure, reading))


def _is_one_digit(reading: Reading) -> bool:
    return reading.comparator is None and reading.value in (0, 1)


def _aim_sentence(line: Line) -> str:
    target = line.agreed
    if target is None:
        return ""
    if target.is_number:
        nothing = target.high == 0 and target.low is None
        aimed = _NOTHING_AIMED.get(line.measure.id) if nothing else None
        return aimed or f"Dit mål er {target_text(line.measure, target)}."
    if target.value is not None:
        return f"Dit mål er: {target_text(line.measure, target)}."
    return _joined(_NO_NUMBERED, _meaning(target.why or ""))


def _meaning(why: str) -> str:
    """«Et lavere tal gavner næppe.» of «Intet talmål: et lavere tal gavner næppe.»"""
    rest = why.strip()
    if rest.startswith(_WITHOUT_NUMBER):
        rest = rest.removeprefix(_WITHOUT_NUMBER).lstrip(":, ")
        if rest.startswith("før"):
            rest = f"Du får et mål, når{rest.removeprefix('før')}"
    said = rest[:1].upper() + rest[1:]
    return said if not said or said.endswith((".", "!", "?")) else f"{said}."


def _standing_sentence(line: Line) -> str:
    number = None if line.newest is None else line.measure.number(line.newest.value)
    if line.agreed is None or number is None:
        return ""
    position = line.agreed.position(number)
    match line.standing:
        case Standing.IN:
            return _LOWER_IS_FINE if position == "below" else _REACHED
        case Standing.NEAR:
            return _NEAR
        case Standing.OUT if line.measure.kind == "choice" or position == "in" or line.agreed.high == 0:
            return _NOT_REACHED
        case Standing.OUT:
            return _ABOVE if position == "above" else _BELOW
        case _:
            return ""


def _joined(*sentences: str) -> str:
    return " ".join(one for one in sentences if one)
