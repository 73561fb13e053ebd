"""fhirclient, SMART's own Python client with strict R4 models, against the running service.

Its models refuse what is not R4, so that reading our answers through them says that they are.
https://github.com/smart-on-fhir/client-py
"""

import pytest
from fhirclient import client as smart
from fhirclient.models import bundle, capabilitystatement, careplan, goal, observation, patient
from fhirclient.server import FHIRNotFoundException
from people import NPU, fresh, hba1c, personal_goal
from people import patient as person


@pytest.fixture
def server(service: str) -> object:
    """The client's server, ready without authorization."""
    made = smart.FHIRClient(settings={"app_id": "forloebsplan-test", "api_base": service})
    made.prepare()
    return made.server


def test_the_capability_statement_is_r4(server) -> None:
    """R4-1: the client reads it first of all, and knows every element of it."""
    statement = capabilitystatement.CapabilityStatement.read_from("metadata", server)
    assert statement.fhirVersion == "4.0.1"
    assert {one.type for one in statement.rest[0].resource} >= {"Patient", "CarePlan", "Goal", "Observation"}


def test_models_are_created_read_changed_and_deleted(server) -> None:
    """R4-13, R4-20, R4-29, R4-45: with the client's own model of a Patient."""
    made = patient.Patient(person(fresh()))
    answer = made.create(server)
    made.id = answer["id"]
    there = patient.Patient.read(made.id, server)
    assert there.name[0].given == ["Åse", "Test"]
    there.gender = "male"
    assert there.update(server)["meta"]["versionId"] == "2"
    there.delete()
    with pytest.raises(Exception, match="410") as gone:
        patient.Patient.read(made.id, server)
    assert not isinstance(gone.value, FHIRNotFoundException)


def test_values_are_searched_through_models_and_pages(server) -> None:
    """R4-67, R4-73, R4-75: perform_resources_iter follows the next links."""
    who = patient.Patient(person(fresh())).create(server)["id"]
    for day in range(1, 6):
        observation.Observation(hba1c(f"Patient/{who}", 48.5 + day, f"2026-09-{day:02}")).create(server)
    goal.Goal(personal_goal(f"Patient/{who}")).create(server)
    search = observation.Observation.where({"patient": who, "code": f"{NPU}|NPU27300", "_count": "2"})
    values = sorted(one.valueQuantity.value for one in search.perform_resources_iter(server))
    assert values == [49.5, 50.5, 51.5, 52.5, 53.5]
    (ours,) = goal.Goal.where({"patient": who}).perform_resources_iter(server)
    assert ours.description.text == "Gå tur med hunden hver dag"
    assert list(careplan.CarePlan.where({"subject": f"Patient/{who}"}).perform_resources_iter(server)) == []


def test_overview_is_a_bundle_the_models_know(server) -> None:
    """Everything of a person in one Bundle of R4 resources."""
    who = patient.Patient(person(fresh())).create(server)["id"]
    observation.Observation(hba1c(f"Patient/{who}", 61.0, "2026-09-01")).create(server)
    seen = bundle.Bundle.read_from(f"Patient/{who}/$overview", server)
    everything = bundle.Bundle.read_from(f"Patient/{who}/$everything", server)
    for one in (seen, everything):
        assert {"Patient", "Observation"} <= {entry.resource.resource_type for entry in one.entry}
