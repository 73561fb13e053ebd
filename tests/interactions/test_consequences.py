"""A value moves the standing of its Goal in the same commit, whichever way values come, go and cross."""

import asyncio
from typing import Any

import pytest

from careplan.fhir import systems
from careplan.fhir.goal import achievement_of
from careplan.fhir.text import parse

from .conftest import Json, Town, concept, hba1c, measured


@pytest.fixture
async def planned(town: Town) -> Town:
    """Anna with a diabetes plan: HbA1c at most 58, because of her heart."""
    await town.call("CarePlan/$establish", subject="Patient/anna", definition="PlanDefinition/diabetes")
    return town


async def stands(town: Town, measure: str = "HbA1c") -> str | None:
    return achievement_of((await town.goals())[measure])


async def test_a_goal_without_value_says_nothing(planned: Town) -> None:
    assert await stands(planned) is None


async def test_a_new_value_moves_its_goal_in_the_same_commit(planned: Town) -> None:
    position = (await planned.house.store.changes(0, 100_000))[-1].position
    await planned.post(hba1c(66))
    fresh = await planned.house.store.changes(position)
    assert sorted(one.type for one in fresh) == ["Goal", "Observation", "Provenance"]
    assert len({one.at for one in fresh}) <= 2
    (proof,) = [parse(one.body or b"") for one in fresh if one.type == "Provenance"]
    written = {f"{one.reference}/_history/{one.number}" for one in fresh if one.type != "Provenance"}
    assert written <= {target["reference"] for target in proof["target"]}
    assert await stands(planned) == "not-achieved"


async def test_a_goal_that_stands_as_before_gets_no_version(planned: Town) -> None:
    await planned.post(hba1c(57, "2026-11-10"))
    goal = (await planned.goals())["HbA1c"]
    await planned.post(hba1c(56, "2026-11-12"))
    assert (await planned.goals())["HbA1c"]["meta"] == goal["meta"]


async def test_an_older_value_does_not_move_the_goal(planned: Town) -> None:
    await planned.post(hba1c(51, "2026-11-10"))
    await planned.post(hba1c(90, "2026-01-10"))
    assert await stands(planned) == "achieved"


async def test_a_value_dated_in_the_future_waits(planned: Town) -> None:
    await planned.post(hba1c(51, "2026-11-10"))
    await planned.post(hba1c(90, "2026-11-23"))
    assert await stands(planned) == "achieved"


@pytest.mark.parametrize("rough", ["2026", "2026-11", "2026-11-10"])
async def test_a_value_whose_time_is_rough_stands_in_no_other_s_way(planned: Town, rough: str) -> None:
    """A day or a year reaches beyond the moment it begins with: later writes were refused as overtaken, for ever."""
    await planned.post(hba1c(90, rough))
    await planned.post(hba1c(80, rough))
    for moment in ("2026-11-10T10:00:00+01:00", "2026-11-10T10:00:00+01:00", "2026-11-12T10:00:00+01:00"):
        await planned.post(hba1c(51, moment))
    await planned.post(hba1c(90, rough))
    assert await stands(planned) == "achieved"


async def test_a_period_without_end_stands_in_no_other_s_way(planned: Town) -> None:
    for start in ("2020-01-01", "2026-11-01"):
        lasting = {name: part for name, part in hba1c(90, start).items() if name != "effectiveDateTime"}
        await planned.post({**lasting, "effectivePeriod": {"start": start}})
    await planned.post(hba1c(51, "2026-11-12"))
    await planned.post(hba1c(52, "2026-11-12"))
    assert await stands(planned) == "achieved"


async def test_a_withdrawn_value_moves_the_goal_back(planned: Town) -> None:
    await planned.post(hba1c(51, "2026-11-10"))
    wrong = await planned.post(hba1c(90, "2026-11-15"))
    assert await stands(planned) == "not-achieved"
    await planned.put({**hba1c(90, "2026-11-15"), "id": wrong.id, "status": "entered-in-error"})
    assert await stands(planned) == "achieved"


async def test_a_deleted_value_moves_the_goal_back_to_nothing(planned: Town) -> None:
    only = await planned.post(hba1c(90))
    await planned.delete(only.reference)
    assert await stands(planned) is None


async def test_a_corrected_value_moves_the_goal(planned: Town) -> None:
    made = await planned.post(hba1c(90))
    await planned.put({**hba1c(49), "id": made.id, "status": "corrected"})
    assert await stands(planned) == "achieved"


async def test_a_value_corrected_to_another_measure_lets_go_of_its_goal(planned: Town) -> None:
    made = await planned.post(hba1c(90))
    await planned.put({**measured("NPU01568", 3, "mmol/L"), "id": made.id, "status": "corrected"})
    assert await stands(planned) is None
    assert await stands(planned, "LDL-kolesterol") == "not-achieved"


async def test_a_value_given_back_to_its_owner_moves_both_people_s_goals(planned: Town) -> None:
    await planned.post({**hba1c(51, "2026-10-01")})
    made = await planned.post(hba1c(90))
    assert await stands(planned) == "not-achieved"
    await planned.put({**hba1c(90, of="birthe"), "id": made.id})
    assert await stands(planned) == "achieved"


