"""Whatever is asked of `$set-individual-target`: a valid Goal that reads back as asked, or a refusal that names why."""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from careplan.domain.errors import CareplanError
from careplan.domain.measure import Measure
from careplan.domain.target import Target
from careplan.fhir import systems
from careplan.fhir.goal import AGREED, RECOMMENDED, find_deviation, find_target, goal_from_recommendation
from careplan.fhir.goal_fault import goal_faults
from careplan.fhir.instant import COPENHAGEN
from careplan.fhir.mapping import ChartReader
from careplan.fhir.profile import load_definitions
from careplan.fhir.text import dump, parse, read_text
from careplan.fhir.unit import value_in_measure
from careplan.interactions.caller import SYSTEM, Caller
from careplan.interactions.context import Context, House
from careplan.interactions.operations.asked import asked_from_parameters
from careplan.interactions.operations.individual_target import set_individual_target
from careplan.interactions.operations.wanted import REASONS
from careplan.interactions.person import read_person
from careplan.interactions.write import update
from careplan.knowledge.load import load_knowledge
from careplan.published import read_profiles, validator
from careplan.store.sqlite import SQLiteStore

PROFILES = Path(__file__).resolve().parents[2] / "profiles"
NOW = datetime(2026, 11, 22, 10, tzinfo=COPENHAGEN)
KNOWLEDGE = load_knowledge()
NAMES = ("low", "high", "unit", "comparator", "strict", "reason", "text", "valid-until", "author")
NURSE = Caller("clinic", "Lars Krogh", "north", reference="PractitionerRole/nurse")
DOCTOR = Caller("clinic", "Mette Holm", "north", reference="PractitionerRole/doctor")


