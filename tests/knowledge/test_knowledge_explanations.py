"""The 25 worked examples with every measure explained, byte for byte: what a change of a rule does is seen as a diff.

After a change that was looked at: `python tests/knowledge/test_knowledge_explanations.py` writes the explanations anew.
Each file holds one invented person (`input`) and what `careplan targets --json` prints of them, a line a measure.
"""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from careplan.domain.evaluation import evaluate
from careplan.fhir.answered import answer_json
from careplan.fhir.mapping import ChartReader
from careplan.fhir.text import Json, dump, parse
from careplan.knowledge.load import load_knowledge

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "explanations"
FILES = sorted(GOLDEN.glob("*.json"))
SHARED = ROOT.parent / "shared"
VECTORS = SHARED / "reference" / "targets-examples.yaml"
ON, CLINIC = date(2026, 11, 22), "Organization/clinic-own"
KNOWLEDGE = load_knowledge()
READER = ChartReader(KNOWLEDGE)


def explained(name: str, bundle: Json) -> str:
    """The file of one example, as it should be."""
    chart = READER.chart([entry["resource"] for entry in bundle["entry"]], ON, CLINIC)
    answer = answer_json(name, chart, evaluate(KNOWLEDGE, chart), KNOWLEDGE)
    parts = [f'"input": {dump(bundle).decode()}', *_lines(answer)]
    return "{" + ",\n".join(parts) + "}\n"


def _lines(answer: Json) -> Iterator[str]:
    for key, value in answer.items():
        if isinstance(value, dict):
            inner = ",\n".join(f" {dump(name).decode()}: {dump(one).decode()}" for name, one in value.items())
            yield f"{dump(key).decode()}: {{\n{inner}}}" if inner else f"{dump(key).decode()}: {{}}"
        else:
            yield f"{dump(key).decode()}: {dump(value).decode()}"


def test_all_examples_are_kept() -> None:
    assert len(FILES) == 25


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_explained_as_it_was(path: Path) -> None:
    kept = path.read_text(encoding="utf-8")
    assert explained(path.name, parse(kept.encode())["input"]) == kept


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_target_of_an_example_names_row_version_source_and_what_came_before(path: Path) -> None:
    for measure, target in parse(path.read_bytes())["targets"].items():
        guideline = KNOWLEDGE.guidelines[measure]
        rows = [row.id for row in guideline.rows]
        assert target["knowledge"] == guideline.canonical
        assert [one["row"] for one in target["considered"]] == rows[: rows.index(target["row"])]
        assert all((one["failed"] is None) == bool(one["missing"]) for one in target["considered"])
        assert (target["says"], target["source"]["url"] != "") == (guideline.rows[rows.index(target["row"])].says, True)
        assert [gap["fact"] for gap in target["gaps"]] == target["missing"]
        assert all(gap["says"] and gap["rows"] for gap in target["gaps"])


@pytest.mark.skipif(not VECTORS.exists(), reason="the example vectors are not beside this repository")
def test_the_examples_are_those_of_the_fact_base(tmp_path: Path) -> None:
    writer = SHARED / "tools" / "vector_to_bundle.py"
    subprocess.run([sys.executable, writer, VECTORS, tmp_path], check=True, capture_output=True)
    vectors = {one["id"]: one["expected"] for one in yaml.safe_load(VECTORS.read_text(encoding="utf-8"))["vectors"]}
    assert {path.stem for path in FILES} == set(vectors)
    for path in FILES:
        kept, expected = parse(path.read_bytes()), vectors[path.stem]
        assert kept["input"] == parse((tmp_path / path.name).read_bytes()), path.stem
        assert kept["plans"] == expected["plans"], path.stem
        assert set(kept["targets"]) == set(expected["targets"]), path.stem
        for measure, wanted in expected["targets"].items():
            got = {name: plain(kept["targets"][measure].get(name)) for name in wanted}
            assert got == wanted, (path.stem, measure)


def plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _write(sources: Path) -> None:
    """Write every file anew, from what stands in a folder of Bundles or of files like these."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for source in sorted(sources.glob("*.json")):
        body = parse(source.read_bytes())
        (GOLDEN / source.name).write_text(explained(source.name, body.get("input", body)), encoding="utf-8")


if __name__ == "__main__":
    _write(Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN)
