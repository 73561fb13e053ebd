"""The table of docs/access.md, row for row: who is answered what, and that nothing the service offers is missing."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from access_page import PAGE, answers, legend, told
from probes import GROUPS, PUBLISHED, ROWS, Row
from relations import RELATIONS, fill, town
from starlette.routing import BaseRoute, Mount, Route

from careplan.api.route import Refusing
from careplan.api.routes import fhir_routes
from careplan.fhir import registry
from careplan.interactions.access import RIGHTS
from careplan.interactions.context import House
from careplan.interactions.operations import OPERATIONS
from careplan.views.pages import OPEN, PAGES

COVERED = {one for row in ROWS for one in row.covers}
_OPERATION = "${operation}"


@pytest.fixture(scope="session")
def filled(shared_house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("access") / "filled.db"
    asyncio.run(fill(shared_house, path))
    return path


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section}: {row.says}"[:60])
async def test_everybody_is_answered_as_the_table_says(
    row: Row, shared_house: House, filled: Path, tmp_path: Path
) -> None:
    answered = await answers(shared_house, filled, tmp_path, row)
    names = [one.key for one in RELATIONS]
    assert dict(zip(names, answered.cells, strict=True)) == dict(zip(names, told()[row.section, row.says], strict=True))
    assert answered.unlogged == ()


def test_the_table_has_these_rows_and_says_who_asks() -> None:
    assert list(told()) == [(row.section, row.says) for row in ROWS]
    assert legend().strip() in PAGE.read_text("utf-8")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section}: {row.says}"[:60])
def test_a_row_asks_all_that_it_says_it_covers(row: Row) -> None:
    asked = [(case.method, case.path.partition("?")[0]) for case in row.cases]
    for one in row.covers:
        method, _, path = one.partition(" ")
        pattern = _PART.sub("[^/]+", re.escape(path if path.startswith("/") else f"/fhir/{path}"))
        assert any(by == method and re.fullmatch(pattern, at) for by, at in asked), one


_PART = re.compile(r"\\\{[a-z]+\\\}|\\\[id\\\]")
"""`{type}` and `[id]` as `re.escape` writes them."""


def offered(routes: Sequence[BaseRoute]) -> Iterator[str]:
    """`GET /fhir/{type}` of every route that offers something; what is no single address is not looked into."""
    for route in routes:
        assert isinstance(route, Route) and route.methods, f"{route} is no single address and method"
        if not isinstance(route, Refusing) and not route.path.endswith(_OPERATION):
            yield from (f"{method} {route.path}" for method in sorted(route.methods - {"HEAD"}))


def test_a_route_that_no_description_names_is_seen() -> None:
    endpoint = fhir_routes()[0].endpoint
    assert set(offered([Route("/hemmelig", endpoint, include_in_schema=False)])) == {"GET /hemmelig"}


@pytest.mark.parametrize("route", [Mount("/mappe", print), Route("/alt", print)], ids=["a folder", "any method"])
def test_what_is_no_single_address_and_method_has_no_place_here(route: BaseRoute) -> None:
    with pytest.raises(AssertionError):
        list(offered([route]))


def test_every_route_of_fhir_is_in_the_table() -> None:
    assert sorted(set(offered(fhir_routes())) - COVERED) == []


def test_every_operation_is_in_the_table() -> None:
    operations = {
        f"{method} {type_name}/{'[id]/' if level == 'instance' else ''}${name}"
        for (type_name, level, name), operation in OPERATIONS.items()
        for method in operation.methods
    }
    written_types = {name for types in GROUPS.values() for name in types}
    asked = {one for one in operations if not one.endswith("]/$validate") or _type(one) in written_types}
    assert sorted(asked - COVERED) == []


def _type(operation: str) -> str:
    return operation.partition(" ")[2].partition("/")[0]


def test_every_page_and_hook_is_in_the_table() -> None:
    pages = {f"{one.method} {one.path}" for one in PAGES}
    assert sorted(pages - COVERED) == []
    hooks = {"GET /cds-services", "POST /cds-services/{service}", "POST /cds-services/{service}/feedback"}
    assert hooks <= COVERED


async def test_every_route_of_the_application_is_in_the_table_or_open_by_name(
    shared_house: House, filled: Path
) -> None:
    """What is open to everybody is named here, so that nothing becomes so by accident."""
    anybody = {f"{method} {path}" for method, path, _ in OPEN}
    async with town(shared_house, filled) as opened:
        routes = opened.app.router.routes
    assert sorted(set(offered(routes)) - COVERED - anybody) == []
    assert len(anybody) == 9


def test_every_type_is_in_a_group() -> None:
    grouped = [*PUBLISHED, registry.LOG, *(name for types in GROUPS.values() for name in types)]
    assert sorted(grouped) == sorted(registry.TYPES)


def test_a_hospital_has_the_rights_of_a_municipality() -> None:
    """So that the columns of one tell of both, but for emergency access."""
    assert RIGHTS["hospital"] == RIGHTS["municipality"]
