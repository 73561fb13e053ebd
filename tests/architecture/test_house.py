"""The house keeps its floors, its names and its promises: what style.md asks of the code as a whole."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import careplan
from careplan.domain.errors import CareplanError
from careplan.fhir.outcome import ANSWERS
from careplan.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "careplan").rglob("*.py"))
SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
TREES = {name: ast.parse(source) for name, source in SOURCES.items()}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "base", "core", "manager", "service", "impl", "dto", "misc"}
IMPURE = {"time", "sched", "asyncio", "random", "secrets", "socket", "os", "subprocess", "threading"}


def modules_below_store() -> list[str]:
    return [name for name in TREES if name.startswith(("careplan/fhir/", "careplan/domain/"))]


def imports_of(name: str) -> set[str]:
    """Every module a file imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def test_the_changelog_begins_with_this_version_and_its_day() -> None:
    newest = re.search(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1].removeprefix("Unreleased: ") == f"{careplan.__version__}, {careplan.__dated__}"
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert declared == careplan.__version__


def codes_of_faults() -> set[str]:
    """The codes that faults are made with, where they stand as they are."""
    made = (node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.Call))
    given = [call.args[1] for call in made if getattr(call.func, "id", "") == "Fault" and len(call.args) > 1]
    return {one.value for one in given if isinstance(one, ast.Constant)}


def test_the_page_of_errors_tells_of_every_code_what_is_answered() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    told = {}
    for line in re.findall(r"^\| `.*\|$", page, re.MULTILINE):
        code, status, issue, means, way_out = (part.strip() for part in line.strip("|").split("|"))
        assert means and way_out, code
        told[code.strip("`")] = (int(status), issue)
    assert told == {code: (answer.status, answer.issue) for code, answer in ANSWERS.items()}


def test_every_code_of_a_fault_has_its_answer() -> None:
    assert len(codes_of_faults()) > 5
    assert codes_of_faults() <= ANSWERS.keys()


def test_floors_import_only_downward() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("family", ["sqlite", "mongo"])
def test_a_store_is_known_to_app_and_to_its_own_parts_only(family: str) -> None:
    prefix = f"careplan.store.{family}"
    knowing = {name for name in TREES if any(one.startswith(prefix) for one in imports_of(name))}
    strangers = {name for name in knowing if not name.startswith(f"careplan/store/{family}")}
    assert strangers <= {"careplan/app.py"}


def test_the_driver_is_known_to_the_mongo_store_only() -> None:
    knowing = {name for name in TREES if any(one.split(".")[0] in ("motor", "pymongo") for one in imports_of(name))}
    assert all(name.startswith("careplan/store/mongo") for name in knowing)


@pytest.mark.parametrize("name", [name for name in TREES if name.startswith("careplan/domain/")])
def test_domain_imports_the_standard_library_alone(name: str) -> None:
    tops = {one.split(".")[0] for one in imports_of(name)}
    assert tops <= set(sys.stdlib_module_names) | {"careplan"}
    assert all(one.startswith("careplan.domain") for one in imports_of(name) if one.startswith("careplan"))


@pytest.mark.parametrize("name", modules_below_store())
def test_domain_and_fhir_are_pure_and_synchronous(name: str) -> None:
    waiting = [n for n in ast.walk(TREES[name]) if isinstance(n, ast.AsyncFunctionDef | ast.Await | ast.AsyncWith)]
    assert waiting == []
    assert not IMPURE & {one.split(".")[0] for one in imports_of(name)}


@pytest.mark.parametrize("name", [*modules_below_store(), *(n for n in TREES if "/interactions/" in n)])
def test_nothing_below_the_doors_reads_the_clock(name: str) -> None:
    calls = [n.func for n in ast.walk(TREES[name]) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)]
    assert not {call.attr for call in calls} & {"now", "utcnow", "today", "monotonic", "perf_counter"}


@pytest.mark.parametrize("name", TREES)
def test_no_import_hides_in_a_function_or_from_the_program(name: str) -> None:
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If):
            hidden = [part for part in ast.walk(node) if isinstance(part, ast.Import | ast.ImportFrom)]
            assert hidden == [], f"{name}:{node.lineno}"


def test_one_module_alone_is_loaded_by_its_name() -> None:
    calls = {name: source.count("import_module(") for name, source in SOURCES.items()}
    assert {name: count for name, count in calls.items() if count} == {"careplan/app.py": 1}
    assert not {name for name in TREES if "__import__(" in SOURCES[name] or "exec_module(" in SOURCES[name]}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_has_a_noun_a_purpose_and_a_size(path: Path) -> None:
    assert path.stem.strip("_") not in NAMELESS
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= 500
    assert not source or ast.get_docstring(ast.parse(source))


def every_error() -> list[type[CareplanError]]:
    for module in walk_packages(careplan.__path__, "careplan."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found: list[type[CareplanError]] = [CareplanError]
    for one in found:
        found += [child for child in one.__subclasses__() if child not in found]
    return [one for one in found if one.__module__.startswith("careplan.")]


def test_every_error_has_a_stable_code_with_an_answer() -> None:
    errors = every_error()
    assert len(errors) > 25
    assert {one.__name__ for one in errors if not re.fullmatch(r"[a-z]+(-[a-z]+)*", one.code)} == set()
    assert {one.__name__ for one in errors if one.code not in ANSWERS} == set()


@pytest.mark.parametrize("setting", Settings.model_fields)
def test_every_setting_is_documented_with_its_default(setting: str) -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith(f"| `CAREPLAN_{setting.upper()}` |")]
    default = Settings.model_fields[setting].default
    shown = default.name if isinstance(default, Path) else str(default)
    assert default in (None, "") or shown in line


def test_documentation_names_no_setting_that_is_gone() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `CAREPLAN_([A-Z_]+)`", text, re.MULTILINE))
    assert named == {name.upper() for name in Settings.model_fields}
