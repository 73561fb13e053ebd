"""The stores for tests: SQLite on a file, and MongoDB on a real replica set that lives as long as the run."""

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from checklist import naming_tests
from emitted import Watch
from pymongo import MongoClient
from replicas import replica_set
from storing import Home

from careplan.store.mongo import MongoStore
from careplan.store.protocol import Store
from careplan.store.sqlite import SQLiteStore


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--checklist", action="store_true", help="list the FHIR REST checklist with the tests of each line"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Whatever the service emits in this run is searched for person numbers."""
    config.pluginmanager.register(Watch(), "emitted")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The lines of the checklist, each with the test that shows it and how many others do."""
    if not config.getoption("--checklist"):
        return
    terminalreporter.section("FHIR REST checklist")
    for line, tests in naming_tests().items():
        more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
        terminalreporter.write_line(f"{line:7} {tests[0] if tests else 'no test'}{more}")


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A URL with {} where the database's name goes."""
    with replica_set(tmp_path_factory.mktemp("mongod"), 1) as servers:
        (port,) = servers
        yield f"mongodb://127.0.0.1:{port}/{{}}?replicaSet=rs0"


@pytest.fixture(params=["sqlite", "mongo"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Home]:
    """Opens the store on this test's data; called again, a second one on the same data."""
    kind: str = request.param
    if kind not in ("mongo", "pymongo"):
        path = ":memory:" if kind == "memory" else str(tmp_path / "record.db")

        async def open_file() -> Store:
            return SQLiteStore.open(path)

        yield open_file
        return
    url = request.getfixturevalue("mongod")
    name = f"t{uuid.uuid4().hex[:12]}"

    async def connect() -> Store:
        return await MongoStore.connect(url.format(name), driver="pymongo" if kind == "pymongo" else "motor")

    yield connect
    with MongoClient[dict[str, object]](url.format(name)) as client:
        client.drop_database(name)


@pytest.fixture
async def store(home: Home) -> AsyncIterator[Store]:
    """An empty store."""
    opened = await home()
    yield opened
    await opened.close()
