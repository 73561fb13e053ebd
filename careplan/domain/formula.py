"""Named formulas for derived measures, each with its inputs, units, valid range, rounding and source.

A formula takes numbers and gives a number, or None outside the range it was made for: never a guess. Which
readings it is given is said by `careplan.domain.derivation`; which measure uses it, by the measure's file.
Powers are Decimal's, in twelve digits, so that one record gives one value on every machine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache

from careplan.domain.measure import Span
from careplan.domain.quantity import rounded

ADULT = 18
"""Years from which the formulas for adults hold."""

Compute = Callable[[Sequence[Decimal], int, bool], Decimal | None]

_FINE = Context(prec=12)
_ONE = Decimal(1)
_UMOL_IN_MG_DL = Decimal("88.4")


@dataclass(frozen=True, slots=True)
class Input:
    """One number that a formula takes, in `unit` (UCUM); outside `span` the formula does not hold.

    steady  a quantity that hardly changes in an adult: it need not be measured on the same day
    """

    name: str
    unit: str
    span: Span
    steady: bool = False


@dataclass(frozen=True, slots=True)
class Formula:
    """How a number follows from others.

    unit      of the result, UCUM; decimals: what it is rounded to, half up, as laboratories report it
    reported  the rounded number is the result: what laboratories compute so they report so, and limits are set for
              that. Elsewhere rounding is for showing, and what is judged is the number as it was computed
    adult     whether it holds from 18 years only; sexed: whether it asks for the person's sex
    says      its name as a method: «CKD-EPI 2009»
    """

    id: str
    says: str
    inputs: tuple[Input, ...]
    unit: str
    decimals: int
    compute: Compute
    adult: bool = False
    sexed: bool = False
    reported: bool = False

    def value(self, numbers: Sequence[Decimal], age: int | None = None, male: bool | None = None) -> Decimal | None:
        """The rounded result, as it is shown; None where `exact` is."""
        found = self.exact(numbers, age, male)
        return None if found is None else rounded(found, self.decimals)

    def exact(self, numbers: Sequence[Decimal], age: int | None = None, male: bool | None = None) -> Decimal | None:
        """The result as it is judged; None outside the valid range, or where age or sex is asked for and not known.

        age  completed years on the day of the sample
        """
        if (self.adult and (age is None or age < ADULT)) or (self.sexed and male is None):
            return None
        if not all(one.span.holds(number) for one, number in zip(self.inputs, numbers, strict=True)):
            return None
        found = self.compute(numbers, age or 0, bool(male))
        return rounded(found, self.decimals) if found is not None and self.reported else found


# ── the formulas ─────────────────────────────────────────────────────────────────────────────────


def bmi(numbers: Sequence[Decimal], age: int, male: bool) -> Decimal | None:
    """Body mass index of an adult: weight (kg) over the square of height (m). WHO, Technical Report 894, 2000."""
    weight, height = numbers
    metres = height / 100
    return weight / (metres * metres)


def egfr_2009(numbers: Sequence[Decimal], age: int, male: bool) -> Decimal | None:
    """Filtration rate by CKD-EPI 2009 without the race factor, as DNK35302 reports it; creatinine in µmol/L.

    Levey AS et al., Ann Intern Med 2009;150:604–12.
    """
    power, sex = (Decimal("-0.411"), _ONE) if male else (Decimal("-0.329"), Decimal("1.018"))
    return _ckd_epi(numbers[0], male, power, Decimal("-1.209"), Decimal(141) * sex, Decimal("0.993"), age)


def egfr_2021(numbers: Sequence[Decimal], age: int, male: bool) -> Decimal | None:
    """Filtration rate by CKD-EPI 2021, creatinine in µmol/L. Inker LA et al., N Engl J Med 2021;385:1737–49."""
    power, sex = (Decimal("-0.302"), _ONE) if male else (Decimal("-0.241"), Decimal("1.012"))
    return _ckd_epi(numbers[0], male, power, Decimal("-1.200"), Decimal(142) * sex, Decimal("0.9938"), age)


def _ckd_epi(
    creatinine: Decimal, male: bool, low: Decimal, high: Decimal, factor: Decimal, yearly: Decimal, age: int
) -> Decimal:
    """Both equations have one shape: a bent power of creatinine (mg/dL over κ) and a share lost each year."""
    return factor * _bent(creatinine, Decimal("0.9") if male else Decimal("0.7"), low, high) * _lost(yearly, age)


@lru_cache(4096)
def _bent(creatinine: Decimal, kappa: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """The costly power; creatinine is reported in whole µmol/L, so few values come again and again."""
    share = _FINE.divide(creatinine / _UMOL_IN_MG_DL, kappa)
    return _FINE.power(share, low if share < 1 else high)


@lru_cache(512)
def _lost(yearly: Decimal, age: int) -> Decimal:
    return _FINE.power(yearly, age)


def non_hdl(numbers: Sequence[Decimal], age: int, male: bool) -> Decimal | None:
    """Cholesterol outside HDL: total less HDL, both in mmol/L. ESC/EAS 2019 dyslipidaemia guideline, section 4."""
    total, hdl = numbers
    return total - hdl if total > hdl else None


def fev1_fvc(numbers: Sequence[Decimal], age: int, male: bool) -> Decimal | None:
    """Share of the forced vital capacity that is out after a second, both in litres of one spirometry.

    Three decimals, as spirometers print 69,6 %; judged unrounded, so that 0.6997 lies under 0.70. GOLD report 2025.
    """
    first, whole = numbers
    return first / whole if first <= whole else None


def pack_years(numbers: Sequence[Decimal], age: int, male: bool) -> Decimal | None:
    """Packs of twenty a day times the years smoked. NCI Dictionary of Cancer Terms, «pack year»."""
    daily, years = numbers
    return daily * years / 20


def hba1c_ifcc(numbers: Sequence[Decimal], age: int, male: bool) -> Decimal | None:
    """HbA1c in mmol/mol from NGSP (DCCT) %: the IFCC master equation, 10.93 × NGSP − 23.5.

    Hoelzel W et al., Clin Chem 2004;50:166–74, in the form the IFCC network publishes.
    """
    return Decimal("10.93") * numbers[0] - Decimal("23.5")


def _span(low: str, high: str) -> Span:
    return Span(Decimal(low), Decimal(high))


_CREATININE = Input("creatinine", "umol/L", _span("10", "2000"))
_EGFR = "mL/min/{1.73_m2}"

FORMULAS: Mapping[str, Formula] = {
    one.id: one
    for one in (
        Formula(
            "bmi",
            "vægt (kg) / højde (m)²",
            (Input("weight", "kg", _span("20", "350")), Input("height", "cm", _span("100", "250"), steady=True)),
            "kg/m2",
            1,
            bmi,
            adult=True,
        ),
        Formula(
            "egfr-ckd-epi-2009",
            "CKD-EPI 2009",
            (_CREATININE,),
            _EGFR,
            0,
            egfr_2009,
            adult=True,
            sexed=True,
            reported=True,  # laboratories report whole numbers, DNK35302 among them
        ),
        Formula(
            "egfr-ckd-epi-2021",
            "CKD-EPI 2021",
            (_CREATININE,),
            _EGFR,
            0,
            egfr_2021,
            adult=True,
            sexed=True,
            reported=True,
        ),
        Formula(
            "non-hdl",
            "total − HDL",
            (Input("total", "mmol/L", _span("0.5", "20")), Input("hdl", "mmol/L", _span("0.1", "5"))),
            "mmol/L",
            1,
            non_hdl,
        ),
        Formula(
            "fev1-fvc",
            "FEV1 / FVC",
            (Input("fev1", "L", _span("0.2", "8")), Input("fvc", "L", _span("0.3", "10"))),
            "{ratio}",
            3,
            fev1_fvc,
        ),
        Formula(
            "pack-years",
            "cigaretter om dagen / 20 × år",
            (Input("daily", "{cigarettes}/d", _span("0", "200")), Input("years", "a", _span("0", "100"))),
            "{pack-years}",
            0,
            pack_years,
        ),
        Formula(
            "hba1c-ifcc",
            "IFCC master equation",
            (Input("ngsp", "%", _span("3", "20")),),
            "mmol/mol",
            0,
            hba1c_ifcc,
            reported=True,  # the IFCC unit is reported in whole numbers: 7.0 % is 53
        ),
    )
}
"""Every formula by the name that measure files use."""
