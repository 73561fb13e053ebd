"""Where a value comes from, in words: «lab.kort», «målt hjemme», «regnet ud af vægt og højde»."""

from careplan.domain.measure import Reading
from careplan.interactions.overview import Line
from careplan.views.catalogue import Catalogue


def origin(reading: Reading, t: Catalogue) -> str:
    """The source of one value; of a computed one, what it was computed from; of a score, whose words were asked."""
    said = t(f"source.formula.{reading.formula}") if reading.formula else t(f"source.{reading.source}")
    return t("source.own-wording", source=said) if reading.own_wording else said


def origin_of_newest(line: Line, t: Catalogue) -> str:
    """The source of a line's newest value; where it was computed, also what other formulas make of the same sample."""
    if line.newest is None:
        return ""
    return "; ".join([origin(line.newest, t), *(f"{one.name}: {one.says(it.value)}" for one, it in line.beside)])
