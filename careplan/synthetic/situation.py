"""People of the demo who each stand for one state of the pages that nobody of the cast shows.

They come beside the people asked for, so that a list of n people stays one. docs/screens.md names who shows what.
"""

from collections.abc import Iterator
from datetime import date

from careplan.domain.calendar import add_months
from careplan.synthetic.cpr import Register, Sex
from careplan.synthetic.person import Diagnosis, Person

IDS = (
    "ingrid", "jens", "kirsten", "leif", "mads", "nils", "olga", "peter", "rita", "svend", "tove", "ulla", "viggo",
)  # fmt: skip


def situations(register: Register, on: date) -> Iterator[Person]:
    """Ingrid to Viggo, in alphabetical order."""

    def born(age: int, month: int, day: int) -> date:
        birthday = date(on.year, month, day)
        return date(on.year - age - (birthday > on), month, day)

    def since(code: str, years: float) -> Diagnosis:
        return Diagnosis(code, add_months(on, -round(years * 12)))

    ingrid = born(79, 10, 12)
    yield Person(  # every value is old
        id="ingrid", given="Ingrid", family="Dam", sex="female", born=ingrid, number=register.claim(ingrid, "female"),
        diagnoses=(since("K86", 11), since("R95", 9)), smoking="never", frailty=4, plan="overdue",
        plan_types=("hjerte", "kol"), since_review=610, levels={"fev1": 61}, medicine=("losartan", "tiotropium"),
    )  # fmt: skip
    jens = born(63, 2, 5)
    yield Person(  # the clinic is making the plan
        id="jens", given="Jens", family="Skov", sex="male", born=jens, number=register.claim(jens, "male"),
        diagnoses=(since("T90", 1),), smoking="former", frailty=1, plan="draft", plan_types=("diabetes",),
        since_review=6, medicine=("metformin",), severe_hypoglycaemia=False,
    )  # fmt: skip
    kirsten = born(60, 7, 19)
    yield Person(  # an individual target whose last day is past: agreed and recommended do not fit together
        id="kirsten", given="Kirsten", family="Bæk", sex="female", born=kirsten,
        number=register.claim(kirsten, "female"), diagnoses=(since("T90", 8), since("K76", 3)), smoking="never",
        frailty=2, plan="overdue", plan_types=("diabetes", "hjerte"), since_review=395, deviation="ldl",
        levels={"hba1c": 50, "ldl": 3.3}, medicine=("metformin", "atorvastatin"),
        severe_hypoglycaemia=False,
        asks=(
            ("Må jeg tage min datter med til næste kontrol?", "Ja, hun er velkommen. Vi glæder os til at se jer.", 40),
            ("Jeg har fået ny blodtryksmåler. Kan I se, om den passer med jeres?", "", 2),
        ),
    )  # fmt: skip
    leif = born(69, 3, 28)
    yield Person(  # has barred the clinic from seeing anything
        id="leif", given="Leif", family="Ravn", sex="male", born=leif, number=register.claim(leif, "male"),
        diagnoses=(since("R95", 5),), smoking="former", frailty=3, plan="active", plan_types=("kol",),
        since_review=140, bars=("clinic-own",), levels={"fev1": 58}, medicine=("tiotropium",),
        opened="Fundet bevidstløs. Medicin og sygdomme skulle kendes.",
    )  # fmt: skip
    mads = born(52, 8, 15)
    yield Person(  # helps two others: writes for one of them, and only reads of the other
        id="mads", given="Mads", family="Østergaard", sex="male", born=mads, number=register.claim(mads, "male"),
        diagnoses=(since("K86", 4),), smoking="never", frailty=1, plan="active", plan_types=("hjerte",),
        since_review=120, medicine=("losartan",),
        helps=(("dorte", "Søn", True), ("ingrid", "Nevø", False)),
    )  # fmt: skip
    nils = born(67, 5, 9)
    yield Person(  # has sent answers that somebody must ring about today
        id="nils", given="Nils", family="Kjær", sex="male", born=nils, number=register.claim(nils, "male"),
        diagnoses=(since("R95", 6),), smoking="former", frailty=3, plan="active", plan_types=("kol",),
        since_review=356, levels={"fev1": 52}, medicine=("tiotropium",),
        answers={"who5": (1, 0, 1, 1, 0), "cat": (3, 2, 2, 4, 3, 3, 2, 4), "mrc": (3,)},
        topics=("aandenoed", "humoer", "soevn"), phone="00 20 30 40",
    )  # fmt: skip
    olga = born(62, 11, 30)
    yield Person(  # is prepared: has sent answers, and nothing in them is urgent
        id="olga", given="Olga", family="Lind", sex="female", born=olga, number=register.claim(olga, "female"),
        diagnoses=(since("K86", 7),), smoking="never", frailty=2, plan="active", plan_types=("hjerte",),
        since_review=357, medicine=("losartan",),
        answers={"who5": (4, 4, 3, 4, 5)}, topics=("motion", "tal"), answered=3,
    )  # fmt: skip
    referred: tuple[tuple[str, str, str, Sex, int, tuple[str, ...]], ...] = (
        ("peter", "Peter", "Vestergaard", "male", 70, ("received",)),
        ("rita", "Rita", "Munk", "female", 66, ("triage", "returned")),
        ("svend", "Svend", "Dahl", "male", 73, ("booked", "withdrawn")),
        ("tove", "Tove", "Lassen", "female", 68, ("paused", "forwarded")),
        ("ulla", "Ulla", "Krag", "female", 61, ("accepted",)),
        ("viggo", "Viggo", "Thorsen", "male", 72, ("active", "closed")),
    )  # each has an open referral, in the phases of a case; some an earlier one that ended
    for id, given, family, sex, age, phases in referred:
        birthday = born(age, 6, age % 28 + 1)
        yield Person(
            id=id, given=given, family=family, sex=sex, born=birthday, number=register.claim(birthday, sex),
            diagnoses=(since("R95", age - 58),), smoking="former", frailty=3, plan="active", plan_types=("kol",),
            since_review=100 + age, levels={"fev1": 60 - age % 9}, medicine=("tiotropium",), cases=phases,
        )  # fmt: skip
