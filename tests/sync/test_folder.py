"""Files into the record: the good ones in, the bad ones listed with file, line, path and reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from careplan.fhir.text import parse
from careplan.interactions.context import Context
from careplan.sync.folder import TOGETHER, Loaded, files_in, load

EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "dk-core" / "examples"
Json = dict[str, Any]


def patient(id: str, **more: Any) -> Json:
    return {"resourceType": "Patient", "id": id, "gender": "female", **more}


def observation(**more: Any) -> Json:
    coding = {"system": "http://npu-terminology.org", "code": "NPU27300"}
    base = {"resourceType": "Observation", "status": "final", "code": {"coding": [coding]}}
    return base | {"subject": {"reference": "Patient/p1"}, "effectiveDateTime": "2026-11-15", **more}


def bundle(kind: str, *resources: Json, **request: str) -> Json:
    def entry(one: Json) -> Json:
        asked = {"method": "PUT", "url": f"{one['resourceType']}/{one.get('id')}"} | request
        return {"resource": one, **({"request": asked} if kind in ("transaction", "batch") else {})}

    return {"resourceType": "Bundle", "type": kind, "entry": [entry(one) for one in resources]}


def write(folder: Path, name: str, value: Any, indent: int | None = None) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=indent))
    return path


async def loaded(context: Context, *paths: Path) -> Loaded:
    return await load(context, files_in(paths))


async def stored(context: Context) -> list[str]:
    return [version.reference for version in await context.store.changes(0, 10_000) if version.type != "Provenance"]


def test_files_are_found_in_folders_in_order_and_others_passed_over(tmp_path: Path) -> None:
    for name in ("b.json", "a/z.ndjson", "a/b/c.json", "readme.txt"):
        write(tmp_path, name, "{}")
    assert [path.relative_to(tmp_path).as_posix() for path in files_in([tmp_path])] == [
        "a/b/c.json",
        "a/z.ndjson",
        "b.json",
    ]
    assert files_in([tmp_path / "readme.txt"]) == [tmp_path / "readme.txt"]


async def test_resources_bundles_and_lines_all_come_in(context: Context, tmp_path: Path) -> None:
    write(tmp_path, "1.json", patient("p1"))
    write(tmp_path, "2.json", bundle("collection", patient("p2"), observation(id="o1")))
    write(tmp_path, "3.json", bundle("transaction", patient("p3")))
    write(tmp_path, "4.json", bundle("batch", patient("p4")))
    write(tmp_path, "5.ndjson", "\n".join(json.dumps(patient(f"n{n}")) for n in range(3)) + "\n\n")
    result = await loaded(context, tmp_path)
    assert (result.written, result.unchanged, result.refused) == (8, 0, [])
    assert len(await stored(context)) == 8


async def test_loading_again_changes_nothing(context: Context, tmp_path: Path) -> None:
    write(tmp_path, "1.json", patient("p1"))
    write(tmp_path, "2.json", observation())  # without id: it gets one from its content
    write(tmp_path, "3.json", bundle("collection", patient("p2"), observation(issued="2026-11-15T08:00:00Z")))
    write(tmp_path, "4.json", bundle("transaction", patient("p3")))
    first = await loaded(context, tmp_path)
    before = await context.store.changes(0, 10_000)
    again = await loaded(context, tmp_path)
    assert (first.written, first.unchanged) == (5, 0)
    assert (again.written, again.unchanged, again.refused) == (0, 5, [])
    assert await context.store.changes(0, 10_000) == before


async def test_what_changed_in_a_file_becomes_the_next_version(context: Context, tmp_path: Path) -> None:
    for kind in ("collection", "transaction", "batch"):
        write(tmp_path, f"{kind}.json", bundle(kind, patient(kind)))
    await loaded(context, tmp_path)
    for kind in ("collection", "transaction", "batch"):
        write(tmp_path, f"{kind}.json", bundle(kind, patient(kind, birthDate="1958-03-01")))
    result = await loaded(context, tmp_path)
    assert (result.written, result.unchanged) == (3, 0)


async def test_bytes_are_the_record_but_for_meta(context: Context, tmp_path: Path) -> None:
    text = '{\n  "resourceType" : "Observation",\n  "id": "o1", "status": "final",\n  "code": {"text": "æøå"},'
    text += '\n  "valueQuantity": {"value": 6.50}\n}'
    write(tmp_path, "1.json", text)
    await loaded(context, tmp_path)
    version = await context.store.read("Observation", "o1")
    assert version is not None and version.body is not None
    kept = version.body.decode()
    start = kept.index(',\n  "meta"')
    assert kept[:start] + kept[kept.index("}", start) + 1 :] == text


async def test_one_bad_file_stops_no_other(context: Context, tmp_path: Path) -> None:
    write(tmp_path, "a.json", "{ikke json")
    write(tmp_path, "b.json", patient("p1"))
    write(tmp_path, "c.json", observation(id="o1", status="nope"))
    write(tmp_path, "d.json", "[]")
    write(tmp_path, "e.json", {"resourceType": "Basic", "id": "x"})
    write(tmp_path, "f.json", {"resourceType": "StructureDefinition", "id": "x"})
    write(tmp_path, "g.json", patient("p2"))
    result = await load(context, [*files_in([tmp_path]), tmp_path / "not-there.json"])
    assert result.written == 2
    assert await stored(context) == ["Patient/p1", "Patient/p2"]
    assert {Path(one.file).name for one in result.refused} == {
        "a.json",
        "c.json",
        "d.json",
        "e.json",
        "f.json",
        "not-there.json",
    }
    assert result.items_refused == 6
    assert all(one.reason for one in result.refused)


async def test_a_fault_names_file_line_path_and_reason(context: Context, tmp_path: Path) -> None:
    path = write(tmp_path, "c.json", observation(id="o1", status="nope", effectiveDateTime="i går"), indent=1)
    lines = path.read_text().splitlines()
    result = await loaded(context, tmp_path)
    by_path = {one.path: one for one in result.refused}
    assert set(by_path) == {"Observation.status", "Observation.effectiveDateTime"}
    for name in ("status", "effectiveDateTime"):
        line = by_path[f"Observation.{name}"].line
        assert f'"{name}"' in lines[line - 1]
    says = by_path["Observation.status"].says()
    assert says.startswith(f"{path}:")
    assert ": Observation.status: " in says


async def test_a_bad_line_is_named_by_its_number_and_the_others_come_in(context: Context, tmp_path: Path) -> None:
    lines = [
        json.dumps(patient("p1")),
        "",
        json.dumps(observation(id="o1", status="nope")),
        "{",
        json.dumps(patient("p2")),
    ]
    path = write(tmp_path, "x.ndjson", "\n".join(lines))
    result = await loaded(context, tmp_path)
    assert result.written == 2
    assert [(one.line, one.path) for one in result.refused] == [(3, "Observation.status"), (4, "")]
    assert result.items_refused == 2
    assert {one.file for one in result.refused} == {str(path)}


@pytest.mark.parametrize("kind", ["collection", "transaction"])
async def test_a_bundle_with_one_bad_entry_leaves_nothing_and_names_the_entry(
    context: Context, tmp_path: Path, kind: str
) -> None:
    path = write(tmp_path, "x.json", bundle(kind, patient("p1"), observation(id="o1", status="nope")), indent=1)
    result = await loaded(context, tmp_path)
    assert await stored(context) == []
    (refusal,) = result.refused
    assert refusal.path == "Bundle.entry[1].resource.status"
    assert '"status"' in path.read_text().splitlines()[refusal.line - 1]


async def test_a_batch_keeps_its_good_entries_and_names_the_bad_one(context: Context, tmp_path: Path) -> None:
    write(tmp_path, "x.json", bundle("batch", patient("p1"), observation(id="o1", status="nope")))
    result = await loaded(context, tmp_path)
    assert await stored(context) == ["Patient/p1"]
    (refusal,) = result.refused
    assert refusal.path == "Bundle.entry[1]"
    assert "status" in refusal.reason or "nope" in refusal.reason


async def test_a_collection_that_names_a_resource_twice_is_refused(context: Context, tmp_path: Path) -> None:
    write(tmp_path, "x.json", bundle("collection", patient("p1"), patient("p1", birthDate="1958-03-01")))
    result = await loaded(context, tmp_path)
    assert await stored(context) == []
    assert "Patient/p1" in result.refused[0].reason


async def test_a_line_of_another_coding_is_refused_with_its_place(context: Context, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes('{"resourceType": "Patient", "id": "æ"}'.encode("latin-1"))
    result = await loaded(context, tmp_path)
    assert "not UTF-8" in result.refused[0].reason


async def test_progress_is_told_file_by_file(context: Context, tmp_path: Path) -> None:
    for n in range(3):
        write(tmp_path, f"{n}.json", patient(f"p{n}"))
    told: list[tuple[int, int]] = []
    await load(context, files_in([tmp_path]), lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


async def test_many_files_at_once_all_come_in(context: Context, tmp_path: Path) -> None:
    write(tmp_path, "many.ndjson", "\n".join(json.dumps(observation(id=f"o{n}")) for n in range(200)))
    result = await loaded(context, tmp_path)
    assert (result.written, result.refused) == (200, [])


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the published Danish examples are not here")
async def test_published_danish_examples_come_in_or_are_refused_with_a_place(context: Context) -> None:
    result = await loaded(context, EXAMPLES)
    files = files_in([EXAMPLES])
    refused = {one.file for one in result.refused}
    assert result.written >= len(files) - len(refused)
    assert all(one.reason for one in result.refused)
    for path in files:
        if str(path) not in refused:
            source = parse(path.read_bytes())
            if source["resourceType"] != "Bundle":
                version = await context.store.read(source["resourceType"], source["id"])
                assert version is not None and version.body is not None
                kept = parse(version.body)
                del kept["meta"]
                source.pop("meta", None)
                assert kept == source


async def test_one_bad_line_among_many_stops_no_other(context: Context, tmp_path: Path) -> None:
    lines = [observation(id=f"o{number}") for number in range(TOGETHER + 6)]
    lines[3]["status"] = "nope"
    path = write(tmp_path, "many.ndjson", "\n".join(map(json.dumps, [*lines, observation(id="o9", status="amended")])))
    found = await loaded(context, path)
    assert (found.written, found.unchanged) == (TOGETHER + 6, 0)
    assert [(one.line, one.path) for one in found.refused] == [(4, "Observation.status")]
    assert parse((await context.store.read("Observation", "o9")).body)["status"] == "amended"
