"""Values move as values do."""

from random import Random
from statistics import fmean, pstdev

import pytest

from careplan.synthetic.course import creatinine_from_egfr, egfr_from_creatinine
from careplan.synthetic.cpr import Sex
from careplan.synthetic.trajectory import begun, climbing, combined, wander


def test_a_walk_keeps_its_spread_and_remembers() -> None:
    rng, times = Random(3), [place / 4 for place in range(20)]
    walks = [wander(rng, times, 2.0, 1.5) for _ in range(2000)]
    assert pstdev(walk[-1] for walk in walks) == pytest.approx(2.0, rel=0.06)
    near = fmean(abs(walk[10] - walk[11]) for walk in walks)
    far = fmean(abs(walk[0] - walk[19]) for walk in walks)
    assert near < 0.6 * far


def test_a_treatment_has_no_effect_before_it_begins() -> None:
    assert begun(-2.0, -1.0) == 0
    assert begun(0, -1.0) == pytest.approx(1, abs=0.01)


def test_treatments_take_their_share_of_what_is_left() -> None:
    assert combined(0, [(-5, 0.5), (-4, 0.2)]) == pytest.approx(0.4)
    assert combined(-6, [(-5, 0.5), (-4, 0.2)]) == 1


def test_a_level_climbs_until_the_next_treatment_brings_it_down() -> None:
    steps = [-8.0, -3.0]
    assert climbing(-9, 50, 2, steps, 70) == 70
    assert climbing(-3.01, 50, 2, steps, 70) == pytest.approx(60, abs=0.2)
    assert climbing(-2, 50, 2, steps, 70) == pytest.approx(52, abs=0.5)


@pytest.mark.parametrize(("sex", "age"), [("female", 45.2), ("male", 71.9), ("female", 88.0)])
@pytest.mark.parametrize("filtration", [12.0, 48.5, 75.0, 104.0])
def test_creatinine_and_filtration_are_each_others_inverse(filtration: float, age: float, sex: Sex) -> None:
    creatinine = creatinine_from_egfr(filtration, age, sex)
    assert egfr_from_creatinine(creatinine, age, sex) == pytest.approx(filtration)


def test_filtration_follows_the_published_formula() -> None:
    # CKD-EPI 2021 worked by hand: woman of 60, creatinine 88.4 µmol/L (1.0 mg/dL) → 64 to 65
    assert egfr_from_creatinine(88.4, 60, "female") == pytest.approx(64.5, abs=0.6)
    assert egfr_from_creatinine(88.4, 60, "male") == pytest.approx(86.2, abs=0.8)
