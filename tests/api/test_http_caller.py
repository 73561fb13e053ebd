"""Who calls the FHIR door: this machine, or who is signed in; and what a guest who sends rubbish gets."""

from dataclasses import replace

import pytest

from careplan.app import identify
from careplan.fhir.text import dump
from careplan.interactions.caller import Caller

GUESTS = [
    Caller("clinic", "Læge", organization="laegehuset-test", reference="PractitionerRole/karen-test-laege"),
    Caller("patient", "Inger", patient="inger-test", reference="Patient/inger-test"),
    Caller("municipality", "Visitator", organization="kommune-test"),
    Caller("lps", "System", organization="laegehuset-test"),
    Caller("statistics", "Ingen"),
]


@pytest.fixture
def as_started(app):
    """The application finds its callers as it does when it is served."""
    app.state.door = replace(app.state.door, identify=identify)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "[::1]:8000"])
async def test_this_machine_gets_in(client, as_started, host):
    assert (await client.get("/Patient", headers={"host": host})).status_code == 200
    own = {"host": host, "origin": f"http://{host}"}
    assert (await client.get("/Patient", headers=own)).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "[", "", "localhost.evil", "127.0.0.1@evil"]
)
async def test_other_names_of_this_machine_do_not(client, as_started, refused, host):
    """A name that a foreign page has made lead here."""
    answer = await client.get("/Patient", headers={"host": host})
    refused(answer, 401, "login-required")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "http://127.0.0.1:9999", ""])
async def test_pages_of_other_sites_do_not(client, as_started, example, refused, origin):
    sent = {"host": "127.0.0.1:8000", "origin": origin, "content-type": "application/json"}
    refused(await client.post("/Patient", content=dump(example("Patient")), headers=sent), 401, "login-required")
    refused(await client.get("/Patient", headers={**sent, "cookie": "careplan_session=x"}), 401)


async def test_statement_is_for_everybody(client, as_started):
    """R4-1."""
    assert (await client.get("/metadata", headers={"host": "careplan.example"})).status_code == 200


@pytest.mark.parametrize("caller", GUESTS, ids=lambda caller: caller.role)
@pytest.mark.parametrize("odd", [7, "x", [], {}, ["x"], [7], [[]], [{}], {"reference": 7}, [{"reference": ["x"]}]])
async def test_rubbish_from_a_guest_is_refused(app, client, put, example, refused, caller, odd):
    for name in ("Organization", "Patient"):
        await put(example(name))
    app.state.door = replace(app.state.door, identify=lambda request: caller)
    for type_name, member in (
        ("Patient", "generalPractitioner"),
        ("Observation", "performer"),
        ("Observation", "code"),
        ("Task", "owner"),
        ("Task", "requester"),
        ("Goal", "target"),
        ("Goal", "subject"),
    ):
        answer = await client.post(f"/{type_name}", content=dump(example(type_name, id=None, **{member: odd})))
        assert answer.status_code in (400, 403, 422), (type_name, member, answer.text)
        refused(answer, answer.status_code)
