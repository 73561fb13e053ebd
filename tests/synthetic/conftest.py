"""A clinic made once, and a stand-in for the rules that proposes fixed targets and remembers who it was asked about."""

from collections.abc import Callable
from datetime import date

import pytest

from careplan.fhir import systems
from careplan.synthetic.observation import Resource
from careplan.synthetic.people import clinic

ON = date(2026, 11, 22)


class Recommending:
    """Proposes the same three Goals to everyone: HbA1c below 53, systolic 120 to 130, alcohol without number."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, date]] = []

    def __call__(self, resources: list[Resource], on: date) -> list[Resource]:
        self.asked.append((resources[0]["id"], on))
        hba1c = [(systems.NPU, "NPU27300"), (systems.MCS, "MCS88186")]
        systolic = [(systems.NPU, "DNK05472"), (systems.MCS, "MCS88187")]
        return [
            self._goal("HbA1c under 53", hba1c, {"detailQuantity": _quantity(53, "mmol/mol") | {"comparator": "<"}}),
            self._goal("Blodtryk", systolic, {"detailRange": {"low": _quantity(120), "high": _quantity(130)}}),
            self._goal("Alkohol", [(systems.MCS, "MCS88036")], {"detailString": "Intet tal"}),
        ]

    def _goal(self, words: str, codings: list[tuple[str, str]], detail: Resource) -> Resource:
        row = {"url": systems.EXT_RECOMMENDATION, "extension": [{"url": "row", "valueCode": "ROW-01"}]}
        return {
            "resourceType": "Goal",
            "lifecycleStatus": "proposed",
            "description": {"text": words},
            "subject": {"reference": "Patient/somebody"},
            "target": [
                {
                    "extension": [{"url": systems.EXT_TARGET_KIND, "valueCode": "recommended"}, row],
                    "measure": {"coding": [{"system": system, "code": code} for system, code in codings]},
                    **detail,
                }
            ],
        }


def _quantity(value: int, unit: str = "mm[Hg]") -> Resource:
    return {"value": value, "unit": unit, "system": systems.UCUM, "code": unit}


@pytest.fixture(scope="session")
def make_recommending() -> type[Recommending]:
    return Recommending


@pytest.fixture(scope="session")
def recommending() -> Recommending:
    return Recommending()


@pytest.fixture(scope="session")
def bundles(recommending: Recommending) -> list[Resource]:
    """The surroundings and 400 people."""
    return list(clinic(7, 400, on=ON, recommend=recommending))


@pytest.fixture(scope="session")
def people(bundles: list[Resource]) -> dict[str, list[Resource]]:
    """By Patient id: all resources of the person."""
    records = [[entry["resource"] for entry in bundle["entry"]] for bundle in bundles[1:]]
    return {record[0]["id"]: record for record in records}


@pytest.fixture(scope="session")
def of_type(people: dict[str, list[Resource]]) -> Callable[..., list[Resource]]:
    """All resources of a type, of one person or of everybody."""

    def found(kind: str, person: str | None = None) -> list[Resource]:
        records = people.values() if person is None else [people[person]]
        return [one for record in records for one in record if one["resourceType"] == kind]

    return found
