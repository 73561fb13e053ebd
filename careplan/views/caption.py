"""The name and description of each chart, made from the values it draws (brief E).

A reader who sees no picture learns the same: which way it went, the newest value, the target, how many lie outside.
https://www.w3.org/TR/svg-aam-1.0/
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from careplan.domain.measure import Measure, Reading, is_old
from careplan.domain.target import Band, Standing, Target
from careplan.views import wording
from careplan.views.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class Caption:
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Series:
    """One measure in a chart, and what it is called to its reader.

    readings  those with a number in the time shown, newest first
    """

    measure: Measure
    readings: tuple[Reading, ...]
    bands: tuple[Band, ...]
    name: str

    @property
    def outside(self) -> tuple[Reading, ...]:
        """The values beyond the target that was valid on their day."""
        return tuple(one for one in self.readings if self.is_outside(one))

    @property
    def unjudged(self) -> int:
        """How many values are from a day without a target in numbers."""
        days = (self.target_on(wording.day_of(one)) for one in self.readings)
        return sum(target is None or not target.is_number for target in days)

    def is_outside(self, reading: Reading) -> bool:
        return is_outside(self.measure, reading, self.target_on(wording.day_of(reading)))

    def target_on(self, on: date) -> Target | None:
        """The target that was valid on a day."""
        found = (band for band in self.bands if band.start <= on and (band.end is None or on < band.end))
        return next((band.target for band in found), None)

    def ended_by(self, on: date) -> Band | None:
        """The target that was valid last, where it had ended by a day."""
        found = (band for band in self.bands if band.end is not None and band.end <= on)
        return max(found, key=lambda band: band.end or on, default=None)


def is_outside(measure: Measure, reading: Reading, target: Target | None) -> bool:
    """Whether a value surely lies outside a target; `<5` may lie anywhere below 5."""
    number = measure.number(reading.value)
    if number is None or target is None or not target.is_number:
        return False
    comparator = reading.comparator or ""
    if comparator.startswith("<"):
        return target.low is not None and (number < target.low or (comparator == "<" and number == target.low))
    if comparator.startswith(">"):
        return target.high is not None and (number > target.high or (comparator == ">" and number == target.high))
    return target.position(number) != "in"


def line_caption(
    series: Series,
    target: Target,
    reading: Reading | None,
    standing: Standing,
    t: Catalogue,
    *,
    old: bool = False,
    ended: bool = False,
) -> Caption:
    """«Langtidsblodsukker: 58 mmol/mol, tæt på mål»; an old value is called so, and a target that has ended."""
    measure, (_, word) = series.measure, wording.status_word(standing, t, old=old)
    aim = _aim(measure, target, t)
    if ended:
        aim = t("chart.target-was", target=wording.target_with_unit(measure, target, t))
    if reading is None:
        return Caption(t("chart.line-unmeasured", name=series.name, status=word.lower()), aim)
    value, day = wording.value_with_unit(measure, reading, t), wording.danish_date(wording.day_of(reading))
    title = t("chart.line-title", name=series.name, value=value, status=word.lower())
    return Caption(title, f"{aim} {t('chart.line-day', day=day)}")


def sparkline_caption(series: Series, target: Target | None, on: date, t: Catalogue) -> Caption:
    """«HbA1c: 58 mmol/mol 21.08.2026, faldet siden sidste år, mål under 58 mmol/mol»."""
    measure, newest = series.measure, series.readings[0]
    value, day = wording.value_with_unit(measure, newest, t), wording.danish_date(wording.day_of(newest))
    known = t("chart.spark", name=series.name, value=value, day=day)
    aimed = target is not None and target.is_number
    aim = t("chart.spark-target", target=wording.target_with_unit(measure, target, t)) if aimed else ""
    changed = "" if is_old(wording.day_of(newest), on) else wording.change_text(series.readings, measure, t)
    return Caption(t("chart.comma").join(part for part in (known, changed, aim) if part), "")


def trend_caption(first: date, last: date, series: Sequence[Series], t: Catalogue) -> Caption:
    """What one or two courses show between two days."""
    name, parts = shared_name([one.name for one in series], t)
    title = t("chart.span", name=name, first=wording.danish_date(first), last=wording.danish_date(last))
    said = [_described(one, last, part, t) for one, part in zip(series, parts, strict=True)]
    return Caption(title, " ".join(said))


def shared_name(names: Sequence[str], t: Catalogue) -> tuple[str, list[str]]:
    """What names share before a comma, and the rest of each: («Blodtryk», [«det høje tal», «det lave tal»])."""
    if len(names) == 1:
        return names[0], [""]
    heads, _, tails = zip(*(name.partition(t("word.comma")) for name in names), strict=True)
    if len(set(heads)) == 1 and all(tails):
        return heads[0], list(tails)
    return t("chart.both", one=names[0], other=names[1]), list(names)


def _described(series: Series, on: date, part: str, t: Catalogue) -> str:
    lead = f"{part[:1].upper()}{part[1:]}: " if part else ""
    if not series.readings:
        return f"{lead}{t('chart.none-shown')} {_now(series, on, t)}"
    newest, count = series.readings[0], len(series.readings)
    value, day = wording.value_with_unit(series.measure, newest, t), wording.danish_date(wording.day_of(newest))
    known = lead + t("chart.known", count=count, value=value, day=day)
    old = is_old(wording.day_of(newest), on)
    changed = "" if old else wording.change_sentence(series.readings, series.measure, t)
    return " ".join(one for one in (known, changed, _now(series, on, t), _outside(series, t)) if one)


def _now(series: Series, on: date, t: Catalogue) -> str:
    target, ended = series.target_on(on), series.ended_by(on)
    if target is not None:
        return _aim(series.measure, target, t)
    if ended is None or ended.end is None or not ended.target.is_number:
        return t("chart.no-target")
    said = wording.target_with_unit(series.measure, ended.target, t)
    return t("chart.target-ended", target=said, day=wording.danish_date(ended.end))


def _aim(measure: Measure, target: Target, t: Catalogue) -> str:
    if not target.is_number:
        return t("chart.target-no-number")
    return t("chart.target", target=wording.target_with_unit(measure, target, t))


def _outside(series: Series, t: Catalogue) -> str:
    """How many lie outside the target of their day; of days without one, nothing is said but that."""
    if not any(band.target.is_number for band in series.bands):
        return ""
    count, unjudged = len(series.outside), series.unjudged
    judged = t("chart.outside", count=count) if count else t("chart.none-outside")
    without = t("chart.unjudged", count=unjudged) if unjudged else ""
    return f"{judged if len(series.readings) > unjudged else ''} {without}".strip()
