"""`careplan verify-audit` and `careplan audit`: an altered log is caught, and one command says who has looked."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from careplan.cli import run

ROOT = Path(__file__).resolve().parents[1]
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """Run a command in a folder with a loaded store: exit code, what it printed, what it told."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CAREPLAN_")]:
        monkeypatch.delenv(name)

    def command(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([*(str(one) for one in arguments), "--store", "x.db"])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    fixtures = [ROOT / "fixtures" / f"{name}.json" for name in ("Organization", "Patient", "Observation")]
    for one in fixtures:
        assert command("load", one)[0] == 0
    return command


def altered(change: str) -> None:
    with closing(sqlite3.connect("x.db")) as file, file:
        file.execute(change)


def test_an_untouched_log_has_no_faults_and_its_size_is_said(say: Said) -> None:
    code, printed, _ = say("verify-audit")
    assert (code, "2 entries in" in printed, "no faults" in printed) == (0, True, True)


def test_an_altered_log_is_caught_and_the_entry_named(say: Said) -> None:
    """R4-121."""
    altered(
        "UPDATE version SET body = CAST(replace(CAST(body AS TEXT), '\"load\"', '\"read\"') AS BLOB)"
        " WHERE type = 'AuditRecord'"
    )
    code, printed, _ = say("verify-audit")
    assert code == 1
    assert ".000000001..1: this entry was changed" in printed


def test_a_removed_record_is_caught(say: Said) -> None:
    altered("DELETE FROM resource WHERE type = 'AuditRecord' AND id LIKE '%.000000001'")
    code, printed, _ = say("verify-audit")
    assert (code, "this record is missing" in printed) == (1, True)


def test_a_seal_tells_that_the_whole_log_was_emptied(say: Said) -> None:
    assert say("verify-audit", "--seal", "seal.json")[0] == 0
    assert say("verify-audit", "--seal", "seal.json")[0] == 0
    altered("DELETE FROM resource WHERE type = 'AuditRecord'")
    code, printed, _ = say("verify-audit")
    assert (code, "no log of it" in printed) == (1, True)
    code, printed, _ = say("verify-audit", "--seal", "seal.json")
    assert (code, "though the seal has seen them" in printed) == (1, True)


def test_without_a_seal_it_is_said_what_cannot_be_found(say: Said) -> None:
    said = "no seal: a log that is cut or gone is not found"
    assert said in say("verify-audit")[1]
    assert said in say("verify-audit", "--seal", "seal.json")[1]
    assert said not in say("verify-audit", "--seal", "seal.json")[1]


def test_entries_that_wait_on_disk_are_told_by_both_commands(say: Said) -> None:
    Path("x.db-audit").mkdir(exist_ok=True)
    Path("x.db-audit/gone-0.000000001.log").touch()
    assert "1 files of entries wait on disk" in say("verify-audit")[1]
    assert "1 files of entries wait on disk" in say("audit", "--patient", "inger-test")[2]


def test_a_reader_that_stops_listening_is_no_error(say: Said) -> None:
    """As `careplan audit … | head`."""
    command = [sys.executable, "-m", "careplan", "audit", "--user", "role:system", "--store", "x.db"]
    reading, writing = os.pipe()
    os.close(reading)
    asked = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writing)
    assert (asked.returncode, asked.stderr) == (1, "")


def test_a_file_that_is_no_seal_is_refused(say: Said) -> None:
    Path("seal.json").write_text("[1]", "utf-8")
    code, _, told = say("verify-audit", "--seal", "seal.json")
    assert (code, "is no seal" in told) == (1, True)


def test_one_command_lists_all_access_to_a_person_and_another_all_by_a_user(say: Said) -> None:
    """Design §7: the first question of a breach."""
    code, printed, told = say("audit", "--patient", "Patient/inger-test")
    assert code == 0
    lines = [line.split("\t") for line in printed.splitlines()]
    assert [line[2:4] + line[6:8] for line in lines] == [["careplan load", "system", "load c", "allowed"]] * 2
    assert "2 accesses" in told
    assert say("audit", "--user", "role:system")[1] == printed
    assert say("audit", "--user", "careplan load")[1] == printed
    assert say("audit", "--patient", "nobody")[1] == ""
    assert say("audit")[0] == 2


def test_what_the_commands_themselves_read_is_logged(say: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREPLAN_EXPORT_SETTLE", "0")
    assert say("export", "--out", "all")[0] == 0
    printed = say("audit", "--patient", "inger-test")[1]
    assert "careplan export\tsystem\t-\t-\texport Observation?\tallowed" in printed


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["verify-audit", "--store", "none.db"]) == 1
    assert not (tmp_path / "none.db").exists()
