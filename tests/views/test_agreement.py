"""What a patient is told to do next, of all that is agreed."""

from datetime import date
from typing import Any

from careplan.fhir import systems
from careplan.views.agreement import agreements, next_step

ON = date(2026, 11, 22)


def task(id: str, due: str, activity: str = "", *, owner: str = "Patient/p", kind: str = "Task") -> dict[str, Any]:
    """Something agreed of a plan, by a day."""
    codings = [{"system": systems.ACTIVITY, "code": activity}] if activity else []
    common = {
        "resourceType": kind,
        "id": id,
        "basedOn": [{"reference": "CarePlan/c"}],
        "code": {"coding": codings, "text": id},
    }
    if kind == "ServiceRequest":
        period = {"occurrencePeriod": {"end": due}}
        return common | period | {"status": "active", "intent": "plan", "patientInstruction": "Få det gjort."}
    ends = {"restriction": {"period": {"end": due}}}
    return common | ends | {"status": "requested", "intent": "plan", "owner": {"reference": owner}}


HABIT = task("motion", "2026-01-01")


def chosen(*tasks: dict[str, Any]) -> str:
    step = next_step(agreements(tasks, {}, ON))
    return "" if step is None else step.title


def test_a_time_to_book_stands_before_a_habit_whose_day_has_passed() -> None:
    assert chosen(HABIT, task("bestil", "2026-12-20", "indkaldelse")) == "bestil"
    assert chosen(HABIT, task("kontrol", "2027-01-20", "aarskontrol", owner="PractitionerRole/n")) == "kontrol"
    assert chosen(HABIT, task("blod", "2027-01-20", "blodproeve", kind="ServiceRequest")) == "blod"
    assert chosen(HABIT, task("hjemme", "2027-01-20", "hjemmeblodtryk")) == "hjemme"


def test_a_habit_is_told_where_nothing_else_is() -> None:
    assert chosen(HABIT) == "motion"


def test_a_measurement_at_home_names_what_is_written_down() -> None:
    found = agreements([task("hjemme", "2027-01-20", "hjemmeblodtryk"), HABIT], {}, ON)
    assert {one.title: (one.written, one.habit) for one in found} == {"hjemme": ("sbp", False), "motion": ("", True)}
