"""`careplan serve` from the command line: the demo's way in cannot be opened in it, and it ends when it is told to."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from replicas import free_ports, replica_set
from served import ROOT, Served

from careplan.cli import run
from careplan.views.persona import PERSONAS

ENVIRONMENT = dict.fromkeys(
    "CAREPLAN_DEMO CAREPLAN_PERSONAS CAREPLAN_AUTH_DEMO CAREPLAN_DEMO_ISSUER DEMO FASTAPI_DEMO UVICORN_DEMO".split(),
    "1",
)
"""What somebody might try."""


@pytest.fixture(scope="module")
def tempted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service in whose environment and folder everything asks for the demo."""
    folder = tmp_path_factory.mktemp("tempted")
    running = Served(folder / "careplan-demo.db", folder / "served.log", workers=1, given=ENVIRONMENT)
    yield running
    running.end(signal.SIGTERM)


@pytest.mark.parametrize("flag", ["--demo", "--personas", "--auth=demo", "--issuer=demo", "--auth demo"])
def test_no_flag_of_serve_opens_the_demos_way_in(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["serve", *flag.split()])
    assert ended.value.code == 2 and "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["demo", "persona", "oidc,demo"])
def test_no_value_of_the_environment_is_that_way_in(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAREPLAN_AUTH", value)
    assert run(["serve"]) == 2 and "CAREPLAN_AUTH" in capsys.readouterr().err


def test_nothing_in_the_environment_opens_it_either(tempted: Served) -> None:
    """Names that a demo might be asked for by, and a store that is called as the demo's own."""
    with httpx.Client(base_url=tempted.base, follow_redirects=True) as client:
        front = client.get("/")
        assert "Hvem vil du være" not in front.text and 'name="person"' not in front.text
        for persona in PERSONAS:
            answer = client.post("/log-ind", data={"person": persona.key}, headers={"Sec-Fetch-Site": "same-origin"})
            assert "forloebsplan" not in " ".join(client.cookies.keys()), answer.text
        assert client.get("/arbejdsliste").url.path == "/"


def test_no_file_where_it_starts_opens_it(tmp_path: Path) -> None:
    """Settings come from the environment alone; files that other services read are not read."""
    for name in (".env", "careplan.env", "careplan.toml", "settings.toml", ".careplan", "pyproject.toml"):
        (tmp_path / name).write_text('CAREPLAN_DEMO=1\nCAREPLAN_AUTH=nonsense\ndemo = "true"\nauth = "nonsense"\n')
    (port,) = free_ports(1)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAREPLAN_")}
    command = [sys.executable, "-m", "careplan", "serve", "--store", "x.db", "--port", str(port)]
    with (tmp_path / "served.log").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment | {"PYTHONPATH": str(ROOT)}, stdout=output, stderr=output
        )
    try:
        page = _first_answer(f"http://127.0.0.1:{port}/", process)
        assert page.status_code == 200 and "Hvem vil du være" not in page.text
    finally:
        process.terminate()
        process.wait(20)


def _first_answer(address: str, process: "subprocess.Popen[bytes]") -> httpx.Response:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            return httpx.get(address, timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the service did not answer")


# ── the end ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("asked", [False, True], ids=["idle", "with an access not stored yet"])
def test_a_service_whose_mongodb_is_gone_ends_when_it_is_told_to(tmp_path: Path, asked: bool) -> None:
    """Within two seconds; what the store did not take waits on disk, and the next start stores it."""
    (tmp_path / "mongod").mkdir()
    with replica_set(tmp_path / "mongod", 1) as servers:
        ((port, mongod),) = servers.items()
        store = f"mongodb://127.0.0.1:{port}/gone?replicaSet=rs0"
        audit = tmp_path / "audit"
        given = {"CAREPLAN_AUDIT_FOLDER": str(audit)}
        running = Served(store, tmp_path / "served.log", workers=1, given=given)
        send = {"content-type": "application/fhir+json"}
        put = httpx.put(f"{running.base}/fhir/Patient/a", json={"resourceType": "Patient", "id": "a"}, headers=send)
        assert put.status_code == 201
        if asked:
            assert httpx.get(f"{running.base}/fhir/Patient/a").status_code == 200
        mongod.kill()
        mongod.wait()
        begun = time.monotonic()
        running.process.terminate()
        running.process.wait(30)
        took = time.monotonic() - begun
        assert took < 2, f"{took:.1f} s"
        assert bool(list(audit.glob("*.log"))) == asked
