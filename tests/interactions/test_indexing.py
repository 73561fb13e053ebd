"""A store that another release has indexed is indexed again when it is opened for work, before anything is served."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from careplan.app import create_app, open_house, prepare_store
from careplan.fhir.index import extract
from careplan.fhir.search import parse as parse_query
from careplan.fhir.text import dump
from careplan.fhir.value import SearchValues
from careplan.interactions.indexing import index_again
from careplan.interactions.kept_form import TYPE as KEPT
from careplan.knowledge.load import KnowledgeFaulty
from careplan.settings import Settings
from careplan.store.protocol import Store, Write
from careplan.store.sqlite import SQLiteStore

from .conftest import BASE, NOW

LOINC = "http://loinc.org"


def part(code: str, value: int) -> dict[str, Any]:
    quantity = {"value": value, "system": "http://unitsofmeasure.org", "code": "mm[Hg]", "unit": "mmHg"}
    return {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": quantity}


PRESSURE = {
    "resourceType": "Observation",
    "id": "o1",
    "subject": {"reference": f"{BASE}/Patient/anna"},
    "component": [part("8480-6", 142), part("8462-4", 88)],
}
QUERY = ("component-code-value-quantity", "8480-6$gt140")


def written(resource: dict[str, Any], values: SearchValues) -> Write:
    return Write(resource["resourceType"], resource["id"], 0, NOW, "anna", dump(resource), values)


async def found(store: Store, name: str, value: str) -> list[str]:
    asked = parse_query("Observation", [(name, value)], strict=True, base=BASE)
    return [match.id for match in (await store.search(asked)).matches]


@pytest.fixture
async def older(tmp_path: Path) -> Path:
    """A file whose composites were never extracted."""
    path = tmp_path / "record.db"
    store = SQLiteStore.open(str(path))
    await store.commit([written(PRESSURE, replace(extract(PRESSURE), composites=()))])
    assert await found(store, *QUERY) == []
    await store.close()
    return path


async def test_a_house_on_an_older_file_finds_all_there_is(older: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_house(Settings(store=str(older))) as house:
        assert await found(house.store, *QUERY) == ["o1"]
        version = await house.store.read("Observation", "o1")
        assert version is not None
        assert (version.number, version.at, version.body) == (1, NOW, dump(PRESSURE))
    assert caplog.messages == ["indexing again: 1 of 1"]
    caplog.clear()
    async with open_house(Settings(store=str(older))):
        assert caplog.messages == []


async def test_the_application_serves_nothing_before_all_is_indexed(older: Path) -> None:
    """So `/readyz` cannot answer before either."""
    app = create_app(Settings(store=str(older)))
    async with app.router.lifespan_context(app):
        assert await found(app.state.door.house.store, *QUERY) == ["o1"]


async def test_references_to_this_server_in_full_are_known_by_the_base_that_is_set(older: Path) -> None:
    async with open_house(Settings(store=str(older), base=BASE)) as house:
        assert await found(house.store, "subject", "Patient/anna") == ["o1"]


async def test_what_cannot_be_read_is_named_and_stays_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    store = SQLiteStore.open(":memory:")
    values = extract(PRESSURE)
    gone = Write("Gone", "g1", 0, NOW, None, b'{"resourceType":"Gone","id":"g1"}', values)
    cut = Write("Observation", "o2", 0, NOW, None, b'{"resourceType":"Observ', values)
    await store.commit([gone, cut, written(PRESSURE, SearchValues())])
    await index_again(store, None)
    assert caplog.messages[:2] == [
        "Gone/g1 stays as it was indexed: type-unknown",
        "Observation/o2 stays as it was indexed: text-unparsable",
    ]
    assert sorted(await found(store, *QUERY)) == ["o1", "o2"]
    await store.close()


async def test_progress_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("careplan.store.sqlite_edition.PORTION", 1000)
    caplog.set_level(logging.WARNING, "careplan.indexing")
    store = SQLiteStore.open(":memory:")
    await store.commit([written(PRESSURE | {"id": f"o{n}"}, SearchValues()) for n in range(7000)])
    await index_again(store, None)
    assert caplog.messages == [f"indexing again: {done} of 7,000" for done in ("1,000", "6,000", "7,000")]
    await store.close()


async def test_a_store_is_prepared_before_it_is_served(older: Path, tmp_path: Path) -> None:
    await prepare_store(Settings(store=str(older)))
    store = SQLiteStore.open(str(older))
    assert await found(store, *QUERY) == ["o1"]
    await store.close()
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "measures").mkdir()
    (tmp_path / "knowledge" / "measures" / "odd.toml").write_text("id = 1")
    with pytest.raises(KnowledgeFaulty):
        await prepare_store(Settings(store=str(tmp_path / "x.db"), knowledge=tmp_path / "knowledge"))
    assert not (tmp_path / "x.db").exists()


async def test_a_kept_form_is_passed_over_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    store = SQLiteStore.open(":memory:")
    await store.commit([Write(KEPT, "page~north~anna", 0, NOW, None, b'{"fields":{}}')])
    await index_again(store, None)
    assert caplog.messages == ["indexing again: 1 of 1"]
