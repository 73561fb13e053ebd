"""`careplan knowledge diff`: which rows differ, which patients it touches, and what it refuses."""

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from page_house import fill
from revised import copied, stricter_ldl

from careplan.cli import run
from careplan.knowledge.load import KNOWLEDGE

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CAREPLAN_")]:
        monkeypatch.delenv(name)

    def command(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run(["knowledge", "diff", *(str(one) for one in arguments)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return command


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("diff") / "filled.db"
    asyncio.run(fill(path, 20))
    return path


def test_two_folders_are_compared_and_the_one_in_use_is_the_new_one(say: Said, tmp_path: Path) -> None:
    old = stricter_ldl(tmp_path / "old")
    code, printed, told = say(old)
    assert (code, told) == (0, "")
    assert "targets/ldl: 2026.2 → 2026.1" in printed and "under 1,2 mmol/L → under 1,4 mmol/L" in printed
    assert "patients" not in printed and not list(tmp_path.glob("*.db"))


def test_a_table_that_changed_under_its_version_is_said_loudly(say: Said, tmp_path: Path) -> None:
    code, _, told = say(KNOWLEDGE, stricter_ldl(tmp_path / "new", "2026.1"))
    assert code == 1
    assert "FAULT: targets/ldl changed but is still version 2026.1" in told and "give it a new version" in told


def test_against_a_store_it_counts_and_lists_the_patients(say: Said, tmp_path: Path, filled: Path) -> None:
    new, out = stricter_ldl(tmp_path / "new"), tmp_path / "touched.tsv"
    code, printed, told = say(KNOWLEDGE, new, "--store", filled, "--on", "2026-11-22", "--list", out)
    listed = out.read_text(encoding="utf-8").splitlines()
    assert (code, told) == (0, "\r20 of 20 patients\n")
    assert "20 patients evaluated under both, as of 22.11.2026" in printed
    assert f"  ldl: {len(listed)} patients" in printed and "Patient/birthe\tldl\t" in "\n".join(listed)
    code, printed, _ = say(KNOWLEDGE, new, "--store", filled, "--on", "2026-11-22", "--json")
    answer = json.loads(printed)
    assert answer["patients"]["touched"] == len(listed) > 0
    assert answer["knowledge"]["tables"][0]["rows"][0]["id"] == "LDL-04"


def test_one_clinic_alone_can_be_asked_about(say: Said, tmp_path: Path, filled: Path) -> None:
    new = stricter_ldl(tmp_path / "new")
    code, printed, _ = say(KNOWLEDGE, new, "--store", filled, "--clinic", "Organization/clinic-own")
    assert code == 0 and "patients evaluated" in printed
    code, printed, told = say(KNOWLEDGE, new, "--store", filled, "--clinic", "Organization/none")
    assert (code, printed) == (1, "") and "there is no Organization/none" in told


@pytest.mark.parametrize("where", ["", "missing/touched.tsv"])
def test_where_the_list_goes_is_looked_at_before_the_work(say: Said, tmp_path: Path, filled: Path, where: str) -> None:
    code, printed, told = say(KNOWLEDGE, KNOWLEDGE, "--store", filled, "--list", tmp_path / where)
    assert (code, printed) == (2, "") and "--list" in told and "patients" not in told


def test_a_store_that_is_not_there_is_not_made(say: Said, tmp_path: Path) -> None:
    code, _, told = say(KNOWLEDGE, copied(tmp_path / "new"), "--store", tmp_path / "none.db")
    assert code == 1 and "there is no store" in told and not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("option", [("--clinic", "Organization/1"), ("--on", "2026-11-22"), ("--list", "x")])
def test_what_speaks_of_patients_needs_a_store(say: Said, option: tuple[str, str]) -> None:
    code, _, told = say(KNOWLEDGE, *option)
    assert code == 2 and "--store" in told


def test_help_teaches(say: Said, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        say("--help")
    printed = capsys.readouterr().out
    for words in ("careplan knowledge diff old new --store", "fault", "nothing agreed changes", "Ctrl-C"):
        assert words in printed
