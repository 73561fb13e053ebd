"""CPR numbers of invented people can belong to nobody, and nobody shares one."""

import re
from calendar import isleap
from collections import Counter
from datetime import date
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from careplan.fhir import systems
from careplan.synthetic.cpr import FIRST_YEAR, LAST_YEAR, SERIALS, Register, Sex, fails_modulus_11, safe_numbers

SEXES = st.sampled_from(("female", "male"))
DAYS = st.dates(date(1900, 1, 1), date(2050, 12, 31))
X_ECPR = re.compile(r"\d{6}[17][A-Z]{2}\d")


@given(DAYS, SEXES)
def test_a_safe_number_is_the_birthday_and_a_test_serial_that_fails_modulus_11(born: date, sex: Sex) -> None:
    for number in safe_numbers(born, sex):
        assert number[:6] == born.strftime("%d%m%y")
        assert number[6:] in SERIALS[sex]
        assert fails_modulus_11(number)
        assert int(number[9]) % 2 == (sex == "male")


@given(DAYS, SEXES)
def test_test_serials_exist_for_the_birth_years_1937_to_2036_alone(born: date, sex: Sex) -> None:
    if not FIRST_YEAR <= born.year <= LAST_YEAR:
        assert safe_numbers(born, sex) == ()


def test_modulus_11_is_the_weighted_sum_of_the_cpr_office() -> None:
    assert not fails_modulus_11("0000000000")
    assert fails_modulus_11("0201609995"), "MedCom's test person"
    assert not fails_modulus_11("0000000051"), "5 times weight 2 and 1 times weight 1 make 11"


@given(st.lists(st.tuples(DAYS, SEXES), max_size=60))
def test_a_claimed_birthday_stays_and_its_number_is_given_once(claims: list[tuple[date, Sex]]) -> None:
    register = Register("seed")
    numbers = [register.claim(born, sex) for born, sex in claims]
    assert len({number.value for number in numbers}) == len(claims)
    assert all(
        number.value.startswith(born.strftime("%d%m%y")) for number, (born, _) in zip(numbers, claims, strict=True)
    )


@given(st.integers(1937, 2030), SEXES, st.integers())
def test_a_drawn_birthday_fits_its_number(year: int, sex: Sex, seed: int) -> None:
    born, number = Register(str(seed)).draw(Random(seed), year, sex)
    assert born.year == year
    assert number.system == systems.CPR
    assert number.use == "official"
    assert number.value in safe_numbers(born, sex)


def test_somebody_born_before_1937_gets_an_x_ecpr() -> None:
    born, number = Register("seed").draw(Random(1), 1931, "male")
    assert born.year == 1931
    assert (number.system, number.use) == (systems.X_ECPR, "temp")
    assert X_ECPR.fullmatch(number.value)


def test_no_number_repeats_when_birth_years_run_out() -> None:
    register, rng = Register("seed"), Random(1)
    drawn = [register.draw(rng, 1956, "female") for _ in range(6000)]
    assert len({number.value for _, number in drawn}) == 6000
    uses = Counter(number.use for _, number in drawn)
    seven_years = sum(365 + isleap(year) for year in range(1953, 1960))
    assert 0.85 * 2 * seven_years < uses["official"] < 2 * seven_years, "about 650 a year, three years to each side"
    assert uses["temp"] == 6000 - uses["official"]


def test_the_numbers_of_one_day_and_sex_end_in_x_ecpr_that_differ() -> None:
    register = Register("seed")
    numbers = [register.claim(date(1960, 5, 17), sex) for sex in ("female", "male") for _ in range(100)]
    assert len({number.value for number in numbers}) == 200
    assert all(X_ECPR.fullmatch(number.value) for number in numbers if number.use == "temp")
