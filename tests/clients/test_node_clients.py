"""FHIR clients for JavaScript against the running service: a script each, run by Node where it is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
INSTALLED = Path(sys.prefix) / "clients"
"""Where `make test` puts the packages of tests/clients/package.json, when there is a Node and its npm."""


@pytest.mark.parametrize("name", ["fhir-kit-client", "medplum-core", "fhirclient"])
def test_a_client_for_javascript_finds_what_it_expects(service: str, name: str) -> None:
    """R4-13, R4-26, R4-38, R4-75, R4-101: create, update, patch, search, page, history, operations, delete."""
    node = shutil.which("node")
    package = name.replace("medplum-core", "@medplum/core")
    if node is None or not (INSTALLED / "node_modules" / package).is_dir():
        pytest.skip("Node or the packages of tests/clients/package.json are not installed")
    environment = {**os.environ, "CLIENTS": str(INSTALLED)}
    command = [node, HERE / f"{name}.mjs", service]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "done" in done.stdout
