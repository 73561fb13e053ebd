"""The address of the store may hold a password: no command shows it, and none takes it where everybody reads it."""

import os
from pathlib import Path

import pytest

from careplan.cli import run
from careplan.settings import settings_from_environment

SECRET = "hemmelig"
ADDRESS = f"mongodb://u:{SECRET}@localhost:1/plan?replicaSet=r"


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, and no settings."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("CAREPLAN_")]:
        monkeypatch.delenv(name)


def test_the_address_comes_from_a_file_and_is_shown_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "store").write_text(f"{ADDRESS}\n", "utf-8")
    settings = settings_from_environment({"CAREPLAN_STORE_FILE": "store"})
    assert settings.store == ADDRESS
    assert SECRET not in repr(settings) + str(settings)
    assert settings_from_environment({"CAREPLAN_STORE_FILE": "store"}, store="x.db").store == "x.db"


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREPLAN_STORE_FILE", "nowhere")
    assert run(["eligible"]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_a_password_on_the_command_line_is_refused_and_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["eligible", "--store", ADDRESS]) == 2
    told = capsys.readouterr().err
    assert "CAREPLAN_STORE_FILE" in told and SECRET not in told


@pytest.mark.parametrize(
    "address",
    [
        f"postgres://u:{SECRET}@db/plan",
        f"mongodb://u:{SECRET}@localhost:99999/plan",
        f"mongodb://u:{SECRET}/x@localhost:1/plan",
        "mongodb://[::1/plan",
    ],
    ids=["of another kind", "a port that is none", "a sign that is not encoded", "half an address"],
)
@pytest.mark.parametrize("command", ["eligible", "audit --user x", "verify-audit"])
def test_an_address_that_cannot_be_is_refused_without_being_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, address: str, command: str
) -> None:
    monkeypatch.setenv("CAREPLAN_STORE", address)
    assert run(command.split()) in (1, 2)
    told = capsys.readouterr().err
    assert told.startswith("careplan: ") and SECRET not in told and "Traceback" not in told
