"""A running service for FHIR clients that nobody here wrote; each client test works on people of its own."""

import signal
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Served

from careplan.fhir.text import parse

Json = Any
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.fixture(scope="session", params=["sqlite", "mongo"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The FHIR base of a service on an empty store."""
    folder = tmp_path_factory.mktemp("clients")
    store = str(folder / "clients.db")
    if request.param == "mongo":
        store = request.getfixturevalue("mongod").format(f"clients{uuid.uuid4().hex[:8]}")
    served = Served(store, folder / "log")
    yield f"{served.base}/fhir"
    served.end(signal.SIGTERM)


@pytest.fixture
def example() -> Callable[..., Json]:
    """A resource of the fixtures with some members changed; None takes one away."""

    def make(type_name: str, **changes: Json) -> Json:
        found: Json = parse((FIXTURES / f"{type_name}.json").read_bytes()) | changes
        return {name: value for name, value in found.items() if value is not None}

    return make
