"""The eight people of the demo: always there, with ids that can be typed, whatever the seed.

Each stands for one situation that the pages must show. Ages hold on the day the run is made for.
"""

from collections.abc import Iterator
from datetime import date, timedelta

from careplan.domain.calendar import add_months
from careplan.synthetic.cpr import Register
from careplan.synthetic.person import Diagnosis, Person


def cast(register: Register, on: date) -> Iterator[Person]:
    """Anna to Hanne, in alphabetical order."""

    def born(age: int, month: int, day: int) -> date:
        birthday = date(on.year, month, day)
        return date(on.year - age - (birthday > on), month, day)

    def since(code: str, years: float, both: bool = False) -> Diagnosis:
        months = round(years * 12)
        return Diagnosis(code, add_months(on, -months), "both" if both else "icpc")

    anna = born(58, 3, 14)
    yield Person(  # angina, LDL above 1.4, should have a heart plan and has none
        id="anna", given="Anna", family="Jensen", sex="female", born=anna, number=register.claim(anna, "female"),
        diagnoses=(since("K74", 3, both=True),), smoking="former", quit=on - timedelta(days=1200),
        frailty=2, since_review=24, levels={"ldl": 3.7}, medicine=("atorvastatin", "acetylsalicylsyre"),
    )  # fmt: skip
    birthe = born(71, 9, 2)
    yield Person(  # three diseases, three plans, one target a measure
        id="birthe", given="Birthe", family="Nielsen", sex="female", born=birthe,
        number=register.claim(birthe, "female"),
        diagnoses=(since("T90", 14, both=True), since("K76", 6), since("K86", 15), since("R95", 7, both=True)),
        smoking="former", quit=on - timedelta(days=2500), frailty=3, plan="active",
        plan_types=("diabetes", "kol", "hjerte"), since_review=83, levels={"fev1": 56, "hba1c": 54, "ldl": 3.9},
        medicine=("metformin", "insulin", "atorvastatin", "losartan", "tiotropium"), severe_hypoglycaemia=False,
    )  # fmt: skip
    carl = born(66, 6, 21)
    yield Person(  # overdue, breathless, referred to the municipality
        id="carl", given="Carl", family="Mortensen", sex="male", born=carl, number=register.claim(carl, "male"),
        diagnoses=(since("R95", 8),), smoking="current", frailty=3, plan="overdue", plan_types=("kol",),
        referral="active", since_review=470, levels={"fev1": 47}, medicine=("tiotropium", "salbutamol"),
    )  # fmt: skip
    dorte = born(88, 1, 30)
    yield Person(  # frail and treated too hard
        id="dorte", given="Dorte", family="Østergaard", sex="female", born=dorte,
        number=register.claim(dorte, "female"), diagnoses=(since("T90", 19), since("K86", 22)),
        smoking="never", frailty=7, plan="active", plan_types=("diabetes", "hjerte"), since_review=130,
        levels={"hba1c": 46}, medicine=("insulin", "losartan", "amlodipin"), severe_hypoglycaemia=False,
    )  # fmt: skip
    erik = born(49, 11, 8)
    yield Person(  # new, no plan yet
        id="erik", given="Erik", family="Holm", sex="male", born=erik, number=register.claim(erik, "male"),
        diagnoses=(since("T90", 0.17, both=True),), smoking="never", frailty=1, since_review=20,
        levels={"hba1c_at_diagnosis": 61}, medicine=("metformin",), severe_hypoglycaemia=False,
    )  # fmt: skip
    fatima = born(54, 4, 17)
    yield Person(  # an agreed target that differs from the recommended one
        id="fatima", given="Fatima", family="Yilmaz", sex="female", born=fatima,
        number=register.claim(fatima, "female"), diagnoses=(since("T90", 6, both=True),), smoking="never",
        frailty=2, plan="active", plan_types=("diabetes",), since_review=150, deviation="hba1c", levels={"hba1c": 55},
        medicine=("metformin", "gliclazid"), severe_hypoglycaemia=False,
    )  # fmt: skip
    gunnar = born(74, 12, 3)
    yield Person(  # a plan that is closed
        id="gunnar", given="Gunnar", family="Bruun", sex="male", born=gunnar, number=register.claim(gunnar, "male"),
        diagnoses=(since("K86", 12),), smoking="former", quit=on - timedelta(days=7000), frailty=2, plan="closed",
        plan_types=("hjerte",), since_review=320, medicine=("losartan",),
    )  # fmt: skip
    hanne = born(45, 5, 26)
    yield Person(  # nothing chronic
        id="hanne", given="Hanne", family="Friis", sex="female", born=hanne, number=register.claim(hanne, "female"),
        diagnoses=(), smoking="never", since_review=400,
    )  # fmt: skip