async def test_a_blood_pressure_moves_both_of_its_goals(planned: Town) -> None:
    parts = [
        {
            "code": concept(systems.LOINC, code),
            "valueQuantity": {"value": value, "system": systems.UCUM, "code": "mm[Hg]"},
        }
        for code, value in (("8480-6", 128), ("8462-4", 95))
    ]
    panel = {name: part for name, part in hba1c(1).items() if name not in ("valueQuantity", "code")}
    await planned.post({**panel, "code": concept(systems.LOINC, "85354-9"), "component": parts})
    assert await stands(planned, "Systolisk blodtryk") == "achieved"
    assert await stands(planned, "Diastolisk blodtryk") == "not-achieved"


async def test_a_low_pressure_stands_out_only_in_the_treated(planned: Town) -> None:
    await planned.post(measured("DNK05472", 105, "mm[Hg]", "2026-11-10"))
    assert await stands(planned, "Systolisk blodtryk") == "achieved"
    drug = {
        "resourceType": "MedicationStatement",
        "id": "m1",
        "status": "active",
        "subject": {"reference": "Patient/anna"},
    }
    await planned.put({**drug, "medicationCodeableConcept": concept(systems.ATC, "C09AA02")})
    await planned.post(measured("DNK05472", 105, "mm[Hg]", "2026-11-11"))
    assert await stands(planned, "Systolisk blodtryk") == "not-achieved"


async def test_a_value_of_somebody_else_moves_nothing(planned: Town) -> None:
    await planned.post(hba1c(90, of="birthe"))
    assert await stands(planned) is None


async def test_a_closed_goal_is_left_alone(planned: Town) -> None:
    goal = (await planned.goals())["HbA1c"]
    await planned.put({**goal, "lifecycleStatus": "completed"})
    await planned.post(hba1c(90))
    (closed,) = await planned.find("Goal", lifecycle_status="completed")
    assert achievement_of(closed) is None


async def test_a_transaction_of_values_moves_the_goal_by_the_newest(planned: Town) -> None:
    entries: list[dict[str, Any]] = [
        {"resource": hba1c(value, f"2026-11-{day:02}"), "request": {"method": "POST", "url": "Observation"}}
        for day, value in ((12, 90), (15, 50), (3, 95))
    ]
    await planned.bundle(*entries)
    assert await stands(planned) == "achieved"


@pytest.mark.parametrize("best_last", [True, False])
async def test_twenty_values_at_once_leave_the_goal_by_the_newest(planned: Town, best_last: bool) -> None:
    days = [(day, 50 if (day == 20) is best_last else 90) for day in range(1, 21)]
    await asyncio.gather(*(planned.post(hba1c(value, f"2026-11-{day:02}")) for day, value in days))
    assert len(await planned.find("Observation", patient="anna")) == 20
    assert await stands(planned) == ("achieved" if best_last else "not-achieved")


async def test_values_and_withdrawals_at_once_leave_the_goal_right(planned: Town) -> None:
    made = [await planned.post(hba1c(50 if day % 2 else 90, f"2026-11-{day:02}")) for day in range(1, 11)]

    async def withdraw(index: int) -> Json:
        one = parse(made[index].body or b"")
        (version,) = await planned.put({**one, "status": "entered-in-error"})
        return parse(version.body or b"")

    await asyncio.gather(*(withdraw(index) for index in (9, 7, 5)), planned.post(hba1c(51, "2026-10-01")))
    assert await stands(planned) == "achieved"  # day 9 stands, the high ones around it are withdrawn


async def test_the_goal_keeps_what_was_agreed_when_its_standing_moves(planned: Town) -> None:
    before = (await planned.goals())["HbA1c"]
    await planned.post(hba1c(90))
    after = (await planned.goals())["HbA1c"]
    assert after["target"] == before["target"]
    assert after["description"] == before["description"]


# ── what is computed ─────────────────────────────────────────────────────────────────────────────


async def test_a_value_that_another_is_computed_from_moves_that_goal(planned: Town) -> None:
    made = await planned.post(measured("NPU03835", 9, "%", "2026-11-10"))
    assert await stands(planned) == "not-achieved"
    await planned.post(hba1c(51, "2026-11-12"))
    assert await stands(planned) == "achieved"
    await planned.post(measured("NPU03835", 9, "%", "2026-11-12T12:00:00+01:00"))
    assert await stands(planned) == "achieved"
    await planned.delete(f"Observation/{made.id}")
    assert await stands(planned) == "achieved"


async def test_a_deleted_number_takes_what_was_computed_from_it_away(planned: Town) -> None:
    made = await planned.post(measured("NPU03835", 9, "%", "2026-11-10"))
    await planned.delete(f"Observation/{made.id}")
    assert await stands(planned) is None


async def test_ten_numbers_at_once_leave_the_goal_as_the_newest_says(planned: Town) -> None:
    days = [f"2026-10-{day:02}" for day in range(1, 11)]
    values = [measured("NPU03835", 9 if day < days[-1] else 6, "%", day) for day in days]
    await asyncio.gather(*(planned.post(one) for one in values))
    assert await stands(planned) == "achieved"
