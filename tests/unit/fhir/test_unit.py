"""Units: which convert, what keeps its digits, what is rounded, and what is refused."""

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ucum_table import KINDS, TABLE, table

from careplan.domain.errors import OutOfRange, UnitMismatch
from careplan.fhir.unit import factor, molar_factor, units_like, units_of, value_in_measure
from careplan.knowledge.load import load_knowledge

MEASURES = load_knowledge().measures


def test_every_factor_is_the_library_s() -> None:
    assert json.loads(TABLE.read_text(encoding="utf-8")) == table(), "run python tests/ucum_table.py"


@pytest.mark.parametrize("measure", [m for m in MEASURES.values() if m.ucum], ids=lambda m: m.id)
def test_every_unit_of_a_measure_s_codes_converts(measure: object) -> None:
    found = MEASURES[measure.id]  # type: ignore[attr-defined]
    for code in found.codes:
        assert not code.ucum or code.ucum in units_of(found)


@pytest.mark.parametrize(
    ("unit", "into", "by"),
    [
        ("m", "cm", "100"),
        ("1", "%", "100"),
        ("h/wk", "min/wk", "60"),
        ("umol/l", "mmol/L", "1/1000"),
        ("/min", "1/min", "1"),
        ("[lb_av]", "kg", "45359237/100000000"),
        ("{pack-years}", "{pack-years}", "1"),
    ],
)
def test_units_of_one_kind_scale_exactly(unit: str, into: str, by: str) -> None:
    assert factor(unit, into) == Fraction(by)


@pytest.mark.parametrize(
    ("unit", "into"),
    [
        ("mg/dL", "mmol/L"),
        ("%", "mmol/mol"),
        ("mg/g", "mmol/mol"),
        ("{score}", "%"),
        ("mL/min", "mL/min/{1.73_m2}"),
        ("kg", "m"),
        ("stk", "kg"),
        ("mmol/L", "ukendt"),
    ],
)
def test_kinds_that_ucum_alone_would_mix_do_not_scale(unit: str, into: str) -> None:
    with pytest.raises(UnitMismatch, match="no exact conversion"):
        factor(unit, into)


def test_a_molar_mass_leads_from_mass_to_substance_and_nowhere_else() -> None:
    assert molar_factor("g/L", "mol/L", Decimal(180)) == Fraction(1, 180)
    with pytest.raises(UnitMismatch):
        molar_factor("mmol/L", "g/L", Decimal(180))


def test_an_unknown_unit_is_like_itself_alone() -> None:
    assert units_like("stk") == ("stk",)
    assert set(units_like("cm")) == set(KINDS["length"])


@pytest.mark.parametrize(
    ("measure", "value", "unit", "becomes"),
    [
        # published: 100 mg/dL of LDL is 2.59, 150 of triglycerides 1.69, 126 of glucose 7.0, 1 of creatinine 88.4
        ("ldl", "100", "mg/dL", "2.6"),
        ("total_cholesterol", "200", "mg/dL", "5.2"),
        ("hdl_cholesterol", "40", "mg/dL", "1.0"),
        ("non_hdl", "130", "mg/dL", "3.4"),
        ("triglycerides", "150", "mg/dL", "1.7"),
        ("glucose_fasting", "126", "mg/dL", "7.0"),
        ("glucose_random", "200", "mg/dl", "11.1"),
        ("ldl", "1", "g/L", "2.6"),
        ("creatinine", "1.0", "mg/dL", "88"),
        ("uacr", "3.4", "mg/mmol", "30"),
        ("hba1c", "7.0", "%", "53"),
        ("hba1c", "6.5", "%", "48"),
        ("ldl", "1.40", "mmol/L", "1.40"),
        ("ldl", "1400", "umol/L", "1.400"),
        ("height", "1.720", "m", "172.0"),
        ("height", "68", "[in_i]", "173"),
        ("weight", "160", "[lb_av]", "72.6"),
        ("sbp", "17.3", "kPa", "130"),
        ("who5", "60", "1", "60"),
    ],
)
def test_a_value_is_read_in_the_measure_s_unit(measure: str, value: str, unit: str, becomes: str) -> None:
    assert str(value_in_measure(Decimal(value), unit, MEASURES[measure])) == becomes


@pytest.mark.parametrize(("measure", "unit"), [("ldl", "%"), ("hba1c", "mg/dL"), ("egfr", "mL/min"), ("weight", "stk")])
def test_everything_else_is_refused_by_the_names_of_measure_and_unit(measure: str, unit: str) -> None:
    with pytest.raises(UnitMismatch, match=rf"{measure} is measured in .*converts from"):
        value_in_measure(Decimal(5), unit, MEASURES[measure])


def test_a_percentage_no_blood_can_have_is_refused() -> None:
    with pytest.raises(OutOfRange, match="hba1c"):
        value_in_measure(Decimal(48), "%", MEASURES["hba1c"])


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_conversion_there_and_back_is_the_same(kind: str, data: st.DataObject) -> None:
    one, other = (data.draw(st.sampled_from(KINDS[kind])) for _ in range(2))
    assert factor(one, other) * factor(other, one) == 1
