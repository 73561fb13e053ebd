"""Bounds at the bound, and where a value stands."""

from decimal import Decimal

import pytest

from careplan.domain.measure import Measure, Span
from careplan.domain.target import NO_TARGET, Standing, Target, is_safe, standing

D = Decimal
LDL = Measure("ldl", "LDL", "", "quantity", "mmol/L", "mmol/L", near=D("0.2"))
SPO2 = Measure("spo2", "Iltmætning", "", "quantity", "%", "%")
SBP = Measure("sbp", "Systolisk", "", "quantity", "mmHg", "mm[Hg]", near=D(5))


@pytest.mark.parametrize(
    ("target", "positions"),
    [
        (Target(high=D(50)), ("in", "in", "above")),
        (Target(high=D(50), strict=True), ("in", "above", "above")),
        (Target(low=D(50)), ("below", "in", "in")),
        (Target(low=D(50), strict=True), ("below", "below", "in")),
    ],
)
def test_position_below_at_and_above_one_bound(target: Target, positions: tuple[str, str, str]) -> None:
    assert tuple(target.position(D(value)) for value in ("49.9", "50.0", "50.1")) == positions


def test_strict_concerns_the_high_end_where_there_is_one() -> None:
    band = Target(D(53), D(64), strict=True)
    assert [band.position(D(v)) for v in (52, 53, 63, 64)] == ["below", "in", "in", "above"]
    closed = Target(D(53), D(58))
    assert [closed.position(D(v)) for v in (52, 53, 58, 59)] == ["below", "in", "in", "above"]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (Target(high=D("1.4"), strict=True), "under 1,4"),
        (Target(high=D(58)), "højst 58"),
        (Target(low=D(88), strict=True), "over 88"),
        (Target(low=D(150)), "mindst 150"),
        (Target(D(53), D(58)), "mellem 53 og 58"),
        (Target(D(53), D(64), strict=True), "fra 53 til under 64"),
        (Target(value=True), "ja"),
        (Target(value=False), "nej"),
        (Target(value="B"), "B"),
        (NO_TARGET, "intet tal"),
    ],
)
def test_target_reads_as_danes_say_it(target: Target, says: str) -> None:
    assert target.says() == says


def test_value_outside_by_at_most_the_margin_is_near() -> None:
    target = Target(high=D("1.4"), strict=True)
    stand = [standing(LDL, target, D(value)) for value in ("1.39", "1.4", "1.6", "1.61")]
    assert stand == [Standing.IN, Standing.NEAR, Standing.NEAR, Standing.OUT]


def test_measure_without_margin_is_never_near() -> None:
    assert standing(SPO2, Target(low=D(88), strict=True), D(88)) is Standing.OUT


def test_near_counts_from_the_bound_that_was_passed() -> None:
    band = Target(D(120), D(130))
    assert [standing(SBP, band, D(v)) for v in (114, 115, 120, 135, 136)] == [
        Standing.OUT,
        Standing.NEAR,
        Standing.IN,
        Standing.NEAR,
        Standing.OUT,
    ]


def test_value_under_the_low_end_is_no_warning_in_the_untreated() -> None:
    band = Target(D(120), D(130))
    assert standing(SBP, band, D(105), low_end_counts=False) is Standing.IN
    assert standing(SBP, band, D(105), low_end_counts=True) is Standing.OUT
    assert standing(SBP, band, D(150), low_end_counts=False) is Standing.OUT


def test_a_low_end_standing_alone_is_the_target_for_everybody() -> None:
    assert standing(SBP, Target(low=D(150)), D(100), low_end_counts=False) is Standing.OUT


def test_nothing_is_said_without_a_target_a_number_or_a_value() -> None:
    assert standing(LDL, None, D(1)) is Standing.UNRULED
    assert standing(LDL, Target(why="et lavere tal gavner næppe"), D(1)) is Standing.UNRULED
    assert standing(LDL, Target(value="B"), D(1)) is Standing.UNRULED
    assert standing(LDL, Target(high=D(2)), None) is Standing.UNMEASURED


GUARDED = Measure("hba1c", "HbA1c", "", "quantity", "mmol/mol", "mmol/mol", safety=Span(D(48), D(75)))


@pytest.mark.parametrize(
    ("target", "safe"),
    [
        (Target(high=D(48)), True),
        (Target(high=D(75)), True),
        (Target(high=D(47)), False),
        (Target(high=D(76)), False),
        (Target(D(48), D(75)), True),
        (Target(D(47), D(75)), False),
        (Target(D(48), D(76)), False),
        (Target(low=D(53)), False),
        (Target(why="Intet tal"), False),
    ],
)
def test_a_target_is_safe_where_each_end_lies_within_the_span(target: Target, safe: bool) -> None:
    assert is_safe(GUARDED, target, Target(high=D(58))) == safe
    assert is_safe(LDL, target, Target(high=D(58))), "a measure without a span is anybody's"


def test_only_the_end_that_the_rules_name_and_the_span_guards_may_not_be_left_open() -> None:
    floor = Measure("spo2", "Iltmætning", "", "quantity", "%", "%", safety=Span(low=D(88)))
    assert not is_safe(floor, Target(high=D(95)), Target(low=D(88), strict=True))
    assert is_safe(floor, Target(low=D(90)), Target(D(88), D(95)))
    assert is_safe(GUARDED, Target(low=D(53)), None)
    assert is_safe(GUARDED, Target(high=D(58)), Target(D(53), D(58)))
