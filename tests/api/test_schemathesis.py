"""Requests made from our own description: none ends in an error of ours, and every answer is as described.

A few types in the ordinary run, every type and more requests in `make fuzz` (FUZZ_CASES, FUZZ_TYPES=all). The requests
are the same in each run.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import httpx
import pytest
import pytest_asyncio
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from careplan.api.description import description, offered
from careplan.api.routes import fhir_routes
from careplan.fhir.registry import ROWS, TYPES
from careplan.fhir.text import dump

CASES = int(os.environ.get("FUZZ_CASES", "2"))
FEW = ("system", "Patient", "Observation", "Goal", "CarePlan", "PlanDefinition")
TAGS = ("system", *TYPES) if os.environ.get("FUZZ_TYPES") == "all" else FEW
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BASE = "http://test/fhir"
DESCRIPTION = description(tuple(offered(fhir_routes())))
SCHEMA = schemathesis.openapi.from_dict(DESCRIPTION)


def cases_of(operation, mode: GenerationMode) -> list:
    """Requests for one path and method: as described, or deliberately not."""
    made: list = []

    @settings(
        max_examples=CASES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case) -> None:
        made.append(case)

    with suppress(Unsatisfiable):  # what takes anything cannot be asked wrongly
        collect()
    return made[:CASES]


def every_case(tag: str, id: str) -> Iterator:
    for found in SCHEMA.get_all_operations():
        operation = found.ok()
        if tag not in operation.tags:
            continue
        modes = [GenerationMode.POSITIVE]
        if operation.body or any(True for _ in operation.iter_parameters()):
            modes.append(GenerationMode.NEGATIVE)
        for mode in modes:
            for number, case in enumerate(cases_of(operation, mode)):
                if number % 2 == 0 and "id" in (case.path_parameters or {}):
                    case.path_parameters["id"] = id
                yield case


@pytest_asyncio.fixture
async def bare(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that adds nothing of its own."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport) as client:
        client.headers.clear()
        yield client


async def answer_to(bare: httpx.AsyncClient, case) -> httpx.Response:
    """The request exactly as its generator would send it."""
    asked = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
    return await bare.request(asked.method, asked.url, content=asked.body, headers=dict(asked.headers))


@pytest.mark.parametrize("tag", TAGS)
async def test_requests_made_from_the_description_are_answered_as_described(bare, put, example, tag) -> None:
    """R4-2, R4-10: JSON of FHIR, an OperationOutcome for every refusal, and no error of ours."""
    wrong, statuses = [], {}
    if tag in TYPES and not TYPES[tag].read_only:
        await put(example(tag))
    id = example(tag)["id"] if tag in TYPES and not TYPES[tag].read_only else "diabetes"
    for case in every_case(tag, id):
        answer = await answer_to(bare, case)
        statuses[answer.status_code // 100] = statuses.get(answer.status_code // 100, 0) + 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except Exception as error:
            wrong.append(f"{case.method} {answer.request.url} {str(case.body)[:300]}\n{answer.status_code} {error}")
    assert not wrong, "\n\n".join(wrong[:10])
    assert statuses[2] and statuses[4], statuses


def test_every_route_is_described_in_words() -> None:
    """Nothing is offered that the description passes over: routes, rows and operations."""
    for path, methods in DESCRIPTION["paths"].items():
        for method, said in methods.items():
            assert not said["summary"].startswith("/"), (path, method)
    paths = set(DESCRIPTION["paths"])
    for row in ROWS:
        assert f"/{row.name}" in paths
        assert ("post" in DESCRIPTION["paths"][f"/{row.name}"]) == ("create" in row.interactions)
        assert {f"/{row.name}/${name}" for name in row.operations.get("type", ())} <= paths
        assert {f"/{row.name}/{{id}}/${name}" for name in row.operations.get("instance", ())} <= paths
    ids = [said["operationId"] for methods in DESCRIPTION["paths"].values() for said in methods.values()]
    assert len(ids) == len(set(ids))


async def test_description_is_served_to_everybody(client, refused) -> None:
    answer = await client.get("/openapi.json", headers={"host": "careplan.example"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["openapi"].startswith("3.1")
    assert answer.json()["servers"] == [{"url": "http://careplan.example/fhir"}]
    assert answer.json()["paths"] == DESCRIPTION["paths"]
    assert dump(answer.json()["components"]) == dump(DESCRIPTION["components"])


def test_description_is_sound() -> None:
    """By the meta-schema of OpenAPI 3.1, and every reference in it leads somewhere."""
    SCHEMA.validate()
    text = dump(DESCRIPTION).decode()
    for kind, named in DESCRIPTION["components"].items():
        found = {part.partition('"')[0] for part in text.split(f'"#/components/{kind}/')[1:]}
        assert found <= set(named), found - set(named)