class Clinic:
    """Anna with three diseases, a Goal for each measure that the rules recommend something for, and a store."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        reader, check = ChartReader(KNOWLEDGE), validator(load_definitions(read_profiles(PROFILES)))
        store = SQLiteStore.open(":memory:")
        self.house = House(store, store, KNOWLEDGE, reader, check, b"secret")
        self.number = 0
        self.measures = self.loop.run_until_complete(self._fill())

    def context(self, caller: Caller) -> Context:
        self.number += 1
        return Context(self.house, caller, NOW, lambda: f"n-{self.number}", "http://test/fhir")

    async def _fill(self) -> list[str]:
        base = {"resourceType": "Condition", "subject": {"reference": "Patient/anna"}, "onsetDateTime": "2020-05-20"}
        role = {"resourceType": "PractitionerRole"}
        profession = [{"coding": [{"system": systems.PROFESSION, "code": "7170"}]}]
        await self.put(
            {"resourceType": "Patient", "id": "anna", "birthDate": "1966-05-20", "gender": "female"} | LISTED
        )
        await self.put(role | {"id": "nurse"}, role | {"id": "doctor", "code": profession})
        for code in ("T90", "K74", "R95"):
            concept = {"coding": [{"system": systems.ICPC2, "code": code}]}
            await self.put(base | {"id": code.lower(), "code": concept})
        person = await read_person(self.context(SYSTEM), "anna")
        for name, said in person.answer.recommendations.items():
            goal = goal_from_recommendation(said, KNOWLEDGE.measures[name], "anna", NOW, agreed=True, status="active")
            await self.put(goal | {"id": name.replace("_", "-")})
        return sorted(person.answer.recommendations)

    async def put(self, *resources: dict[str, Any]) -> None:
        for one in resources:
            await update(self.context(SYSTEM), one["resourceType"], one["id"], read_text(dump(one)))

    async def ask(self, caller: Caller, measure: str, asked: dict[str, Any]) -> dict[str, Any]:
        parameters = [{"name": name, "value": value} for name, value in asked.items()]
        body = {"resourceType": "Parameters", "parameter": parameters}
        goal = await set_individual_target(
            self.context(caller), asked_from_parameters(measure.replace("_", "-"), body, ())
        )
        found: dict[str, Any] = parse(goal)
        return found

    async def position(self) -> int:
        return len(await self.house.store.changes(0, 1_000_000))


LISTED = {"generalPractitioner": [{"reference": "Organization/north"}]}


@pytest.fixture(scope="module")
def clinic() -> Iterator[Clinic]:
    made = Clinic()
    yield made
    made.loop.run_until_complete(made.house.store.close())
    made.loop.close()


NUMBERS = st.decimals(-5, 250, places=1, allow_nan=False) | st.sampled_from(["x", "NaN", "1e5", "", True, "58", 0])
UNITS = st.sampled_from(["mmol/mol", "mmol/L", "mg/dL", "%", "kg/m2", "mm[Hg]", "h/wk", "parsec", ""])
QUANTITIES = st.fixed_dictionaries(
    {"value": st.decimals(1, 200, places=1)}, optional={"code": UNITS, "unit": UNITS, "comparator": st.just("<")}
)
ASKED = st.fixed_dictionaries(
    {"reason": st.sampled_from([*REASONS, "whim", ""])},
    optional={
        "low": NUMBERS | QUANTITIES,
        "high": NUMBERS | QUANTITIES,
        "unit": UNITS,
        "comparator": st.sampled_from(["<", "<=", ">", ">=", "="]),
        "strict": st.sampled_from([True, False, "true", "ja"]),
        "text": st.text(max_size=40),
        "valid-until": st.dates().map(date.isoformat) | st.sampled_from(["2027", "2027-11-22", "2027-02-30"]),
        "author": st.sampled_from(["PractitionerRole/doctor", "Patient/anna", ""]),
    },
)


def sensible(measure: Measure) -> st.SearchStrategy[dict[str, Any]]:
    """What people might agree on; most of it is accepted."""
    low, high = (
        int(end) if end is not None else 100 * nth for nth, end in enumerate((measure.chart.low, measure.chart.high))
    )
    ends = st.decimals(max(low, 0), high, places=max(measure.decimals, 1))
    bounds = st.one_of(
        st.fixed_dictionaries({"high": ends}, optional={"comparator": st.sampled_from(["<", "<="])}),
        st.fixed_dictionaries({"low": ends}, optional={"comparator": st.sampled_from([">", ">="])}),
        st.tuples(ends, ends).map(lambda two: {"low": min(two), "high": max(two)}),
        st.tuples(ends, ends).map(lambda two: {"low": min(two), "high": max(two), "strict": True}),
    )
    said = st.fixed_dictionaries(
        {"reason": st.sampled_from(REASONS), "text": st.text(st.characters(min_codepoint=32), max_size=40)},
        optional={
            "unit": st.sampled_from([measure.ucum, measure.unit]),
            "valid-until": st.dates(date(2026, 11, 23), date(2199, 1, 1)).map(date.isoformat),
        },
    )
    return st.tuples(bounds, said).map(lambda two: two[0] | two[1])


def wanted_end(asked: dict[str, Any], name: str, measure: Measure) -> Decimal | None:
    value = asked.get(name)
    own = (value.get("code") or value.get("unit")) if isinstance(value, dict) else None
    number = value["value"] if isinstance(value, dict) else value
    if number in (None, ""):
        return None
    unit = own or asked.get("unit")
    known = not unit or unit in (measure.unit, measure.ucum)
    return Decimal(str(number)) if known else value_in_measure(Decimal(str(number)), str(unit), measure)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), doctor=st.booleans())
def test_what_is_asked_is_what_is_read_back_or_nothing_is_stored(
    clinic: Clinic, data: st.DataObject, doctor: bool
) -> None:
    name = data.draw(st.sampled_from(clinic.measures))
    asked = data.draw(sensible(KNOWLEDGE.measures[name]) | ASKED)
    run: Callable[..., Any] = clinic.loop.run_until_complete
    before = run(clinic.position())
    measure = KNOWLEDGE.measures[name]
    try:
        goal = run(clinic.ask(DOCTOR if doctor else NURSE, name, asked))
    except CareplanError as error:
        event(error.code)
        assert run(clinic.position()) == before
        assert re.search(rf"\b({'|'.join(NAMES)})\b", error.message), error.message
        return
    event("agreed")
    assert not [fault for fault in clinic.house.validate(goal) if fault.severity == "error"]
    assert not list(goal_faults(goal, clinic.house.reader.codes, KNOWLEDGE.measures))
    low, high = (wanted_end(asked, end, measure) for end in ("low", "high"))
    strict = asked.get("strict") in (True, "true") or asked.get("comparator") in ("<", ">")
    target, deviation = find_target(goal, AGREED), find_deviation(goal)
    assert target == Target(low, high, measure.unit, strict)
    recommended = find_target(goal, RECOMMENDED)
    assert recommended is not None
    differs = (low, high, strict) != (recommended.low, recommended.high, recommended.strict)
    assert (deviation is not None) == differs
    if deviation is not None:
        text = str(asked.get("text", "")).strip()
        author = (DOCTOR if doctor else NURSE).reference
        assert (deviation.reason, deviation.text or "", deviation.author) == (asked["reason"], text, author)
        assert str(deviation.valid_until) == asked.get("valid-until", "2027-11-22")
